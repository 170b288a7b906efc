"""Searching the observations: pages, facets, footprints, always of one snapshot of the whole archive."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from threading import Lock
from time import perf_counter
from typing import TYPE_CHECKING, Any, Final

import pyarrow as pa

from deepfield.catalogue.schema import load_tables
from deepfield.model.errors import InvalidQueryError, RebuildingError
from deepfield.model.rows import RowStream
from deepfield.query.facets import count_facets, facet_columns, find_ghosts
from deepfield.query.filters import (
    Place,
    SearchQuery,
    SortKey,
    parse_choice,
    parse_columns,
    parse_filters,
    parse_sort,
    parse_whole_number,
)
from deepfield.query.listings import (
    GROUPED,
    OUTLINES,
    counted_groups_tree,
    counting_tree,
    distances,
    file_rows_tree,
    files_tree,
    group_keywords_tree,
    grouped_tree,
    groups_tree,
    listing_tree,
)
from deepfield.query.moving import body_key
from deepfield.query.pages import (
    NUMBER,
    Cursor,
    Wanted,
    count_tree,
    last_values,
    order_of,
    question_of,
    read_page,
    read_page_nearby,
    without_sort_values,
)
from deepfield.query.scatter import axis_column, density, find_axes, points
from deepfield.query.scope import Scope, scope_of, with_sky
from deepfield.query.summaries import footprint_tree, placed_tree, totals_tree
from deepfield.query.targets import MATCHED, count_by_target, find_matches

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from deepfield.model.tables import Column, TableSchema
    from deepfield.query.engines.duckdb import DuckEngine, Session
    from deepfield.query.facets import Facet, Ghosts
    from deepfield.query.listings import FileQuery, Grouping
    from deepfield.query.scatter import Axis
    from deepfield.query.targets import Matches
    from deepfield.services.resolve import Resolve
    from deepfield.services.targets import TargetLists

DEFAULT_LIMIT: Final = 100
_KEPT_MATCHES: Final = 16
_KEPT_PAIRS: Final = 4_000_000
"""Of observations and targets, over all matches kept: some 50 MB."""


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a sorted result. ``next`` is the cursor of the following page, which reads the same snapshot."""

    snapshot: int
    total: int
    columns: tuple[str, ...]
    table: pa.Table
    next: str | None
    elapsed_ms: float
    place: Place | None


@dataclass(frozen=True, slots=True)
class Facets:
    """Facets of a search: ``total`` rows under all filters, ``all`` in the archive."""

    snapshot: int
    total: int
    all: int
    facets: tuple[Facet, ...]
    elapsed_ms: float


@dataclass(frozen=True, slots=True)
class Footprints:
    """Outlines for the sky view; ``total`` counts the rows that have a position, listed or not."""

    snapshot: int
    total: int
    truncated: bool
    table: pa.Table
    elapsed_ms: float


@dataclass(frozen=True, slots=True)
class Scatter:
    """Two columns against each other: ``points``, or the ``density`` of the cells where they are too many."""

    snapshot: int
    total: int
    """Observations with a place on both axes."""
    x: Axis
    y: Axis
    points: pa.Table | None
    density: list[list[int]] | None
    elapsed_ms: float


@dataclass(frozen=True, slots=True)
class Listing:
    """Rows of a result by their place in it; ``total`` counts them all."""

    snapshot: int
    total: int
    table: pa.Table
    distances: NDArray[np.float64] | None = None
    """How far the position asked for is from each footprint, arcsec; 0 within."""


@dataclass(frozen=True, slots=True)
class Status:
    """What the search side of the archive holds; totals are None while there is nothing to read."""

    snapshot: int
    observations: int | None
    products: int | None
    size: int | None
    """Bytes of all current products."""
    percent: float | None
    """Of a rebuild under way."""


