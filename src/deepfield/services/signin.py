"""Signing in and out, and who asks: sessions of browsers, tokens of programs."""

from __future__ import annotations

import hmac
import ipaddress
import re
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final

from deepfield.access.principal import ANONYMOUS, Principal, Scope
from deepfield.model.errors import NotEntitledError, SignInError, TooManyAttemptsError
from deepfield.services.accesslog import What
from deepfield.services.accounts import RESERVED, hash_of, new_account, read_scopes

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from deepfield.catalogue.accounts import AccountStore
    from deepfield.catalogue.database import Connection, Database
    from deepfield.services.accesslog import AccessLog
    from deepfield.services.openid import Identity
    from deepfield.services.passwords import Passwords

WINDOW: Final = timedelta(minutes=15)
LIMITS: Final = {"pair": 5, "address": 50, "account": 100}
"""Attempts within a window that may fail: with one name from one address, from one address, with one name."""
_NO_ACCOUNT: Final = "there is no account for you here; ask the operator"
_NOT_IN_NAMES: Final = re.compile(r"[^a-z0-9._@+-]+")


@dataclass(frozen=True, slots=True)
class Session:
    """A browser that is signed in. The secret is told this once only."""

    secret: str
    name: str
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks, and why a credential that they sent did not count."""

    principal: Principal
    refused: str | None = None
    session_until: datetime | None = None
    """When the session ends; None for those who came with a token or nothing."""
    token: Mapping[str, Any] | None = None
    """Row of the token in use."""
    display_name: str | None = None
    email: str | None = None


NOBODY: Final = Caller(ANONYMOUS)


class SignIn:
    """Signs browsers in, and tells who stands behind a session or a token."""

    def __init__(
        self,
        database: Database,
        store: AccountStore,
        log: AccessLog,
        passwords: Passwords,
        *,
        session_hours: float = 24.0,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._database, self._store, self._log, self._passwords = database, store, log, passwords
        self._lifetime, self._now = timedelta(hours=session_hours), now

    def with_password(self, name: str, password: str, *, address: str) -> Session:
        """Sign in by name and password. Unknown names, wrong passwords and shut accounts get the same answer.

        Raises:
            SignInError: they do not belong together.
            TooManyAttemptsError: it failed too often, whether or not it would be right now.
        """
        name = name.strip().lower()
        subjects = _subjects(name, address)
        self._count(subjects, name, address)
        with self._database.read() as connection:
            row = self._store.find(connection, name)
        right = self._passwords.matches(password, None if row is None else row["password_hash"])
        if row is None or not right or row["disabled_at"] is not None:
            self._log.note(What("sign_in_failed", name[:64], address))
            raise SignInError
        hashed = self._passwords.hash(password) if self._passwords.is_outdated(row["password_hash"]) else None
        with self._database.begin() as connection:
            if hashed is not None:
                self._store.change(connection, row["account_id"], password_hash=hashed)
            self._store.forget_attempts(connection, self._now() - WINDOW)
            self._store.forgive_attempt(connection, subjects["pair"], [subjects["address"], subjects["account"]])
            return self._open(connection, row, address, "password")

    def vouched(self, identity: Identity, *, address: str, may_make: bool) -> Session:
        """Sign in whom an OpenID Connect provider vouches for, making the account at the first time.

        Accounts are never found by mail address or name, which a provider may let people choose.

        Raises:
            SignInError: the account is shut, or new and ``may_make`` is not set.
        """
        with self._database.begin() as connection:
            row = self._store.vouched(connection, identity.issuer, identity.subject)
            if row is None and may_make:
                row = self._make(connection, identity)
            if row is not None and row["disabled_at"] is None:
                return self._open(connection, row, address, identity.issuer)
        who = (identity.name or identity.subject)[:64]
        self._log.note(What("sign_in_failed", who, address, detail=identity.issuer))
        raise SignInError(_NO_ACCOUNT if row is None else "the account is shut")

    def out(self, secret: str, *, name: str, address: str) -> None:
        """End a session."""
        with self._database.begin() as connection:
            self._store.close_session(connection, hash_of(secret))
            self._log.record(connection, What("signed_out", name, address))

    def replace(self, secret: str) -> None:
        """Forget a session in whose place a new one was opened."""
        with self._database.begin() as connection:
            self._store.close_session(connection, hash_of(secret))

    def change_password(self, caller: Principal, old: str, new: str, *, address: str) -> Session:
        """Give the caller another password, sign them out everywhere else and in again here.

        Raises:
            SignInError: the old password is wrong.
            TooManyAttemptsError: it was wrong too often.
            NotEntitledError: the account signs in elsewhere.
            InvalidValueError: the new one is too short.
        """
        with self._database.read() as connection:
            row = self._store.describe(connection, caller.name)
        if row["password_hash"] is None:
            raise NotEntitledError("to change a password", needed="an account that signs in with one")
        hashed = self._passwords.hash(new)
        subjects = _subjects(caller.name, address)
        self._count(subjects, caller.name, address)
        if not self._passwords.matches(old, row["password_hash"]):
            self._log.note(What("sign_in_failed", caller.name, address, detail="change of password"))
            raise SignInError("the old password is wrong")
        with self._database.begin() as connection:
            self._store.forgive_attempt(connection, subjects["pair"], [subjects["address"], subjects["account"]])
            self._store.change(connection, row["account_id"], password_hash=hashed)
            self._store.close_sessions(connection, row["account_id"])
            self._log.record(connection, What("password_set", caller.name, address, caller.name))
            return self._open(connection, row, address, "password")

    # Who asks ----------------------------------------------------------------------------------------------------

    def by_session(self, secret: str) -> Caller:
        """Return who is signed in with a session's cookie; nobody if it is over."""
        with self._database.read() as connection:
            row = self._store.by_session(connection, hash_of(secret))
            if row is None or row["expires_at"] <= self._now() or row["disabled_at"] is not None:
                return Caller(ANONYMOUS, "the session has ended; sign in again")
            programs = frozenset(self._store.roles(connection, row["account_id"]))
        principal = Principal(row["account_name"], programs, staff=row["staff"], account_id=row["account_id"])
        return Caller(principal, session_until=row["expires_at"], display_name=row["display_name"], email=row["email"])

    def by_token(self, secret: str) -> Caller:
        """Return who a token acts for, with no more rights than it was made for; nobody if it does not count."""
        now = self._now()
        with self._database.read() as connection:
            row = self._store.by_token(connection, hash_of(secret))
            refused = _refusal(row, now)
            if row is None or refused is not None:
                return Caller(ANONYMOUS, refused)
            scopes = frozenset(read_scopes(row["scopes"]))
            programs = frozenset(self._store.roles(connection, row["account_id"]))
        principal = Principal(
            row["account_name"],
            programs if Scope.EXCLUSIVE in scopes else frozenset(),
            staff=row["staff"] and Scope.STAFF in scopes,
            account_id=row["account_id"],
            scopes=scopes,
        )
        self._log.used(row["token_id"])
        return Caller(principal, token=row, display_name=row["display_name"], email=row["email"])

    def by_name(self, name: str) -> Principal:
        """Return what an account may do now, for work done later in its name; nobody if it is shut or gone."""
        with self._database.read() as connection:
            row = self._store.find(connection, name)
            if row is None or row["disabled_at"] is not None:
                return ANONYMOUS
            programs = frozenset(self._store.roles(connection, row["account_id"]))
        return Principal(row["name"], programs, staff=row["staff"], account_id=row["account_id"])

    # -------------------------------------------------------------------------------------------------------------

    def _count(self, subjects: Mapping[str, str], name: str, address: str) -> None:
        """Count an attempt before it is made, so that many at once do not pass together."""
        now = self._now()
        full = None
        with self._database.begin() as connection:
            for kind, subject in sorted(subjects.items(), key=lambda item: item[1]):
                count, since = self._store.count_attempt(connection, subject, now, now - WINDOW)
                if count > LIMITS[kind]:
                    full = since
        if full is not None:
            self._log.note(What("sign_in_refused", name[:64], address))
            raise TooManyAttemptsError((full + WINDOW - now).total_seconds())

    def _open(self, connection: Connection, row: Mapping[str, Any], address: str, by: str) -> Session:
        secret, now = secrets.token_urlsafe(32), self._now()
        session = {"secret_hash": hash_of(secret), "account_id": row["account_id"], "created_at": now}
        self._store.open_session(connection, session | {"expires_at": now + self._lifetime})
        self._log.record(connection, What("signed_in", row["name"], address, detail=by))
        return Session(secret, row["name"], now + self._lifetime)

    def _make(self, connection: Connection, identity: Identity) -> dict[str, Any]:
        told = (identity.name or identity.email or identity.subject).lower()
        wanted = _NOT_IN_NAMES.sub("-", told).strip("-.@+_")[:48] or "account"
        name = wanted
        while name in RESERVED or self._store.find(connection, name) is not None:
            name = f"{wanted}-{secrets.token_hex(3)}"
        row = new_account(
            name,
            self._now(),
            issuer=identity.issuer,
            subject=identity.subject,
            display_name=identity.display_name,
            email=identity.email,
        )
        self._store.add(connection, row)
        self._log.record(connection, What("account_made", name, detail=identity.issuer))
        return row


def proof_of(secret: str) -> str:
    """Return what a page has to send along with a session's cookie when it changes something (against CSRF)."""
    return hmac.new(secret.encode(), b"deepfield-csrf", sha256).hexdigest()


def _subjects(name: str, address: str) -> dict[str, str]:
    net = _net(address)
    return {
        "pair": hash_of(f"pair\0{name}\0{net}"),
        "address": hash_of(f"address\0{net}"),
        "account": hash_of(f"account\0{name}"),
    }


def _net(address: str) -> str:
    """Return an address as it is counted: IPv6 by its /64, which one person has."""
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    return str(ipaddress.ip_network((parsed, 64), strict=False)) if parsed.version == 6 else str(parsed)


def _refusal(row: Mapping[str, Any] | None, now: datetime) -> str | None:
    if row is None:
        return "the token sent is not known here"
    if row["disabled_at"] is not None:
        return "the account of the token sent is shut"
    if row["revoked_at"] is not None:
        return f"the token {row['label']!r} was revoked on {row['revoked_at']:%Y-%m-%d}"
    if row["expires_at"] <= now:
        return f"the token {row['label']!r} expired on {row['expires_at']:%Y-%m-%d}; make a new one on the account page"
    return None
