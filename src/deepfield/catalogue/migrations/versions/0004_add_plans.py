"""Add planned exposures."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from deepfield.catalogue import types

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

IS_ENDED, IS_CURRENT = sa.text("seq_to IS NOT NULL"), sa.text("seq_to IS NULL")


def upgrade() -> None:
    op.create_table(
        "plan",
        sa.Column("plan_number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("obs_id", types.Characters(), nullable=False),
        sa.Column("proposal_id", types.Characters(), nullable=False),
        sa.Column("observation_number", types.Characters(), nullable=False),
        sa.Column("visit_id", types.Characters(), nullable=False),
        sa.Column("calib_level", sa.Integer(), nullable=False),
        sa.Column("visit_status", types.Characters(), nullable=True),
        sa.Column("status_group", types.Characters(), nullable=True),
        sa.Column("target_name", types.Characters(), nullable=True),
        sa.Column("target_type", types.Characters(), nullable=True),
        sa.Column("s_ra", sa.Double(), nullable=True),
        sa.Column("s_dec", sa.Double(), nullable=True),
        sa.Column("s_fov", sa.Double(), nullable=True),
        sa.Column("s_region", types.Characters(), nullable=True),
        sa.Column("healpix", sa.BigInteger(), nullable=True),
        sa.Column("instrument_name", types.Characters(), nullable=True),
        sa.Column("template", types.Characters(), nullable=True),
        sa.Column("filters", types.Characters(), nullable=True),
        sa.Column("em_min", sa.Double(), nullable=True),
        sa.Column("em_max", sa.Double(), nullable=True),
        sa.Column("t_min", sa.Double(), nullable=True),
        sa.Column("t_max", sa.Double(), nullable=True),
        sa.Column("t_exptime", sa.Double(), nullable=True),
        sa.Column("window_start", types.Moment(), nullable=True),
        sa.Column("window_end", types.Moment(), nullable=True),
        sa.Column("repeats", types.Characters(), nullable=True),
        sa.Column("repeated_by", types.Characters(), nullable=True),
        sa.Column("problem_id", types.Characters(), nullable=True),
        sa.Column("source", types.Characters(), nullable=False),
        sa.Column("planned_at", types.Moment(), nullable=False),
        sa.Column("seq_from", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("seq_to", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("plan_number", "seq_from", name="pk_plan"),
    )
    op.create_index("ix_plan_obs_id", "plan", ["obs_id"])
    op.create_index("ix_plan_proposal_id", "plan", ["proposal_id"])
    op.create_index("ix_plan_visit_id", "plan", ["visit_id"])
    op.create_index("ix_plan_seq_from", "plan", ["seq_from"])
    op.create_index("ix_plan_seq_to", "plan", ["seq_to"], sqlite_where=IS_ENDED, postgresql_where=IS_ENDED)
    op.create_index(
        "uq_plan_current", "plan", ["plan_number"], unique=True, sqlite_where=IS_CURRENT, postgresql_where=IS_CURRENT
    )
