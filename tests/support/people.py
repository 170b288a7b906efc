"""Accounts of every kind, and the services that know them."""

from argon2 import PasswordHasher

from deepfield.access.principal import STAFF, Scope
from deepfield.catalogue.accounts import AccountStore
from deepfield.services.accesslog import AccessLog
from deepfield.services.accounts import Accounts
from deepfield.services.passwords import Passwords
from deepfield.services.signin import SignIn

PASSWORD = "correct horse battery staple"
QUICK = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
"""Argon2id at next to no cost."""


class People:
    """The services of accounts over a database, with a clock that a test can turn."""

    def __init__(self, database, now, hasher=QUICK):
        self.moment = now
        store, passwords = AccountStore(), Passwords(hasher)
        self.log = AccessLog(database, store, keep_days=30, now=self.now)
        self.accounts = Accounts(database, store, self.log, passwords, now=self.now)
        self.sign_in = SignIn(database, store, self.log, passwords, session_hours=10, now=self.now)
        self.database = database

    def now(self):
        return self.moment

    def who(self, name):
        """The principal of somebody who signs in."""
        session = self.sign_in.with_password(name, PASSWORD, address="127.0.0.1")
        return self.sign_in.by_session(session.secret).principal

    def logged(self, **only):
        return [(entry["action"], entry["account"], entry["subject"]) for entry in self.log.entries(**only)]


def make_everybody(archive, program):
    """Make one account of each kind; return the token of each (everything it may be used for) by its kind."""
    accounts = archive.accounts
    for name in ("user", "coi", "pi", "stranger", "boss", "shut"):
        accounts.add(name, staff=name == "boss")
    for name, role in (("coi", "coi"), ("pi", "pi"), ("shut", "pi")):
        accounts.grant(program, name, role, by=STAFF)
    accounts.grant("1", "stranger", "pi", by=STAFF)
    everything = list(Scope)
    tokens = {
        name: accounts.make_token(name, "all", scopes=everything)[1]
        for name in ("user", "coi", "pi", "stranger", "boss", "shut")
    }
    tokens["pi, token for less"] = accounts.make_token("pi", "less", scopes=[Scope.IDENTITY, Scope.KEEP])[1]
    tokens["boss, token for less"] = accounts.make_token("boss", "less", scopes=[Scope.IDENTITY, Scope.EXCLUSIVE])[1]
    revoked, tokens["pi, revoked"] = accounts.make_token("pi", "revoked", scopes=everything)
    accounts.revoke_token("pi", revoked.token_id)
    accounts.disable("shut")
    return tokens
