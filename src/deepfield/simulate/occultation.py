"""Stars behind a coronagraph: what mask and stop leave of a point source, by Fourier optics.

The light goes from the pupil to a focal plane with the mask, to another pupil with the stop, to the detector.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
from scipy import fft, ndimage

from deepfield.simulate.optics import RADIAN, Psf, pupil, soft_edge
from deepfield.simulate.programme import read_table

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Field = NDArray[np.complex128]

PIXELS = 512
COLOURS = (-0.3, 0.0, 0.3)
"""Wavelengths of a band, as shares of its width from its middle, whose light is added."""
PUPIL_RADIUS = 3.3


@dataclass(frozen=True, slots=True)
class Coronagraph:
    """A mask and its stop; see ``coronagraphs.toml``."""

    kind: str
    radius: float
    stop: float
    struts: float
    step: float

    def transmission(self, x: Floats, y: Floats) -> Floats:
        """Amplitude behind the mask at angles in arcseconds from its centre; negative where it turns the phase."""
        distance = np.hypot(x, y)
        shapes: dict[str, Floats] = {
            "soft": np.sqrt(1 - np.exp2(-((distance / max(self.radius, 1e-9)) ** 2))),
            "spot": (distance > self.radius).astype(np.float64),
            "quadrants": np.sign(x) * np.sign(y),
        }
        return shapes[self.kind]


@lru_cache(maxsize=8)
def coronagraph(name: str) -> Coronagraph:
    """The coronagraph with a mask of the mission."""
    return Coronagraph(**read_table("coronagraphs.toml")[name])


def _transform(field: Field) -> Field:
    return np.asarray(fft.fftshift(fft.fft2(fft.ifftshift(field), norm="ortho")))


@lru_cache(maxsize=32)
def point_source(name: str, band: tuple[float, float], offset: tuple[float, float]) -> Psf:
    """The image of a star ``offset`` (x, y, arcseconds) from the centre of a mask, in a band in micrometres.

    Its sum is the share of the light that reaches the detector, where no coronagraph would give 1; the grid is centred
    on the mask.
    """
    design = coronagraph(name)
    total = np.zeros((PIXELS, PIXELS))
    angle = (np.arange(PIXELS) - PIXELS // 2 + 0.5) * design.step
    mask = design.transmission(*np.meshgrid(angle, angle))
    for colour in COLOURS:
        wavelength = (sum(band) / 2 + colour * (band[1] - band[0])) * 1e-6
        metres = wavelength / (PIXELS * design.step / RADIAN)
        field = pupil(PIXELS, metres, wavelength)
        place = (np.arange(PIXELS) - PIXELS // 2) * metres
        x, y = np.meshgrid(place, place)
        # the grid of angles lies half a step off the origin of the transform
        shift = [(value - design.step / 2) / RADIAN for value in offset]
        tilted = field * np.exp(2j * np.pi * (x * shift[0] + y * shift[1]) / wavelength)
        seen = _stopped(_transform(tilted) * mask, np.abs(field) > 0, design, metres)
        total += np.abs(seen) ** 2 / (np.abs(field) ** 2).sum()
    return Psf(total * soft_edge(PIXELS) / len(COLOURS), design.step)


def _stopped(focal: Field, open_: NDArray[np.bool_], design: Coronagraph, metres: float) -> Field:
    """From behind the mask through the stop to the detector."""
    again = np.asarray(fft.fftshift(fft.ifft2(fft.ifftshift(focal), norm="ortho")))
    place = (np.arange(PIXELS) - PIXELS // 2) * metres
    inside = np.hypot(*np.meshgrid(place, place)) < design.stop * PUPIL_RADIUS
    steps = max(1, round(design.struts / 2 / metres))
    narrowed = ndimage.binary_erosion(ndimage.binary_closing(open_, iterations=2), iterations=steps)
    # a soft edge, for the samples of a hard one would diffract like the teeth of a comb
    return _transform(again * ndimage.gaussian_filter((inside & narrowed).astype(np.float64), 1.2))
