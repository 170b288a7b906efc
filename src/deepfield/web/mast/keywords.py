"""``Mast.Jwst.Filtered.*``: one row for each FITS file, with the keywords of its header.

What the catalogue has of a file or its observation is searched there. Other keywords are compared in the headers of the
files that are left, of which there may be so many and no more.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cache, partial
from typing import TYPE_CHECKING, Any, Final

from deepfield.ingest.times import parse_time
from deepfield.missions.jwst.tables import tables_of
from deepfield.model.errors import InvalidQueryError
from deepfield.model.identifiers import artifact_uri
from deepfield.products.header import Header
from deepfield.query.filters import Between, Equal, Filter, Missing, Pattern, Same, SearchQuery
from deepfield.query.moments import mjd, moment_of
from deepfield.web.mast.answers import Answer, count_answer, ticks
from deepfield.web.mast.columns import MastColumn, choose, columns_of, read_table
from deepfield.web.mast.filters import MastFilter, like_parts, lowered, matches, read_filters, sql_like, truth
from deepfield.web.mast.missions import FILESET
from deepfield.web.mast.observations import COUNT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from deepfield.query.filters import Term
    from deepfield.web.mast.observations import Ask

MOST_CANDIDATES: Final = 20_000
"""Files whose headers one request may have read."""
INSTRUMENTS: Final = {"Nircam": "NIRCAM", "Niriss": "NIRISS", "Nirspec": "NIRSPEC", "Miri": "MIRI", "Fgs": "FGS"}
SERVICES: Final = (*INSTRUMENTS, "GuideStar", "Wss")
OTHER_FILES: Final = {"GuideStar": r"gs-.*", "Wss": "opd"}
"""Suffixes of the files of the services that are not of an instrument."""
_OWN: Final = {
    "program": "proposal_id", "observtn": "observation_number", "visit_id": "visit_id", "exp_type": "exp_type",
    "instrume": "instrument_name", "template": "template", "apername": "aperture", "subarray": "subarray",
    "pi_name": "proposal_pi", "title": "proposal_title", "category": "proposal_type", "visitsta": "visit_status",
}  # fmt: skip
"""Keywords that the observation carries as they stand in the header."""
_WHEN: Final = frozenset({"date_obs_mjd", "date_beg_mjd", "date_end_mjd", "expstart", "expmid", "expend"})
"""Moments between the start and the end of the observation."""
_SLACK_DAYS: Final = 0.01
_FILE: Final = ("artifact_number", "filename", "suffix", "content_length", "sha256", "archived_at", "data_release")
_OBSERVATION: Final = ("obs_number", "obs_id", "algorithm", "s_region", *_OWN.values())


@dataclass(frozen=True, slots=True)
class Keyword:
    """A column that is a header keyword."""

    name: str
    keyword: str
    kind: str
    unit: str
    services: str
    meaning: str

    def column(self) -> MastColumn:
        """Return the column as MAST has it."""
        types = {"int": "int", "float": "float", "moment": "float"}
        unit = "d" if self.kind == "moment" else self.unit
        kind: Any = types.get(self.kind, "string")
        return MastColumn(self.name, kind, label=self.name, unit=unit, meaning=self.meaning, how="keyword")

    def read(self, header: Header) -> Any:
        """Return the value in a header, of the type of the column."""
        if " " in self.keyword:
            parts = [header.first(keyword) for keyword in self.keyword.split()]
            value: Any = "T".join(str(part) for part in parts) if all(parts) else parts[0]
        else:
            value = header.first(self.keyword)
        return None if value is None else _READ[self.kind](value)


def _as_float(value: Any) -> float | None:
    try:
        number = float(value)
    except (TypeError, ValueError):
        return None
    return number if number == number and abs(number) != float("inf") else None  # noqa: PLR0124  NaN


def _as_int(value: Any) -> int | None:
    number = _as_float(value)
    return None if number is None else int(number)


def _as_mjd(value: Any) -> float | None:
    if isinstance(value, int | float):
        return float(value)
    moment = parse_time(value)
    return None if moment is None else mjd(moment)


def _as_flag(value: Any) -> str:
    return "t" if value in {True, "T", "t"} else "f"


def _as_number_text(value: Any) -> str:
    text = str(value).strip()
    return text.lstrip("0") or "0" if text.isdecimal() else text


_READ: Final[Mapping[str, Callable[[Any], Any]]] = {
    "string": lambda value: str(value).strip(),
    "int": _as_int,
    "float": _as_float,
    "moment": _as_mjd,
    "flag": _as_flag,
    "number_text": _as_number_text,
    "visit": lambda value: str(value)[1:12],
}


@cache
def keywords(service: str) -> Mapping[str, Keyword]:
    """Return the keywords of a service by column name."""
    wanted = {service} | ({"science"} if service in INSTRUMENTS else set())
    rows = (Keyword(**row) for row in read_table("keywords.tsv"))
    return {row.name: row for row in rows if wanted & set(row.services.split())}


@cache
def columns(service: str) -> tuple[MastColumn, ...]:
    """Return the columns of a service in MAST's order: of the file, keywords, of the file again, then dates."""
    files = [column for column in columns_of("files.tsv") if column.name != "ap_type" or service == "Wss"]
    if service in OTHER_FILES:
        files = [_renamed(column) for column in files]
    listed = [*files[:4], *(keyword.column() for keyword in keywords(service).values()), *files[4:]]
    twins = [
        MastColumn(
            column.name.removesuffix("_mjd"), "datetime", source=column.name, how="ticks", meaning=column.meaning
        )
        for column in listed
        if column.name.endswith("_mjd")
    ]
    return (*listed, *twins)


