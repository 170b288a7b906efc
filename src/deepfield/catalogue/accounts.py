"""The store of accounts: people, their programmes, their tokens, the browsers they are signed in with.

Every method takes the connection it works on and none commits. Secrets come and go as their SHA-256 alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import and_, case, delete, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite

from deepfield.catalogue.schema import ACCOUNT, MEMBERSHIP, SESSION, SIGN_IN_ATTEMPT, TOKEN
from deepfield.model.errors import UnknownAccountError, UnknownTokenError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from sqlalchemy import Connection

Row = dict[str, Any]


class AccountStore:
    """Reads and writes accounts, memberships, tokens, sessions and failed attempts to sign in."""

    # Accounts ----------------------------------------------------------------------------------------------------

    def add(self, connection: Connection, row: Mapping[str, Any]) -> None:
        """Keep a new account."""
        connection.execute(insert(ACCOUNT), [dict(row)])

    def change(self, connection: Connection, account_id: str, **values: Any) -> None:
        """Set columns of an account."""
        connection.execute(update(ACCOUNT).where(ACCOUNT.c.account_id == account_id).values(**values))

    def find(self, connection: Connection, name: str) -> Row | None:
        """Return the account of this name."""
        row = connection.execute(select(ACCOUNT).where(ACCOUNT.c.name == name)).mappings().one_or_none()
        return None if row is None else dict(row)

    def describe(self, connection: Connection, name: str) -> Row:
        """Return the account of this name.

        Raises:
            UnknownAccountError: there is none.
        """
        row = self.find(connection, name)
        if row is None:
            raise UnknownAccountError(name)
        return row

    def vouched(self, connection: Connection, issuer: str, subject: str) -> Row | None:
        """Return the account that an OpenID Connect provider knows by this subject."""
        query = select(ACCOUNT).where(ACCOUNT.c.issuer == issuer, ACCOUNT.c.subject == subject)
        row = connection.execute(query).mappings().one_or_none()
        return None if row is None else dict(row)

    def every(self, connection: Connection) -> list[Row]:
        """Return all accounts by name."""
        return [dict(row) for row in connection.execute(select(ACCOUNT).order_by(ACCOUNT.c.name)).mappings()]

    # Memberships -------------------------------------------------------------------------------------------------

    def roles(self, connection: Connection, account_id: str) -> dict[str, str]:
        """Return the role of an account in each of its programmes."""
        query = select(MEMBERSHIP.c.proposal_id, MEMBERSHIP.c.role).where(MEMBERSHIP.c.account_id == account_id)
        return {row.proposal_id: row.role for row in connection.execute(query.order_by(MEMBERSHIP.c.proposal_id))}

    def members(self, connection: Connection, proposal_id: str) -> list[Row]:
        """Return the members of a programme with name and display name, by name."""
        query = (
            select(MEMBERSHIP, ACCOUNT.c.name, ACCOUNT.c.display_name)
            .join(ACCOUNT, ACCOUNT.c.account_id == MEMBERSHIP.c.account_id)
            .where(MEMBERSHIP.c.proposal_id == proposal_id)
            .order_by(ACCOUNT.c.name)
        )
        return [dict(row) for row in connection.execute(query).mappings()]

    def grant(self, connection: Connection, row: Mapping[str, Any]) -> None:
        """Make an account a member of a programme, in this role in place of any other."""
        self.revoke(connection, row["proposal_id"], row["account_id"])
        connection.execute(insert(MEMBERSHIP), [dict(row)])

    def revoke(self, connection: Connection, proposal_id: str, account_id: str) -> bool:
        """End a membership; tell whether there was one."""
        same = and_(MEMBERSHIP.c.proposal_id == proposal_id, MEMBERSHIP.c.account_id == account_id)
        return connection.execute(delete(MEMBERSHIP).where(same)).rowcount > 0

    # Tokens ------------------------------------------------------------------------------------------------------

    def add_token(self, connection: Connection, row: Mapping[str, Any]) -> None:
        """Keep a new token."""
        connection.execute(insert(TOKEN), [dict(row)])

    def tokens(self, connection: Connection, account_id: str) -> list[Row]:
        """Return the tokens of an account, the newest first."""
        query = select(TOKEN).where(TOKEN.c.account_id == account_id)
        ordered = query.order_by(TOKEN.c.created_at.desc(), TOKEN.c.token_id)
        return [dict(row) for row in connection.execute(ordered).mappings()]

    def revoke_token(self, connection: Connection, account_id: str, token_id: str, now: datetime) -> Row:
        """Revoke a token of an account; revoking it again keeps the first time.

        Raises:
            UnknownTokenError: the account has none of this identifier.
        """
        same = and_(TOKEN.c.account_id == account_id, TOKEN.c.token_id == token_id)
        row = connection.execute(select(TOKEN).where(same)).mappings().one_or_none()
        if row is None:
            raise UnknownTokenError(token_id)
        connection.execute(update(TOKEN).where(same, TOKEN.c.revoked_at.is_(None)).values(revoked_at=now))
        return dict(row)

    def use_tokens(self, connection: Connection, used: Mapping[str, datetime]) -> None:
        """Remember when tokens were last used, by token_id."""
        for token_id, moment in used.items():
            connection.execute(update(TOKEN).where(TOKEN.c.token_id == token_id).values(used_at=moment))

    def by_token(self, connection: Connection, secret_hash: str) -> Row | None:
        """Return token and account (``account_name``, ``staff``, ``disabled_at`` …) of a secret."""
        return _joined(connection, TOKEN, secret_hash)

    # Sessions ----------------------------------------------------------------------------------------------------

    def open_session(self, connection: Connection, row: Mapping[str, Any]) -> None:
        """Keep a session, and drop those that are over."""
        connection.execute(delete(SESSION).where(SESSION.c.expires_at <= row["created_at"]))
        connection.execute(insert(SESSION), [dict(row)])

    def close_session(self, connection: Connection, secret_hash: str) -> None:
        """End a session."""
        connection.execute(delete(SESSION).where(SESSION.c.secret_hash == secret_hash))

    def close_sessions(self, connection: Connection, account_id: str) -> None:
        """Sign an account out everywhere."""
        connection.execute(delete(SESSION).where(SESSION.c.account_id == account_id))

    def by_session(self, connection: Connection, secret_hash: str) -> Row | None:
        """Return session and account of a secret."""
        return _joined(connection, SESSION, secret_hash)

    # Attempts to sign in -----------------------------------------------------------------------------------------

    def count_attempt(
        self, connection: Connection, subject: str, now: datetime, begun_after: datetime
    ) -> tuple[int, datetime]:
        """Count an attempt; return how many there were in the window, and when it began.

        A window that began at or before ``begun_after`` is over, and a new one begins.
        """
        upsert: Any = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
        over = SIGN_IN_ATTEMPT.c.since <= begun_after
        query = upsert(SIGN_IN_ATTEMPT).values(subject=subject, count=1, since=now)
        query = query.on_conflict_do_update(
            index_elements=[SIGN_IN_ATTEMPT.c.subject],
            set_={
                "count": case((over, 1), else_=SIGN_IN_ATTEMPT.c.count + 1),
                "since": case((over, query.excluded.since), else_=SIGN_IN_ATTEMPT.c.since),
            },
        )
        count, since = connection.execute(query.returning(SIGN_IN_ATTEMPT.c.count, SIGN_IN_ATTEMPT.c.since)).one()
        return int(count), since

    def forget_attempts(self, connection: Connection, begun_before: datetime) -> None:
        """Drop what was counted in windows that are over."""
        connection.execute(delete(SIGN_IN_ATTEMPT).where(SIGN_IN_ATTEMPT.c.since < begun_before))

    def forgive_attempt(self, connection: Connection, pair: str, others: Iterable[str]) -> None:
        """After a success: forget what was counted of the pair, and take this attempt off the others."""
        connection.execute(delete(SIGN_IN_ATTEMPT).where(SIGN_IN_ATTEMPT.c.subject == pair))
        counted = SIGN_IN_ATTEMPT.c.count
        taken = update(SIGN_IN_ATTEMPT).where(SIGN_IN_ATTEMPT.c.subject.in_(list(others)), counted > 0)
        connection.execute(taken.values(count=counted - 1))


def _joined(connection: Connection, table: Any, secret_hash: str) -> Row | None:
    account = (
        ACCOUNT.c.name.label("account_name"),
        ACCOUNT.c.display_name,
        ACCOUNT.c.email,
        ACCOUNT.c.staff,
        ACCOUNT.c.disabled_at,
    )
    query = (
        select(table, *account)
        .join(ACCOUNT, ACCOUNT.c.account_id == table.c.account_id)
        .where(table.c.secret_hash == secret_hash)
    )
    row = connection.execute(query).mappings().one_or_none()
    return None if row is None else dict(row)
