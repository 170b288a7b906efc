"""A search of the observations said in ADQL, so that any VO client can ask the same.

The rows come from ``dbo.ObsPointing``, which has one for each observation; what only ``ivoa.ObsCore`` says of one
is asked there. What ADQL 2.1 has no words for is named, and then there is no query: one without the condition would
find something else.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Final

from deepfield.model.coverage import Box, Circle, Point, Polygon
from deepfield.query.filters import ACCESS, WAVELENGTH, Between, Element, Equal, Like, Missing, Same

if TYPE_CHECKING:
    from collections.abc import Iterable

    from deepfield.model.coverage import Region
    from deepfield.query.filters import Filter, Match, Scalar, SearchQuery, Term

POINTING: Final = frozenset(
    {
        "obs_id", "target_name", "target_classification", "filters", "s_ra", "s_dec", "s_region", "dataproduct_type",
        "proposal_id", "proposal_pi", "proposal_type", "calib_level", "t_min", "t_max", "t_exptime",
    }
)  # fmt: skip
"""Columns of ``dbo.ObsPointing`` that hold what the column of that name holds for the portal."""
OBSCORE: Final = frozenset(
    {
        "instrument_name", "instrument_mode", "detector", "exp_type", "template", "aperture", "subarray", "is_tso",
        "moving_target", "target_standard_name", "visit_id",
    }
)  # fmt: skip
"""Columns that ``ivoa.ObsCore`` has alike for every dataset of an observation."""
SELECTED: Final = "obs_id, target_name, instrument_name, filters, calib_level, t_min, t_exptime, s_ra, s_dec, dataURL"
_NANOMETRES: Final = 1e9
_PATTERN_SIGNS: Final = frozenset("%_")
"""Characters that ADQL's LIKE cannot take for themselves (ADQL 2.1 §4.3.2 has no ESCAPE)."""


@dataclass(frozen=True, slots=True)
class Translation:
    """A search in ADQL, or what of it ADQL cannot say."""

    adql: str | None
    unsaid: tuple[str, ...]
    """Names of the parameters without words in ADQL; empty where there is a query."""


class _UnsaidError(Exception):
    """ADQL has no words for this."""


def translate(query: SearchQuery) -> Translation:
    """Say a search in ADQL 2.1. The query finds the same observations at the same snapshot."""
    conditions: list[str] = []
    without_words = (("text", query.text), ("position", query.moving), ("targets", query.targets))
    unsaid = [name for name, given in without_words if given is not None]
    if query.region is not None:
        conditions.append(_either(_meeting(region, query.match) for region in query.region))
    for each in query.filters:
        try:
            conditions.append(_filter(each))
        except _UnsaidError:
            unsaid.append(each.column)
    if unsaid:
        return Translation(None, tuple(dict.fromkeys(unsaid)))
    where = "\nWHERE " + "\n  AND ".join(conditions) if conditions else ""
    keys = [f"{key.column}{' DESC' if key.descending else ''}" for key in query.sort if key.column in POINTING]
    order = f"\nORDER BY {', '.join(keys)}" if keys else ""
    return Translation(f"SELECT {SELECTED}\nFROM dbo.ObsPointing{where}{order}", ())


# -- places


def _meeting(region: Region, match: Match) -> str:
    shape = _shape(region)
    centre = f"1 = CONTAINS(POINT(s_ra, s_dec), {shape})"
    if match == "center":
        return centre
    footprint = (
        f"1 = CONTAINS({shape}, s_region)" if isinstance(region, Point) else f"1 = INTERSECTS(s_region, {shape})"
    )
    return f"({footprint} OR (s_region IS NULL AND {centre}))"


def _shape(region: Region) -> str:
    match region:
        case Circle(ra, dec, radius):
            return f"CIRCLE({_number(ra)}, {_number(dec)}, {_number(radius)})"
        case Box():
            return _shape(region.polygon())
        case Polygon(vertices):
            return f"POLYGON({', '.join(f'{_number(ra)}, {_number(dec)}' for ra, dec in vertices)})"
        case Point(ra, dec):
            return f"POINT({_number(ra)}, {_number(dec)})"


