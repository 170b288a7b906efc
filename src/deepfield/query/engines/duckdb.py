"""Trees to Arrow by DuckDB, on the replica of this process."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

import duckdb

from deepfield.model.errors import InvalidQueryError, RebuildingError, TimeLimitError
from deepfield.query.guard import guard

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pyarrow as pa
    from sqlglot import exp

    from deepfield.replica import Replica


class DuckEngine:
    """Runs trees on the replica, each session on one snapshot and within one time limit (seconds)."""

    def __init__(self, replica: Replica, *, seconds: float = 30.0) -> None:
        self._replica = replica
        self._seconds = seconds

    @contextmanager
    def session(self, snapshot: int | None = None) -> Iterator[Session]:
        """Open a transaction that reads the archive as it is, or as it was at a snapshot.

        Raises:
            RebuildingError: the replica has nothing to read yet.
            InvalidQueryError: the snapshot lies in the future.
        """
        with self._replica.cursor() as cursor:
            newest: int = cursor.execute("SELECT snapshot FROM replica_state").fetchall()[0][0]
            if snapshot is not None and not 0 <= snapshot <= newest:
                raise InvalidQueryError("snapshot", snapshot, f"a whole number from 0 to {newest}")
            session = Session(cursor, self._replica, newest if snapshot is None else snapshot, newest, self._seconds)
            timer = threading.Timer(self._seconds, session.cancel)
            timer.daemon = True
            timer.start()
            try:
                yield session
            finally:
                timer.cancel()


class Session:
    """One reader's view of the archive."""

    def __init__(
        self, cursor: duckdb.DuckDBPyConnection, replica: Replica, snapshot: int, newest: int, seconds: float
    ) -> None:
        self._cursor = cursor
        self._replica = replica
        self._seconds = seconds
        self._cancelled = False
        self.snapshot: Final = snapshot
        self._newest = newest
        self._past = None if snapshot == newest else snapshot
        self._versioned = frozenset(replica.tables)

    def run(self, tree: exp.Query, *, limit: int | None = None) -> pa.Table:
        """Run a tree and return all its rows.

        Raises:
            TimeLimitError: the session took longer than it may, or was cancelled.
            RebuildingError: the replica turned out to be damaged; it is being rebuilt.
        """
        return self.run_sql(guard(tree, versioned=self._versioned, snapshot=self._past, limit=limit).sql("duckdb"))

    def run_sql(self, sql: str) -> pa.Table:
        """Run SQL that comes from a guarded tree or holds nothing but our own names and numbers."""
        if self._cancelled:
            raise TimeLimitError(self._seconds)
        try:
            return self._cursor.sql(sql).to_arrow_table()
        except duckdb.InterruptException:
            raise TimeLimitError(self._seconds) from None
        except duckdb.ConversionException as error:
            raise InvalidQueryError(
                "query", str(error).splitlines()[0], "values of the type of their columns"
            ) from None
        except (duckdb.FatalException, duckdb.IOException, duckdb.SerializationException) as error:
            self._replica.distrust()
            raise RebuildingError(0.0) from error

    @property
    def largest_field(self) -> float:
        """The largest field of view in degrees that any row has had; an outline without one may be of any size."""
        return self._replica.largest_field(self._cursor, self._newest)

    def offer(self, name: str, rows: pa.Table) -> None:
        """Let trees of this session read an Arrow table under a name."""
        self._cursor.register(name, rows)

    def cancel(self) -> None:
        """Stop what is running; later runs are refused."""
        self._cancelled = True
        self._cursor.interrupt()
