"""The outbox: events written in the transaction that causes them, read in order of commits."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from sqlalchemy import insert, select

from deepfield.catalogue.schema import EVENT
from deepfield.catalogue.types import moment_text
from deepfield.model.identifiers import COLLECTION, artifact_uri

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from sqlalchemy import Connection

EventType = Literal["first_archived", "archived", "reprocessed", "public_release", "withdrawn"]
Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class EventFile:
    """A product file that an event speaks of."""

    filename: str
    size: int
    sha256: str

    def to_json(self) -> Row:
        """Return the file's entry in an event record."""
        return {
            "filename": self.filename,
            "uri": artifact_uri(self.filename),
            "size": self.size,
            "sha256": self.sha256,
        }


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened to an observation in one commit."""

    type: EventType
    time: datetime
    obs_id: str
    proposal_id: str | None
    level: int | None
    files: tuple[EventFile, ...]
    release: datetime | None = None
    cause: tuple[str, ...] = ()
    """Why it was processed again: ``sdp``, ``calibration``, ``references``, ``reference_files``, ``members``;
    ``content`` where the bytes differ and no keyword says why."""
    old: Mapping[str, Any] = field(default_factory=dict)
    new: Mapping[str, Any] = field(default_factory=dict)

    def event_id(self, seq: int) -> str:
        """SHA-256 of type, observation and version; the version of an observation is the snapshot that made it."""
        return hashlib.sha256(f"{self.type}|{self.obs_id}|{seq}".encode()).hexdigest()

    def to_json(self, seq: int) -> Row:
        """Return the event record that subscribers receive."""
        public = self.release is not None and self.release <= self.time
        return {
            "event_id": self.event_id(seq),
            "type": self.type,
            "time": moment_text(self.time),
            "snapshot": str(seq),
            "mission": COLLECTION,
            "proposal_id": self.proposal_id,
            "obs_id": self.obs_id,
            "level": self.level,
            "files": [file.to_json() for file in self.files],
            "cause": list(self.cause),
            "old": dict(self.old),
            "new": dict(self.new),
            "data_rights": "PUBLIC" if public else "EXCLUSIVE_ACCESS",
            "release": None if self.release is None else moment_text(self.release),
        }


class Outbox:
    """Writes events and reads them by snapshot number."""

    def add(self, connection: Connection, seq: int, events: Sequence[Event]) -> None:
        """Write the events of commit ``seq``; at most one of a type for each observation."""
        rows = [
            {
                "event_id": event.event_id(seq),
                "seq": seq,
                "type": event.type,
                "time": event.time,
                "proposal_id": event.proposal_id,
                "obs_id": event.obs_id,
                "document": event.to_json(seq),
            }
            for event in events
        ]
        if rows:
            connection.execute(insert(EVENT), rows)

    def after(self, connection: Connection, seq: int, *, limit: int = 1000) -> list[Row]:
        """Return event rows committed after ``seq``, in order of commits, at most ``limit`` and never half a commit."""
        query = select(EVENT).where(EVENT.c.seq > seq).order_by(EVENT.c.seq, EVENT.c.event_id)
        rows = [dict(row) for row in connection.execute(query.limit(limit + 1)).mappings()]
        if len(rows) <= limit:
            return rows
        whole = [row for row in rows if row["seq"] < rows[-1]["seq"]]
        if whole:
            return whole
        return [dict(row) for row in connection.execute(select(EVENT).where(EVENT.c.seq == rows[0]["seq"])).mappings()]
