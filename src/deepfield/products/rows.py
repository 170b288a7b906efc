"""Rows of tables in files, piece by piece: ECSV text and FITS binary tables."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.csv as pa_csv
from typing_extensions import override

from deepfield.model.errors import UnreadableFileError
from deepfield.products.pixels import open_fits
from deepfield.products.source import ByteSource

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from deepfield.products.header import Header

PIECE_ROWS: Final = 100_000
_PIECE_BYTES: Final = 8 << 20
_EMPTY: Final = ("", "nan", "NaN", "--")
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
            body = _Body(source)
            try:
                yield from _pieces(body, columns, names, body.delimiter)
            except pa.ArrowException as error:
                raise UnreadableFileError(header.filename, f"its rows cannot be read: {_first_line(error)}") from error

    return columns, batches


def _pieces(
    body: _Body, columns: Sequence[FileColumn], names: Sequence[str], delimiter: str
) -> Iterator[pa.RecordBatch]:
    types = {column.name: _arrow_type(column.datatype) for column in columns if column.name in names}
    reader = pa_csv.open_csv(
        pa.PythonFile(io.BufferedReader(body), mode="r"),
        read_options=pa_csv.ReadOptions(block_size=_PIECE_BYTES, use_threads=False),
        parse_options=pa_csv.ParseOptions(delimiter=delimiter),
        convert_options=pa_csv.ConvertOptions(
            column_types=types, include_columns=list(names), null_values=list(_EMPTY), strings_can_be_null=True,
            true_values=["True", "true", "1"], false_values=["False", "false", "0"],
        ),
    )  # fmt: skip
    yield from (batch for batch in reader if batch.num_rows)


def _arrow_type(datatype: str) -> pa.DataType:
    if datatype.startswith(("int", "uint")):
        return pa.int64()
    return _TYPES.get(datatype, pa.float64())


class _Body(io.RawIOBase):
    """The lines of an ECSV file behind its header, as a stream of bytes."""

    def __init__(self, source: ByteSource) -> None:
        super().__init__()
        self._source = source
        first = self._pass_header()
        self._first = first + b"\n"
        self.delimiter = "," if b"," in first and b" " not in first.strip() else " "

    def _pass_header(self) -> bytes:
        line = bytearray()
        while chunk := self._source.peek(1 << 16):
            end = chunk.find(b"\n")
            line += self._source.read(len(chunk) if end < 0 else end + 1)
            if end < 0 and line.startswith(b"#"):
                line = line[:1]
            if end >= 0 or len(line) > _PIECE_BYTES:
                if not line.startswith(b"#") and line.strip():
                    break
                line.clear()
        return bytes(line.strip())

    @override
    def readable(self) -> bool:
        return True

    @override
    def readinto(self, buffer: Any) -> int:
        view = memoryview(buffer).cast("B")
        taken, self._first = self._first[: len(view)], self._first[len(view) :]
        if not taken:
            taken = self._source.read(len(view))
        view[: len(taken)] = taken
        return len(taken)


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
