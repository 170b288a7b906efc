"""What people keep in their name: the basket, private lists, saved searches; and who may read it by a link."""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final, Literal

from deepfield.catalogue.numbers import hold_writers
from deepfield.model.errors import InvalidValueError, UnknownKeptError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from deepfield.access.principal import Principal
    from deepfield.catalogue.database import Database
    from deepfield.catalogue.kept import KeptStore

Kind = Literal["basket", "list", "search"]
KINDS: Final = ("basket", "list", "search")
MOST: Final = 200
"""Things that one account may keep."""
LARGEST: Final = 2_000_000
"""Bytes of one of them, as JSON."""


@dataclass(frozen=True, slots=True)
class Kept:
    """Something kept, without who keeps it."""

    kept_id: str
    kind: str
    name: str
    document: Mapping[str, Any]
    created: datetime
    modified: datetime

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> Kept:
        return cls(row["kept_id"], row["kind"], row["name"], row["document"], row["created_at"], row["modified_at"])


class Keeping:
    """Keeps documents for accounts."""

    def __init__(
        self, database: Database, store: KeptStore, *, now: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        self._database, self._store, self._now = database, store, now

    def everything(self, principal: Principal) -> tuple[Kept, ...]:
        """Return what an account keeps, by kind and name."""
        with self._database.read() as connection:
            rows = self._store.of_account(connection, _account(principal))
        return tuple(map(Kept.of, rows))

    def shared(self, kept_id: str) -> Kept:
        """Return what an identifier names, to whoever knows it.

        Raises:
            UnknownKeptError: nothing is kept under it.
        """
        with self._database.read() as connection:
            row = self._store.find(connection, kept_id)
        if row is None:
            raise UnknownKeptError(kept_id)
        return Kept.of(row)

    def keep(self, principal: Principal, kind: Kind, name: str, document: Mapping[str, Any]) -> Kept:
        """Keep a document under a name, in place of what was there; its identifier stays.

        Raises:
            InvalidValueError: it is too large, or the account keeps as much as it may.
        """
        account = _account(principal)
        length = len(json.dumps(document).encode())
        if length > LARGEST:
            raise InvalidValueError("document", f"{length} bytes", f"at most {LARGEST} bytes")
        at = self._now()
        with self._database.begin() as connection:
            hold_writers(connection)
            row = self._store.named(connection, account, kind, name)
            if row is not None:
                self._store.change(connection, row["kept_id"], document=dict(document), modified_at=at)
                return Kept.of({**row, "document": document, "modified_at": at})
            if self._store.count(connection, account) >= MOST:
                raise InvalidValueError(kind, name, f"at most {MOST} baskets, lists and searches: remove one first")
            new = {
                "kept_id": secrets.token_urlsafe(18),
                "account_id": account,
                "kind": kind,
                "name": name,
                "document": dict(document),
                "created_at": at,
                "modified_at": at,
            }
            self._store.add(connection, new)
            return Kept.of(new)

    def rename(self, principal: Principal, kind: Kind, name: str, new: str) -> Kept:
        """Keep something under another name; its identifier, and links to it, stay.

        Raises:
            UnknownKeptError: nothing is kept under the name.
            InvalidValueError: something is under the new one.
        """
        account = _account(principal)
        with self._database.begin() as connection:
            hold_writers(connection)
            row = self._store.named(connection, account, kind, name)
            if row is None:
                raise UnknownKeptError(name)
            if new != name and self._store.named(connection, account, kind, new) is not None:
                raise InvalidValueError("name", new, f"a name that no other {kind} has")
            self._store.change(connection, row["kept_id"], name=new)
            return Kept.of({**row, "name": new})

    def forget(self, principal: Principal, kind: Kind, name: str) -> None:
        """Forget what is kept under a name; links to it lead nowhere from then on.

        Raises:
            UnknownKeptError: nothing is.
        """
        with self._database.begin() as connection:
            row = self._store.named(connection, _account(principal), kind, name)
            if row is None:
                raise UnknownKeptError(name)
            self._store.remove(connection, row["kept_id"])


def _account(principal: Principal) -> str:
    assert principal.account_id is not None  # the door lets nobody else in
    return principal.account_id
