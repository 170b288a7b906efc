"""Calibrated exposures onto one grid: inverse mapping with bilinear weights, flags honoured, context kept."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import ndimage

from deepfield.simulate.detector import DO_NOT_USE, OUTLIER
from deepfield.simulate.projection import Projection, project

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

STRIP = 512
"""Rows of the output handled at once: bounds the memory of a large mosaic."""


@dataclass(frozen=True, slots=True, eq=False)
class Calibrated:
    """A calibrated exposure to be combined; ``area`` relative pixel areas, ``time`` seconds."""

    sci: Floats
    dq: NDArray[np.uint32]
    variances: tuple[Floats, Floats, Floats]
    projection: Projection
    time: float


@dataclass(frozen=True, slots=True, eq=False)
class Combined:
    """A resampled image; ``context`` has bit k of plane p set where input 32·p + k contributed."""

    projection: Projection
    sci: Floats
    weight: Floats
    context: NDArray[np.int32]
    variances: tuple[Floats, Floats, Floats]


def common_grid(projections: Sequence[Projection], roll: float) -> Projection:
    """The smallest grid, y axis ``roll`` degrees east of north, that holds all the images at their pixel scale."""
    scale = float(np.mean([projection.scale for projection in projections]))
    start = projections[0].crval
    first = Projection.north_up((1, 1), start, scale, roll)
    corners = [first.from_sky(*projection.corners()) for projection in projections]
    x, y = (np.concatenate([corner[axis] for corner in corners]) for axis in (0, 1))
    shape = (int(np.ceil(np.ptp(y))) + 2, int(np.ceil(np.ptp(x))) + 2)
    centre = first.to_sky((x.min() + x.max()) / 2, (y.min() + y.max()) / 2)
    return Projection.north_up(shape, (float(centre[0]), float(centre[1])), scale, roll)


def resample(inputs: Sequence[Calibrated], grid: Projection) -> Combined:
    """Combine exposures on ``grid``, weighting by inverse read-noise variance."""
    planes = (len(inputs) + 31) // 32
    context = np.zeros((planes, *grid.shape), np.uint32)
    total, weight = np.zeros(grid.shape), np.zeros(grid.shape)
    spread = [np.zeros(grid.shape) for _ in range(3)]
    for number, one in enumerate(inputs):
        for window in _windows(one.projection, grid):
            y, x = np.mgrid[window]
            found = _sampled(one, *grid.to_sky(x, y))
            if found is None:
                continue
            sci, variances, share = found
            total[window] += share * sci
            weight[window] += share
            for layer, variance in zip(spread, variances, strict=True):
                layer[window] += share**2 * variance
            context[number // 32][window] |= (share > 0).astype(np.uint32) << np.uint32(number % 32)
    empty = weight == 0
    safe = np.where(empty, 1.0, weight)
    sci = np.where(empty, np.nan, total / safe)
    blurred = [np.where(empty, np.nan, layer / safe**2) for layer in spread]
    return Combined(grid, sci, weight, context.view(np.int32), (blurred[0], blurred[1], blurred[2]))


def _windows(one: Projection, grid: Projection) -> Iterator[tuple[slice, slice]]:
    """The parts of a grid, a strip at a time, onto which an exposure can fall."""
    x, y = grid.from_sky(*one.corners())
    left, right = max(int(x.min()) - 2, 0), min(int(x.max()) + 3, grid.shape[1])
    low, high = max(int(y.min()) - 2, 0), min(int(y.max()) + 3, grid.shape[0])
    for begin in range(low, high, STRIP):
        yield slice(begin, min(begin + STRIP, high)), slice(left, right)


def _sampled(one: Calibrated, ra: Floats, dec: Floats) -> tuple[Floats, list[Floats], Floats] | None:
    """Values, variances and weights of one exposure at sky positions; None when it lies elsewhere."""
    x, y = one.projection.from_sky(ra, dec)
    rows, columns = one.projection.shape
    inside = (x > -0.5) & (x < columns - 0.5) & (y > -0.5) & (y < rows - 0.5)
    if not inside.any():
        return None
    good = ((one.dq & DO_NOT_USE) == 0) & np.isfinite(one.sci)
    readnoise = np.where(good, one.variances[1], 1.0)
    weight = np.where(good, 1 / readnoise, 0.0)
    x, y = np.where(inside, x, 0.0), np.where(inside, y, 0.0)
    column, row = np.floor(x).astype(int), np.floor(y).astype(int)
    sums = [np.zeros(x.shape) for _ in range(5)]
    for down in (0, 1):
        for right in (0, 1):
            part = np.abs(1 - down - (y - row)) * np.abs(1 - right - (x - column))
            at = np.clip(row + down, 0, rows - 1), np.clip(column + right, 0, columns - 1)
            share = np.where(inside, part, 0.0) * weight[at]
            sums[0] += share
            sums[1] += share * np.where(good, one.sci, 0.0)[at]
            for place, variance in enumerate(one.variances):
                sums[2 + place] += share**2 * np.where(good, variance, 0.0)[at]
    # a pixel that has lost more than half of its neighbours would pull a star aside
    enough = sums[0] > 0.5 * np.median(weight[good])
    share = np.where(enough, sums[0], 0.0)
    safe = np.where(enough, sums[0], 1.0)
    return sums[1] / safe, [layer / safe**2 for layer in sums[2:]], share


def flag_outliers(one: Calibrated, others: Sequence[Calibrated], threshold: float = 6.0) -> NDArray[np.uint32]:
    """The DQ of an exposure with OUTLIER where it stands out from what the others see at the same place."""
    reference = _reference(others, one)
    smooth = np.abs(reference - _blurred(reference)) + np.abs(reference) * 0.05
    with np.errstate(invalid="ignore"):
        err = np.sqrt(sum(one.variances))
        out = (one.sci - reference > threshold * err + smooth) & np.isfinite(reference)
    dq = one.dq.copy()
    dq[out & ((dq & DO_NOT_USE) == 0)] |= OUTLIER | DO_NOT_USE
    return dq


def _reference(others: Sequence[Calibrated], one: Calibrated) -> Floats:
    ra, dec = one.projection.grid()
    seen = []
    for other in others:
        found = _sampled(other, ra, dec)
        if found is not None:
            seen.append(np.where(found[2] > 0, found[0], np.nan))
    if not seen:
        return np.full(one.projection.shape, np.nan)
    stack = np.stack(seen)
    lowest = np.where(np.isfinite(stack), stack, np.inf).min(axis=0)
    return np.where(np.isfinite(lowest), lowest, np.nan)


def apart(first: Projection, second: Projection) -> bool:
    """Whether two images are too far from each other to overlap."""
    middle = [p.to_sky((p.shape[1] - 1) / 2, (p.shape[0] - 1) / 2) for p in (first, second)]
    xi, eta = project(*middle[1], (float(middle[0][0]), float(middle[0][1])))
    reach = sum(np.hypot(*p.shape) * p.scale / 2 for p in (first, second))
    return not float(np.hypot(xi, eta)) < reach


def _blurred(image: Floats) -> Floats:
    return np.asarray(ndimage.median_filter(np.nan_to_num(image), 3))
