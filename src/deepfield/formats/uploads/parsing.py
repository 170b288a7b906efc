"""Texts to values, column by column; what cannot be read is named with its row."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NoReturn

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from deepfield.formats.wire import TEXTS, WIRES, arrow_type, data_of, shape_of
from deepfield.model.errors import InvalidUploadError

if TYPE_CHECKING:
    from collections.abc import Callable

    from deepfield.model.tables import Column

_TRUE: Final = pa.array(["t", "true", "1"])
_FALSE: Final = pa.array(["f", "false", "0"])


@dataclass(frozen=True, slots=True)
class Cells:
    """Reads one column of a table. ``table`` and ``row`` say where, in errors."""

    table: str
    column: Column
    magic: int | None = None
    """The number that stands for a missing one."""

    def parse(self, texts: pa.Array, row: int) -> pa.Array:
        """Return the values of cells, the first of which is in row ``row`` (from 0). An empty cell is missing.

        Raises:
            InvalidUploadError: a cell is none of the column's type.
        """
        wanted = arrow_type(self.column)
        if self.column.type in TEXTS:
            return self._checked(texts, pc.if_else(pc.equal(texts, ""), None, texts), row)
        texts = _trimmed(texts)
        if shape_of(self.column).scalar:
            values = self._scalars(texts, texts, row)
            return self._without_magic(values)
        parts = self._split(texts)
        counts = pc.fill_null(pc.list_value_length(parts), 0).to_numpy(zero_copy_only=False)
        rows = np.repeat(np.arange(len(texts)), counts)
        values = self._scalars(parts.flatten(), texts, row, rows)
        length = shape_of(self.column).length
        if length is not None:
            wrong = np.flatnonzero((counts != length) & (counts != 0))
            if len(wrong):
                self._refuse(texts[int(wrong[0])].as_py(), row + int(wrong[0]), f"{length} values")
        offsets = np.concatenate(([0], np.cumsum(counts))).astype(np.int32)
        missing = pc.is_null(parts)
        lists = pa.ListArray.from_arrays(pa.array(offsets), values, mask=missing if parts.null_count else None)
        return lists.cast(wanted) if length is not None else lists

    def _split(self, texts: pa.Array) -> pa.Array:
        filled = pc.if_else(pc.equal(texts, ""), None, texts)
        if self.column.type == "bit":
            spaced = pc.replace_substring_regex(filled, r"\s*([01])", r"\1 ")
            return pc.ascii_split_whitespace(pc.utf8_trim_whitespace(spaced))
        return pc.ascii_split_whitespace(filled)

    def _scalars(self, texts: pa.Array, cells: pa.Array, row: int, rows: np.ndarray | None = None) -> pa.Array:
        read = _READERS.get(WIRES[self.column.type].arrow, _number)
        kind = WIRES[self.column.type].arrow
        try:
            return read(texts, kind)
        except pa.ArrowInvalid:
            at = _first_bad(texts, lambda part: read(part, kind))
            at = at if rows is None else int(rows[at])
            self._refuse(cells[at].as_py(), row + at, f"a value of type {WIRES[self.column.type].votable}")

    def _without_magic(self, values: pa.Array) -> pa.Array:
        if self.magic is None:
            return values
        return pc.if_else(pc.equal(values, pa.scalar(self.magic, values.type)), None, values)

    def _checked(self, texts: pa.Array, values: pa.Array, row: int) -> pa.Array:
        length = shape_of(self.column).length
        if length is not None:
            long = pc.fill_null(pc.greater(pc.utf8_length(texts), length), fill_value=pa.scalar(0).cast(pa.bool_()))
            if pc.any(long).as_py():
                at = pc.index(long, pa.scalar(1).cast(pa.bool_())).as_py()
                self._refuse(texts[at].as_py(), row + at, f"a text of at most {length} characters")
        return values

    def _refuse(self, value: object, row: int, expected: str) -> NoReturn:
        shown = value if not isinstance(value, str) or len(value) <= 80 else value[:77] + "…"
        raise InvalidUploadError(self.table, shown, expected, column=self.column.name, row=row + 1)


def _trimmed(texts: pa.Array) -> pa.Array:
    blank = np.isin(np.frombuffer(data_of(texts), np.uint8), np.frombuffer(b" \t\r\n", np.uint8))
    return pc.utf8_trim_whitespace(texts) if blank.any() else texts


def _number(texts: pa.Array, kind: pa.DataType) -> pa.Array:
    """Read numbers, hexadecimal ones and ones with a plus sign too (VOTable 1.4 §6)."""
    filled = pc.if_else(pc.equal(texts, ""), None, texts)
    try:
        return filled.cast(kind)
    except pa.ArrowInvalid:
        return pc.replace_substring_regex(filled, r"^\+", "").cast(kind)


def _truth(texts: pa.Array, _kind: pa.DataType) -> pa.Array:
    low = pc.ascii_lower(texts)
    true, false = pc.is_in(low, _TRUE), pc.is_in(low, _FALSE)
    known = pc.or_(pc.or_(true, false), pc.or_kleene(pc.is_null(low), pc.is_in(low, pa.array(["", "?", "null"]))))
    if not pc.all(known, min_count=0).as_py():
        raise pa.ArrowInvalid("no truth value")
    return pc.if_else(pc.or_(true, false), true, None)


_READERS: Final[dict[pa.DataType, Callable[[pa.Array, pa.DataType], pa.Array]]] = {pa.bool_(): _truth}


def _first_bad(texts: pa.Array, read: Callable[[pa.Array], pa.Array]) -> int:
    """Return where the first text is that cannot be read, by halves."""
    low, high = 0, len(texts)
    while high - low > 1:
        middle = (low + high) // 2
        try:
            read(texts.slice(low, middle - low))
            low = middle
        except pa.ArrowInvalid:
            high = middle
    return low
