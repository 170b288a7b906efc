"""Regions in columns: what engines call where a region is not the same for all rows, vectorised over Arrow columns.

A region is a list of degrees: two of a point, three of a circle (ra, dec, radius), six or more of a polygon; or, where
the list is null, text as ``s_region`` has it. No row without a region, and none whose region cannot be right, has an
answer: it is null.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final, TypeAlias

import hpgeom
import numpy as np
import pyarrow as pa

from deepfield.model.coverage import Box, Circle, Point, Polygon, from_vector, parse_regions
from deepfield.model.errors import InvalidValueError
from deepfield.query.outlines import Outlines, lists_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from numpy.typing import NDArray

    from deepfield.model.coverage import Region

Column: TypeAlias = pa.ChunkedArray

_WIDTH: Final = 58.6
"""Degrees of a HEALPix cell of order 0."""
_ROOM: Final = 8
"""How many times wider than a radius cells are to be."""
_FINEST: Final = 20
_MOST_CELLS: Final = 50_000
_KM_S_BY_YEAR: Final = 4.740470446
"""The astronomical unit by the Julian year, in km/s."""
_MAS: Final = math.radians(1 / 3.6e6)


class Regions:
    """The regions of a column, one a row; several shapes in one text are their union."""

    def __init__(self, numbers: Column, texts: Column) -> None:
        self.size: Final = len(numbers)
        lists = numbers.combine_chunks() if isinstance(numbers, pa.ChunkedArray) else numbers
        words = texts.combine_chunks() if isinstance(texts, pa.ChunkedArray) else texts
        self._lists, self._words = lists, words
        self.constant: Final = _all_equal(lists, words)
        self._read: dict[object, tuple[Region, ...] | None] = {}

    def __getitem__(self, row: int) -> tuple[Region, ...] | None:
        key = self._key(row)
        if key not in self._read:
            self._read[key] = _regions(key)
        return self._read[key]

    def groups(self) -> Iterator[tuple[tuple[Region, ...], NDArray[np.int64]]]:
        """Yield each distinct region with its rows."""
        if self.constant:
            if self.size and (regions := self[0]) is not None:
                yield regions, np.arange(self.size)
            return
        rows: dict[object, list[int]] = {}
        for row in range(self.size):
            rows.setdefault(self._key(row), []).append(row)
        for each in rows.values():
            if (regions := self[each[0]]) is not None:
                yield regions, np.array(each)

    def outlines(self, rows: NDArray[np.int64]) -> tuple[Outlines, NDArray[np.bool_]]:
        """Return the outlines of some rows, and which of them have a region."""
        outlines = Outlines(len(rows))
        there = np.zeros(len(rows), dtype=np.bool_)
        for places, values in lists_of(self._lists.take(pa.array(rows))):
            right = np.isfinite(values).all(axis=1)
            count = values.shape[1]
            if count in {2, 3}:
                right &= (np.abs(values[:, 1]) <= 90.0) & (values[:, 2:] >= 0).all(axis=1)
                circles = np.column_stack([values, np.zeros(len(values))])[:, :3]
                outlines.add_circles(places[right], circles[right])
            elif count >= 6 and count % 2 == 0:
                right &= (np.abs(values[:, 1::2]) <= 90.0).all(axis=1)
                outlines.add_polygons(places[right], values[right].reshape(-1, count // 2, 2))
            else:
                continue
            there[places[right]] = True
        for place in np.flatnonzero(self._lists.is_null().to_numpy(zero_copy_only=False)[rows]).tolist():
            for region in self[int(rows[place])] or ():
                outlines.add(place, region)
                there[place] = True
        return outlines, there

    def _key(self, row: int) -> object:
        numbers = self._lists[row].as_py()
        return tuple(numbers) if numbers is not None else self._words[row].as_py()


def meet(first: Column, first_text: Column, second: Column, second_text: Column) -> pa.Array:
    """Tell of each row whether its two regions have a point in common."""
    return _tested(Regions(first, first_text), Regions(second, second_text), Outlines.meet)


def within(inner: Column, inner_text: Column, outer: Column, outer_text: Column) -> pa.Array:
    """Tell of each row whether its first region lies wholly within its second, borders included."""
    return _tested(Regions(inner, inner_text), Regions(outer, outer_text), Outlines.within, turn=False)


def area(numbers: Column, texts: Column) -> pa.Array:
    """Return areas in square degrees; the shapes of a union are summed up."""
    return _mapped(Regions(numbers, texts), lambda regions: sum(area_of(region) for region in regions), pa.float64())


def centroid(numbers: Column, texts: Column) -> pa.Array:
    """Return the point in the middle of each region."""
    return _mapped(Regions(numbers, texts), _middle, pa.list_(pa.float64()))


def box(ra: Column, dec: Column, width: Column, height: Column) -> pa.Array:
    """Return boxes as the polygons that the standard says they are (ADQL 2.1 §4.2.9)."""
    rows = zip(*(column.to_pylist() for column in (ra, dec, width, height)), strict=True)
    return pa.array([_box(*row) for row in rows], pa.list_(pa.float64()))


def cell(order: Column, ra: Column, dec: Column) -> pa.Array:
    """Return HEALPix indices, nested, of positions."""
    orders, positions = order.to_numpy(), np.column_stack([_floats(ra), _floats(dec)])
    there = _are_positions(positions) & (orders >= 0) & (orders <= 29)
    found = np.zeros(len(positions), dtype=np.int64)
    for each in np.unique(orders[there]).tolist():
        rows = there & (orders == each)
        found[rows] = hpgeom.angle_to_pixel(1 << int(each), *positions[rows].T, nest=True, lonlat=True, degrees=True)
    return pa.array(found, mask=~there)


def cells_around(order: Column, ra: Column, dec: Column, radius: Column) -> pa.Array:
    """Return the HEALPix cells that a circle may touch; an order for all rows.

    Raises:
        InvalidValueError: a radius reaches too many cells.
    """
    positions, radii = np.column_stack([_floats(ra), _floats(dec)]), _floats(radius)
    rows = np.flatnonzero(_are_positions(positions) & (radii >= 0))
    counts = np.zeros(len(positions), dtype=np.int64)
    if not len(rows):
        return _lists(counts, np.empty(0, np.int64))
    level = int(order[0].as_py())
    nside = 1 << level
    lon, lat = positions[rows].T
    own = hpgeom.angle_to_pixel(nside, lon, lat, nest=True, lonlat=True, degrees=True)
    near = np.column_stack([own, hpgeom.neighbors(nside, own, nest=True)])
    middle = hpgeom.pixel_to_vector(nside, near.clip(0), nest=True)
    at = hpgeom.angle_to_vector(lon, lat, lonlat=True, degrees=True)
    chord = np.sqrt(sum((axis - place[:, None]) ** 2 for axis, place in zip(middle, at.T, strict=True)))
    reach = np.radians(hpgeom.max_pixel_radius(nside, degrees=True) + radii[rows]) * (1 + 1e-9)
    wanted = (near >= 0) & (2 * np.arcsin(np.minimum(1.0, chord / 2)) <= reach[:, None])
    wanted[:, 0] = True
    counts[rows] = wanted.sum(axis=1)
    wide = radii[rows] > width_of(level) / _ROOM
    if not wide.any():
        return _lists(counts, near[wanted])
    found = [cells[chosen] for cells, chosen in zip(near, wanted, strict=True)]
    for place in np.flatnonzero(wide).tolist():
        size = float(min(radii[rows[place]], 180.0))
        if (size / width_of(level)) ** 2 > _MOST_CELLS:
            raise InvalidValueError("radius", size, "a smaller radius, where it differs from row to row")
        found[place] = hpgeom.query_circle(
            nside, lon[place], lat[place], size, inclusive=True, fact=4, nest=True, lonlat=True, degrees=True
        )
        counts[rows[place]] = len(found[place])
    return _lists(counts, np.concatenate(found))


def width_of(order: int) -> float:
    """Return about how wide a HEALPix cell is, in degrees."""
    return _WIDTH / (1 << order)


def order_for(radius: float) -> int:
    """Return the order whose cells are so wide that a circle seldom touches more than a few; -1 where none is."""
    return min(_FINEST, math.floor(math.log2(_WIDTH / (_ROOM * max(radius, 1e-7)))))


def _lists(counts: NDArray[np.int64], values: NDArray[np.int64]) -> pa.Array:
    offsets = np.concatenate([[0], np.cumsum(counts)]).astype(np.int32)
    return pa.ListArray.from_arrays(offsets, values.astype(np.int64))


def cell_centre(order: Column, index: Column) -> pa.Array:
    """Return the point in the middle of a HEALPix cell, nested."""
    found: list[list[float] | None] = []
    for each, number in zip(order.to_pylist(), index.to_pylist(), strict=True):
        if each is None or number is None or not 0 <= each <= 29 or not 0 <= number < 12 << (2 * each):
            found.append(None)
        else:
            ra, dec = hpgeom.pixel_to_angle(1 << each, number, nest=True, lonlat=True, degrees=True)
            found.append([float(ra), float(dec)])
    return pa.array(found, pa.list_(pa.float64()))


def moved(  # noqa: PLR0917  the engine gives columns in order
    ra: Column, dec: Column, parallax: Column, pm_ra: Column, pm_dec: Column, speed: Column, start: Column, end: Column
) -> pa.Array:
    """Return where uniform motion in space takes stars from one epoch to another, as points; see ``propagated``."""
    values, there = _propagated((ra, dec, parallax, pm_ra, pm_dec, speed, start, end))
    offsets = np.concatenate(([0], np.cumsum(np.where(there, 2, 0)))).astype(np.int32)
    return pa.ListArray.from_arrays(offsets, values[there, :2].ravel(), mask=pa.array(~there))


def propagated(  # noqa: PLR0917  the engine gives columns in order
    ra: Column, dec: Column, parallax: Column, pm_ra: Column, pm_dec: Column, speed: Column, start: Column, end: Column
) -> pa.Array:
    """Return what uniform motion in space makes of stars from one epoch to another (ESA SP-1200, volume 1, §1.5.5).

    Takes longitude and latitude (degrees), parallax (mas), proper motions (mas/yr, the first with the cosine of the
    latitude), radial velocity (km/s) and two epochs (Julian years), and returns the first six at the second epoch. A
    missing parallax, motion or velocity counts as none and stays missing, a missing motion both; without a parallax
    the velocity stays as it is. Without a place or an epoch there is nothing.
    """
    values, there = _propagated((ra, dec, parallax, pm_ra, pm_dec, speed, start, end))
    offsets = np.concatenate(([0], np.cumsum(np.where(there, 6, 0)))).astype(np.int32)
    return pa.ListArray.from_arrays(offsets, values[there].ravel(), mask=pa.array(~there))


def _propagated(columns: Sequence[Column]) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    right, up, far, across, along, away, first, last = (_floats(column) for column in columns)
    known = [np.isfinite(each) for each in (far, across, along, away)]
    distant = known[0] & (far > 0)
    parallax, east_motion, north_motion = (
        np.where(has, each, 0.0) for has, each in zip(known, (far, across, along), strict=False)
    )
    radial = np.where(distant & known[3], away * parallax / _KM_S_BY_YEAR, 0.0)
    with np.errstate(all="ignore"):
        alpha, delta = np.radians(right), np.radians(up)
        mas = (last - first) * _MAS
        east, north, outward = _triad(alpha, delta)
        motion = east * east_motion + north * north_motion
        moved_to = outward * (1.0 + radial * mas) + motion * mas
        size = np.sqrt(np.sum(moved_to**2, axis=0))
        now = moved_to / size
        velocity = (motion + outward * radial) / size
        lon, lat = np.arctan2(now[1], now[0]), np.arctan2(now[2], np.hypot(now[0], now[1]))
        new_east, new_north, _ = _triad(lon, lat)
        later = [
            np.degrees(lon) % 360.0,
            np.degrees(lat),
            np.where(known[0], parallax / size, np.nan),
            *(np.where(known[1] & known[2], np.sum(velocity * axis, axis=0), np.nan) for axis in (new_east, new_north)),
            np.where(known[3] & distant, np.sum(velocity * now, axis=0) * size * _KM_S_BY_YEAR / parallax, away),
        ]
    there = np.isfinite(later[0]) & np.isfinite(later[1]) & (np.abs(up) <= 90.0)
    return np.stack(later, axis=1), there


def _triad(alpha: NDArray[np.float64], delta: NDArray[np.float64]) -> tuple[NDArray[np.float64], ...]:
    """Return the directions east, north and outward at places (radians)."""
    zero = np.zeros_like(alpha)
    return (
        np.stack([-np.sin(alpha), np.cos(alpha), zero]),
        np.stack([-np.sin(delta) * np.cos(alpha), -np.sin(delta) * np.sin(alpha), np.cos(delta)]),
        np.stack([np.cos(delta) * np.cos(alpha), np.cos(delta) * np.sin(alpha), np.sin(delta)]),
    )


def area_of(region: Region) -> float:
    """Return the area of a region in square degrees."""
    match region:
        case Circle(_, _, radius):
            half = math.sin(math.radians(radius) / 2)
            return 4 * math.pi * half * half * math.degrees(1.0) ** 2
        case Polygon():
            return region.normalised().area()
        case Box():
            return region.polygon().area()
        case Point():
            return 0.0


def numbers_of(region: Region) -> list[float]:
    """Return a region as a list of degrees."""
    match region:
        case Circle(ra, dec, radius):
            return [ra % 360.0, dec, radius]
        case Point(ra, dec):
            return [ra % 360.0, dec]
        case Polygon():
            return [number for vertex in region.normalised().vertices for number in vertex]
        case Box():
            return numbers_of(region.polygon())


def region_of(numbers: Sequence[float]) -> Region:
    """Return the region that a list of degrees means.

    Raises:
        InvalidValueError: it means none.
    """
    match len(numbers):
        case 2:
            return Point(*numbers)
        case 3:
            return Circle(*numbers)
        case count if count >= 6 and count % 2 == 0:
            return Polygon(tuple(zip(numbers[::2], numbers[1::2], strict=True))).normalised()
        case count:
            raise InvalidValueError("region", numbers, f"2, 3 or an even count of numbers from 6 on, not {count}")


def _regions(key: object) -> tuple[Region, ...] | None:
    try:
        if isinstance(key, tuple):
            return (region_of(key),)
        return parse_regions(key) if isinstance(key, str) else None
    except (InvalidValueError, TypeError):
        return None


Test: TypeAlias = "Callable[[Outlines, Region], NDArray[np.bool_]]"


def _tested(first: Regions, second: Regions, test: Test, *, turn: bool = True) -> pa.Array:
    """Test the outlines of one column against the distinct regions of the other; which is which may be turned."""
    if turn and first.constant and not second.constant:
        first, second = second, first
    answers = np.zeros(first.size, dtype=np.bool_)
    known = np.zeros(first.size, dtype=np.bool_)
    for regions, rows in second.groups():
        outlines, known[rows] = first.outlines(rows)
        for region in regions:
            answers[rows] |= test(outlines, region)
    return pa.array(answers, mask=~known)


def _mapped(regions: Regions, value: Callable[[tuple[Region, ...]], object], kind: pa.DataType) -> pa.Array:
    found = (regions[row] for row in range(regions.size))
    return pa.array([None if each is None else value(each) for each in found], kind)


def _middle(regions: tuple[Region, ...]) -> list[float]:
    middles = [region.centroid() for region in regions]
    if len(middles) == 1:
        return [middles[0].ra, middles[0].dec]
    weights = np.array([area_of(region) for region in regions])
    weights = weights if weights.sum() > 0 else np.ones(len(regions))
    ra, dec = (np.array([getattr(each, name) for each in middles]) for name in ("ra", "dec"))
    total = (hpgeom.angle_to_vector(ra, dec, lonlat=True, degrees=True) * weights[:, None]).sum(axis=0)
    middle = from_vector(total / np.linalg.norm(total))
    return [middle[0], middle[1]]


def _box(ra: float | None, dec: float | None, width: float | None, height: float | None) -> list[float] | None:
    if ra is None or dec is None or width is None or height is None:
        return None
    try:
        return numbers_of(Box(ra, dec, width, height))
    except InvalidValueError:
        return None


def _all_equal(lists: pa.Array, words: pa.Array) -> bool:
    """Tell whether a column certainly has the same region in all rows."""
    if len(lists) < 2:
        return True
    if words.null_count != len(words):
        return bool(lists.null_count == len(lists) and words.null_count == 0 and len(words.unique()) == 1)
    if lists.null_count:
        return bool(lists.null_count == len(lists))
    lengths = np.diff(lists.offsets.to_numpy())
    if np.any(lengths != lengths[0]):
        return False
    table = lists.flatten().to_numpy(zero_copy_only=False).reshape(len(lists), -1)
    return bool(np.all(table == table[0]))


def _floats(column: Column) -> NDArray[np.float64]:
    return np.asarray(column.to_numpy(), dtype=np.float64)


def _are_positions(positions: NDArray[np.float64]) -> NDArray[np.bool_]:
    return np.asarray(np.isfinite(positions).all(axis=1) & (np.abs(positions[:, 1]) <= 90.0))
