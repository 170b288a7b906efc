"""FITS binary tables (FITS 4.0 §7.3). The header counts the rows, so they wait on disk until all are there."""

from __future__ import annotations

import tempfile
import unicodedata
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final, Protocol, TypeVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from astropy.io import fits

from deepfield.formats.texts import iso
from deepfield.formats.votable.binary import numbers, pad
from deepfield.formats.wire import TEXTS, WIRES, conform, data_of, portions, schema_of, shape_of, starts_of
from deepfield.model.errors import InvalidValueError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from deepfield.formats.document import Document
    from deepfield.model.rows import RowStream
    from deepfield.model.tables import Column

_Count = TypeVar("_Count", int, np.ndarray)
_BLOCK: Final = 2880
_SPOOL_BYTES: Final = 8 << 20
_WIDEST: Final = 256
"""Texts longer than this go to the heap, so that one of them does not widen all rows."""
_DESCRIPTOR_BYTES: Final = 16


def write_fits(stream: RowStream, document: Document) -> Iterator[bytes]:
    """Write a primary header and one table. Nothing can be sent before the last row is known.

    Texts are ASCII in FITS: accents fall away, other characters become ``?``.

    Raises:
        InvalidValueError: an integer column with missing values uses every number that could stand for one.
    """
    layouts = [_layout_of(column) for column in stream.columns]
    schema = schema_of([layout.kept for layout in layouts])
    with tempfile.SpooledTemporaryFile(max_size=_SPOOL_BYTES) as spool:
        with pa.ipc.new_stream(spool, schema) as writer:
            for batch in stream:
                for portion in portions(batch):
                    arrays = zip(layouts, conform(portion, stream.columns), strict=True)
                    writer.write_batch(pa.record_batch([each.learn(array) for each, array in arrays], schema=schema))
        yield _headers(stream, document, layouts)
        size = 0
        heap = _Heap()
        for batch in _reread(spool):
            rows = [each.cells(array, heap) for each, array in zip(layouts, batch.columns, strict=True)]
            packed = np.concatenate(rows, axis=1).tobytes()
            size += len(packed)
            yield packed
        if heap.used:
            for batch in _reread(spool):
                arrays = zip(layouts, batch.columns, strict=True)
                yield b"".join(each.behind(array) for each, array in arrays if each.heap_bytes is not None)
        yield bytes(-(size + heap.used) % _BLOCK)


def _reread(spool: tempfile.SpooledTemporaryFile[bytes]) -> Iterator[pa.RecordBatch]:
    spool.seek(0)
    yield from pa.ipc.open_stream(spool)


@dataclass(slots=True)
class _Heap:
    """How many bytes of the area behind the table are taken. Cells go there batch by batch, column by column."""

    used: int = 0

    def descriptors(self, counts: np.ndarray, sizes: np.ndarray) -> np.ndarray:
        """Return the pointers of one column's cells (FITS 4.0 §7.3.5)."""
        starts = self.used + np.cumsum(sizes) - sizes
        self.used += int(sizes.sum())
        return np.stack([counts, starts], axis=1).astype(">i8").view(np.uint8)


class _Layout(Protocol):
    """How one column lies in the file: learned while its rows pass by, then applied."""

    column: Column
    kept: Column
    """The column as it waits on disk."""

    @property
    def form(self) -> str:
        """TFORMn."""

    @property
    def width(self) -> int:
        """Bytes in a row."""

    @property
    def heap_bytes(self) -> int | None:
        """Bytes behind the table; None if the cells lie in the rows."""

    @property
    def null(self) -> int | None:
        """TNULLn."""

    def learn(self, array: pa.Array) -> pa.Array:
        """Take note of cells, and return them as they wait on disk."""

    def cells(self, array: pa.Array, heap: _Heap) -> np.ndarray:
        """Return what stands in the rows."""

    def behind(self, array: pa.Array) -> bytes:
        """Return what stands in the heap."""


def _layout_of(column: Column) -> _Layout:
    if column.type in TEXTS:
        return _Texts(column, replace(column, type="string", arraysize="*"))
    if shape_of(column).length is None:
        return _VaryingArrays(column, column)
    return _Numbers(column, column)


