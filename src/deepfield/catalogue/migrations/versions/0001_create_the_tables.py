"""Create the tables."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

from deepfield.catalogue import types

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

IS_ENDED, IS_CURRENT = sa.text("seq_to IS NOT NULL"), sa.text("seq_to IS NULL")
ENDED: dict[str, Any] = {"sqlite_where": IS_ENDED, "postgresql_where": IS_ENDED}
CURRENT: dict[str, Any] = {"sqlite_where": IS_CURRENT, "postgresql_where": IS_CURRENT}


def upgrade() -> None:
    op.create_table(
        "artifact",
        sa.Column("artifact_number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("obs_number", sa.BigInteger(), nullable=False),
        sa.Column("product_id", types.Characters(), nullable=False),
        sa.Column("filename", types.Characters(), nullable=False),
        sa.Column("suffix", types.Characters(), nullable=True),
        sa.Column("extension", types.Characters(), nullable=False),
        sa.Column("product_type", types.Characters(), nullable=False),
        sa.Column("product_group", types.Characters(), nullable=True),
        sa.Column("calib_level", sa.Integer(), nullable=True),
        sa.Column("description", types.Characters(), nullable=False),
        sa.Column("detector", types.Characters(), nullable=True),
        sa.Column("content_type", types.Characters(), nullable=False),
        sa.Column("content_length", sa.BigInteger(), nullable=False),
        sa.Column("sha256", types.Characters(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created", types.Moment(), nullable=True),
        sa.Column("data_release", types.Moment(), nullable=True),
        sa.Column("location", types.Characters(), nullable=False),
        sa.Column("linked", sa.Boolean(), nullable=False),
        sa.Column("mtime_ns", sa.BigInteger(), nullable=True),
        sa.Column("has_preview", sa.Boolean(), nullable=False),
        sa.Column("archived_at", types.Moment(), nullable=False),
        sa.Column("seq_from", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("seq_to", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("artifact_number", "seq_from", name="pk_artifact"),
        sqlite_with_rowid=True,
    )
    op.create_index("ix_artifact_filename", "artifact", ["filename"], unique=False)
    op.create_index("ix_artifact_obs_number", "artifact", ["obs_number"], unique=False)
    op.create_index("ix_artifact_seq_from", "artifact", ["seq_from"], unique=False)
    op.create_index("ix_artifact_seq_to", "artifact", ["seq_to"], unique=False, **ENDED)
    op.create_index("ix_artifact_sha256", "artifact", ["sha256"], unique=False)
    op.create_index("uq_artifact_current", "artifact", ["artifact_number"], unique=True, **CURRENT)
    op.create_table(
        "artifact_header",
        sa.Column("sha256", types.Characters(), autoincrement=False, nullable=False),
        sa.Column("document", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("sha256", name="pk_artifact_header"),
        sqlite_with_rowid=True,
    )
    op.create_table(
        "event",
        sa.Column("event_id", types.Characters(), autoincrement=False, nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("type", types.Characters(), nullable=False),
        sa.Column("time", types.Moment(), nullable=False),
        sa.Column("proposal_id", types.Characters(), nullable=True),
        sa.Column("obs_id", types.Characters(), nullable=True),
        sa.Column("document", types.Json(), nullable=False),
        sa.PrimaryKeyConstraint("event_id", name="pk_event"),
        sqlite_with_rowid=True,
    )
    op.create_index("ix_event_obs_id", "event", ["obs_id"], unique=False)
    op.create_index("ix_event_seq", "event", ["seq"], unique=False)
    op.create_table(
        "identity",
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("kind", types.Characters(), nullable=False),
        sa.Column("name", types.Characters(), nullable=False),
        sa.PrimaryKeyConstraint("number", name="pk_identity"),
        sa.UniqueConstraint("kind", "name", name="uq_identity_kind_name"),
        sqlite_with_rowid=True,
    )
    op.create_table(
        "observation",
        sa.Column("obs_number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("obs_id", types.Characters(), nullable=False),
        sa.Column("obs_collection", types.Characters(), nullable=False),
        sa.Column("algorithm", types.Characters(), nullable=False),
        sa.Column("intent", types.Characters(), nullable=True),
        sa.Column("target_name", types.Characters(), nullable=True),
        sa.Column("target_standard_name", types.Characters(), nullable=True),
        sa.Column("target_classification", types.Characters(), nullable=True),
        sa.Column("target_type", types.Characters(), nullable=True),
        sa.Column("moving_target", sa.Boolean(), nullable=False),
        sa.Column("s_ra", sa.Double(), nullable=True),
        sa.Column("s_dec", sa.Double(), nullable=True),
        sa.Column("s_fov", sa.Double(), nullable=True),
        sa.Column("s_region", types.Characters(), nullable=True),
        sa.Column("s_pixel_scale", sa.Double(), nullable=True),
        sa.Column("s_resolution", sa.Double(), nullable=True),
        sa.Column("healpix", sa.BigInteger(), nullable=True),
        sa.Column("instrument_name", types.Characters(), nullable=True),
        sa.Column("instrument_mode", types.Characters(), nullable=True),
        sa.Column("detector", types.Characters(), nullable=True),
        sa.Column("exp_type", types.Characters(), nullable=True),
        sa.Column("template", types.Characters(), nullable=True),
        sa.Column("aperture", types.Characters(), nullable=True),
        sa.Column("subarray", types.Characters(), nullable=True),
        sa.Column("filters", types.Characters(), nullable=True),
        sa.Column("dataproduct_type", types.Characters(), nullable=True),
        sa.Column("calib_level", sa.Integer(), nullable=True),
        sa.Column("is_tso", sa.Boolean(), nullable=False),
        sa.Column("t_min", sa.Double(), nullable=True),
        sa.Column("t_max", sa.Double(), nullable=True),
        sa.Column("t_exptime", sa.Double(), nullable=True),
        sa.Column("em_min", sa.Double(), nullable=True),
        sa.Column("em_max", sa.Double(), nullable=True),
        sa.Column("em_res_power", sa.Double(), nullable=True),
        sa.Column("proposal_id", types.Characters(), nullable=True),
        sa.Column("proposal_pi", types.Characters(), nullable=True),
        sa.Column("proposal_title", types.Characters(), nullable=True),
        sa.Column("proposal_type", types.Characters(), nullable=True),
        sa.Column("visit_id", types.Characters(), nullable=True),
        sa.Column("observation_number", types.Characters(), nullable=True),
        sa.Column("visit_status", types.Characters(), nullable=True),
        sa.Column("data_release", types.Moment(), nullable=True),
        sa.Column("cal_ver", types.Characters(), nullable=True),
        sa.Column("crds_ctx", types.Characters(), nullable=True),
        sa.Column("obs_creation_date", types.Moment(), nullable=True),
        sa.Column("main_product", types.Characters(), nullable=True),
        sa.Column("preview_product", types.Characters(), nullable=True),
        sa.Column("n_products", sa.Integer(), nullable=False),
        sa.Column("access_estsize", sa.BigInteger(), nullable=False),
        sa.Column("archived_at", types.Moment(), nullable=False),
        sa.Column("modified_at", types.Moment(), nullable=False),
        sa.Column("members", types.Json(), nullable=True),
        sa.Column("origin", types.Json(), nullable=True),
        sa.Column("notes", types.Json(), nullable=True),
        sa.Column("seq_from", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("seq_to", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("obs_number", "seq_from", name="pk_observation"),
        sqlite_with_rowid=True,
    )
    op.create_index("ix_observation_instrument_name", "observation", ["instrument_name"], unique=False)
    op.create_index("ix_observation_obs_id", "observation", ["obs_id"], unique=False)
    op.create_index("ix_observation_proposal_id", "observation", ["proposal_id"], unique=False)
    op.create_index("ix_observation_seq_from", "observation", ["seq_from"], unique=False)
    op.create_index("ix_observation_seq_to", "observation", ["seq_to"], unique=False, **ENDED)
    op.create_index("ix_observation_target_name", "observation", ["target_name"], unique=False)
    op.create_index("uq_observation_current", "observation", ["obs_number"], unique=True, **CURRENT)
    op.create_table(
        "plane",
        sa.Column("plane_number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("obs_number", sa.BigInteger(), nullable=False),
        sa.Column("obs_id", types.Characters(), nullable=False),
        sa.Column("product_id", types.Characters(), nullable=False),
        sa.Column("calib_level", sa.Integer(), nullable=True),
        sa.Column("dataproduct_type", types.Characters(), nullable=True),
        sa.Column("data_release", types.Moment(), nullable=True),
        sa.Column("meta_release", types.Moment(), nullable=True),
        sa.Column("main_product", types.Characters(), nullable=True),
        sa.Column("s_ra", sa.Double(), nullable=True),
        sa.Column("s_dec", sa.Double(), nullable=True),
        sa.Column("s_fov", sa.Double(), nullable=True),
        sa.Column("s_region", types.Characters(), nullable=True),
        sa.Column("s_pixel_scale", sa.Double(), nullable=True),
        sa.Column("s_xel1", sa.BigInteger(), nullable=True),
        sa.Column("s_xel2", sa.BigInteger(), nullable=True),
        sa.Column("t_min", sa.Double(), nullable=True),
        sa.Column("t_max", sa.Double(), nullable=True),
        sa.Column("t_exptime", sa.Double(), nullable=True),
        sa.Column("t_resolution", sa.Double(), nullable=True),
        sa.Column("t_xel", sa.BigInteger(), nullable=True),
        sa.Column("em_min", sa.Double(), nullable=True),
        sa.Column("em_max", sa.Double(), nullable=True),
        sa.Column("em_res_power", sa.Double(), nullable=True),
        sa.Column("em_xel", sa.BigInteger(), nullable=True),
        sa.Column("filters", types.Characters(), nullable=True),
        sa.Column("cal_ver", types.Characters(), nullable=True),
        sa.Column("crds_ctx", types.Characters(), nullable=True),
        sa.Column("sdp_ver", types.Characters(), nullable=True),
        sa.Column("last_executed", types.Moment(), nullable=True),
        sa.Column("inputs", types.Json(), nullable=True),
        sa.Column("seq_from", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("seq_to", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("plane_number", "seq_from", name="pk_plane"),
        sqlite_with_rowid=True,
    )
    op.create_index("ix_plane_obs_number", "plane", ["obs_number"], unique=False)
    op.create_index("ix_plane_seq_from", "plane", ["seq_from"], unique=False)
    op.create_index("ix_plane_seq_to", "plane", ["seq_to"], unique=False, **ENDED)
    op.create_index("uq_plane_current", "plane", ["plane_number"], unique=True, **CURRENT)
    op.create_table(
        "product_link",
        sa.Column("obs_number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("artifact_number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("relation", types.Characters(), nullable=False),
        sa.Column("seq_from", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("seq_to", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("obs_number", "artifact_number", "seq_from", name="pk_product_link"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_product_link_artifact_number", "product_link", ["artifact_number"], unique=False)
    op.create_index("ix_product_link_seq_from", "product_link", ["seq_from"], unique=False)
    op.create_index("ix_product_link_seq_to", "product_link", ["seq_to"], unique=False, **ENDED)
    op.create_table(
        "release_rule",
        sa.Column("scope", types.Characters(), autoincrement=False, nullable=False),
        sa.Column("name", types.Characters(), autoincrement=False, nullable=False),
        sa.Column("exclusive_months", sa.Integer(), nullable=True),
        sa.Column("release", types.Moment(), nullable=True),
        sa.PrimaryKeyConstraint("scope", "name", name="pk_release_rule"),
        sqlite_with_rowid=True,
    )
    op.create_table(
        "snapshot",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("next_number", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_snapshot"),
        sqlite_with_rowid=True,
    )
    op.create_table(
        "source_file",
        sa.Column("path", types.Characters(), autoincrement=False, nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("mtime_ns", sa.BigInteger(), nullable=False),
        sa.Column("sha256", types.Characters(), nullable=True),
        sa.Column("status", types.Characters(), nullable=False),
        sa.Column("filename", types.Characters(), nullable=True),
        sa.Column("obs_id", types.Characters(), nullable=True),
        sa.Column("reason", types.Characters(), nullable=True),
        sa.Column("seen_at", types.Moment(), nullable=False),
        sa.PrimaryKeyConstraint("path", name="pk_source_file"),
        sqlite_with_rowid=True,
    )
    op.execute("INSERT INTO snapshot (id, seq, next_number) VALUES (1, 0, 1)")
