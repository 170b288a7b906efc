"""Brings files into the archive, and takes observations and products out of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from deepfield.catalogue.numbers import in_chunks
from deepfield.ingest.pipeline import Order
from deepfield.model.errors import UnknownObservationError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from deepfield.catalogue.database import Database
    from deepfield.catalogue.observations import Observations
    from deepfield.ingest.archivist import Archivist
    from deepfield.ingest.leftovers import Leftovers
    from deepfield.ingest.pipeline import Pipeline, Progress
    from deepfield.ingest.release import ReleaseTable
    from deepfield.ingest.report import Report


REINDEX_BATCH: Final = 50
"""Observations of one transaction."""


@dataclass(frozen=True, slots=True)
class Reindexed:
    """What a ``reindex`` did."""

    total: int
    """Observations that were looked at."""
    changed: frozenset[str]
    """obs_ids that changed, appeared or left."""
    left: Mapping[str, str]
    """obs_ids that could not be made again and stay as they were, with the reason."""
    snapshot: int | None
    """The last snapshot number that it took; None where nothing changed."""


@dataclass(frozen=True, slots=True)
class Forgotten:
    """What a ``forget`` did."""

    obs_ids: tuple[str, ...]
    """Observations that changed or left."""
    snapshot: int | None
    files_removed: int
    """Copied bytes and previews that were removed; linked files never are."""


class Intake:
    """The verbs that change what the archive holds."""

    def __init__(
        self,
        database: Database,
        observations: Observations,
        pipeline: Pipeline,
        archivist: Archivist,
        leftovers: Leftovers,
    ) -> None:
        self._database, self._observations, self._pipeline = database, observations, pipeline
        self._archivist, self._leftovers = archivist, leftovers

    def ingest(
        self,
        paths: Sequence[Path],
        *,
        link: bool = True,
        verify: bool = False,
        table: ReleaseTable | None = None,
        workers: int | None = None,
        progress: Progress | None = None,
    ) -> Report:
        """Bring every file under these paths into the archive, in commits that each stand for themselves.

        Files stay where they are, or are copied into the store (``link=False``). Files known by path, size and
        modification time are passed over unless ``verify``. ``table`` overrules the ``release.toml`` files of the
        tree; every rule is kept for later ingests.

        Raises:
            StorageError: the store cannot take more bytes. What was committed before stays.
            ConfigurationError: a release table cannot be read; nothing was ingested.
        """
        return self._pipeline.run(Order(tuple(paths), link, verify, table, workers), progress)

    def reindex(
        self, obs_ids: Sequence[str] = (), *, progress: Callable[[str, int, int], None] | None = None
    ) -> Reindexed:
        """Identify and assemble again what is stored, all of it or some observations, under the tables of now.

        Files are not read again: their header documents are. Each batch is a commit of its own, and one that changes
        nothing takes no snapshot number, so that a reindex that was stopped can simply be asked for again. ``progress``
        is told the last observation of each batch, how many are done and how many there are.

        Raises:
            UnknownObservationError: one of ``obs_ids`` is not in the archive; nothing was done.
        """
        with self._database.read() as connection:
            names = sorted(set(obs_ids)) if obs_ids else self._observations.current_names(connection)
            known = self._observations.current_observations(connection, names) if obs_ids else names
        if unknown := [name for name in names if name not in known]:
            raise UnknownObservationError(unknown[0])
        changed: set[str] = set()
        left: dict[str, str] = {}
        snapshot, done = None, 0
        for batch in in_chunks(names, REINDEX_BATCH):
            with self._database.begin() as connection:
                filing = self._archivist.refile(connection, batch, at=datetime.now(UTC))
            changed |= filing.observations
            left |= filing.left
            snapshot, done = filing.seq or snapshot, done + len(batch)
            if progress is not None:
                progress(batch[-1], done, len(names))
        return Reindexed(len(names), frozenset(changed), left, snapshot)

    def forget(self, name: str) -> Forgotten:
        """Take an observation (by obs_id) or a product (by file name) out of the current archive.

        Its history stays readable, the feed and an event tell of it, and copied bytes go where nothing else in the
        archive refers to them.

        Raises:
            NotFoundError: nothing current has this name.
        """
        with self._database.begin() as connection:
            filing = self._archivist.withdraw(connection, name, at=datetime.now(UTC))
        removed = self._leftovers.remove_versions(filing.shed)
        return Forgotten(tuple(sorted(filing.observations)), filing.seq, removed)
