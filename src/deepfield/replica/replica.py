"""The replica: a DuckDB file that holds every retained row version, current by default."""

from __future__ import annotations

import threading
import warnings
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final, Protocol

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
import structlog

from deepfield.catalogue.schema import load_tables
from deepfield.model.errors import ConfigurationError, RebuildingError
from deepfield.replica import datasets, layout
from deepfield.replica.ahead import read_ahead
from deepfield.replica.texts import index_new_documents

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

    from deepfield.model.tables import TableSchema

log = structlog.get_logger(__name__)
# The library advises against Arrow from a DB-API result: it costs a copy. For few rows that is less than binding twice.
warnings.filterwarnings("ignore", message="Arrow output on a DB-API result", category=UserWarning)

_CHUNK_ROWS: Final = 122_880
"""Rows of one DuckDB row group: smaller inserts cost more a row."""
_RESORT_ROWS: Final = 100_000
"""Rows applied since the last build below which their order does not matter."""


class ChangeFeed(Protocol):
    """What the replica reads from: see ``catalogue.feed.Feed``."""

    @property
    def tables(self) -> Iterable[str]: ...
    def snapshot(self) -> int: ...
    def rows(self, table: str, after: int, until: int) -> Iterable[pa.RecordBatch]: ...
    def count(self, table: str) -> int: ...


