"""What a column is in Arrow and on each wire: one table for all formats."""

from __future__ import annotations

import re
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from deepfield.model.errors import InvalidValueError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from deepfield.model.tables import Column, ColumnType

_PORTION_BYTES: Final = 1 << 20
_PORTION_ROWS: Final = 16_384
_ARRAYSIZE: Final = re.compile(r"(?:[1-9]\d{0,8}x)*(?:[1-9]\d{0,8}\*?|\*)")


@dataclass(frozen=True, slots=True)
class Wire:
    """How one type of column is written. ``numpy`` is the big-endian element of VOTable's and FITS' binary rows."""

    arrow: pa.DataType
    votable: str
    numpy: str = ""
    fits: str = "A"
    ecsv: str = "string"
    """An element of it; ECSV has complex numbers only without missing ones, so they are written as pairs."""
    atoms: int = 1
    """How many Arrow values make one element: a complex number is two."""
    xtype: str | None = None
    magic: int | None = None
    """The value that stands for a missing one where a format knows no other way (VOTable 1.4 §4.8, FITS TNULLn)."""


WIRES: Final[Mapping[ColumnType, Wire]] = MappingProxyType(
    {
        "string": Wire(pa.string(), "char"),
        "unicode": Wire(pa.string(), "unicodeChar"),
        "json": Wire(pa.string(), "unicodeChar", xtype="json"),
        "timestamp": Wire(pa.timestamp("us"), "char", xtype="timestamp"),
        "bool": Wire(pa.bool_(), "boolean", "S1", "L", "bool"),
        "bit": Wire(pa.bool_(), "bit", "u1", "X", "bool"),
        "bytes": Wire(pa.uint8(), "unsignedByte", "u1", "B", "uint8"),
        "uint8": Wire(pa.uint8(), "unsignedByte", "u1", "B", "uint8", magic=255),
        "int16": Wire(pa.int16(), "short", ">i2", "I", "int16", magic=-(2**15)),
        "int32": Wire(pa.int32(), "int", ">i4", "J", "int32", magic=-(2**31)),
        "int64": Wire(pa.int64(), "long", ">i8", "K", "int64", magic=-(2**63)),
        "float32": Wire(pa.float32(), "float", ">f4", "E", "float32"),
        "float64": Wire(pa.float64(), "double", ">f8", "D", "float64"),
        "complex64": Wire(pa.float32(), "floatComplex", ">f4", "C", "float32", 2),
        "complex128": Wire(pa.float64(), "doubleComplex", ">f8", "M", "float64", 2),
    }
)
TEXTS: Final = frozenset({"string", "unicode", "json", "timestamp"})


@dataclass(frozen=True, slots=True)
class Shape:
    """How many values a cell holds. Texts have a length, all other types a count of elements.

    ``length`` is None where it varies; ``arraysize`` is what VOTable writes, None for a single number.
    """

    scalar: bool
    length: int | None
    arraysize: str | None


def shape_of(column: Column) -> Shape:
    """Return the shape of a column's cells.

    Raises:
        InvalidValueError: ``arraysize`` is none of VOTable's, or one of an array of texts.
    """
    text = column.arraysize
    if column.type == "bytes" and text is None:
        return Shape(scalar=False, length=None, arraysize="*")
    if text is None:
        scalar = column.type not in TEXTS
        atoms = WIRES[column.type].atoms
        return Shape(scalar=scalar and atoms == 1, length=atoms if scalar else None, arraysize=None if scalar else "*")
    if not _ARRAYSIZE.fullmatch(text):
        raise InvalidValueError(f"arraysize of {column.name}", text, "an arraysize of VOTable, as 3, *, 3x* or 16*")
    dimensions = text.split("x")
    if column.type in TEXTS:
        if len(dimensions) > 1:
            raise InvalidValueError(
                f"arraysize of {column.name}", text, "one dimension: arrays of texts are not supported"
            )
        return Shape(scalar=False, length=None if text.endswith("*") else int(text), arraysize=text)
    if text.endswith("*"):
        return Shape(scalar=False, length=None, arraysize=text)
    length = WIRES[column.type].atoms * int(np.prod([int(each) for each in dimensions], dtype=object))
    return Shape(scalar=False, length=length, arraysize=text)


