"""Which observations have become public since this was last announced."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import func, select

from deepfield.catalogue.schema import EVENT, OBSERVATION, SEQ_TO

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection


def newly_public(connection: Connection, now: datetime) -> list[dict[str, Any]]:
    """Return the current observations that were exclusive when they arrived and are not any more.

    Those released before the newest ``public_release`` event are left out: they have been announced.
    """
    release = OBSERVATION.c.data_release
    last = select(func.max(EVENT.c.time)).where(EVENT.c.type == "public_release")
    announced = connection.execute(last).scalar_one()
    query = select(OBSERVATION).where(
        OBSERVATION.c[SEQ_TO].is_(None), release <= now, release > OBSERVATION.c.archived_at
    )
    if announced is not None:
        query = query.where(release > announced)
    return [dict(row) for row in connection.execute(query.order_by(OBSERVATION.c.obs_number)).mappings()]
