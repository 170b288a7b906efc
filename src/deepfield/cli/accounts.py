"""Commands about people: `deepfield user …`, `deepfield token …`."""

import sys
from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Table

from deepfield.access.principal import STAFF, Scope
from deepfield.cli.environment import load_settings, open_archive
from deepfield.model.errors import InvalidValueError

if TYPE_CHECKING:
    from deepfield.bootstrap import Archive

user = typer.Typer(help="Accounts: who may sign in, who belongs to which programme.", no_args_is_help=True)
token = typer.Typer(help="Personal tokens, with which programs act for an account.", no_args_is_help=True)

Name = Annotated[str, typer.Argument(help="Name of the account")]
FromInput = Annotated[bool, typer.Option("--password-stdin", help="Read the password from standard input")]


class Role(StrEnum):
    """A role in a programme."""

    pi = "pi"
    coi = "coi"


@user.command()
def add(
    name: Name,
    display_name: Annotated[str | None, typer.Option(help="Name for people")] = None,
    email: Annotated[str | None, typer.Option(help="Mail address")] = None,
    *,
    staff: Annotated[bool, typer.Option("--staff", help="Make it archive staff, who may read everything")] = False,
    password_stdin: FromInput = False,
    no_password: Annotated[
        bool, typer.Option("--no-password", help="An account for programs, which has tokens alone")
    ] = False,
) -> None:
    """Make an account."""
    password = None if no_password else _password(from_input=password_stdin)
    with _archive() as archive:
        account = archive.accounts.add(name, password=password, display_name=display_name, email=email, staff=staff)
    typer.echo(f"{account.name} is made{', as staff' if staff else ''}")


@user.command(name="list")
def list_users() -> None:
    """List the accounts with their programmes."""
    with _archive() as archive:
        accounts = archive.accounts.every()
    rows = [
        (
            account.name,
            account.display_name or "",
            "staff" if account.staff else "",
            " ".join(f"{program}:{role}" for program, role in account.roles.items()),
            "disabled" if account.disabled_at else account.issuer or ("password" if account.has_password else "tokens"),
            _day(account.created_at),
        )
        for account in accounts
    ]
    _show(("name", "for people", "staff", "programmes", "signs in by", "made"), rows)


@user.command()
def disable(name: Name) -> None:
    """Shut an account: its sessions and tokens end at once."""
    with _archive() as archive:
        archive.accounts.disable(name)
    typer.echo(f"{name} is disabled; its sessions and tokens no longer count")


@user.command()
def enable(name: Name) -> None:
    """Open an account again that was disabled."""
    with _archive() as archive:
        archive.accounts.disable(name, back=True)
    typer.echo(f"{name} is enabled")


@user.command()
def passwd(name: Name, *, password_stdin: FromInput = False) -> None:
    """Give an account another password; it is signed out everywhere."""
    with _archive() as archive:
        archive.accounts.describe(name)
        archive.accounts.set_password(name, _password(from_input=password_stdin))
    typer.echo(f"{name} has a new password")


@user.command()
def staff(
    name: Name, *, remove: Annotated[bool, typer.Option("--remove", help="Take the rights of staff away")] = False
) -> None:
    """Make somebody archive staff, who may read all data and change the members of every programme."""
    with _archive() as archive:
        archive.accounts.set_staff(name, staff=not remove)
    typer.echo(f"{name} is {'no longer' if remove else 'now'} staff")


@user.command()
def member(
    name: Name,
    program: Annotated[str, typer.Argument(help="Programme number")],
    role: Annotated[Role, typer.Option(help="pi may add and remove members; coi may read")] = Role.coi,
    *,
    remove: Annotated[bool, typer.Option("--remove", help="End the membership")] = False,
) -> None:
    """Let somebody read the data of a programme before their release, or no longer."""
    with _archive() as archive:
        if remove:
            archive.accounts.revoke(program, name, by=STAFF)
        else:
            archive.accounts.grant(program, name, role.value, by=STAFF)
    typer.echo(f"{name} is {'no longer a member' if remove else role.value} of programme {program}")


@user.command()
def log(
    action: Annotated[str | None, typer.Option(help="Only this: denied, read, signed_in, member_added …")] = None,
    account: Annotated[str | None, typer.Option(help="Only this account; anonymous, operator")] = None,
    limit: Annotated[int, typer.Option(min=1, help="Most entries")] = 100,
) -> None:
    """Show the access log, the newest entries first."""
    with _archive() as archive:
        entries = archive.access_log.entries(action=action, account=account, limit=limit)
    rows = [
        (
            f"{entry['last_time']:%Y-%m-%dT%H:%M:%SZ}",
            str(entry["count"]),
            entry["action"],
            entry["account"],
            entry["address"] or "",
            entry["subject"] or "",
            entry["detail"] or "",
        )
        for entry in entries
    ]
    _show(("last", "times", "what", "account", "from", "of", "detail"), rows)


@token.command()
def create(
    name: Name,
    label: Annotated[str, typer.Option(help="What to call it")] = "made by the operator",
    scope: Annotated[list[Scope] | None, typer.Option(help="What it is for; may be given several times")] = None,
    days: Annotated[int, typer.Option(min=1, help="How long it works")] = 90,
) -> None:
    """Make a token of an account and print it; it cannot be shown again."""
    scopes = scope or [Scope.IDENTITY, Scope.EXCLUSIVE]
    with _archive() as archive:
        made, secret = archive.accounts.make_token(name, label, scopes=scopes, days=days)
    typer.echo(f"token {made.token_id} of {name} works until {_day(made.expires_at)}; keep it secret:", err=True)
    typer.echo(secret)


@token.command(name="list")
def list_tokens(name: Name) -> None:
    """List the tokens of an account with expiry and last use."""
    with _archive() as archive:
        tokens = archive.accounts.tokens(name)
    rows = [
        (
            each.token_id,
            each.label,
            " ".join(each.scopes),
            f"revoked {_day(each.revoked_at)}" if each.revoked_at else f"until {_day(each.expires_at)}",
            f"used {_day(each.used_at)}" if each.used_at else "never used",
        )
        for each in tokens
    ]
    _show(("token", "label", "scopes", "works", "last use"), rows)


@token.command()
def revoke(name: Name, token_id: Annotated[str, typer.Argument(help="Identifier of the token, from the list")]) -> None:
    """End a token at once."""
    with _archive() as archive:
        archive.accounts.revoke_token(name, token_id)
    typer.echo(f"token {token_id} of {name} is revoked")


def _archive() -> "Archive":
    """Open the archive; what these commands print is read by scripts, so the log keeps to warnings on stderr."""
    from deepfield import log as logging

    settings = load_settings()
    logging.set_up(form=settings.log_format, level="warning")
    return open_archive(settings, searchable=False)


def _password(*, from_input: bool) -> str:
    if from_input:
        return sys.stdin.readline().rstrip("\n")
    if not sys.stdin.isatty():
        raise InvalidValueError("password", "(none)", "a terminal to type it at, or --password-stdin")
    text: str = typer.prompt("Password", hide_input=True, confirmation_prompt=True)
    return text


def _day(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d}"


def _show(head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> None:
    console = Console(soft_wrap=True)
    if console.is_terminal:
        table = Table(*head)
        for row in rows:
            table.add_row(*row)
        console.print(table)
        return
    for row in rows:
        typer.echo("\t".join(row))
