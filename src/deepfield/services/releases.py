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
    """Writes one event for each observation whose release date has passed, however many workers look."""

    def __init__(self, database: Database, observations: Observations, outbox: Outbox) -> None:
        self._database, self._observations, self._outbox = database, observations, outbox

    def announce(self, now: datetime) -> int:
        """Announce what has become public by ``now`` (UTC); return how many observations that are."""
        with self._database.read() as connection:
            if not newly_public(connection, now):
                return 0
        with self._database.begin() as connection:
            seq = next_snapshot(connection)
            rows = newly_public(connection, now)
            files = self._observations.artifacts_of(connection, [row["obs_number"] for row in rows])
            events = [_event(row, files[row["obs_number"]].values(), now) for row in rows]
            self._outbox.add(connection, seq, events)
        return len(events)


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
