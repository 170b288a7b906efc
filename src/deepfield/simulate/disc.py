"""A rotating disc of gas and stars far away, for integral-field spectroscopy: knots whose lines move with the disc."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from deepfield.simulate.emitter import Emitter
from deepfield.simulate.nearby import LIGHT_KMS
from deepfield.simulate.programme import read_table
from deepfield.simulate.projection import project
from deepfield.simulate.sky import random

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

BLUR_ARCSEC = 0.11
"""Full width at half maximum of a star."""


@dataclass(frozen=True, slots=True, eq=False)
class Disc:
    """Knots of one spectrum: offsets and widths in arcseconds, shares of the flux, velocities in km/s."""

    centre: tuple[float, float]
    emitter: Emitter
    sky: float
    east: Floats
    north: Floats
    width: Floats
    share: Floats
    velocity: Floats

    def brightness(self, ra: Floats, dec: Floats, wavelength: Floats, spread: float) -> Floats:
        """Surface brightness in MJy/sr at positions (degrees) and wavelengths (µm); ``spread`` blurs lines, µm."""
        xi, eta = (values * 3600 for values in project(ra, dec, self.centre))
        total = np.full(np.shape(wavelength), self.sky)
        grid = np.linspace(wavelength.min() * 0.999, wavelength.max() * 1.001, 3000)
        for one in range(self.share.size):
            wide = np.hypot(self.width[one], BLUR_ARCSEC / 2.3548)
            away = (xi - self.east[one]) ** 2 + (eta - self.north[one]) ** 2
            shape = np.exp(-0.5 * away / wide**2) / (2 * np.pi * wide**2) * 206264.806**2
            moved = (1 + self.emitter.redshift) * (1 + self.velocity[one] / LIGHT_KMS) - 1
            spectrum = replace(self.emitter, redshift=moved).spectrum(grid, np.full(grid.size, spread))
            total = total + shape * self.share[one] * np.interp(wavelength, grid, spectrum) * 1e-6
        return total


@lru_cache(maxsize=4)
def disc(name: str, seed: int) -> Disc:
    """The disc of a field, the same for everybody who asks with the same seed."""
    facts = read_table("discs.toml")[name]
    rng = random(seed, name, "disc")
    number = facts["knots"]
    radius, angle = rng.exponential(facts["length"] / 2, number), rng.uniform(0, 2 * np.pi, number)
    along, across = radius * np.cos(angle), radius * np.sin(angle) * np.cos(np.radians(facts["inclination"]))
    turn = np.radians(facts["angle"])
    share = np.concatenate([[0.35], 0.65 * rng.dirichlet(np.full(number, 2.0))])
    along, across = np.concatenate([[0.0], along]), np.concatenate([[0.0], across])
    radius = np.concatenate([[0.0], radius])
    swing = np.divide(along, radius, out=np.zeros(radius.size), where=radius > 0)
    return Disc(
        centre=(facts["ra"], facts["dec"]),
        emitter=Emitter(**facts["emitter"]),
        sky=facts["sky"],
        east=along * np.sin(turn) + across * np.cos(turn),
        north=along * np.cos(turn) - across * np.sin(turn),
        width=np.concatenate([[0.14], rng.uniform(0.06, 0.14, number)]),
        share=share,
        velocity=facts["rotation"] * np.tanh(radius / 0.2) * swing,
    )
