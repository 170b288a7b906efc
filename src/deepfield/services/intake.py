"""Brings files into the archive, and takes observations and products out of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from deepfield.ingest.pipeline import Order

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from deepfield.catalogue.database import Database
    from deepfield.ingest.archivist import Archivist
    from deepfield.ingest.leftovers import Leftovers
    from deepfield.ingest.pipeline import Pipeline, Progress
    from deepfield.ingest.release import ReleaseTable
    from deepfield.ingest.report import Report


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

    def __init__(self, database: Database, pipeline: Pipeline, archivist: Archivist, leftovers: Leftovers) -> None:
        self._database, self._pipeline = database, pipeline
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
