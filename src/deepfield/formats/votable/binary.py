"""Rows to the bytes of BINARY and BINARY2 (VOTable 1.4 §5.3, §5.4), and of FITS where these agree: all big-endian."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from deepfield.formats.texts import iso
from deepfield.formats.wire import TEXTS, WIRES, binary, data_of, shape_of, starts_of
from deepfield.model.errors import InvalidValueError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from deepfield.model.tables import Column

_COUNT: Final = np.dtype(">i4")


class Packer:
    """Packs columns into rows. ``flags`` puts BINARY2's null flags before each row.

    Neighbours of fixed width become one structured array; texts and arrays of varying length go between these.
    """

    def __init__(self, columns: Sequence[Column], *, flags: bool) -> None:
        self._columns: Final = tuple(columns)
        self._flags = flags

    def pack(self, arrays: Sequence[pa.Array]) -> memoryview:
        """Return all rows as bytes.

        Raises:
            InvalidValueError: a cell cannot be written: see ``write_binary``, or an array misses an element.
        """
        rows = len(arrays[0]) if arrays else 0
        fixed: list[np.ndarray] = [_null_flags(arrays)] if self._flags else []
        parts: list[pa.Array] = []
        for array, column in zip(arrays, self._columns, strict=True):
            if shape_of(column).length is None:
                counts, cells = _varying(array, column)
                fixed.append(_bytes_of(counts.astype(_COUNT), rows))
                parts += [_together(fixed, rows), cells]
                fixed = []
            else:
                fixed.append(_bytes_of(self._fixed(array, column), rows))
        if fixed:
            parts.append(_together(fixed, rows))
        if len(parts) == 1:
            return data_of(parts[0])
        return data_of(
            pc.binary_join_element_wise(*parts, pa.scalar(b""), null_handling="replace", null_replacement=b"")
        )

    def _fixed(self, array: pa.Array, column: Column) -> np.ndarray:
        shape = shape_of(column)
        if shape.scalar:
            missing = None if self._flags else WIRES[column.type].magic
            return numbers(array, column, missing=missing)
        length = shape.length
        assert length is not None
        if column.type in TEXTS:
            return _padded(array, column, length)
        values = _elements(array, column, length)
        return values if column.type != "bit" else np.packbits(values.reshape(len(array), length), axis=1)


def numbers(array: pa.Array, column: Column, *, missing: int | None = None) -> np.ndarray:
    """Return scalars in the bytes of the wire; a missing number is NaN, ``missing`` or 0.

    Raises:
        InvalidValueError: a number is the very one that stands for a missing one.
    """
    wire = WIRES[column.type]
    if column.type == "bool":
        # VOTable 1.4 §6: T, F, and ? for an unknown one
        return np.asarray(pc.if_else(array, b"T", b"F").fill_null(b"?").to_numpy(zero_copy_only=False), "S1")
    if pa.types.is_boolean(array.type):
        values = array.cast(pa.uint8()).fill_null(0).to_numpy()
        return np.packbits(values.reshape(-1, 1), axis=1)
    if array.null_count:
        floating = pa.types.is_floating(array.type)
        if missing is not None and pc.any(pc.equal(array, missing)).as_py():
            raise InvalidValueError(column.name, missing, "a value that does not stand for a missing one; try BINARY2")
        array = array.fill_null(np.nan if floating else missing or 0)
    return np.asarray(array.to_numpy().astype(wire.numpy))


def _elements(array: pa.Array, column: Column, length: int) -> np.ndarray:
    """Return the elements of arrays of one length, those of missing arrays too."""
    if array.null_count:
        blank = {"bit": False, "uint8": 0, "int16": 0, "int32": 0, "int64": 0}.get(column.type)
        array = pc.if_else(array.is_valid(), array, pa.scalar([blank] * length, array.type))
    return _element_bytes(array.flatten(), column)


def _element_bytes(values: pa.Array, column: Column) -> np.ndarray:
    if values.null_count and column.type != "bool" and not pa.types.is_floating(values.type):
        raise InvalidValueError(column.name, None, "arrays without missing elements: VOTable has no word for one")
    if column.type == "bit":
        return np.asarray(values.cast(pa.uint8()).to_numpy())
    return numbers(values, column)


def _varying(array: pa.Array, column: Column) -> tuple[np.ndarray, pa.Array]:
    """Return the count of elements in each cell, and the cells' bytes."""
    wire = WIRES[column.type]
    if column.type in TEXTS:
        text = iso(array) if column.type == "timestamp" else array
        text = text.fill_null("") if text.null_count else text
        if wire.votable == "unicodeChar":
            starts, data = ucs2(text)
            return np.diff(starts) // 2, binary(starts, data)
        return np.diff(starts_of(text)), text.cast(pa.binary())
    counts = pc.fill_null(pc.list_value_length(array), 0).to_numpy(zero_copy_only=False)
    values = _element_bytes(array.flatten(), column)
    if column.type == "bit":
        rows = [np.packbits(each) for each in np.split(values, np.cumsum(counts)[:-1])]
        return counts, pa.array([row.tobytes() for row in rows], pa.binary())
    starts = np.concatenate(([0], np.cumsum(counts))) * values.dtype.itemsize
    return counts // wire.atoms, binary(starts, values.tobytes())


