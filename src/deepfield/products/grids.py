"""Any table of a file, a page of its rows at a time: binary tables of FITS, and ECSV.

Rows of binary tables are read where they stand; text is read from its beginning in pieces.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Any, Final, Protocol

import numpy as np
import pyarrow as pa

from deepfield.model.errors import UnreadableFileError
from deepfield.products.bintable import BinTable
from deepfield.products.ecsv import read_batches

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from deepfield.model.tables import ColumnType
    from deepfield.products.layout import FitsFile

_PIECE_ROWS: Final = 20_000


@dataclass(frozen=True, slots=True)
class GridColumn:
    """A column as a reader sees it."""

    name: str
    type: ColumnType
    unit: str | None
    description: str
    shape: tuple[int, ...] = ()
    """Of a cell; () for a single value, (-1,) where it varies."""

    @property
    def is_single(self) -> bool:
        """Whether cells are single values, so that one can sort and filter by them."""
        return not self.shape


class Grid(Protocol):
    """A table whose rows can be had."""

    columns: tuple[GridColumn, ...]
    rows: int

    def pieces(self, names: Sequence[str]) -> Iterator[Mapping[str, NDArray[Any]]]:
        """Yield some columns, a number of rows at a time, in order."""

    def take(self, names: Sequence[str], rows: Sequence[int]) -> Mapping[str, list[Any]]:
        """Return some columns of chosen rows, in the order asked for; None where a cell is missing."""


class FitsGrid:
    """A binary table."""

    def __init__(self, table: BinTable) -> None:
        self._table, self.rows = table, table.rows
        self.columns = tuple(
            GridColumn(column.name, column.type, column.unit, column.description, column.shape)
            for column in table.columns
        )

    def pieces(self, names: Sequence[str]) -> Iterator[Mapping[str, NDArray[Any]]]:
        """Yield some columns, a number of rows at a time, in order."""
        columns = [self._column(name) for name in names]
        for start in range(0, self.rows, _PIECE_ROWS):
            yield {column.name: self._table.read(column, start, start + _PIECE_ROWS) for column in columns}

    def take(self, names: Sequence[str], rows: Sequence[int]) -> Mapping[str, list[Any]]:
        """Return some columns of chosen rows, in the order asked for; None where a cell is missing."""
        together = bool(rows) and list(rows) == list(range(rows[0], rows[0] + len(rows)))
        found: dict[str, list[Any]] = {}
        for name in names:
            column = self._column(name)
            if together:
                cells = self._table.read(column, rows[0], rows[0] + len(rows))
                found[name] = [_cell(cell) for cell in cells]
            else:
                found[name] = [_cell(self._table.read(column, row, row + 1)[0]) for row in rows]
        return found

    def _column(self, name: str) -> Any:
        return next(column for column in self._table.columns if column.name == name)


class TextGrid:
    """The rows of an ECSV file (APE 6), whose header is known.

    Raises:
        UnreadableFileError: the header describes no columns; or later, a row is not as it says.
    """

    def __init__(self, stream: IO[bytes], name: str, document: Mapping[str, Any]) -> None:
        self._stream, self._name = stream, name
        self.rows = int(document.get("rows") or 0)
        self.columns = tuple(
            GridColumn(
                str(column.get("name")),
                _TEXT_TYPES.get(str(column.get("datatype")), "string"),
                column.get("unit") or None,
                column.get("description") or "",
            )
            for column in document["columns"]
        )

    def pieces(self, names: Sequence[str]) -> Iterator[Mapping[str, NDArray[Any]]]:
        """Yield some columns, a number of rows at a time, in order."""
        for batch in self._batches(names):
            yield {name: _masked(batch.column(name)) for name in names}

    def take(self, names: Sequence[str], rows: Sequence[int]) -> Mapping[str, list[Any]]:
        """Return some columns of chosen rows, in the order asked for; None where a cell is missing."""
        wanted = {row: place for place, row in enumerate(rows)}
        found: dict[str, list[Any]] = {name: [None] * len(rows) for name in names}
        start, left = 0, set(wanted)
        for batch in self._batches(names):
            here = [row for row in left if start <= row < start + batch.num_rows]
            for name in names:
                column = batch.column(name)
                for row in here:
                    found[name][wanted[row]] = column[row - start].as_py()
            left.difference_update(here)
            start += batch.num_rows
            if not left:
                break
        return found

    def _batches(self, names: Sequence[str]) -> Iterator[pa.RecordBatch]:
        types = {column.name: _ARROW[column.type] for column in self.columns if column.name in names}
        self._stream.seek(0)
        try:
            yield from read_batches(self._stream, types)
        except (pa.ArrowException, KeyError) as error:
            reason = str(error).splitlines()[0][:200]
            raise UnreadableFileError(self._name, f"its rows cannot be read: {reason}") from error


_TEXT_TYPES: Final[Mapping[str, ColumnType]] = {
    "bool": "bool", "int8": "int64", "int16": "int64", "int32": "int64", "int64": "int64", "uint8": "int64",
    "uint16": "int64", "uint32": "int64", "uint64": "float64", "float16": "float64", "float32": "float64",
    "float64": "float64", "float128": "float64",
}  # fmt: skip
"""What the data types of ECSV are read as; all others are texts."""
_ARROW: Final = {"bool": pa.bool_(), "int64": pa.int64(), "float64": pa.float64(), "string": pa.string()}


def grids_of(file: FitsFile) -> Iterator[tuple[int, BinTable]]:
    """Yield the number of the HDU and the table of each binary table of a file."""
    for unit in file.units:
        if unit.part.kind == "table" and unit.text("XTENSION") == "BINTABLE" and unit.part.name != "ASDF":
            yield unit.part.number, BinTable(file, unit)


def _masked(column: pa.Array) -> NDArray[Any]:
    values = column.to_numpy(zero_copy_only=False)
    return np.ma.masked_array(values, column.is_null().to_numpy(zero_copy_only=False))


def _cell(cell: Any) -> Any:
    """Return a cell as plain values; bytes of single characters become a text."""
    if cell is np.ma.masked:
        return None
    if isinstance(cell, np.ma.MaskedArray):
        return cell.tolist()
    if isinstance(cell, np.ndarray):
        return b"".join(cell.tolist()).decode("ascii", "replace") if cell.dtype.kind == "S" else cell.tolist()
    return cell.item() if isinstance(cell, np.generic) else cell