class Replica:
    """Owns the DuckDB file of this process.

    One thread calls ``catch_up``; any number of threads read through ``cursor``. A reader's transaction sees one
    snapshot of the archive, whole, whatever is applied meanwhile. A file that is missing, damaged, of another layout
    or ahead of its catalogue is built anew beside and renamed into place; until then the old content answers,
    or ``RebuildingError`` where there is none.

    With ``keep_datasets`` it also holds table ``dataset_all``, see ``replica.datasets``. ``prepare`` is called with
    each connection to a file that readers will see.
    """

    def __init__(
        self,
        path: Path,
        feed: ChangeFeed,
        *,
        memory: str = "1GB",
        threads: int | None = None,
        keep_datasets: bool = False,
        prepare: Callable[[duckdb.DuckDBPyConnection], None] = lambda _: None,
    ) -> None:
        self.path: Final = path
        self._feed = feed
        self._tables: Final[tuple[TableSchema, ...]] = tuple(load_tables()[name] for name in feed.tables)
        self._settings: dict[str, str] = {
            "memory_limit": memory,
            "temp_directory": f"{path}.tmp",
            "python_enable_replacements": "false",  # a name in a query is a table, never a Python variable
        }
        if threads is not None:
            self._settings["threads"] = str(threads)
        self._datasets, self._prepare = keep_datasets, prepare
        self._fingerprint = layout.fingerprint(self._tables, datasets=keep_datasets)
        self._change = threading.Condition()
        self._writing = threading.Lock()
        self._connection: duckdb.DuckDBPyConnection | None = None
        self._inode: int | None = None
        self._readers = 0
        self._swapping = False
        self._trusted = True
        self._abandoned = threading.Event()
        self._snapshot = 0
        self._largest_field = (-1, 0.0)
        self._progress: float | None = None
        path.parent.mkdir(parents=True, exist_ok=True)
        self._open()

    @property
    def snapshot(self) -> int:
        """The number of the newest commit that searches see."""
        return self._snapshot

    @property
    def progress(self) -> float | None:
        """Percent of a rebuild under way; None while there is none."""
        return self._progress

    @property
    def tables(self) -> tuple[str, ...]:
        """The versioned tables that the replica holds."""
        return tuple(table.name for table in self._tables)

    @property
    def abandoned(self) -> bool:
        """Whether nothing is applied any more."""
        return self._abandoned.is_set()

    @property
    def ready(self) -> bool:
        """Whether searches can be answered."""
        return self._connection is not None

    def wait(self, seconds: float) -> bool:
        """Wait until searches can be answered; tell whether they can."""
        with self._change:
            return self._change.wait_for(lambda: self._connection is not None, seconds)

    @contextmanager
    def cursor(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """Lend a connection that reads one consistent state until it is given back.

        Raises:
            RebuildingError: there is nothing to read yet.
        """
        with self._change:
            self._change.wait_for(lambda: not self._swapping)
            if self._connection is None:
                raise RebuildingError(self._progress or 0.0)
            cursor = self._connection.cursor()
            self._readers += 1
        try:
            cursor.execute("BEGIN TRANSACTION")
            yield cursor
        finally:
            cursor.close()
            with self._change:
                self._readers -= 1
                self._change.notify_all()

    def largest_field(self, cursor: duckdb.DuckDBPyConnection, newest: int) -> float:
        """Return the largest ``s_fov`` in degrees that a cursor sees, whose newest snapshot this is.

        An outline without one counts as 360.
        """
        snapshot, known = self._largest_field
        if snapshot != newest:
            tables = ("observation_all", "plan_all", "dataset_all") if self._datasets else ("observation_all",)
            field = "max(coalesce(s_fov, CASE WHEN s_region IS NULL THEN 0 ELSE 360 END))"
            query = " UNION ALL ".join(f"SELECT {field} FROM {table}" for table in tables)
            known = max(float(largest or 0.0) for (largest,) in cursor.execute(query).fetchall())
            self._largest_field = (newest, known)
        return known

    def distrust(self) -> None:
        """Have the file built anew at the next ``catch_up``: a reader has found it damaged."""
        self._trusted = False

    def catch_up(self) -> int:
        """Apply every commit up to the newest, and return its number. Builds the file anew where that is needed."""
        with self._writing:
            newest = self._feed.snapshot()
            if self._must_rebuild(newest):
                self._rebuild()
            elif newest != self._snapshot:
                self._apply(newest)
            return self._snapshot

    def rebuild(self) -> int:
        """Build the file anew from the catalogue, sorted, while the old content answers; returns the snapshot."""
        with self._writing:
            self._rebuild()
            return self._snapshot

    def abandon(self) -> None:
        """Give up what is being applied or built, and apply nothing from now on: the server is stopping."""
        self._abandoned.set()

    def close(self) -> None:
        """Abandon the feed, and close the file once the last reader is done."""
        self.abandon()
        with self._writing, self._exclusive():
            self._close()

    def _must_rebuild(self, newest: int) -> bool:
        if self._connection is None or not self._trusted or newest < self._snapshot:
            return True
        if not self.path.exists() or self.path.stat().st_ino != self._inode:
            return True
        built, applied = self._connection.execute("SELECT built_rows, applied_rows FROM replica_state").fetchall()[0]
        return bool(applied > max(_RESORT_ROWS, built))

    def _apply(self, until: int) -> None:
        connection = self._connection
        assert connection is not None
        after, applied = self._snapshot, 0
        touched: list[pa.Array] = []
        connection.execute("BEGIN TRANSACTION")
        try:
            for table in self._tables:
                for chunk in self._chunks(table, after, until):
                    connection.register("changed_rows", chunk)
                    connection.execute(layout.merge_statement(table, "changed_rows"))
                    connection.unregister("changed_rows")
                    if table.name in datasets.FEEDING:
                        touched.append(pc.unique(chunk["obs_number"]))
                    applied += chunk.num_rows if table.name == "observation" else 0
            index_new_documents(connection)
            if self._datasets and touched:
                connection.register(datasets.TOUCHED, pa.table({"obs_number": pc.unique(pa.chunked_array(touched))}))
                for statement in datasets.refresh_statements():
                    connection.execute(statement)
                connection.unregister(datasets.TOUCHED)
            connection.execute(
                "UPDATE replica_state SET snapshot = ?, applied_rows = applied_rows + ?", [until, applied]
            )
            connection.execute("COMMIT")
        except BaseException:
            connection.execute("ROLLBACK")
            raise
        self._snapshot = until
        log.debug("replica.applied", snapshot=until, observations=applied)

    def _rebuild(self) -> None:
        self._progress = 0.0
        beside = self.path.with_name(self.path.name + ".building")
        _remove(beside)
        log.info("replica.rebuilding", path=str(self.path))
        try:
            snapshot = self._build(beside)
            with self._exclusive():
                self._close()
                _remove(self.path)
                beside.replace(self.path)
                self._trusted = True
                self._open()
        finally:
            self._progress = None
        log.info("replica.rebuilt", snapshot=snapshot)

    def _build(self, path: Path) -> int:
        until = self._feed.snapshot()
        total = sum(self._feed.count(table.name) for table in self._tables) or 1
        read = 0
        with duckdb.connect(str(path), config=dict(self._settings)) as connection:
            for statement in layout.create_statements(self._tables, datasets=self._datasets):
                connection.execute(statement)
            observations = 0
            for table in self._tables:
                for chunk in read_ahead(self._chunks(table, 0, until)):
                    connection.register("new_rows", chunk)
                    connection.execute(f"INSERT INTO {table.name}_all BY NAME {layout.incoming(table, 'new_rows')}")
                    connection.unregister("new_rows")
                    read += chunk.num_rows
                    observations += chunk.num_rows if table.name == "observation" else 0
                    self._progress = min(99.0, 95.0 * read / total)
                for statement in layout.sort_statements(table):
                    connection.execute(statement)
            index_new_documents(connection)
            if self._datasets:
                connection.execute(datasets.fill_statement())
            connection.execute(
                "INSERT INTO replica_state VALUES (?, ?, ?, 0)", [self._fingerprint, until, observations]
            )
            connection.execute("CHECKPOINT")
        return until

    def _chunks(self, table: TableSchema, after: int, until: int) -> Iterator[pa.Table]:
        """Yield changed rows as they stood at ``until``, in pieces that DuckDB likes."""
        waiting: list[pa.RecordBatch] = []
        rows = 0
        for batch in self._feed.rows(table.name, after, until):
            if self._abandoned.is_set():
                raise RebuildingError(self._progress or 0.0)
            waiting.append(batch)
            rows += batch.num_rows
            if rows >= _CHUNK_ROWS:
                yield layout.arranged(table, pa.Table.from_batches(waiting))
                waiting, rows = [], 0
        if rows:
            yield layout.arranged(table, pa.Table.from_batches(waiting))

    @contextmanager
    def _exclusive(self) -> Iterator[None]:
        with self._change:
            self._swapping = True
            self._change.wait_for(lambda: self._readers == 0)
        try:
            yield
        finally:
            with self._change:
                self._swapping = False
                self._change.notify_all()

    def _close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _open(self) -> None:
        """Open the file if it is one of ours; leave the replica without a connection otherwise."""
        if not self.path.exists():
            return
        try:
            connection = duckdb.connect(str(self.path), config=dict(self._settings))
        except duckdb.Error as error:
            if "lock" in str(error).lower():
                raise ConfigurationError(f"the replica {self.path} is in use by another process") from error
            log.warning("replica.unreadable", path=str(self.path), reason=str(error))
            return
        try:
            found, snapshot = connection.execute("SELECT fingerprint, snapshot FROM replica_state").fetchall()[0]
        except (duckdb.Error, IndexError) as error:
            log.warning("replica.unreadable", path=str(self.path), reason=str(error))
            connection.close()
            return
        if found != self._fingerprint:
            log.info("replica.outdated", path=str(self.path))
            connection.close()
            return
        self._prepare(connection)
        self._connection, self._snapshot = connection, snapshot
        self._inode = self.path.stat().st_ino


def _remove(path: Path) -> None:
    path.unlink(missing_ok=True)
    path.with_name(path.name + ".wal").unlink(missing_ok=True)
