"""Reference frames of the sky, and regions turned from one into another by simple rotations."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Final

import numpy as np
import pyarrow as pa

from deepfield.model.coverage import Box, Circle, Point, Polygon
from deepfield.query.outlines import lists_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from deepfield.model.coverage import Region

UCDS: Final[dict[str, str]] = {
    "ICRS": "pos.eq",
    "FK5": "pos.eq",
    "FK4": "pos.eq",
    "GALACTIC": "pos.galactic",
    "SUPER_GALACTIC": "pos.supergalactic",
    "ECLIPTIC": "pos.ecliptic",
}
"""The frames by their names in the IVOA's vocabulary of them, with what a position in each is."""
AXES: Final[dict[str, tuple[str, str]]] = {"pos.eq": ("ra", "dec")}
"""How the axes are called that are not ``lon`` and ``lat``."""


@lru_cache(maxsize=64)
def rotation(start: str, end: str) -> NDArray[np.float64]:
    """Return the matrix that turns directions of one frame into those of another.

    FK5 and ECLIPTIC have the equinox J2000.0, FK4 has B1950.0 and knows no terms of aberration.
    """
    if start == end:
        return np.eye(3)
    turn: NDArray[np.float64] = _to_galactic(end).T @ _to_galactic(start)
    return turn


@lru_cache(maxsize=16)
def _to_galactic(name: str) -> NDArray[np.float64]:
    from astropy import coordinates

    frames = {
        "ICRS": coordinates.ICRS(),
        "FK5": coordinates.FK5(equinox="J2000"),
        "FK4": coordinates.FK4NoETerms(equinox="B1950"),
        "GALACTIC": coordinates.Galactic(),
        "SUPER_GALACTIC": coordinates.Supergalactic(),
        "ECLIPTIC": coordinates.BarycentricMeanEcliptic(equinox="J2000"),
    }
    axes = coordinates.UnitSphericalRepresentation.from_cartesian(coordinates.CartesianRepresentation(np.eye(3)))
    found = frames[name].realize_frame(axes).transform_to(coordinates.Galactic())
    return np.asarray(found.cartesian.xyz.value, dtype=float)


def turned(numbers: pa.ChunkedArray, start: pa.ChunkedArray, end: pa.ChunkedArray) -> pa.Array:
    """Turn lists of degrees that are points, circles or polygons; the frames are the same in all rows."""
    lists = numbers.combine_chunks()
    if not len(lists):
        return lists
    matrix = rotation(start[0].as_py(), end[0].as_py())
    result: list[list[float] | None] = [None] * len(lists)
    for rows, values in lists_of(lists):
        pairs = values[:, : values.shape[1] // 2 * 2].reshape(-1, 2)
        made = np.column_stack(
            [_turn(matrix, pairs).reshape(len(rows), -1), values[:, values.shape[1] // 2 * 2 :]]
        ).tolist()
        for row, each in zip(rows.tolist(), made, strict=True):
            result[row] = each
    return pa.array(result, pa.list_(pa.float64()))


def turned_region(region: Region, start: str, end: str) -> Region:
    """Turn a region; a box becomes a polygon."""
    matrix = rotation(start, end)
    match region:
        case Point(ra, dec):
            return Point(*_turned_pairs(matrix, ((ra, dec),))[0])
        case Circle(ra, dec, radius):
            return Circle(*_turned_pairs(matrix, ((ra, dec),))[0], radius)
        case Polygon(vertices):
            return Polygon(_turned_pairs(matrix, vertices))
        case Box():
            return turned_region(region.polygon(), start, end)


def _turned_pairs(
    matrix: NDArray[np.float64], pairs: tuple[tuple[float, float], ...]
) -> tuple[tuple[float, float], ...]:
    return tuple((lon, lat) for lon, lat in _turn(matrix, np.array(pairs, dtype=float)).tolist())


def _turn(matrix: NDArray[np.float64], pairs: NDArray[np.float64]) -> NDArray[np.float64]:
    lon, lat = np.radians(pairs).T
    vectors = np.stack([np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)])
    x, y, z = matrix @ vectors
    found: NDArray[np.float64] = np.degrees(np.stack([np.arctan2(y, x), np.arctan2(z, np.hypot(x, y))], axis=1))
    found[:, 0] %= 360.0
    return found
