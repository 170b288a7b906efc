"""What a mirror has fetched, and in which version: one line for each event, appended when it happened.

A line that a crash cut short is passed over; what it would have told is fetched or asked for once more.
"""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class Copy:
    """A file as it was fetched."""

    name: str
    path: str
    """Relative to the folder of the files."""
    size: int
    sha256: str | None
    """None where the archive offered none."""
    modified: float | None
    """When the archive had taken these bytes in, MJD."""
    etag: str | None
    """Of the archive, for what it tells no moment of."""
    revision: int = 1


@dataclass(frozen=True, slots=True)
class Settled:
    """What a scope came down to when all of it was here last."""

    names: frozenset[str] = frozenset()
    newest: Mapping[str, float] = field(default_factory=dict)
    """The newest change seen of each programme, MJD."""


@dataclass(slots=True)
class Ledger:
    """The file of lines, read once and appended to."""

    file: Path
    copies: dict[str, Copy] = field(default_factory=dict)
    begun: dict[str, str] = field(default_factory=dict)
    """Which version of a file the piece of it belongs to that may be there."""
    scopes: dict[str, Settled] = field(default_factory=dict)
    """What scopes came down to, by their text."""

    @classmethod
    def open(cls, file: Path) -> Ledger:
        """Read a ledger, which may not exist yet, and write it anew without what has been overruled."""
        ledger = cls(file)
        if file.exists():
            for line in file.read_text("utf-8", errors="replace").splitlines():
                try:
                    ledger._take(json.loads(line))
                except (ValueError, TypeError, KeyError):
                    continue
            ledger._compact()
        return ledger

    def copied(self, copy: Copy) -> None:
        """Note that a file has been fetched."""
        self._append({"copy": asdict(copy)})

    def starts(self, versions: dict[str, str]) -> None:
        """Note which versions are about to be fetched."""
        if versions:
            self._append({"begun": versions})

    def ended(self, scope: str, names: Iterable[str], newest: Mapping[str, float]) -> None:
        """Note what a scope came down to, once everything of it is here, and how far changes have been followed."""
        self._append({"scope": scope, "names": sorted(names), "newest": dict(newest)})

    def _append(self, event: dict[str, Any]) -> None:
        self._take(event)
        self.file.parent.mkdir(parents=True, exist_ok=True)
        with self.file.open("a", encoding="utf-8") as sink:
            sink.write(json.dumps(event, separators=(",", ":")) + "\n")
            sink.flush()
            os.fsync(sink.fileno())

    def _take(self, event: dict[str, Any]) -> None:
        if "copy" in event:
            copy = Copy(**event["copy"])
            self.copies[copy.name] = copy
            self.begun.pop(copy.name, None)
        elif "begun" in event:
            self.begun.update(event["begun"])
        else:
            self.scopes[event["scope"]] = Settled(frozenset(event["names"]), event["newest"])

    def _compact(self) -> None:
        events: list[dict[str, Any]] = [{"copy": asdict(copy)} for copy in self.copies.values()]
        events += [{"begun": self.begun}] if self.begun else []
        events += [
            {"scope": scope, "names": sorted(settled.names), "newest": dict(settled.newest)}
            for scope, settled in self.scopes.items()
        ]
        part = self.file.with_suffix(".part")
        with part.open("w", encoding="utf-8") as sink:
            sink.writelines(json.dumps(event, separators=(",", ":")) + "\n" for event in events)
            sink.flush()
            os.fsync(sink.fileno())
        part.replace(self.file)
