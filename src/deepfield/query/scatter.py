"""Two columns of a search against each other: observations as points, or counts on a grid where they are too many."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from sqlglot import exp

from deepfield.model.errors import InvalidQueryError
from deepfield.query.facets import kind_of
from deepfield.query.filters import PSEUDO_COLUMNS, searchable
from deepfield.query.histograms import BELOW, Bins, as_double
from deepfield.query.lower import column, literal

if TYPE_CHECKING:
    import pyarrow as pa

    from deepfield.model.tables import Column, FacetKind, TableSchema
    from deepfield.query.engines.duckdb import Session
    from deepfield.query.filters import Scalar
    from deepfield.query.scope import Scope

_CELLS: Final = {"x": 96, "y": 64}
_MOST_LANES: Final = 60
_POINT_COLUMNS: Final = ("obs_number", "obs_id", "instrument_name")


@dataclass(frozen=True, slots=True)
class Axis:
    """A column laid along one side: a scale of numbers or times (MJD), or a lane for each value of a category.

    ``lanes`` are the most frequent values; ``more`` values have none. ``bins`` is None for a category and where no row
    has a value that the scale can show.
    """

    column: Column
    kind: FacetKind
    bins: Bins | None
    lanes: tuple[Scalar, ...] = ()
    more: int = 0

    @property
    def value(self) -> exp.Expression:
        """The value that a point has on this axis."""
        subject = column(self.column.name)
        return subject if self.kind == "category" else as_double(subject, self.column.type)

    @property
    def cell(self) -> exp.Expression:
        """The number of the lane or bin, counted from 0; null where there is none."""
        if self.kind != "category":
            assert self.bins is not None
            number = self.bins.expression(self.value)
            return exp.case().when(number.copy() > literal(BELOW), number)
        lanes = exp.case()
        for at, lane in enumerate(self.lanes):
            lanes = lanes.when(self.value.eq(literal(lane)), literal(at))
        return lanes

    @property
    def length(self) -> int:
        return len(self.lanes) if self.bins is None else self.bins.number


def axis_column(name: str, table: TableSchema, field: str) -> Column:
    """Return the column of this name that an axis may show.

    Raises:
        UnknownColumnError: with the closest name there is.
        InvalidQueryError: the column cannot be searched, or an observation has no single value of it.
    """
    if name in PSEUDO_COLUMNS:
        raise InvalidQueryError(field, name, "a column of the table")
    return searchable(table, name)


def find_axes(session: Session, scope: Scope, x: Column, y: Column) -> tuple[Axis, Axis]:
    """Look up the ends of both columns among the rows found, or their most frequent values."""
    return _axis(session, scope, x, "x"), _axis(session, scope, y, "y")


def points_tree(scope: Scope, x: Axis, y: Axis) -> exp.Select:
    """Return the tree of the rows with a value on both axes, as ``x`` and ``y``; times as MJD."""
    tree = _on_both(scope, x, y).select(*(column(name) for name in _POINT_COLUMNS), copy=False)
    return tree.select(exp.alias_(x.value, "x"), exp.alias_(y.value, "y"), copy=False)


def density(session: Session, scope: Scope, x: Axis, y: Axis) -> list[list[int]]:
    """Count the rows in each cell: ``counts[i][j]`` for bin or lane i along x and j along y."""
    inner = scope.select().select(exp.alias_(x.cell, "i"), exp.alias_(y.cell, "j"), copy=False)
    tree = (
        exp.select("i", "j", exp.alias_(exp.Count(this=exp.Star()), "n")).from_(inner.subquery("r")).group_by("i", "j")
    )
    counts = [[0] * y.length for _ in range(x.length)]
    for row in session.run(tree).to_pylist():
        if row["i"] is not None and row["j"] is not None:
            counts[row["i"]][row["j"]] = row["n"]
    return counts


def points(session: Session, scope: Scope, x: Axis, y: Axis, *, limit: int) -> tuple[pa.Table | None, int]:
    """Return the points and how many there are; None where they are more than ``limit``."""
    if not x.length or not y.length:
        return session.run(points_tree(scope, x, y), limit=0), 0
    counted = _on_both(scope, x, y).select(exp.alias_(exp.Count(this=exp.Star()), "n"), copy=False)
    total = int(session.run(counted)["n"][0].as_py())
    return (session.run(points_tree(scope, x, y), limit=limit), total) if total <= limit else (None, total)


def _on_both(scope: Scope, x: Axis, y: Axis) -> exp.Select:
    tree = scope.select()
    for axis in (x, y):
        if axis.length:
            tree = tree.where(exp.not_(exp.paren(axis.cell).is_(exp.null())), copy=False)
    return tree


def _axis(session: Session, scope: Scope, subject: Column, side: str) -> Axis:
    kind = kind_of(subject)
    if kind == "category":
        lanes = _values(session, scope, subject)
        return Axis(subject, kind, None, tuple(lanes[:_MOST_LANES]), max(0, len(lanes) - _MOST_LANES))
    value = as_double(column(subject.name), subject.type)
    scale = subject.scale if kind == "number" else "linear"
    low = exp.case().when(value > literal(0.0), value.copy()) if scale == "log" else value
    tree = scope.select().select(exp.alias_(exp.Min(this=low), "low"), copy=False)
    tree = tree.select(exp.alias_(exp.Max(this=value.copy()), "high"), copy=False)
    ends = session.run(tree).to_pylist()[0]
    bins = None if ends["low"] is None else Bins(ends["low"], ends["high"], scale, most=_CELLS[side])
    return Axis(subject, kind, bins)


def _values(session: Session, scope: Scope, subject: Column) -> list[Scalar]:
    value = column(subject.name)
    tree = scope.select().select(exp.alias_(value, "value"), exp.alias_(exp.Count(this=exp.Star()), "n"), copy=False)
    tree = tree.where(exp.not_(value.copy().is_(exp.null())), copy=False).group_by("value")
    rows = session.run(tree).to_pylist()
    return [row["value"] for row in sorted(rows, key=lambda row: (-row["n"], str(row["value"])))]