class Search:
    """Answers searches of the observations from the replica.

    Counts that depend on region and text alone are kept for the snapshot, for the last ``kept_ghosts`` searches; so
    are the matches of the last few target lists.
    """

    def __init__(
        self,
        engine: DuckEngine,
        resolve: Resolve,
        targets: TargetLists,
        *,
        max_page: int = 1000,
        kept_ghosts: int = 64,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._engine = engine
        self._resolve = resolve
        self._targets = targets
        self.max_page = max_page
        """Most rows of one page."""
        self._kept_ghosts = kept_ghosts
        self._now = now
        self._table = load_tables()["observation"]
        self._ghosts: OrderedDict[object, Ghosts] = OrderedDict()
        self._matches: OrderedDict[object, Matches] = OrderedDict()
        self._totals: tuple[int, tuple[int, int, int]] | None = None
        self._lock = Lock()

    def columns(self) -> TableSchema:
        """Return the description of the observations' columns."""
        return self._table

    def parse(self, params: Mapping[str, str | Sequence[str]]) -> SearchQuery:
        """Read the parameters of a search, as the portal's address and the API have them.

        Raises:
            InvalidQueryError: naming field, value and what would be right.
            UnresolvedNameError: the position is neither coordinates nor a name that anybody knows.
            UnknownTargetListError: there is no such list of targets, or no longer.
        """
        single = _single(params)
        place, region, moving, targets = None, None, None, None
        if "targets" in single:
            if "position" in single:
                raise InvalidQueryError("position", single["position"], "no position beside targets")
            targets = self._targets.places(single["targets"], single.get("radius"))
        elif "position" in single:
            place, region = self._resolve.region(single["position"], single.get("radius"))
            moving = body_key(place.name) if place.kind == "moving" else None
        elif "radius" in single:
            raise InvalidQueryError("radius", single["radius"], "a position or targets to go with it")
        most = 2**63 - 1
        further = () if targets is None else MATCHED
        limit = single.get("limit")
        snapshot = single.get("snapshot")
        return SearchQuery(
            filters=parse_filters(params, self._table),
            region=region,
            targets=targets,
            moving=moving,
            match="center"
            if parse_choice("match", single.get("match", "footprint"), _MATCHES) == "center"
            else "footprint",
            text=single.get("text"),
            sort=parse_sort(single["sort"], self._table, further) if "sort" in single else (),
            columns=parse_columns(single["columns"], self._table, further) if "columns" in single else (),
            limit=DEFAULT_LIMIT if limit is None else parse_whole_number("limit", limit, least=0, most=self.max_page),
            after=single.get("after"),
            snapshot=None if snapshot is None else parse_whole_number("snapshot", snapshot, least=0, most=most),
            place=place,
        )

    def find(self, query: SearchQuery) -> Page:
        """Return a page of observations; without a sort, best matches of a text first, else the newest."""
        started = perf_counter()
        after = None if query.after is None else Cursor.decode(query.after, query)
        columns = query.columns or tuple(column.name for column in self._table.columns if column.shown)
        if query.targets is not None and not query.columns:
            columns += tuple(MATCHED)
        with self._engine.session(query.snapshot if after is None else after.snapshot) as session:
            scope = self._scope(session, query, sky=False)
            order = order_of(query, ranked=scope.ranked)
            wanted = Wanted(columns, order, query.limit, after)
            found = None
            if query.region is not None:
                found = read_page_nearby(session, scope, wanted, query.region, query.match)
            rows, total = found or read_page(session, with_sky(session, query, scope), wanted)
            more = rows.num_rows > query.limit > 0
            rows = rows.slice(0, query.limit)
            values = last_values(rows, order) if more else ()
            cursor = Cursor(question_of(query), session.snapshot, total, values) if more else None
            return Page(
                snapshot=session.snapshot,
                total=total,
                columns=columns,
                table=without_sort_values(rows),
                next=None if cursor is None else cursor.encode(),
                elapsed_ms=_milliseconds(started),
                place=query.place,
            )

    def export(self, query: SearchQuery, *, page: int = 20_000) -> RowStream:
        """Return all rows of a search in the order of ``find``, of one snapshot, read page by page as they are wanted.

        The first page is read at once, so that what is wrong with the search is known before the first row.
        """
        first = self.find(replace(query, limit=page))

        def batches() -> Iterator[pa.RecordBatch]:
            at = first
            while True:
                yield from at.table.to_batches()
                if at.next is None:
                    return
                at = self.find(replace(query, limit=page, after=at.next))

        columns = [MATCHED.get(name) or self._table.column(name) for name in first.columns]
        return RowStream(columns, batches(), snapshot=first.snapshot)

    def listing(self, query: SearchQuery, *, offset: int = 0, near: tuple[float, float] | None = None) -> Listing:
        """Return ``query.limit`` rows from ``offset`` on, by number of the observation unless the query has a sort.

        ``near`` is a position (ICRS degrees) from which distances are measured.
        """
        wanted = tuple(dict.fromkeys((*query.columns, *(OUTLINES if near is not None else ()))))
        with self._engine.session(query.snapshot) as session:
            scope = self._scope(session, query)
            order = (*query.sort, SortKey(NUMBER))
            rows = session.run(listing_tree(scope, wanted, order, offset), limit=query.limit)
            total = rows.num_rows if offset == 0 and rows.num_rows < query.limit else _count(session, scope)
        away = None if near is None else distances(rows, *near)
        return Listing(session.snapshot, total, rows.select(list(query.columns)), away)

    def files(self, query: SearchQuery, files: FileQuery, *, offset: int = 0) -> Listing:
        """Return ``query.limit`` current files of the observations of a search from ``offset`` on, by name.

        The columns of tables ``artifact`` and ``keyword`` are called ``file_…`` and ``keyword_…`` beside
        ``query.columns`` of the observation.
        """
        with self._engine.session(query.snapshot) as session:
            scope = self._scope(session, query)
            tree = files_tree(scope, files)
            page = file_rows_tree(tree, query.columns, files, offset=offset, limit=query.limit)
            rows = session.run(page, limit=query.limit)
            known = offset == 0 and rows.num_rows < query.limit
            total = rows.num_rows if known else int(session.run(counting_tree(tree))["n"][0].as_py())
            return Listing(session.snapshot, total, rows)

    def groups(
        self,
        query: SearchQuery,
        grouping: Grouping,
        *,
        order: Sequence[tuple[str, bool]],
        offset: int,
        limit: int,
    ) -> Listing:
        """Return groups of the observations of a search with column ``name`` and the aggregates of the grouping.

        ``order`` holds columns and whether they descend; the name breaks ties.
        """
        with self._engine.session(query.snapshot) as session:
            grouped = grouped_tree(self._scope(session, query), grouping)
            rows = session.run(groups_tree(grouped.copy(), order, offset), limit=limit)
            known = offset == 0 and rows.num_rows < limit
            total = rows.num_rows if known else int(session.run(counted_groups_tree(grouped))["n"][0].as_py())
            return Listing(session.snapshot, total, rows)

    def group_keywords(
        self, groups: Mapping[str, Sequence[int]], columns: Sequence[str], *, snapshot: int
    ) -> dict[str, dict[str, Any]]:
        """Return, by group, columns of table ``keyword`` of the first file of its observations that has a value."""
        pairs = [(name, number) for name, numbers in groups.items() for number in numbers]
        offered = pa.table({"name": [name for name, _ in pairs], "obs_number": [number for _, number in pairs]})
        with self._engine.session(snapshot) as session:
            session.offer(GROUPED, offered)
            rows = session.run(group_keywords_tree(columns)).to_pylist()
        return {row["name"]: {name: row[f"keyword_{name}"] for name in columns} for row in rows}

    def count(self, query: SearchQuery) -> int:
        """Return how many observations a search finds."""
        with self._engine.session(query.snapshot) as session:
            return _count(session, self._scope(session, query))

    def count_by_target(self, query: SearchQuery) -> list[int]:
        """Return for each target with a place of the list of a search how many observations found match it.

        Raises:
            InvalidQueryError: the search has no targets.
        """
        if query.targets is None:
            raise InvalidQueryError("targets", None, "the identifier of a list of targets")
        with self._engine.session(query.snapshot) as session:
            scope = self._scope(session, query)
            assert scope.matches is not None
            return count_by_target(session, scope, scope.matches, len(query.targets.names))

    def facets(self, query: SearchQuery, columns: Sequence[str] | None = None) -> Facets:
        """Count the values of columns over the whole archive, each under the filters on the other columns."""
        started, now = perf_counter(), self._now()
        wanted = facet_columns(self._table, columns)
        with self._engine.session(query.snapshot) as session:
            scope = self._scope(session, query, now=now)
            ghosts = self._ghosts_of(session, scope, query, wanted, now)
            facets, total = count_facets(session, scope, wanted, ghosts, query, now=now)
            everything, _, _ = self._totals_of(session)
            return Facets(session.snapshot, total, everything, facets, _milliseconds(started))

    def footprints(self, query: SearchQuery, limit: int = 20_000) -> Footprints:
        """Return the outlines of at most ``limit`` observations with a position, in the order of ``find``."""
        started = perf_counter()
        with self._engine.session(query.snapshot) as session:
            scope = self._scope(session, query)
            order = order_of(query, ranked=scope.ranked)
            rows = session.run(footprint_tree(scope, order), limit=limit + 1)
            truncated = rows.num_rows > limit
            total = session.run(placed_tree(scope))["n"][0].as_py() if truncated else rows.num_rows
            return Footprints(session.snapshot, total, truncated, rows.slice(0, limit), _milliseconds(started))

    def scatter(self, query: SearchQuery, x: str, y: str, limit: int = 20_000) -> Scatter:
        """Lay the observations found out along two columns; above ``limit`` points, count them on a grid.

        Raises:
            UnknownColumnError, InvalidQueryError: a column that an axis cannot show.
        """
        started = perf_counter()
        columns = [axis_column(name, self._table, side) for side, name in (("x", x), ("y", y))]
        with self._engine.session(query.snapshot) as session:
            scope = self._scope(session, query)
            across, upwards = find_axes(session, scope, *columns)
            found, total = points(session, scope, across, upwards, limit=limit)
            cells = density(session, scope, across, upwards) if found is None else None
            return Scatter(session.snapshot, total, across, upwards, found, cells, _milliseconds(started))

    def status(self, progress: float | None = None) -> Status:
        """Return totals and snapshot; ``progress`` is the percentage of a rebuild under way."""
        try:
            with self._engine.session() as session:
                observations, products, size = self._totals_of(session)
                return Status(session.snapshot, observations, products, size, progress)
        except RebuildingError as error:
            return Status(0, None, None, None, error.percent)

    def _scope(self, session: Session, query: SearchQuery, *, now: datetime | None = None, sky: bool = True) -> Scope:
        return scope_of(session, query, now=now or self._now(), sky=sky, matches=self._matches_of(session, query))

    def _matches_of(self, session: Session, query: SearchQuery) -> Matches | None:
        """Return the matches of the targets of a search, kept for the snapshot."""
        if query.targets is None:
            return None
        key = (session.snapshot, query.targets.key, query.match)
        with self._lock:
            kept = self._matches.get(key)
        if kept is not None:
            return kept
        matches = find_matches(session, query.targets, query.match)
        with self._lock:
            self._matches[key] = matches
            while len(self._matches) > 1 and sum(each.pairs.num_rows for each in self._matches.values()) > _KEPT_PAIRS:
                self._matches.popitem(last=False)
            while len(self._matches) > _KEPT_MATCHES:
                self._matches.popitem(last=False)
        return matches

    def _ghosts_of(
        self, session: Session, scope: Scope, query: SearchQuery, columns: Sequence[Column], now: datetime
    ) -> Ghosts:
        """Return the counts under region and text alone, kept for the snapshot while no release changes them."""
        names = tuple(column.name for column in columns)
        targets = None if query.targets is None else query.targets.key
        key = (session.snapshot, query.region, targets, query.moving, query.match, query.text, names)
        with self._lock:
            kept = self._ghosts.get(key)
        if kept is not None and kept.holds(now):
            return kept
        ghosts = find_ghosts(session, scope, columns, now=now)
        with self._lock:
            self._ghosts[key] = ghosts
            while len(self._ghosts) > self._kept_ghosts:
                self._ghosts.popitem(last=False)
        return ghosts

    def _totals_of(self, session: Session) -> tuple[int, int, int]:
        kept = self._totals
        if kept is not None and kept[0] == session.snapshot:
            return kept[1]
        row = session.run(totals_tree()).to_pylist()[0]
        totals = (row["observations"], row["products"], row["size"])
        self._totals = (session.snapshot, totals)
        return totals


def _count(session: Session, scope: Scope) -> int:
    return scope.total if scope.total is not None else int(session.run(count_tree(scope))["n"][0].as_py())


_MATCHES: Final = ("footprint", "center")


def _single(params: Mapping[str, str | Sequence[str]]) -> dict[str, str]:
    single: dict[str, str] = {}
    for name, value in params.items():
        texts = [value] if isinstance(value, str) else list(value)
        if name in _ONCE and len(texts) != 1:
            raise InvalidQueryError(name, texts, "the parameter once")
        single[name] = texts[0]
    return single


_ONCE: Final = frozenset(
    {"position", "radius", "match", "targets", "text", "sort", "columns", "limit", "after", "snapshot"}
)


def _milliseconds(started: float) -> float:
    return round((perf_counter() - started) * 1e3, 3)
