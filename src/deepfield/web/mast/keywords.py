"""``Mast.Jwst.Filtered.*``: one row for each FITS file, with the keywords of its header.

Every filter becomes a condition on a column: of the file, of its observation, or of table ``keyword``.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import cache, partial
from typing import TYPE_CHECKING, Any, Final

from deepfield.missions.jwst.keywords import header_keywords
from deepfield.model.errors import InvalidQueryError
from deepfield.model.identifiers import artifact_uri
from deepfield.query.filters import Between, Equal, Filter, Like, Missing, SearchQuery
from deepfield.query.listings import FileQuery
from deepfield.query.moments import mjd, moment_of, parse_period
from deepfield.web.mast.answers import Answer, count_answer, ticks
from deepfield.web.mast.columns import MastColumn, choose, columns_of, read_table
from deepfield.web.mast.filters import FALSE, TRUE, MastFilter, lowered, read_filters, truth
from deepfield.web.mast.observations import COUNT

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence

    from deepfield.missions.jwst.keywords import Keyword
    from deepfield.web.mast.observations import Ask

INSTRUMENTS: Final = {"Nircam": "NIRCAM", "Niriss": "NIRISS", "Nirspec": "NIRSPEC", "Miri": "MIRI", "Fgs": "FGS"}
SERVICES: Final = (*INSTRUMENTS, "GuideStar", "Wss")
OTHER_FILES: Final = {
    "GuideStar": ("o", Filter("obs_id", (Like(("jw", "_gs-", "")),))),
    "Wss": ("f", Filter("suffix", (Equal("opd"),))),
}
"""By what the files of services that are not of an instrument are told from those of the instruments."""
_FILE: Final = ("filename", "suffix", "content_length", "sha256", "archived_at", "data_release")
_OBSERVATION: Final = ("obs_number", "s_region")
_BEFORE: Final = "cal_ver"
"""The keyword before which MAST has the footprint."""
_TICKS: Final = re.compile(r"/Date\((-?\d{1,15})\)/")
_TICK: Final = 0.001 / 86400
"""Days of a millisecond, to which moments are told by leaving the rest out."""


@cache
def keywords(service: str) -> Mapping[str, Keyword]:
    """Return the keywords of a service by column name."""
    wanted = {service} | ({"science"} if service in INSTRUMENTS else set())
    return {name: keyword for name, keyword in header_keywords().items() if wanted & set(keyword.services.split())}


_OF_SERVICE: Final = {"ap_type": "Wss", "isJitter": "GuideStar"}
"""Columns of the file that one service alone has."""


@cache
def columns(service: str) -> tuple[MastColumn, ...]:
    """Return the columns of a service in MAST's order, each moment before its MJD."""
    files = [column for column in columns_of("files.tsv") if _OF_SERVICE.get(column.name, service) == service]
    named = {column.name: column for column in files}
    told = _arranged(service, [_column(keyword) for keyword in keywords(service).values()])
    uri = named["dataURI"]
    if service in OTHER_FILES:
        listed = [*(_renamed(column) for column in files if column.name not in {"dataURI", "s_region"}), *told, uri]
    else:
        footprint = named["s_region"]
        told.insert(next(at for at, column in enumerate(told) if column.name == _BEFORE), footprint)
        listed = [*files[:4], *told, *(column for column in files[4:] if column is not footprint)]
    known = {column.name for column in listed}
    return tuple(each for column in listed for each in (*_twin(column, known), column))


def _arranged(service: str, told: list[MastColumn]) -> list[MastColumn]:
    """Put what a service has of its own into MAST's order, after what all instruments share."""
    order = {row["service"]: row["keywords"].split() for row in read_table("orders.tsv")}.get(service, [])
    place = {name: at for at, name in enumerate(order)}
    return sorted(told, key=lambda column: place.get(column.name, -1))


def _twin(column: MastColumn, known: Collection[str]) -> Iterator[MastColumn]:
    """Yield the moment that is told beside an MJD, unless the header has a keyword of that name."""
    name = column.name.removesuffix("_mjd")
    if name not in {column.name, *known}:
        yield MastColumn(name, "datetime", source=column.name, how="ticks", meaning=column.meaning)


