"""What became of each file of an ingest."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Literal, get_args

if TYPE_CHECKING:
    from collections.abc import Iterable

Status = Literal["ingested", "superseded", "historical", "unchanged", "kept", "refused"]
STATUSES: Final[tuple[Status, ...]] = get_args(Status)


@dataclass(frozen=True, slots=True)
class Entry:
    """One file.

    ``ingested``: a product new to the archive. ``superseded``: it took the place of an older version. ``historical``:
    older than the current version, stored as history. ``unchanged``: known with these bytes. ``kept``: no product of an
    observation, for instance a reference file. ``refused``: in quarantine.
    """

    path: str
    status: Status
    obs_id: str | None = None
    reason: str | None = None

    def to_json(self) -> dict[str, Any]:
        """Return the entry of the report file."""
        return {"path": self.path, "status": self.status, "obs_id": self.obs_id, "reason": self.reason}


@dataclass(slots=True)
class Report:
    """Every file that was found, exactly once, and what the ingest as a whole did."""

    entries: list[Entry] = field(default_factory=list)
    size: int = 0
    """Bytes of all files found."""
    observations: set[str] = field(default_factory=set)
    """obs_ids of the observations that changed."""
    commits: int = 0
    seconds: float = 0.0

    def add(self, entries: Iterable[Entry]) -> None:
        self.entries.extend(entries)

    @property
    def counts(self) -> dict[Status, int]:
        """Files by status, every status named."""
        found = Counter(entry.status for entry in self.entries)
        return {status: found[status] for status in STATUSES}

    @property
    def refused(self) -> list[Entry]:
        return [entry for entry in self.entries if entry.status == "refused"]

    def to_json(self) -> dict[str, Any]:
        """Return the report file's content, files in order of paths."""
        files = [entry.to_json() for entry in sorted(self.entries, key=lambda entry: entry.path)]
        summary: dict[str, Any] = {"files": len(files)}
        summary.update((status, count) for status, count in self.counts.items())
        summary["observations"] = len(self.observations)
        summary["size"] = str(self.size)
        summary["commits"] = self.commits
        summary["seconds"] = round(self.seconds, 3)
        return {"files": files, "summary": summary}
