"""What commands show while they work: a bar on a terminal, a few plain lines elsewhere. All of it goes to stderr."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Protocol

import typer
from rich.console import Console
from rich.filesize import decimal
from rich.progress import (
    BarColumn,
    DownloadColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)
from rich.table import Table

from deepfield.ingest.report import Report

MOST_NAMED = 20
PAUSE = 5.0
"""Seconds between plain lines."""


class Tell(Protocol):
    """Told after each piece of work its name, how many are done and how many there are, where that is known."""

    def __call__(self, name: str, done: int, total: int | None) -> None: ...


@contextmanager
def progress(title: str) -> Iterator[Tell]:
    """Show how far a piece of work has come."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield _plain_lines(title)
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, TextColumn("{task.fields[name]}", style="dim"), console=console) as bar:
        task = bar.add_task(title, total=None, name="")

        def tell(name: str, done: int, total: int | None) -> None:
            bar.update(task, completed=done, total=total, name=name)

        yield tell


def _plain_lines(title: str) -> Tell:
    last = time.monotonic()

    def tell(name: str, done: int, total: int | None) -> None:
        nonlocal last
        if done == total or time.monotonic() - last > PAUSE:
            last = time.monotonic()
            count = f"{done}" if total is None else f"{done}/{total}"
            typer.echo(f"{title} {count} {name}".rstrip(), err=True)

    return tell


@contextmanager
def transfer(total: int) -> Iterator[Callable[[int], None]]:
    """Show how many of these bytes have arrived; the caller tells each piece, which may be taken back."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield lambda _count: None
        return
    columns = (BarColumn(), DownloadColumn(), TransferSpeedColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console) as bar:
        task = bar.add_task("", total=total or None)
        yield lambda count: bar.advance(task, count)


def size(count: int) -> str:
    """Write a number of bytes for people."""
    return decimal(count)


def show_report(report: Report) -> None:
    """Say what became of the files of an ingest: refusals by name, then a table of numbers."""
    for entry in report.refused[:MOST_NAMED]:
        typer.echo(f"refused  {entry.path}: {entry.reason}", err=True)
    if (more := len(report.refused) - MOST_NAMED) > 0:
        typer.echo(f"refused  {more} more; --report FILE writes all of them", err=True)
    rows = [(status, count) for status, count in report.counts.items() if count]
    total = f"{len(report.entries)} files, {size(report.size)}, {len(report.observations)} observations changed"
    console = Console()
    if console.is_terminal:
        table = Table("files", "number", title=f"{total} in {report.seconds:.1f} s")
        for status, count in rows:
            table.add_row(status, str(count))
        console.print(table)
        return
    for status, count in rows:
        typer.echo(f"{status:<12}{count:>8}")
    typer.echo(f"{total} in {report.seconds:.1f} s")
