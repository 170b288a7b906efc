"""Compares the archive with the files it speaks of."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from deepfield.products.store import CHUNK

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from deepfield.catalogue.database import Database
    from deepfield.catalogue.observations import Observations
    from deepfield.products.store import Store

Row = dict[str, Any]
Problem = Literal["missing", "changed", "altered"]


@dataclass(frozen=True, slots=True)
class Finding:
    """A current product whose bytes are not what the archive says."""

    filename: str
    obs_id: str | None
    problem: Problem
    """``missing``: nothing there. ``changed``: other size or modification time. ``altered``: other SHA-256."""
    location: str
    detail: str

    def to_json(self) -> dict[str, Any]:
        """Return the finding as plain values."""
        return {
            "filename": self.filename,
            "obs_id": self.obs_id,
            "problem": self.problem,
            "location": self.location,
            "detail": self.detail,
        }


@dataclass(frozen=True, slots=True)
class Audited:
    """What a check looked at and found."""

    products: int
    findings: tuple[Finding, ...]


class Audit:
    """Checks bytes against the catalogue."""

    def __init__(self, database: Database, observations: Observations, store: Store) -> None:
        self._database, self._observations, self._store = database, observations, store

    def check(self, *, deep: bool = False, progress: Callable[[int], None] | None = None) -> Audited:
        """Look at every current product: is it there, with the size (and time, where linked) it was filed with?

        ``deep`` also reads all bytes and compares their SHA-256. ``progress`` is told how many were looked at.
        """
        looked, findings = 0, []
        for row in self._rows():
            finding = self._look(row) or (self._read(row) if deep else None)
            if finding is not None:
                findings.append(finding)
            looked += 1
            if progress is not None:
                progress(looked)
        return Audited(looked, tuple(findings))

    def _rows(self) -> Iterator[Row]:
        after = 0
        while True:
            with self._database.read() as connection:
                rows = self._observations.artifacts_after(connection, after, limit=1000)
            if not rows:
                return
            yield from rows
            after = rows[-1]["artifact_number"]

    def _look(self, row: Row) -> Finding | None:
        status = self._store.stat(row["location"])
        if status is None:
            return _finding(row, "missing", "no file is there")
        size, mtime_ns = status
        if size != row["content_length"]:
            return _finding(row, "changed", f"it has {size} bytes, filed with {row['content_length']}")
        if row["linked"] and mtime_ns != row["mtime_ns"]:
            return _finding(row, "changed", "it was written to since it was ingested")
        return None

    def _read(self, row: Row) -> Finding | None:
        checksum = hashlib.sha256()
        try:
            with self._store.open(row["location"]) as stream:
                while block := stream.read(CHUNK):
                    checksum.update(block)
        except OSError as error:
            return _finding(row, "missing", f"it cannot be read: {error.strerror or error}")
        if checksum.hexdigest() != row["sha256"]:
            return _finding(row, "altered", f"its SHA-256 is {checksum.hexdigest()}, filed with {row['sha256']}")
        return None


def _finding(row: Row, problem: Problem, detail: str) -> Finding:
    return Finding(row["filename"], row["obs_id"], problem, row["location"], detail)
