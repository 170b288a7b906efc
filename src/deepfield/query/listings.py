"""Rows of a search by their place in it, for protocols whose pages have numbers; and the files of observations."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

import numpy as np
from sqlglot import exp

from deepfield.model.coverage import Circle, Point, Polygon, parse_regions, separation, to_vectors
from deepfield.query.lower import column, literal, where_subject
from deepfield.query.pages import NUMBER, ordering

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pyarrow as pa
    from numpy.typing import NDArray

    from deepfield.model.coverage import Region
    from deepfield.query.filters import Filter, SortKey
    from deepfield.query.scope import Scope

FILE: Final = "f"
"""The alias under which trees read table ``artifact`` beside the observation that owns each file."""
KEYWORD: Final = "k"
"""The alias of table ``keyword``."""
FILE_NUMBER: Final = "artifact_number"
OUTLINES: Final = ("outline", "s_region")
_ARCSEC: Final = 3600.0

Aggregate = Literal["first", "set", "list", "min", "max", "bool_or", "count"]


def listing_tree(scope: Scope, columns: Sequence[str], order: Sequence[SortKey], offset: int) -> exp.Select:
    """Return the tree of rows from ``offset`` on, in an order that is always the same."""
    tree = scope.select().select(*(column(name) for name in columns), copy=False)
    return tree.order_by(*ordering(order), copy=False).offset(offset, copy=False)


@dataclass(frozen=True, slots=True)
class FileQuery:
    """Which of the files of a search are listed, and what of them."""

    filters: tuple[Filter, ...] = ()
    """On table ``artifact``."""
    keyword_filters: tuple[Filter, ...] = ()
    """On table ``keyword``; files without a row there meet none."""
    columns: tuple[str, ...] = ()
    """Of ``artifact``, shown as ``file_…``."""
    keyword_columns: tuple[str, ...] = ()
    """Of ``keyword``, shown as ``keyword_…``."""


def files_tree(scope: Scope, query: FileQuery) -> exp.Select:
    """Return a tree over the current files of the rows of a scope, yet without columns."""
    tree = scope.select().join(exp.to_table("artifact", alias=FILE), on=_same(NUMBER, FILE, None), copy=False)
    for each in query.filters:
        tree = tree.where(where_subject(exp.column(each.column, FILE), each), copy=False)
    if query.keyword_filters:
        tree = tree.join(exp.to_table("keyword", alias=KEYWORD), on=_same(FILE_NUMBER, KEYWORD, FILE), copy=False)
    for each in query.keyword_filters:
        tree = tree.where(where_subject(exp.column(each.column, KEYWORD), each), copy=False)
    return tree


def file_rows_tree(
    tree: exp.Select, columns: Sequence[str], query: FileQuery, *, offset: int, limit: int
) -> exp.Select:
    """Return the tree of a page of files by name: columns of the observation, of the file, of its keywords.

    The wide rows of keywords are read for the page alone.
    """
    own = tuple(dict.fromkeys((*query.columns, FILE_NUMBER, "filename")))
    chosen = [column(name) for name in columns]
    chosen += [exp.alias_(exp.column(name, FILE), f"file_{name}") for name in own]
    page = tree.copy().select(*chosen, copy=False).order_by(exp.column("filename", FILE), copy=False)
    page.set("offset", exp.Offset(expression=literal(offset)))
    page.set("limit", exp.Limit(expression=literal(limit)))
    shown = [exp.column(name, "page") for name in (*columns, *(f"file_{name}" for name in own))]
    shown += [exp.alias_(exp.column(name, KEYWORD), f"keyword_{name}") for name in query.keyword_columns]
    rows = exp.select(*shown).from_(page.subquery("page"))
    if query.keyword_columns:
        on = _same(FILE_NUMBER, KEYWORD, "page", f"file_{FILE_NUMBER}")
        rows = rows.join(exp.to_table("keyword", alias=KEYWORD), on=on, join_type="left", copy=False)
    return rows.order_by(exp.column("file_filename", "page"), copy=False)


def _same(name: str, table: str, other: str | None, other_name: str | None = None) -> exp.Expression:
    there = column(name) if other is None else exp.column(other_name or name, other)
    return exp.column(name, table).eq(there)


def counting_tree(tree: exp.Select) -> exp.Select:
    """Return the tree that counts the rows of another as ``n``."""
    return tree.copy().select(exp.alias_(exp.Count(this=exp.Star()), "n"), copy=False)


@dataclass(frozen=True, slots=True)
class Grouping:
    """Groups of observations, and what of them is shown."""

    aggregates: tuple[tuple[str, Aggregate, str], ...]
    """Alias, function and column; ``first`` is the value of the observation with the smallest number."""
    subject: str = "obs_id"
    """The column whose value is the ``name`` of the group."""
    key: tuple[str, str] | None = None
    """A regular expression and what replaces it in the name."""
    keyword_filters: tuple[Filter, ...] = ()
    """On table ``keyword``: an observation has the value of the first of its files that has one."""
    keyword_order: tuple[str, ...] = ()
    """Columns of ``keyword`` that the groups are sorted by; aliases of the same names."""
    day: str | None = None
    """A column of times, whose day (UTC) divides the groups further, as ``day``."""


def grouped_tree(scope: Scope, grouping: Grouping) -> exp.Select:
    """Return a tree over groups of the rows of a scope, in no order."""
    name: exp.Expression = column(grouping.subject)
    if grouping.key is not None:
        name = exp.Anonymous(this="regexp_replace", expressions=[name, *(literal(part) for part in grouping.key)])
    keys, chosen = [name.copy()], [exp.alias_(name, "name")]
    if grouping.day is not None:
        day = exp.cast(column(grouping.day), "date")
        keys.append(day.copy())
        chosen.append(exp.alias_(day, "day"))
    for alias, function, source in grouping.aggregates:
        subject = column(source)
        if function == "first":
            value: exp.Expression = exp.Anonymous(this="arg_min", expressions=[subject, column(NUMBER)])
        elif function == "set":
            value = exp.Anonymous(this="list", expressions=[exp.Distinct(expressions=[subject])])
        else:
            value = exp.Anonymous(this=function, expressions=[subject])
        chosen.append(exp.alias_(value, alias))
    tree = scope.select()
    if grouping.keyword_filters:
        conditions = [where_subject(_first_of_files(each.column), each) for each in grouping.keyword_filters]
        meeting = _by_observation().having(exp.and_(*conditions), copy=False)
        tree = tree.where(column(NUMBER).isin(query=meeting), copy=False)
    if grouping.keyword_order:
        values = [exp.alias_(_first_of_files(each), each) for each in grouping.keyword_order]
        joined = _by_observation().select(*values, copy=False).subquery("kv")
        tree = tree.join(joined, on=_same(NUMBER, "kv", None), join_type="left", copy=False)
        chosen += [
            exp.alias_(exp.Anonymous(this="arg_min", expressions=[exp.column(each, "kv"), column(NUMBER)]), each)
            for each in grouping.keyword_order
        ]
    return tree.select(*chosen, copy=False).group_by(*keys, copy=False)


def _by_observation() -> exp.Select:
    number = exp.column(NUMBER, KEYWORD)
    return exp.select(number).from_(exp.to_table("keyword", alias=KEYWORD)).group_by(number.copy())


def _first_of_files(name: str) -> exp.Expression:
    """Return the value of the first file of an observation that has one."""
    return exp.Anonymous(this="arg_min", expressions=[exp.column(name, KEYWORD), exp.column(FILE_NUMBER, KEYWORD)])


GROUPED: Final = "grouped_observations"
"""Name under which ``name`` and ``obs_number`` of groups are offered to ``group_keywords_tree``."""


def group_keywords_tree(columns: Sequence[str]) -> exp.Select:
    """Return the tree of what the files of groups say: for each name the value of the first file that has one."""
    name, number = exp.column("name", GROUPED), exp.column(NUMBER, GROUPED)
    values = [exp.alias_(_first_of_files(each), f"keyword_{each}") for each in columns]
    tree = exp.select(name, *values).from_(GROUPED)
    tree = tree.join(exp.to_table("keyword", alias=KEYWORD), on=exp.column(NUMBER, KEYWORD).eq(number), copy=False)
    return tree.group_by(name.copy(), copy=False)


def groups_tree(grouped: exp.Select, order: Sequence[tuple[str, bool]], offset: int) -> exp.Select:
    """Return the tree of groups from ``offset`` on; ``order`` holds aliases and whether they descend."""
    keys = [
        exp.Ordered(this=exp.column(alias), desc=down, nulls_first=False) for alias, down in (*order, ("name", False))
    ]
    return exp.select("*").from_(grouped.subquery("g")).order_by(*keys).offset(offset)


def counted_groups_tree(grouped: exp.Select) -> exp.Select:
    """Return the tree that counts groups as ``n``."""
    return exp.select(exp.alias_(exp.Count(this=exp.Star()), "n")).from_(grouped.subquery("g"))


def separation_arcsec(regions: str, ra: float, dec: float) -> float:
    """Return how far a position is from footprints written as STC-S, arcsec; 0 within one."""
    return min(_from_region(region, ra, dec) for region in parse_regions(regions))


def distances(rows: pa.Table, ra: float, dec: float) -> NDArray[np.float64]:
    """Return how far a position is from the footprints of rows with ``OUTLINES``, arcsec.

    0 within a footprint, NaN where there is none.
    """
    centre = to_vectors([(ra, dec)])[0]
    found = np.full(rows.num_rows, np.nan)
    outlines, regions = rows[OUTLINES[0]].combine_chunks(), rows[OUTLINES[1]].to_pylist()
    lengths = np.diff(outlines.offsets.to_numpy()) if len(outlines) else np.zeros(0, dtype=int)
    values, starts = outlines.values.to_numpy(zero_copy_only=False), outlines.offsets.to_numpy()
    plain = outlines.is_valid().to_numpy(zero_copy_only=False)
    for length in np.unique(lengths[plain]):
        where = np.flatnonzero(plain & (lengths == length))
        numbers = values[starts[where][:, None] + np.arange(length)].reshape(len(where), -1, 2)
        found[where] = _from_polygons(_vectors(numbers), centre)
    for at in np.flatnonzero(~plain):
        if regions[at]:
            found[at] = separation_arcsec(regions[at], ra, dec)
    return found


def _from_region(region: Region, ra: float, dec: float) -> float:
    match region:
        case Point() | Circle():
            radius = region.radius if isinstance(region, Circle) else 0.0
            return max(0.0, separation((region.ra, region.dec), (ra, dec)) - radius) * _ARCSEC
        case _:
            polygon = region if isinstance(region, Polygon) else region.polygon()
            return float(_from_polygons(polygon.vectors[None], to_vectors([(ra, dec)])[0])[0])


def _vectors(degrees: NDArray[np.float64]) -> NDArray[np.float64]:
    ra, dec = np.radians(degrees[..., 0]), np.radians(degrees[..., 1])
    return np.stack([np.cos(dec) * np.cos(ra), np.cos(dec) * np.sin(ra), np.sin(dec)], axis=-1)


def _from_polygons(polygons: NDArray[np.float64], point: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the distances of a point from polygons (n, vertices, 3) of which none is larger than half the sky."""
    following = np.roll(polygons, -1, axis=1)
    normals = np.cross(polygons, following)
    lengths = np.linalg.norm(normals, axis=-1, keepdims=True)
    poles = np.divide(normals, lengths, out=np.zeros_like(normals), where=lengths > 0)
    heights = poles @ point
    along = np.cross(np.cross(poles, point), poles)  # the foot of the point on each great circle, not normalised
    within = (np.sum(np.cross(polygons, along) * poles, axis=-1) >= 0) & (
        np.sum(np.cross(along, following) * poles, axis=-1) >= 0
    )
    to_edge = np.abs(np.arcsin(np.clip(heights, -1, 1)))
    chords = np.linalg.norm(polygons - point, axis=-1)
    to_vertex = 2 * np.arcsin(np.clip(chords / 2, 0, 1))
    nearest = np.minimum(np.where(within & (lengths[..., 0] > 0), to_edge, np.pi).min(axis=1), to_vertex.min(axis=1))
    return np.where(_winds_around(polygons, point), 0.0, np.degrees(nearest) * _ARCSEC)


def _winds_around(polygons: NDArray[np.float64], point: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Tell which polygons lie around a point: seen from it, their vertices turn once, and not on the far side."""
    east = np.cross([0.0, 0.0, 1.0], point)
    if np.linalg.norm(east) < 1e-12:
        east = np.array([1.0, 0.0, 0.0])
    east /= np.linalg.norm(east)
    north = np.cross(point, east)
    angles = np.arctan2(polygons @ north, polygons @ east)
    turns = np.diff(np.concatenate([angles, angles[:, :1]], axis=1), axis=1)
    turns = (turns + np.pi) % (2 * np.pi) - np.pi
    near = (polygons.mean(axis=1) @ point) > 0
    around: NDArray[np.bool_] = near & (np.abs(turns.sum(axis=1)) > np.pi)
    return around