# -- filters


def _filter(condition: Filter) -> str:
    """Say a filter on one column.

    Raises:
        _UnsaidError: ADQL cannot.
    """
    if condition.column in OBSCORE:
        return f"obs_id IN (SELECT obs_id FROM ivoa.ObsCore WHERE {_combined(condition, condition.column)})"
    if condition.column in POINTING:
        return _combined(condition, condition.column)
    if condition.column in _COMPUTED:
        return _COMPUTED[condition.column](condition)
    raise _UnsaidError


def _combined(condition: Filter, column: str) -> str:
    parts = []
    if condition.anyof:
        parts.append(_either(_term(column, term) for term in condition.anyof))
    for term in condition.noneof:
        said = _term(column, term)
        parts.append(f"{column} IS NOT NULL" if isinstance(term, Missing) else f"({column} IS NULL OR NOT ({said}))")
    return " AND ".join(parts)


def _term(column: str, term: Term) -> str:
    match term:
        case Missing():
            return f"{column} IS NULL"
        case Equal(value):
            return f"{column} = {_literal(value)}"
        case Between(lower, upper, before):
            ends = [] if lower is None else [f"{column} >= {_literal(lower)}"]
            if upper is not None:
                ends.append(f"{column} {'<' if before else '<='} {_literal(upper)}")
            return _all(ends)
        case Like(parts):
            return f"{column} ILIKE {_text('%'.join(_plain(part) for part in parts))}"
        case Same(value):
            return f"LOWER({column}) = {_text(value.lower())}"
        case Element(value, separator):
            listed = f"%{_plain(separator + value.lower() + separator)}%"
            return f"{_text(separator)} || LOWER({column}) || {_text(separator)} LIKE {_text(listed)}"
        case _:
            raise _UnsaidError


def _access(condition: Filter) -> str:
    public = {"public": "dataRights = 'PUBLIC'", "exclusive": "dataRights = 'EXCLUSIVE_ACCESS'"}
    wanted = [public[str(term.value)] for term in condition.anyof if isinstance(term, Equal)]
    refused = [f"NOT ({public[str(term.value)]})" for term in condition.noneof if isinstance(term, Equal)]
    return " AND ".join([*([_either(wanted)] if wanted else []), *refused])


def _wavelength(condition: Filter) -> str:
    if condition.noneof:
        raise _UnsaidError
    return _either(_overlapping(term) for term in condition.anyof)


def _overlapping(term: Term) -> str:
    lower, upper = (term.value, term.value) if isinstance(term, Equal) else (None, None)
    if isinstance(term, Between):
        lower, upper = term.lower, term.upper
    elif not isinstance(term, Equal):
        raise _UnsaidError
    ends = [] if lower is None else [f"em_max >= {_number(float(str(lower)) * _NANOMETRES)}"]
    if upper is not None:
        ends.append(f"em_min <= {_number(float(str(upper)) * _NANOMETRES)}")
    known = {(True, False): ["em_min IS NOT NULL"], (False, True): ["em_max IS NOT NULL"]}
    return _all([*ends, *known.get((lower is not None, upper is not None), [])])


_COMPUTED: Final = {ACCESS: _access, WAVELENGTH: _wavelength}


# -- values


def _either(parts: Iterable[str]) -> str:
    said = list(parts)
    return said[0] if len(said) == 1 else f"({' OR '.join(said)})"


def _all(parts: list[str]) -> str:
    return parts[0] if len(parts) == 1 else f"({' AND '.join(parts)})"


def _literal(value: Scalar) -> str:
    match value:
        case bool():
            return "1" if value else "0"
        case int():
            return str(value)
        case float():
            return _number(value)
        case datetime():
            raise _UnsaidError
        case _:
            return _text(value)


def _number(value: float) -> str:
    return repr(float(value))


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"


def _plain(text: str) -> str:
    if _PATTERN_SIGNS & set(text):
        raise _UnsaidError
    return text
