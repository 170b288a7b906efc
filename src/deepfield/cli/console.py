"""What commands show while they work: a bar on a terminal, a few plain lines elsewhere. All of it goes to stderr."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

import typer
from rich.console import Console
from rich.filesize import decimal
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

PAUSE = 5.0
"""Seconds between plain lines."""


class Tell(Protocol):
    """Told after each piece of work its name, how many are done and how many there are."""

    def __call__(self, name: str, done: int, total: int) -> None: ...


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

        def tell(name: str, done: int, total: int) -> None:
            bar.update(task, completed=done, total=total, name=name)

        yield tell


def _plain_lines(title: str) -> Tell:
    last = time.monotonic()

    def tell(name: str, done: int, total: int) -> None:
        nonlocal last
        if done == total or time.monotonic() - last > PAUSE:
            last = time.monotonic()
            typer.echo(f"{title} {done}/{total} {name}".rstrip(), err=True)

    return tell


def size(count: int) -> str:
    """Write a number of bytes for people."""
    return decimal(count)