def _renamed(column: MastColumn) -> MastColumn:
    """Files of guiding and wavefront sensing have their name in ``fileName``, all others in ``filename``."""
    return replace(column, name="fileName") if column.name == "filename" else column


def service(name: str) -> Callable[[Ask], Answer]:
    """Return what answers ``Mast.Jwst.Filtered.<name>``."""
    return partial(filtered, name)


def filtered(name: str, ask: Ask) -> Answer:
    """Answer a service with the files that meet its filters.

    Raises:
        InvalidQueryError: there is no filter at all, or too many headers would have to be read.
    """
    known = columns(name)
    wanted = read_filters(ask.params.get("filters"), known)
    text = ask.params.get("columns", "*")
    counting = isinstance(text, str) and text.replace(" ", "").upper() == COUNT
    shown = known if counting else choose(known, text)
    plan = _planned(name, wanted)
    query = SearchQuery(filters=plan.observations, columns=_OBSERVATION, snapshot=ask.snapshot, limit=ask.limit)
    if not plan.in_headers:
        found = ask.archive.search.files(query, plan.files, file_columns=_FILE, offset=ask.offset)
        if counting:
            return count_answer(found.total)
        rows = found.table.to_pylist()
        return Answer(shown, len(rows), found.total, lambda a, b: _made(ask, name, shown, rows[a:b]))
    everything = SearchQuery(
        filters=plan.observations, columns=_OBSERVATION, snapshot=ask.snapshot, limit=MOST_CANDIDATES + 1
    )
    candidates = ask.archive.search.files(everything, plan.files, file_columns=_FILE)
    if candidates.total > MOST_CANDIDATES:
        reason = f"fewer than {candidates.total} files to compare {plan.in_headers[0].column.name} in; add a filter"
        raise InvalidQueryError("filters", plan.in_headers[0].column.name, f"{reason} such as program or date_obs_mjd")
    rows = _among(ask, name, plan.in_headers, candidates.table.to_pylist())
    if counting:
        return count_answer(len(rows))
    page = rows[ask.offset : ask.offset + ask.limit]
    return Answer(shown, len(page), len(rows), lambda a, b: _made(ask, name, shown, page[a:b]))


