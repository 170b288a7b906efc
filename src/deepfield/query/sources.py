"""Table ``source`` of the lake as a tree: its Parquet files joined to the artifacts that have these bytes.

The join makes a row current exactly while its artifact is, brings the columns that the catalogue knows, and carries the
access rule: rows of exclusive-access observations are protected as their bytes are.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
from sqlglot import exp

from deepfield.model.coverage import Circle
from deepfield.model.errors import InvalidQueryError
from deepfield.query.guard import where_readable
from deepfield.query.lower import double_text, literal, numeric
from deepfield.query.outlines import Outlines
from deepfield.query.regions import angle_to, enclosing_circle, healpix_ranges

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import pyarrow as pa

    from deepfield.access.policy import Readable
    from deepfield.model.coverage import Region
    from deepfield.model.tables import ColumnType, TableSchema
    from deepfield.query.engines.duckdb import Session

SOURCE: Final = "source"
_SLACK: Final = 1e-9
"""Degrees added to a circle before the exact test."""
_MOST_CANDIDATES: Final = 2_000_000
_TYPES: Final[dict[ColumnType, str]] = {
    "string": "VARCHAR",
    "bool": "BOOLEAN",
    "int32": "INTEGER",
    "int64": "BIGINT",
    "float64": "DOUBLE",
    "timestamp": "TIMESTAMP",
}


def lake_rows(table: TableSchema, files: Sequence[Path], rule: Readable, *, past: bool = False) -> exp.Select:
    """Return what stands for a lake table: its rows that the rule allows, with all columns described.

    ``files`` are the table's Parquet files as they are now. The tree reads ``artifact`` and ``observation``, so it is
    to be guarded like any other, which sets the snapshot. For a ``past`` one the rule is asked what it says now.
    """
    tables = {"artifact": "a", "observation": "o"}
    columns = [
        exp.alias_(exp.column(column.name, tables[column.of] if column.of else "s"), column.name)
        for column in table.columns
    ]
    tree = (
        exp.select(*columns)
        .from_(_stored(table, files).subquery("s"))
        .join(exp.to_table("artifact").as_("a"), on=_equal("sha256", "a", "s"))
        .join(exp.to_table("observation").as_("o"), on=_equal("obs_number", "o", "a"))
    )
    if not past:
        return tree.where(where_readable(rule, "o"))
    return tree.join(_releases().subquery("r"), on=_equal("obs_number", "r", "o")).where(where_readable(rule, "r"))


def sources_within(
    session: Session,
    table: TableSchema,
    files: Sequence[Path],
    region: Region,
    rule: Readable,
    *,
    columns: Sequence[str],
    limit: int,
    past: bool,
) -> pa.Table:
    """Return at most ``limit`` sources in a region that the rule allows, in order of their HEALPix indices.

    Raises:
        InvalidQueryError: the region is too large to be tested source by source.
    """
    circle = enclosing_circle(region)
    wanted = tuple(dict.fromkeys((*columns, "ra", "dec")))
    rows = lake_rows(table, files, rule, past=past).subquery(SOURCE)
    tree = exp.select(*(exp.column(name, SOURCE) for name in wanted)).from_(rows).where(_near(circle))
    tree = tree.order_by(*(exp.column(name, SOURCE) for name in ("healpix", "sha256", "row_number")))
    most = limit if isinstance(region, Circle) else _MOST_CANDIDATES + 1
    found = session.run(tree, limit=most)
    if isinstance(region, Circle):
        return found.select(list(columns))
    if found.num_rows > _MOST_CANDIDATES:
        raise InvalidQueryError("region", region.to_stcs(), f"a region with at most {_MOST_CANDIDATES:,} sources")
    ra, dec = found["ra"].to_numpy(), found["dec"].to_numpy()
    inside = np.flatnonzero(Outlines.points(ra, dec).meet(region))[:limit]
    return found.take(inside).select(list(columns))


def _stored(table: TableSchema, files: Sequence[Path]) -> exp.Select:
    """Return the rows as they are stored; none where there is no file."""
    if not files:
        nulls = (exp.alias_(exp.cast(exp.null(), _TYPES[column.type]), column.name) for column in table.stored)
        return exp.select(*nulls).where(exp.false())
    listed = exp.array(*(exp.Literal.string(str(file)) for file in files))
    reader = exp.Anonymous(this="read_parquet", expressions=[listed])
    return exp.select(*(exp.column(column.name) for column in table.stored)).from_(reader)


def _releases() -> exp.Select:
    """Return programme and release date of every observation by its newest version."""
    newest = (
        exp.alias_(exp.func("arg_max_null", exp.column(name), exp.column("seq_from")), name)
        for name in ("data_release", "proposal_id")
    )
    return exp.select("obs_number", *newest).from_("observation_all").group_by("obs_number")


def _equal(name: str, left: str, right: str) -> exp.Expression:
    return exp.column(name, left).eq(exp.column(name, right))


def _near(circle: Circle) -> exp.Expression:
    """Return the condition that a source lies in a circle, with HEALPix ranges to pass over the rest."""
    angle = angle_to(circle, ra_column=f"{SOURCE}.ra", dec_column=f"{SOURCE}.dec")
    near = numeric(f"{angle} <= {double_text(circle.radius + _SLACK)}")
    ranges = healpix_ranges(circle.ra, circle.dec, circle.radius + _SLACK)
    cell = exp.column("healpix", SOURCE)
    if ranges is None:
        return exp.and_(exp.not_(cell.is_(exp.null())), near)
    return exp.and_(exp.or_(*(cell.between(literal(first), literal(last)) for first, last in ranges)), near)
