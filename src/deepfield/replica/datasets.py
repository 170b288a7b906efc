"""Planes with what their observation and main product say, in one table sorted by place: what ObsCore calls datasets.

Joining three tables of millions of rows for every query costs more than all else it does, so the replica that answers
ADQL keeps the join. A row is alive while its plane, its observation and its main product are.
"""

from __future__ import annotations

from typing import Final

PLANE: Final = (
    "plane_number", "obs_number", "obs_id", "product_id", "calib_level", "dataproduct_type", "data_release",
    "meta_release", "main_product", "s_ra", "s_dec", "s_fov", "s_region", "s_pixel_scale", "s_xel1", "s_xel2", "t_min",
    "t_max", "t_exptime", "t_resolution", "t_xel", "em_min", "em_max", "em_res_power", "em_xel", "filters", "cal_ver",
    "crds_ctx", "sdp_ver", "last_executed", "inputs", "healpix",
)  # fmt: skip
OBSERVATION: Final = (
    "algorithm", "intent", "target_name", "target_standard_name", "target_classification", "target_type",
    "moving_target", "instrument_name", "instrument_mode", "detector", "exp_type", "template", "aperture", "subarray",
    "is_tso", "proposal_id", "proposal_pi", "proposal_title", "proposal_type", "visit_id", "observation_number",
    "visit_status", "archived_at", "modified_at",
)  # fmt: skip
PRODUCT: Final = ("suffix", "content_type", "content_length", "created", "has_preview")
"""Columns of the main product."""

TYPES: Final = ("image", "cube", "spectrum", "sed", "timeseries", "visibility", "event", "measurements")
"""The values of ``dataproduct_type`` that ObsCore knows (ObsCore 1.1 §3.3.1)."""

_NEVER: Final = "9223372036854775807"
_BEGUN: Final = "greatest(p.seq_from, o.seq_from, coalesce(a.seq_from, 0))"
_ENDED: Final = "least({})".format(", ".join(f"coalesce({alias}.seq_to, {_NEVER})" for alias in "poa"))
_COLUMNS: Final = ", ".join(
    (
        *(f"p.{name}" for name in PLANE),
        *(f"o.{name}" for name in OBSERVATION),
        *(f"a.{name}" for name in PRODUCT),
        f"CASE WHEN p.dataproduct_type IN {TYPES} THEN p.dataproduct_type END AS obscore_type",
        "CASE WHEN p.s_region = o.s_region THEN o.outline END AS outline",
        f"{_BEGUN} AS seq_from",
        f"nullif({_ENDED}, {_NEVER}) AS seq_to",
    )
)
_SELECT: Final = (
    f"SELECT {_COLUMNS} FROM plane_all AS p JOIN observation_all AS o ON o.obs_number = p.obs_number "
    "LEFT JOIN artifact_all AS a ON a.obs_number = p.obs_number AND a.filename = p.main_product "
    f"AND a.seq_from < coalesce(p.seq_to, {_NEVER}) AND coalesce(a.seq_to, {_NEVER}) > p.seq_from "
    f"WHERE {_BEGUN} < {_ENDED}"
)
_TOUCHED: Final = "(SELECT obs_number FROM touched_observations)"

TOUCHED: Final = "touched_observations"
"""Name under which the numbers of changed observations are offered to ``refresh_statements``."""
FEEDING: Final = frozenset({"observation", "plane", "artifact"})
"""The tables whose changes change datasets."""


def create_statement() -> str:
    """Return the DDL of the empty table."""
    return f"CREATE TABLE dataset_all AS {_SELECT} LIMIT 0"


def fill_statement() -> str:
    """Return what fills the empty table, in the order of places."""
    return f"INSERT INTO dataset_all BY NAME {_SELECT} ORDER BY p.healpix, p.plane_number"


def refresh_statements() -> list[str]:
    """Return what brings the datasets of the touched observations up to the tables they come from."""
    return [
        f"DELETE FROM dataset_all WHERE obs_number IN {_TOUCHED}",
        f"INSERT INTO dataset_all BY NAME {_SELECT} AND p.obs_number IN {_TOUCHED}",
    ]
