"""Facets: how many observations each value of a column would leave.

The count of a value is taken under the filters on all *other* columns; its ghost under region and text alone. One scan
answers every facet whose column is not filtered itself, by GROUPING SETS.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import accumulate
from typing import TYPE_CHECKING, Any, Final, Literal

from sqlglot import exp

from deepfield.query.filters import ACCESS, WAVELENGTH, Equal, searchable
from deepfield.query.histograms import BELOW, Bins, as_double
from deepfield.query.lower import column, is_public, literal

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from deepfield.model.tables import Column, FacetKind, TableSchema
    from deepfield.query.engines.duckdb import Session
    from deepfield.query.filters import Scalar, SearchQuery
    from deepfield.query.histograms import Scale
    from deepfield.query.scope import Scope

DEFAULT_FACETS: Final = (
    "instrument_name",
    "filters",
    "calib_level",
    ACCESS,
    WAVELENGTH,
    "t_min",
    "t_exptime",
    "dataproduct_type",
)
_MOST_VALUES: Final = 200


@dataclass(frozen=True, slots=True)
class FacetValue:
    """One value of a category; None stands for rows without a value."""

    value: Scalar | None
    count: int
    ghost: int


@dataclass(frozen=True, slots=True)
class CategoryFacet:
    """A column by its values, most frequent first; ``more`` values are not listed."""

    column: str
    values: tuple[FacetValue, ...]
    more: int
    kind: Literal["category"] = "category"


@dataclass(frozen=True, slots=True)
class HistogramFacet:
    """A column of numbers or times (MJD) in bins: bin i holds edges[i] <= x < edges[i + 1], the last its upper edge.

    ``em`` counts an observation in every bin that its range of wavelengths overlaps.
    """

    column: str
    kind: Literal["number", "time"]
    scale: Scale
    unit: str | None
    edges: tuple[float, ...]
    counts: tuple[int, ...]
    ghost: tuple[int, ...]
    nulls: int
    """Rows without a value, under the other filters."""
    below: int
    """Rows whose value a logarithmic scale cannot show, under the other filters."""
    min: float | None
    max: float | None


Facet = CategoryFacet | HistogramFacet
Groups = dict[Any, int]


@dataclass(frozen=True, slots=True)
class Ghosts:
    """Everything that depends on region and text alone, so that it can be kept for a snapshot."""

    bins: Mapping[str, Bins | None]
    counts: Mapping[str, Groups]
    total: int
    until: datetime | None
    """When the next observation is released; counts of ``access`` hold until then."""
    since: datetime

    def holds(self, now: datetime) -> bool:
        return self.since <= now and (self.until is None or now < self.until)


def facet_columns(table: TableSchema, names: Sequence[str] | None) -> tuple[Column, ...]:
    """Return the columns to facet on.

    Raises:
        InvalidQueryError: a column cannot be searched, or not be counted by value.
    """
    wanted = tuple(dict.fromkeys(DEFAULT_FACETS if names is None else names))
    return tuple(searchable(table, name) for name in wanted)


def kind_of(column: Column) -> FacetKind:
    """Return how a column is counted: as the table says, else by its type."""
    if column.facet is not None:
        return column.facet
    if column.type in {"string", "bool"}:
        return "category"
    return "time" if column.type == "timestamp" else "number"


def find_ghosts(session: Session, scope: Scope, columns: Sequence[Column], *, now: datetime) -> Ghosts:
    """Count everything under region and text alone."""
    numeric = [each for each in columns if kind_of(each) != "category"]
    lows_highs = session.run(_bounds_tree(scope, numeric, now)).to_pylist()[0]
    bins = {each.name: _bins(each, lows_highs[f"low_{i}"], lows_highs[f"high_{i}"]) for i, each in enumerate(numeric)}
    counts, total = _count(session, scope.select(filtered=False), columns, bins, now)
    until = lows_highs["next_release"]
    return Ghosts(bins, counts, total, None if until is None else until.replace(tzinfo=UTC), now)


def count_facets(
    session: Session, scope: Scope, columns: Sequence[Column], ghosts: Ghosts, query: SearchQuery, *, now: datetime
) -> tuple[tuple[Facet, ...], int]:
    """Count under the filters; returns the facets and how many rows all filters leave."""
    filtered = {each.column for each in query.filters}
    if not filtered:
        counts, total = dict(ghosts.counts), ghosts.total
    else:
        free = [each for each in columns if each.name not in filtered]
        counts, total = _count(session, scope.select(), free, ghosts.bins, now)
        for each in columns:
            if each.name in filtered:
                alone, _ = _count(session, scope.select(without=each.name), [each], ghosts.bins, now)
                counts |= alone
    return tuple(_facet(each, counts[each.name], ghosts, query) for each in columns), total


def _bounds_tree(scope: Scope, columns: Sequence[Column], now: datetime) -> exp.Select:
    tree = scope.select(filtered=False)
    for i, each in enumerate(columns):
        low, high = _ends(each)
        if kind_of(each) == "number" and each.scale == "log":
            low = exp.case().when(low > literal(0.0), low)
        tree = tree.select(exp.alias_(exp.Min(this=low), f"low_{i}"), copy=False)
        tree = tree.select(exp.alias_(exp.Max(this=high), f"high_{i}"), copy=False)
    release = column("data_release")
    later = exp.case().when(release > literal(now), release.copy())
    return tree.select(exp.alias_(exp.Min(this=later), "next_release"), copy=False)


def _ends(each: Column) -> tuple[exp.Expression, exp.Expression]:
    if each.name != WAVELENGTH:
        value = as_double(column(each.name), each.type)
        return value, value.copy()
    known = exp.not_(exp.or_(column("em_min").is_(exp.null()), column("em_max").is_(exp.null())))
    return (
        exp.case().when(known, column("em_min")),
        exp.case().when(known.copy(), column("em_max")),
    )


def _bins(each: Column, low: float | None, high: float | None) -> Bins | None:
    scale = each.scale if kind_of(each) == "number" else "linear"
    if low is None or high is None or (scale == "log" and high <= 0):
        return None
    return Bins(low, high, scale)


def _count(
    session: Session, rows: exp.Select, columns: Sequence[Column], bins: Mapping[str, Bins | None], now: datetime
) -> tuple[dict[str, Groups], int]:
    """Count rows by each column in one scan; returns counts by column and the number of rows."""
    names: list[tuple[str, str]] = []
    for each in columns:
        for part, expression in _parts(each, bins.get(each.name), now):
            names.append((each.name, part))
            rows = rows.select(exp.alias_(expression, f"g{len(names) - 1}"), copy=False)
    if not names:
        counted = rows.select(exp.alias_(exp.Count(this=exp.Star()), "n"), copy=False)
        return {}, int(session.run(counted)["n"][0].as_py())
    table = session.run(_grouping_tree(rows, len(names)))
    found: dict[tuple[str, str], Groups] = {name: {} for name in names}
    everything = (1 << len(names)) - 1
    numbers, masks = table["n"].to_pylist(), table["mask"].to_pylist()
    keys = [table[f"g{i}"] for i in range(len(names))]
    total = 0
    for row, (mask, number) in enumerate(zip(masks, numbers, strict=True)):
        if mask == everything:
            total = number
            continue
        at = len(names) - (everything ^ mask).bit_length()
        found[names[at]][keys[at][row].as_py()] = number
    counts: dict[str, Groups] = {}
    for (name, part), groups in found.items():
        counts[name] = groups if part != "end" else _overlaps(counts[name], groups, bins[name])
    return counts, total


def _grouping_tree(rows: exp.Select, number: int) -> exp.Select:
    columns = [exp.column(f"g{i}") for i in range(number)]
    mask = exp.Anonymous(this="grouping", expressions=[each.copy() for each in columns])
    tree = exp.select(*columns, exp.alias_(mask, "mask"), exp.alias_(exp.Count(this=exp.Star()), "n"))
    tree = tree.from_(rows.subquery("r"))
    sets = [*(exp.Tuple(expressions=[each.copy()]) for each in columns), exp.Tuple()]
    tree.set("group", exp.Group(grouping_sets=[exp.GroupingSets(expressions=sets)]))
    return tree


def _parts(each: Column, bins: Bins | None, now: datetime) -> list[tuple[str, exp.Expression]]:
    """Return what rows are grouped by for a column: its value, its bin, or the bins of both ends of a range."""
    if each.name == ACCESS:
        return [("value", exp.case().when(is_public(now), literal("public")).else_(literal("exclusive")))]
    if kind_of(each) == "category":
        return [("value", column(each.name))]
    low, high = _ends(each)
    if bins is None:  # nothing, or nothing that the scale can show
        return [("bin", exp.case().when(exp.not_(high.is_(exp.null())), literal(BELOW)))]
    if each.name != WAVELENGTH:
        return [("bin", bins.expression(low))]
    return [("start", bins.expression(low)), ("end", bins.expression(high))]


def _overlaps(starts: Groups, ends: Groups, bins: Bins | None) -> Groups:
    """Return in how many ranges each bin lies, given how many begin and end in each."""
    number = bins.number if bins is not None else 0
    begun = accumulate(starts.get(at, 0) + (starts.get(BELOW, 0) if at == 0 else 0) for at in range(number))
    ended = accumulate(ends.get(at - 1, 0) if at else ends.get(BELOW, 0) for at in range(number))
    counts: Groups = {at: up - down for at, (up, down) in enumerate(zip(begun, ended, strict=True))}
    return counts | {None: starts.get(None, 0), BELOW: ends.get(BELOW, 0)}


def _facet(each: Column, counts: Groups, ghosts: Ghosts, query: SearchQuery) -> Facet:
    kind, ghost = kind_of(each), ghosts.counts[each.name]
    if kind == "category":
        return _category(each, counts, ghost, query)
    bins = ghosts.bins[each.name]
    number = bins.number if bins is not None else 0
    return HistogramFacet(
        column=each.name,
        kind=kind,
        scale=bins.scale if bins is not None else "linear",
        unit="d" if kind == "time" else each.unit,
        edges=bins.edges if bins is not None else (),
        counts=tuple(counts.get(at, 0) for at in range(number)),
        ghost=tuple(ghost.get(at, 0) for at in range(number)),
        nulls=counts.get(None, 0),
        below=counts.get(BELOW, 0),
        min=bins.lower if bins is not None else None,
        max=bins.upper if bins is not None else None,
    )


def _category(each: Column, counts: Groups, ghost: Groups, query: SearchQuery) -> CategoryFacet:
    chosen = {
        term.value
        for condition in query.filters
        if condition.column == each.name
        for term in (*condition.anyof, *condition.noneof)
        if isinstance(term, Equal)
    }
    values = [FacetValue(value, counts.get(value, 0), number) for value, number in ghost.items()]
    values.sort(key=lambda entry: (-entry.count, -entry.ghost, str(entry.value)))
    listed = values[:_MOST_VALUES]
    listed += [entry for entry in values[_MOST_VALUES:] if entry.value in chosen]
    return CategoryFacet(each.name, tuple(listed), len(values) - len(listed))
