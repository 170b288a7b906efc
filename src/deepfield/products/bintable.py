"""Rows of binary tables, any of them at once (FITS 4.0 §7.3), without the rest of the table in memory."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from deepfield.model.errors import UnreadableFileError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from deepfield.model.tables import ColumnType
    from deepfield.products.layout import FitsFile, Unit

_FORM: Final = re.compile(r"\s*(\d*)([LXBIJKAEDCMPQ])(.*)")
_CODES: Final[dict[str, tuple[str, ColumnType]]] = {
    "L": ("S1", "bool"), "X": ("u1", "bit"), "B": ("u1", "uint8"), "I": (">i2", "int16"), "J": (">i4", "int32"),
    "K": (">i8", "int64"), "A": ("S", "string"), "E": (">f4", "float32"), "D": (">f8", "float64"),
    "C": (">c8", "complex64"), "M": (">c16", "complex128"), "P": (">i4", "bytes"), "Q": (">i8", "bytes"),
}  # fmt: skip
"""Element in the file and type by the letter of TFORM."""
_UNSIGNED: Final[dict[tuple[str, int], ColumnType]] = {("I", 1 << 15): "int32", ("J", 1 << 31): "int64"}
"""Types that hold the unsigned numbers written with TZERO (§5.2.5)."""
_PIECE: Final = 4 << 20
"""Bytes that are read at once."""
_WIDE: Final = 1 << 15
"""Bytes of a row from which on single cells are read."""
_LONGEST_CELL: Final = 1 << 20
"""Elements of one cell of varying length that are read."""


@dataclass(frozen=True, slots=True)
class TableColumn:
    """A column as the file describes it."""

    name: str
    type: ColumnType
    unit: str | None
    description: str
    shape: tuple[int, ...]
    """Of a cell, slowest axis first; () for a single value, (-1,) where it varies."""
    code: str
    offset: int
    """Bytes before it in a row."""
    dtype: np.dtype[Any]
    """Of a cell."""
    scale: float
    zero: float
    null: int | None

    @property
    def is_text(self) -> bool:
        """Whether a cell is a text."""
        return self.code == "A"


class BinTable:
    """A binary table of an open file.

    Raises:
        UnreadableFileError: the header describes no such table.
    """

    def __init__(self, file: FitsFile, unit: Unit) -> None:
        self.file, self.unit = file, unit
        width, rows, fields = (unit.whole(keyword) for keyword in ("NAXIS1", "NAXIS2", "TFIELDS"))
        if unit.text("XTENSION") != "BINTABLE" or width is None or rows is None or fields is None:
            raise UnreadableFileError(file.name, f"HDU {unit.part.number} is no binary table")
        self.width, self.rows = width, rows
        self.columns = tuple(self._columns(fields))
        self._by_name = {column.name.upper(): column for column in reversed(self.columns)}

    def find(self, *names: str) -> TableColumn | None:
        """Return the first column that has one of these names, in whatever case."""
        return next((self._by_name[name.upper()] for name in names if name.upper() in self._by_name), None)

    def read(self, column: TableColumn, start: int = 0, stop: int | None = None) -> NDArray[Any]:
        """Return the cells of some rows: physical values in native order, texts stripped, missing ones masked.

        Cells of varying length are objects, each an array.
        """
        stop = self.rows if stop is None else min(stop, self.rows)
        raw = np.empty(max(0, stop - start), column.dtype)
        if self.width > _WIDE or len(raw) == 1:
            for row in range(start, stop):
                piece = self.file.bytes(self.unit, row * self.width + column.offset, column.dtype.itemsize)
                raw[row - start] = np.frombuffer(piece, column.dtype)[0]
        else:
            for begin, rows in self._pieces(start, stop):
                raw[begin - start : begin - start + len(rows)] = rows[column.name]
        return self._physical(column, raw)

    def _pieces(self, start: int, stop: int) -> Iterator[tuple[int, NDArray[Any]]]:
        step = max(1, _PIECE // max(1, self.width))
        for begin in range(start, stop, step):
            count = min(step, stop - begin)
            content = self.file.bytes(self.unit, begin * self.width, count * self.width)
            yield begin, np.frombuffer(content, self._record())

    def _record(self) -> np.dtype[Any]:
        return np.dtype(
            {
                "names": [column.name for column in self.columns],
                "formats": [column.dtype for column in self.columns],
                "offsets": [column.offset for column in self.columns],
                "itemsize": self.width,
            }
        )

    def _columns(self, fields: int) -> Iterator[TableColumn]:
        unit, offset, seen = self.unit, 0, set[str]()
        for number in range(1, fields + 1):
            match = _FORM.match(unit.text(f"TFORM{number}") or "")
            if match is None:
                reason = f"HDU {unit.part.number} has TFORM{number} = {unit.text(f'TFORM{number}')!r}"
                raise UnreadableFileError(self.file.name, reason)
            repeat, code = int(match[1] or 1), match[2]
            element, kind = _CODES[code]
            dtype: np.dtype[Any]
            shape: tuple[int, ...] = ()
            if code == "A":
                dtype = np.dtype(f"S{max(1, repeat)}")
            elif code in "PQ":
                dtype, shape = np.dtype((element, 2)), (-1,)
            else:
                count = -(-repeat // 8) if code == "X" else repeat
                dtype = np.dtype(element) if count == 1 else np.dtype((element, (count,)))
                shape = () if repeat == 1 else self._dimensions(number, repeat)
            zero = unit.number(f"TZERO{number}", 0.0) or 0.0
            scale = unit.number(f"TSCAL{number}", 1.0)
            name = unit.text(f"TTYPE{number}") or f"column {number}"
            name = name if name not in seen else f"{name} ({number})"
            seen.add(name)
            yield TableColumn(
                name,
                self._type(code, kind, zero, 1.0 if scale is None else scale),
                unit.text(f"TUNIT{number}"),
                unit.text(f"TCOMM{number}") or "",
                shape,
                code,
                offset,
                dtype,
                1.0 if scale is None else scale,
                zero,
                unit.whole(f"TNULL{number}"),
            )
            offset += 0 if code == "A" and repeat == 0 else dtype.itemsize
        if offset > self.width:
            raise UnreadableFileError(self.file.name, f"the columns of HDU {unit.part.number} are wider than its rows")

    def _type(self, code: str, kind: ColumnType, zero: float, scale: float) -> ColumnType:
        if code not in "BIJKED" or (zero, scale) == (0.0, 1.0):
            return kind
        unsigned = _UNSIGNED.get((code, int(zero))) if scale == 1.0 else None
        return unsigned or "float64"

    def _dimensions(self, number: int, repeat: int) -> tuple[int, ...]:
        sizes = [int(size) for size in re.findall(r"\d+", self.unit.text(f"TDIM{number}") or "")]
        return tuple(reversed(sizes)) if sizes and int(np.prod(sizes)) == repeat else (repeat,)

    def _physical(self, column: TableColumn, raw: NDArray[Any]) -> NDArray[Any]:
        if column.is_text:
            texts = [text.decode("ascii", "replace").rstrip() for text in raw.tolist()]
            return np.array(texts, dtype=object)
        if column.code in "PQ":
            return self._varying(column, raw)
        if column.code == "L":
            return np.ma.masked_array(raw == b"T", ~np.isin(raw, (b"T", b"F")))
        if column.code == "X":
            bits = np.unpackbits(raw.reshape(len(raw), -1), axis=1)
            return bits[:, : int(np.prod(column.shape))].astype(bool) if column.shape else bits[:, 0].astype(bool)
        values = raw.astype(raw.dtype.newbyteorder("="))
        missing = None if column.null is None or values.dtype.kind != "i" else values == column.null
        if (column.zero, column.scale) != (0.0, 1.0):
            whole = column.type in {"int32", "int64"}
            values = values.astype(np.int64) + int(column.zero) if whole else values * column.scale + column.zero
        if column.shape and values.ndim == 2:
            values = values.reshape(len(values), *column.shape)
            missing = None if missing is None else missing.reshape(values.shape)
        return values if missing is None else np.ma.masked_array(values, missing)

    def _varying(self, column: TableColumn, raw: NDArray[Any]) -> NDArray[Any]:
        match = re.match(r"\s*\d*[PQ]([LBIJKAEDCM])", self._form(column))
        element = np.dtype(_CODES[match[1]][0] if match and match[1] != "A" else "S1")
        heap = self.unit.whole("THEAP") or self.width * self.rows
        cells = np.empty(len(raw), object)
        for row, (count, offset) in enumerate(raw.astype(np.int64).tolist()):
            if not 0 <= count <= _LONGEST_CELL or not 0 <= offset <= self.unit.size:
                raise UnreadableFileError(self.file.name, f"a cell of {column.name} lies outside its table")
            content = self.file.bytes(self.unit, heap + offset, count * element.itemsize)
            cells[row] = np.frombuffer(content, element).astype(element.newbyteorder("="))
        return cells

    def _form(self, column: TableColumn) -> str:
        return self.unit.text(f"TFORM{self.columns.index(column) + 1}") or ""
