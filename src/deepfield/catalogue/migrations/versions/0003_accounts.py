"""Create the tables of accounts, tokens, sessions and the access log."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from deepfield.catalogue import types

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "access_log",
        sa.Column("entry_id", types.Characters(), autoincrement=False, nullable=False),
        sa.Column("time", types.Moment(), nullable=False),
        sa.Column("last_time", types.Moment(), nullable=False),
        sa.Column("count", sa.BigInteger(), nullable=False),
        sa.Column("action", types.Characters(), nullable=False),
        sa.Column("account", types.Characters(), nullable=False),
        sa.Column("address", types.Characters(), nullable=True),
        sa.Column("subject", types.Characters(), nullable=True),
        sa.Column("detail", types.Characters(), nullable=True),
        sa.PrimaryKeyConstraint("entry_id", name="pk_access_log"),
        sqlite_with_rowid=True,
    )
    op.create_index("ix_access_log_account", "access_log", ["account"], unique=False)
    op.create_index("ix_access_log_action", "access_log", ["action"], unique=False)
    op.create_index("ix_access_log_time", "access_log", ["time"], unique=False)
    op.create_table(
        "account",
        sa.Column("account_id", types.Characters(), autoincrement=False, nullable=False),
        sa.Column("name", types.Characters(), nullable=False),
        sa.Column("display_name", types.Characters(), nullable=True),
        sa.Column("email", types.Characters(), nullable=True),
        sa.Column("password_hash", types.Characters(), nullable=True),
        sa.Column("issuer", types.Characters(), nullable=True),
        sa.Column("subject", types.Characters(), nullable=True),
        sa.Column("staff", sa.Boolean(), nullable=False),
        sa.Column("created_at", types.Moment(), nullable=False),
        sa.Column("disabled_at", types.Moment(), nullable=True),
        sa.PrimaryKeyConstraint("account_id", name="pk_account"),
        sa.UniqueConstraint("issuer", "subject", name="uq_account_issuer_subject"),
        sa.UniqueConstraint("name", name="uq_account_name"),
        sqlite_with_rowid=True,
    )
    op.create_table(
        "membership",
        sa.Column("proposal_id", types.Characters(), autoincrement=False, nullable=False),
        sa.Column("account_id", types.Characters(), autoincrement=False, nullable=False),
        sa.Column("role", types.Characters(), nullable=False),
        sa.Column("granted_by", types.Characters(), nullable=False),
        sa.Column("granted_at", types.Moment(), nullable=False),
        sa.PrimaryKeyConstraint("proposal_id", "account_id", name="pk_membership"),
        sqlite_with_rowid=True,
    )
    op.create_index("ix_membership_account_id", "membership", ["account_id"], unique=False)
    op.create_table(
        "session",
        sa.Column("secret_hash", types.Characters(), autoincrement=False, nullable=False),
        sa.Column("account_id", types.Characters(), nullable=False),
        sa.Column("created_at", types.Moment(), nullable=False),
        sa.Column("expires_at", types.Moment(), nullable=False),
        sa.PrimaryKeyConstraint("secret_hash", name="pk_session"),
        sqlite_with_rowid=True,
    )
    op.create_index("ix_session_account_id", "session", ["account_id"], unique=False)
    op.create_index("ix_session_expires_at", "session", ["expires_at"], unique=False)
    op.create_table(
        "sign_in_attempt",
        sa.Column("subject", types.Characters(), autoincrement=False, nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("since", types.Moment(), nullable=False),
        sa.PrimaryKeyConstraint("subject", name="pk_sign_in_attempt"),
        sqlite_with_rowid=True,
    )
    op.create_index("ix_sign_in_attempt_since", "sign_in_attempt", ["since"], unique=False)
    op.create_table(
        "token",
        sa.Column("token_id", types.Characters(), autoincrement=False, nullable=False),
        sa.Column("account_id", types.Characters(), nullable=False),
        sa.Column("label", types.Characters(), nullable=False),
        sa.Column("secret_hash", types.Characters(), nullable=False),
        sa.Column("scopes", types.Json(), nullable=False),
        sa.Column("created_at", types.Moment(), nullable=False),
        sa.Column("expires_at", types.Moment(), nullable=False),
        sa.Column("revoked_at", types.Moment(), nullable=True),
        sa.Column("used_at", types.Moment(), nullable=True),
        sa.PrimaryKeyConstraint("token_id", name="pk_token"),
        sa.UniqueConstraint("secret_hash", name="uq_token_secret_hash"),
        sqlite_with_rowid=True,
    )
    op.create_index("ix_token_account_id", "token", ["account_id"], unique=False)
