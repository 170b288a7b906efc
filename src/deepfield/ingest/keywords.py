"""What the header of a file says under each keyword by which files are searched."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, Any, Final

from deepfield.ingest.times import parse_time, to_mjd
from deepfield.missions.jwst.keywords import header_keywords

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from deepfield.ingest.blueprint import FileFacts
    from deepfield.missions.jwst.keywords import Keyword, Kind
    from deepfield.missions.jwst.tables import JwstTables
    from deepfield.products.header import Header

_EXPOSURE: Final = re.compile(r"(jw[0-9]{11}_[0-9a-z]{5}_[0-9]{5})(-seg[0-9]+)?_.*")
"""An observation that is one detector, or one segment, of an exposure."""
_LARGEST: Final = 2**63


def file_set_of(obs_id: str) -> str:
    """Return the exposure of which an observation is one detector or segment; others are file sets themselves."""
    exposure = _EXPOSURE.fullmatch(obs_id)
    return exposure[1] if exposure else obs_id


def keyword_row(facts: FileFacts, obs_id: str, tables: JwstTables, *, combined: bool) -> dict[str, Any] | None:
    """Return what table ``keyword`` keeps of a file; None of what is no FITS file.

    ``combined`` says whether the observation that owns the file is a combination of others.
    """
    if facts.header.container != "fits":
        return None
    suffix = tables.suffixes.get(facts.suffix or "")
    stage = None if suffix is None else suffix.stage(combined=combined)
    values = {each.column.name: read_keyword(each, facts.header) for each in header_keywords().values()}
    return {"file_set": file_set_of(obs_id), "stage": stage, **values}


def read_keyword(keyword: Keyword, header: Header) -> Any:
    """Return the value of a keyword in a header, of the type of its column; None where it has none of that type."""
    first, *others = keyword.keyword.split()
    value = header.first(first)
    for part in others:
        more = header.first(part)
        value = value if value is None or more is None else f"{value}T{more}"
    return None if value is None else _READ[keyword.kind](value)


def _as_float(value: Any) -> float | None:
    try:
        number = float(value)
    except (TypeError, ValueError):
        return None
    return number if math.isfinite(number) else None


def _as_int(value: Any) -> int | None:
    number = _as_float(value)
    return None if number is None or abs(number) >= _LARGEST else int(number)


def _as_mjd(value: Any) -> float | None:
    if isinstance(value, int | float):
        return _as_float(value)
    moment = parse_time(value)
    return None if moment is None else to_mjd(moment)


def _as_number_text(value: Any) -> str:
    text = str(value).strip()
    return text.lstrip("0") or "0" if text.isdecimal() else text


_READ: Final[Mapping[Kind, Callable[[Any], Any]]] = {
    "string": lambda value: str(value).strip(),
    "int": _as_int,
    "float": _as_float,
    "moment": _as_mjd,
    "flag": lambda value: "t" if value in {True, "T", "t"} else "f",
    "number_text": _as_number_text,
    "visit": lambda value: str(value)[1:12],
}
"""How the value of a card becomes that of a column, by the kind of the keyword."""
