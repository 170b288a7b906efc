"""Exact tests of footprints against a region, for many footprints at once, in double arithmetic on unit vectors.

Sides run along great circles. Everything is computed from differences of vectors, so that tiny footprints are as exact
as large ones, at the poles and across RA 0 alike. What touches overlaps.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from deepfield.model.coverage import Box, Circle, Point, Polygon, parse_regions

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from deepfield.model.coverage import Region

Array: TypeAlias = NDArray[np.float64]
Mask: TypeAlias = NDArray[np.bool_]
Rows: TypeAlias = NDArray[np.int64]

_TOUCH: Final = 1e-14
"""Radians (2 nanoarcseconds) within which two things touch: what rounding leaves."""
_MOST_PAIRS: Final = 500_000
"""Pairs of sides compared at a time, which bounds memory."""


class Outlines:
    """The footprints of some rows, sorted by shape; each shape knows the row it belongs to."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._polygons: dict[int, list[tuple[Rows, Array]]] = {}
        """By number of vertices: rows, and (row, vertex, ra and dec in degrees)."""
        self._circles: list[tuple[Rows, Array]] = []
        """Rows, and (row, ra, dec and radius in degrees); points have radius 0."""

    @classmethod
    def read(cls, texts: Sequence[str | None], ra: Array, dec: Array) -> Outlines:
        """Read footprints as ``s_region`` has them; a row without one is a point at its centre."""
        outlines = cls(len(texts))
        for row, text in enumerate(texts):
            regions = (Point(ra[row], dec[row]),) if text is None else parse_regions(text)
            for region in regions:
                outlines.add(row, region)
        return outlines

    @classmethod
    def points(cls, ra: Array, dec: Array) -> Outlines:
        """Take centres for footprints."""
        outlines = cls(len(ra))
        outlines._circles.append((np.arange(len(ra)), np.column_stack([ra, dec, np.zeros(len(ra))])))
        return outlines

    @classmethod
    def stored(cls, vertices: pa.Array, texts: pa.Array, ra: Array, dec: Array) -> Outlines:
        """Take polygons as the replica stores them, as lists of numbers; where there is none, the text is read."""
        others = np.flatnonzero(vertices.is_null().to_numpy(zero_copy_only=False))
        kept = [text or None for text in texts.take(pa.array(others)).to_pylist()]
        outlines = cls(len(vertices))
        for row, text in zip(others.tolist(), kept, strict=True):
            for region in (Point(ra[row], dec[row]),) if text is None else parse_regions(text):
                outlines.add(row, region)
        for rows, coordinates in polygons_of(vertices):
            outlines.add_polygons(rows, coordinates)
        return outlines

    def add_polygons(self, rows: Rows, coordinates: Array) -> None:
        """Let rows have polygons of equally many vertices: (row, vertex, ra and dec in degrees)."""
        self._polygons.setdefault(coordinates.shape[1], []).append((rows, coordinates))

    def add_circles(self, rows: Rows, values: Array) -> None:
        """Let rows have circles: (row, ra, dec and radius in degrees); points have radius 0."""
        self._circles.append((rows, values))

    def meet(self, region: Region) -> Mask:
        """Tell for each row whether its footprint and the region have a point in common."""
        met = np.zeros(self._size, dtype=np.bool_)
        for rows, values in self._circles:
            hits = _disks_meet(_vectors(values[:, 0], values[:, 1]), np.radians(values[:, 2]), region)
            np.logical_or.at(met, rows, hits)
        for pieces in self._polygons.values():
            rows, degrees = (np.concatenate(part) for part in zip(*pieces, strict=True))
            hits = _polygons_meet(_vectors(degrees[..., 0], degrees[..., 1]), region)
            np.logical_or.at(met, rows, hits)
        return met

    def meet_circles(self, ra: Array, dec: Array, radius: float) -> Mask:
        """Tell for each row whether its footprint meets the circle of that row; everything in degrees."""
        met = np.zeros(self._size, dtype=np.bool_)
        centres, size = _vectors(ra, dec), np.radians(radius)
        for rows, values in self._circles:
            away = _chord_angle(_vectors(values[:, 0], values[:, 1]) - centres[rows])
            np.logical_or.at(met, rows, away <= np.radians(values[:, 2]) + size + _TOUCH)
        for pieces in self._polygons.values():
            rows, degrees = (np.concatenate(part) for part in zip(*pieces, strict=True))
            hits = _polygons_near(_vectors(degrees[..., 0], degrees[..., 1]), centres[rows][:, None], size)
            np.logical_or.at(met, rows, hits)
        return met

    def within(self, region: Region) -> Mask:
        """Tell for each row whether its footprint lies wholly within the region, borders included."""
        inside = np.ones(self._size, dtype=np.bool_)
        for rows, values in self._circles:
            hits = _disks_within(_vectors(values[:, 0], values[:, 1]), np.radians(values[:, 2]), region)
            np.logical_and.at(inside, rows, hits)
        for pieces in self._polygons.values():
            rows, degrees = (np.concatenate(part) for part in zip(*pieces, strict=True))
            hits = _polygons_within(_vectors(degrees[..., 0], degrees[..., 1]), region)
            np.logical_and.at(inside, rows, hits)
        return inside

    def add(self, row: int, region: Region) -> None:
        """Let a row have a region, or one more."""
        match region:
            case Polygon():
                corners = np.array(region.normalised().vertices)
                self._polygons.setdefault(len(corners), []).append((np.array([row]), corners[None]))
            case Circle(ra, dec, radius):
                self._circles.append((np.array([row]), np.array([[ra, dec, radius]])))
            case Point(ra, dec):
                self._circles.append((np.array([row]), np.array([[ra, dec, 0.0]])))
            case Box():
                self.add(row, region.polygon())


