"""Cubes from clouds of detector pixels, and spectra from cubes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from deepfield.simulate.detector import DO_NOT_USE, NON_SCIENCE
from deepfield.simulate.projection import Projection

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

REACH = 2
"""Spaxels to each side over which a detector pixel is spread."""
KERNEL = 0.8
"""Standard deviation of that spread, spaxels."""


@dataclass(frozen=True, slots=True, eq=False)
class Cloud:
    """Detector pixels of one exposure as points in the sky (degrees) and wavelength (µm) with values and variances."""

    ra: Floats
    dec: Floats
    wavelength: Floats
    value: Floats
    variance: Floats


@dataclass(frozen=True, slots=True, eq=False)
class Cube:
    """A cube in MJy/sr; plane k lies at ``first + k·step`` µm."""

    projection: Projection
    first: float
    step: float
    sci: Floats
    err: Floats
    dq: NDArray[np.uint32]
    weight: Floats


def build(clouds: Sequence[Cloud], centre: tuple[float, float], scale: float, band: tuple[float, float, int]) -> Cube:
    """Spread the clouds over a north-up cube of ``scale`` degrees and ``band`` (first, last edge in µm, planes)."""
    low, high, steps = band
    step = (high - low) / steps
    probe = Projection.north_up((1, 1), centre, scale)
    points = [probe.from_sky(cloud.ra, cloud.dec) for cloud in clouds]
    half = [int(np.ceil(max(np.abs(p[axis]).max() for p in points))) + 1 for axis in (0, 1)]
    grid = Projection.north_up((2 * half[1] + 1, 2 * half[0] + 1), centre, scale)
    shape = (steps, *grid.shape)
    sums = [np.zeros(int(np.prod(shape))) for _ in range(3)]
    for cloud in clouds:
        x, y = grid.from_sky(cloud.ra, cloud.dec)
        _spread(sums, shape, (x, y, (cloud.wavelength - low) / step - 0.5), cloud)
    weight, total, variance = (plane.reshape(shape) for plane in sums)
    covered = weight > 0.05 * np.percentile(weight[weight > 0], 50) if (weight > 0).any() else weight > 0
    safe = np.where(covered, weight, 1.0)
    return Cube(
        grid,
        low + step / 2,
        step,
        np.where(covered, total / safe, np.nan),
        np.where(covered, np.sqrt(variance) / safe, np.nan),
        np.where(covered, 0, NON_SCIENCE | DO_NOT_USE).astype(np.uint32),
        np.where(covered, weight, 0.0),
    )


def _spread(sums: list[Floats], shape: tuple[int, ...], at: tuple[Floats, Floats, Floats], cloud: Cloud) -> None:
    x, y, z = at
    column, row, plane = np.rint(x).astype(int), np.rint(y).astype(int), np.floor(z).astype(int)
    for right in range(-REACH, REACH + 1):
        for down in range(-REACH, REACH + 1):
            i, j = column + right, row + down
            near = np.exp(-0.5 * ((x - i) ** 2 + (y - j) ** 2) / KERNEL**2)
            for deeper in (0, 1):
                k = plane + deeper
                share = near * (1 - np.abs(z - k))
                inside = (i >= 0) & (i < shape[2]) & (j >= 0) & (j < shape[1]) & (k >= 0) & (k < shape[0])
                place = ((k * shape[1] + j) * shape[2] + i)[inside]
                share = share[inside]
                for sum_, values in enumerate((share, share * cloud.value[inside], share**2 * cloud.variance[inside])):
                    sums[sum_] += np.bincount(place, values, sums[sum_].size)


def extract(
    cube: Cube, centre: tuple[float, float], *, radius_arcsec: float | None = None, fringes: bool = False
) -> Any:
    """The table of an extracted spectrum: a circle round ``centre``, minus the ring outside it.

    Without ``radius_arcsec`` the circle is twice as wide as a star of the medium-resolution spectrometer; ``fringes``
    adds the columns for what is left after the correction of residual fringes, none here.
    """
    planes = cube.sci.shape[0]
    wavelength = cube.first + np.arange(planes) * cube.step
    if radius_arcsec is None:
        radius_arcsec = 2 * (0.033 * float(wavelength.mean()) + 0.106)
    radius = radius_arcsec / (cube.projection.scale * 3600)
    y, x = np.indices(cube.sci.shape[1:])
    distance = np.hypot(x - centre[0], y - centre[1])
    inside = np.clip(radius - distance + 0.5, 0, 1)[None] * (cube.dq == 0)
    outermost = float(np.nanmax(np.where(cube.dq[planes // 2] == 0, distance, np.nan)))
    outside = (distance[None] > 0.75 * outermost) & (cube.dq == 0)
    number = inside.sum(axis=(1, 2))
    steradian = np.radians(cube.projection.scale) ** 2
    total = (inside * np.nan_to_num(cube.sci)).sum(axis=(1, 2))
    variance = (inside * np.nan_to_num(cube.err) ** 2).sum(axis=(1, 2))
    ring = np.maximum(outside.sum(axis=(1, 2)), 1)
    background = np.where(outside, cube.sci, 0).sum(axis=(1, 2)) / ring
    background_err = np.sqrt(np.where(outside, cube.err**2, 0).sum(axis=(1, 2))) / ring
    safe = np.maximum(number, 1e-9)
    flux = (total - background * number) * steradian * 1e6
    bright = total / safe - background
    rnoise, poisson = 0.3 * variance, 0.7 * variance
    columns = {
        "WAVELENGTH": wavelength,
        "FLUX": flux,
        "FLUX_ERROR": np.sqrt(variance) * steradian * 1e6,
        "FLUX_VAR_POISSON": poisson * (steradian * 1e6) ** 2,
        "FLUX_VAR_RNOISE": rnoise * (steradian * 1e6) ** 2,
        "FLUX_VAR_FLAT": 0 * variance,
        "SURF_BRIGHT": bright,
        "SB_ERROR": np.sqrt(variance) / safe,
        "SB_VAR_POISSON": poisson / safe**2,
        "SB_VAR_RNOISE": rnoise / safe**2,
        "SB_VAR_FLAT": 0 * variance,
        "DQ": np.where(number > 0, 0, DO_NOT_USE),
        "BACKGROUND": background,
        "BKGD_ERROR": background_err,
        "BKGD_VAR_POISSON": 0.7 * background_err**2,
        "BKGD_VAR_RNOISE": 0.3 * background_err**2,
        "BKGD_VAR_FLAT": 0 * variance,
        "NPIXELS": number,
    }
    if fringes:
        columns |= {"RF_FLUX": flux, "RF_SURF_BRIGHT": bright, "RF_BACKGROUND": background}
    table = np.zeros(planes, dtype=[(name, "u4" if name == "DQ" else "f8") for name in columns])
    for name, values in columns.items():
        table[name] = values
    return table
