"""What is inside a product: its tables, a page of their rows at a time, and the header of any HDU."""

from __future__ import annotations

import re
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from deepfield.model.errors import InvalidQueryError, NothingToShowError, UnknownColumnError
from deepfield.model.tables import Column
from deepfield.products.bintable import BinTable
from deepfield.products.grids import FitsGrid, TextGrid, grids_of
from deepfield.query.filters import Between, Element, Equal, Like, Missing, Pattern, Same, parse_filter
from deepfield.services.opening import nothing

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from deepfield.access.policy import Readable
    from deepfield.model.tables import ColumnType
    from deepfield.products.grids import Grid, GridColumn
    from deepfield.products.layout import Unit
    from deepfield.query.filters import Filter, Term
    from deepfield.services.delivery import Delivery
    from deepfield.services.opening import Opening

WHAT: Final = "table"
MOST_SORTED: Final = 10_000_000
"""Rows of a table that can be sorted or filtered."""
_KINDS: Final[Mapping[ColumnType, ColumnType]] = {
    "int16": "int64", "int32": "int64", "int64": "int64", "uint8": "int64", "bool": "bool", "bit": "bool",
    "float32": "float64", "float64": "float64", "string": "string",
}  # fmt: skip
"""How a condition on a column of a type is read."""


@dataclass(frozen=True, slots=True)
class TableFacts:
    """A table of a product."""

    number: int
    """HDU; 0 for a file that is one table."""
    name: str
    version: int
    rows: int
    columns: Sequence[GridColumn]


