"""Accounts and tokens on the command line."""

import pytest
import structlog
from typer.testing import CliRunner

from deepfield.cli import app


@pytest.fixture
def run(tmp_path, monkeypatch):
    monkeypatch.setenv("DEEPFIELD_HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    runner = CliRunner()

    def run(*words, typed=None):
        return runner.invoke(app, words, input=typed)

    made = run("user", "add", "Vera", "--display-name", "Vera R.", "--password-stdin", typed="correct horse battery\n")
    assert (made.exit_code, made.stdout) == (0, "vera is made\n"), made.output
    yield run
    structlog.reset_defaults()


def test_accounts_memberships_and_tokens_are_made_listed_and_ended(run):
    assert run("user", "member", "vera", "02222", "--role", "pi").exit_code == 0
    created = run("token", "create", "vera", "--label", "laptop", "--days", "7")
    secret = created.stdout.strip()
    assert secret.startswith("df_")
    assert len(created.stdout.splitlines()) == 1, "scripts take the token from standard output"
    assert run("user", "list").stdout.split("\t")[:5] == ["vera", "Vera R.", "", "2222:pi", "password"]
    listed = run("token", "list", "vera").stdout
    assert "laptop" in listed
    assert secret not in listed
    assert run("token", "revoke", "vera", listed.split("\t")[0]).exit_code == 0
    assert "revoked" in run("token", "list", "vera").stdout
    assert run("user", "staff", "vera").exit_code == 0
    assert run("user", "passwd", "vera", "--password-stdin", typed="another passphrase\n").exit_code == 0
    assert run("user", "disable", "vera").exit_code == 0
    entries = [line.split("\t")[2] for line in run("user", "log").stdout.splitlines()]
    expected = ["disabled", "password_set", "staff_made", "token_revoked", "token_made", "member_added", "account_made"]
    assert entries == expected


@pytest.mark.parametrize(
    ("words", "typed"),
    [
        (("user", "passwd", "nobody"), None),
        (("user", "passwd", "vera", "--password-stdin"), "short\n"),
        (("user", "member", "vera", "twelve"), None),
        (("token", "revoke", "vera", "none"), None),
        (("user", "add", "vera", "--no-password"), None),
    ],
)
def test_what_is_wrong_is_told_in_a_sentence(run, words, typed):
    done = run(*words, typed=typed)
    assert (done.exit_code, done.stdout, len(done.stderr.splitlines())) == (1, "", 1), done.output
    assert done.stderr.startswith("deepfield: ")
