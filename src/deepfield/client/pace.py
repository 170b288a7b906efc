"""How often an archive is asked, and how long to wait after it did not answer well."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

    import requests

LONGEST: Final = 300.0
"""Seconds: an archive that asks for more is asked again all the same."""
PASSING: Final = frozenset({408, 425, 429, 500, 502, 503, 504})
"""Statuses after which it is worth asking again."""


class Pace:
    """Lets requests out one after the other, at most ``rate`` a second over all threads; None lets all out at once."""

    def __init__(
        self,
        rate: float | None = None,
        *,
        clock: Callable[[], float] = time.monotonic,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        self._step = 0.0 if rate is None else 1.0 / rate
        self._clock, self._pause = clock, pause
        self._next, self._lock = 0.0, threading.Lock()

    def keep(self) -> None:
        """Wait for the turn of one request."""
        if not self._step:
            return
        with self._lock:
            now = self._clock()
            turn = max(now, self._next)
            self._next = turn + self._step
        if turn > now:
            self._pause(turn - now)


def backoff(failures: int, answer: requests.Response | None = None) -> float:
    """Return the seconds to wait after so many failures in a row: what the archive asks for, else ever longer."""
    asked = "" if answer is None else answer.headers.get("Retry-After", "")
    return min(float(asked), LONGEST) if asked.isdecimal() else min(2.0 ** (failures - 1), 30.0)
