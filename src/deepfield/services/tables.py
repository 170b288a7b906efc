"""Asking anything of the published tables, in ADQL."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from threading import Lock
from time import monotonic
from typing import TYPE_CHECKING, Final, Generic, TypeVar

import pyarrow as pa

from deepfield.access.principal import ANONYMOUS
from deepfield.formats.wire import schema_of
from deepfield.model.errors import TimeLimitError
from deepfield.query.engines.adql import Question, Upload
from deepfield.services.coverage import Coverage, cover

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    from deepfield.access.policy import Readable
    from deepfield.catalogue.published import PublishedTable
    from deepfield.model.rows import RowStream
    from deepfield.query.adql.vocabulary import Version
    from deepfield.query.engines.process import QueryProcess

__all__ = ["Tables", "Upload"]

_COUNT_SECONDS: Final = 30.0
_RARELY: Final = 10
"""What takes a second is worked out every ten seconds at most, however often the archive changes."""

Known = TypeVar("Known")


class _OfSnapshot(Generic[Known]):
    """Something worked out anew when the archive has changed, though no more than a part of the time."""

    def __init__(self) -> None:
        self._kept: tuple[int, float, Known] | None = None
        self._lock = Lock()

    def get(self, snapshot: int, make: Callable[[], Known]) -> Known:
        begun = monotonic()
        with self._lock:
            if self._kept is not None and (self._kept[0] == snapshot or begun < self._kept[1]):
                return self._kept[2]
            made = make()
            self._kept = (snapshot, monotonic() + _RARELY * (monotonic() - begun), made)
        return made


class Tables:
    """The tables that queries name, and the answers to queries."""

    def __init__(
        self, process: QueryProcess, published: Mapping[str, PublishedTable], *, newest: Callable[[], int]
    ) -> None:
        """Take the process that answers, and what tells the newest snapshot that searches see."""
        self._process, self._newest = process, newest
        self.published: Final = published
        self._counts: _OfSnapshot[Mapping[str, int]] = _OfSnapshot()
        self._coverage: _OfSnapshot[Coverage] = _OfSnapshot()

    def query(
        self,
        adql: str,
        *,
        rule: Readable,
        base_url: str,
        version: Version = "2.1",
        maxrec: int | None = None,
        snapshot: int | None = None,
        uploads: Mapping[str, Upload] | None = None,
        seconds: float = 60.0,
        started: Callable[[Callable[[], None]], None] = lambda _: None,
    ) -> RowStream:
        """Run a query and return its rows as a stream, once the first of them are there.

        Args:
            adql: the query.
            rule: what the caller may read; rows under exclusive access are left out.
            base_url: address of the archive, without a slash at its end, for links in the rows.
            version: of ADQL.
            maxrec: the most rows of the stream; ``overflow`` tells whether there were more.
            snapshot: the archive as it was; None for the newest, never older than what searches see.
            uploads: tables by the names under which ``TAP_UPLOAD`` has them.
            seconds: the time limit.
            started: called at once with what stops the query from another thread. Closing the stream stops it too.

        Raises:
            AdqlError: the query is wrong, with line, column, word and what would be right.
            InvalidQueryError: the snapshot lies in the future, or a value cannot be worked out.
            TimeLimitError, MemoryLimitError: the query takes more than it may.
            RebuildingError: the replica is being built.
            EngineFailureError: the process that answers has ended; it is replaced.
        """
        question = Question(
            adql=adql,
            rule=replace(rule, witness=None),  # who is told stays in this process
            base_url=base_url,
            version=version,
            maxrec=maxrec,
            snapshot=snapshot,
            seconds=seconds,
            at_least=self._newest(),
            uploads=uploads or {},
        )
        return self._process.ask(question, started=started)

    def counts(self, at: datetime) -> Mapping[str, int]:
        """Return how many rows each published table had lately, as anybody sees them; none of what takes too long."""

        def count() -> Mapping[str, int]:
            found = {name: self._count(name, at) for name in self.published}
            return {name: number for name, number in found.items() if number is not None}

        return self._counts.get(self._newest(), count)

    def coverage(self, at: datetime) -> Coverage:
        """Return what all datasets cover on the sky, in time and in wavelength, lately."""
        return self._coverage.get(self._newest(), lambda: cover(lambda adql: self._all(adql, at)))

    @property
    def process(self) -> int | None:
        """Number of the process that answers, while it runs."""
        return self._process.pid

    def start(self) -> None:
        """Start the process that answers, so that the first query need not wait for it."""
        self._process.start()

    def close(self) -> None:
        """Stop the process that answers."""
        self._process.close()

    def _count(self, name: str, at: datetime) -> int | None:
        with suppress(TimeLimitError):
            return int(self._all(f"SELECT COUNT(*) AS n FROM {name}", at)["n"][0].as_py())
        return None

    def _all(self, adql: str, at: datetime) -> pa.Table:
        """Return all rows that anybody may read."""
        with self.query(adql, rule=ANONYMOUS.rule(at=at), base_url="", seconds=_COUNT_SECONDS) as stream:
            schema, batches = schema_of(stream.columns), list(stream)
        return pa.Table.from_batches(batches).rename_columns(schema.names) if batches else schema.empty_table()
