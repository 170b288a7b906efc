"""Snapshot numbers, which order commits, and the numbers given to names for ever."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Final, Literal, TypeVar

from sqlalchemy import insert, select, update

from deepfield.catalogue.schema import IDENTITY, SNAPSHOT

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from sqlalchemy import Connection

Kind = Literal["observation", "plane", "artifact", "plan"]
T = TypeVar("T")
_CHUNK: Final = 500


def hold_writers(connection: Connection) -> None:
    """Make every other writer of snapshots wait until this transaction ends, without taking a number yet.

    What is read after this is what the transaction changes. (SQLite has one writer anyway.)
    """
    connection.execute(select(SNAPSHOT.c.seq).with_for_update()).one()


def next_snapshot(connection: Connection) -> int:
    """Take the next snapshot number for this transaction.

    The counter's row stays locked until the transaction ends, so numbers commit in order and whoever holds one sees
    everything committed under a smaller one. Take it before reading what the transaction is going to change.
    """
    query = update(SNAPSHOT).values(seq=SNAPSHOT.c.seq + 1).returning(SNAPSHOT.c.seq)
    return int(connection.execute(query).scalar_one())


def known_numbers(connection: Connection, kind: Kind, names: Iterable[str]) -> dict[str, int]:
    """Return the numbers of those names that have one, current or forgotten."""
    found: dict[str, int] = {}
    for chunk in in_chunks(sorted(set(names))):
        query = select(IDENTITY.c.name, IDENTITY.c.number).where(IDENTITY.c.kind == kind, IDENTITY.c.name.in_(chunk))
        found.update((name, number) for name, number in connection.execute(query))
    return found


def give_numbers(connection: Connection, kind: Kind, names: Iterable[str]) -> dict[str, int]:
    """Return the number of each name, giving new ones where there is none; a number is never given twice."""
    wanted = sorted(set(names))
    numbers = known_numbers(connection, kind, wanted)
    new = [name for name in wanted if name not in numbers]
    if new:
        query = update(SNAPSHOT).values(next_number=SNAPSHOT.c.next_number + len(new)).returning(SNAPSHOT.c.next_number)
        first = int(connection.execute(query).scalar_one()) - len(new)
        given = {name: first + step for step, name in enumerate(new)}
        rows = [{"number": number, "kind": kind, "name": name} for name, number in given.items()]
        connection.execute(insert(IDENTITY), rows)
        numbers.update(given)
    return numbers


def in_chunks(values: Iterable[T], size: int = _CHUNK) -> Iterator[list[T]]:
    """Cut values into lists short enough for the ``IN`` of any database."""
    rest = iter(values)
    while chunk := list(islice(rest, size)):
        yield chunk
