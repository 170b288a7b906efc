"""The access log: every refusal, everything read before its release, and every change of accounts and rights."""

from __future__ import annotations

import secrets
from collections import OrderedDict
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from threading import Lock
from typing import TYPE_CHECKING, Any, Final

import structlog

from deepfield.catalogue.accesslog import AccessLogStore

if TYPE_CHECKING:
    from collections.abc import Callable

    from deepfield.catalogue.accounts import AccountStore
    from deepfield.catalogue.database import Connection, Database

log = structlog.get_logger("deepfield.access")

OPERATOR: Final = "operator"
"""Who acts at the command line."""
_TOGETHER: Final = timedelta(hours=1)
"""Repetitions within this time are one entry."""
_MOST_WAITING: Final = 5_000
_MOST_RECENT: Final = 20_000


@dataclass(frozen=True, slots=True)
class What:
    """What happened, to whom and from where; equal ones are counted together."""

    action: str
    account: str
    address: str | None = None
    subject: str | None = None
    detail: str | None = None


@dataclass(frozen=True, slots=True)
class _Entry:
    entry_id: str
    time: datetime
    last_time: datetime
    count: int


class AccessLog:
    """Notes at once in the log of the process, and within a second (``flush``) in the catalogue.

    Nobody who reads or is refused waits for the catalogue's writer. Changes of accounts and rights are written in
    their own transaction by ``record``, so that none of them happens without its entry.
    """

    def __init__(
        self,
        database: Database,
        accounts: AccountStore,
        *,
        keep_days: int = 365,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._database, self._accounts, self._entries = database, accounts, AccessLogStore()
        self._keep, self._now = timedelta(days=keep_days), now
        self._lock, self._flushing = Lock(), Lock()
        self._waiting: dict[What, _Entry] = {}
        self._recent: OrderedDict[What, _Entry] = OrderedDict()
        self._used: dict[str, datetime] = {}

    def note(self, what: What) -> None:
        """Note that something happened."""
        moment = self._now()
        log.info("access", action=what.action, account=what.account, address=what.address, subject=what.subject)
        with self._lock:
            waiting = self._waiting.get(what)
            if waiting is None:
                self._waiting[what] = _Entry(secrets.token_hex(8), moment, moment, 1)
            else:
                self._waiting[what] = replace(waiting, last_time=moment, count=waiting.count + 1)
            full = len(self._waiting) >= _MOST_WAITING
        if full:
            self.flush()

    def record(self, connection: Connection, what: What) -> None:
        """Write an entry within the transaction of what it tells."""
        moment = self._now()
        log.info("access", action=what.action, account=what.account, address=what.address, subject=what.subject)
        self._entries.add(connection, [_row(what, _Entry(secrets.token_hex(8), moment, moment, 1))])

    def used(self, token_id: str) -> None:
        """Note that a token was used now."""
        with self._lock:
            self._used[token_id] = self._now()

    def flush(self) -> None:
        """Write what waits. What cannot be written waits on."""
        with self._flushing:
            with self._lock:
                waiting, self._waiting = self._waiting, {}
                used, self._used = self._used, {}
            if not waiting and not used:
                return
            try:
                self._write(waiting, used)
            except Exception:
                self._take_back(waiting, used)
                raise

    def witness(self, account: str, address: str | None) -> Witness:
        """Return somebody to be told what this caller reads and is refused."""
        return Witness(self, account, address)

    def entries(self, *, action: str | None = None, account: str | None = None, limit: int = 1000) -> list[Any]:
        """Return the newest entries, rows of table ``access_log``, the newest first."""
        self.flush()
        with self._database.read() as connection:
            return self._entries.entries(connection, action=action, account=account, limit=limit)

    def sweep(self) -> int:
        """Drop entries older than they are kept; return how many."""
        with self._database.begin() as connection:
            return self._entries.forget_before(connection, self._now() - self._keep)

    def _write(self, waiting: dict[What, _Entry], used: dict[str, datetime]) -> None:
        fresh, known = {}, []
        for what, entry in waiting.items():
            recent = self._recent.get(what)
            if recent is not None and entry.last_time - recent.time < _TOGETHER:
                known.append({"entry_id": recent.entry_id, "count": entry.count, "last_time": entry.last_time})
            else:
                fresh[what] = entry
        with self._database.begin() as connection:
            self._entries.add(connection, [_row(what, entry) for what, entry in fresh.items()])
            self._entries.count_on(connection, known)
            self._accounts.use_tokens(connection, used)
        self._recent.update(fresh)
        while len(self._recent) > _MOST_RECENT:
            self._recent.popitem(last=False)

    def _take_back(self, waiting: dict[What, _Entry], used: dict[str, datetime]) -> None:
        with self._lock:
            for what, entry in waiting.items():
                newer = self._waiting.get(what)
                more = 0 if newer is None else newer.count
                last = entry.last_time if newer is None else newer.last_time
                self._waiting[what] = replace(entry, count=entry.count + more, last_time=last)
            self._used = used | self._used


@dataclass(frozen=True, slots=True)
class Witness:
    """Tells the access log what one caller does (``access.policy.Witness``)."""

    log: AccessLog
    account: str
    address: str | None

    def read(self, name: str) -> None:
        """Note that the caller read something before its release."""
        self.log.note(What("read", self.account, self.address, name))

    def denied(self, name: str) -> None:
        """Note that the caller was refused something."""
        self.log.note(What("denied", self.account, self.address, name))


def _row(what: What, entry: _Entry) -> dict[str, Any]:
    return {
        "entry_id": entry.entry_id,
        "time": entry.time,
        "last_time": entry.last_time,
        "count": entry.count,
        "action": what.action,
        "account": what.account,
        "address": what.address,
        "subject": what.subject,
        "detail": what.detail,
    }
