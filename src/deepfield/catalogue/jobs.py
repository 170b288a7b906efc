"""The queue of jobs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import ColumnElement, delete, func, insert, select, update

from deepfield.catalogue.schema import JOB
from deepfield.model.jobs import Job

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable
    from datetime import datetime

    from sqlalchemy import Connection

    from deepfield.model.jobs import Asker, Phase


class JobQueue:
    """Keeps jobs. Each change of phase asks for the phase before it, so that of two that race one wins."""

    def add(self, connection: Connection, row: dict[str, Any]) -> None:
        """Write a new job."""
        connection.execute(insert(JOB), [row])

    def find(self, connection: Connection, job_id: str) -> Job | None:
        """Return a job."""
        row = connection.execute(select(JOB).where(JOB.c.job_id == job_id)).mappings().one_or_none()
        return None if row is None else Job.from_row(dict(row))

    def owned(
        self,
        connection: Connection,
        account: str,
        kind: str,
        *,
        phases: Collection[Phase] = (),
        after: datetime | None = None,
        last: int | None = None,
    ) -> list[Job]:
        """Return the jobs of an account: those made ``after`` a moment, or its ``last`` ones with the newest first."""
        query = select(JOB).where(JOB.c.owner == account, JOB.c.kind == kind)
        if phases:
            query = query.where(JOB.c.phase.in_(phases))
        if after is not None:
            query = query.where(JOB.c.created > after)
        if last is None:
            query = query.order_by(JOB.c.created, JOB.c.job_id)
        else:
            query = query.order_by(JOB.c.created.desc(), JOB.c.job_id).limit(last)
        return [Job.from_row(dict(row)) for row in connection.execute(query).mappings()]

    def count(self, connection: Connection, asker: Asker, phases: Collection[Phase] = ()) -> int:
        """Count the jobs of a caller, those in these phases or all."""
        query = select(func.count()).select_from(JOB).where(_of(asker))
        if phases:
            query = query.where(JOB.c.phase.in_(phases))
        return int(connection.execute(query).scalar_one())

    def change(self, connection: Connection, job_id: str, phases: Collection[Phase], **values: Any) -> bool:
        """Change a job if it is in one of these phases; tell whether it was."""
        query = update(JOB).where(JOB.c.job_id == job_id, JOB.c.phase.in_(phases)).values(**values)
        return connection.execute(query).rowcount == 1

    def finish(self, connection: Connection, job_id: str, worker: str, **values: Any) -> bool:
        """End or return a job that this worker still holds; tell whether it did."""
        held = (JOB.c.job_id == job_id, JOB.c.phase == "EXECUTING", JOB.c.worker == worker)
        query = update(JOB).where(*held).values(worker=None, lease=None, **values)
        return connection.execute(query).rowcount == 1

    def claim(self, connection: Connection, worker: str, *, now: datetime, lease: datetime) -> Job | None:
        """Give the worker the job that has waited longest among those of the callers with the fewest running."""
        running = JOB.alias()
        same = (running.c.owner == JOB.c.owner) | (
            running.c.owner.is_(None) & JOB.c.owner.is_(None) & (running.c.origin == JOB.c.origin)
        )
        busy = select(func.count()).select_from(running).where(running.c.phase == "EXECUTING", same).scalar_subquery()
        waiting = select(JOB.c.job_id).where(JOB.c.phase == "QUEUED").order_by(busy, JOB.c.queued, JOB.c.job_id)
        job_id = connection.execute(waiting.limit(1).with_for_update(skip_locked=True)).scalar_one_or_none()
        if job_id is None:
            return None
        values = {
            "phase": "EXECUTING",
            "worker": worker,
            "lease": lease,
            "started": now,
            "attempts": JOB.c.attempts + 1,
        }
        connection.execute(update(JOB).where(JOB.c.job_id == job_id).values(**values))
        return self.find(connection, job_id)

    def renew(self, connection: Connection, worker: str, job_ids: Iterable[str], lease: datetime) -> set[str]:
        """Renew the leases of a worker; return those of the jobs that are still its own."""
        held = (JOB.c.job_id.in_(sorted(job_ids)), JOB.c.worker == worker, JOB.c.phase == "EXECUTING")
        query = update(JOB).where(*held).values(lease=lease).returning(JOB.c.job_id)
        return set(connection.execute(query).scalars())

    def held(self, connection: Connection, worker: str, job_ids: Iterable[str]) -> set[str]:
        """Return which of these jobs the worker still holds."""
        mine = (JOB.c.job_id.in_(sorted(job_ids)), JOB.c.worker == worker, JOB.c.phase == "EXECUTING")
        return set(connection.execute(select(JOB.c.job_id).where(*mine)).scalars())

    def abandoned(self, connection: Connection, now: datetime) -> list[Job]:
        """Return the running jobs whose worker has not reported in time."""
        query = select(JOB).where(JOB.c.phase == "EXECUTING", JOB.c.lease < now)
        return [Job.from_row(dict(row)) for row in connection.execute(query).mappings()]

    def outlived(self, connection: Connection, now: datetime) -> list[str]:
        """Return the jobs whose time of destruction has come."""
        return list(connection.execute(select(JOB.c.job_id).where(JOB.c.destruction <= now)).scalars())

    def known(self, connection: Connection, job_ids: Iterable[str]) -> set[str]:
        """Return which of these jobs exist."""
        return set(connection.execute(select(JOB.c.job_id).where(JOB.c.job_id.in_(sorted(job_ids)))).scalars())

    def any_waiting(self, connection: Connection) -> bool:
        """Tell whether a job waits for a worker."""
        return connection.execute(select(JOB.c.job_id).where(JOB.c.phase == "QUEUED").limit(1)).first() is not None

    def remove(self, connection: Connection, job_id: str) -> bool:
        """Remove a job; tell whether it was there."""
        return connection.execute(delete(JOB).where(JOB.c.job_id == job_id)).rowcount == 1


def _of(asker: Asker) -> ColumnElement[bool]:
    if asker.account is not None:
        return JOB.c.owner == asker.account
    return JOB.c.owner.is_(None) & (JOB.c.origin == asker.origin)