@dataclass(frozen=True, slots=True)
class TablePage:
    """Some rows of a table."""

    table: TableFacts
    columns: Sequence[GridColumn]
    """Those of the rows."""
    found: int
    """Rows that meet the conditions."""
    rows: Sequence[int]
    """Numbers of the rows in the file, from 0."""
    values: Mapping[str, Sequence[Any]]


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which rows and columns of a table, in which order."""

    columns: str | None = None
    """Names between commas; all that a grid can show without it."""
    sort: str | None = None
    """A column, with ``-`` before it for a descending order; missing values come last."""
    where: Sequence[str] = ()
    """Conditions ``column=text`` in the grammar of searches; each has to hold."""
    offset: int = 0
    limit: int = 100


class Contents:
    """Looks into the tables and headers of products."""

    def __init__(self, opening: Opening) -> None:
        self._opening = opening

    def tables(self, filename: str, *, rule: Readable) -> Sequence[TableFacts]:
        """Return the tables of a product; none where it holds none.

        Raises:
            UnknownProductError, AccessDeniedError, StaleFileError, UnreadableFileError, BusyError: as opening does.
        """
        delivery = self._opening.find(filename, rule=rule)
        header = self._opening.header(delivery)
        if header.container == "ecsv":
            with self._grid(delivery, 0) as (facts, _):
                return [facts]
        if header.container != "fits":
            return []
        with self._opening.fits(delivery, WHAT) as file:
            return [_facts(table.unit, FitsGrid(table)) for _, table in grids_of(file)]

    def rows(self, filename: str, number: int, wanted: Wanted, *, rule: Readable) -> TablePage:
        """Return a page of a table.

        Raises:
            UnknownColumnError, InvalidQueryError: columns, order or conditions are not those of the table.
            NothingToShowError: the product holds no such table.
            UnknownProductError, AccessDeniedError, StaleFileError, UnreadableFileError, BusyError: as opening does.
        """
        with self._grid(self._opening.find(filename, rule=rule), number) as (facts, grid):
            columns = _columns(grid, wanted.columns)
            rows = _chosen(grid, wanted)
            some = [int(row) for row in rows[wanted.offset : wanted.offset + wanted.limit]]
            values = grid.take([column.name for column in columns], some)
            return TablePage(facts, columns, len(rows), some, values)

    def header(self, filename: str, number: int, *, rule: Readable) -> Unit:
        """Return an HDU of a FITS product with all its cards, also those that the archive does not keep.

        Raises:
            NothingToShowError: there is none of this number.
            UnknownProductError, AccessDeniedError, StaleFileError, UnreadableFileError, BusyError: as opening does.
        """
        with self._opening.fits(self._opening.find(filename, rule=rule), "HDU") as file:
            if number >= len(file.units):
                raise nothing(file, f"HDU {number}")
            return file.units[number]

    @contextmanager
    def _grid(self, delivery: Delivery, number: int) -> Iterator[tuple[TableFacts, Grid]]:
        header = self._opening.header(delivery)
        if header.container == "ecsv" and number == 0:
            with self._opening.stream(delivery) as stream:
                grid = TextGrid(stream, delivery.filename, header.document)
                yield TableFacts(0, "", 1, grid.rows, grid.columns), grid
            return
        if header.container != "fits":
            raise NothingToShowError(
                delivery.filename, f"{WHAT} {number}", holds=f"it is a file of the kind {header.container}"
            )
        with self._opening.fits(delivery, WHAT) as file:
            unit = next((unit for unit in file.units if unit.part.number == number), None)
            if unit is None or unit.part.kind != "table" or unit.text("XTENSION") != "BINTABLE":
                raise nothing(file, f"{WHAT} in HDU {number}")
            rows = FitsGrid(BinTable(file, unit))
            yield _facts(unit, rows), rows


def _facts(unit: Unit, grid: FitsGrid) -> TableFacts:
    return TableFacts(unit.part.number, unit.part.name, unit.part.version, grid.rows, grid.columns)


def _columns(grid: Grid, text: str | None) -> Sequence[GridColumn]:
    if text is None:
        return grid.columns
    return [_column(grid, name.strip()) for name in dict.fromkeys(text.split(","))]


def _column(grid: Grid, name: str) -> GridColumn:
    for column in grid.columns:
        if column.name == name:
            return column
    closest = next((column.name for column in grid.columns if column.name.lower() == name.lower()), None)
    raise UnknownColumnError(name, closest=closest)


def _single(grid: Grid, field: str, name: str) -> GridColumn:
    column = _column(grid, name)
    if not column.is_single or column.type not in _KINDS:
        raise InvalidQueryError(field, name, "a column with a single number or text in each cell")
    return column


def _chosen(grid: Grid, wanted: Wanted) -> Sequence[int] | NDArray[np.int64]:
    """Return the numbers of the rows that meet the conditions, in order."""
    filters = [_condition(grid, text) for text in wanted.where]
    sort = wanted.sort.removeprefix("-") if wanted.sort else None
    key = _single(grid, "sort", sort) if sort else None
    if not filters and key is None:
        return range(grid.rows)
    if grid.rows > MOST_SORTED:
        raise InvalidQueryError(
            "sort" if key else "where", f"{grid.rows} rows", f"a table of at most {MOST_SORTED} rows"
        )
    names = list(dict.fromkeys([*(each.column for each in filters), *([key.name] if key else [])]))
    kept: list[NDArray[np.int64]] = []
    keys: list[NDArray[Any]] = []
    start = 0
    for piece in grid.pieces(names):
        count = len(piece[names[0]])
        holds = np.ones(count, bool)
        for each in filters:
            holds &= _holds(each, piece[each.column])
        kept.append(np.flatnonzero(holds) + start)
        if key is not None:
            keys.append(_with_nan(piece[key.name])[holds])
        start += count
    rows = np.concatenate(kept) if kept else np.empty(0, np.int64)
    if key is None or not len(rows):
        return rows
    return rows[_order(np.concatenate(keys), descending=wanted.sort is not None and wanted.sort.startswith("-"))]


def _condition(grid: Grid, text: str) -> Filter:
    name, mark, condition = text.partition("=")
    if not mark:
        raise InvalidQueryError("where", text, "column=condition, as flux=1..10")
    column = _single(grid, "where", name.strip())
    return parse_filter(Column(column.name, _KINDS[column.type], column.description, unit=column.unit), condition)


def _with_nan(values: NDArray[Any]) -> NDArray[Any]:
    """Return a column with None for missing texts and NaN for missing numbers."""
    plain, missing = np.ma.getdata(values), np.ma.getmaskarray(values)
    if plain.dtype.kind == "O":
        return np.array([None if gone else value for value, gone in zip(plain, missing, strict=True)], object)
    if not missing.any():
        return np.asarray(plain)
    return np.where(missing, np.nan, plain.astype(np.float64))


def _order(values: NDArray[Any], *, descending: bool) -> NDArray[np.int64]:
    """Return a stable order in which what is missing comes last."""
    if values.dtype.kind == "O":
        known = np.array([value is not None for value in values])
        ranked = np.array(["" if value is None else str(value) for value in values])
    else:
        known, ranked = ~np.isnan(values.astype(np.float64)), values
    places = np.flatnonzero(known)
    some = ranked[places]
    if descending:  # ties stay in the order of the file
        order = len(some) - 1 - np.argsort(some[::-1], kind="stable")[::-1]
    else:
        order = np.argsort(some, kind="stable")
    return np.concatenate([places[order], np.flatnonzero(~known)])


def _holds(condition: Filter, values: NDArray[Any]) -> NDArray[np.bool_]:
    column = _with_nan(values)
    holds = np.ones(len(column), bool)
    if condition.anyof:
        holds = np.any([_meets(term, column) for term in condition.anyof], axis=0)
    for term in condition.noneof:
        holds &= ~_meets(term, column)
    return holds


def _meets(term: Term, column: NDArray[Any]) -> NDArray[np.bool_]:
    texts = column.dtype.kind == "O"
    match term:
        case Missing():
            return np.array([value is None for value in column]) if texts else np.isnan(column.astype(np.float64))
        case Equal(value):
            return np.array([each == value for each in column]) if texts else np.asarray(column == value)
        case Between(lower, upper):
            low = -np.inf if lower is None else lower
            high = np.inf if upper is None else upper
            return np.asarray((column >= low) & (column <= high))
        case Like(parts):
            pattern = re.compile(".*".join(re.escape(part) for part in parts), re.IGNORECASE | re.DOTALL)
            return np.array([value is not None and pattern.fullmatch(str(value)) is not None for value in column])
        case Same() | Element() | Pattern():  # the grammar of searches writes none of these
            raise TypeError(type(term))
