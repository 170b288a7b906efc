"""Announces the end of exclusive access."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from deepfield.catalogue.numbers import next_snapshot
from deepfield.catalogue.outbox import Event, EventFile
from deepfield.catalogue.releases import newly_public

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from deepfield.catalogue.database import Database
    from deepfield.catalogue.observations import Observations
    from deepfield.catalogue.outbox import Outbox


class Releases:
    """Writes one event for each observation whose release date has passed, however many workers look.

    A release of many is announced in steps of ``batch`` observations, one transaction each: bounded memory, and no
    writer waits long.
    """

    def __init__(self, database: Database, observations: Observations, outbox: Outbox, *, batch: int = 500) -> None:
        self._database, self._observations, self._outbox = database, observations, outbox
        self._batch = batch

    def announce(self, now: datetime) -> int:
        """Announce what has become public by ``now`` (UTC); return how many observations that are."""
        announced, after = 0, 0
        while True:
            with self._database.read() as connection:
                if not newly_public(connection, now, after=after, limit=1):
                    return announced
            with self._database.begin() as connection:
                seq = next_snapshot(connection)
                rows = newly_public(connection, now, after=after, limit=self._batch)
                files = self._observations.artifacts_of(connection, [row["obs_number"] for row in rows])
                self._outbox.add(connection, seq, [_event(row, files[row["obs_number"]].values(), now) for row in rows])
            if not rows:
                return announced
            announced, after = announced + len(rows), rows[-1]["obs_number"]


def _event(row: dict[str, Any], artifacts: Iterable[dict[str, Any]], now: datetime) -> Event:
    return Event(
        type="public_release",
        time=now,
        obs_id=row["obs_id"],
        proposal_id=row["proposal_id"],
        level=row["calib_level"],
        files=tuple(EventFile(a["filename"], a["content_length"], a["sha256"]) for a in artifacts),
        release=row["data_release"],
    )
