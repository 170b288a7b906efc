"""The columns of filesets, and the grammar of conditions: ``a,b``, ``a*``, ``!a``, ``<1``, ``>=1``, ``1..2``."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from difflib import get_close_matches
from functools import cache
from typing import TYPE_CHECKING, Any, Final

from deepfield.model.errors import InvalidQueryError
from deepfield.query.filters import ACCESS, Between, Equal, Filter, Pattern, Same
from deepfield.query.moments import mjd, parse_period
from deepfield.web.mast.columns import read_table
from deepfield.web.mast.filters import FALSE, NOTHING, TRUE, matches

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from deepfield.query.filters import Term

_NUMBER: Final = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")


@dataclass(frozen=True, slots=True)
class FilesetColumn:
    """One column of the search, and what of the observations in a fileset it shows."""

    name: str
    label: str
    type: str
    qual: str
    default: str
    source: str
    aggregate: str
    how: str
    meaning: str

    @property
    def is_searchable(self) -> bool:
        return self.how not in {"separation", "position", "levels", "duration", "absent"}

    @property
    def keyword(self) -> str | None:
        """The column of table ``keyword`` that it shows, if it shows one."""
        return self.source.rpartition(":")[2] if self.aggregate == "keyword" else None

    @property
    def instrument(self) -> str | None:
        """The one instrument that has the column."""
        return (self.source.partition(":")[0] or None) if ":" in self.source else None


@cache
def columns() -> Mapping[str, FilesetColumn]:
    """Return every column by name."""
    return {row["name"]: FilesetColumn(**row) for row in read_table("missions.tsv")}


@dataclass(frozen=True, slots=True)
class Conditions:
    """Conditions by the table that they are on."""

    observations: tuple[Filter, ...]
    keywords: tuple[Filter, ...]


def read_conditions(given: object) -> Conditions:
    """Read the member ``conditions`` of a search, of which all have to hold.

    Raises:
        InvalidQueryError: naming the column whose condition cannot be read.
    """
    if not isinstance(given, list) or not all(isinstance(each, dict) for each in given):
        raise InvalidQueryError("conditions", str(given)[:100], 'a list such as [{"instrume": "NIRCAM"}]')
    observations: list[Filter] = []
    keywords: list[Filter] = []
    for name, value in (pair for each in given for pair in each.items()):
        column = find_fileset_column("conditions", name)
        if value in (None, ""):
            continue
        if not column.is_searchable:
            raise InvalidQueryError("conditions", name, "a column that can be searched")
        wanted = condition(column, value)
        if wanted is None:
            continue
        if column.instrument is not None:
            observations.append(Filter("instrument_name", (Equal(column.instrument),)))
        (observations if column.keyword is None else keywords).append(wanted)
    return Conditions(tuple(observations), tuple(keywords))


def condition(column: FilesetColumn, value: object) -> Filter | None:
    """Read the condition on a column: ``a,b``, ``a*``, ``!a``, ``<1``, ``>=1``, ``1..2``; nothing is no condition.

    Raises:
        InvalidQueryError: it cannot be read, or is not of the type of the column.
    """
    if isinstance(value, bool):
        value = "true" if value else "false"
    if isinstance(value, list):
        value = ",".join(str(part) for part in value)
    if value is None or not isinstance(value, str | int | float):
        if value is None:
            return None
        raise InvalidQueryError(column.name, str(value)[:100], "a text or a number")
    if column.how == "rights":
        return _access(str(value))
    anyof: list[Term] = []
    noneof: list[Term] = []
    for raw in str(value).split(","):
        part = raw.strip()
        if not part:
            continue
        negated = part.startswith("!")
        (noneof if negated else anyof).extend(_terms(column, part.removeprefix("!").strip()))
    if not anyof and not noneof:
        return None
    return Filter(column.keyword or column.source, tuple(anyof), tuple(noneof))


def _terms(column: FilesetColumn, part: str) -> list[Term]:
    """Return the terms of one part of a condition, of which one has to hold."""
    comparison = re.fullmatch(r"(<=|>=|<|>)\s*(.+)", part)
    ends = part.split("..") if ".." in part else None
    if comparison is not None:
        return _compared(column, comparison[1], comparison[2])
    if ends is not None and len(ends) == 2 and (column.type in {"INTEGER", "FLOAT", "DATETIME"}):
        return _between(column, ends[0].strip(), ends[1].strip())
    if column.type == "BOOLEAN":
        if part.lower() not in TRUE | FALSE:
            raise InvalidQueryError(column.name, part, "true or false")
        return [Equal(part.lower() in TRUE)]
    if column.type == "VARCHAR":
        return [_text(column, part)]
    if column.type == "DATETIME":
        return [_moment(column, part)]
    number = read_float(column.name, part)
    return (
        _numbers(column, number, number)
        if column.how in _TEXTS
        else [Equal(int(number) if column.type == "INTEGER" else number)]
    )


def _moment(column: FilesetColumn, part: str) -> Term:
    """Return the term for a moment, which without a fraction is all of its second, as rows show it."""
    period = parse_period(column.name, part)
    stop = period.start + timedelta(seconds=1) if period.instant and "." not in part else period.stop
    return Between(_end(column, period.start), _end(column, stop), before=stop > period.start)


def _text(column: FilesetColumn, part: str) -> Term:
    if column.how == "flag" and part.lower() in TRUE | FALSE:
        return Equal("t" if part.lower() in TRUE else "f")
    if column.aggregate == "name":
        return Pattern(f"{_wild(part)}((-seg[0-9]+)?_[a-z0-9]+)?")
    inner = "*" in part or "%" in part
    pattern = _wild(part)
    if column.qual == "substring" or column.how == "joined":
        return Pattern(f".*{pattern}.*")
    return Pattern(pattern) if inner else Same(part)


def _wild(part: str) -> str:
    return ".*".join(re.escape(piece) for piece in re.split(r"[*%]+", part))


def _compared(column: FilesetColumn, sign: str, text: str) -> list[Term]:
    if column.type not in {"INTEGER", "FLOAT", "DATETIME"}:
        raise InvalidQueryError(
            column.name, f"{sign}{text}", "no comparison: the column holds neither numbers nor dates"
        )
    if column.how in _TEXTS:
        number = read_float(column.name, text)
        low, high = _TEXTS[column.how]
        limits = {"<": (low, number - 1), "<=": (low, number), ">": (number + 1, high), ">=": (number, high)}[sign]
        return _numbers(column, *limits)
    if column.type == "DATETIME":
        period = parse_period(column.name, text)
        value: Any = _end(column, period.stop if sign in {"<=", ">"} and not period.instant else period.start)
        exact = period.instant
    else:
        value, exact = read_float(column.name, text), True
    if sign == "<" or (sign == "<=" and not exact):
        return [Between(None, value, before=True)]
    if sign == "<=":
        return [Between(None, value)]
    return [Between(_after(value) if sign == ">" and exact else value, None)]


def _between(column: FilesetColumn, first: str, last: str) -> list[Term]:
    if not first and not last:
        raise InvalidQueryError(column.name, "..", "a range with at least one end")
    if column.how in _TEXTS:
        low, high = _TEXTS[column.how]
        return _numbers(
            column, read_float(column.name, first) if first else low, read_float(column.name, last) if last else high
        )
    if column.type == "DATETIME":
        begin = parse_period(column.name, first).start if first else None
        period = parse_period(column.name, last) if last else None
        lower = None if begin is None else _end(column, begin)
        upper = None if period is None else _end(column, period.stop)
        return [Between(lower, upper, before=period is not None and not period.instant)]
    lower, upper = (read_float(column.name, end) if end else None for end in (first, last))
    return [Between(lower, upper)]


_TEXTS: Final = {"program": (1, 99_999), "observation": (1, 999), "visit": (1, 999), "number": (0, 99_999)}
"""Numbers that the catalogue keeps as text, with the least and the most there can be."""


def _numbers(column: FilesetColumn, first: float, last: float) -> list[Term]:
    """Return what texts of all whole numbers in a range match."""
    low, high = _TEXTS[column.how]
    low, high = max(low, math.ceil(first)), min(high, math.floor(last))
    if low > high:
        return [Equal("")]
    if column.how in {"program", "number"}:
        return [Pattern(_digits(low, high))]
    listed = "|".join(f"{number:03d}" for number in range(low, high + 1))
    return [Pattern(f"[0-9]{{8}}({listed})" if column.how == "visit" else f"({listed})")]


def _digits(low: int, high: int) -> str:
    """Return a regular expression that the decimal numbers from ``low`` to ``high`` match, and no others."""
    parts = []
    while low <= high:
        step = 1  # the longest run of numbers that begins here and ends in nothing but free digits
        while low % (step * 10) == 0 and low + step * 10 - 1 <= high and len(str(low)) == len(str(low + step * 10 - 1)):
            step *= 10
        free = len(str(step)) - 1
        parts.append(str(low // step) + f"[0-9]{{{free}}}" * (free > 0) if low else "0")
        low += step if low else 1
    return f"({'|'.join(parts)})"


def _end(column: FilesetColumn, moment: datetime) -> float | datetime:
    return mjd(moment) if column.how == "mjd" else moment


def _after(value: Any) -> Any:
    return value + timedelta(microseconds=1) if isinstance(value, datetime) else math.nextafter(value, math.inf)


def _access(value: str) -> Filter | None:
    """Return the filter on the words PUBLIC and EXCLUSIVE_ACCESS."""
    parts = [part.strip() for part in value.split(",") if part.strip()]
    wanted = [part for part in parts if not part.startswith("!")]
    unwanted = [part.removeprefix("!").strip() for part in parts if part.startswith("!")]

    def meets(texts: Sequence[str], word: str) -> bool:
        return any(matches([re.escape(piece) for piece in re.split(r"[*%]+", text)], word) for text in texts)

    words = {"public": "PUBLIC", "exclusive": "EXCLUSIVE_ACCESS"}
    chosen = tuple(
        Equal(ours) for ours, word in words.items() if (not wanted or meets(wanted, word)) and not meets(unwanted, word)
    )
    if not parts:
        return None
    return Filter(ACCESS, chosen) if chosen else NOTHING


def find_fileset_column(field: str, name: object) -> FilesetColumn:
    """Return the column of this name.

    Raises:
        InvalidQueryError: there is none; names the closest.
    """
    if isinstance(name, str) and name in columns():
        return columns()[name]
    close = get_close_matches(str(name), columns(), n=3, cutoff=0.5)
    hint = f"; did you mean {' or '.join(close)}?" if close else ""
    raise InvalidQueryError(field, str(name)[:100], f"a column of the list of columns{hint}")


def read_float(name: str, value: object) -> float:
    """Read a finite number, which may come as text.

    Raises:
        InvalidQueryError: it is none.
    """
    text = str(value).strip()
    if isinstance(value, bool) or not _NUMBER.fullmatch(text) or not math.isfinite(float(text)):
        raise InvalidQueryError(name, text[:60], "a number")
    return float(text)
