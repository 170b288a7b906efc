"""The rows a search is about: its conditions as parts of a tree, once for pages, counts and facets."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from sqlglot import exp

from deepfield.query.lower import OBSERVATION, where_filter
from deepfield.query.moving import of_body
from deepfield.query.regions import meeting
from deepfield.query.words import find_texts

if TYPE_CHECKING:
    from datetime import datetime

    from deepfield.query.engines.duckdb import Session
    from deepfield.query.filters import Filter, SearchQuery
    from deepfield.query.regions import SkyCondition
    from deepfield.query.targets import Matches
    from deepfield.query.words import TextCondition

_TABLE: Final = exp.to_table("observation", alias=OBSERVATION)


@dataclass(frozen=True, slots=True)
class Scope:
    """What restricts the rows of a search."""

    filters: tuple[tuple[Filter, exp.Expression], ...]
    sky: SkyCondition | None
    text: TextCondition | None
    body: exp.Expression | None = None
    matches: Matches | None = None

    @property
    def ranked(self) -> bool:
        """Whether rows have a relevance."""
        return self.text is not None and self.text.ranked

    @property
    def total(self) -> int | None:
        """How many rows there are, where that is known without counting."""
        if self.filters or self.text is not None:
            return None
        if self.matches is not None:
            return self.matches.rows.num_rows if self.sky is None else None
        return self.sky.total if self.sky is not None else None

    def select(self, *, filtered: bool = True, without: str | None = None) -> exp.Select:
        """Return a tree over the rows, yet without columns.

        Args:
            filtered: whether the filters restrict it, or the region, targets, body and text alone.
            without: a column whose own filters are left out.
        """
        tree = exp.select().from_(_TABLE.copy(), copy=False)
        if self.sky is not None:
            tree = tree.where(self.sky.condition.copy(), copy=False)
        if self.body is not None:
            tree = tree.where(self.body.copy(), copy=False)
        if self.matches is not None:
            tree = self.matches.join(tree)
        if self.text is not None:
            tree = self.text.join(tree)
        for each, condition in self.filters if filtered else ():
            if each.column != without:
                tree = tree.where(condition.copy(), copy=False)
        return tree


def scope_of(
    session: Session, query: SearchQuery, *, now: datetime, sky: bool = True, matches: Matches | None = None
) -> Scope:
    """Look up region, body and text of a search and lower its filters; without ``sky``, leave its region out.

    ``matches`` are those of the targets that the search has.
    """
    if matches is not None:
        matches.offer(session)
    return Scope(
        filters=tuple((each, where_filter(each, now=now)) for each in query.filters),
        sky=meeting(session, query.region, query.match) if sky and query.region is not None else None,
        text=None if query.text is None else find_texts(session, query.text),
        body=None if query.moving is None else of_body(session, query.moving),
        matches=matches,
    )


def with_sky(session: Session, query: SearchQuery, scope: Scope) -> Scope:
    """Look up the region of a search for a scope made without it."""
    if query.region is None:
        return scope
    return replace(scope, sky=meeting(session, query.region, query.match))