@dataclass(slots=True)
class _Texts:
    """Texts, as wide as the longest; in the heap if that is long."""

    column: Column
    kept: Column
    null: None = None
    _longest: int = 1
    _bytes: int = 0

    @property
    def form(self) -> str:
        return f"1QA({self._longest})" if self._longest > _WIDEST else f"{self._longest}A"

    @property
    def width(self) -> int:
        return _DESCRIPTOR_BYTES if self._longest > _WIDEST else self._longest

    @property
    def heap_bytes(self) -> int | None:
        return self._bytes if self._longest > _WIDEST else None

    def learn(self, array: pa.Array) -> pa.Array:
        array = ascii_of(iso(array) if self.column.type == "timestamp" else array)
        lengths = np.diff(starts_of(array))
        self._longest = max(self._longest, int(lengths.max(initial=0)))
        self._bytes += int(lengths.sum())
        return array

    def cells(self, array: pa.Array, heap: _Heap) -> np.ndarray:
        starts = starts_of(array)
        if self.heap_bytes is None:
            return pad(starts, np.frombuffer(data_of(array), np.uint8), self._longest)
        return heap.descriptors(np.diff(starts), np.diff(starts))

    def behind(self, array: pa.Array) -> bytes:
        return bytes(data_of(array))


@dataclass(slots=True)
class _Missing:
    """Finds a number of a column's type that can stand for a missing one, because no cell has it."""

    column: Column
    _any: bool = False
    _free: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        if WIRES[self.column.type].magic is not None:
            info = np.iinfo(WIRES[self.column.type].arrow.to_pandas_dtype())
            self._free = [int(info.min), int(info.max)]

    def learn(self, values: pa.Array, *, missing: bool) -> None:
        if self._free:
            self._any = self._any or missing or values.null_count > 0
            span = pc.min_max(values).as_py()
            self._free = [number for number in self._free if number not in span.values()]

    @property
    def number(self) -> int | None:
        if not self._any:
            return None
        if not self._free:
            raise InvalidValueError(
                self.column.name, "the lowest and the highest number", "one left over for missing values; not in FITS"
            )
        return self._free[0]


@dataclass(slots=True)
class _Numbers:
    """Numbers, truth values, and arrays of one length."""

    column: Column
    kept: Column
    heap_bytes: None = None
    _missing: _Missing = field(init=False)

    def __post_init__(self) -> None:
        self._missing = _Missing(self.column)

    @property
    def form(self) -> str:
        return f"{self._count}{WIRES[self.column.type].fits}"

    @property
    def _count(self) -> int:
        return (shape_of(self.column).length or 1) // WIRES[self.column.type].atoms

    @property
    def width(self) -> int:
        return _size(self.column, self._count)

    @property
    def null(self) -> int | None:
        return self._missing.number

    def learn(self, array: pa.Array) -> pa.Array:
        values = array if shape_of(self.column).scalar else array.flatten()
        self._missing.learn(values, missing=array.null_count > 0)
        return array

    def cells(self, array: pa.Array, heap: _Heap) -> np.ndarray:
        del heap
        shape = shape_of(self.column)
        if not shape.scalar and array.null_count:
            array = pc.if_else(array.is_valid(), array, pa.scalar([None] * (shape.length or 0), array.type))
        values = array if shape.scalar else array.flatten()
        return _packed(values, self.column, self.null).reshape(len(array), -1)

    def behind(self, array: pa.Array) -> bytes:
        raise NotImplementedError


