"""The periodic work of an archive that needs one runner, beside requests or in a process of its own."""

from __future__ import annotations

import threading
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Final, Self

import structlog

from deepfield.services.runner import Runner
from deepfield.web.vo import tap

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from deepfield.bootstrap import Archive
    from deepfield.services.runner import Work

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
    """Runs the periodic tasks of an archive, each in a thread of its own, and its jobs."""

    def __init__(self, archive: Archive) -> None:
        self._threads = [Repeated(task.name, task.action, task.every) for task in tasks(archive)]
        self._runner = Runner(archive.jobs, work(archive), threads=archive.settings.job_threads)
        self._open = ExitStack()

    def __enter__(self) -> Self:
        for thread in self._threads:
            self._open.enter_context(thread)
        self._open.enter_context(self._runner)
        return self

    def __exit__(self, *_error: object) -> None:
        self._open.close()


def work(archive: Archive) -> Mapping[str, Work]:
    """Return what jobs of each kind are done by."""
    return {tap.KIND: partial(tap.run_job, archive)}


def tasks(archive: Archive) -> list[Task]:
    """Return the periodic work of an archive."""
    return [
        Task("announce_releases", lambda: archive.releases.announce(datetime.now(UTC)), timedelta(minutes=5)),
        Task("tidy_jobs", archive.jobs.tidy, timedelta(seconds=10)),
        Task("sweep_access_log", archive.access_log.sweep, timedelta(days=1)),
        Task("sweep_store", archive.store.sweep, timedelta(hours=1)),
    ]
