"""The store of files that ingest has met, with what became of each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import delete, insert, select

from deepfield.catalogue.numbers import in_chunks
from deepfield.catalogue.schema import SOURCE_FILE

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from sqlalchemy import Connection

Row = dict[str, Any]


class SourceFiles:
    """Remembers each path with size, modification time, checksum and status."""

    def known(self, connection: Connection, paths: Iterable[str]) -> dict[str, Row]:
        """Return what is remembered of these paths; paths never met are left out."""
        found: dict[str, Row] = {}
        for chunk in in_chunks(paths):
            query = select(SOURCE_FILE).where(SOURCE_FILE.c.path.in_(chunk))
            found.update((row["path"], dict(row)) for row in connection.execute(query).mappings())
        return found

    def record(self, connection: Connection, rows: Sequence[Row]) -> None:
        """Remember these files, each by its path, in place of what was remembered before."""
        for chunk in in_chunks(rows):
            connection.execute(delete(SOURCE_FILE).where(SOURCE_FILE.c.path.in_([row["path"] for row in chunk])))
            connection.execute(insert(SOURCE_FILE), chunk)

    def forget(self, connection: Connection, filenames: Iterable[str]) -> None:
        """Forget the files of these products, so that ingest looks at them again."""
        for chunk in in_chunks(sorted(set(filenames))):
            connection.execute(delete(SOURCE_FILE).where(SOURCE_FILE.c.filename.in_(chunk)))

    def refused(self, connection: Connection) -> list[Row]:
        """Return every file in quarantine with its reason, by path."""
        query = select(SOURCE_FILE).where(SOURCE_FILE.c.status == "refused").order_by(SOURCE_FILE.c.path)
        return [dict(row) for row in connection.execute(query).mappings()]
