"""Commands about snapshots: list, pin, unpin."""

from typing import Annotated

import typer

from deepfield.cli.environment import load_settings, open_archive

app = typer.Typer(help="List the archive's snapshots, and keep some by name.", no_args_is_help=True)


@app.command("list")
def list_snapshots(
    last: Annotated[int, typer.Option(min=1, help="How many of the last commits to list")] = 20,
) -> None:
    """List pinned snapshots and the last commits; any number up to the newest is a snapshot."""
    with open_archive(load_settings(), searchable=False) as archive:
        history = archive.snapshots.history(last)
    typer.echo(f"newest snapshot: {history.current}")
    for pin in history.pins:
        note = f"  {pin.note}" if pin.note else ""
        typer.echo(f"pinned  {pin.seq:>10}  {pin.pinned_at:%Y-%m-%dT%H:%M:%SZ}  {pin.name}{note}")
    for commit in history.commits:
        typer.echo(f"commit  {commit.seq:>10}  {commit.time:%Y-%m-%dT%H:%M:%SZ}  {commit.events} events")


@app.command()
def pin(
    name: Annotated[str, typer.Argument(help="Name to keep it by")],
    number: Annotated[int | None, typer.Argument(min=0, help="Number of the snapshot; the newest by default")] = None,
    note: Annotated[str | None, typer.Option(help="Why it is kept")] = None,
) -> None:
    """Keep a snapshot by name: no clean-up removes what it shows, and queries can be asked as of its name."""
    with open_archive(load_settings(), searchable=False) as archive:
        made = archive.snapshots.pin(name, number, note=note)
    typer.echo(f"snapshot {made.seq} is pinned as {made.name}")


@app.command()
def unpin(name: Annotated[str, typer.Argument(help="Name of the pin")]) -> None:
    """Take the name from a snapshot."""
    with open_archive(load_settings(), searchable=False) as archive:
        archive.snapshots.unpin(name)
    typer.echo(f"{name} is unpinned")
