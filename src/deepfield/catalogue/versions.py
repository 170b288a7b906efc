"""Row versions: a change ends the current row and begins another; nothing is overwritten."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import and_, bindparam, insert, select, update

from deepfield.catalogue.numbers import in_chunks
from deepfield.catalogue.schema import SEQ_FROM, SEQ_TO, load_tables

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from sqlalchemy import Connection, Table

Row = dict[str, Any]
Key = tuple[Any, ...]


def key_of(table: Table, row: Row) -> Key:
    """Return the values of the key columns of a row."""
    return tuple(row[name] for name in load_tables()[table.name].key)


def current_rows(connection: Connection, table: Table, column: str, values: Iterable[Any]) -> dict[Key, Row]:
    """Return the current rows whose column holds one of these values, by key."""
    found: dict[Key, Row] = {}
    for chunk in in_chunks(sorted(set(values))):
        query = select(table).where(table.c[column].in_(chunk), table.c[SEQ_TO].is_(None))
        rows = (dict(row) for row in connection.execute(query).mappings())
        found.update((key_of(table, row), row) for row in rows)
    return found


def revise(
    connection: Connection, table: Table, current: Mapping[Key, Row], wanted: Mapping[Key, Row], seq: int
) -> set[Key]:
    """Turn the current rows into the wanted ones under snapshot ``seq``; return the keys that changed.

    Rows that are equal stay as they are. A current row that was begun under the same number is replaced, since nobody
    has seen it yet.
    """
    ended = [row for key, row in current.items() if key not in wanted or not _same(row, wanted[key])]
    begun = [row for key, row in wanted.items() if key not in current or not _same(current[key], row)]
    end_rows(connection, table, ended, seq)
    begin_rows(connection, table, begun, seq)
    return {key_of(table, row) for row in (*ended, *begun)}


def begin_rows(connection: Connection, table: Table, rows: Sequence[Row], seq: int) -> None:
    """Insert rows that are current from ``seq`` on."""
    if rows:
        connection.execute(insert(table), [{**row, SEQ_FROM: seq, SEQ_TO: None} for row in rows])


def end_rows(connection: Connection, table: Table, rows: Sequence[Row], seq: int) -> None:
    """End these current rows with ``seq``."""
    older = [row for row in rows if row[SEQ_FROM] < seq]
    fresh = [row for row in rows if row[SEQ_FROM] >= seq]
    where = and_(*(column == bindparam(f"of_{column.name}") for column in table.primary_key.columns))
    if older:
        connection.execute(update(table).where(where).values({SEQ_TO: seq}), [_bound(table, row) for row in older])
    if fresh:
        connection.execute(table.delete().where(where), [_bound(table, row) for row in fresh])


def _bound(table: Table, row: Row) -> Row:
    return {f"of_{column.name}": row[column.name] for column in table.primary_key.columns}


def _same(current: Row, wanted: Row) -> bool:
    return all(current[name] == value for name, value in wanted.items())
