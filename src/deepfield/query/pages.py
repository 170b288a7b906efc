"""Pages of a sorted result by keyset: a cursor holds the sort values of the last row, and its snapshot."""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

import pyarrow as pa
import pyarrow.compute as pc
from sqlglot import exp

from deepfield.model.errors import InvalidQueryError
from deepfield.query.filters import SortKey
from deepfield.query.lower import OBSERVATION, literal, numeric
from deepfield.query.regions import LOOK_PREFIX, LOOKS, meets, worth_looking_at
from deepfield.query.targets import HIT as MATCH
from deepfield.query.targets import MATCHED
from deepfield.query.words import HIT, RELEVANCE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from deepfield.model.coverage import Region
    from deepfield.query.engines.duckdb import Session
    from deepfield.query.filters import Match, Scalar, SearchQuery
    from deepfield.query.scope import Scope

NUMBER: Final = "obs_number"
_SORT_PREFIX: Final = "sort_"
_MOST_NEARBY: Final = 5000
_SOURCES: Final = {RELEVANCE: HIT, **dict.fromkeys(MATCHED, MATCH)}
"""Tables of the columns that table ``observation`` does not have."""


@dataclass(frozen=True, slots=True)
class Cursor:
    """Where the next page begins."""

    question: str
    """Digest of the search that it belongs to."""
    snapshot: int
    total: int
    values: tuple[Scalar | None, ...]

    def encode(self) -> str:
        values = [{"t": value.isoformat()} if isinstance(value, datetime) else value for value in self.values]
        text = json.dumps([self.question, self.snapshot, self.total, values], separators=(",", ":"))
        return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")

    @classmethod
    def decode(cls, text: str, query: SearchQuery) -> Cursor:
        """Read a cursor.

        Raises:
            InvalidQueryError: it is none, or belongs to another search.
        """
        try:
            padded = text + "=" * (-len(text) % 4)
            question, snapshot, total, values = json.loads(base64.urlsafe_b64decode(padded.encode()))
            read = tuple(_moment(value["t"]) if isinstance(value, dict) else value for value in values)
            cursor = cls(str(question), int(snapshot), int(total), read)
        except (ValueError, TypeError, KeyError, binascii.Error):
            raise InvalidQueryError("after", text, "the cursor that a page gave as next") from None
        if cursor.question != question_of(query):
            raise InvalidQueryError("after", text, "a cursor of the same search and sort")
        return cursor


def question_of(query: SearchQuery) -> str:
    """Return a digest of what a cursor depends on."""
    parts: tuple[object, ...] = (query.filters, query.region, query.match, query.text, query.sort, query.snapshot)
    if query.moving is not None:
        parts += (query.moving,)
    if query.targets is not None:
        parts += (query.targets.key,)
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:16]


def order_of(query: SearchQuery, *, ranked: bool) -> tuple[SortKey, ...]:
    """Return the keys that rows are sorted by; the observation number breaks every tie."""
    keys = query.sort
    if not keys:
        newest = SortKey("t_min", descending=True)
        keys = (SortKey(RELEVANCE, descending=True), newest) if ranked else (newest,)
    used = [key.column for key in keys]
    return keys if NUMBER in used else (*keys, SortKey(NUMBER))


@dataclass(frozen=True, slots=True)
class Wanted:
    """The part of a result that is asked for."""

    columns: tuple[str, ...]
    order: tuple[SortKey, ...]
    limit: int
    after: Cursor | None

    def select(self, tree: exp.Select) -> exp.Select:
        """Add the columns, then the sort values as ``sort_0`` and so on, and leave out what came before the page."""
        if self.after is not None:
            tree = tree.where(_behind(self.order, self.after.values), copy=False)
        values = [f"{_SOURCES.get(name, OBSERVATION)}.{name}" for name in self.columns]
        values += [f"{_key_text(key)} AS {_SORT_PREFIX}{i}" for i, key in enumerate(self.order)]
        return tree.select(*(numeric(value) for value in values), copy=False)


