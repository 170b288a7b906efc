"""Pages of a sorted result by keyset: a cursor holds the sort values of the last row, and its snapshot."""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from sqlglot import exp

from deepfield.model.errors import InvalidQueryError
from deepfield.query.filters import SortKey
from deepfield.query.lower import column, literal
from deepfield.query.words import HIT, RELEVANCE

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pyarrow as pa

    from deepfield.query.filters import Scalar, SearchQuery
    from deepfield.query.scope import Scope

NUMBER: Final = "obs_number"
_SORT_PREFIX: Final = "sort_"


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
    parts = (query.filters, query.region, query.match, query.text, query.sort, query.snapshot)
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:16]


def order_of(query: SearchQuery, *, ranked: bool) -> tuple[SortKey, ...]:
    """Return the keys that rows are sorted by; the observation number breaks every tie."""
    keys = query.sort
    if not keys:
        newest = SortKey("t_min", descending=True)
        keys = (SortKey(RELEVANCE, descending=True), newest) if ranked else (newest,)
    used = [key.column for key in keys]
    return keys if NUMBER in used else (*keys, SortKey(NUMBER))


def page_tree(scope: Scope, columns: Sequence[str], order: Sequence[SortKey], after: Cursor | None) -> exp.Select:
    """Return the tree of one page: the columns asked for, then its sort values as ``sort_0`` and so on."""
    tree = scope.select()
    if after is not None:
        tree = tree.where(_behind(order, after.values), copy=False)
    tree = tree.select(*(column(name) for name in columns), copy=False)
    tree = tree.select(*(exp.alias_(_key(key), f"{_SORT_PREFIX}{i}") for i, key in enumerate(order)), copy=False)
    return tree.order_by(*ordering(order), copy=False)


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
    return rows.select([name for name in rows.column_names if not name.startswith(_SORT_PREFIX)])


def _key(key: SortKey) -> exp.Expression:
    return exp.column(RELEVANCE, HIT) if key.column == RELEVANCE else column(key.column)


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
