"""Snapshots that were given a name, and what is known of the others."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import delete, func, insert, select

from deepfield.catalogue.schema import EVENT, SNAPSHOT, SNAPSHOT_PIN

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection


@dataclass(frozen=True, slots=True)
class Pin:
    """A name for a snapshot."""

    name: str
    seq: int
    pinned_at: datetime
    note: str | None = None


@dataclass(frozen=True, slots=True)
class Commit:
    """What one commit announced, which made the snapshot of the same number."""

    seq: int
    time: datetime
    events: int


class Pins:
    """Keeps names of snapshots."""

    def current(self, connection: Connection) -> int:
        """Return the number of the newest snapshot."""
        return int(connection.execute(select(SNAPSHOT.c.seq)).scalar_one())

    def commits(self, connection: Connection, limit: int) -> list[Commit]:
        """Return the last commits that announced something, newest first."""
        query = select(EVENT.c.seq, func.max(EVENT.c.time), func.count()).group_by(EVENT.c.seq)
        rows = connection.execute(query.order_by(EVENT.c.seq.desc()).limit(limit))
        return [Commit(seq, time, events) for seq, time, events in rows]

    def span(self, connection: Connection) -> tuple[datetime, datetime] | None:
        """Return when the first commit announced something and when the last did; None before any."""
        first, last = connection.execute(select(func.min(EVENT.c.time), func.max(EVENT.c.time))).one()
        return None if first is None else (first, last)

    def all(self, connection: Connection) -> list[Pin]:
        """Return every pin, by snapshot and name."""
        query = select(SNAPSHOT_PIN).order_by(SNAPSHOT_PIN.c.seq, SNAPSHOT_PIN.c.name)
        return [Pin(**row) for row in connection.execute(query).mappings()]

    def find(self, connection: Connection, name: str) -> Pin | None:
        """Return the pin of this name."""
        query = select(SNAPSHOT_PIN).where(SNAPSHOT_PIN.c.name == name)
        row = connection.execute(query).mappings().one_or_none()
        return None if row is None else Pin(**row)

    def add(self, connection: Connection, pin: Pin) -> None:
        """Write a new pin."""
        row = {"name": pin.name, "seq": pin.seq, "pinned_at": pin.pinned_at, "note": pin.note}
        connection.execute(insert(SNAPSHOT_PIN), [row])

    def remove(self, connection: Connection, name: str) -> bool:
        """Remove a pin; tell whether it was there."""
        return connection.execute(delete(SNAPSHOT_PIN).where(SNAPSHOT_PIN.c.name == name)).rowcount == 1
