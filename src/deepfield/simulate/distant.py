"""Distant galaxies as the micro-shutters see them: places in the shutter array, redshifts and spectra."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from deepfield.simulate.nearby import read_lines
from deepfield.simulate.sky import jansky, random

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from deepfield.simulate.exposure import Exposure

    Floats = NDArray[np.float64]

QUADRANT_COLUMNS, QUADRANT_ROWS = 365, 171
SLITLET = 3
"""Shutters that make a slitlet, one above the other."""


@dataclass(frozen=True, slots=True)
class Source:
    """A galaxy in the middle shutter of a slitlet. ``quadrant`` 1 to 4, ``column`` and ``row`` from 1.

    Flux density in Jy at 2 µm; ``line`` is the rest equivalent width of Hα in µm; ``size`` in arcseconds.
    """

    number: int
    quadrant: int
    column: int
    row: int
    ra: float
    dec: float
    redshift: float
    flux: float
    slope: float
    line: float
    size: float
    offset: tuple[float, float]

    @property
    def detector(self) -> str:
        """The detector on which the prism puts the spectrum."""
        return "NRS1" if self.quadrant in (3, 4) else "NRS2"

    def spectrum(self, wavelength: Floats, spread: Floats) -> Floats:
        """Flux density in Jy at ``wavelength`` (µm), lines blurred by a Gaussian of ``spread`` µm."""
        rest = wavelength / (1 + self.redshift)
        continuum = self.flux * (wavelength / 2.0) ** self.slope
        continuum = np.where(rest < 0.3646, 0.45 * continuum, continuum)
        continuum = np.where(rest < 0.1216, 0.02 * continuum, continuum)
        flux = continuum.copy()
        level = self.flux * (0.65646 * (1 + self.redshift) / 2.0) ** self.slope
        for centre, strength in read_lines()["optical"]:
            observed = centre * (1 + self.redshift)
            width = np.hypot(spread, observed * 120 / 299792.458)
            area = (
                strength * self.line * (1 + self.redshift) * level * (observed / (0.65646 * (1 + self.redshift))) ** 2
            )
            flux += area * np.exp(-0.5 * ((wavelength - observed) / width) ** 2) / (width * np.sqrt(2 * np.pi))
        return np.asarray(flux)


def sources(exposure: Exposure, seed: int) -> tuple[Source, ...]:
    """The galaxies of an observation's configuration, in order of number."""
    plan = exposure.observation.plan
    rng = random(seed, exposure.programme.number, plan["configuration"], "sources")
    number = plan["sources"]
    rows = rng.permutation(np.linspace(8, QUADRANT_ROWS - 8, max(2, (number + 1) // 2)).astype(int))
    chosen = []
    for place in range(number):
        quadrant = (3, 1, 4, 2)[place % 4]
        row = int(rows[(place // 2) % rows.size])
        column = int(rng.integers(30, QUADRANT_COLUMNS - 30))
        offset = (float(rng.uniform(-0.3, 0.3)), float(rng.uniform(-0.3, 0.3)))
        sky = exposure.pointing.across(exposure.parts[quadrant - 1])
        s = np.array((row - 0.5 + offset[1]) / QUADRANT_ROWS)
        t = np.array((column - 0.5 + offset[0]) / QUADRANT_COLUMNS)
        ra, dec = sky(s, t)
        chosen.append(
            Source(
                number=place + 1,
                quadrant=quadrant,
                column=column,
                row=row,
                ra=float(ra),
                dec=float(dec),
                redshift=float(np.clip(rng.gamma(3.0, 1.0), 0.3, 9.5)),
                flux=float(jansky(rng.uniform(22.8, 26.3))),
                slope=float(rng.normal(0.15, 0.35)),
                line=float(rng.lognormal(np.log(0.035), 0.7)),
                size=float(rng.uniform(0.08, 0.22)),
                offset=offset,
            )
        )
    return tuple(chosen)
