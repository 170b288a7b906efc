"""The change feed: what changed between two snapshots, as Arrow record batches."""

from __future__ import annotations

from io import BytesIO
from typing import TYPE_CHECKING, Any, Final

import pyarrow as pa
from pyarrow import csv
from sqlalchemy import select

from deepfield.catalogue.schema import SEQ_FROM, SEQ_TO, SNAPSHOT, VERSIONED, load_tables
from deepfield.model.errors import InvalidValueError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from deepfield.catalogue.database import Database
    from deepfield.model.tables import Column, ColumnType, TableSchema

BATCH_ROWS: Final = 65_536
_FETCH_ROWS: Final = 2048
_COPY_BYTES: Final = 16 << 20
_ARROW: Final[Mapping[ColumnType, pa.DataType]] = {
    "string": pa.string(),
    "bool": pa.bool_(),
    "int32": pa.int32(),
    "int64": pa.int64(),
    "float64": pa.float64(),
    "timestamp": pa.timestamp("us", tz="UTC"),
    "json": pa.string(),
    "bytes": pa.binary(),
}
_TEXT_OF: Final[Mapping[ColumnType, pa.DataType]] = {**_ARROW, "timestamp": pa.int64(), "bytes": pa.string()}


class Feed:
    """Reads row versions by snapshot number. A row version reads the same for ever, but for its end."""

    tables: Final[tuple[str, ...]] = VERSIONED

    def __init__(self, database: Database) -> None:
        self._database = database

    def snapshot(self) -> int:
        """Return the number of the newest commit; 0 for an empty catalogue."""
        with self._database.read() as connection:
            return int(connection.execute(select(SNAPSHOT.c.seq)).scalar_one())

    def schema(self, table: str) -> pa.Schema:
        """Return the Arrow schema of the rows of a table: its columns, ``seq_from``, ``seq_to``."""
        columns = [pa.field(column.name, _ARROW[column.type]) for column in _described(table).columns]
        return pa.schema([*columns, pa.field(SEQ_FROM, pa.int64()), pa.field(SEQ_TO, pa.int64())])

    def rows(self, table: str, after: int, until: int) -> Iterator[pa.RecordBatch]:
        """Yield the rows born or ended in ``(after, until]``, each as it stood at ``until``.

        A row that ended later than ``until`` reads as current (``seq_to`` null), so that applying the feed in
        any steps gives the same copy. ``after = 0`` reads everything.
        """
        query = _select(_described(table), after, until, sqlite=self._database.is_sqlite)
        rows = self._sqlite_rows if self._database.is_sqlite else self._postgres_rows
        yield from rows(query, _described(table))

    def count(self, table: str) -> int:
        """Return how many row versions a table holds."""
        _described(table)
        with self._database.read() as connection:
            return int(connection.exec_driver_sql(f"SELECT count(*) FROM {table}").scalar_one())

    def _sqlite_rows(self, query: str, table: TableSchema) -> Iterator[pa.RecordBatch]:
        schema = self.schema(table.name)
        types: list[ColumnType] = [*(column.type for column in table.columns), "int64", "int64"]
        with self._database.read() as connection:
            driver: Any = connection.connection.driver_connection
            cursor = driver.cursor()
            try:
                cursor.execute(query)
                while chunks := list(_chunks(cursor, types, schema)):
                    yield from pa.Table.from_batches(chunks).combine_chunks().to_batches()
            finally:
                cursor.close()

    def _postgres_rows(self, query: str, table: TableSchema) -> Iterator[pa.RecordBatch]:
        schema = self.schema(table.name)
        with self._database.read() as connection:
            driver: Any = connection.connection.driver_connection
            with driver.cursor() as cursor, cursor.copy(f"COPY ({query}) TO STDOUT (FORMAT csv)") as copy:
                for block in _blocks(copy):
                    yield from _parse(block, table, schema)


def _described(table: str) -> TableSchema:
    if table not in VERSIONED:
        raise InvalidValueError("table", table, f"one of {', '.join(VERSIONED)}")
    return load_tables()[table]


def _select(table: TableSchema, after: int, until: int, *, sqlite: bool) -> str:
    after, until = int(after), int(until)
    columns = [column.name if sqlite else _as_text(column) for column in table.columns]
    end = f"CASE WHEN {SEQ_TO} <= {until} THEN {SEQ_TO} END"
    select_rows = f"SELECT {', '.join(columns)}, {SEQ_FROM}, {end} FROM {table.name}"
    if after <= 0:  # the sum keeps the planner from walking an index over the whole table
        return f"{select_rows} WHERE {SEQ_FROM} + 0 <= {until}"
    born = f"{select_rows} WHERE {SEQ_FROM} > {after} AND {SEQ_FROM} <= {until}"
    ended = f"{select_rows} WHERE {SEQ_TO} > {after} AND {SEQ_TO} <= {until} AND {SEQ_FROM} + 0 <= {after}"
    return f"{born} UNION ALL {ended}"


def _as_text(column: Column) -> str:
    if column.type == "timestamp":
        return f"(extract(epoch FROM {column.name}) * 1000000)::bigint"
    if column.type == "bool":
        return f"CASE {column.name} WHEN true THEN 'true' WHEN false THEN 'false' END"
    return column.name


def _chunks(cursor: Any, types: list[ColumnType], schema: pa.Schema) -> Iterator[pa.RecordBatch]:
    """Yield about ``BATCH_ROWS`` rows in pieces so small that their Python objects stay in the processor's cache."""
    for _ in range(BATCH_ROWS // _FETCH_ROWS):
        rows = cursor.fetchmany(_FETCH_ROWS)
        if not rows:
            return
        columns = zip(*rows, strict=True)
        arrays = [_array(values, kind) for values, kind in zip(columns, types, strict=True)]
        yield pa.record_batch(arrays, schema=schema)


def _array(values: tuple[Any, ...], kind: ColumnType) -> pa.Array:
    if kind == "bool":
        return pa.array(values, pa.int8()).cast(pa.bool_())
    if kind == "timestamp":
        return pa.array(values, pa.string()).cast(_ARROW[kind])
    return pa.array(values, _ARROW[kind])


def _blocks(copy: Any) -> Iterator[bytes]:
    rows: list[Any] = []
    size = 0
    for row in copy:  # one row each
        rows.append(row)
        size += len(row)
        if size >= _COPY_BYTES:
            yield b"".join(rows)
            rows, size = [], 0
    if rows:
        yield b"".join(rows)


def _parse(block: bytes, table: TableSchema, schema: pa.Schema) -> Iterator[pa.RecordBatch]:
    types = {column.name: _TEXT_OF[column.type] for column in table.columns}
    parsed = csv.read_csv(
        BytesIO(block),
        read_options=csv.ReadOptions(column_names=schema.names, block_size=len(block) + 1, use_threads=False),
        parse_options=csv.ParseOptions(newlines_in_values=True),
        convert_options=csv.ConvertOptions(
            column_types={**types, SEQ_FROM: pa.int64(), SEQ_TO: pa.int64()},
            null_values=[""],
            true_values=["true"],
            false_values=["false"],
            strings_can_be_null=True,
            quoted_strings_can_be_null=False,
        ),
    )
    yield from parsed.cast(schema).combine_chunks().to_batches()
