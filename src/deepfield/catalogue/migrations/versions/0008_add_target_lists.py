"""Add lists of targets."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from deepfield.catalogue import types

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "target_list",
        sa.Column("list_id", types.Characters(), autoincrement=False, nullable=False),
        sa.Column("account_id", types.Characters(), nullable=True),
        sa.Column("name", types.Characters(), nullable=False),
        sa.Column("targets", types.Json(), nullable=False),
        sa.Column("created_at", types.Moment(), nullable=False),
        sa.Column("expires_at", types.Moment(), nullable=False),
        sa.PrimaryKeyConstraint("list_id", name="pk_target_list"),
        sqlite_with_rowid=True,
    )
    op.create_index("ix_target_list_expires_at", "target_list", ["expires_at"])


def downgrade() -> None:
    op.drop_table("target_list")
