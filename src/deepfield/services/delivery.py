"""Handing over bytes: which file, to whom, and only while it is what the archive says it is."""

from __future__ import annotations

import io
import os
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Any

from typing_extensions import override

from deepfield.model.errors import RetiredProductError, StaleFileError, UnknownProductError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime
    from pathlib import Path

    from deepfield.access.policy import Readable
    from deepfield.catalogue.database import Database
    from deepfield.catalogue.observations import Observations
    from deepfield.products.store import Store


@dataclass(frozen=True, slots=True)
class Delivery:
    """A product ready to be handed over. Nothing of its bytes is read until it is opened."""

    filename: str
    location: str
    length: int
    """Exact size in bytes."""
    sha256: str
    content_type: str
    last_modified: datetime
    """When this version entered the archive, UTC."""
    version: int
    store: Store
    mtime_ns: int | None = None
    """Modification time that a linked file must still have."""

    def open(self) -> IO[bytes]:
        """Open the bytes for reading and seeking, from whichever store holds them.

        A linked file is watched while it is read: a read after a change raises instead of handing over other bytes.

        Raises:
            StaleFileError: the file is gone or no longer what was ingested.
        """
        path = self.store.local_path(self.location)
        try:
            if path is None:
                return self.store.open(self.location)
            stream = _WatchedFile(path, self)
        except OSError as error:
            raise StaleFileError(
                self.filename, f"cannot be opened ({error.strerror or error}): it has changed"
            ) from None
        try:
            stream.check()
        except StaleFileError:
            stream.close()
            raise
        return stream

    def check(self, status: tuple[int, int | None] | None) -> None:
        """Hold size and modification time (nanoseconds) against what was ingested.

        Raises:
            StaleFileError: they differ, or there is no file.
        """
        if status is None:
            raise StaleFileError(self.filename, "has gone")
        size, mtime_ns = status
        if size != self.length:
            raise StaleFileError(self.filename, f"has changed from {self.length} to {size} bytes")
        if self.mtime_ns is not None and mtime_ns != self.mtime_ns:
            raise StaleFileError(self.filename, "has been modified")


class _WatchedFile(io.FileIO):
    """A file that refuses to be read once it differs from what was ingested."""

    def __init__(self, path: Path, delivery: Delivery) -> None:
        super().__init__(path)
        self._delivery = delivery

    def check(self) -> None:
        status = os.fstat(self.fileno())
        self._delivery.check((status.st_size, status.st_mtime_ns))

    @override
    def read(self, size: int | None = -1, /) -> bytes:
        piece = super().read(-1 if size is None else size)
        self.check()
        return piece


class Deliveries:
    """Finds the bytes of products, for those who may have them."""

    def __init__(self, database: Database, observations: Observations, store: Store) -> None:
        self._database, self._observations, self._store = database, observations, store

    def find(
        self, filename: str, *, rule: Readable, version: int | None = None, snapshot: int | None = None
    ) -> Delivery:
        """Return a product's current version, or an earlier one that is still kept, by number or by snapshot.

        Earlier versions follow the release date of the current one; withdrawn products have none to hand over.

        Raises:
            UnknownProductError: no such product, or none in this version or at this snapshot.
            RetiredProductError: the product was withdrawn, or the bytes of this version are no longer kept.
            AccessDeniedError: the rule does not allow it; carries the release date.
            StaleFileError: the file is gone or no longer what was ingested.
        """
        with self._database.read() as connection:
            try:
                current = self._observations.artifact(connection, filename)
            except UnknownProductError:
                last = self._observations.versions(connection, filename)[0]
                successor = self._observations.successor(connection, last)
                raise RetiredProductError(filename, successor=successor, ended=last["seq_to"]) from None
            earlier = snapshot is not None or version not in {None, current["version"]}
            history = self._observations.versions(connection, filename) if earlier else []
        rule.admit(filename, data_release=current["data_release"], program=current["proposal_id"])
        row = _wanted(filename, history, current, version=version, snapshot=snapshot)
        delivery = delivery_of(row, self._store)
        status = self._store.stat(delivery.location)
        if status is None and not row.get("current", True):
            raise RetiredProductError(f"{filename} version {row['version']}", successor=filename, ended=row["seq_to"])
        delivery.check(status)
        return delivery


def _wanted(
    filename: str, history: list[dict[str, Any]], current: dict[str, Any], *, version: int | None, snapshot: int | None
) -> dict[str, Any]:
    if snapshot is not None:
        for row in history:
            if row["seq_from"] <= snapshot and (row["seq_to"] is None or snapshot < row["seq_to"]):
                return current if row["current"] else row
        raise UnknownProductError(f"{filename} at snapshot {snapshot}")
    if version is None or version == current["version"]:
        return current
    for row in history:
        if row["version"] == version:
            return row
    raise UnknownProductError(f"{filename} version {version}")


def delivery_of(row: Mapping[str, Any], store: Store) -> Delivery:
    """Return what hands over the bytes of an artifact row."""
    return Delivery(
        filename=row["filename"],
        location=row["location"],
        length=row["content_length"],
        sha256=row["sha256"],
        content_type=row["content_type"],
        last_modified=row["archived_at"],
        version=row["version"],
        store=store,
        mtime_ns=row["mtime_ns"] if row["linked"] else None,
    )
