"""A star and the planet that passes before it: a spectrum, and how much of it is left at each moment."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from deepfield.simulate.programme import read_table

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

HIDING_POINTS = (16, 48)
"""Rings and points a ring with which the planet's disc is covered to add up what it hides."""


@dataclass(frozen=True, slots=True)
class System:
    """A transiting system.

    ``flux`` in Jy at 2 µm of a black body of ``temperature`` kelvin, ``ratio`` of the radii, ``impact`` parameter and
    ``limb`` (quadratic law) as in any light curve, ``crossing`` seconds from first to last contact, ``bands`` the
    planet's molecules: (centre in µm, width in µm, share by which the planet's radius grows).
    """

    flux: float
    temperature: float
    ratio: float
    impact: float
    limb: tuple[float, float]
    crossing: float
    bands: tuple[tuple[float, float, float], ...]
    star_bands: tuple[tuple[float, float, float], ...]

    def spectrum(self, wavelength: Floats) -> Floats:
        """Flux density of the star in Jy; ``wavelength`` in µm."""
        exponent = 14387.77 / self.temperature
        shape = np.expm1(exponent / 2.0) / np.expm1(exponent / wavelength) * (2.0 / wavelength) ** 3
        absorbed = sum(
            depth * np.exp(-0.5 * ((wavelength - centre) / width) ** 2) for centre, width, depth in self.star_bands
        )
        return np.asarray(self.flux * shape * (1 - absorbed))

    def radius(self, wavelength: Floats) -> Floats:
        """Radius of the planet in stellar radii at a wavelength in µm."""
        grown = np.zeros(np.shape(wavelength))
        for centre, width, share in self.bands:
            grown += share * np.exp(-0.5 * ((wavelength - centre) / width) ** 2)
        return np.asarray(self.ratio * (1 + grown))

    def hidden(self, seconds: Floats) -> Floats:
        """The share of the star's light that the planet of ``ratio`` hides, ``seconds`` from the middle."""
        contact = np.sqrt((1 + self.ratio) ** 2 - self.impact**2)
        along = np.asarray(seconds) / (self.crossing / 2) * contact
        rings, points = HIDING_POINTS
        radius = self.ratio * np.sqrt((np.arange(rings) + 0.5) / rings)[:, None]
        angle = 2 * np.pi * (np.arange(points) + 0.5)[None, :] / points
        x = along[..., None, None] + radius * np.cos(angle)
        y = self.impact + radius * np.sin(angle)
        mu = np.sqrt(np.clip(1 - x**2 - y**2, 0, None))
        first, second = self.limb
        bright = np.where(mu > 0, 1 - first * (1 - mu) - second * (1 - mu) ** 2, 0.0)
        return np.asarray(self.ratio**2 * bright.mean(axis=(-2, -1)) / (1 - first / 3 - second / 6))

    def left(self, seconds: Floats, wavelength: Floats) -> Floats:
        """The share of the light that is left, shape (seconds, wavelengths)."""
        depth = (self.radius(wavelength) / self.ratio) ** 2
        return np.asarray(1 - self.hidden(seconds)[:, None] * depth[None, :])


@cache
def system(name: str) -> System:
    """The transiting system of a field."""
    facts = read_table("transits.toml")[name]
    bands = {key: tuple(map(tuple, facts[key])) for key in ("bands", "star_bands")}
    return System(**{**facts, **bands, "limb": tuple(facts["limb"])})
