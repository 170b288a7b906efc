"""What to do with a file that arrives under a name: is it new, newer, older or known?"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from deepfield.catalogue.rows import Filed

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from deepfield.ingest.blueprint import FileFacts
    from deepfield.ingest.reading import Reading
    from deepfield.ingest.report import Status

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Decision:
    """What becomes of a product file, and how its artifact row will say where it lives."""

    reading: Reading
    facts: FileFacts
    status: Status
    filed: Filed | None
    """None where nothing is to be written."""
    current: Row | None = None
    """The current artifact row of the name, if there is one."""
    reason: str | None = None

    @property
    def arrives(self) -> bool:
        """Whether the file is going to be (or stay) a current product of its observation, newly written."""
        return self.filed is not None and self.status != "historical"

    @property
    def replaces(self) -> Row | None:
        """The artifact row that this file supersedes."""
        return self.current if self.status == "superseded" else None

    def refused(self, reason: str) -> Decision:
        """Return the decision to refuse the file instead."""
        return Decision(self.reading, self.facts, "refused", None, reason=reason)


def decide(reading: Reading, current: Row | None, history: Mapping[str, int], *, at: datetime) -> Decision:
    """Compare a file with the current version of its name and with ``history``, {sha256: version}."""
    facts = reading.facts
    assert facts is not None
    if current is not None and current["sha256"] == facts.sha256:
        return _same(reading, facts, current)
    known = history.get(facts.sha256)
    if current is None:
        version = known or max(history.values(), default=0) + 1
        reason = "back after it was withdrawn" if history else None
        return Decision(reading, facts, "ingested", _filed(reading, version, at), reason=reason)
    if known is not None:
        return Decision(reading, facts, "unchanged", None, reason=f"version {known} of the product, kept as history")
    filed = _filed(reading, max(history.values()) + 1, at)
    if _is_older(facts.created, current["created"]):
        made = f"made {facts.created:%Y-%m-%d %H:%M:%S}, before the current version {current['version']}"
        return Decision(reading, facts, "historical", filed, current, made)
    reason = f"version {filed.version}, replaces version {current['version']}"
    return Decision(reading, facts, "superseded", filed, current, reason)


def _same(reading: Reading, facts: FileFacts, current: Row) -> Decision:
    if current["filename"] == facts.filename and not _should_move(reading, current):
        return Decision(reading, facts, "unchanged", None)
    filed = Filed(
        version=current["version"],
        location=reading.location,
        linked=reading.linked,
        mtime_ns=reading.found.mtime_ns if reading.linked else None,
        has_preview=current["has_preview"] or reading.has_preview,
        archived_at=current["archived_at"],
    )
    return Decision(reading, facts, "unchanged", filed, current, f"known content, now at {reading.location}")


def _should_move(reading: Reading, current: Row) -> bool:
    """Tell whether the archive should read these bytes where this file is, rather than where they were."""
    if not current["linked"]:
        return False
    if not reading.linked:
        return True
    if current["location"] == reading.location:
        return bool(current["mtime_ns"] != reading.found.mtime_ns)
    try:
        status = Path(current["location"]).stat()
    except OSError:
        return True
    return (status.st_size, status.st_mtime_ns) != (current["content_length"], current["mtime_ns"])


def _filed(reading: Reading, version: int, at: datetime) -> Filed:
    return Filed(
        version=version,
        location=reading.location,
        linked=reading.linked,
        mtime_ns=reading.found.mtime_ns if reading.linked else None,
        has_preview=reading.has_preview,
        archived_at=at,
    )


def _is_older(new: datetime | None, old: datetime | None) -> bool:
    """By DATE; a file that does not say when it was made is taken in order of arrival."""
    return new is not None and old is not None and new < old


def filed_of(row: Row) -> Filed:
    """Return where the bytes of a stored artifact row live."""
    return Filed(
        version=row["version"],
        location=row["location"],
        linked=row["linked"],
        mtime_ns=row["mtime_ns"],
        has_preview=row["has_preview"],
        archived_at=row["archived_at"],
    )
