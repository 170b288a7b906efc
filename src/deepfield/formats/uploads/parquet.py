"""Parquet to rows, described by the VOTable inside if there is one."""

from __future__ import annotations

import io
from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

import pyarrow as pa
import pyarrow.parquet as pq

from deepfield.formats.arrow import VOPARQUET_CONTENT
from deepfield.formats.uploads.source import Source
from deepfield.formats.votable.reading import read_votable
from deepfield.formats.wire import TEXTS, octets, schema_of
from deepfield.model.errors import InvalidUploadError, UploadTooLargeError
from deepfield.model.rows import RowStream
from deepfield.model.tables import Column

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from deepfield.model.tables import ColumnType

_ROWS: Final = 8192
_TYPES: Final[Mapping[pa.DataType, ColumnType]] = MappingProxyType(
    {
        pa.bool_(): "bool",
        pa.uint8(): "uint8",
        pa.int8(): "int16",
        pa.int16(): "int16",
        pa.uint16(): "int32",
        pa.int32(): "int32",
        pa.uint32(): "int64",
        pa.int64(): "int64",
        pa.float16(): "float32",
        pa.float32(): "float32",
        pa.float64(): "float64",
        pa.string(): "unicode",
        pa.large_string(): "unicode",
        pa.string_view(): "unicode",
        pa.binary(): "bytes",
        pa.large_binary(): "bytes",
    }
)


def read_parquet(source: Source) -> RowStream:
    """Read a Parquet file.

    Raises:
        InvalidUploadError: it is none, or holds structures.
        UploadTooLargeError: it is larger than its limits, also once it is unpacked.
    """
    data = source.read_all()
    try:
        file = pq.ParquetFile(io.BytesIO(data), buffer_size=1 << 20)
        names, types = file.schema_arrow.names, file.schema_arrow.types
    except (pa.ArrowException, OSError, UnicodeError) as error:
        raise InvalidUploadError(source.table, _sentence(error), "a Parquet file") from None
    source.check_columns(len(names))
    source.check_rows(file.metadata.num_rows)
    columns = [_column(source, name, kind) for name, kind in zip(names, types, strict=True)]
    if described := (file.metadata.metadata or {}).get(VOPARQUET_CONTENT):
        columns = _described(source, columns, described)
    return RowStream(columns, _batches(source, file, columns))


def _sentence(error: Exception) -> str:
    return " ".join(str(error).split())[:200]


def _column(source: Source, name: str, kind: pa.DataType) -> Column:
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    if pa.types.is_timestamp(kind):
        return Column(name, "timestamp", "")
    arraysize = None
    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        kind, arraysize = kind.value_type, "*"
    elif pa.types.is_fixed_size_list(kind):
        kind, arraysize = kind.value_type, str(kind.list_size)
    if kind not in _TYPES or (arraysize and _TYPES[kind] in {*TEXTS, "bytes"}):
        raise InvalidUploadError(
            source.table, f"type {kind}", "numbers, texts, times or arrays of numbers", column=name
        )
    return Column(name, _TYPES[kind], "", arraysize=arraysize)


def _described(source: Source, columns: list[Column], content: bytes) -> list[Column]:
    """Take the columns of the VOTable where these agree with the file's."""
    inner = read_votable(Source(io.BytesIO(content), f"{source.table}, metadata", source.limits)).columns
    if [column.name for column in inner] != [column.name for column in columns]:
        raise InvalidUploadError(
            source.table, "other columns in the metadata", "those of the Parquet file, in their order"
        )
    return [
        replace(theirs, type=ours.type, arraysize=ours.arraysize) if ours.type == "timestamp" else theirs
        for ours, theirs in zip(columns, inner, strict=True)
    ]


def _batches(source: Source, file: pq.ParquetFile, columns: list[Column]) -> Iterator[pa.RecordBatch]:
    """Read some rows at a time; stop where they have become larger than they may."""
    left = source.limits.bytes
    schema = schema_of(columns)
    try:
        for batch in file.iter_batches(batch_size=_ROWS, use_threads=False):
            left -= batch.nbytes
            if left < 0:
                raise UploadTooLargeError(source.table, source.limits.bytes)
            yield pa.record_batch(
                [_cast(array, kind) for array, kind in zip(batch.columns, schema.types, strict=True)], schema=schema
            )
    except (pa.ArrowException, OSError, UnicodeError) as error:
        raise InvalidUploadError(
            source.table, _sentence(error), "values of the types that the file announces"
        ) from None


def _cast(array: pa.Array, kind: pa.DataType) -> pa.Array:
    if pa.types.is_timestamp(kind):
        return array.cast(kind, safe=False)
    if pa.types.is_binary(array.type) or pa.types.is_large_binary(array.type):
        return octets(array)
    return array.cast(kind)
