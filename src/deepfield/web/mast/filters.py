"""MAST's filter language, turned into the filters of our own searches."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from deepfield.model.errors import InvalidQueryError
from deepfield.query.filters import ACCESS, Between, Element, Equal, Filter, Missing, Pattern, Same
from deepfield.query.moments import mjd, moment_of, parse_period
from deepfield.web.mast.columns import find_column

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from deepfield.query.filters import Term
    from deepfield.web.mast.columns import MastColumn

NOTHING = Filter("obs_number", anyof=(Equal(-1),))
"""A filter that no observation meets."""
TRUE, FALSE = frozenset({"true", "t", "1", "yes"}), frozenset({"false", "f", "0", "no"})
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
_MOST_VALUES = 10_000
_LONGEST = 1000


@dataclass(frozen=True, slots=True)
class MastFilter:
    """One entry of ``filters``, read: the column, single values, ranges and a pattern, of which one has to hold."""

    column: MastColumn
    values: tuple[Any, ...] = ()
    ranges: tuple[tuple[Any, Any], ...] = ()
    pattern: str | None = None


def read_filters(given: object, columns: Iterable[MastColumn]) -> list[MastFilter]:
    """Read the member ``filters`` of a request.

    Raises:
        InvalidQueryError: it is not a list of objects, or one of them names no column or holds what it cannot.
    """
    columns = list(columns)
    if not isinstance(given, list):
        raise InvalidQueryError("filters", given, 'a list such as [{"paramName": "filters", "values": ["F150W"]}]')
    return [_read(each, columns) for each in given]


def _read(given: object, columns: list[MastColumn]) -> MastFilter:
    if not isinstance(given, dict) or not isinstance(given.get("paramName"), str):
        raise InvalidQueryError("filters", given, "objects with paramName and values or freeText")
    column = find_column(columns, given["paramName"])
    values = given.get("values", [])
    values = values if isinstance(values, list) else [values]
    if len(values) > _MOST_VALUES:
        raise InvalidQueryError(column.name, f"{len(values)} values", f"at most {_MOST_VALUES}")
    ranges = tuple((value.get("min"), value.get("max")) for value in values if isinstance(value, dict))
    single = tuple(value for value in values if not isinstance(value, dict))
    if any(isinstance(value, list) for value in single):
        raise InvalidQueryError(column.name, single, "values, or objects with min and max")
    text = given.get("freeText")
    if text is not None and (not isinstance(text, str) or len(text) > _LONGEST):
        raise InvalidQueryError("freeText", text, f"a pattern of at most {_LONGEST} characters such as NIRCAM%")
    if not values and not text:
        raise InvalidQueryError(column.name, values, "values, a range, or freeText")
    return MastFilter(column, single, ranges, text or None)


def lowered(wanted: MastFilter) -> Filter | None:
    """Return the filter on our own column; None where every row meets it.

    Raises:
        InvalidQueryError: a value is not of the type of the column, or nothing can be compared with the column.
    """
    column = wanted.column
    if column.how in {"absent", "url"}:
        raise InvalidQueryError("paramName", column.name, "a column that this archive can filter on")
    if column.how == "fixed":
        return None if meets_text(wanted, column.source) else NOTHING
    if column.how == "rights":
        return _rights(wanted)
    if column.how == "instrument":
        return _instrument(wanted)
    return Filter(column.source, anyof=tuple(_terms(wanted)))


def _terms(wanted: MastFilter) -> list[Term]:
    column = wanted.column
    terms = [_single(column, value) for value in wanted.values]
    terms += [_range(column, lower, upper) for lower, upper in wanted.ranges]
    if column.separator:
        terms += [Element(str(value), column.separator) for value in wanted.values if isinstance(value, str)]
    if wanted.pattern is not None:
        if column.type != "string" or column.how == "number":
            raise InvalidQueryError(column.name, wanted.pattern, f"{_kind(column)}, since the column holds no text")
        terms.append(Pattern(sql_like(wanted.pattern)))
    return terms


def _single(column: MastColumn, value: Any) -> Term:
    if value is None:
        return Missing()
    if column.how == "number" or column.type == "int":
        return Equal(whole(column, value))
    if column.type == "float":
        return Equal(_ours(column, _number(column, value)))
    if column.type == "boolean":
        return Equal(truth(column, value))
    text = str(value)
    if column.how == "uri":
        return Equal(text.rpartition("/")[2])
    return Same((text.lstrip("0") or text) if column.how == "program" else text)


def _ours(column: MastColumn, number: float) -> float | datetime:
    """Return a number in the unit and type of our own column."""
    if column.how == "mjd":
        return moment_of(number)
    return number / 1e9 if column.how == "nm" else number


def _range(column: MastColumn, lower: Any, upper: Any) -> Term:
    if column.type not in {"int", "float"} and column.how != "number":
        raise InvalidQueryError(column.name, {"min": lower, "max": upper}, "values, since the column holds no numbers")
    if lower is None and upper is None:
        raise InvalidQueryError(column.name, {"min": lower, "max": upper}, "min, max or both")
    ends = [None if end is None else _number(column, end) for end in (lower, upper)]
    if ends[0] is not None and ends[1] is not None and ends[0] > ends[1]:
        raise InvalidQueryError(column.name, {"min": lower, "max": upper}, "the lower end as min")
    first, last = (None if end is None else _ours(column, end) for end in ends)
    return Between(first, last)


def _rights(wanted: MastFilter) -> Filter | None:
    words = {"public": "PUBLIC", "exclusive": "EXCLUSIVE_ACCESS"}
    chosen = tuple(Equal(word) for word, text in words.items() if meets_text(wanted, text))
    return Filter(ACCESS, anyof=chosen) if chosen else NOTHING


def _instrument(wanted: MastFilter) -> Filter:
    """A bare instrument matches all its modes, as files of one instrument bear either name."""
    bare = [value for value in wanted.values if isinstance(value, str) and "/" not in value]
    if len(bare) == len(wanted.values) and wanted.pattern is None:
        return Filter("instrument_name", anyof=tuple(Same(value) for value in bare))
    terms = [term for term in _terms(wanted) if not (isinstance(term, Same) and term.value in bare)]
    return Filter("instrument_mode", anyof=(*terms, *(Pattern(f"{re.escape(value)}(/.*)?") for value in bare)))


def meets_text(wanted: MastFilter, text: str) -> bool:
    """Tell whether a text meets an entry of ``filters``: one of its values, or its pattern."""
    if any(str(value).lower() == text.lower() for value in wanted.values):
        return True
    return wanted.pattern is not None and matches(like_parts(wanted.pattern), text)


def sql_like(pattern: str) -> str:
    """Return a pattern of T-SQL's LIKE as a regular expression: ``%``, ``_``, ``[abc]``, ``[^a-c]``."""
    first, *others = like_parts(pattern)
    if not others:
        return first
    return ".*".join([first, *(part for part in others[:-1] if part), others[-1]])


