"""Apertures on a pixel grid: how much of each pixel lies inside a circle, a box or a polygon.

Pixels count from 0, and (0, 0) is the centre of the first one, as in astropy and photutils.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from deepfield.model.errors import InvalidValueError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Point = tuple[float, float]

FIELD: Final = "aperture"
MOST_VERTICES: Final = 200
_FORMS: Final = "spaxel x y, circle x y radius, box x y width height [angle] or polygon x1 y1 x2 y2 x3 y3 …, in pixels"


@dataclass(frozen=True, slots=True)
class Weights:
    """The part of an aperture that lies on an image: from pixel (``x``, ``y``) on, the share of each pixel inside."""

    x: int
    y: int
    shares: Floats
    """Of shape (rows, columns), 0 to 1."""


@dataclass(frozen=True, slots=True)
class Circle:
    """All within ``radius`` pixels of (``x``, ``y``); shares are exact areas."""

    x: float
    y: float
    radius: float

    @property
    def corners(self) -> tuple[Point, Point]:
        """The lower left and upper right corner of what it lies in."""
        return (self.x - self.radius, self.y - self.radius), (self.x + self.radius, self.y + self.radius)

    def shares(self, first_x: int, first_y: int, width: int, height: int) -> Floats:
        """Return the share of each pixel inside."""
        left = np.arange(first_x, first_x + width) - 0.5 - self.x
        low = np.arange(first_y, first_y + height) - 0.5 - self.y
        edges_x = np.append(left, left[-1] + 1)
        edges_y = np.append(low, low[-1] + 1)
        corner = _quadrant(edges_x[None, :], edges_y[:, None], self.radius)
        area = corner[1:, 1:] - corner[1:, :-1] - corner[:-1, 1:] + corner[:-1, :-1]
        return np.asarray(np.clip(area, 0.0, 1.0))


@dataclass(frozen=True, slots=True)
class Polygon:
    """All inside a polygon that does not cross itself; shares are exact areas."""

    vertices: tuple[Point, ...]

    @property
    def corners(self) -> tuple[Point, Point]:
        """The lower left and upper right corner of what it lies in."""
        xs, ys = zip(*self.vertices, strict=True)
        return (min(xs), min(ys)), (max(xs), max(ys))

    def shares(self, first_x: int, first_y: int, width: int, height: int) -> Floats:
        """Return the share of each pixel inside."""
        found = np.zeros((height, width))
        for row in range(height):
            low = first_y + row - 0.5
            strip = _clipped(_clipped(self.vertices, 1, low, above=True), 1, low + 1, above=False)
            if len(strip) < 3:
                continue
            for column in range(width):
                left = first_x + column - 0.5
                cell = _clipped(_clipped(strip, 0, left, above=True), 0, left + 1, above=False)
                found[row, column] = abs(_area(cell))
        return found


@dataclass(frozen=True, slots=True)
class Spaxel:
    """One pixel."""

    x: int
    y: int

    @property
    def corners(self) -> tuple[Point, Point]:
        """The lower left and upper right corner of what it lies in."""
        return (self.x - 0.5, self.y - 0.5), (self.x + 0.5, self.y + 0.5)

    def shares(self, first_x: int, first_y: int, width: int, height: int) -> Floats:
        """Return the share of each pixel inside."""
        found = np.zeros((height, width))
        if 0 <= self.y - first_y < height and 0 <= self.x - first_x < width:
            found[self.y - first_y, self.x - first_x] = 1.0
        return found


Aperture = Circle | Polygon | Spaxel


def parse_aperture(text: str) -> Aperture:
    """Read an aperture in pixels: ``circle 12.5 20 3``.

    Raises:
        InvalidValueError: it is none; says which forms there are.
    """
    kind, _, rest = text.strip().lower().partition(" ")
    try:
        numbers = [float(word) for word in rest.replace(",", " ").split()]
    except ValueError:
        numbers = []
    if not all(math.isfinite(number) and abs(number) < 1e6 for number in numbers):
        raise InvalidValueError(FIELD, text, f"{_FORMS}, finite and below a million")
    match kind, numbers:
        case "spaxel", [x, y] if x.is_integer() and y.is_integer():
            return Spaxel(int(x), int(y))
        case "circle", [x, y, radius] if radius > 0:
            return Circle(x, y, radius)
        case "box", [x, y, width, height, *angle] if width > 0 and height > 0 and len(angle) < 2:
            return _box(x, y, width, height, angle[0] if angle else 0.0)
        case "polygon", [*_] if 6 <= len(numbers) <= 2 * MOST_VERTICES and len(numbers) % 2 == 0:
            return _polygon(text, list(zip(numbers[::2], numbers[1::2], strict=True)))
    raise InvalidValueError(FIELD, text, _FORMS)


def weights_on(aperture: Aperture, width: int, height: int, text: str) -> Weights:
    """Return the shares of the pixels of an image of this size.

    Raises:
        InvalidValueError: no pixel of the image lies in the aperture.
    """
    (left, low), (right, high) = aperture.corners
    first_x, last_x = max(0, math.floor(left + 0.5)), min(width - 1, math.ceil(right - 0.5))
    first_y, last_y = max(0, math.floor(low + 0.5)), min(height - 1, math.ceil(high - 0.5))
    if first_x <= last_x and first_y <= last_y:
        shares = aperture.shares(first_x, first_y, last_x - first_x + 1, last_y - first_y + 1)
        if shares.any():
            return Weights(first_x, first_y, shares)
    expected = f"an aperture that overlaps the image, whose pixels are 0 to {width - 1} and 0 to {height - 1}"
    raise InvalidValueError(FIELD, text, expected)


def _box(x: float, y: float, width: float, height: float, angle: float) -> Polygon:
    cosine, sine = math.cos(math.radians(angle)), math.sin(math.radians(angle))
    corners = [(-width / 2, -height / 2), (width / 2, -height / 2), (width / 2, height / 2), (-width / 2, height / 2)]
    return Polygon(tuple((x + cosine * a - sine * b, y + sine * a + cosine * b) for a, b in corners))


def _polygon(text: str, vertices: Sequence[Point]) -> Polygon:
    if abs(_area(vertices)) < 1e-9:
        raise InvalidValueError(FIELD, text, "a polygon with an area")
    count = len(vertices)
    edges = [(vertices[n], vertices[(n + 1) % count]) for n in range(count)]
    for first in range(count):
        for second in range(first + 2, count):
            if (second + 1) % count != first and _cross(*edges[first], *edges[second]):
                raise InvalidValueError(FIELD, text, "a polygon that does not cross itself")
    return Polygon(tuple(vertices))


def _cross(a: Point, b: Point, c: Point, d: Point) -> bool:
    def side(p: Point, q: Point, r: Point) -> float:
        return (q[0] - p[0]) * (r[1] - p[1]) - (q[1] - p[1]) * (r[0] - p[0])

    return side(a, b, c) * side(a, b, d) < 0 and side(c, d, a) * side(c, d, b) < 0


def _clipped(vertices: Sequence[Point], axis: int, limit: float, *, above: bool) -> list[Point]:
    """Return what of a polygon lies on one side of a line along an axis (Sutherland and Hodgman)."""
    sign = 1.0 if above else -1.0
    kept: list[Point] = []
    for place, here in enumerate(vertices):
        before = vertices[place - 1]
        inside, was = (here[axis] - limit) * sign >= 0, (before[axis] - limit) * sign >= 0
        if inside != was:
            part = (limit - before[axis]) / (here[axis] - before[axis])
            kept.append((before[0] + part * (here[0] - before[0]), before[1] + part * (here[1] - before[1])))
        if inside:
            kept.append(here)
    return kept


def _area(vertices: Sequence[Point]) -> float:
    """Return the area of a polygon, positive where its vertices go round counter-clockwise."""
    pairs = zip(vertices, [*vertices[1:], *vertices[:1]], strict=True)
    return math.fsum(a[0] * b[1] - b[0] * a[1] for a, b in pairs) / 2


def _quadrant(x: Floats, y: Floats, radius: float) -> Floats:
    """Return the signed area of the circle around 0 within the rectangle from 0 to (x, y)."""
    wide, high = np.minimum(np.abs(x), radius), np.minimum(np.abs(y), radius)
    wide, high = np.broadcast_arrays(wide, high)
    inside = wide**2 + high**2 <= radius**2
    # beyond the corner: a rectangle up to where the arc begins, then the area under the arc
    begin = np.sqrt(np.maximum(radius**2 - high**2, 0.0))
    begin = np.minimum(begin, wide)
    under = _under_arc(wide, radius) - _under_arc(begin, radius)
    area = np.where(inside, wide * high, begin * high + under)
    return np.asarray(np.sign(x) * np.sign(y) * area)


def _under_arc(x: Floats, radius: float) -> Floats:
    """Return the area under the arc from 0 to x."""
    ratio = np.clip(x / radius, -1.0, 1.0)
    return np.asarray((x * np.sqrt(np.maximum(radius**2 - x**2, 0.0)) + radius**2 * np.arcsin(ratio)) / 2)
