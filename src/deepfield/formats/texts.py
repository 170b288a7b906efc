"""Columns as text: numbers that read back exactly, escapes where they are needed, rows joined without a loop."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from deepfield.formats.wire import TEXTS, WIRES, conform, data_of, shape_of
from deepfield.model.errors import InvalidValueError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from deepfield.model.tables import Column


_FIRST_PRINTABLE: Final = 0x20
"""The bytes below are control characters, which texts seldom hold."""


class Escapes:
    """Characters that a format cannot hold as such, and what stands for them. Columns without them are not touched."""

    def __init__(self, replacements: Mapping[str, str]) -> None:
        self._replacements: Final = dict(replacements)
        self._special = np.zeros(256, np.bool_)
        for characters in replacements:
            self._special[characters.encode()[0]] = True
        self._controls = bool(self._special[:_FIRST_PRINTABLE].any())
        # plain numbers: beside one of NumPy's every byte would be widened to be compared
        self._printable = [code for code in range(_FIRST_PRINTABLE, 256) if self._special[code]]

    def text(self, text: str) -> str:
        """Escape one text."""
        for characters, replacement in self._replacements.items():
            text = text.replace(characters, replacement)
        return text

    def column(self, array: pa.Array) -> pa.Array:
        """Escape a column of texts."""
        data = np.frombuffer(data_of(array), np.uint8)
        if not self._maybe(data):
            return array
        bytes_used = np.bincount(data, minlength=256) > 0
        for characters, replacement in self._replacements.items():
            if bytes_used[characters.encode()[0]]:
                array = pc.replace_substring(array, pattern=characters, replacement=replacement)
        return array

    def touches(self, array: pa.Array) -> bool:
        """Whether any cell of a column of texts holds a character that is to be escaped."""
        data = np.frombuffer(data_of(array), np.uint8)
        return self._maybe(data) and bool(self._special[data].any())

    def _maybe(self, data: np.ndarray) -> bool:
        """Whether there may be anything to escape; a few comparisons of all bytes cost less than to count each."""
        if self._controls and bool((data < _FIRST_PRINTABLE).any()):
            return True
        return any(bool((data == byte).any()) for byte in self._printable)


_CONTROLS: Final = {chr(code): "" for code in range(0x20) if chr(code) not in "\t\n\r"}
_NOT_XML: Final = _CONTROLS | {"\ufffe": "", "\uffff": ""}
XML: Final = Escapes({"&": "&amp;", "<": "&lt;", ">": "&gt;", "\r": "&#13;"} | _NOT_XML)
"""XML 1.0 knows no other control characters, so they are left out (§2.2)."""
ATTRIBUTE: Final = Escapes(
    {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;", "\n": "&#10;", "\r": "&#13;", "\t": "&#9;"}
    | _NOT_XML
)
JSON: Final = Escapes(
    {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\r": "\\r", "\t": "\\t"}
    | {chr(code): f"\\u{code:04x}" for code in range(0x20) if chr(code) not in "\t\n\r"}
)


@dataclass(frozen=True, slots=True)
class Spelling:
    """How a format writes what is no plain number or text."""

    true: str = "T"
    false: str = "F"
    nan: str = "NaN"
    infinity: str = "+Inf"
    minus_infinity: str = "-Inf"
    opening: str = ""
    separator: str = " "
    closing: str = ""
    quotes: tuple[str, str] = ("", "")
    escapes: Escapes = field(default_factory=lambda: Escapes({}))
    bits: Spelling | None = None
    """How bits are written, if not as truth values."""
    fill_fixed: bool = False
    """Whether a missing array of a fixed count is written as so many missing elements, because readers count them."""
    unknown: str | None = None
    """What stands for a missing truth value in an array; None if the format has no word."""
    missing_element: str | None = None
    """The same for an integer."""


VOTABLE: Final = Spelling(escapes=XML, unknown="?", fill_fixed=True, bits=Spelling("1", "0", separator=""))


LISTED: Final = Spelling(
    "true", "false", opening="[", separator=",", closing="]", unknown="null", missing_element="null"
)
"""Arrays as JSON writes them."""


def cells(array: pa.Array, column: Column, spelling: Spelling) -> pa.Array:
    """Return a column as texts, with nulls where cells are missing.

    Raises:
        InvalidValueError: an array misses an integer, and the format has no word for it.
    """
    if column.type in TEXTS:
        return _text(array, column, spelling)
    if column.type == "bit":
        spelling = spelling.bits or spelling
    if shape_of(column).scalar:
        return _scalars(array, spelling)
    return _lists(array, column, spelling)


def _text(array: pa.Array, column: Column, spelling: Spelling) -> pa.Array:
    before, after = spelling.quotes
    array = iso(array) if column.type == "timestamp" else spelling.escapes.column(array)
    if not before:
        return array
    return pc.binary_join_element_wise(before, array, after, "")


def iso(array: pa.Array) -> pa.Array:
    """Write times as DALI does (DALI 1.1 §3.3.3), with microseconds only in columns that have any."""
    whole = pc.all(pc.equal(pc.microsecond(array), 0)).as_py() and pc.all(pc.equal(pc.millisecond(array), 0)).as_py()
    unit = "s" if whole is not False else "us"
    text = array.cast(pa.timestamp(unit), safe=False).cast(pa.string())
    return pc.binary_replace_slice(text, start=10, stop=11, replacement="T")


def _scalars(array: pa.Array, spelling: Spelling) -> pa.Array:
    if pa.types.is_boolean(array.type):
        return pc.if_else(array, spelling.true, spelling.false)
    text = array.cast(pa.string())
    return _spelled(text, array, spelling) if pa.types.is_floating(array.type) else text


def _spelled(text: pa.Array, numbers: pa.Array, spelling: Spelling) -> pa.Array:
    """Replace Arrow's words for what is not finite."""
    if pc.all(pc.is_finite(numbers)).as_py() is not False:
        return text
    positive = pc.greater(numbers, 0)
    infinity = pc.if_else(positive, spelling.infinity, spelling.minus_infinity)
    return pc.if_else(pc.is_nan(numbers), spelling.nan, pc.if_else(pc.is_inf(numbers), infinity, text))


