"""From folders of files to commits: scan, read in parallel, file in batches. Killed anywhere, a re-run completes it."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final, Protocol

import structlog

from deepfield.catalogue.numbers import hold_writers, in_chunks
from deepfield.ingest.batches import FILES, batches
from deepfield.ingest.crew import Crew, Lost
from deepfield.ingest.journal import entries as journal_entries
from deepfield.ingest.reading import Reading, Rules, read_file
from deepfield.ingest.release import ReleaseTable
from deepfield.ingest.report import Entry, Report
from deepfield.ingest.rules import state
from deepfield.ingest.scan import Found, scan
from deepfield.model.errors import StorageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from deepfield.catalogue.database import Database
    from deepfield.catalogue.observations import Observations
    from deepfield.catalogue.sources import SourceFiles
    from deepfield.ingest.archivist import Archivist, Filing
    from deepfield.ingest.journal import Journals
    from deepfield.ingest.leftovers import Leftovers
    from deepfield.ingest.report import Status
    from deepfield.lake import LakeTable

RELEASE_TABLE: Final = "release.toml"
REFILE_BATCH: Final = 50
log = structlog.get_logger(__name__)


class Progress(Protocol):
    """Told after each file, and once with 0 files done when the number of files is known."""

    def __call__(self, done: int, total: int, entry: Entry | None) -> None: ...


@dataclass(frozen=True, slots=True)
class Order:
    """What an ingest was asked to do."""

    paths: Sequence[Path]
    link: bool = True
    """Leave the bytes where they are, instead of copying them into the store."""
    verify: bool = False
    """Read files again that look unchanged by path, size and modification time."""
    table: ReleaseTable | None = None
    """Release rules that overrule those in ``release.toml`` files of the tree and of the archive."""
    workers: int | None = None


class Pipeline:
    """Runs ingests."""

    def __init__(
        self,
        database: Database,
        observations: Observations,
        sources: SourceFiles,
        archivist: Archivist,
        leftovers: Leftovers,
        *,
        journals: Journals,
        previews: Path,
        lake: LakeTable,
        store_address: str,
        release_table: Path | None = None,
        tables: Path | None = None,
        workers: int | None = None,
        seconds_per_file: float = 1800,
        files_per_commit: int = FILES,
    ) -> None:
        self._database, self._observations, self._sources = database, observations, sources
        self._archivist, self._leftovers, self._journals = archivist, leftovers, journals
        self._previews, self._store_address, self._release_table = previews, store_address, release_table
        self._lake, self._tables = lake, tables
        self._workers, self._seconds = workers or os.cpu_count() or 1, seconds_per_file
        self._files_per_commit = files_per_commit

    def run(self, order: Order, progress: Progress | None = None) -> Report:
        """Bring files into the archive and report on each.

        Raises:
            StorageError: the store cannot take more bytes. What was committed before stays.
            ConfigurationError: a release table cannot be read; nothing was ingested.
        """
        started = time.monotonic()
        found = scan(order.paths)
        run = _Run(order, Report(size=sum(file.size for file in found)), len(found), progress or _silent)
        run.progress(0, run.total, None)
        with self._journals.open() as (journal, dead, alone):
            self._leftovers.remove(journal_entries(dead), parts=alone and bool(dead))
            self._journals.remove(dead)
            restated = self._state_rules(found, run)
            waiting = self._triage(found, run)
            store = None if order.link else self._store_address
            self._read(waiting, Rules(self._previews, self._lake.folder.parent, journal, store, self._tables), run)
            if restated:
                self._refile(run)
            self._leftovers.remove(journal_entries([journal]))
            while self._compact():
                log.debug("lake.compacted", table=self._lake.table.name)
        run.report.seconds = time.monotonic() - started
        return run.report

    def _state_rules(self, found: Iterable[Found], run: _Run) -> bool:
        """Keep the rules of the tree's release tables, of the archive's own and of the order; tell whether any changed.

        Each overrules those before.
        """
        tables = [file for file in found if file.name == RELEASE_TABLE and file.problem is None]
        table = ReleaseTable()
        for file in tables:
            table = table.merged(ReleaseTable.from_toml(Path(file.path)))
        if self._release_table is not None and self._release_table.exists():
            table = table.merged(ReleaseTable.from_toml(self._release_table))
        if run.order.table is not None:
            table = table.merged(run.order.table)
        with self._database.begin() as connection:
            changed = state(connection, table)
        status: Status = "kept" if changed else "unchanged"
        run.tell(Entry(file.path, status, reason="release table") for file in tables)
        return changed

    def _triage(self, found: Iterable[Found], run: _Run) -> list[Found]:
        """Report what needs no reading, and return the rest."""
        waiting: list[Found] = []
        for chunk in in_chunks(file for file in found if file.name != RELEASE_TABLE or file.problem):
            unreadable = [Reading(file, refusal=file.problem) for file in chunk if file.problem]
            if unreadable:
                self._commit(unreadable, run)
            readable = [file for file in chunk if not file.problem]
            known = {} if run.order.verify else self._known(readable, link=run.order.link)
            run.tell(known.values())
            waiting += [file for file in readable if file.path not in known]
        return waiting

    def _known(self, files: Sequence[Found], *, link: bool) -> dict[str, Entry]:
        """Return an entry for each file that is known by path, size and modification time."""
        with self._database.read() as connection:
            rows = self._sources.known(connection, (file.path for file in files))
            names = {row["filename"] for row in rows.values() if row["filename"]}
            artifacts = {} if link else self._observations.current_artifacts(connection, names)
        linked = {name for name, row in artifacts.items() if row["linked"]}
        known: dict[str, Entry] = {}
        for file in files:
            row = rows.get(file.path)
            if row is None or row["status"] == "refused" or row["filename"] in linked:
                continue
            if (row["size"], row["mtime_ns"]) == (file.size, file.mtime_ns):
                known[file.path] = Entry(file.path, "unchanged", row["obs_id"])
        return known

    def _read(self, waiting: Sequence[Found], rules: Rules, run: _Run) -> None:
        size = min(run.order.workers or self._workers, max(1, len(waiting)))
        crew: Crew[Found, Reading] = Crew(partial(read_file, rules), size=size, seconds=self._seconds)
        readings = (
            Reading(file, refusal=result.reason) if isinstance(result, Lost) else result
            for file, result in crew.run(waiting)
        )
        for batch in batches(readings, files=self._files_per_commit):
            self._commit([reading for reading in batch if reading.storage is None], run)
            for reading in batch:
                if reading.storage is not None:
                    raise StorageError(reading.found.name, reading.storage)

    def _commit(self, batch: Sequence[Reading], run: _Run) -> None:
        with self._database.begin() as connection:
            checked = self._leftovers.still_there(batch)
            filing = self._archivist.file(connection, checked, at=datetime.now(UTC))
            # rows are there before the product they belong to is: they are seen through it
            self._lake.add(reading.sha256 for reading in checked if reading.has_rows and reading.sha256)
        run.take(filing)

    def _compact(self) -> int:
        with self._database.begin() as connection:
            hold_writers(connection)
            return self._lake.compact()

    def _refile(self, run: _Run) -> None:
        """Give the observations of unchanged files the release dates of the changed rules."""
        unchanged = {entry.obs_id for entry in run.report.entries if entry.status == "unchanged" and entry.obs_id}
        for chunk in in_chunks(sorted(unchanged - run.report.observations), REFILE_BATCH):
            with self._database.begin() as connection:
                filing = self._archivist.refile(connection, chunk, at=datetime.now(UTC))
            for obs_id, reason in filing.left.items():
                log.warning("ingest.left", obs_id=obs_id, reason=reason)
            run.take(filing)


@dataclass(slots=True)
class _Run:
    order: Order
    report: Report
    total: int
    progress: Progress

    def take(self, filing: Filing) -> None:
        self.report.commits += filing.seq is not None
        self.report.observations |= filing.observations
        self.tell(filing.entries)

    def tell(self, entries: Iterable[Entry]) -> None:
        for entry in entries:
            self.report.entries.append(entry)
            self.progress(len(self.report.entries), self.total, entry)


def _silent(done: int, total: int, entry: Entry | None) -> None:
    del done, total, entry