def _column(keyword: Keyword) -> MastColumn:
    types: dict[str, Any] = {"int64": "int", "float64": "float", "string": "string"}
    own = keyword.column
    return MastColumn(
        keyword.name,
        types[own.type],
        label=keyword.name,
        unit=own.unit or "",
        meaning=keyword.meaning,
        source=f"k.{own.name}",
        how=_HOW.get(keyword.kind, "copy"),
    )


_HOW: Final = {"number_text": "program", "flag": "flag"}
"""How values of a kind of keyword are compared, where they are not as they stand."""


def _renamed(column: MastColumn) -> MastColumn:
    """Files of guiding and wavefront sensing have their name in ``fileName``, all others in ``filename``."""
    return replace(column, name="fileName") if column.name == "filename" else column


def service(name: str) -> Callable[[Ask], Answer]:
    """Return what answers ``Mast.Jwst.Filtered.<name>``."""
    return partial(filtered, name)


def filtered(name: str, ask: Ask) -> Answer:
    """Answer a service with the files that meet its filters.

    Raises:
        InvalidQueryError: there is no list of filters, or one of them is wrong.
    """
    known = columns(name)
    now = datetime.now(UTC)
    plan = _planned(name, read_filters(ask.params.get("filters"), known), now)
    text = ask.params.get("columns", "*")
    counting = isinstance(text, str) and text.replace(" ", "").upper() == COUNT
    shown = known if counting else choose(known, text)
    sources = dict.fromkeys(each for column in shown for each in _sources(column, known))
    query = SearchQuery(
        filters=tuple(plan.observations),
        columns=_OBSERVATION,
        snapshot=ask.snapshot,
        limit=1 if counting else ask.limit,
    )
    files = FileQuery(
        filters=tuple(plan.files),
        keyword_filters=tuple(plan.keywords),
        columns=_FILE,
        keyword_columns=tuple(source[2:] for source in sources if source.startswith("k.")),
    )
    found = ask.archive.search.files(query, files, offset=0 if counting else ask.offset)
    if counting:
        return count_answer(found.total)
    return Answer(
        shown,
        found.table.num_rows,
        found.total,
        lambda a, b: _made(shown, known, found.table.slice(a, b - a).to_pylist(), now),
    )


# Filters -------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Plan:
    """Conditions by the table that they are on."""

    observations: list[Filter] = field(default_factory=list)
    files: list[Filter] = field(default_factory=list)
    keywords: list[Filter] = field(default_factory=list)

    def add(self, table: str, condition: Filter | None) -> None:
        """Add a condition on a table by the letter that sources have for it; None is met by every row."""
        if condition is not None:
            {"o": self.observations, "f": self.files, "k": self.keywords}[table].append(condition)


def _planned(name: str, wanted: Iterable[MastFilter], now: datetime) -> Plan:
    plan = Plan()
    plan.add("f", Filter("extension", (Equal("fits"),)))
    if name in OTHER_FILES:
        plan.add(*OTHER_FILES[name])
    else:
        plan.add("o", Filter("instrument_name", (Equal(INSTRUMENTS[name]),)))
        for table, condition in OTHER_FILES.values():
            plan.add(table, replace(condition, anyof=(), noneof=condition.anyof))
    for each in wanted:
        asked = _of_moment(each, columns(name)) if each.column.how == "ticks" else each
        plan.add(*_condition(asked, now))
    return plan


def _condition(wanted: MastFilter, now: datetime) -> tuple[str, Filter | None]:
    column = wanted.column
    table, _, source = column.source.partition(".")
    if column.how == "restricted":
        return table, _restricted(wanted, source, now)
    if column.how == "fixed":
        return "o", lowered(_as_words(wanted) if column.type == "boolean" else wanted)
    asked = _as_flags(wanted) if column.how == "flag" else wanted
    asked = replace(asked, column=replace(column, source=source, how="copy" if column.how == "flag" else column.how))
    condition = lowered(asked)
    if condition is not None and column.type == "string" and "" in wanted.values:
        condition = replace(condition, anyof=(*condition.anyof, Missing()))
    return table, condition


