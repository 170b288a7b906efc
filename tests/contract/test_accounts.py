"""Accounts, tokens, sessions and throttling on each kind of database."""

import threading
from datetime import UTC, datetime, timedelta

import pytest

from deepfield.access.principal import ANONYMOUS, STAFF, Principal, Scope
from deepfield.model.errors import (
    InvalidValueError,
    NotEntitledError,
    SignInError,
    TooManyAttemptsError,
    UnknownAccountError,
    UnknownTokenError,
)
from deepfield.services.accesslog import What
from deepfield.services.openid import Identity
from deepfield.services.signin import LIMITS, WINDOW
from support.people import PASSWORD, QUICK, People

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
HOME, AWAY = "192.0.2.1", "198.51.100.7"


@pytest.fixture
def people(database):
    people = People(database, NOW)
    people.accounts.add("ada", password=PASSWORD, display_name="Ada L.")
    return people


def rows(people, table):
    with people.database.read() as connection:
        return [dict(row) for row in connection.exec_driver_sql(f"SELECT * FROM {table}").mappings()]


def test_a_name_is_taken_once_whatever_its_case_and_the_archives_own_are_refused(people):
    for name in ("ADA", "anonymous", "Operator", "", "a b", "x" * 65):
        with pytest.raises(InvalidValueError):
            people.accounts.add(name)


def test_passwords_are_kept_as_argon2id_and_a_short_one_is_refused_without_being_shown(people):
    (row,) = rows(people, "account")
    assert row["password_hash"].startswith("$argon2id$")
    assert PASSWORD not in str(row)
    with pytest.raises(InvalidValueError) as refused:
        people.accounts.set_password("ada", "secret")
    assert "secret" not in str(refused.value)


def test_who_signs_in_is_known_by_the_session_until_it_ends(people):
    session = people.sign_in.with_password(" Ada ", PASSWORD, address=HOME)
    caller = people.sign_in.by_session(session.secret)
    assert (caller.principal.name, caller.display_name, caller.refused) == ("ada", "Ada L.", None)
    people.moment += timedelta(hours=10)
    ended = people.sign_in.by_session(session.secret)
    assert (ended.principal, ended.refused) == (ANONYMOUS, "the session has ended; sign in again")


def test_signing_out_ends_the_session_and_nobody_elses(people):
    first, second = (people.sign_in.with_password("ada", PASSWORD, address=HOME) for _ in range(2))
    people.sign_in.out(first.secret, name="ada", address=HOME)
    assert people.sign_in.by_session(first.secret).principal is ANONYMOUS
    assert people.sign_in.by_session(second.secret).principal.name == "ada"


def test_no_secret_stands_in_the_catalogue(people):
    session = people.sign_in.with_password("ada", PASSWORD, address=HOME)
    _, token = people.accounts.make_token("ada", "laptop")
    people.sign_in.by_token(token)
    people.log.flush()
    kept = str([rows(people, table) for table in ("account", "session", "token", "access_log", "sign_in_attempt")])
    assert session.secret not in kept
    assert token not in kept


def test_unknown_names_wrong_passwords_and_shut_accounts_get_the_same_answer(people):
    people.accounts.add("shut", password=PASSWORD)
    people.accounts.disable("shut")
    people.accounts.add("robot")
    answers = set()
    for name, password in (
        ("nobody", PASSWORD),
        ("ada", "wrong"),
        ("shut", PASSWORD),
        ("robot", ""),
        ("robot", PASSWORD),
    ):
        with pytest.raises(SignInError) as refused:
            people.sign_in.with_password(name, password, address=f"192.0.2.{len(name)}")
        answers.add(str(refused.value))
    assert answers == {"name or password is wrong"}


class CountingHasher:
    """Remembers the parameters of every hash that it compared with."""

    def __init__(self):
        self.compared = []

    def __getattr__(self, name):
        return getattr(QUICK, name)

    def verify(self, hashed, password):
        self.compared.append(hashed.split("$")[:4])
        return QUICK.verify(hashed, password)


def test_a_sign_in_compares_one_hash_of_the_same_cost_whether_there_is_an_account_or_not(database):
    hasher = CountingHasher()
    people = People(database, NOW, hasher)
    people.accounts.add("ada", password=PASSWORD)
    people.accounts.add("robot")
    for name in ("ada", "robot", "nobody"):
        with pytest.raises(SignInError):
            people.sign_in.with_password(name, "wrong", address=HOME)
    assert hasher.compared == [hasher.compared[0]] * 3


def test_after_five_failures_even_the_right_password_is_refused_from_there_but_not_from_elsewhere(people):
    for _ in range(LIMITS["pair"]):
        with pytest.raises(SignInError):
            people.sign_in.with_password("ada", "wrong", address=HOME)
    with pytest.raises(TooManyAttemptsError) as refused:
        people.sign_in.with_password("ada", PASSWORD, address=HOME)
    assert refused.value.seconds == WINDOW.total_seconds()
    assert people.sign_in.with_password("ada", PASSWORD, address=AWAY).name == "ada"
    people.moment += WINDOW
    assert people.sign_in.with_password("ada", PASSWORD, address=HOME).name == "ada"