def polygons_of(vertices: pa.Array) -> Iterator[tuple[Rows, Array]]:
    """Read polygons out of lists ``[ra, dec, ra, dec, …]``: by length, the rows and what ``add_polygons`` takes."""
    for rows, values in lists_of(vertices):
        if values.shape[1] >= 6 and values.shape[1] % 2 == 0:
            yield rows, values.reshape(len(rows), -1, 2)


def lists_of(vertices: pa.Array) -> Iterator[tuple[Rows, Array]]:
    """Read lists of numbers: by length, the rows and their numbers."""
    lengths = pc.fill_null(pc.list_value_length(vertices), 0).to_numpy()
    starts = np.cumsum(lengths) - lengths
    values = vertices.flatten().to_numpy(zero_copy_only=False)
    for length in np.unique(lengths[lengths > 0]).tolist():
        rows = np.flatnonzero(lengths == length)
        yield rows, values[starts[rows][:, None] + np.arange(length)]


def distances(ra: Array, dec: Array, centre: Point | Circle) -> Array:
    """Return the angles in degrees between positions and a centre."""
    return np.degrees(_angles(_vectors(ra, dec), _vector(centre.ra, centre.dec)))


def _disks_meet(centres: Array, radii: Array, region: Region) -> Mask:
    match region:
        case Circle(ra, dec, radius):
            return np.asarray(_angles(centres, _vector(ra, dec)) <= radii + np.radians(radius) + _TOUCH)
        case Point(ra, dec):
            return np.asarray(_angles(centres, _vector(ra, dec)) <= radii + _TOUCH)
        case Polygon() | Box():
            corners = _corners(region)[None]
            return np.array(
                [
                    bool(_polygons_near(corners, centre, radius)[0])
                    for centre, radius in zip(centres, radii, strict=True)
                ],
                dtype=np.bool_,
            )


