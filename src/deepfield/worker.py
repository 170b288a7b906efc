"""The periodic work of an archive that needs one runner, beside requests or in a process of its own."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final, Self

import structlog

if TYPE_CHECKING:
    from collections.abc import Callable

    from deepfield.bootstrap import Archive

log = structlog.get_logger("deepfield.worker")

PAUSE: Final = timedelta(seconds=5)
"""After a failure, so that a broken catalogue does not fill the log."""


class Repeated:
    """A thread that does one thing again and again until its block ends. A failure is logged and tried again."""

    def __init__(self, name: str, action: Callable[[], object], every: timedelta) -> None:
        self.name, self._action, self._every = name, action, every
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._stop.set()
        self._thread.join(timeout=30)

    def _run(self) -> None:
        while not self._stop.is_set():
            pause = self._every
            try:
                self._action()
            except Exception:
                log.exception("task.failed", task=self.name)
                pause = max(pause, PAUSE)
            self._stop.wait(pause.total_seconds())


@dataclass(frozen=True, slots=True)
class Task:
    """Something to be done now and then."""

    name: str
    action: Callable[[], object]
    every: timedelta


class Worker:
    """Runs the periodic tasks of an archive, each in a thread of its own."""

    def __init__(self, archive: Archive) -> None:
        self._threads = [Repeated(task.name, task.action, task.every) for task in tasks(archive)]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.__enter__()
        return self

    def __exit__(self, *error: object) -> None:
        for thread in self._threads:
            thread.__exit__(*error)


def tasks(archive: Archive) -> list[Task]:
    """Return the periodic work of an archive."""
    return [
        Task("announce_releases", lambda: archive.releases.announce(datetime.now(UTC)), timedelta(minutes=5)),
        Task("tidy_jobs", archive.jobs.tidy, timedelta(seconds=10)),
        Task("sweep_access_log", archive.access_log.sweep, timedelta(days=1)),
        Task("sweep_store", archive.store.sweep, timedelta(hours=1)),
    ]