def _as_flags(wanted: MastFilter) -> MastFilter:
    """Read true and false, however they are written, as the flags that the column holds."""
    words = dict.fromkeys(TRUE, "t") | dict.fromkeys(FALSE, "f")
    values = tuple(None if value is None else words.get(str(value).lower(), value) for value in wanted.values)
    return replace(wanted, values=values)


def _as_words(wanted: MastFilter) -> MastFilter:
    return replace(wanted, values=tuple(str(truth(wanted.column, value)).lower() for value in wanted.values))


def _restricted(wanted: MastFilter, source: str, now: datetime) -> Filter | None:
    chosen = {truth(wanted.column, value) for value in wanted.values}
    if wanted.ranges or wanted.pattern is not None:
        raise InvalidQueryError(wanted.column.name, wanted.ranges or wanted.pattern, "true or false")
    if len(chosen) != 1:
        return None
    later = (Missing(), Between(now + timedelta(microseconds=1), None))
    return Filter(source, later if chosen == {True} else (Between(None, now),))


def _of_moment(wanted: MastFilter, known: Sequence[MastColumn]) -> MastFilter:
    """Return the same filter on the MJD of a moment, which may be written ``/Date(ms)/`` or in ISO 8601.

    Raises:
        InvalidQueryError: a value is neither.
    """
    column = wanted.column
    if wanted.pattern is not None:
        raise InvalidQueryError(column.name, wanted.pattern, "a moment or a range of moments")
    exact = [None if value in {None, ""} else _day(column, value) for value in wanted.values]
    ranges = [(_end(column, low), _end(column, high)) for low, high in wanted.ranges]
    around = [(day - _TICK / 10, day + _TICK) for day in exact if day is not None]
    twin = next(each for each in known if each.name == column.source)
    return MastFilter(twin, values=(None,) if None in exact else (), ranges=(*around, *ranges))


def _end(column: MastColumn, value: Any) -> float | None:
    return None if value is None else _day(column, value)


def _day(column: MastColumn, value: Any) -> float:
    written = _TICKS.fullmatch(value.strip()) if isinstance(value, str) else None
    if written is not None:
        return mjd(datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=int(written[1])))
    if isinstance(value, str):
        return mjd(parse_period(column.name, value).start)
    raise InvalidQueryError(column.name, value, "a moment such as /Date(1712689643699)/ or 2024-04-09T19:07:23")


# Rows ----------------------------------------------------------------------------------------------------------------


def _sources(column: MastColumn, known: Sequence[MastColumn]) -> tuple[str, ...]:
    if column.how == "ticks":
        return (next(each.source for each in known if each.name == column.source),)
    return (column.source,)


def _made(
    shown: Sequence[MastColumn], known: Sequence[MastColumn], rows: Sequence[Mapping[str, Any]], now: datetime
) -> list[dict[str, Any]]:
    """Return rows as MAST has them."""
    twins = {column.name: column for column in known}
    return [{column.name: _value(column, row, twins, now) for column in shown} for row in rows]


def _value(column: MastColumn, row: Mapping[str, Any], twins: Mapping[str, MastColumn], now: datetime) -> Any:
    if column.how == "ticks":
        days = _value(twins[column.source], row, twins, now)
        return None if days is None else ticks(moment_of(days))
    if column.how == "fixed":
        return column.source == "true" if column.type == "boolean" else column.source
    table, _, name = column.source.partition(".")
    value = row.get({"f": f"file_{name}", "k": f"keyword_{name}"}.get(table, name))
    return _WRITTEN[column.how](value, now) if column.how in _WRITTEN else value


_WRITTEN: Final[Mapping[str, Callable[[Any, datetime], Any]]] = {
    "mjd": lambda value, _now: None if value is None else mjd(value.replace(tzinfo=UTC)),
    "uri": lambda value, _now: artifact_uri(value),
    "restricted": lambda value, now: value is None or value.replace(tzinfo=UTC) > now,
}
"""How what is known of a file is written, by the ``how`` of the column; all else as it stands."""