def _disks_within(centres: Array, radii: Array, region: Region) -> Mask:
    match region:
        case Circle(ra, dec, radius):
            return np.asarray(_angles(centres, _vector(ra, dec)) + radii <= np.radians(radius) + _TOUCH)
        case Point(ra, dec):
            return np.asarray(_angles(centres, _vector(ra, dec)) + radii <= _TOUCH)
        case Polygon() | Box():
            corners = _corners(region)[None]
            inside = [bool(_polygons_near(corners, centre, 0.0)[0]) for centre in centres]
            room = np.array([_distance_to_sides(corners, centre).min() for centre in centres])
            return np.array(inside, dtype=np.bool_) & (room >= radii - _TOUCH)


def _polygons_within(polygons: Array, region: Region) -> Mask:
    match region:
        case Circle(ra, dec, radius) if radius <= 90.0:
            return np.asarray(_angles(polygons, _vector(ra, dec)).max(axis=-1) <= np.radians(radius) + _TOUCH)
        case Circle(ra, dec, radius):  # where no point lies in the cap on the other side
            return ~_polygons_near(polygons, -_vector(ra, dec), np.pi - np.radians(radius) - 2 * _TOUCH)
        case Point():
            return np.zeros(len(polygons), dtype=np.bool_)
        case Polygon() | Box():
            corners = _corners(region)
            return np.array([_polygon_within(polygon, corners) for polygon in polygons], dtype=np.bool_)


def _polygon_within(polygon: Array, corners: Array) -> bool:
    """Tell whether a polygon has all corners in another one, and no side of its own that crosses one of it."""
    if not all(_polygons_near(corners[None], vertex, 0.0)[0] for vertex in polygon):
        return False
    start, end = polygon[:, None], np.roll(polygon, -1, axis=0)[:, None]
    first, second = corners[None], np.roll(corners, -1, axis=0)[None]
    acb, bda = -_triple(start, end, first), _triple(start, end, second)
    cbd, dac = -_triple(first, second, end), _triple(first, second, start)
    proper = (acb * bda > 0) & (acb * cbd > 0) & (acb * dac > 0)
    clear = np.minimum(*(np.minimum(np.abs(one), np.abs(two)) for one, two in ((acb, bda), (cbd, dac)))) > _TOUCH
    return not bool(np.any(proper & clear))


