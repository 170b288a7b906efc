"""Trees to Arrow by DuckDB, on the replica of this process."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from time import monotonic, sleep
from typing import TYPE_CHECKING, Final

import duckdb

from deepfield.model.errors import InvalidQueryError, RebuildingError, TimeLimitError
from deepfield.query.guard import alive, guard
from deepfield.query.lower import OBSERVATION

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import pyarrow as pa
    from sqlglot import exp

    from deepfield.replica import Replica

_PAGE_ROWS: Final = 10_000
"""Rows up to which copying a result costs less than what the library does to spare the copy: binding it twice."""


class DuckEngine:
    """Runs trees on the replica, each session on one snapshot and within one time limit (seconds)."""

    def __init__(self, replica: Replica, *, seconds: float = 30.0) -> None:
        self._replica = replica
        self._watch = Watch(seconds)

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
            session = Session(
                cursor, self._replica, newest if snapshot is None else snapshot, newest, self._watch.seconds
            )
            with self._watch.over(session):
                yield session


class Session:
    """One reader's view of the archive."""

    def __init__(
        self, cursor: duckdb.DuckDBPyConnection, replica: Replica, snapshot: int, newest: int, seconds: float
    ) -> None:
        self._cursor = cursor
        self._replica = replica
        self._seconds = seconds
        self._deadline = monotonic() + seconds
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
        guarded = guard(tree, versioned=self._versioned, snapshot=self._past, limit=limit)
        sql = guarded.sql("duckdb", copy=False)
        with self._running():
            if limit is not None and limit <= _PAGE_ROWS:
                return self._cursor.execute(sql).to_arrow_table()
            return self._cursor.sql(sql).to_arrow_table()

    def run_numeric(self, columns: str, table: str, alternatives: Sequence[str]) -> pa.Table:
        """Return columns of the rows of a table that hold one of some conditions, each of which skips by itself.

        All texts hold nothing but our own column names and numbers: what a tree of a hundred comparisons would say,
        in a tenth of the time.
        """
        source = table
        if self._past is not None:
            source = f"(SELECT * FROM {table}_all WHERE {alive(f'{table}_all', self._past).sql('duckdb')})"
        parts = (f"SELECT {columns} FROM {source} AS {OBSERVATION} WHERE {where}" for where in alternatives)
        with self._running():
            return self._cursor.sql(" UNION ALL ".join(parts)).to_arrow_table()

    @property
    def past(self) -> bool:
        """Whether the session reads an earlier state than the newest."""
        return self._past is not None

    @property
    def largest_field(self) -> float:
        """The largest field of view in degrees that any row has had; an outline without one may be of any size."""
        return self._replica.largest_field(self._cursor, self._newest)

    def offer(self, name: str, rows: pa.Table) -> None:
        """Let trees of this session read an Arrow table under a name."""
        self._cursor.register(name, rows)

    def overdue(self) -> bool:
        return monotonic() > self._deadline

    def cancel(self) -> None:
        """Stop what is running; later runs are refused."""
        self._cancelled = True
        self._cursor.interrupt()

    @contextmanager
    def _running(self) -> Iterator[None]:
        if self._cancelled or self.overdue():
            raise TimeLimitError(self._seconds)
        try:
            yield
        except duckdb.InterruptException:
            raise TimeLimitError(self._seconds) from None
        except duckdb.ConversionException as error:
            raise InvalidQueryError(
                "query", str(error).splitlines()[0], "values of the type of their columns"
            ) from None
        except (duckdb.FatalException, duckdb.IOException, duckdb.SerializationException) as error:
            self._replica.distrust()
            raise RebuildingError(0.0) from error


class Watch:
    """Cancels sessions that take too long: one thread for all of them, which goes when there is nothing to watch."""

    _LOOK_SECONDS: Final = 0.25
    _IDLE_LOOKS: Final = 40

    def __init__(self, seconds: float) -> None:
        self.seconds: Final = seconds
        self._sessions: set[Session] = set()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None

    @contextmanager
    def over(self, session: Session) -> Iterator[None]:
        """Watch a session until the end of the block."""
        with self._lock:
            self._sessions.add(session)
            if self._thread is None:
                self._thread = threading.Thread(target=self._look, name="query-watch", daemon=True)
                self._thread.start()
        try:
            yield
        finally:
            with self._lock:
                self._sessions.discard(session)

    def _look(self) -> None:
        idle = 0
        while idle <= self._IDLE_LOOKS:
            sleep(self._LOOK_SECONDS)
            idle = 0 if self._cancel_overdue() else idle + 1
        with self._lock:
            self._thread = None

    def _cancel_overdue(self) -> bool:
        """Cancel what takes too long; tell whether there was anything to watch."""
        with self._lock:
            for session in self._sessions:
                if session.overdue():
                    session.cancel()
            return bool(self._sessions)
