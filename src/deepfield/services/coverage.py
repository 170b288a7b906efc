"""Where on the sky, when and at which wavelengths the archive has data, as its own tables tell."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Final

import hpgeom
import numpy as np
import pyarrow as pa

from deepfield.model.moc import Moc
from deepfield.query.shapes import cells_around

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

Interval = tuple[float, float]

_PLACED: Final = 13
"""HEALPix order up to which positions are told apart: cells of half an arc minute."""
_ORDERS: Final = (8, 7, 6)
"""Orders of the cells that are given, the finest first of those that need no more than ``_LONGEST`` characters."""
_LONGEST: Final = 32_768
_MOST: Final = 64
"""Intervals at most; the smallest gaps are closed until there are no more."""
_GAP_DAYS: Final = 1.0
_FIELDS: Final = (
    f"SELECT ivo_healpix_index({_PLACED}, s_ra, s_dec) AS cell, MAX(s_fov) AS fov FROM ivoa.ObsCore "
    f"WHERE s_ra IS NOT NULL AND s_dec IS NOT NULL GROUP BY ivo_healpix_index({_PLACED}, s_ra, s_dec)"
)
_DAYS: Final = (
    "SELECT MIN(t_min) AS low, MAX(t_max) AS high FROM ivoa.ObsCore "
    "WHERE t_min IS NOT NULL AND t_max IS NOT NULL GROUP BY FLOOR(t_min)"
)
_BANDS: Final = (
    "SELECT DISTINCT em_min AS low, em_max AS high FROM ivoa.ObsCore WHERE em_min IS NOT NULL AND em_max IS NOT NULL"
)
_INSTRUMENTS: Final = (
    "SELECT DISTINCT instrument_name FROM ivoa.ObsCore WHERE instrument_name IS NOT NULL ORDER BY instrument_name"
)


@dataclass(frozen=True, slots=True)
class Coverage:
    """What the archive covers. Nothing is left out; cells and intervals may hold a little more than there is."""

    spatial: Moc
    """The cells that the circles around all footprints touch."""
    temporal: tuple[Interval, ...]
    """Times of observation, MJD (UTC), apart by a day at least."""
    spectral: tuple[Interval, ...]
    """Wavelengths in vacuum, m."""
    instruments: tuple[str, ...]


def cover(ask: Callable[[str], pa.Table]) -> Coverage:
    """Return what all datasets together cover; ``ask`` answers a query in ADQL with all of its rows."""
    names = ask(_INSTRUMENTS)["instrument_name"].to_pylist()
    return Coverage(_cells(ask(_FIELDS)), _intervals(ask(_DAYS), _GAP_DAYS), _intervals(ask(_BANDS), 0.0), tuple(names))


def _cells(fields: pa.Table) -> Moc:
    """Return the cells around each place, as far as the largest field there reaches."""
    lon, lat = hpgeom.pixel_to_angle(1 << _PLACED, fields["cell"].to_numpy(), nest=True, lonlat=True, degrees=True)
    reach = hpgeom.max_pixel_radius(1 << _PLACED, degrees=True)
    radius = np.nan_to_num(fields["fov"].to_numpy().astype(float)) / 2 + reach
    order = pa.chunked_array([np.full(len(lon), _ORDERS[0], np.int64)])
    around = cells_around(order, *(pa.chunked_array([each]) for each in (lon, lat, radius)))
    moc = Moc(_ORDERS[0], around.flatten().to_numpy(zero_copy_only=False))
    return next((each for each in map(moc.degraded, _ORDERS) if len(each.to_ascii()) <= _LONGEST), moc.degraded(6))


def _intervals(pairs: pa.Table, gap: float) -> tuple[Interval, ...]:
    """Join intervals that overlap or lie within ``gap``, and the nearest ones while there are too many."""
    joined = _joined(zip(*(pairs[name].to_pylist() for name in ("low", "high")), strict=True), gap)
    if len(joined) > _MOST:
        gaps = np.array([later[0] - sooner[1] for sooner, later in pairwise(joined)])
        joined = _joined(joined, float(np.sort(gaps)[-_MOST]))
    return tuple(joined)


def _joined(pairs: Iterable[Interval], gap: float) -> list[Interval]:
    found: list[Interval] = []
    for low, high in sorted(pairs):
        if found and low <= found[-1][1] + gap:
            found[-1] = (found[-1][0], max(found[-1][1], high))
        else:
            found.append((low, high))
    return found
