"""Asynchronous jobs: made, asked after, stopped, and kept until their time is over (UWS 1.1)."""

from __future__ import annotations

import re
import secrets
import shutil
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from threading import Condition
from typing import IO, TYPE_CHECKING, Any, Final

import structlog

from deepfield.model.errors import (
    InvalidValueError,
    JobQuotaError,
    JobStateError,
    StorageError,
    UnknownJobError,
    UnknownJobPartError,
)
from deepfield.model.jobs import ACTIVE, AMENDABLE, PHASES, WAITING, Job, JobFailure, JobResult

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from deepfield.catalogue.database import Connection, Database
    from deepfield.catalogue.jobs import JobQueue
    from deepfield.model.jobs import Asker, Phase

log = structlog.get_logger("deepfield.jobs")

LEASE: Final = timedelta(seconds=20)
"""How long a worker may be silent before its jobs are taken to be abandoned."""
ATTEMPTS: Final = 2
"""How often a job is begun whose worker goes away while it runs."""
_CHUNK: Final = 1 << 20
_JOB_ID: Final = re.compile("[0-9a-f]{32}")
_STRAY: Final = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class JobLimits:
    """What one job and one caller may take."""

    duration: timedelta
    """How long a job may run that does not ask for another time, and at most."""
    keep: timedelta
    """How long job and results are kept that do not ask for another time."""
    keep_most: timedelta
    waiting: int
    """Jobs of one caller that are queued or run."""
    kept: int
    """Jobs of one caller in any phase."""
    reserve: int
    """Bytes of the disk that uploads and results leave free."""


