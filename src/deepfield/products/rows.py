"""Rows of tables in files, piece by piece: ECSV text and FITS binary tables."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import numpy as np
import pyarrow as pa

from deepfield.model.errors import UnreadableFileError
from deepfield.products.ecsv import MISSING, read_batches
from deepfield.products.pixels import open_fits
from deepfield.products.source import ByteSource

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from deepfield.products.header import Header

PIECE_ROWS: Final = 100_000
_MISSING: Final = (*MISSING, "nan", "NaN")
_TYPES: Final = {"bool": pa.bool_(), "string": pa.string()}
"""Arrow types of ECSV ones (APE 6); every number is read as a double or a whole one."""


@dataclass(frozen=True, slots=True)
class FileColumn:
    """A column as a file describes it."""

    name: str
    datatype: str
    unit: str | None


Batches: TypeAlias = "Callable[[Sequence[str]], Iterator[pa.RecordBatch]]"


def read_rows(path: Path, header: Header) -> tuple[tuple[FileColumn, ...], Batches]:
    """Return the columns of a file's table, and the function that reads some of them in pieces.

    Raises:
        UnreadableFileError: the file holds no table; or later, a piece of it is not as its header says.
    """
    if header.container == "ecsv" and isinstance(header.document, dict):
        return _ecsv(path, header)
    number = next((hdu.part.number for hdu in header.hdus if hdu.part.kind == "table"), None)
    if header.container != "fits" or number is None or header.compression is not None:
        raise UnreadableFileError(header.filename, "it holds no table whose rows could be read")
    return _fits(path, number)


def _ecsv(path: Path, header: Header) -> tuple[tuple[FileColumn, ...], Batches]:
    columns = tuple(
        FileColumn(str(column.get("name")), str(column.get("datatype")), column.get("unit") or None)
        for column in header.document["columns"]
    )

    def batches(names: Sequence[str]) -> Iterator[pa.RecordBatch]:
        with ByteSource(path) as source:
            types = {column.name: _arrow_type(column.datatype) for column in columns if column.name in names}
            try:
                yield from read_batches(source, types, missing=_MISSING)
            except pa.ArrowException as error:
                raise UnreadableFileError(header.filename, f"its rows cannot be read: {_first_line(error)}") from error

    return columns, batches


def _arrow_type(datatype: str) -> pa.DataType:
    if datatype.startswith(("int", "uint")):
        return pa.int64()
    return _TYPES.get(datatype, pa.float64())


def _fits(path: Path, number: int) -> tuple[tuple[FileColumn, ...], Batches]:
    with open_fits(path, gzipped=False, tables=True) as opened:
        described = opened[number].columns
        columns = tuple(FileColumn(column.name, column.format, column.unit or None) for column in described)

    def batches(names: Sequence[str]) -> Iterator[pa.RecordBatch]:
        with open_fits(path, gzipped=False, tables=True) as opened:
            data = opened[number].data
            for start in range(0, len(data), PIECE_ROWS):
                piece = data[start : start + PIECE_ROWS]
                arrays = [_array(piece.field(name), path.name, name) for name in names]
                yield pa.RecordBatch.from_arrays(arrays, list(names))

    return columns, batches


def _array(values: Any, filename: str, name: str) -> pa.Array:
    array = np.asarray(values)
    if array.ndim != 1 or array.dtype.kind not in "biufS":
        raise UnreadableFileError(filename, f"its column {name} holds no single values")
    if array.dtype.kind == "S":
        return pa.array([text.decode("latin-1") for text in array.tolist()])
    return pa.array(array.astype(array.dtype.newbyteorder("="), copy=False))


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0][:200]
