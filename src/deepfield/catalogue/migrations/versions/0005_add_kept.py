"""Add what people keep: baskets, lists and searches."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from deepfield.catalogue import types

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "kept",
        sa.Column("kept_id", types.Characters(), autoincrement=False, nullable=False),
        sa.Column("account_id", types.Characters(), nullable=False),
        sa.Column("kind", types.Characters(), nullable=False),
        sa.Column("name", types.Characters(), nullable=False),
        sa.Column("document", types.Json(), nullable=False),
        sa.Column("created_at", types.Moment(), nullable=False),
        sa.Column("modified_at", types.Moment(), nullable=False),
        sa.PrimaryKeyConstraint("kept_id", name="pk_kept"),
        sa.UniqueConstraint("account_id", "kind", "name", name="uq_kept_account_id_kind_name"),
        sqlite_with_rowid=True,
    )


def downgrade() -> None:
    op.drop_table("kept")
