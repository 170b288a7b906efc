"""Snapshots: what the archive was at each commit, and which of them are kept by name."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from deepfield.catalogue.pins import Commit, Pin, Pins
from deepfield.model.errors import InvalidValueError, UnknownSnapshotError

if TYPE_CHECKING:
    from collections.abc import Callable

    from deepfield.catalogue.database import Database

_NAME: Final = re.compile(r"[A-Za-z][A-Za-z0-9._-]{0,63}")


@dataclass(frozen=True, slots=True)
class History:
    """The newest snapshot, the last commits, and every pin."""

    current: int
    commits: tuple[Commit, ...]
    pins: tuple[Pin, ...]


class Snapshots:
    """Names snapshots. Every search and query can be asked as of any of them."""

    def __init__(
        self, database: Database, pins: Pins, *, now: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        self._database, self._pins, self._now = database, pins, now

    def history(self, limit: int = 20) -> History:
        """Return the newest snapshot, the last commits and every pin."""
        with self._database.read() as connection:
            return History(
                self._pins.current(connection),
                tuple(self._pins.commits(connection, limit)),
                tuple(self._pins.all(connection)),
            )

    def span(self) -> tuple[datetime, datetime]:
        """Return when the archive got its first observations and when it changed last; now for an empty one."""
        with self._database.read() as connection:
            return self._pins.span(connection) or (self._now(),) * 2

    def pin(self, name: str, seq: int | None = None, *, note: str | None = None) -> Pin:
        """Give a snapshot a name; without a number, the newest.

        Raises:
            InvalidValueError: the name cannot be one, or is taken.
            UnknownSnapshotError: there is no such snapshot yet.
        """
        if not _NAME.fullmatch(name):
            raise InvalidValueError("name", name, "a letter, then letters, digits, '.', '_' and '-', at most 64")
        with self._database.begin() as connection:
            current = self._pins.current(connection)
            if self._pins.find(connection, name) is not None:
                raise InvalidValueError("name", name, "a name that is not taken; unpin it first")
            seq = current if seq is None else seq
            if not 0 <= seq <= current:
                raise UnknownSnapshotError(str(seq), current=current)
            pin = Pin(name, seq, self._now(), note)
            self._pins.add(connection, pin)
        return pin

    def unpin(self, name: str) -> None:
        """Take a name from its snapshot.

        Raises:
            UnknownSnapshotError: nothing has the name.
        """
        with self._database.begin() as connection:
            if not self._pins.remove(connection, name):
                raise UnknownSnapshotError(name, current=self._pins.current(connection))

    def number(self, text: str) -> int:
        """Return the snapshot that a number or the name of a pin means.

        Raises:
            UnknownSnapshotError: it means none that there is.
        """
        with self._database.read() as connection:
            current = self._pins.current(connection)
            if text.isascii() and text.isdigit() and len(text) < 19:
                if int(text) <= current:
                    return int(text)
            elif (pin := self._pins.find(connection, text)) is not None:
                return pin.seq
        raise UnknownSnapshotError(text, current=current)
