"""What a job is: work that is asked for now and done later (UWS 1.1)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal

if TYPE_CHECKING:
    from datetime import datetime

Phase = Literal["PENDING", "QUEUED", "EXECUTING", "COMPLETED", "ERROR", "ABORTED"]
PHASES: Final[tuple[Phase, ...]] = ("PENDING", "QUEUED", "EXECUTING", "COMPLETED", "ERROR", "ABORTED")
ACTIVE: Final[tuple[Phase, ...]] = ("PENDING", "QUEUED", "EXECUTING")
"""Phases that a job can still leave."""
AMENDABLE: Final[tuple[Phase, ...]] = ("PENDING",)
"""Phases in which a job can be amended."""
WAITING: Final[tuple[Phase, ...]] = ("QUEUED", "EXECUTING")


@dataclass(frozen=True, slots=True)
class Asker:
    """Whose jobs they are: an account, or an anonymous caller, known by the address it calls from."""

    account: str | None
    origin: str | None = None
    programs: frozenset[str] = frozenset()
    """Programmes whose exclusive data the caller may read."""
    staff: bool = False


@dataclass(frozen=True, slots=True)
class JobResult:
    """A result that a job has left."""

    name: str
    media_type: str
    filename: str
    """Name to keep it under."""
    size: int
    """Bytes."""
    rows: int | None = None
    snapshot: int | None = None
    """State of the archive that it comes from."""


@dataclass(frozen=True, slots=True)
class JobFailure:
    """Why a job failed."""

    message: str
    transient: bool = False
    """Whether the same job may succeed at another time."""


@dataclass(frozen=True, slots=True)
class Job:
    """A job as it stands in the queue. Times are UTC; ``duration`` is in seconds, 0 for no limit."""

    job_id: str
    kind: str
    phase: Phase
    owner: str | None
    origin: str | None
    rights: dict[str, Any]
    """``programs`` and ``staff`` of the caller when the job was made."""
    address: str
    run_id: str | None
    parameters: tuple[tuple[str, str], ...]
    files: dict[str, str]
    created: datetime
    queued: datetime | None
    started: datetime | None
    ended: datetime | None
    duration: int
    destruction: datetime
    worker: str | None
    lease: datetime | None
    attempts: int
    results: tuple[JobResult, ...]
    error: JobFailure | None

    @classmethod
    def from_row(cls, row: dict[str, Any]) -> Job:
        """Read a row of the job table."""
        error = row["error"]
        return cls(
            **row
            | {
                "parameters": tuple((name, value) for name, value in row["parameters"]),
                "results": tuple(JobResult(**result) for result in row["results"]),
                "error": None if error is None else JobFailure(**error),
            }
        )

    @property
    def is_active(self) -> bool:
        return self.phase in ACTIVE
