"""Add asynchronous jobs and pinned snapshots."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from deepfield.catalogue import types

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "job",
        sa.Column("job_id", types.Characters(), autoincrement=False, nullable=False),
        sa.Column("kind", types.Characters(), nullable=False),
        sa.Column("phase", types.Characters(), nullable=False),
        sa.Column("owner", types.Characters(), nullable=True),
        sa.Column("origin", types.Characters(), nullable=True),
        sa.Column("rights", types.Json(), nullable=False),
        sa.Column("address", types.Characters(), nullable=False),
        sa.Column("run_id", types.Characters(), nullable=True),
        sa.Column("parameters", types.Json(), nullable=False),
        sa.Column("files", types.Json(), nullable=False),
        sa.Column("created", types.Moment(), nullable=False),
        sa.Column("queued", types.Moment(), nullable=True),
        sa.Column("started", types.Moment(), nullable=True),
        sa.Column("ended", types.Moment(), nullable=True),
        sa.Column("duration", sa.Integer(), nullable=False),
        sa.Column("destruction", types.Moment(), nullable=False),
        sa.Column("worker", types.Characters(), nullable=True),
        sa.Column("lease", types.Moment(), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("results", types.Json(), nullable=False),
        sa.Column("error", types.Json(), nullable=True),
        sa.PrimaryKeyConstraint("job_id", name="pk_job"),
        sqlite_with_rowid=True,
    )
    for column in ("phase", "owner", "origin", "destruction"):
        op.create_index(f"ix_job_{column}", "job", [column], unique=False)
    op.create_table(
        "snapshot_pin",
        sa.Column("name", types.Characters(), autoincrement=False, nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("pinned_at", types.Moment(), nullable=False),
        sa.Column("note", types.Characters(), nullable=True),
        sa.PrimaryKeyConstraint("name", name="pk_snapshot_pin"),
        sqlite_with_rowid=True,
    )