def arrow_type(column: Column) -> pa.DataType:
    """Return the Arrow type of a column's cells: texts and numbers as such, arrays and complex numbers as lists."""
    wire, shape = WIRES[column.type], shape_of(column)
    if column.type in TEXTS or shape.scalar:
        return wire.arrow
    return pa.list_(wire.arrow) if shape.length is None else pa.list_(wire.arrow, shape.length)


def schema_of(columns: Sequence[Column]) -> pa.Schema:
    """Return the Arrow schema of columns, with unit, UCD, utype, xtype and description in the fields' metadata."""
    return pa.schema([pa.field(column.name, arrow_type(column), metadata=_facts(column)) for column in columns])


def _facts(column: Column) -> dict[str, str]:
    facts = {
        "unit": column.unit,
        "ucd": column.ucd,
        "utype": column.utype,
        "xtype": column.xtype,
        "arraysize": column.arraysize,
        "type": column.type,
        "description": column.description,
    }
    return {name: value for name, value in facts.items() if value}


def conform(batch: pa.RecordBatch, columns: Sequence[Column]) -> list[pa.Array]:
    """Return the columns of a batch in the types that were announced for them.

    Raises:
        InvalidValueError: a column holds what its type cannot, as a text where a number was announced.
    """
    return [_conformed(array, column) for array, column in zip(batch.columns, columns, strict=True)]


def _conformed(array: pa.Array, column: Column) -> pa.Array:
    wanted = arrow_type(column)
    if pa.types.is_dictionary(array.type):
        array = array.dictionary_decode()
    if array.type == wanted:
        return array
    if column.type == "bytes" and _is_binary(array.type):
        return octets(array)
    if column.type == "timestamp" and pa.types.is_timestamp(array.type) and array.type.tz is not None:
        array = pc.cast(array, pa.timestamp(array.type.unit, tz="UTC")).cast(pa.timestamp(array.type.unit))
    try:
        return array.cast(wanted, safe=column.type != "timestamp")
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        raise InvalidValueError(column.name, str(error).splitlines()[0], f"values of type {column.type}") from error


def _is_binary(kind: pa.DataType) -> bool:
    return bool(pa.types.is_binary(kind) or pa.types.is_large_binary(kind))


def octets(array: pa.Array) -> pa.Array:
    """Return byte strings as lists of small numbers."""
    array = array.cast(pa.binary())
    data = data_of(array)
    values = pa.Array.from_buffers(pa.uint8(), len(data), [None, pa.py_buffer(data)])
    offsets = pa.array(starts_of(array), pa.int32())
    return pa.ListArray.from_arrays(offsets, values, mask=array.is_null() if array.null_count else None)


def _offsets(array: pa.Array) -> np.ndarray:
    """Return where the cells of a text, binary or list column begin in its data, and where the last one ends."""
    if not len(array):
        return np.zeros(1, np.int32)
    return np.frombuffer(array.buffers()[1], np.int32)[array.offset : array.offset + len(array) + 1]


def data_of(array: pa.Array) -> memoryview:
    """Return the bytes of all cells of a text or binary column, one after the other."""
    data = array.buffers()[2]
    if data is None:
        return memoryview(b"")
    offsets = _offsets(array)
    return memoryview(data)[offsets[0] : offsets[-1]]


def starts_of(array: pa.Array) -> np.ndarray:
    """Return where each cell begins within ``data_of``, and where the last one ends."""
    offsets = _offsets(array)
    return np.asarray(offsets - offsets[0])


def binary(starts: np.ndarray, data: bytes | memoryview | np.ndarray | pa.Buffer) -> pa.Array:
    """Return byte strings that lie one after the other in ``data``, without a copy of it."""
    buffer = data if isinstance(data, pa.Buffer) else pa.py_buffer(data)
    offsets = pa.py_buffer(np.ascontiguousarray(starts, np.int32))
    return pa.Array.from_buffers(pa.binary(), len(starts) - 1, [None, offsets, buffer])


def portions(batch: pa.RecordBatch) -> Iterator[pa.RecordBatch]:
    """Cut a batch into pieces of about a megabyte, so that what is made of one stays small."""
    rows = max(1, min(_PORTION_ROWS, int(batch.num_rows * _PORTION_BYTES / max(1, batch.nbytes))))
    for start in range(0, batch.num_rows, rows):
        yield batch.slice(start, rows)
