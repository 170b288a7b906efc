"""The telescope as seen by a star: point spread functions from the segmented pupil by Fraunhofer diffraction.

Eighteen hexagons and three struts give the six spikes of the mirror and the two faint ones of the vertical strut;
the pattern grows with wavelength because the pupil does not.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING

import numpy as np
from scipy import fft

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

SEGMENT_SIZE = 1.32
"""Flat-to-flat width of a mirror segment, metres."""
GAP = 0.007
STRUT = 0.15
"""Width of a support strut's shadow, metres."""
COLLECTING_AREA = 25.4
"""Square metres."""
PISTON_RMS = 40e-9
"""Segment piston error, metres rms: gives the speckles between the spikes."""
RADIAN = 206264.806


def segment_centres() -> list[tuple[float, float]]:
    """The centres (x, y) of the eighteen segments, metres from the middle of the pupil."""
    pitch = SEGMENT_SIZE + GAP
    axial = [(q, r) for q in range(-2, 3) for r in range(-2, 3) if 0 < max(abs(q), abs(r), abs(q + r)) <= 2]
    return [(pitch * np.sqrt(3) / 2 * q, pitch * (r + q / 2)) for q, r in axial]


def pupil(pixels: int, step: float, wavelength: float) -> NDArray[np.complex128]:
    """The light in the aperture every ``step`` metres: amplitude 1 on the segments, phase from their pistons."""
    axis = (np.arange(pixels) - pixels // 2) * step
    x, y = np.meshgrid(axis, axis)
    field = np.zeros((pixels, pixels), complex)
    pistons = np.random.default_rng(18).normal(0, PISTON_RMS, 18)
    half = SEGMENT_SIZE / 2
    for (cx, cy), piston in zip(segment_centres(), pistons, strict=True):
        dx, dy = x - cx, y - cy
        slant = np.sqrt(3) / 2
        inside = (np.abs(dy) < half) & (np.abs(slant * dx + dy / 2) < half) & (np.abs(slant * dx - dy / 2) < half)
        field[inside] = np.exp(2j * np.pi * piston / wavelength)
    field[(np.abs(x) < STRUT / 2) & (y > 0)] = 0
    for side in (-1, 1):
        along = side * x * np.sin(np.radians(30)) - y * np.cos(np.radians(30))
        across = side * x * np.cos(np.radians(30)) + y * np.sin(np.radians(30))
        field[(np.abs(across) < STRUT / 2) & (along > 0)] = 0
    return field


@dataclass(frozen=True)
class Psf:
    """A point spread function of unit sum on a grid of ``step`` arcseconds, centred on its middle cell."""

    image: Floats
    step: float

    @cached_property
    def _cumulative(self) -> Floats:
        return np.pad(self.image.cumsum(axis=0).cumsum(axis=1), ((1, 0), (1, 0)))

    def on_pixels(self, pixel: float, offset: tuple[float, float], half: int) -> Floats:
        """Share of the light in each of (2·half+1)² square pixels of ``pixel`` arcseconds.

        ``offset`` (x, y) is where the star lies, in pixels from the centre of the middle pixel.
        """
        edges = np.arange(-half, half + 2) - 0.5
        middle = self.image.shape[0] // 2 + 0.5
        rows = self._weights((edges - offset[1]) * pixel / self.step + middle)
        columns = self._weights((edges - offset[0]) * pixel / self.step + middle)
        (low_r, high_r, part_r), (low_c, high_c, part_c) = rows, columns
        table = self._cumulative
        band = table[low_r] * (1 - part_r)[:, None] + table[high_r] * part_r[:, None]
        corners = band[:, low_c] * (1 - part_c) + band[:, high_c] * part_c
        return np.diff(np.diff(corners, axis=0), axis=1)

    def _weights(self, position: Floats) -> tuple[NDArray[np.intp], NDArray[np.intp], Floats]:
        last = self.image.shape[0]
        position = np.clip(position, 0, last)
        low = np.minimum(position.astype(np.intp), last - 1)
        return low, low + 1, position - low


@lru_cache(maxsize=16)
def point_spread(wavelength_um: float, width_um: float, step: float, pixels: int = 1024) -> Psf:
    """The point spread function of a band of ``width_um`` around ``wavelength_um``; ``step`` in arcseconds."""
    total = np.zeros((pixels, pixels))
    for shift in (-0.3, 0.0, 0.3):
        wavelength = (wavelength_um + shift * width_um) * 1e-6
        field = pupil(pixels, wavelength / (pixels * step / RADIAN), wavelength)
        total += np.abs(fft.fftshift(fft.fft2(fft.ifftshift(field)))) ** 2
    total *= soft_edge(pixels)
    return Psf(total / total.sum(), step)


def soft_edge(pixels: int) -> Floats:
    """A soft edge, so that a star's halo does not end on a square."""
    axis = np.abs(np.arange(pixels) - pixels // 2) / (pixels / 2)
    taper = np.where(axis > 0.8, np.cos((axis - 0.8) / 0.2 * np.pi / 2) ** 2, 1.0)
    return np.outer(taper, taper)
