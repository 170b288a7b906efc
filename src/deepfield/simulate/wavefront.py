"""The figure of the primary mirror: segment errors, the maps that wavefront sensing makes of them, and defocused stars.

A map (OPD) is measured from stars through weak lenses; its file says in micrometres what is left after the best fit.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
from astropy.io import fits
from scipy import fft

from deepfield.simulate.header import isot, mjd
from deepfield.simulate.optics import RADIAN, Psf, pupil, segment_centres
from deepfield.simulate.sky import random
from deepfield.simulate.writing import confess, save

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from deepfield.simulate.exposure import Exposure

    Floats = NDArray[np.float64]

PIXELS = 512
MAP_PIXELS, MAP_SIDE = 256, 6.7
"""Pixels and metres of a side of a map of the pupil."""
LENS_WAVES = {"WLP8": 8.0, "WLM8": -8.0}
"""Defocus of the weak lenses, waves at 2.12 µm from the middle to the edge of the pupil."""
LENS_WAVELENGTH = 2.12e-6
TERMS_NM = (68.0, 52.0, 52.0, 24.0, 16.0, 16.0)
"""Standard deviations over the segments of piston, tips, defocus and astigmatism, nanometres."""
CONTROLLED = 3
"""How many of these terms a correction takes out."""
STAMP = 64


@lru_cache(maxsize=4)
def mirror(seed: int, programme: int) -> Floats:
    """Coefficients of the terms of each segment before the correction, nanometres: shape (18, 6)."""
    rng = random(seed, programme, "mirror")
    return rng.normal(0, TERMS_NM, (18, len(TERMS_NM)))


def corrected(terms: Floats, seed: int, programme: int) -> Floats:
    """The coefficients after a correction of piston and tips, which leaves a fifth of them."""
    after = terms.copy()
    after[:, :CONTROLLED] *= 0.2
    return after + random(seed, programme, "moves").normal(0, 4.0, after.shape)


def opd(terms: Floats, x: Floats, y: Floats) -> Floats:
    """Optical path difference in metres at places in the pupil (metres), zero outside the segments."""
    found = np.zeros(x.shape)
    for (column, row), (piston, tip, tilt, focus, first, second) in zip(segment_centres(), terms, strict=True):
        u, v = (x - column) / 0.76, (y - row) / 0.76
        slant = np.sqrt(3) / 2
        inside = (np.abs(v) < 0.868) & (np.abs(slant * u + v / 2) < 0.868) & (np.abs(slant * u - v / 2) < 0.868)
        shape = (
            piston + tip * u + tilt * v + focus * (2 * (u**2 + v**2) - 1) + first * (u**2 - v**2) + second * 2 * u * v
        )
        found[inside] = shape[inside] * 1e-9
    return found


def pupil_map(terms: Floats) -> Floats:
    """The map of a wavefront in micrometres, zero outside the pupil, without its mean."""
    axis = (np.arange(MAP_PIXELS) - (MAP_PIXELS - 1) / 2) * MAP_SIDE / MAP_PIXELS
    found = opd(terms, *np.meshgrid(axis, axis)) * 1e6
    seen = np.abs(pupil(MAP_PIXELS, MAP_SIDE / MAP_PIXELS, LENS_WAVELENGTH)) > 0
    return np.where(seen, found - found[seen].mean(), 0.0)


def segments() -> Floats:
    """The number of the segment, from 1, at every pixel of a map; zero between them."""
    axis = (np.arange(MAP_PIXELS) - (MAP_PIXELS - 1) / 2) * MAP_SIDE / MAP_PIXELS
    x, y = np.meshgrid(axis, axis)
    terms = np.zeros((18, len(TERMS_NM)))
    terms[:, 0] = np.arange(18) + 1
    return opd(terms, x, y) * 1e9


def rms(found: Floats) -> float:
    """The root mean square of a map over the pupil, in its unit."""
    return float(np.sqrt((found[found != 0] ** 2).mean()))


def defocused(terms: Floats, lens: str, band: tuple[float, float], step: float) -> Psf:
    """The image of a star through a weak lens and an imperfect mirror in a narrow band.

    The band is in µm, ``step`` in arcseconds.
    """
    wavelength = sum(band) / 2 * 1e-6
    metres = wavelength / (PIXELS * step / RADIAN)
    field = pupil(PIXELS, metres, wavelength)
    place = (np.arange(PIXELS) - PIXELS // 2) * metres
    x, y = np.meshgrid(place, place)
    bend = LENS_WAVES[lens] * LENS_WAVELENGTH * (x**2 + y**2) / 3.3**2
    field = field * np.exp(2j * np.pi * (opd(terms, x, y) + bend) / wavelength)
    image = np.abs(fft.fftshift(fft.fft2(fft.ifftshift(field)))) ** 2
    return Psf(image / image.sum(), step)


@dataclass(frozen=True, slots=True)
class WavefrontMap:
    """Write the map that was measured from one exposure: R<date><number>-<aperture>-<group>.fits."""

    exposure: Exposure
    serial: int
    seed: int
    moved: bool
    """Whether the mirror had been corrected before."""

    @property
    def name(self) -> str:
        return f"{self.correction}-{self.exposure.reference.name}-1"

    @property
    def correction(self) -> str:
        return f"R{self.exposure.start:%Y%m%d}{self.serial:02d}"

    def terms(self) -> Floats:
        """The coefficients of the segments at the time of the measurement."""
        number = self.exposure.programme.number
        before = mirror(self.seed, number)
        return corrected(before, self.seed, number) if self.moved else before

    def run(self, folder: Path) -> None:
        """Write the map into ``folder``."""
        terms, number = self.terms(), self.exposure.programme.number
        noise = random(self.seed, self.name).normal(0, 0.002, (MAP_PIXELS, MAP_PIXELS))
        measured = pupil_map(terms)
        measured = np.where(measured != 0, measured + noise, 0.0)
        expected = measured if self.moved else pupil_map(corrected(terms, self.seed, number))
        images = []
        for lens in ("WLM8", "WLP8"):
            star = defocused(terms, lens, (2.109, 2.134), 0.0155).on_pixels(0.031, (0.0, 0.0), STAMP)[:-1, :-1]
            scatter = random(self.seed, self.name, lens).normal(0, star.max() / 200, star.shape)
            images += [(f"MEASURED_{lens}", star + scatter), (f"COMPUTED_{lens}", star)]
        mask = (measured != 0).astype(np.float64)
        # the images are the fifth and sixth, tenth and eleventh extensions, as in the mission's files
        planes = [("RESULT_PHASE", measured), ("EXPECTED", expected), ("PUPIL_MASK", mask), ("SEGMENTS", segments())]
        residual = images[0][1] - images[1][1]
        between = [("RESIDUAL_WLM8", residual), ("CORRECTION", expected - measured), ("WEIGHT", mask)]
        planes += [*images[:2], *between, *images[2:]]
        primary = fits.PrimaryHDU(header=self._header())
        hdus = fits.HDUList([primary, *(fits.ImageHDU(plane.astype(np.float32), name=name) for name, plane in planes)])
        hdus["RESULT_PHASE"].header["RMS_WFE"] = (rms(measured), "[um] rms wavefront error")
        hdus["EXPECTED"].header["RMS_WFE"] = (rms(expected), "[um] rms wavefront error")
        confess(hdus[0].header, (1, 1))
        save(folder / f"{self.name}.fits", hdus)

    def _header(self) -> fits.Header:
        start = self.exposure.start
        facts = {
            "TELESCOP": "JWST",
            "INSTRUME": "NIRCAM",
            "DATE": isot(start),
            "DATE-OBS": f"{start:%Y-%m-%d}",
            "TIME-OBS": f"{start:%H:%M:%S.000}",
            "TSTAMP": isot(start),
            "MJD-AVG": mjd(start),
            "OBS_ID": self.exposure.programmatic_id,
            "CORR_ID": self.correction,
            "APERNAME": self.exposure.reference.name,
            "GROUP_ID": 1,
            "PROGRAM": self.exposure.programme.digits,
            "FILENAME": f"{self.name}.fits",
        }
        return fits.Header(list(facts.items()))
