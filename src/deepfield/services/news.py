"""What happened to the archive lately: what came, what changed, what became public, by programme and day."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any, Final, Literal
from urllib.parse import urlencode

from deepfield.query.facets import CategoryFacet
from deepfield.query.listings import Grouping

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from deepfield.services.search import Search

Happening = Literal["archived", "changed", "public"]
MOST: Final = 500
"""Programmes and days that one answer names of each happening."""
_COLUMNS: Final[Mapping[Happening, str]] = {
    "archived": "archived_at",
    "changed": "modified_at",
    "public": "data_release",
}


@dataclass(frozen=True, slots=True)
class Item:
    """What happened to one programme on one day, UTC."""

    programme: str
    day: date
    title: str | None
    pi: str | None
    instruments: tuple[str, ...]
    observations: int
    latest: datetime
    """The last of it, UTC."""
    is_public: bool
    """Whether all of these observations are public."""
    exclusive_until: datetime | None
    """The latest release among them, while it lies ahead and is known."""
    search: Mapping[str, str]
    """Parameters of the search that finds them."""


@dataclass(frozen=True, slots=True)
class News:
    """Everything of one happening in a span of time."""

    happening: Happening
    observations: int
    instruments: Mapping[str, int]
    """Observations by instrument."""
    items: tuple[Item, ...]
    """The latest first."""
    total: int
    """Items, listed or not."""
    search: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Bulletin:
    """The news of the archive between two moments, as of a snapshot."""

    since: datetime
    until: datetime
    snapshot: int
    news: tuple[News, ...]


class Newsroom:
    """Tells what happened lately. Only what everybody may see: programmes, times and counts."""

    def __init__(self, search: Search, *, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._search, self._now = search, now

    def bulletin(self, days: int) -> Bulletin:
        """Return the news of today and of the days before, so many days (UTC) in all.

        Raises:
            RebuildingError: nothing can be searched at the moment.
        """
        until = self._now().replace(microsecond=0)
        since = datetime.combine(until.date() - timedelta(days=days - 1), time(), UTC)
        snapshot = self._search.status().snapshot
        news = tuple(self._news(happening, since, until, snapshot) for happening in _COLUMNS)
        return Bulletin(since, until, snapshot, news)

    def _news(self, happening: Happening, since: datetime, until: datetime, snapshot: int) -> News:
        wanted = _search(happening, since, until if happening == "public" else None, since)
        query = self._search.parse({**wanted, "snapshot": str(snapshot)})
        column = _COLUMNS[happening]
        grouping = Grouping(
            subject="proposal_id",
            day=column,
            aggregates=(
                ("title", "first", "proposal_title"),
                ("pi", "first", "proposal_pi"),
                ("instruments", "set", "instrument_name"),
                ("observations", "count", "obs_number"),
                ("latest", "max", column),
                ("release", "max", "data_release"),
                ("dated", "count", "data_release"),
            ),
        )
        order = (("day", True), ("observations", True))
        listing = self._search.groups(query, grouping, order=order, offset=0, limit=MOST)
        facets = self._search.facets(query, ["instrument_name"])
        counted = [each for facet in facets.facets if isinstance(facet, CategoryFacet) for each in facet.values]
        return News(
            happening=happening,
            observations=facets.total,
            instruments={str(each.value): each.count for each in counted if each.value and each.count},
            items=tuple(_item(row, happening, since, until) for row in listing.table.to_pylist()),
            total=listing.total,
            search=wanted,
        )


def _search(happening: Happening, first: datetime, last: datetime | None, since: datetime) -> dict[str, str]:
    """Return the parameters of the search for what happened from one moment on, to another if one is given.

    What came since the beginning of the news has not changed: it is new.
    """
    span = {_COLUMNS[happening]: f"{_text(first)}..{'' if last is None else _text(last)}"}
    return {**span, "archived_at": f"..{_text(since)}"} if happening == "changed" else span


def _item(row: Mapping[str, Any], happening: Happening, since: datetime, until: datetime) -> Item:
    start = datetime.combine(row["day"], time(), UTC)
    end = start + timedelta(days=1, microseconds=-1)
    search = _search(happening, start, min(end, until) if happening == "public" else end, since)
    programme = row["name"] or ""
    release = row["release"].replace(tzinfo=UTC) if row["release"] else None
    return Item(
        programme=programme,
        day=row["day"],
        title=row["title"],
        pi=row["pi"],
        instruments=tuple(sorted(each for each in row["instruments"] if each)),
        observations=row["observations"],
        latest=row["latest"].replace(tzinfo=UTC),
        is_public=row["dated"] == row["observations"] and (release is None or release <= until),
        exclusive_until=release if release is not None and release > until else None,
        search={**search, "proposal_id": programme or "null"},
    )


def address_of(search: Mapping[str, str]) -> str:
    """Return where the portal shows a search."""
    return f"/?{urlencode(search, safe=':,')}"


def _text(moment: datetime) -> str:
    return moment.replace(tzinfo=None).isoformat()