class Jobs:
    """Holds the queue of jobs and their files, one folder each.

    A job of an account is seen by that account alone; one of an anonymous caller by whoever knows its identifier.
    """

    def __init__(
        self,
        database: Database,
        queue: JobQueue,
        folder: Path,
        *,
        limits: JobLimits,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self.limits: Final = limits
        self._database, self._queue, self._folder, self._now = database, queue, folder, now
        self._changed = Condition()
        self._changes = 0

    # -- for callers

    def create(
        self,
        kind: str,
        asker: Asker,
        *,
        address: str,
        parameters: Sequence[tuple[str, str]],
        files: Mapping[str, IO[bytes]],
        run_id: str | None = None,
    ) -> Job:
        """Make a job that waits to be told to run. What its parameters say is judged when it runs.

        Args:
            kind: what has to be done.
            asker: whose job it is.
            address: public address of the job list.
            parameters: names and values as they were sent.
            files: uploaded content by the parameter that brought it.
            run_id: the client's own name of the job.

        Raises:
            JobQuotaError: the caller has as many jobs as one may keep.
            StorageError: there is no room for the uploads.
        """
        now, job_id = self._now(), secrets.token_hex(16)
        with self._database.read() as connection:
            self._check_kept(connection, asker)
        names = self._keep(job_id, files)
        row = {
            "job_id": job_id,
            "kind": kind,
            "phase": "PENDING",
            "owner": asker.account,
            "origin": asker.origin if asker.account is None else None,
            "rights": {"programs": sorted(asker.programs), "staff": asker.staff},
            "address": address,
            "run_id": run_id,
            "parameters": [list(pair) for pair in parameters],
            "files": names,
            "created": now,
            "queued": None,
            "started": None,
            "ended": None,
            "duration": int(self.limits.duration.total_seconds()),
            "destruction": now + self.limits.keep,
            "worker": None,
            "lease": None,
            "attempts": 0,
            "results": [],
            "error": None,
        }
        with self._database.begin() as connection:
            self._check_kept(connection, asker)
            self._queue.add(connection, row)
        self._tell()
        return Job.from_row(row)

    def get(self, job_id: str, asker: Asker, *, kind: str) -> Job:
        """Return a job of this caller.

        Raises:
            UnknownJobError: there is none, or it is somebody else's.
        """
        with self._database.read() as connection:
            return self._find(connection, job_id, asker, kind)

    def listed(
        self,
        kind: str,
        asker: Asker,
        *,
        phases: Collection[Phase] = (),
        after: datetime | None = None,
        last: int | None = None,
    ) -> list[Job]:
        """Return the jobs of an account (UWS 1.1 §2.2.2.1); an anonymous caller has no list, only identifiers."""
        if asker.account is None:
            return []
        with self._database.read() as connection:
            return self._queue.owned(connection, asker.account, kind, phases=phases, after=after, last=last)

    def start(self, job: Job, asker: Asker) -> None:
        """Queue a job that waits; one that is past that stays as it is.

        Raises:
            JobQuotaError: as many jobs of the caller are queued or run as may.
        """
        if job.phase != "PENDING":
            return
        with self._database.begin() as connection:
            if self._queue.count(connection, asker, WAITING) >= self.limits.waiting:
                raise JobQuotaError("queued or running", self.limits.waiting)
            self._queue.change(connection, job.job_id, AMENDABLE, phase="QUEUED", queued=self._now())
        self._tell()

    def abort(self, job: Job) -> None:
        """Stop a job, at once where it runs; one that has ended stays as it is."""
        with self._database.begin() as connection:
            self._queue.change(
                connection, job.job_id, ACTIVE, phase="ABORTED", ended=self._now(), worker=None, lease=None
            )
        self._tell()

    def delete(self, job: Job) -> None:
        """Stop and remove a job with all it left."""
        self._remove(job.job_id)

    def amend(
        self,
        job: Job,
        *,
        parameters: Sequence[tuple[str, str]] = (),
        files: Mapping[str, IO[bytes]] | None = None,
        run_id: str | None = None,
    ) -> None:
        """Give a job that waits other values of these parameters.

        Raises:
            JobStateError: the job does not wait any more.
        """
        named = {name for name, _ in parameters}
        kept = [pair for pair in job.parameters if pair[0] not in named]
        names = self._keep(job.job_id, files or {})
        values: dict[str, Any] = {
            "parameters": [list(pair) for pair in (*kept, *parameters)],
            "files": {**job.files, **names},
        }
        if run_id is not None:
            values["run_id"] = run_id
        self._change_waiting(job, "parameters", values)

    def limit(self, job: Job, duration: timedelta) -> None:
        """Let a job that waits run for another time; zero and more than the limit mean the limit.

        Raises:
            JobStateError: the job does not wait any more.
        """
        most = self.limits.duration
        allowed = most if duration <= timedelta(0) else min(duration, most)
        self._change_waiting(job, "executionduration", {"duration": int(allowed.total_seconds())})

    def keep_until(self, job: Job, destruction: datetime) -> None:
        """Keep a job until another time, at most the limit from now."""
        until = min(destruction, self._now() + self.limits.keep_most)
        with self._database.begin() as connection:
            self._queue.change(connection, job.job_id, PHASES, destruction=until)
        self._tell()

    def result(self, job: Job, name: str) -> tuple[JobResult, Path]:
        """Return a result and where it lies.

        Raises:
            UnknownJobPartError: the job has no such result.
        """
        for result in job.results:
            path = self._folder / job.job_id / result.name
            if result.name == name and path.is_file():
                return result, path
        raise UnknownJobPartError(job.job_id, f"result {name!r}")

    @property
    def changes(self) -> int:
        """A number that grows with each change made in this process."""
        return self._changes

    # -- for workers

    def path(self, job: Job, name: str) -> Path:
        """Return where a file of this job lies or goes."""
        return self._folder / job.job_id / name

    def claim(self, worker: str) -> Job | None:
        """Take the next job from the queue for this worker."""
        with self._database.read() as connection:
            if not self._queue.any_waiting(connection):
                return None
        now = self._now()
        with self._database.begin() as connection:
            job = self._queue.claim(connection, worker, now=now, lease=now + LEASE)
        self._tell()
        return job

    def renew(self, worker: str, job_ids: Iterable[str]) -> set[str]:
        """Promise to go on with these jobs; return those that are still this worker's."""
        with self._database.begin() as connection:
            return self._queue.renew(connection, worker, job_ids, self._now() + LEASE)

    def held(self, worker: str, job_ids: Iterable[str]) -> set[str]:
        """Return which of these jobs are still this worker's."""
        with self._database.read() as connection:
            return self._queue.held(connection, worker, job_ids)

    def complete(self, job: Job, worker: str, results: Sequence[JobResult]) -> None:
        """Record that a job is done."""
        self._end(job, worker, "COMPLETED", results=[_as_row(result) for result in results])

    def fail(self, job: Job, worker: str, failure: JobFailure) -> None:
        """Record that a job failed."""
        self._end(job, worker, "ERROR", error=_as_row(failure))

    def give_back(self, job: Job, worker: str) -> None:
        """Queue a job again that its worker cannot end."""
        with self._database.begin() as connection:
            again = {"phase": "QUEUED", "started": None, "attempts": max(0, job.attempts - 1)}
            self._queue.finish(connection, job.job_id, worker, **again)
        self._tell()

    def wait_for_change(self, seen: int, seconds: float) -> int:
        """Wait until something changes in this process after the number ``seen``; return the number of now."""
        with self._changed:
            self._changed.wait_for(lambda: self._changes != seen, timeout=seconds)
            return self._changes

    def check_room(self, more: int = 0) -> None:
        """Make sure that the disk has room for this many bytes more.

        Raises:
            StorageError: it has not.
        """
        self._folder.mkdir(parents=True, exist_ok=True)
        if shutil.disk_usage(self._folder).free - more < self.limits.reserve:
            raise StorageError("the result", "the archive's disk is full; try again later")

    def tidy(self) -> int:
        """Remove what is over, and queue again what was abandoned; return how many jobs that were."""
        now = self._now()
        with self._database.read() as connection:
            outlived, abandoned = self._queue.outlived(connection, now), self._queue.abandoned(connection, now)
        for job_id in outlived:
            self._remove(job_id)
        for job in abandoned:
            self._recover(job)
        self._sweep(now)
        return len(outlived) + len(abandoned)

    # -- inside

    def _find(self, connection: Connection, job_id: str, asker: Asker, kind: str) -> Job:
        job = self._queue.find(connection, job_id) if _JOB_ID.fullmatch(job_id) else None
        if job is None or job.kind != kind or job.destruction <= self._now():
            raise UnknownJobError(job_id)
        if job.owner is not None and job.owner != asker.account:
            raise UnknownJobError(job_id)
        return job

    def _check_kept(self, connection: Connection, asker: Asker) -> None:
        if self._queue.count(connection, asker) >= self.limits.kept:
            raise JobQuotaError("kept", self.limits.kept)

    def _change_waiting(self, job: Job, what: str, values: dict[str, Any]) -> None:
        with self._database.begin() as connection:
            if not self._queue.change(connection, job.job_id, AMENDABLE, **values):
                now = self._queue.find(connection, job.job_id)
                raise JobStateError(job.job_id, what, phase=now.phase if now else "gone")
        self._tell()

    def _end(self, job: Job, worker: str, phase: Phase, **values: Any) -> None:
        with self._database.begin() as connection:
            done = self._queue.finish(connection, job.job_id, worker, phase=phase, ended=self._now(), **values)
        self._tell()
        if done:
            log.info("job.ended", job=job.job_id, phase=phase)

    def _recover(self, job: Job) -> None:
        assert job.worker is not None
        if job.attempts < ATTEMPTS:
            log.warning("job.abandoned", job=job.job_id, worker=job.worker)
            with self._database.begin() as connection:
                again = {"phase": "QUEUED", "started": None}
                self._queue.finish(connection, job.job_id, job.worker, **again)
            self._tell()
            return
        self.fail(
            job, job.worker, JobFailure(f"its worker went away {job.attempts} times while it ran", transient=True)
        )

    def _keep(self, job_id: str, files: Mapping[str, IO[bytes]]) -> dict[str, str]:
        names: dict[str, str] = {}
        folder = self._folder / job_id
        try:
            for parameter, content in files.items():
                folder.mkdir(parents=True, exist_ok=True)
                names[parameter] = f"upload-{secrets.token_hex(4)}"
                with (folder / names[parameter]).open("wb") as sink:
                    while piece := content.read(_CHUNK):
                        self.check_room(len(piece))
                        sink.write(piece)
        except OSError as error:
            shutil.rmtree(folder, ignore_errors=True)
            raise StorageError("the upload", error.strerror or str(error)) from None
        return names

    def _remove(self, job_id: str) -> None:
        with self._database.begin() as connection:
            self._queue.remove(connection, job_id)
        shutil.rmtree(self._folder / job_id, ignore_errors=True)
        self._tell()

    def _sweep(self, now: datetime) -> None:
        """Remove folders that no job has, once they are old enough to have had time to get one."""
        if not self._folder.is_dir():
            return
        before = (now - _STRAY).timestamp()
        with _gone():
            old = [entry for entry in self._folder.iterdir() if entry.stat().st_mtime < before]
            if not old:
                return
            with self._database.read() as connection:
                known = self._queue.known(connection, [entry.name for entry in old])
            for entry in old:
                if entry.name not in known:
                    shutil.rmtree(entry, ignore_errors=True)

    def _tell(self) -> None:
        with self._changed:
            self._changes += 1
            self._changed.notify_all()


def read_duration(text: str) -> timedelta:
    """Read an execution duration, UWS 1.1 §2.2.1.5: whole seconds.

    Raises:
        InvalidValueError: it is none.
    """
    if not text.strip().isascii() or not text.strip().isdigit() or len(text.strip()) > 9:
        raise InvalidValueError("EXECUTIONDURATION", text, "a whole number of seconds, 0 for the limit of the archive")
    return timedelta(seconds=int(text))


def read_moment(name: str, text: str) -> datetime:
    """Read a moment as UWS 1.1 writes it, ISO 8601; without a zone it is UTC.

    Raises:
        InvalidValueError: it is none.
    """
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError:
        raise InvalidValueError(name, text, "a time such as 2026-04-22T14:35:23Z") from None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


@contextmanager
def _gone() -> Iterator[None]:
    try:
        yield
    except FileNotFoundError:
        return


def _as_row(value: JobResult | JobFailure) -> dict[str, Any]:
    return {name: getattr(value, name) for name in value.__slots__}
