"""Positions as people write them: sexagesimal or decimal, in any usual frame, one at a time or thousands."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from deepfield.model.errors import InvalidQueryError

if TYPE_CHECKING:
    from collections.abc import Sequence

FRAMES: Final = {
    "icrs": "icrs",
    "j2000": "fk5",
    "fk5": "fk5",
    "b1950": "fk4",
    "fk4": "fk4",
    "galactic": "galactic",
    "gal": "galactic",
    "ecliptic": "barycentricmeanecliptic",
    "supergalactic": "supergalactic",
}
"""Frames of astropy by the words that name them before or behind a position."""
_EQUATORIAL: Final = frozenset({"icrs", "fk5", "fk4"})
_LETTERS: Final = tuple(
    (
        re.compile(rf"(?:{first})\s*[=:]?\s*(?P<first>[\d.+-].*?)[\s,;]+(?:{second})\s*[=:]?\s*(?P<second>[\d.+-].*)"),
        frame,
    )
    for first, second, frame in (
        ("ra|α", "decl?|de|δ", None),
        ("glon|l", "glat|b", "galactic"),
        ("elon|λ", "elat|β", "barycentricmeanecliptic"),
    )
)
"""Positions whose coordinates are called by their names, and the frame that those names say."""
_LONGEST: Final = 200
"""Characters that a position can have."""
_NUMBER: Final = r"[+-]?\d+(?:\.\d*)?"
_DEGREES: Final = re.compile(rf"({_NUMBER})\s*(?:d|deg|°)?\s*[\s,;]\s*({_NUMBER})\s*(?:d|deg|°)?")
_MINUTES: Final = r"\d{1,2}(?:[m:\s'′]\s*\d{1,2}(?:\.\d*)?\s*[s\"″]?|\.\d*)?\s*[m'′]?"
_SEXAGESIMAL: Final = re.compile(
    rf"(?P<ra>\d{{1,3}}(?:[h:\sd°]\s*{_MINUTES}))"
    r"(?:\s*[,;]\s*|\s+|(?=[+-]))"
    rf"(?P<dec>[+-]?\s*\d{{1,2}}(?:[d:\s°]\s*{_MINUTES}))"
)
_COMPACT: Final = re.compile(r"J?(\d{2})(\d{2})(\d{2}(?:\.\d*)?)([+-]\d{2})(\d{2})(\d{2}(?:\.\d*)?)")
_RADIUS: Final = re.compile(r"\s*(\d+\.?\d*|\.\d+)(e[+-]?\d+)?\s*([a-z°'′\"″]*)\s*", re.IGNORECASE)
_UNITS: Final = {
    "": 1.0, "d": 1.0, "deg": 1.0, "degree": 1.0, "degrees": 1.0, "°": 1.0,
    "'": 60.0, "′": 60.0, "m": 60.0, "arcmin": 60.0, "arcminute": 60.0, "arcminutes": 60.0,
    '"': 3600.0, "″": 3600.0, "''": 3600.0, "s": 3600.0, "arcsec": 3600.0, "arcsecond": 3600.0, "arcseconds": 3600.0,
    "rad": math.radians(1.0),
}  # fmt: skip
_UNIT_HINT: Final = "a number with ' or arcmin, \" or arcsec, d or deg (degrees without a unit), at most 180 degrees"
_SPHERE: Final = "coordinates on the sphere, declination from -90 to 90"


@dataclass(frozen=True, slots=True)
class Written:
    """A position as it was written: two angles in degrees, in a frame of astropy."""

    frame: str
    first: float
    second: float


def read_coordinates(text: str) -> tuple[float, float] | None:
    """Return (ra, dec) in ICRS degrees of coordinates in any usual notation; None where the text is none.

    Raises:
        InvalidQueryError: numbers that lie outside the sphere.
    """
    written = read_written(text)
    return None if written is None else to_icrs([written])[0]


def read_written(text: str) -> Written | None:
    """Return the angles of coordinates in any usual notation and their frame; None where the text is none.

    Raises:
        InvalidQueryError: numbers that lie outside the sphere.
    """
    if len(text) > _LONGEST:
        return None
    frame, numbers = _split_frame(text.replace("−", "-"))
    found = _DEGREES.fullmatch(numbers)
    if found is not None:
        return _checked(text, frame, float(found[1]), float(found[2]))
    found = _COMPACT.fullmatch(numbers)
    if found is not None:
        parts = found.groups()
        return _sexagesimal(text, frame, parts[:3], parts[3:], hours=True)
    found = _SEXAGESIMAL.fullmatch(numbers)
    if found is None:
        return None
    in_degrees = bool(re.search("[d°]", found["ra"]))
    first, second = (re.sub(r"[hdms:°'\"′″\s]+", " ", found[name]).strip() for name in ("ra", "dec"))
    second = re.sub(r"^([+-])\s+", r"\1", second)
    hours = not in_degrees and frame in _EQUATORIAL
    return _sexagesimal(text, frame, first.split(), second.split(), hours=hours)


def to_icrs(written: Sequence[Written]) -> list[tuple[float, float]]:
    """Return the positions as (ra, dec) in ICRS degrees, in their order."""
    found: list[tuple[float, float]] = [(each.first % 360.0, each.second) for each in written]
    frames = {each.frame for each in written} - {"icrs"}
    for frame in sorted(frames):
        from astropy.coordinates import SkyCoord

        at = [place for place, each in enumerate(written) if each.frame == frame]
        first, second = (np.array([getattr(written[place], name) for place in at]) for name in ("first", "second"))
        icrs = SkyCoord(first, second, unit="deg", frame=frame).icrs
        for place, ra, dec in zip(at, icrs.ra.deg.tolist(), icrs.dec.deg.tolist(), strict=True):
            found[place] = (ra, dec)
    return found


def read_radius(text: str) -> float:
    """Return a radius in degrees: ``12'``, ``30"``, ``0.2d``, ``5 arcmin``; a bare number is degrees.

    Raises:
        InvalidQueryError: it is none.
    """
    found = _RADIUS.fullmatch(text)
    unit = _UNITS.get(found[3].lower()) if found else None
    if found is None or unit is None:
        raise InvalidQueryError("radius", text, _UNIT_HINT)
    radius = float(found[1] + (found[2] or "")) / unit
    if not radius <= 180.0:
        raise InvalidQueryError("radius", text, _UNIT_HINT)
    return radius


def _split_frame(text: str) -> tuple[str, str]:
    parts = text.strip().split()
    frame, numbers = "icrs", text.strip()
    for at in (0, -1):
        if parts and parts[at].lower().strip(",;:()") in FRAMES:
            frame = FRAMES[parts.pop(at).lower().strip(",;:()")]
            numbers = " ".join(parts)
            break
    for letters, said in _LETTERS:
        found = letters.fullmatch(numbers.lower())
        if found is not None:
            return said or frame, f"{found['first'].strip()} {found['second'].strip()}"
    return frame, numbers


def _sexagesimal(text: str, frame: str, first: Sequence[str], second: Sequence[str], *, hours: bool) -> Written:
    ra, dec = _angle(text, first), _angle(text, second)
    if hours and not ra <= 24.0:
        raise InvalidQueryError("position", text, f"{_SPHERE}, right ascension up to 24 hours")
    return _checked(text, frame, ra * 15.0 if hours else ra, dec)


def _angle(text: str, parts: Sequence[str]) -> float:
    sign = -1.0 if parts[0].startswith("-") else 1.0
    whole, minutes, seconds = (*(abs(float(part)) for part in parts), 0.0, 0.0)[:3]
    if minutes >= 60.0 or seconds > 60.0:
        raise InvalidQueryError("position", text, "minutes and seconds below 60")
    return sign * (whole + minutes / 60.0 + seconds / 3600.0)


def _checked(text: str, frame: str, first: float, second: float) -> Written:
    if not (abs(second) <= 90.0 and abs(first) <= 360.0):
        raise InvalidQueryError("position", text, _SPHERE)
    return Written(frame, first, second)