@dataclass(slots=True)
class _VaryingArrays:
    """Arrays of varying length, in the heap."""

    column: Column
    kept: Column
    heap_bytes: int = 0
    _longest: int = 0
    _missing: _Missing = field(init=False)

    def __post_init__(self) -> None:
        self._missing = _Missing(self.column)

    @property
    def form(self) -> str:
        return f"1Q{WIRES[self.column.type].fits}({self._longest})"

    @property
    def width(self) -> int:
        return _DESCRIPTOR_BYTES

    @property
    def null(self) -> int | None:
        return self._missing.number

    def _counts(self, array: pa.Array) -> np.ndarray:
        lengths = pc.fill_null(pc.list_value_length(array), 0).to_numpy(zero_copy_only=False)
        return np.asarray(lengths // WIRES[self.column.type].atoms, np.int64)

    def _sizes(self, counts: np.ndarray) -> np.ndarray:
        return np.asarray(_size(self.column, counts), np.int64)

    def learn(self, array: pa.Array) -> pa.Array:
        self._missing.learn(array.flatten(), missing=False)
        counts = self._counts(array)
        self._longest = max(self._longest, int(counts.max(initial=0)))
        self.heap_bytes += int(self._sizes(counts).sum())
        return array

    def cells(self, array: pa.Array, heap: _Heap) -> np.ndarray:
        counts = self._counts(array)
        return heap.descriptors(counts, self._sizes(counts))

    def behind(self, array: pa.Array) -> bytes:
        if self.column.type == "bit":
            return b"".join(_packed(row.values, self.column, None).tobytes() for row in array if row.is_valid)
        return _packed(array.flatten(), self.column, self.null).tobytes()


def _size(column: Column, count: _Count) -> _Count:
    wire = WIRES[column.type]
    return -(-count // 8) if column.type == "bit" else count * wire.atoms * np.dtype(wire.numpy).itemsize


def _packed(values: pa.Array, column: Column, null: int | None) -> np.ndarray:
    """Return numbers as bytes, big-endian."""
    if column.type == "bit":
        bits = values.cast(pa.uint8()).fill_null(0).to_numpy()
        length = shape_of(column).length
        return np.packbits(bits.reshape(-1, length) if length else bits, axis=-1)
    if null is not None:
        values = values.fill_null(null)
    packed = np.ascontiguousarray(numbers(values, column)).view(np.uint8)
    # FITS 4.0 §7.3.3.1: an unknown truth value is a zero byte
    return np.where(packed == ord("?"), np.uint8(0), packed) if column.type == "bool" else packed


def ascii_of(text: pa.Array) -> pa.Array:
    """Return texts in ASCII: accents fall away, other characters become ``?``."""
    text = text.fill_null("")
    if pc.all(pc.string_is_ascii(text)).as_py() is not False:
        return text
    return pa.array([_fold(cell) for cell in text.to_pylist()], pa.string())


def _fold(text: str) -> str:
    plain = (letter for letter in unicodedata.normalize("NFKD", text) if not unicodedata.combining(letter))
    return "".join(plain).encode("ascii", "replace").decode()


def _headers(stream: RowStream, document: Document, layouts: Sequence[_Layout]) -> bytes:
    primary = fits.Header([("SIMPLE", True), ("BITPIX", 8), ("NAXIS", 0), ("EXTEND", True)])
    table = fits.Header()
    table["XTENSION"] = "BINTABLE"
    table["BITPIX"] = 8
    table["NAXIS"] = 2
    table["NAXIS1"] = sum(layout.width for layout in layouts)
    table["NAXIS2"] = stream.rows
    table["PCOUNT"] = sum(layout.heap_bytes or 0 for layout in layouts)
    table["GCOUNT"] = 1
    table["TFIELDS"] = len(layouts)
    table["EXTNAME"] = _card(document.name or "RESULT")
    table["QSTATUS"] = ("OVERFLOW" if stream.overflow else "OK", "OVERFLOW if the rows were cut (DALI 4.4)")
    for number, layout in enumerate(layouts, 1):
        column = layout.column
        facts = {
            "TTYPE": column.name,
            "TFORM": layout.form,
            "TUNIT": column.unit,
            "TNULL": layout.null,
            "TDIM": _dimensions(column),
            "TCOMM": column.description,
            "TUCD": column.ucd,
            "TUTYP": column.utype,
            "TXTYP": column.xtype or WIRES[column.type].xtype,
        }
        for key, value in facts.items():
            if value not in {None, ""}:
                table[f"{key}{number}"] = _card(value) if isinstance(value, str) else value
    for name, value, _ in document.provenance.facts(stream.snapshot):
        table.add_history(_card(f"{name}: {value}"))
    return bytes(primary.tostring() + table.tostring(), "ascii")


def _card(text: str) -> str:
    """Return a text as a card can hold it: printable ASCII."""
    return "".join(letter if " " <= letter <= "~" else " " for letter in _fold(text))


def _dimensions(column: Column) -> str | None:
    """Return TDIMn of an array with more than one dimension of fixed length."""
    text = column.arraysize or ""
    return f"({text.replace('x', ',')})" if "x" in text and not text.endswith("*") else None