def read_page(session: Session, scope: Scope, wanted: Wanted) -> tuple[pa.Table, int]:
    """Return up to one row more than a page, with sort values, and the number of all rows."""
    tree = wanted.select(scope.select()).order_by(*ordering(wanted.order), copy=False)
    rows = session.run(tree, limit=wanted.limit + 1)
    if wanted.after is not None:
        return rows, wanted.after.total
    if scope.total is not None:
        return rows, scope.total
    if rows.num_rows <= wanted.limit:
        return rows, rows.num_rows
    return rows, int(session.run(count_tree(scope))["n"][0].as_py())


def read_page_nearby(
    session: Session, scope: Scope, wanted: Wanted, regions: Sequence[Region], match: Match
) -> tuple[pa.Table, int] | None:
    """Do as ``read_page`` in a single statement, for regions around which there is little; None where there is much.

    ``scope`` has no sky condition: all rows that may meet the regions are read, tested and sorted here.
    """
    near = worth_looking_at(session, regions, match)
    if near is None:
        return None
    looks = [numeric(look) for look in LOOKS]
    tree = wanted.select(scope.select().where(near, copy=False)).select(*looks, copy=False)
    rows = session.run(tree, limit=_MOST_NEARBY + 1)
    if rows.num_rows > _MOST_NEARBY:
        return None
    rows = rows.filter(pa.array(meets(rows, regions, match)))
    keys = [(f"{_SORT_PREFIX}{i}", "descending" if key.descending else "ascending", "at_end")
            for i, key in enumerate(wanted.order)]  # fmt: skip
    total = rows.num_rows if wanted.after is None else wanted.after.total
    return rows.take(pc.sort_indices(rows, sort_keys=keys).slice(0, wanted.limit + 1)), total


def ordering(order: Sequence[SortKey]) -> list[exp.Expression]:
    """Return the keys as parts of ORDER BY, missing values last."""
    return [exp.Ordered(this=_key(key), desc=key.descending, nulls_first=False) for key in order]


def count_tree(scope: Scope) -> exp.Select:
    """Return the tree that counts the rows as ``n``."""
    return scope.select().select(exp.alias_(exp.Count(this=exp.Star()), "n"), copy=False)


def last_values(rows: pa.Table, order: Sequence[SortKey]) -> tuple[Scalar | None, ...]:
    """Return the sort values of the last row of a page."""
    values = [rows[f"{_SORT_PREFIX}{i}"][-1].as_py() for i in range(len(order))]
    return tuple(value.replace(tzinfo=UTC) if isinstance(value, datetime) else value for value in values)


def without_sort_values(rows: pa.Table) -> pa.Table:
    """Return a page as it was asked for."""
    return rows.select([name for name in rows.column_names if not name.startswith((_SORT_PREFIX, LOOK_PREFIX))])


def _key(key: SortKey) -> exp.Expression:
    return numeric(_key_text(key))


def _key_text(key: SortKey) -> str:
    return f"{_SOURCES.get(key.column, OBSERVATION)}.{key.column}"


def _behind(order: Sequence[SortKey], values: Sequence[Any]) -> exp.Expression:
    """Return the condition that a row comes after one with these sort values; missing ones come last."""
    if len(order) != len(values):
        raise InvalidQueryError("after", list(values), "a cursor of the same search and sort")
    condition: exp.Expression = exp.false()
    for key, value in reversed(list(zip(order, values, strict=True))):
        subject = _key(key)
        if value is None:
            condition = exp.and_(subject.is_(exp.null()), condition)
            continue
        further = subject < literal(value) if key.descending else subject > literal(value)
        beyond = exp.or_(further, subject.is_(exp.null()))
        condition = exp.or_(beyond, exp.and_(subject.eq(literal(value)), condition))
    return exp.paren(condition)


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text)
