"""Bodies of the solar system: where they stand at a moment, by the ephemeris that comes with astropy."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from deepfield.query.moving import body_key

if TYPE_CHECKING:
    from datetime import datetime

NAME: Final = "ephemeris"

_BODIES: Final = {
    name.lower(): name for name in ("Mercury", "Venus", "Mars", "Jupiter", "Saturn", "Uranus", "Neptune", "Moon")
}
_UNPLACED: Final = {"pluto": "Pluto"}
"""Bodies that the ephemeris at hand does not hold."""


@dataclass(frozen=True, slots=True)
class Body:
    """A body of the solar system and its direction from the centre of the Earth, ICRS degrees; None if unknown."""

    name: str
    ra: float | None
    dec: float | None


def find_body_at(name: str, moment: datetime) -> Body | None:
    """Return the body of a name where it stands at a moment, None if the name is no planet's, the Moon's or Pluto's.

    The direction is astrometric: light time is taken off, aberration is not applied. Good to about an arcminute.
    """
    key = body_key(name)
    if key in _UNPLACED:
        return Body(_UNPLACED[key], None, None)
    return Body(_BODIES[key], *_direction(key, moment)) if key in _BODIES else None


def _direction(body: str, moment: datetime) -> tuple[float, float]:
    from astropy.constants import c
    from astropy.coordinates import SkyCoord, get_body_barycentric
    from astropy.time import Time

    time = Time(moment, scale="utc").tdb
    earth = get_body_barycentric("earth", time, ephemeris="builtin")
    away = get_body_barycentric(body, time, ephemeris="builtin") - earth
    for _ in range(2):
        away = get_body_barycentric(body, time - away.norm() / c, ephemeris="builtin") - earth
    place = SkyCoord(away, frame="icrs").spherical
    return float(place.lon.wrap_at("360d").deg), float(place.lat.deg)
