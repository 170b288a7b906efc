"""Asking anything of the published tables, in ADQL."""

from __future__ import annotations

from dataclasses import replace
from threading import Lock
from typing import TYPE_CHECKING, Final

from deepfield.access.principal import ANONYMOUS
from deepfield.query.engines.adql import Question, Upload

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    from deepfield.access.policy import Readable
    from deepfield.catalogue.published import PublishedTable
    from deepfield.model.rows import RowStream
    from deepfield.query.adql.vocabulary import Version
    from deepfield.query.engines.process import QueryProcess

__all__ = ["Tables", "Upload"]

_COUNT_SECONDS: Final = 60.0


class Tables:
    """The tables that queries name, and the answers to queries."""

    def __init__(
        self, process: QueryProcess, published: Mapping[str, PublishedTable], *, newest: Callable[[], int]
    ) -> None:
        """Take the process that answers, and what tells the newest snapshot that searches see."""
        self._process, self._newest = process, newest
        self.published: Final = published
        self._counts: tuple[int, Mapping[str, int]] | None = None
        self._lock = Lock()

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
        """Return the number of rows of each published table, as anybody sees them; kept for the snapshot."""
        newest = self._newest()
        with self._lock:
            if self._counts is not None and self._counts[0] == newest:
                return self._counts[1]
        counts = {name: self._count(name, at) for name in self.published}
        with self._lock:
            self._counts = (newest, counts)
        return counts

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

    def _count(self, name: str, at: datetime) -> int:
        rule = ANONYMOUS.rule(at=at)
        query = f"SELECT COUNT(*) AS n FROM {name}"
        with self.query(query, rule=rule, base_url="", seconds=_COUNT_SECONDS) as stream:
            return int(next(iter(stream)).column(0)[0].as_py())
