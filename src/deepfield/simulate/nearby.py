"""A nearby galaxy in three dimensions: knots of starlight, dust and gas on the sky, with their mid-infrared spectra.

Everything is a sum of Gaussians, so the telescope's blur is added to their widths and nothing has to be convolved.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import special

from deepfield.simulate.programme import read_table
from deepfield.simulate.projection import project
from deepfield.simulate.sky import random

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

LIGHT_KMS = 299792.458
SPECTRAL_GRID = 6000
"""Points of the wavelength grid on which spectra are computed before they are looked up."""


@dataclass(frozen=True, slots=True, eq=False)
class Galaxy:
    """Knots: offsets and widths in arcseconds, flux density at 10 µm in Jy, shares of gas, H₂ and PAH, velocity."""

    centre: tuple[float, float]
    redshift: float
    east: Floats
    north: Floats
    major: Floats
    minor: Floats
    angle: Floats
    flux: Floats
    slope: Floats
    gas: Floats
    h2: Floats
    pah: Floats
    velocity: Floats

    def brightness(self, ra: Floats, dec: Floats, wavelength: Floats, resolution: Floats) -> Floats:
        """Surface brightness in MJy/sr at positions (degrees) and wavelengths (µm) seen with a Gaussian line width.

        ``resolution`` is the standard deviation of the line spread in µm.
        """
        total = background(wavelength)
        xi, eta = project(ra, dec, self.centre)
        east, north = xi * 3600, eta * 3600
        blur = (0.033 * wavelength + 0.106) / 2.3548
        grid = np.linspace(wavelength.min() * 0.999, wavelength.max() * 1.001, SPECTRAL_GRID)
        spread = np.interp(grid, *_ordered(wavelength, resolution))
        for one in range(self.flux.size):
            cos, sin = np.cos(np.radians(self.angle[one])), np.sin(np.radians(self.angle[one]))
            dx, dy = east - self.east[one], north - self.north[one]
            along, across = dx * sin + dy * cos, dx * cos - dy * sin
            wide, narrow = np.hypot(self.major[one], blur), np.hypot(self.minor[one], blur)
            shape = np.exp(-0.5 * ((along / wide) ** 2 + (across / narrow) ** 2)) / (2 * np.pi * wide * narrow)
            flux = np.interp(wavelength, grid, self.spectrum(one, grid, spread))
            total = total + shape * flux * 206264.806**2 * 1e-6
        return total

    def spectrum(self, one: int, wavelength: Floats, resolution: Floats) -> Floats:
        """Flux density in Jy of one knot."""
        stretch = (1 + self.redshift) * (1 + self.velocity[one] / LIGHT_KMS)
        rest = wavelength / stretch
        table = read_lines()
        flux = 0.5 * (rest / 10) ** -1.6 + 0.5 * (rest / 10) ** self.slope[one]
        flux = flux * np.exp(-0.8 * np.exp(-0.5 * ((rest - 9.8) / 1.1) ** 2) * self.pah[one])
        for centre, width, strength in table["pah"]:
            share = width / centre
            flux += self.pah[one] * strength * share**2 / ((rest / centre - centre / rest) ** 2 + share**2)
        for kind, share in (("gas", self.gas[one]), ("h2", self.h2[one])):
            for centre, strength in table[kind]:
                width = np.hypot(centre * 60 / LIGHT_KMS, resolution / stretch)
                line = np.exp(-0.5 * ((rest - centre) / width) ** 2) / (width * np.sqrt(2 * np.pi))
                flux += share * strength * 0.02 * line
        return np.asarray(self.flux[one] * flux)


def _ordered(wavelength: Floats, values: Floats) -> tuple[Floats, Floats]:
    order = np.argsort(wavelength, axis=None)[:: max(1, wavelength.size // 200)]
    return wavelength.ravel()[order], values.ravel()[order]


@lru_cache(maxsize=1)
def read_lines() -> dict[str, list[Any]]:
    """The emission lines and bands that the simulator knows."""
    return read_table("lines.toml")


def background(wavelength: Floats) -> Floats:
    """Zodiacal light and the warm telescope, MJy/sr."""
    zodiacal = 18.0 * np.exp(-0.5 * (np.log(wavelength / 14.0) / 0.55) ** 2)
    telescope = 900.0 * special.expit((wavelength - 23.5) / 2.2)
    return np.asarray(zodiacal + telescope)


@lru_cache(maxsize=4)
def galaxy(name: str, seed: int) -> Galaxy:
    """The galaxy of a field, the same for everybody who asks with the same seed."""
    facts = read_table("fields.toml")[name]
    rng = random(seed, name, "galaxy")
    number = facts["knots"]
    position = rng.normal(0, facts["disc_length"], number)
    height = rng.normal(0, facts["thickness"] * 0.35, number)
    angle = np.radians(facts["disc_angle"])
    weights = rng.lognormal(0, 0.9, number) if number else np.zeros(0)
    smooth = np.array([1.0, 1.6]) * 0.25 * facts["disc"]
    flux = np.concatenate([[facts["nucleus"]], smooth, 0.5 * facts["disc"] * weights / max(weights.sum(), 1e-9)])
    size = flux.size
    along = np.concatenate([np.zeros(3), position])
    return Galaxy(
        centre=(facts["ra"], facts["dec"]),
        redshift=facts["redshift"],
        east=along * np.sin(angle) + np.concatenate([np.zeros(3), height]) * np.cos(angle),
        north=along * np.cos(angle) - np.concatenate([np.zeros(3), height]) * np.sin(angle),
        major=np.concatenate([[0.03, 1.2, facts["disc_length"]], rng.uniform(0.08, 0.35, number)]),
        minor=np.concatenate([[0.03, 0.8, facts["thickness"]], rng.uniform(0.08, 0.3, number)]),
        angle=np.full(size, facts["disc_angle"]),
        flux=flux,
        slope=np.concatenate([[1.2, 0.0, 1.5], rng.uniform(1.5, 3.0, number)]),
        gas=np.concatenate([[1.5, 0.1, 0.5], rng.lognormal(0.4, 0.4, number)]),
        h2=np.concatenate([[1.0, 0.1, 0.8], rng.lognormal(-0.3, 0.5, number)]),
        pah=np.concatenate([[0.3, 0.1, 0.9], rng.uniform(0.8, 1.5, number)]),
        velocity=facts["rotation"] * np.tanh(along / 1.0),
    )
