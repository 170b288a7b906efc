"""The store of the access log: who was let at what, and who was not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import delete, insert, select, update

from deepfield.catalogue.numbers import in_chunks
from deepfield.catalogue.schema import ACCESS_LOG

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime

    from sqlalchemy import Connection

Row = dict[str, Any]


class AccessLogStore:
    """Keeps entries of the access log; none is ever changed but to be counted on."""

    def add(self, connection: Connection, entries: Sequence[Mapping[str, Any]]) -> None:
        """Keep new entries."""
        for chunk in in_chunks([dict(entry) for entry in entries]):
            connection.execute(insert(ACCESS_LOG), chunk)

    def count_on(self, connection: Connection, entries: Iterable[Mapping[str, Any]]) -> None:
        """Count more repetitions of entries there are: ``entry_id``, ``count`` to add, ``last_time``."""
        for entry in entries:
            same = ACCESS_LOG.c.entry_id == entry["entry_id"]
            connection.execute(
                update(ACCESS_LOG)
                .where(same)
                .values(count=ACCESS_LOG.c.count + entry["count"], last_time=entry["last_time"])
            )

    def entries(
        self, connection: Connection, *, action: str | None = None, account: str | None = None, limit: int = 1000
    ) -> list[Row]:
        """Return the newest entries, the newest first."""
        query = select(ACCESS_LOG).order_by(ACCESS_LOG.c.time.desc(), ACCESS_LOG.c.entry_id).limit(limit)
        if action is not None:
            query = query.where(ACCESS_LOG.c.action == action)
        if account is not None:
            query = query.where(ACCESS_LOG.c.account == account)
        return [dict(row) for row in connection.execute(query).mappings()]

    def forget_before(self, connection: Connection, moment: datetime) -> int:
        """Drop the entries that are older; return how many they were."""
        return connection.execute(delete(ACCESS_LOG).where(ACCESS_LOG.c.last_time < moment)).rowcount
