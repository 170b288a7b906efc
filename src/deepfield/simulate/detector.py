"""What a detector makes of light: ramps with noise, cosmic rays and saturation, and the slopes fitted to them.

The fit is the plain one between the ends of each undisturbed stretch of a ramp, whose variance is known exactly,
so that ERR can be trusted to the last digit.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from deepfield.simulate.programme import read_table
from deepfield.simulate.sky import random

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from deepfield.simulate.programme import Readout

    Floats = NDArray[np.float64]
    Flags = NDArray[np.uint32]

DO_NOT_USE, SATURATED, JUMP_DET, OUTLIER = 1, 2, 4, 16
NON_SCIENCE, DEAD, HOT, REFERENCE_PIXEL = 512, 1024, 2048, 2147483648
COSMIC_RAYS = 1.6e-5
"""Hits per pixel and second at the second Lagrange point."""


@dataclass(frozen=True, slots=True)
class Detector:
    """A detector's constants: electrons per DN, electrons rms per frame, DN/s, DN, and the share its flat errs by."""

    name: str
    gain: float
    read_noise: float
    dark: float
    bias: float
    saturation: float
    flat_error: float
    throughput: float


@cache
def detector(name: str) -> Detector:
    """The constants of a detector of the mission."""
    tables = read_table("detectors.toml")
    return Detector(name=name, **{**tables["default"], **tables[name]})


@dataclass(frozen=True, slots=True, eq=False)
class Pixels:
    """The fixed pattern of a detector or of a part of it: sensitivity, bad pixels and reference pixels."""

    flat: Floats
    """True sensitivity, about 1."""
    flat_in_use: Floats
    """What the calibration believes the flat to be."""
    dq: Flags


@dataclass(frozen=True, slots=True, eq=False)
class Ramp:
    """Raw groups (integration, group, row, column) in DN and what the jump and saturation checks say of them."""

    groups: NDArray[np.uint16]
    jumps: NDArray[np.bool_]
    saturated: NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class Image:
    """SCI, DQ and variances of one image; ERR is the root of their sum."""

    sci: Floats
    dq: Flags
    var_poisson: Floats
    var_rnoise: Floats
    var_flat: Floats | None = None

    @property
    def err(self) -> Floats:
        total = self.var_poisson + self.var_rnoise
        return np.sqrt(total if self.var_flat is None else total + self.var_flat)


def pixels(
    device: Detector,
    shape: tuple[int, int],
    seed: int,
    *,
    corner: tuple[int, int],
    step: tuple[int, int],
    full: tuple[int, int],
) -> Pixels:
    """The fixed pattern of the region that begins at ``corner`` (column, row from 1) in blocks of ``step`` pixels."""
    rng = random(seed, device.name, *corner, *shape, "pattern")
    rows, columns = np.indices(shape)
    flat = 1 + rng.normal(0, 0.01, shape) + 0.02 * np.sin(columns / shape[1] * 3) * np.cos(rows / shape[0] * 2)
    dq = np.zeros(shape, np.uint32)
    draw = rng.random(shape)
    dq[draw < 0.0012] |= DEAD | DO_NOT_USE
    dq[draw > 0.9992] |= HOT | DO_NOT_USE
    flat[draw < 0.0012] = 0.02
    x, y = corner[0] + columns * step[0], corner[1] + rows * step[1]
    edge = (x <= 4) | (x + step[0] - 1 > full[0] - 4) | (y <= 4) | (y + step[1] - 1 > full[1] - 4)
    dq[edge] = REFERENCE_PIXEL | DO_NOT_USE
    return Pixels(flat, flat * (1 + rng.normal(0, device.flat_error, shape)), dq)