def test_one_address_cannot_try_names_without_end(people):
    for number in range(LIMITS["address"]):
        with pytest.raises(SignInError):
            people.sign_in.with_password(f"name{number}", "wrong", address="2001:db8:1:2::1")
    with pytest.raises(TooManyAttemptsError):  # the rest of the /64 is the same person
        people.sign_in.with_password("ada", PASSWORD, address="2001:db8:1:2:ffff::9")


def test_a_success_takes_its_attempt_back(people):
    for _ in range(LIMITS["pair"] * 3):
        people.sign_in.with_password("ada", PASSWORD, address=HOME)
    assert all(row["count"] == 0 for row in rows(people, "sign_in_attempt"))


def test_attempts_at_the_same_moment_do_not_pass_together(people):
    outcomes = []

    def attempt():
        try:
            people.sign_in.with_password("ada", "wrong", address=HOME)
        except (SignInError, TooManyAttemptsError) as error:
            outcomes.append(type(error))

    threads = [threading.Thread(target=attempt) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert outcomes.count(SignInError) == LIMITS["pair"]
    assert outcomes.count(TooManyAttemptsError) == 12 - LIMITS["pair"]


def test_a_new_password_signs_out_everywhere_else(people):
    other = people.sign_in.with_password("ada", PASSWORD, address=AWAY)
    ada = people.who("ada")
    with pytest.raises(SignInError, match="old password"):
        people.sign_in.change_password(ada, "wrong", "a new passphrase", address=HOME)
    session = people.sign_in.change_password(ada, PASSWORD, "a new passphrase", address=HOME)
    assert people.sign_in.by_session(other.secret).principal is ANONYMOUS
    assert people.sign_in.by_session(session.secret).principal.name == "ada"
    with pytest.raises(SignInError):
        people.sign_in.with_password("ada", PASSWORD, address=HOME)


def test_a_token_acts_for_its_account_with_what_it_was_made_for(people):
    people.accounts.grant("2731", "ada", "pi", by=STAFF)
    people.accounts.set_staff("ada", staff=True)
    _, full = people.accounts.make_token("ada", "full", scopes=list(Scope))
    _, usual = people.accounts.make_token("ada", "usual")
    _, bare = people.accounts.make_token("ada", "bare", scopes=[Scope.IDENTITY])
    found = [people.sign_in.by_token(secret).principal for secret in (full, usual, bare)]
    assert [(p.programs, p.staff, p.may(Scope.KEEP)) for p in found] == [
        ({"2731"}, True, True),
        ({"2731"}, False, False),
        (frozenset(), False, False),
    ]


def test_a_token_that_does_not_count_says_why(people):
    token, secret = people.accounts.make_token("ada", "laptop", days=7)
    assert people.sign_in.by_token("df_unknown").refused == "the token sent is not known here"
    people.moment += timedelta(days=7)
    assert "'laptop' expired on 2026-05-08" in people.sign_in.by_token(secret).refused
    people.accounts.revoke_token("ada", token.token_id)
    assert "'laptop' was revoked on 2026-05-08" in people.sign_in.by_token(secret).refused
    people.accounts.disable("ada")
    caller = people.sign_in.by_token(secret)
    assert (caller.principal, caller.refused) == (ANONYMOUS, "the account of the token sent is shut")


def test_tokens_are_listed_with_their_last_use(people):
    people.accounts.make_token("ada", "unused")
    people.moment += timedelta(minutes=1)
    _, secret = people.accounts.make_token("ada", "used")
    people.sign_in.by_token(secret)
    assert [(token.label, token.used_at) for token in people.accounts.tokens("ada")] == [
        ("used", people.moment),
        ("unused", None),
    ]


def test_nobody_revokes_the_token_of_somebody_else(people):
    people.accounts.add("eve")
    token, secret = people.accounts.make_token("ada", "laptop")
    with pytest.raises(UnknownTokenError):
        people.accounts.revoke_token("eve", token.token_id)
    assert people.sign_in.by_token(secret).principal.name == "ada"


@pytest.mark.parametrize(
    ("field", "given"),
    [("label", {"label": ""}), ("label", {"label": "a\nb"}), ("scopes", {"scopes": []}), ("scopes", {"scopes": ["all"]}), ("days", {"days": 0}), ("days", {"days": 99_999})],
)  # fmt: skip
def test_a_token_that_cannot_be_names_the_field(people, field, given):
    with pytest.raises(InvalidValueError) as refused:
        people.accounts.make_token("ada", **({"label": "x"} | given))
    assert refused.value.field == field


def test_a_pi_adds_and_removes_co_investigators_and_nothing_more(people):
    for name in ("pi", "coi", "eve"):
        people.accounts.add(name, password=PASSWORD)
    people.accounts.grant("02731", "pi", "pi", by=STAFF)
    pi = people.who("pi")
    people.accounts.grant("2731", "coi", "coi", by=pi)
    assert people.who("coi").programs == {"2731"}
    assert [(member.name, member.role) for member in people.accounts.members("2731", by=pi)] == [
        ("coi", "coi"),
        ("pi", "pi"),
    ]
    coi, eve = people.who("coi"), people.who("eve")
    for refused in (
        lambda: people.accounts.grant("2731", "eve", "pi", by=pi),
        lambda: people.accounts.grant("2731", "pi", "coi", by=pi),
        lambda: people.accounts.grant("1234", "eve", "coi", by=pi),
        lambda: people.accounts.grant("2731", "eve", "coi", by=coi),
        lambda: people.accounts.grant("2731", "eve", "coi", by=eve),
        lambda: people.accounts.grant("2731", "nobody-there", "coi", by=eve),
        lambda: people.accounts.grant("2731", "eve", "coi", by=ANONYMOUS),
        lambda: people.accounts.members("2731", by=eve),
        lambda: people.accounts.revoke("2731", "coi", by=eve),
        lambda: people.accounts.revoke("2731", "pi", by=coi),
    ):
        with pytest.raises(NotEntitledError):
            refused()
    people.accounts.revoke("2731", "coi", by=pi)
    assert people.who("coi").programs == frozenset()
    assert ("member_removed", "pi", "coi") in people.logged()


def test_a_membership_ends_at_once_for_sessions_and_tokens_that_are_in_use(people):
    people.accounts.grant("2731", "ada", "coi", by=STAFF)
    session = people.sign_in.with_password("ada", PASSWORD, address=HOME)
    _, token = people.accounts.make_token("ada", "laptop")
    people.accounts.revoke("2731", "ada", by=people.who("ada"))
    assert people.sign_in.by_session(session.secret).principal.programs == frozenset()
    assert people.sign_in.by_token(token).principal.programs == frozenset()


@pytest.mark.parametrize("program", ["", "0", "abc", "123456", "1' OR 1=1", "-1"])
def test_a_programme_that_is_none_is_refused(people, program):
    with pytest.raises(InvalidValueError):
        people.accounts.grant(program, "ada", "coi", by=STAFF)


def test_names_of_nobody_are_told_to_the_operator(people):
    for action in (people.accounts.describe, people.accounts.disable, people.accounts.tokens):
        with pytest.raises(UnknownAccountError):
            action("nobody")


def test_an_account_from_elsewhere_is_its_issuer_and_subject_alone(people):
    identity = Identity("https://id.example.org", "0001", "ada", "Ada from elsewhere", "ada@example.org")
    session = people.sign_in.vouched(identity, address=HOME, may_make=True)
    assert session.name.startswith("ada-"), "the local account of that name is somebody else"
    renamed = Identity("https://id.example.org", "0001", "lovelace", None, None)
    assert people.sign_in.vouched(renamed, address=HOME, may_make=False).name == session.name
    for strange in (
        Identity("https://id.example.org", "0002", "ada", None, None),
        Identity("https://evil.example.org", "0001", "ada", None, None),
    ):
        with pytest.raises(SignInError, match="no account for you"):
            people.sign_in.vouched(strange, address=HOME, may_make=False)
    people.accounts.disable(session.name)
    with pytest.raises(SignInError, match="shut"):
        people.sign_in.vouched(identity, address=HOME, may_make=True)


def test_repetitions_within_an_hour_are_one_entry_and_none_is_lost(people):
    denied = What("denied", "anonymous", HOME, "a.fits")
    for _ in range(3):
        people.log.note(denied)
    people.log.flush()
    people.moment += timedelta(minutes=59)
    people.log.note(denied)
    people.log.flush()
    people.moment += timedelta(minutes=2)
    people.log.note(denied)
    assert [(e["action"], e["count"]) for e in people.log.entries(action="denied")] == [("denied", 1), ("denied", 4)]


def test_what_cannot_be_written_now_is_written_later(people, monkeypatch):
    people.log.note(What("denied", "anonymous", HOME, "a.fits"))
    with monkeypatch.context() as patch:
        patch.setattr(people.log, "_write", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            people.log.flush()
    people.log.note(What("denied", "anonymous", HOME, "a.fits"))
    assert [entry["count"] for entry in people.log.entries(action="denied")] == [2]


def test_entries_are_kept_for_as_long_as_the_operator_says(people):
    people.log.note(What("denied", "anonymous", HOME, "a.fits"))
    people.log.flush()
    people.moment += timedelta(days=31)
    people.log.note(What("denied", "anonymous", HOME, "b.fits"))
    people.log.flush()
    people.log.sweep()
    assert [entry["subject"] for entry in people.log.entries()] == ["b.fits"]


def test_the_witness_tells_what_is_read_before_its_release_and_nothing_that_is_public(people):
    rule = Principal("ada", frozenset({"2731"})).rule(at=NOW, witness=people.log.witness("ada", HOME))
    rule.admit("public.fits", data_release=NOW, program="1")
    rule.admit("ours.fits", data_release=NOW + timedelta(days=1), program="2731")
    with pytest.raises(Exception, match="exclusive access"):
        rule.admit("theirs.fits", data_release=None, program="1")
    assert sorted(people.logged(account="ada")) == [("denied", "ada", "theirs.fits"), ("read", "ada", "ours.fits")]
