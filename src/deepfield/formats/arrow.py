"""Arrow's own stream and Parquet, with the columns' metadata inside."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pyarrow as pa
import pyarrow.parquet as pq

from deepfield.formats.votable.document import metadata_document
from deepfield.formats.wire import conform, schema_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from deepfield.formats.document import Document
    from deepfield.model.rows import RowStream

VOPARQUET_VERSION: Final = b"IVOA.VOTable-Parquet.version"
VOPARQUET_CONTENT: Final = b"IVOA.VOTable-Parquet.content"
"""Keys of the IVOA note "Parquet in the VO" (1.0): a VOTable without rows describes those of the Parquet file."""
_GROUP_BYTES: Final = 16 << 20
_GROUP_ROWS: Final = 131_072


class _Sink:
    """What a library writes into, to be taken out piece by piece."""

    closed = False

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self._at = 0

    def write(self, data: bytes | memoryview | pa.Buffer) -> int:
        part = bytes(data)
        self._parts.append(part)
        self._at += len(part)
        return len(part)

    def tell(self) -> int:
        return self._at

    def flush(self) -> None: ...

    def close(self) -> None: ...

    def take(self) -> bytes:
        taken = b"".join(self._parts)
        self._parts.clear()
        return taken


def write_arrow(stream: RowStream, document: Document) -> Iterator[bytes]:
    """Write Arrow's IPC stream. What is known at the end stands with a last, empty batch, as ``QUERY_STATUS``."""
    facts = {name: value for name, value, _ in document.provenance.facts(stream.snapshot)}
    schema = schema_of(stream.columns).with_metadata(facts)
    sink = _Sink()
    with pa.ipc.new_stream(pa.PythonFile(sink, mode="w"), schema) as writer:
        nothing = pa.RecordBatch.from_pylist([], schema)
        writer.write_batch(nothing)  # or the schema waits for the first rows
        yield sink.take()
        for batch in stream:
            writer.write_batch(pa.record_batch(conform(batch, stream.columns), schema=schema))
            yield sink.take()
        status = {"QUERY_STATUS": "OVERFLOW" if stream.overflow else "OK"}
        writer.write_batch(nothing, custom_metadata=status)
    yield sink.take()


def write_parquet(stream: RowStream, document: Document) -> Iterator[bytes]:
    """Write Parquet with row groups of some megabytes, and the VOTable metadata in its footer."""
    schema = schema_of(stream.columns)
    sink = _Sink()
    # Arrow's own copy of the schema would hide from its readers what is added at the end
    with pq.ParquetWriter(
        pa.PythonFile(sink, mode="w"), schema, compression="zstd", compression_level=1, store_schema=False
    ) as writer:
        yield sink.take()
        for table in _groups(stream, schema):
            writer.write_table(table, row_group_size=_GROUP_ROWS)
            yield sink.take()
        described = metadata_document(stream, document)
        writer.add_key_value_metadata({VOPARQUET_VERSION: b"1.0", VOPARQUET_CONTENT: described})
    yield sink.take()


def _groups(stream: RowStream, schema: pa.Schema) -> Iterator[pa.Table]:
    """Gather batches into row groups: small ones compress badly and cost every reader."""
    gathered: list[pa.RecordBatch] = []
    rows = size = 0
    for batch in stream:
        gathered.append(pa.record_batch(conform(batch, stream.columns), schema=schema))
        rows, size = rows + batch.num_rows, size + batch.nbytes
        if rows >= _GROUP_ROWS or size >= _GROUP_BYTES:
            yield pa.Table.from_batches(gathered, schema)
            gathered, rows, size = [], 0, 0
    if gathered:
        yield pa.Table.from_batches(gathered, schema)