def _lists(array: pa.Array, column: Column, spelling: Spelling) -> pa.Array:
    length = shape_of(column).length
    if spelling.fill_fixed and length and array.null_count and (_word(column, spelling) is not None):
        array = pc.if_else(array.is_valid(), array, pa.scalar([None] * length, array.type))
    values = array.flatten()
    lengths = pc.fill_null(pc.list_value_length(array), 0).to_numpy(zero_copy_only=False)
    offsets = np.concatenate(([0], np.cumsum(lengths))).astype(np.int32)
    text = _scalars(values, spelling)
    if values.null_count:
        word = _word(column, spelling)
        if word is None:
            raise InvalidValueError(
                column.name, None, "arrays without missing elements: this format has no word for it"
            )
        text = text.fill_null(word)
    joined = pc.binary_join(pa.ListArray.from_arrays(pa.array(offsets, pa.int32()), text), spelling.separator)
    if spelling.opening:
        joined = pc.binary_join_element_wise(spelling.opening, joined, spelling.closing, "")
    return pc.if_else(array.is_valid(), joined, None) if array.null_count else joined


def _word(column: Column, spelling: Spelling) -> str | None:
    """Return what stands for a missing element of an array, None if the format has no word for it."""
    kind = WIRES[column.type].arrow
    if pa.types.is_floating(kind):
        return spelling.nan
    return spelling.unknown if column.type == "bool" else spelling.missing_element


def lines(columns: Sequence[pa.Array], *, opening: str, separator: str, closing: str, missing: str = "") -> memoryview:
    """Join columns of texts to one line a row, and return all lines as bytes."""
    if opening:
        columns = [pc.binary_join_element_wise(opening, columns[0].fill_null(missing), ""), *columns[1:]]
    columns = [*columns[:-1], pc.binary_join_element_wise(columns[-1].fill_null(missing), closing, "")]
    joined = pc.binary_join_element_wise(*columns, separator, null_handling="replace", null_replacement=missing)
    return data_of(joined)


def table_cells(batch: pa.RecordBatch, columns: Sequence[Column], spelling: Spelling) -> list[pa.Array]:
    """Return all columns of a batch as texts."""
    return [cells(array, column, spelling) for array, column in zip(conform(batch, columns), columns, strict=True)]


def prefixed(texts: Sequence[pa.Array], prefixes: Sequence[str], *, missing: str) -> list[pa.Array]:
    """Put before each cell of a column what belongs there."""
    return [
        pc.binary_join_element_wise(prefix, text.fill_null(missing), "")
        for prefix, text in zip(prefixes, texts, strict=True)
    ]
