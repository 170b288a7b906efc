"""A thread that keeps the replica at the newest commit of the catalogue."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

import structlog

if TYPE_CHECKING:
    from deepfield.replica.replica import Replica

log = structlog.get_logger(__name__)

_LONGEST_PAUSE: Final = 30.0


@dataclass(frozen=True, slots=True)
class ReplicaState:
    """How the replica is doing."""

    state: Literal["ready", "rebuilding", "failing"]
    percent: float | None
    """Of a rebuild under way."""
    snapshot: int
    error: str | None = None
    """Why the last attempt to catch up failed."""


class Follower:
    """Tails the feed: asks for new commits every ``interval`` seconds, less often while that fails."""

    def __init__(self, replica: Replica, *, interval: float = 0.5) -> None:
        self._replica = replica
        self._interval = interval
        self._stopping = threading.Event()
        self._due = threading.Event()
        self._error: str | None = None
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Start following; does nothing while it runs."""
        if self._thread is None:
            self._stopping.clear()
            self._thread = threading.Thread(target=self._run, name="replica-follower", daemon=True)
            self._thread.start()

    def stop(self) -> None:
        """Stop for good; what is being applied or built is given up."""
        self._stopping.set()
        self._replica.abandon()
        self._due.set()
        if self._thread is not None:
            self._thread.join()
            self._thread = None

    def wake(self) -> None:
        """Look for new commits at once."""
        self._due.set()

    @property
    def state(self) -> ReplicaState:
        percent, snapshot = self._replica.progress, self._replica.snapshot
        if percent is not None:
            return ReplicaState("rebuilding", percent, snapshot, self._error)
        if self._error is not None:
            return ReplicaState("failing", None, snapshot, self._error)
        if not self._replica.ready:
            return ReplicaState("rebuilding", 0.0, snapshot)
        return ReplicaState("ready", None, snapshot)

    def _run(self) -> None:
        pause = self._interval
        while not self._stopping.is_set():
            try:
                self._replica.catch_up()
            except Exception as error:  # noqa: BLE001 - whatever it is, the next attempt may succeed
                self._error = str(error)
                pause = min(pause * 2, _LONGEST_PAUSE)
                log.warning("replica.behind", reason=str(error), retry_in=pause)
            else:
                self._error, pause = None, self._interval
            self._due.wait(pause)
            self._due.clear()