def expose(
    rate: Floats,
    device: Detector,
    pattern: Pixels,
    readout: Readout,
    rng: np.random.Generator,
    *,
    averaged: int = 1,
    missed: float = 0.0,
) -> tuple[Ramp, Floats]:
    """Read light out: ``rate`` in DN/s per pixel, each being the mean of ``averaged`` detector pixels.

    ``missed`` is the share of the cosmic rays that the jump detection overlooks.

    Returns the ramp and the expected rate that the fit should find (dark removed, sensitivity included).
    """
    reference = (pattern.dq & REFERENCE_PIXEL) != 0
    expected = np.where(reference, 0.0, rate * pattern.flat)
    hot = (pattern.dq & HOT) != 0
    electrons = (expected + device.dark + np.where(hot, 150.0, 0.0)) * device.gain * averaged
    shape = (readout.integrations, readout.groups, *rate.shape)
    steps = rng.poisson(np.broadcast_to(electrons * readout.group_time, shape)) / averaged
    steps[:, :, reference] = 0.0
    hits, jumps = _cosmic_rays(shape, readout.group_time, device, rng, missed)
    steps += np.where(reference, 0.0, hits)
    noise = rng.normal(0, device.read_noise / np.sqrt(readout.frames * averaged), shape)
    dn = (np.cumsum(steps, axis=1) + noise) / device.gain + device.bias
    if averaged > 1:  # so little noise is left in a block that rounding alone would shift it
        dn += rng.uniform(-0.5, 0.5, shape)
    saturated = np.logical_or.accumulate(dn > device.saturation, axis=1)
    groups = np.clip(np.rint(np.minimum(dn, device.saturation + 1500)), 0, 65535).astype(np.uint16)
    return Ramp(groups, jumps & ~saturated & ~reference, saturated), expected


def _cosmic_rays(
    shape: tuple[int, ...], group_time: float, device: Detector, rng: np.random.Generator, missed: float
) -> tuple[Floats, NDArray[np.bool_]]:
    """Charge in electrons left by particles, and the groups where the jump detection notices it."""
    charge = np.zeros(shape)
    seen = np.zeros(shape, bool)
    rows, columns = shape[2:]
    number = rng.poisson(COSMIC_RAYS * group_time * np.prod(shape))
    for _ in range(number):
        integration, group = rng.integers(shape[0]), rng.integers(shape[1])
        y, x, angle = rng.uniform(0, rows), rng.uniform(0, columns), rng.uniform(0, 2 * np.pi)
        energy = 40 * device.read_noise + rng.exponential(4000)
        noticed = rng.random() >= missed
        for along in np.arange(1 + rng.poisson(1.2)):
            row, column = int(y + along * np.sin(angle)), int(x + along * np.cos(angle))
            if 0 <= row < rows and 0 <= column < columns:
                charge[integration, group, row, column] += energy * rng.uniform(0.4, 1.0)
                seen[integration, group, row, column] = noticed
    seen[:, 0] = False
    return charge, seen


def fit(
    ramp: Ramp, expected: Floats, device: Detector, pattern: Pixels, readout: Readout, *, averaged: int = 1
) -> Image:
    """Slopes in DN/s of the undisturbed stretches of the ramps, averaged over the integrations."""
    usable = ~ramp.saturated[:, 1:] & ~ramp.jumps[:, 1:]
    steps = np.diff(ramp.groups.astype(np.float64), axis=1)
    good = usable.sum(axis=(0, 1))
    first = np.concatenate([np.ones_like(usable[:, :1]), ~usable[:, :-1]], axis=1)
    stretches = (usable & first).sum(axis=(0, 1))
    time = np.where(good > 0, good, np.nan) * readout.group_time
    sci = np.where(usable, steps, 0.0).sum(axis=(0, 1)) / time - device.dark
    noise = device.read_noise / device.gain
    quantisation = 1 / 6 if averaged > 1 else 0.0
    var_rnoise = 2 * stretches * (noise**2 / (readout.frames * averaged) + quantisation) / time**2
    var_poisson = np.clip(expected + device.dark, 0, None) / (device.gain * averaged * time)
    dq = pattern.dq.copy()
    dq[ramp.jumps.any(axis=(0, 1))] |= JUMP_DET
    dq[ramp.saturated.any(axis=(0, 1))] |= SATURATED
    dq[good == 0] |= DO_NOT_USE
    reference = (dq & REFERENCE_PIXEL) != 0
    sci = np.where(reference, 0.0, sci)
    return Image(sci, dq, np.where(reference, 0.0, var_poisson), var_rnoise)


def calibrate(rate: Image, pattern: Pixels, device: Detector, flux_scale: float | Floats) -> Image:
    """From DN/s to surface brightness: divide by the flat in use, multiply by ``flux_scale`` (PHOTMJSR)."""
    scale = flux_scale / pattern.flat_in_use
    sci = rate.sci * scale
    blank = (rate.dq & DO_NOT_USE) != 0
    planes = (sci, rate.var_poisson * scale**2, rate.var_rnoise * scale**2, (sci * device.flat_error) ** 2)
    sci, poisson, readnoise, flat = (np.where(blank, np.nan, plane) for plane in planes)
    return Image(sci, rate.dq.copy(), poisson, readnoise, flat)
