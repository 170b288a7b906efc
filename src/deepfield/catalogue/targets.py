"""The store of lists of targets. No method commits."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import delete, func, insert, select

from deepfield.catalogue.schema import TARGET_LIST

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from sqlalchemy import Connection

Row = dict[str, Any]


class TargetListStore:
    """Reads and writes rows of table ``target_list``."""

    def find(self, connection: Connection, list_id: str, *, now: datetime) -> Row | None:
        """Return the row of an identifier, unless it has expired."""
        query = select(TARGET_LIST).where(TARGET_LIST.c.list_id == list_id, TARGET_LIST.c.expires_at > now)
        row = connection.execute(query).mappings().one_or_none()
        return None if row is None else dict(row)

    def add(self, connection: Connection, row: Mapping[str, Any]) -> None:
        """Keep a list."""
        connection.execute(insert(TARGET_LIST), [dict(row)])

    def forget(self, connection: Connection, *, now: datetime, kept: int) -> None:
        """Forget lists that have expired, and of those that nobody signed for the oldest beyond so many."""
        connection.execute(delete(TARGET_LIST).where(TARGET_LIST.c.expires_at <= now))
        unsigned = TARGET_LIST.c.account_id.is_(None)
        count = select(func.count()).select_from(TARGET_LIST).where(unsigned)
        excess = int(connection.execute(count).scalar_one()) - kept
        if excess > 0:
            oldest = select(TARGET_LIST.c.list_id).where(unsigned).order_by(TARGET_LIST.c.created_at).limit(excess)
            connection.execute(delete(TARGET_LIST).where(TARGET_LIST.c.list_id.in_(oldest)))
