"""Add what files say of their reference files and parts."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from deepfield.catalogue import types

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

IS_ENDED, IS_CURRENT = sa.text("seq_to IS NOT NULL"), sa.text("seq_to IS NULL")


def upgrade() -> None:
    op.create_table(
        "content",
        sa.Column("sha256", types.Characters(), nullable=False),
        sa.Column("crds_ctx", types.Characters(), nullable=True),
        sa.Column("reference_set", types.Characters(), nullable=True),
        sa.Column("part_set", types.Characters(), nullable=True),
        sa.Column("seq_from", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("seq_to", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("sha256", "seq_from", name="pk_content"),
    )
    op.create_table(
        "reference_file",
        sa.Column("reference_set", types.Characters(), nullable=False),
        sa.Column("keyword", types.Characters(), nullable=False),
        sa.Column("reference_type", types.Characters(), nullable=True),
        sa.Column("filename", types.Characters(), nullable=False),
        sa.Column("seq_from", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("seq_to", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("reference_set", "keyword", "seq_from", name="pk_reference_file"),
    )
    op.create_table(
        "part",
        sa.Column("part_set", types.Characters(), nullable=False),
        sa.Column("hdu", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("name", types.Characters(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("kind", types.Characters(), nullable=False),
        sa.Column("shape", types.Characters(), nullable=False),
        sa.Column("dtype", types.Characters(), nullable=False),
        sa.Column("column_names", types.Json(), nullable=False),
        sa.Column("seq_from", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("seq_to", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("part_set", "hdu", "seq_from", name="pk_part"),
    )
    for table in ("content", "reference_file", "part"):
        op.create_index(f"ix_{table}_seq_from", table, ["seq_from"])
        op.create_index(f"ix_{table}_seq_to", table, ["seq_to"], sqlite_where=IS_ENDED, postgresql_where=IS_ENDED)
    op.create_index(
        "uq_content_current", "content", ["sha256"], unique=True, sqlite_where=IS_CURRENT, postgresql_where=IS_CURRENT
    )