@dataclass(frozen=True, slots=True)
class Plan:
    """Which filters the catalogue answers, and which are compared in headers."""

    observations: tuple[Filter, ...]
    files: tuple[Filter, ...]
    in_headers: tuple[MastFilter, ...]


def _planned(name: str, wanted: Iterable[MastFilter]) -> Plan:
    observations, in_headers = [], []
    files = [Filter("extension", (Equal("fits"),))]
    if name in INSTRUMENTS:
        observations.append(Filter("instrument_name", (Equal(INSTRUMENTS[name]),)))
        files.append(Filter("suffix", noneof=tuple(map(Pattern, OTHER_FILES.values()))))
    else:
        files.append(Filter("suffix", (Pattern(OTHER_FILES[name]),)))
    for each in wanted:
        column = each.column
        if column.how == "keyword" and column.name in _OWN:
            observations.append(Filter(_OWN[column.name], tuple(_own_terms(each))))
        elif column.how in {"keyword", "stage", "fileset", "restricted", "ticks"}:
            in_headers.append(each)
            observations += _around(each)
        else:
            lowered_filter = lowered(_bare(each))
            if lowered_filter is not None:
                (files if column.source.startswith("f.") else observations).append(lowered_filter)
    return Plan(tuple(observations), tuple(files), tuple(in_headers))


def _bare(wanted: MastFilter) -> MastFilter:
    if wanted.column.how == "fixed" and wanted.column.type == "boolean":
        return replace(wanted, values=tuple(str(truth(wanted.column, value)).lower() for value in wanted.values))
    if wanted.column.how == "fixed":
        return wanted
    return replace(wanted, column=replace(wanted.column, source=wanted.column.source[2:]))


def _own_terms(wanted: MastFilter) -> Iterable[Term]:
    name = wanted.column.name
    if wanted.ranges:
        raise InvalidQueryError(name, wanted.ranges[0], "values, since the column holds no numbers")
    for value in wanted.values:
        text = str(value).strip()
        if name == "program":
            text = text.lstrip("0") or text
        elif name == "observtn" and text.isdecimal():
            text = f"{int(text):03d}"
        yield Same(text)
    if wanted.pattern is not None:
        yield Pattern(sql_like(wanted.pattern))


def _around(wanted: MastFilter) -> list[Filter]:
    """Return what the observation has to meet for a moment of it to lie in a range."""
    if wanted.column.name not in _WHEN or len(wanted.ranges) != 1 or wanted.values:
        return []
    low, high = wanted.ranges[0]
    found = []
    if isinstance(low, int | float):
        found.append(Filter("t_max", (Between(float(low) - _SLACK_DAYS, None), Missing())))
    if isinstance(high, int | float):
        found.append(Filter("t_min", (Between(None, float(high) + _SLACK_DAYS), Missing())))
    return found