def ucs2(text: pa.Array) -> tuple[np.ndarray, bytes]:
    """Return where each cell begins in the big-endian UTF-16 of a column, and these bytes."""
    data = data_of(text)
    used = np.frombuffer(data, np.uint8)
    # a character takes two bytes, and four where UTF-8 takes four; the bytes that follow a first one take none
    units = np.where((used & 0xC0) == 0x80, 0, np.where(used >= 0xF0, 4, 2))
    ends = np.concatenate(([0], np.cumsum(units)))
    return ends[starts_of(text)], str(data, "utf-8").encode("utf-16-be")


def _padded(array: pa.Array, column: Column, length: int) -> np.ndarray:
    """Return texts of one length, filled with NUL (VOTable 1.4 §6)."""
    text = (iso(array) if column.type == "timestamp" else array).fill_null("")
    unicode = WIRES[column.type].votable == "unicodeChar"
    starts, data = ucs2(text) if unicode else (starts_of(text), data_of(text))
    width = 2 * length if unicode else length
    if len(array) and (longest := int(np.diff(starts).max())) > width:
        raise InvalidValueError(column.name, longest // (2 if unicode else 1), f"texts of at most {length} characters")
    return pad(starts, np.frombuffer(data, np.uint8), width)


def pad(starts: np.ndarray, data: np.ndarray, width: int) -> np.ndarray:
    """Return cells of varying length as rows of ``width`` bytes, cut or filled with NUL."""
    rows = len(starts) - 1
    lengths = np.minimum(np.diff(starts), width)
    padded = np.zeros((rows, width), np.uint8)
    row = np.repeat(np.arange(rows), lengths)
    within = np.arange(len(row)) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    padded[row, within] = data[np.repeat(starts[:-1], lengths) + within]
    return padded


def _null_flags(arrays: Sequence[pa.Array]) -> np.ndarray:
    """Return the flags of each row, the first column in the highest bit (VOTable 1.4 §5.4)."""
    rows = len(arrays[0])
    if not any(array.null_count for array in arrays):
        return np.zeros((rows, (len(arrays) + 7) // 8), np.uint8)
    missing = np.zeros((rows, len(arrays)), np.bool_)
    for at, array in enumerate(arrays):
        if array.null_count:
            missing[:, at] = array.is_null().to_numpy(zero_copy_only=False)
    return np.packbits(missing, axis=1)


def _bytes_of(values: np.ndarray, rows: int) -> np.ndarray:
    return np.ascontiguousarray(values).view(np.uint8).reshape(rows, -1)


def _together(columns: Sequence[np.ndarray], rows: int) -> pa.Array:
    """Put columns of bytes side by side."""
    width = sum(column.shape[1] for column in columns)
    together = np.empty((rows, width), np.uint8)
    at = 0
    for column in columns:
        together[:, at : at + column.shape[1]] = column
        at += column.shape[1]
    return binary(np.arange(0, (rows + 1) * width, width) if width else np.zeros(rows + 1, np.int32), together)
