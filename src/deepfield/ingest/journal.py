"""What an ingest writes outside the database, noted before it is written, so that nothing is left behind by a kill."""

from __future__ import annotations

import fcntl
import os
import secrets
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

_LOCK: Final = "lock"
_ENDING: Final = ".journal"


@dataclass(frozen=True, slots=True)
class Written:
    """Bytes that an ingest may have written: previews of a content, and its copy in the store."""

    sha256: str
    location: str | None
    """A key of the store; None for a linked file."""


def note(journal: Path, written: Written) -> None:
    """Add a line to a journal; safe from several processes at once."""
    line = f"{written.sha256}\t{written.location or ''}\n".encode()
    handle = os.open(journal, os.O_WRONLY | os.O_APPEND)
    try:
        os.write(handle, line)
    finally:
        os.close(handle)


def entries(journals: Iterable[Path]) -> Iterator[Written]:
    """Read journals back, each entry once; a line that a kill cut short is left out."""
    seen: set[str] = set()
    for journal in journals:
        for line in journal.read_text(encoding="utf-8", errors="replace").splitlines(keepends=True):
            if line.endswith("\n") and line not in seen:
                seen.add(line)
                sha256, _, location = line.rstrip("\n").partition("\t")
                yield Written(sha256, location or None)


class Journals:
    """The journals of this archive's ingests, one file each, locked while its ingest lives."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @contextmanager
    def open(self) -> Iterator[tuple[Path, list[Path], bool]]:
        """Begin a journal; yield it, the journals of ingests that died, and whether no other ingest is alive.

        The journal goes when the block ends. Those that died are the caller's to read and to ``remove``.
        """
        self._folder.mkdir(parents=True, exist_ok=True)
        journal = self._folder / f"{secrets.token_hex(8)}{_ENDING}"
        with (self._folder / _LOCK).open("a") as door:
            fcntl.flock(door, fcntl.LOCK_EX)
            others = list(self._folder.glob(f"*{_ENDING}"))
            dead = [other for other in others if _is_dead(other)]
            handle = os.open(journal, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
            fcntl.flock(handle, fcntl.LOCK_EX)
        try:
            yield journal, dead, len(dead) == len(others)
            journal.unlink(missing_ok=True)
        finally:
            os.close(handle)

    def remove(self, journals: Iterable[Path]) -> None:
        """Remove journals whose entries were looked after."""
        for journal in journals:
            journal.unlink(missing_ok=True)


def _is_dead(journal: Path) -> bool:
    try:
        with journal.open("rb") as handle:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except BlockingIOError:
        return False
    return True
