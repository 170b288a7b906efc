"""The bytes of BINARY and BINARY2 to columns."""

from __future__ import annotations

from struct import Struct
from typing import TYPE_CHECKING, Final, NoReturn

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from deepfield.formats.wire import TEXTS, WIRES, arrow_type, binary, data_of, shape_of, starts_of
from deepfield.model.errors import InvalidUploadError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from deepfield.formats.uploads.parsing import Cells
    from deepfield.model.tables import Column

_COUNT: Final = Struct(">i")
_LONGEST_ROW: Final = 16 << 20


class Unpacker:
    """Turns bytes into columns, whole rows at a time. What follows the last whole row waits for more."""

    def __init__(self, table: str, fields: Sequence[Cells], *, flags: bool) -> None:
        self._table = table
        self._fields: Final = tuple(fields)
        self._flag_bytes = -(-len(fields) // 8) if flags else 0
        self._rest = b""
        self._read = 0
        # a row is fixed bytes, a text or array, fixed bytes, a text or array, fixed bytes
        self._gaps = [self._flag_bytes]
        self._places: list[tuple[int, int]] = []
        for field in fields:
            width = _width(field.column)
            if width is None:
                self._gaps[-1] += _COUNT.size
                self._gaps.append(0)
                self._places.append((len(self._gaps) - 2, -1))
            else:
                self._places.append((len(self._gaps) - 1, self._gaps[-1]))
                self._gaps[-1] += width
        self._varying = [field.column for field in fields if _width(field.column) is None]

    def unpack(self, data: bytes) -> Iterator[list[pa.Array]]:
        """Yield the columns of whole rows."""
        data = self._rest + data if self._rest else data
        edges, end = self._edges(data)
        self._rest = data[end:]
        if len(self._rest) > _LONGEST_ROW:
            self._refuse("a row of more than 16 MB", "shorter rows", self._read)
        each = 2 * len(self._varying) + 1
        rows = len(edges) // each
        if rows:
            yield self._columns(binary(np.concatenate(([0], edges)), data), rows, each)
            self._read += rows

    def finish(self) -> None:
        """Raise if the last row is not whole."""
        if self._rest:
            self._refuse(f"{len(self._rest)} bytes", "a whole row at the end of STREAM", self._read)

    def _refuse(self, value: object, expected: str, row: int, column: str | None = None) -> NoReturn:
        raise InvalidUploadError(self._table, value, expected, column=column, row=row + 1)

    def _edges(self, data: bytes) -> tuple[np.ndarray, int]:
        """Return where each part of each row ends, and where the last whole row does."""
        if not self._varying:
            width = self._gaps[0]
            rows = len(data) // width if width else 0
            return np.arange(1, rows + 1) * width, rows * width
        steps = [(gap, *_element(column)) for gap, column in zip(self._gaps, self._varying, strict=False)]
        last, size, unpack = self._gaps[-1], len(data), _COUNT.unpack_from
        edges: list[int] = []
        at = end = 0
        while True:
            row: list[int] = []
            for gap, width, bits in steps:
                at += gap
                if at > size:
                    return np.asarray(edges, np.int64), end
                (count,) = unpack(data, at - 4)
                if count < 0:
                    self._refuse(
                        f"{count} elements",
                        "a count that is not negative",
                        self._read + len(edges) // (2 * len(steps) + 1),
                    )
                row.append(at)
                at += (count + 7) // 8 if bits else count * width
                row.append(at)
            at += last
            if at > size:
                return np.asarray(edges, np.int64), end
            row.append(at)
            edges += row
            end = at

    def _columns(self, pieces: pa.Array, rows: int, each: int) -> list[pa.Array]:
        numbers = np.arange(rows, dtype=np.int64) * each

        def part(at: int) -> pa.Array:
            return pieces.take(pa.array(numbers + at)) if each > 1 else pieces

        fixed = [
            np.frombuffer(data_of(part(2 * gap)), np.uint8).reshape(rows, width) if width else None
            for gap, width in enumerate(self._gaps)
        ]
        missing = np.zeros((rows, len(self._fields)), np.bool_)
        if self._flag_bytes and fixed[0] is not None:
            missing = np.unpackbits(fixed[0][:, : self._flag_bytes], axis=1)[:, : len(self._fields)].astype(np.bool_)
        columns = []
        for field, (gap, at), absent in zip(self._fields, self._places, missing.T, strict=True):
            if at < 0:
                column = self._varying_column(field, part(2 * gap + 1), fixed[gap], absent)
            else:
                block = fixed[gap]
                assert block is not None
                column = self._fixed_column(field, block[:, at : at + (_width(field.column) or 0)], absent)
            columns.append(column)
        return columns

    def _fixed_column(self, field: Cells, block: np.ndarray, absent: np.ndarray) -> pa.Array:
        column, rows = field.column, len(block)
        block = np.ascontiguousarray(block)
        shape = shape_of(column)
        if column.type in TEXTS:
            width = block.shape[1]
            starts = np.arange(rows + 1) * width
            return self._texts(field, binary(starts, block.tobytes()), absent)
        if column.type == "bit":
            # padding is zero, and some writers put a single bit elsewhere in its byte
            bits = block != 0 if shape.scalar else np.unpackbits(block, axis=1)[:, : shape.length]
            values = pa.array(bits.ravel().astype(np.bool_))
        else:
            values = _values(block.tobytes(), column)
        if not shape.scalar:
            lists = pa.FixedSizeListArray.from_arrays(values, shape.length)
            return _masked(lists, absent).cast(arrow_type(column))
        if field.magic is not None and not self._flag_bytes:
            absent = absent | np.asarray(pc.equal(values, pa.scalar(field.magic, values.type)))
        return _masked(values, absent)

    def _varying_column(self, field: Cells, cells: pa.Array, before: np.ndarray | None, absent: np.ndarray) -> pa.Array:
        column = field.column
        if column.type in TEXTS:
            return self._texts(field, cells, absent)
        assert before is not None
        counts = np.ascontiguousarray(before[:, -_COUNT.size :]).view(">i4").ravel().astype(np.int64)
        if column.type == "bit":
            rows = [
                np.unpackbits(np.frombuffer(cell, np.uint8))[:count].astype(np.bool_)
                for cell, count in zip(cells.to_pylist(), counts, strict=True)
            ]
            values = pa.array(np.concatenate(rows) if rows else np.zeros(0, np.bool_))
        else:
            values = _values(bytes(data_of(cells)), column)
        offsets = np.concatenate(([0], np.cumsum(counts * WIRES[column.type].atoms))).astype(np.int32)
        mask = pa.array(absent) if absent.any() else None
        return pa.ListArray.from_arrays(pa.array(offsets), values, mask=mask)

    def _texts(self, field: Cells, cells: pa.Array, absent: np.ndarray) -> pa.Array:
        """Return texts; they end at the first NUL (VOTable 1.4 §6), and an empty one in BINARY is missing."""
        if WIRES[field.column.type].votable == "unicodeChar":
            texts = self._from_ucs2(field, cells)
        else:
            texts = self._from_bytes(field, cells)
        if b"\0" in bytes(data_of(texts)):
            texts = pc.replace_substring_regex(texts, r"(?s)\x00.*", "")
        if not self._flag_bytes:
            absent = np.asarray(pc.equal(texts, ""))
        return _masked(texts, absent)

    def _from_bytes(self, field: Cells, cells: pa.Array) -> pa.Array:
        try:
            return cells.cast(pa.string())
        except pa.ArrowInvalid:
            row = next(at for at, cell in enumerate(cells.to_pylist()) if not _is_utf8(cell))
            self._refuse(cells[row].as_py()[:40], "text in ASCII or UTF-8", self._read + row, field.column.name)

    def _from_ucs2(self, field: Cells, cells: pa.Array) -> pa.Array:
        starts, data = starts_of(cells), bytes(data_of(cells))
        try:
            text = data.decode("utf-16-be").encode()
        except UnicodeError as error:
            self._refuse(str(error), "text in UCS-2", self._read, field.column.name)
        units = np.frombuffer(data, ">u2")
        surrogate = (units >= 0xD800) & (units < 0xE000)
        # a character takes one to three bytes in UTF-8, and four where it takes two units here
        sizes = np.where(surrogate, 2, np.where(units < 0x80, 1, np.where(units < 0x800, 2, 3)))
        ends = np.concatenate(([0], np.cumsum(sizes)))
        return binary(ends[starts // 2], text).cast(pa.string())


def _is_utf8(cell: bytes) -> bool:
    try:
        cell.decode()
    except UnicodeDecodeError:
        return False
    return True


def _masked(values: pa.Array, absent: np.ndarray) -> pa.Array:
    return pc.if_else(pa.array(~absent), values, None) if absent.any() else values


def _values(data: bytes, column: Column) -> pa.Array:
    wire = WIRES[column.type]
    if column.type == "bool":
        letters = np.frombuffer(data, np.uint8)
        true, false = np.isin(letters, _TRUE), np.isin(letters, _FALSE)
        return pa.array(true, mask=~(true | false))
    values = np.frombuffer(data, wire.numpy)
    return pa.array(values.astype(values.dtype.newbyteorder("=")))


_TRUE: Final = np.frombuffer(b"Tt1", np.uint8)
_FALSE: Final = np.frombuffer(b"Ff0", np.uint8)


def _element(column: Column) -> tuple[int, bool]:
    """Return the bytes of one element, and whether elements are bits."""
    wire = WIRES[column.type]
    if column.type in TEXTS:
        return (2 if wire.votable == "unicodeChar" else 1), False
    return np.dtype(wire.numpy).itemsize * wire.atoms, column.type == "bit"


def _width(column: Column) -> int | None:
    """Return the bytes of a cell, None where they vary."""
    shape = shape_of(column)
    if shape.length is None:
        return None
    width, bits = _element(column)
    count = shape.length // WIRES[column.type].atoms
    return -(-count // 8) if bits else count * width