def _polygons_meet(polygons: Array, region: Region) -> Mask:
    match region:
        case Circle(ra, dec, radius):
            return _polygons_near(polygons, _vector(ra, dec), np.radians(radius))
        case Point(ra, dec):
            return _polygons_near(polygons, _vector(ra, dec), 0.0)
        case Polygon() | Box():
            corners = _corners(region)
            step = max(1, _MOST_PAIRS // (polygons.shape[1] * len(corners)))
            pieces = [_polygons_cross(polygons[at : at + step], corners) for at in range(0, len(polygons), step)]
            return np.concatenate(pieces)


def _corners(region: Polygon | Box) -> Array:
    polygon = region.polygon() if isinstance(region, Box) else region
    degrees = np.array(polygon.normalised().vertices)
    return _vectors(degrees[:, 0], degrees[:, 1])


def _polygons_near(polygons: Array, point: Array, radius: float) -> Mask:
    """Tell which polygons contain a point or have a side within ``radius`` (radians) of it.

    The point is one for all (3), or one for each (polygon, 1, 3).
    """
    near = _contain(polygons, point)
    left = np.flatnonzero(~near)
    if len(left):
        points = point if point.ndim == 1 else point[left]
        near[left] = _distance_to_sides(polygons[left], points).min(axis=-1) <= radius + _TOUCH
    return near


def _polygons_cross(polygons: Array, corners: Array) -> Mask:
    """Tell which polygons overlap one: their sides cross, or one holds a corner of the other, or they touch."""
    start, end = polygons[:, :, None], np.roll(polygons, -1, axis=1)[:, :, None]
    first, second = corners[None, None], np.roll(corners, -1, axis=0)[None, None]
    acb, bda = -_triple(start, end, first), _triple(start, end, second)
    cbd, dac = -_triple(first, second, end), _triple(first, second, start)
    hits: Mask = np.any((acb * bda > 0) & (acb * cbd > 0) & (acb * dac > 0), axis=(1, 2))
    hits |= _contain(polygons, corners[0])
    hits |= np.array([bool(_contain(corners[None], polygon[0])[0]) for polygon in polygons], dtype=np.bool_)
    left = np.flatnonzero(~hits)
    if len(left):
        others = polygons[left]
        to_sides = np.stack([_distance_to_sides(others, corner).min(axis=-1) for corner in corners]).min(axis=0)
        to_corners = np.stack(
            [_distance_to_sides(corners[None], others[:, at][:, None]).min(axis=-1) for at in range(others.shape[1])]
        ).min(axis=0)
        hits[left] = (to_sides <= _TOUCH) | (to_corners <= _TOUCH)
    return hits


def _distance_to_sides(polygons: Array, point: Array) -> Array:
    """Return the angles (radians) between a point and each side of each polygon."""
    start, end = polygons, np.roll(polygons, -1, axis=-2)
    to_start, to_end = start - point, end - point
    side = end - start
    normal = _cross(start, side)
    length = np.linalg.norm(normal, axis=-1)
    # beside the arc: ahead of its start and behind its end
    beside = (_cross(normal, start) * -to_start).sum(-1) >= 0
    beside &= (_cross(end, normal) * -to_end).sum(-1) >= 0
    beside &= length > 0
    across = np.abs((normal * -to_start).sum(-1)) / np.where(length > 0, length, 1.0)
    along = np.sqrt(np.maximum(0.0, 1.0 - across**2))
    ends = np.minimum(_chord_angle(to_start), _chord_angle(to_end))
    return np.where(beside, np.arctan2(across, along), ends)


def _contain(polygons: Array, point: Array) -> Mask:
    """Tell which polygons wind around a point, or each around its own. Polygons are smaller than a hemisphere."""
    away = polygons - point
    flat = away - (away * point).sum(-1, keepdims=True) * point
    following = np.roll(away, -1, axis=-2)
    turn = np.arctan2((_cross(away, following) * point).sum(-1), (flat * np.roll(flat, -1, axis=-2)).sum(-1)).sum(-1)
    this_side = (polygons.sum(axis=-2, keepdims=True) * point).sum(-1)[..., 0] > 0
    inside: Mask = (np.abs(turn) > np.pi) & this_side
    return inside


def _cross(first: Array, second: Array) -> Array:
    """Return the cross product along the last axis, without the checks that cost numpy more than the product."""
    first, second = np.broadcast_arrays(first, second)
    (x, y, z), (u, v, w) = np.moveaxis(first, -1, 0), np.moveaxis(second, -1, 0)
    return np.stack([y * w - z * v, z * u - x * w, x * v - y * u], axis=-1)


def _triple(first: Array, second: Array, third: Array) -> Array:
    """Return the determinant of three vectors, from differences."""
    determinant: Array = (_cross(first - third, second - third) * third).sum(-1)
    return determinant


def _angles(vectors: Array, point: Array) -> Array:
    return _chord_angle(vectors - point)


def _chord_angle(difference: Array) -> Array:
    angle: Array = 2.0 * np.arcsin(np.minimum(1.0, np.linalg.norm(difference, axis=-1) / 2.0))
    return angle


def _vector(ra: float, dec: float) -> Array:
    return _vectors(np.array(ra), np.array(dec))


def _vectors(ra: Array, dec: Array) -> Array:
    """Return unit vectors along a new last axis."""
    alpha, delta = np.radians(ra), np.radians(dec)
    return np.stack([np.cos(delta) * np.cos(alpha), np.cos(delta) * np.sin(alpha), np.sin(delta)], axis=-1)
