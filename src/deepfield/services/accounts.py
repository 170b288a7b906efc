"""Accounts and what belongs to them: passwords, programmes, tokens."""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final

from deepfield.access.principal import Scope
from deepfield.model.errors import InvalidValueError, NotEntitledError, NotSignedInError, UnknownAccountError
from deepfield.services.accesslog import OPERATOR, What

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from deepfield.access.principal import Principal, Role
    from deepfield.catalogue.accounts import AccountStore
    from deepfield.catalogue.database import Connection, Database
    from deepfield.services.accesslog import AccessLog
    from deepfield.services.passwords import Passwords

DEFAULT_DAYS: Final = 90
MOST_DAYS: Final = 3650
ROLES: Final = ("pi", "coi")
RESERVED: Final = frozenset({"anonymous", OPERATOR})
"""Names that the access log uses for those without an account."""
_NAME: Final = re.compile(r"[a-z0-9][a-z0-9._@+-]{0,63}")
_PROGRAM: Final = re.compile(r"0*[1-9]\d{0,4}")
_MOST_TOKENS: Final = 200


@dataclass(frozen=True, slots=True)
class Account:
    """Somebody who may sign in."""

    name: str
    display_name: str | None
    email: str | None
    issuer: str | None
    """OpenID Connect provider that vouches for them; None for those with a password."""
    has_password: bool
    staff: bool
    created_at: datetime
    disabled_at: datetime | None
    roles: Mapping[str, Role]
    """Their role in each of their programmes."""


@dataclass(frozen=True, slots=True)
class Member:
    """Somebody who may read the data of a programme."""

    name: str
    display_name: str | None
    role: Role
    granted_by: str
    granted_at: datetime


@dataclass(frozen=True, slots=True)
class Token:
    """A personal token, without its secret."""

    token_id: str
    label: str
    scopes: tuple[Scope, ...]
    created_at: datetime
    expires_at: datetime
    revoked_at: datetime | None
    used_at: datetime | None

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> Token:
        names = ("token_id", "label", "created_at", "expires_at", "revoked_at", "used_at")
        return cls(scopes=read_scopes(row["scopes"]), **{name: row[name] for name in names})


