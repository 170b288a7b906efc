"""Regions of the sky: ICRS, degrees, sides along great circles; exact at the poles and across RA 0.

All geometry is done on unit vectors. A polygon is taken to be smaller than a hemisphere, so that its inside is
the smaller side whatever the order of its vertices.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
from numpy.typing import NDArray

from deepfield.model.errors import InvalidValueError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

Vectors: TypeAlias = NDArray[np.float64]
"""Unit vectors, one a row."""

_SAME_PLACE = 1e-12
"""Radians below which two vertices are one (0.2 microarcseconds)."""


@dataclass(frozen=True, slots=True)
class Point:
    """A position, ICRS degrees."""

    ra: float
    dec: float

    def __post_init__(self) -> None:
        _require_position(self.ra, self.dec)

    def to_stcs(self) -> str:
        """Return ``POSITION ICRS ra dec``."""
        return f"POSITION ICRS {_degrees(self.ra % 360.0)} {_degrees(self.dec)}"

    def centroid(self) -> Point:
        return Point(self.ra % 360.0, self.dec)

    def enclosing(self) -> Circle:
        return Circle(self.ra % 360.0, self.dec, 0.0)


@dataclass(frozen=True, slots=True)
class Circle:
    """A cap on the sphere, ICRS, in degrees."""

    ra: float
    dec: float
    radius: float

    def __post_init__(self) -> None:
        _require_position(self.ra, self.dec)
        if not 0.0 <= self.radius <= 180.0:
            raise InvalidValueError("radius", self.radius, "degrees from 0 to 180")

    def to_stcs(self) -> str:
        """Return ``CIRCLE ICRS ra dec radius``."""
        return f"CIRCLE ICRS {_degrees(self.ra % 360.0)} {_degrees(self.dec)} {_degrees(self.radius)}"

    def centroid(self) -> Point:
        return Point(self.ra % 360.0, self.dec)

    def enclosing(self) -> Circle:
        return Circle(self.ra % 360.0, self.dec, self.radius)


@dataclass(frozen=True, slots=True)
class Polygon:
    """A spherical polygon with great-circle sides, ICRS degrees, smaller than a hemisphere."""

    vertices: tuple[tuple[float, float], ...]

    def __post_init__(self) -> None:
        for ra, dec in self.vertices:
            _require_position(ra, dec)
        if len(self.vertices) < 3:
            raise InvalidValueError("polygon", self.vertices, "at least three vertices")

    @classmethod
    def from_vectors(cls, vectors: Vectors) -> Polygon:
        """Make a polygon of unit vectors, one a row."""
        return cls(tuple(from_vector(vector) for vector in vectors))

    @property
    def vectors(self) -> Vectors:
        return to_vectors(self.vertices)

    def normalised(self) -> Polygon:
        """Return the same polygon as the IVOA writes it (DALI 1.1 §3.3.7).

        Counter-clockwise seen from inside the sphere (north, east, south, west), without repeated vertices,
        right ascensions in [0, 360), beginning with the vertex that came first.

        Raises:
            InvalidValueError: fewer than three different vertices are left.
        """
        kept: list[tuple[float, float]] = []
        vectors = self.vectors
        last: Vectors | None = None
        for (ra, dec), vector in zip(self.vertices, vectors, strict=True):
            if last is None or _separation(last, vector) > _SAME_PLACE:
                kept.append((_wrapped(ra), float(dec)))
                last = vector
        if len(kept) > 1 and _separation(*to_vectors((kept[0], kept[-1]))) <= _SAME_PLACE:
            kept.pop()
        polygon = Polygon(tuple(kept))
        if polygon._outward_turn() > 0:
            return Polygon((kept[0], *reversed(kept[1:])))
        return polygon

    def centroid(self) -> Point:
        """Return the centre of area: the direction of the integral of the position over the polygon."""
        vectors = self.vectors
        middle = _unit(vectors.sum(axis=0))
        following = np.roll(vectors, -1, axis=0)
        # each side adds its angle along its normal; written so that what cancels around the polygon never appears
        spans = _cross(vectors - middle, following - middle)
        sides = _cross(middle, following - vectors)
        stretch = _angle_over_sine(np.linalg.norm(spans + sides, axis=1), np.einsum("ij,ij->i", vectors, following))
        integral = (spans * (1.0 + stretch)[:, None] + sides * stretch[:, None]).sum(axis=0)
        size = float(np.linalg.norm(integral))
        if size < 1e-15:  # no area to speak of: a slit or a line
            return Point(*from_vector(middle))
        if float(integral @ middle) < 0:
            integral = -integral
        return Point(*from_vector(integral / size))

    def enclosing(self) -> Circle:
        """Return the circle around the centroid that just holds the polygon."""
        centre = self.centroid()
        (vector,) = to_vectors(((centre.ra, centre.dec),))
        radius = max(_separation(vector, vertex) for vertex in self.vectors)
        return Circle(centre.ra, centre.dec, math.degrees(radius))

    def area(self) -> float:
        """Return the area in square degrees."""
        vectors = self.vectors
        middle = _unit(vectors.sum(axis=0))
        excess = sum(
            _signed_excess(middle, start, end) for start, end in zip(vectors, np.roll(vectors, -1, axis=0), strict=True)
        )
        return abs(excess) * math.degrees(1.0) ** 2

    def to_stcs(self) -> str:
        """Return ``POLYGON ICRS ra1 dec1 ra2 dec2 …``."""
        return "POLYGON ICRS " + " ".join(f"{_degrees(ra)} {_degrees(dec)}" for ra, dec in self.vertices)

    def _outward_turn(self) -> float:
        """Positive where the vertices run counter-clockwise seen from outside."""
        vectors = self.vectors
        middle = _unit(vectors.sum(axis=0))
        arms = vectors - middle
        return float(_cross(arms, np.roll(arms, -1, axis=0)).sum(axis=0) @ middle)


@dataclass(frozen=True, slots=True)
class Box:
    """A box after ADQL 2.1 §4.2.9: great circles that meet the ends of a cross at right angles, ICRS degrees."""

    ra: float
    dec: float
    width: float
    height: float

    def __post_init__(self) -> None:
        _require_position(self.ra, self.dec)
        for name, size in (("width", self.width), ("height", self.height)):
            if not 0.0 < size < 180.0:
                raise InvalidValueError(f"box {name}", size, "degrees above 0 and below 180")

    def polygon(self) -> Polygon:
        """Return the box as a polygon, normalised."""
        ra, dec = math.radians(self.ra), math.radians(self.dec)
        centre = np.array([math.cos(dec) * math.cos(ra), math.cos(dec) * math.sin(ra), math.sin(dec)])
        east = np.array([-math.sin(ra), math.cos(ra), 0.0])
        north = np.array([-math.sin(dec) * math.cos(ra), -math.sin(dec) * math.sin(ra), math.cos(dec)])
        x, y = math.tan(math.radians(self.width) / 2), math.tan(math.radians(self.height) / 2)
        corners = [centre + sx * x * east + sy * y * north for sx, sy in ((-1, 1), (1, 1), (1, -1), (-1, -1))]
        return Polygon.from_vectors(np.array([_unit(corner) for corner in corners])).normalised()

    def centroid(self) -> Point:
        return Point(self.ra % 360.0, self.dec)

    def enclosing(self) -> Circle:
        return self.polygon().enclosing()

    def to_stcs(self) -> str:
        """Return ``BOX ICRS ra dec width height``."""
        numbers = (self.ra % 360.0, self.dec, self.width, self.height)
        return "BOX ICRS " + " ".join(_degrees(number) for number in numbers)


Region: TypeAlias = Circle | Polygon | Box | Point

_SHAPES = {"CIRCLE": 3, "POLYGON": None, "BOX": 4, "POSITION": 2, "POINT": 2}
_FLAVOURS = {"BARYCENTER", "GEOCENTER", "HELIOCENTER", "TOPOCENTER", "UNKNOWNREFPOS", "SPHERICAL2", "UNION"}


def parse_region(text: str) -> Region | tuple[Region, ...]:
    """Read STC-S or DALI text into a region; several shapes in one text (a union) give a tuple of regions.

    Accepts ``CIRCLE``, ``POLYGON``, ``BOX`` and ``POSITION``/``POINT`` in any case, with or without the frame ICRS.

    Raises:
        InvalidValueError: the text is no region, or is in another frame.
    """
    regions = parse_regions(text)
    return regions[0] if len(regions) == 1 else regions


def parse_regions(text: str) -> tuple[Region, ...]:
    """Read STC-S or DALI text as ``parse_region`` does, always into a tuple."""
    regions: list[Region] = []
    for shape, words in _shapes(text):
        numbers = [_number(text, word) for word in words]
        wanted = _SHAPES[shape]
        if (wanted is not None and len(numbers) != wanted) or (wanted is None and len(numbers) % 2):
            expected = f"{wanted} numbers" if wanted else "pairs of numbers"
            raise InvalidValueError("region", text, f"{expected} after {shape}")
        regions.append(_build(shape, numbers))
    if not regions:
        raise InvalidValueError("region", text, "CIRCLE, POLYGON, BOX or POSITION with numbers in ICRS degrees")
    return tuple(regions)


def to_stcs(regions: Region | Sequence[Region]) -> str:
    """Write one region, or the union of several, in the way ``parse_region`` reads."""
    if isinstance(regions, Circle | Polygon | Box | Point):
        return regions.to_stcs()
    return " ".join(region.to_stcs() for region in regions)


def to_vectors(positions: Sequence[tuple[float, float]]) -> Vectors:
    """Turn (ra, dec) pairs in degrees into unit vectors, one a row."""
    angles = np.radians(np.asarray(positions, dtype=np.float64).reshape(-1, 2))
    ra, dec = angles[:, 0], angles[:, 1]
    return np.column_stack((np.cos(dec) * np.cos(ra), np.cos(dec) * np.sin(ra), np.sin(dec)))


def from_vector(vector: Vectors) -> tuple[float, float]:
    """Turn a unit vector into (ra, dec) in degrees, ra in [0, 360)."""
    x, y, z = (float(part) for part in vector)
    return _wrapped(math.degrees(math.atan2(y, x))), math.degrees(math.atan2(z, math.hypot(x, y))) + 0.0


def separation(first: tuple[float, float], second: tuple[float, float]) -> float:
    """Return the angle between two (ra, dec) positions, all in degrees."""
    return math.degrees(_separation(*to_vectors((first, second))))


def _shapes(text: str) -> Iterator[tuple[str, list[str]]]:
    shape: str | None = None
    numbers: list[str] = []
    for word in re.sub(r"[(),]", " ", text).split():
        upper = word.upper()
        if upper in _SHAPES:
            if shape is not None:
                yield shape, numbers
            shape, numbers = upper, []
        elif upper == "ICRS" or upper in _FLAVOURS:
            continue
        elif shape is None:
            raise InvalidValueError("region", text, "CIRCLE, POLYGON, BOX or POSITION first")
        else:
            numbers.append(word)
    if shape is not None:
        yield shape, numbers


def _build(shape: str, numbers: list[float]) -> Region:
    if shape == "CIRCLE":
        return Circle(*numbers)
    if shape == "BOX":
        return Box(*numbers)
    if shape == "POLYGON":
        return Polygon(tuple(zip(numbers[::2], numbers[1::2], strict=True)))
    return Point(*numbers)


def _number(text: str, word: str) -> float:
    try:
        return float(word)
    except ValueError:
        raise InvalidValueError("region", text, f"ICRS degrees where {word!r} stands") from None


def _require_position(ra: float, dec: float) -> None:
    if not math.isfinite(ra):
        raise InvalidValueError("right ascension", ra, "a finite number of degrees")
    if not -90.0 <= dec <= 90.0:
        raise InvalidValueError("declination", dec, "degrees from -90 to 90")


def _wrapped(ra: float) -> float:
    wrapped = float(ra) % 360.0
    return 0.0 if wrapped == 360.0 else wrapped + 0.0


def _degrees(value: float) -> str:
    return repr(round(float(value), 10) + 0.0)


def _unit(vector: Vectors) -> Vectors:
    length = float(np.linalg.norm(vector))
    return vector / length if length else np.array([1.0, 0.0, 0.0])


def _cross(first: Vectors, second: Vectors) -> Vectors:
    """Cross products, row by row; numpy's own takes ten times as long for a handful."""
    x1, y1, z1 = first[..., 0], first[..., 1], first[..., 2]
    x2, y2, z2 = second[..., 0], second[..., 1], second[..., 2]
    product: Vectors = np.stack((y1 * z2 - z1 * y2, z1 * x2 - x1 * z2, x1 * y2 - y1 * x2), axis=-1)
    return product


def _separation(first: Vectors, second: Vectors) -> float:
    return math.atan2(float(np.linalg.norm(_cross(first, second))), float(first @ second))


def _angle_over_sine(sine: Vectors, cosine: Vectors) -> Vectors:
    """Return angle/sine - 1, exact for small angles."""
    angle = np.arctan2(sine, cosine)
    exact = np.divide(angle, sine, out=np.ones_like(angle), where=sine > 0) - 1.0
    square = angle * angle
    return np.where(angle < 0.01, square / 6.0 + 7.0 * square * square / 360.0, exact)


def _signed_excess(apex: Vectors, start: Vectors, end: Vectors) -> float:
    """Solid angle of a spherical triangle, signed (Van Oosterom and Strackee 1983)."""
    numerator = float(_cross(start - apex, end - apex) @ apex)
    denominator = 1.0 + float(apex @ start) + float(start @ end) + float(end @ apex)
    return 2.0 * math.atan2(numerator, denominator)
