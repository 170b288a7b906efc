r"""What a search asks for, as values, and the grammar in which parameters say it.

A parameter ``column=text`` holds alternatives separated by commas::

    a,b        any of them            lo..hi  lo..  ..hi   a range, both ends included
    !a         anything but this      a*b                  a wildcard, case-insensitive (text columns)
    null       no value               \, \* \! \..         the character itself

Of several alternatives a row needs to meet one, and none of those behind ``!``, which also holds for rows without
a value.
Dates are ISO 8601 in UTC; a date that names a day, month or year means all of it. Columns in MJD take dates as well.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from difflib import get_close_matches
from typing import TYPE_CHECKING, Final, Literal, NoReturn, TypeAlias

from deepfield.model.errors import InvalidQueryError, UnknownColumnError
from deepfield.model.tables import Column
from deepfield.query.moments import Period, mjd, parse_period

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from deepfield.model.coverage import Region
    from deepfield.model.tables import TableSchema
    from deepfield.query.targets import Targets

Scalar: TypeAlias = "str | int | float | bool | datetime"
Match = Literal["footprint", "center"]


@dataclass(frozen=True, slots=True)
class Equal:
    """The column holds this value."""

    value: Scalar


@dataclass(frozen=True, slots=True)
class Missing:
    """The column holds no value."""


@dataclass(frozen=True, slots=True)
class Between:
    """The column lies in a range; None leaves an end open. ``before`` excludes the upper end itself."""

    lower: Scalar | None
    upper: Scalar | None
    before: bool = False


@dataclass(frozen=True, slots=True)
class Like:
    """The text matches, case-insensitively; ``parts`` are the literal texts between the wildcards."""

    parts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Same:
    """The text is this one, case-insensitively."""

    value: str


@dataclass(frozen=True, slots=True)
class Element:
    """The text is a list with this element, case-insensitively."""

    value: str
    separator: str


@dataclass(frozen=True, slots=True)
class Pattern:
    """The whole text matches, case-insensitively; ``expression`` is in the syntax of RE2, whose time is bounded."""

    expression: str


Term: TypeAlias = Equal | Missing | Between | Like | Same | Element | Pattern


@dataclass(frozen=True, slots=True)
class Filter:
    """A row needs one of ``anyof`` (where there are any) and none of ``noneof``."""

    column: str
    anyof: tuple[Term, ...] = ()
    noneof: tuple[Term, ...] = ()


@dataclass(frozen=True, slots=True)
class SortKey:
    """One key of the order of rows; missing values come last in both directions."""

    column: str
    descending: bool = False


@dataclass(frozen=True, slots=True)
class Place:
    """What a position was resolved to, ICRS degrees; a body that moves may have no known position."""

    name: str
    ra: float | None
    dec: float | None
    kind: Literal["coordinates", "region", "target", "object", "moving"]
    radius: float | None = None
    """Degrees."""
    resolver: str = "coordinates"
    """Who knew: ``coordinates``, ``archive``, ``OpenNGC``, ``ephemeris`` or ``Sesame``."""
    label: str | None = None
    """What the name is also known as."""
    moment: datetime | None = None
    """Of the position of a body that moves, UTC."""


@dataclass(frozen=True, slots=True)
class SearchQuery:
    """A whole search of the observations, checked against the table description."""

    filters: tuple[Filter, ...] = ()
    region: tuple[Region, ...] | None = None
    """Regions of which one has to be met."""
    targets: Targets | None = None
    """Places of which one has to be met."""
    moving: str | None = None
    """The key of the body, made by ``query.moving.body_key``, that has to be the target."""
    match: Match = "footprint"
    text: str | None = None
    sort: tuple[SortKey, ...] = ()
    columns: tuple[str, ...] = ()
    limit: int = 100
    after: str | None = None
    snapshot: int | None = None
    place: Place | None = None


ACCESS: Final = "access"
WAVELENGTH: Final = "em"
PSEUDO_COLUMNS: Final = {
    ACCESS: Column(
        ACCESS,
        "string",
        "Whether the data are public now or under exclusive access",
        caption="Access",
        facet="category",
    ),
    WAVELENGTH: Column(
        WAVELENGTH,
        "float64",
        "Wavelengths covered: observations whose range overlaps",
        caption="Wavelength",
        unit="m",
        ucd="em.wl",
        facet="number",
        scale="log",
    ),
}
"""What one can filter and facet on beside the columns: computed from them."""

RESERVED: Final = (
    "position", "radius", "match", "targets", "text", "sort", "columns", "limit", "after", "snapshot", "facets",
)  # fmt: skip
"""Parameters that are not columns."""

_ACCESS_WORDS: Final = ("public", "exclusive")
_INTEGER: Final = re.compile(r"[+-]?\d{1,19}")
_NUMBER: Final = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
_MOST_TERMS: Final = 10_000


def searchable(table: TableSchema, name: str) -> Column:
    """Return the column or pseudo-column of this name that a search may use.

    Raises:
        UnknownColumnError: with the closest name there is.
        InvalidQueryError: the column is not meant to be searched.
    """
    if name in PSEUDO_COLUMNS:
        return PSEUDO_COLUMNS[name]
    if name not in table.names:
        known = [column.name for column in table.columns if column.searchable]
        closest = get_close_matches(name.lower(), [*known, *PSEUDO_COLUMNS, *RESERVED], n=1)
        raise UnknownColumnError(name, closest=closest[0] if closest else None)
    column = table.column(name)
    if not column.searchable:
        raise InvalidQueryError("column", name, "a column that can be searched")
    return column


def parse_filters(params: Mapping[str, str | Sequence[str]], table: TableSchema) -> tuple[Filter, ...]:
    """Read every parameter that is not a reserved one as a filter; one given several times has to hold each time.

    Raises:
        InvalidQueryError: naming field, value and what would be right.
    """
    found: list[Filter] = []
    for name, texts in params.items():
        if name in RESERVED:
            continue
        column = searchable(table, name)
        found += [parse_filter(column, text) for text in ([texts] if isinstance(texts, str) else texts)]
    return tuple(found)


def parse_filter(column: Column, text: str) -> Filter:
    """Read the text of one parameter."""
    anyof: list[Term] = []
    noneof: list[Term] = []
    if "\0" in text:
        raise InvalidQueryError(column.name, text, "text without NUL characters")
    alternatives = _split(text, ",")
    if len(alternatives) > _MOST_TERMS:
        raise InvalidQueryError(column.name, f"{len(alternatives)} alternatives", f"at most {_MOST_TERMS}")
    for raw in alternatives:
        part = raw.strip()
        negated = part.startswith("!")
        (noneof if negated else anyof).append(_term(column, part.removeprefix("!").strip()))
    return Filter(column.name, tuple(anyof), tuple(noneof))


def parse_sort(text: str, table: TableSchema, further: Collection[str] = ()) -> tuple[SortKey, ...]:
    """Read ``-t_min,obs_id``; ``further`` columns may be named beside those of the table."""
    keys = []
    for raw in text.split(","):
        name = raw.strip()
        descending = name.startswith("-")
        name = name.lstrip("+-")
        if name in PSEUDO_COLUMNS:
            raise InvalidQueryError("sort", name, "a column of the table")
        keys.append(SortKey(name if name in further else searchable(table, name).name, descending))
    if len({key.column for key in keys}) < len(keys):
        raise InvalidQueryError("sort", text, "each column once")
    return tuple(keys)


def parse_columns(text: str, table: TableSchema, further: Collection[str] = ()) -> tuple[str, ...]:
    """Read a list of columns of the table, searchable or not; ``further`` ones may be among them."""
    names = (name.strip() for name in text.split(","))
    return tuple(dict.fromkeys(name if name in further else table.column(name).name for name in names))


def parse_whole_number(field: str, text: str, *, least: int, most: int) -> int:
    """Read a whole number within bounds."""
    if not _INTEGER.fullmatch(text.strip()) or not least <= int(text) <= most:
        raise InvalidQueryError(field, text, f"a whole number from {least} to {most}")
    return int(text)


def parse_choice(field: str, text: str, choices: Iterable[str]) -> str:
    """Read one of a few words."""
    if text not in choices:
        raise InvalidQueryError(field, text, " or ".join(choices))
    return text


def _split(text: str, mark: str) -> list[str]:
    """Split at a mark that no backslash stands before; escapes stay as they are."""
    parts, start, at = [], 0, 0
    while at < len(text):
        if text[at] == "\\":
            at += 2
        elif text.startswith(mark, at):
            parts.append(text[start:at])
            at += len(mark)
            start = at
        else:
            at += 1
    return [*parts, text[start:]]


def _plain(text: str) -> str:
    return re.sub(r"\\(.)", r"\1", text, flags=re.DOTALL)


def _term(column: Column, text: str) -> Term:
    if text == "":
        _refuse(column, text, "a value; null stands for a missing one")
    if text == "null":
        if column.name == ACCESS:
            _refuse(column, text, " or ".join(_ACCESS_WORDS))
        return Missing()
    ends = _split(text, "..")
    if len(ends) > 2:
        _refuse(column, text, "one range, lower..upper")
    if len(ends) == 2:
        return _range(column, text, ends[0].strip(), ends[1].strip())
    if column.type == "string":
        parts = _split(text, "*")
        if len(parts) > 1:
            if column.name == ACCESS:
                _refuse(column, text, " or ".join(_ACCESS_WORDS))
            return Like(tuple(_plain(part) for part in parts))
    if column.type == "timestamp" or _takes_dates(column, text):
        return _date_term(column, text)
    return Equal(_value(column, _plain(text)))


def _range(column: Column, text: str, lower: str, upper: str) -> Term:
    if column.type in {"string", "bool", "json", "bytes"}:
        _refuse(column, text, "no range, since the column holds no numbers or dates; write \\.. for two dots")
    if not lower and not upper:
        _refuse(column, text, "a range with at least one end, lower..upper")
    first, last = _end(column, lower), _end(column, upper)
    start = first.start if isinstance(first, Period) else first
    stop = last.stop if isinstance(last, Period) else last
    before = isinstance(last, Period) and not last.instant
    if column.type == "float64":
        start, stop = (mjd(end) if isinstance(end, datetime) else end for end in (start, stop))
    if start is not None and stop is not None and start > stop:  # type: ignore[operator]
        _refuse(column, text, "the lower end first")
    return Between(start, stop, before)


def _end(column: Column, text: str) -> Scalar | Period | None:
    if not text:
        return None
    if column.type == "timestamp" or _takes_dates(column, text):
        return parse_period(column.name, _plain(text))
    return _value(column, _plain(text))


def _date_term(column: Column, text: str) -> Term:
    period = parse_period(column.name, _plain(text))
    start: Scalar = mjd(period.start) if column.type == "float64" else period.start
    stop: Scalar = mjd(period.stop) if column.type == "float64" else period.stop
    return Equal(start) if period.instant else Between(start, stop, before=True)


def _takes_dates(column: Column, text: str) -> bool:
    return column.type == "float64" and column.facet == "time" and not _NUMBER.fullmatch(_plain(text))


def _value(column: Column, text: str) -> Scalar:
    match column.type:
        case "int32" | "int64":
            if not _INTEGER.fullmatch(text) or not -(2**63) <= int(text) < 2**63:
                _refuse(column, text, "a whole number")
            return int(text)
        case "float64":
            if not _NUMBER.fullmatch(text):
                _refuse(column, text, f"a number ({column.unit})" if column.unit else "a number")
            return float(text)
        case "bool":
            if text.lower() not in {"true", "false", "1", "0"}:
                _refuse(column, text, "true or false")
            return text.lower() in {"true", "1"}
        case _:
            if column.name == ACCESS and text not in _ACCESS_WORDS:
                _refuse(column, text, " or ".join(_ACCESS_WORDS))
            return text


def _refuse(column: Column, text: str, expected: str) -> NoReturn:
    raise InvalidQueryError(column.name, text, expected)