def _among(ask: Ask, name: str, wanted: Sequence[MastFilter], rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the rows whose headers meet filters."""
    checked = tuple(each.column for each in wanted)
    found = []
    for start in range(0, len(rows), 500):
        batch = rows[start : start + 500]
        for row, values in zip(batch, _made(ask, name, checked, batch), strict=True):
            if all(_meets(each, values[each.column.name]) for each in wanted):
                found.append(row)
    return found


def _meets(wanted: MastFilter, value: Any) -> bool:
    column = wanted.column
    if value is None:
        return any(given is None or given == "" for given in wanted.values)
    if isinstance(value, int | float) and not isinstance(value, bool):
        if any(given is not None and value == _comparable(column, given) for given in wanted.values):
            return True
        if wanted.pattern is not None:
            raise InvalidQueryError(column.name, wanted.pattern, "a number")
        return any(
            (low is None or value >= _comparable(column, low)) and (high is None or value <= _comparable(column, high))
            for low, high in wanted.ranges
        )
    if wanted.ranges:
        raise InvalidQueryError(column.name, wanted.ranges[0], "values, since the column holds no numbers")
    if isinstance(value, bool):
        return any(truth(column, given) == value for given in wanted.values)
    text = str(value).lower()
    given = {_flagged(str(each).lower(), text) for each in wanted.values}
    return text in given or (wanted.pattern is not None and matches(like_parts(wanted.pattern), text))


def _flagged(given: str, text: str) -> str:
    """Read true and false as flags where the column holds them; numbers in text lose their zeros."""
    if text in {"t", "f"}:
        return {"true": "t", "false": "f", "1": "t", "0": "f"}.get(given, given)
    return given.lstrip("0") or "0" if given.isdecimal() and text.isdecimal() else given


def _comparable(column: MastColumn, given: Any) -> float:
    number = _as_mjd(given) if column.unit == "d" and isinstance(given, str) and "-" in given[1:] else _as_float(given)
    if number is None or isinstance(given, bool):
        raise InvalidQueryError(column.name, given, "a number")
    return number


def _made(ask: Ask, name: str, shown: Sequence[MastColumn], rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return rows as MAST has them, reading the headers where a column asks for one."""
    known = keywords(name)
    needed = [column for column in shown if _needs_header(column)]
    headers: dict[str, Header] = {}
    if needed:
        documents = ask.archive.holdings.headers([row["file_sha256"] for row in rows])
        headers = {sha256: Header.from_json(document) for sha256, document in documents.items()}
    now = datetime.now(UTC)
    empty = Header("", "fits")
    return [
        {column.name: _value(ask, column, row, headers.get(row["file_sha256"], empty), known, now) for column in shown}
        for row in rows
    ]


def _needs_header(column: MastColumn) -> bool:
    return (column.how == "keyword" and column.name not in _OWN) or (
        column.how == "ticks" and not column.source.startswith(("ingest", "publicRelease"))
    )


def _value(  # noqa: PLR0917  called in one place, for every cell
    ask: Ask, column: MastColumn, row: Mapping[str, Any], header: Header, known: Mapping[str, Keyword], now: datetime
) -> Any:
    if column.how == "keyword":
        if column.name in _OWN and known[column.name].kind in {"string", "number_text"}:
            own = row[_OWN[column.name]]
            return None if own is None else _READ[known[column.name].kind](own)
        return known[column.name].read(header)
    if column.how == "ticks":
        days = _value(ask, _mjd_column(column, known), row, header, known, now)
        return None if days is None else ticks(moment_of(days))
    if column.how == "fixed":
        return column.source == "true" if column.type == "boolean" else column.source
    return _FILE_VALUES[column.how](ask, row, _source(column, row), now) if column.how in _FILE_VALUES else None


def _mjd_column(twin: MastColumn, known: Mapping[str, Keyword]) -> MastColumn:
    if twin.source in known:
        return known[twin.source].column()
    return next(column for column in columns_of("files.tsv") if column.name == twin.source)


def _source(column: MastColumn, row: Mapping[str, Any]) -> Any:
    table, _, name = column.source.partition(".")
    return row.get(f"file_{name}") if table == "f" else row.get(name)


def _stage(ask: Ask, row: Mapping[str, Any], suffix: str | None, _now: datetime) -> str | None:
    known = tables_of(ask.archive.settings.tables_path).suffixes.get(suffix or "")
    return None if known is None else known.stage(combined=row["algorithm"] != "exposure")


_FILE_VALUES: Final[Mapping[str, Callable[[Ask, Mapping[str, Any], Any, datetime], Any]]] = {
    "copy": lambda _ask, _row, value, _now: value,
    "mjd": lambda _ask, _row, value, _now: None if value is None else mjd(value.replace(tzinfo=UTC)),
    "uri": lambda _ask, _row, value, _now: artifact_uri(value),
    "fileset": lambda _ask, _row, value, _now: re.sub(FILESET[0], FILESET[1], value),
    "restricted": lambda _ask, _row, value, now: value is None or value.replace(tzinfo=UTC) > now,
    "stage": _stage,
}
"""How what is known of a file is written, by the ``how`` of the column."""
