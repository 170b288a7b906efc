"""Runs jobs: threads that take them from the queue, and one that watches over what runs."""

from __future__ import annotations

import os
import socket
import threading
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Final, Literal, Protocol, Self

import structlog

from deepfield.model.errors import ArchiveError, RebuildingError, StorageError, TimeLimitError
from deepfield.model.jobs import JobFailure
from deepfield.services.jobs import LEASE

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from deepfield.model.jobs import Job, JobResult
    from deepfield.services.jobs import Jobs

log = structlog.get_logger("deepfield.jobs")

Reason = Literal["aborted", "overtime", "stopped"]
POLL: Final = 0.5
"""Seconds after which a worker looks for jobs that other processes queued."""
WATCH: Final = 0.25
"""Seconds after which a running job is looked at, should another process have aborted it."""
PAUSE: Final = 5.0
"""Seconds of rest after a failure of the queue itself."""
TRANSIENT: Final = (RebuildingError, StorageError, TimeLimitError)


class Running:
    """A job at work. Whoever does the work hands in how to stop it, and is told so from another thread."""

    def __init__(self, job: Job) -> None:
        self.job: Final = job
        self.reason: Reason | None = None
        self._stops: list[Callable[[], None]] = []
        self._lock = threading.Lock()
        self._until = time.monotonic() + job.duration if job.duration else None

    @property
    def is_overtime(self) -> bool:
        return self._until is not None and time.monotonic() > self._until

    def on_stop(self, stop: Callable[[], None]) -> None:
        """Call this when the job has to stop; at once if it has already."""
        with self._lock:
            if self.reason is None:
                self._stops.append(stop)
                return
        stop()

    def stop(self, reason: Reason) -> None:
        """Stop the work; only the first reason counts."""
        with self._lock:
            if self.reason is not None:
                return
            self.reason, stops = reason, list(self._stops)
        for stop in stops:
            with suppress(Exception):
                stop()


class Work(Protocol):
    """Does a job of one kind; returns what it left in the job's folder."""

    def __call__(self, job: Job, running: Running) -> Sequence[JobResult]: ...


class Runner:
    """Runs jobs in threads until its block ends; what then still runs is queued again."""

    def __init__(self, jobs: Jobs, work: Mapping[str, Work], *, threads: int) -> None:
        self._jobs, self._work = jobs, work
        self._name = f"{socket.gethostname()}:{os.getpid()}:{id(self):x}"
        self._stop = threading.Event()
        self._running: dict[str, Running] = {}
        self._lock = threading.Lock()
        names = [f"job-{number}" for number in range(threads)]
        self._threads = [threading.Thread(target=self._take_jobs, name=name, daemon=True) for name in names]
        self._watcher = threading.Thread(target=self._watch, name="job-watch", daemon=True)

    def __enter__(self) -> Self:
        for thread in (*self._threads, self._watcher):
            thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._stop.set()
        for running in self._at_work():
            running.stop("stopped")
        for thread in (*self._threads, self._watcher):
            thread.join(timeout=10)

    def _take_jobs(self) -> None:
        seen = -1
        while not self._stop.is_set():
            try:
                seen = self._jobs.changes
                while not self._stop.is_set() and (job := self._jobs.claim(self._name)) is not None:
                    self._do(job)
                self._jobs.wait_for_change(seen, POLL)
            except Exception:
                log.exception("job.queue_failed")
                self._stop.wait(PAUSE)

    def _do(self, job: Job) -> None:
        running = Running(job)
        with self._lock:
            self._running[job.job_id] = running
        if self._stop.is_set():
            running.stop("stopped")
        try:
            with structlog.contextvars.bound_contextvars(job=job.job_id):
                self._settle(running)
        finally:
            with self._lock:
                del self._running[job.job_id]

    def _settle(self, running: Running) -> None:
        job, failure = running.job, None
        results: Sequence[JobResult] = ()
        try:
            results = self._work[job.kind](job, running)
        except ArchiveError as error:
            failure = JobFailure(str(error), transient=isinstance(error, TRANSIENT))
        except Exception:
            if running.reason is None:
                log.exception("job.crashed")
            failure = JobFailure("the archive failed; its log says why under this job's identifier", transient=True)
        match running.reason:
            case "aborted":
                return
            case "stopped" if failure is not None:
                self._jobs.give_back(job, self._name)
            case "overtime" if failure is not None:
                self._jobs.fail(job, self._name, JobFailure(f"it ran longer than the {job.duration} s it may"))
            case _ if failure is not None:
                self._jobs.fail(job, self._name, failure)
            case _:
                self._jobs.complete(job, self._name, results)

    def _watch(self) -> None:
        seen, renewed = -1, time.monotonic()
        while not self._stop.is_set():
            seen = self._jobs.wait_for_change(seen, WATCH)
            try:
                at_work = {running.job.job_id: running for running in self._at_work()}
                if not at_work:
                    continue
                if time.monotonic() - renewed > LEASE.total_seconds() / 4:
                    held, renewed = self._jobs.renew(self._name, at_work), time.monotonic()
                else:
                    held = self._jobs.held(self._name, at_work)
                for job_id, running in at_work.items():
                    if job_id not in held:
                        running.stop("aborted")
                    elif running.is_overtime:
                        running.stop("overtime")
            except Exception:
                log.exception("job.watch_failed")
                self._stop.wait(PAUSE)

    def _at_work(self) -> list[Running]:
        with self._lock:
            return list(self._running.values())