def like_parts(pattern: str) -> list[str]:
    """Return the pieces between the ``%`` of a pattern, as regular expressions of fixed length."""
    parts, at = [""], 0
    while at < len(pattern):
        mark = pattern[at]
        end = pattern.find("]", at + 1) if mark == "[" else -1
        if mark == "%":
            parts.append("")
        elif mark == "_":
            parts[-1] += "."
        elif end > at + 1:
            parts[-1] += _class(pattern[at + 1 : end])
            at = end
        else:
            parts[-1] += re.escape(mark)
        at += 1
    return parts


def matches(parts: Sequence[str], text: str) -> bool:
    """Tell whether a text is these pieces with anything between them, whatever its case.

    Each piece is looked for once, from where the one before it ended: the time is that of the text, not of its powers.
    """
    first, *others = (re.compile(part, re.IGNORECASE | re.DOTALL) for part in parts)
    if not others:
        return first.fullmatch(text) is not None
    found = first.match(text)
    for piece in others[:-1]:
        if found is None:
            return False
        found = piece.search(text, found.end())
    if found is None:
        return False
    begin = found.end()
    return any(others[-1].fullmatch(text, at) is not None for at in range(begin, len(text) + 1))


def _class(inside: str) -> str:
    negated, listed = ("^", inside[1:]) if inside.startswith("^") else ("", inside)
    escaped = re.sub(r"([\\\[\]^&~|])", r"\\\1", listed)
    try:
        re.compile(f"[{negated}{escaped}]")
    except re.error:
        return re.escape(f"[{inside}]")
    return f"[{negated}{escaped}]" if listed else re.escape(f"[{inside}]")


def whole(column: MastColumn, value: Any) -> int:
    """Read a whole number, which may come as text.

    Raises:
        InvalidQueryError: it is none.
    """
    number = _number(column, value)
    if not number.is_integer() or abs(number) >= 2**63:
        raise InvalidQueryError(column.name, value, "a whole number")
    return int(str(value)) if str(value).lstrip("+-").isdecimal() else int(number)


def truth(column: MastColumn, value: Any) -> bool:
    """Read a truth value in any of the ways that clients write it.

    Raises:
        InvalidQueryError: it is none.
    """
    text = str(value).lower()
    if text not in TRUE | FALSE:
        raise InvalidQueryError(column.name, value, "true or false")
    return text in TRUE


def _number(column: MastColumn, value: Any) -> float:
    if (isinstance(value, int | float) and not isinstance(value, bool)) or (
        isinstance(value, str) and _NUMBER.fullmatch(value.strip())
    ):
        number = _float(value)
    elif isinstance(value, str) and column.unit == "d" and re.match(r"\d{4}-", value):
        number = mjd(parse_period(column.name, value).start)
    else:
        raise InvalidQueryError(column.name, value, _kind(column))
    if not math.isfinite(number):
        raise InvalidQueryError(column.name, value, _kind(column))
    return number


def _float(value: str | float) -> float:
    try:
        return float(value)
    except OverflowError:  # a whole number of hundreds of digits
        return math.inf


def _kind(column: MastColumn) -> str:
    return f"a number ({column.unit})" if column.unit else "a number"


def filters_of(wanted: Sequence[MastFilter]) -> tuple[Filter, ...]:
    """Return the filters on our own columns."""
    return tuple(each for each in map(lowered, wanted) if each is not None)