class Accounts:
    """Makes and changes accounts, memberships and tokens. Each change is written to the access log."""

    def __init__(
        self,
        database: Database,
        store: AccountStore,
        log: AccessLog,
        passwords: Passwords,
        *,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._database, self._store, self._log, self._passwords, self.now = database, store, log, passwords, now

    # For the operator --------------------------------------------------------------------------------------------

    def add(
        self,
        name: str,
        *,
        password: str | None = None,
        display_name: str | None = None,
        email: str | None = None,
        staff: bool = False,
    ) -> Account:
        """Make an account; without a password it can use tokens, but nobody can sign in to it.

        Raises:
            InvalidValueError: the name is taken or cannot be one, the password is too short.
        """
        name = account_name(name)
        hashed = None if password is None else self._passwords.hash(password)
        with self._database.begin() as connection:
            if self._store.find(connection, name) is not None:
                raise InvalidValueError("name", name, "a name that no account has")
            row = new_account(name, self.now(), password_hash=hashed, display_name=display_name, email=email)
            self._store.add(connection, row | {"staff": staff})
            kind = "staff" if staff else None
            self._log.record(connection, What("account_made", OPERATOR, subject=name, detail=kind))
        return self.describe(name)

    def every(self) -> list[Account]:
        """Return all accounts by name."""
        with self._database.read() as connection:
            return [self._account(connection, row) for row in self._store.every(connection)]

    def describe(self, name: str) -> Account:
        """Return the account of this name.

        Raises:
            UnknownAccountError: there is none.
        """
        with self._database.read() as connection:
            return self._account(connection, self._store.describe(connection, name.lower()))

    def disable(self, name: str, *, back: bool = False) -> None:
        """Shut an account, its tokens and its sessions at once, or open it again (``back``).

        Raises:
            UnknownAccountError: there is none.
        """
        with self._database.begin() as connection:
            row = self._store.describe(connection, name.lower())
            self._store.change(connection, row["account_id"], disabled_at=None if back else self.now())
            self._store.close_sessions(connection, row["account_id"])
            self._log.record(connection, What("enabled" if back else "disabled", OPERATOR, subject=row["name"]))

    def set_staff(self, name: str, *, staff: bool) -> None:
        """Make somebody archive staff, or not any more.

        Raises:
            UnknownAccountError: there is no such account.
        """
        with self._database.begin() as connection:
            row = self._store.describe(connection, name.lower())
            self._store.change(connection, row["account_id"], staff=staff)
            self._log.record(connection, What("staff_made" if staff else "staff_unmade", OPERATOR, subject=row["name"]))

    def set_password(self, name: str, password: str) -> None:
        """Give an account another password and sign it out everywhere.

        Raises:
            UnknownAccountError: there is no such account.
            InvalidValueError: the password is too short.
        """
        hashed = self._passwords.hash(password)
        with self._database.begin() as connection:
            row = self._store.describe(connection, name.lower())
            self._store.change(connection, row["account_id"], password_hash=hashed)
            self._store.close_sessions(connection, row["account_id"])
            self._log.record(connection, What("password_set", OPERATOR, subject=row["name"]))

    # Programmes --------------------------------------------------------------------------------------------------

    def members(self, program: str, *, by: Principal) -> list[Member]:
        """Return who may read the data of a programme, by name; its members and staff may ask.

        Raises:
            InvalidValueError: the programme is no number.
            NotEntitledError: asked by somebody else.
        """
        program = program_number(program)
        with self._database.read() as connection:
            if not by.staff and self._role(connection, by, program) is None:
                raise NotEntitledError(f"the list of members of programme {program}", needed="membership in it")
            return [_member(row) for row in self._store.members(connection, program)]

    def grant(self, program: str, name: str, role: Role, *, by: Principal, address: str | None = None) -> None:
        """Let somebody read the data of a programme. Its PI may add co-investigators, staff anybody.

        Raises:
            InvalidValueError: the programme is no number, or there is no such role.
            NotEntitledError: asked by somebody else.
            UnknownAccountError: there is no such account.
        """
        program = program_number(program)
        if role not in ROLES:
            raise InvalidValueError("role", role, "pi or coi")
        with self._database.begin() as connection:
            self._check_granting(connection, by, program, role)
            row = self._store.describe(connection, name.lower())
            if not by.staff and self._store.roles(connection, row["account_id"]).get(program) == "pi":
                raise NotEntitledError("to change the role of a PI", needed="archive staff")
            membership = {"proposal_id": program, "account_id": row["account_id"], "role": role}
            self._store.grant(connection, membership | {"granted_by": by.name, "granted_at": self.now()})
            what = What("member_added", by.name, address, row["name"], f"programme {program} as {role}")
            self._log.record(connection, what)

    def revoke(self, program: str, name: str, *, by: Principal, address: str | None = None) -> None:
        """End a membership. The PI may end those of co-investigators, staff any, everybody their own.

        Raises:
            InvalidValueError: the programme is no number.
            NotEntitledError: asked by somebody else.
            UnknownAccountError: there is no such member.
        """
        program = program_number(program)
        with self._database.begin() as connection:
            row = self._store.find(connection, name.lower())
            role = None if row is None else self._store.roles(connection, row["account_id"]).get(program)
            if row is None or row["account_id"] != by.account_id:
                self._check_granting(connection, by, program, role or "coi")
            if row is None or role is None:
                raise UnknownAccountError(f"{name} (as a member of programme {program})")
            self._store.revoke(connection, program, row["account_id"])
            what = What("member_removed", by.name, address, row["name"], f"programme {program}")
            self._log.record(connection, what)

    def _check_granting(self, connection: Connection, by: Principal, program: str, role: str) -> None:
        if by.staff:
            return
        if self._role(connection, by, program) != "pi":
            raise NotEntitledError(f"to change the members of programme {program}", needed="its PI or archive staff")
        if role != "coi":
            raise NotEntitledError(f"to change the PI of programme {program}", needed="archive staff")

    def _role(self, connection: Connection, by: Principal, program: str) -> str | None:
        return None if by.account_id is None else self._store.roles(connection, by.account_id).get(program)

    # Tokens ------------------------------------------------------------------------------------------------------

    def make_token(
        self,
        name: str,
        label: str,
        *,
        scopes: Iterable[str] = (Scope.IDENTITY, Scope.EXCLUSIVE),
        days: int = DEFAULT_DAYS,
        by: str = OPERATOR,
        address: str | None = None,
    ) -> tuple[Token, str]:
        """Make a token of an account; return it with its secret, which is told this once only.

        Raises:
            InvalidValueError: label, scopes or days cannot be right, or the account has too many tokens.
            UnknownAccountError: there is no such account.
        """
        label = label.strip()
        if not 1 <= len(label) <= 100 or not label.isprintable():
            raise InvalidValueError("label", label[:120], "a name of 1 to 100 characters")
        if not 1 <= days <= MOST_DAYS:
            raise InvalidValueError("days", days, f"1 to {MOST_DAYS}")
        wanted = check_scopes(scopes)
        secret, now = f"df_{secrets.token_hex(20)}", self.now()
        with self._database.begin() as connection:
            account = self._store.describe(connection, name.lower())
            working = [row for row in self._store.tokens(connection, account["account_id"]) if _works(row, now)]
            if len(working) >= _MOST_TOKENS:
                raise InvalidValueError("label", label, f"at most {_MOST_TOKENS} tokens; revoke some first")
            row = {
                "token_id": secrets.token_hex(6),
                "account_id": account["account_id"],
                "label": label,
                "secret_hash": hash_of(secret),
                "scopes": [str(scope) for scope in wanted],
                "created_at": now,
                "expires_at": now + timedelta(days=days),
                "revoked_at": None,
                "used_at": None,
            }
            self._store.add_token(connection, row)
            self._log.record(connection, What("token_made", by, address, account["name"], f"{row['token_id']} {label}"))
        return Token.of(row), secret

    def tokens(self, name: str) -> list[Token]:
        """Return the tokens of an account, the newest first, with expiry and last use.

        Raises:
            UnknownAccountError: there is no such account.
        """
        self._log.flush()
        with self._database.read() as connection:
            account = self._store.describe(connection, name.lower())
            return [Token.of(row) for row in self._store.tokens(connection, account["account_id"])]

    def revoke_token(self, name: str, token_id: str, *, by: str = OPERATOR, address: str | None = None) -> None:
        """End a token at once.

        Raises:
            UnknownAccountError: there is no such account.
            UnknownTokenError: it has no such token.
        """
        with self._database.begin() as connection:
            account = self._store.describe(connection, name.lower())
            self._store.revoke_token(connection, account["account_id"], token_id, self.now())
            self._log.record(connection, What("token_revoked", by, address, account["name"], token_id))

    def _account(self, connection: Connection, row: Mapping[str, Any]) -> Account:
        names = ("name", "display_name", "email", "issuer", "staff", "created_at", "disabled_at")
        roles: Any = self._store.roles(connection, row["account_id"])
        has_password = row["password_hash"] is not None
        return Account(roles=roles, has_password=has_password, **{name: row[name] for name in names})


def account_name(text: str) -> str:
    """Return a name as accounts bear it, in lower case.

    Raises:
        InvalidValueError: it cannot be one.
    """
    name = text.strip().lower()
    if not _NAME.fullmatch(name):
        raise InvalidValueError("name", text[:80], "1 to 64 of the letters a-z, digits and . _ @ + -")
    if name in RESERVED:
        raise InvalidValueError("name", name, "a name that is not taken by the archive itself")
    return name


def program_number(text: str) -> str:
    """Return a programme as the catalogue writes it, without leading zeros.

    Raises:
        InvalidValueError: it is no number of at most five digits.
    """
    if not _PROGRAM.fullmatch(text):
        raise InvalidValueError("program", text[:40], "a programme number of at most five digits, such as 2731")
    return text.lstrip("0")


def check_scopes(texts: Iterable[str]) -> tuple[Scope, ...]:
    """Return these scopes, each once.

    Raises:
        InvalidValueError: there is no such scope, or none at all.
    """
    known = {scope.value: scope for scope in Scope}
    wanted = list(dict.fromkeys(str(text) for text in texts))
    for text in wanted:
        if text not in known:
            raise InvalidValueError("scopes", text[:80], f"some of {', '.join(known)}")
    if not wanted:
        raise InvalidValueError("scopes", "", f"some of {', '.join(known)}")
    return tuple(known[text] for text in wanted)


def read_scopes(texts: Iterable[str]) -> tuple[Scope, ...]:
    """Return the scopes that are kept with a token; names of none are left out."""
    known = {scope.value: scope for scope in Scope}
    return tuple(known[text] for text in texts if text in known)


def hash_of(secret: str) -> str:
    """Return the SHA-256 under which a random secret of 160 bits or more is kept."""
    return sha256(secret.encode(errors="surrogatepass")).hexdigest()


def new_account(name: str, now: datetime, **values: Any) -> dict[str, Any]:
    """Return the row of a new account."""
    return {
        "account_id": secrets.token_hex(8),
        "name": name,
        "display_name": None,
        "email": None,
        "password_hash": None,
        "issuer": None,
        "subject": None,
        "staff": False,
        "created_at": now,
        "disabled_at": None,
    } | values


def own_name(caller: Principal) -> str:
    """Return the name of the caller's account.

    Raises:
        NotSignedInError: they have none.
    """
    if caller.is_anonymous:
        raise NotSignedInError
    return caller.name


def _works(row: Mapping[str, Any], now: datetime) -> bool:
    return row["revoked_at"] is None and row["expires_at"] > now


def _member(row: Mapping[str, Any]) -> Member:
    names = ("name", "display_name", "role", "granted_by", "granted_at")
    return Member(**{name: row[name] for name in names})
