"""The store of what people keep: baskets, lists and searches. No method commits."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import delete, func, insert, select, update

from deepfield.catalogue.schema import KEPT

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy import Connection

Row = dict[str, Any]


class KeptStore:
    """Reads and writes rows of table ``kept``."""

    def of_account(self, connection: Connection, account_id: str) -> list[Row]:
        """Return everything that an account keeps, by kind and name."""
        query = select(KEPT).where(KEPT.c.account_id == account_id).order_by(KEPT.c.kind, KEPT.c.name)
        return [dict(row) for row in connection.execute(query).mappings()]

    def find(self, connection: Connection, kept_id: str) -> Row | None:
        """Return the row of an identifier."""
        row = connection.execute(select(KEPT).where(KEPT.c.kept_id == kept_id)).mappings().one_or_none()
        return None if row is None else dict(row)

    def named(self, connection: Connection, account_id: str, kind: str, name: str) -> Row | None:
        """Return what an account keeps under a name."""
        where = (KEPT.c.account_id == account_id, KEPT.c.kind == kind, KEPT.c.name == name)
        row = connection.execute(select(KEPT).where(*where)).mappings().one_or_none()
        return None if row is None else dict(row)

    def count(self, connection: Connection, account_id: str) -> int:
        """Count what an account keeps."""
        query = select(func.count()).select_from(KEPT).where(KEPT.c.account_id == account_id)
        return int(connection.execute(query).scalar_one())

    def add(self, connection: Connection, row: Mapping[str, Any]) -> None:
        """Keep something new."""
        connection.execute(insert(KEPT), [dict(row)])

    def change(self, connection: Connection, kept_id: str, **values: Any) -> None:
        """Set columns of a row."""
        connection.execute(update(KEPT).where(KEPT.c.kept_id == kept_id).values(**values))

    def remove(self, connection: Connection, kept_id: str) -> None:
        """Forget it."""
        connection.execute(delete(KEPT).where(KEPT.c.kept_id == kept_id))
