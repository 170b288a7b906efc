"""A source with emission lines at a redshift: its spectrum from a power law and the lines of ``lines.toml``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from deepfield.simulate.nearby import LIGHT_KMS, read_lines

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Emitter:
    """A point or a small galaxy.

    ``flux`` in Jy at ``pivot`` µm, continuum with exponent ``slope``; ``lines`` gives, by their kind in ``lines.toml``,
    the rest equivalent width in µm of a line of strength 1; ``width`` (full, at half maximum) of the lines in km/s.
    """

    redshift: float
    flux: float
    pivot: float
    slope: float
    lines: Mapping[str, float]
    width: float

    def continuum(self, wavelength: Floats) -> Floats:
        """Flux density in Jy without lines: darker beyond the Balmer break, dark beyond Lyman α."""
        rest = wavelength / (1 + self.redshift)
        flux = self.flux * (wavelength / self.pivot) ** self.slope
        flux = np.where(rest < 0.3646, 0.6 * flux, flux)
        return np.where(rest < 0.1216, 0.02 * flux, flux)

    def spectrum(self, wavelength: Floats, spread: Floats) -> Floats:
        """Flux density in Jy at ``wavelength`` (µm), lines blurred by Gaussians of ``spread`` µm."""
        flux = self.continuum(wavelength)
        for kind, strength in self.lines.items():
            for line in read_lines()[kind]:
                flux = flux + strength * self._line(line, wavelength, spread)
        return np.asarray(flux)

    def _line(self, line: list[Any], wavelength: Floats, spread: Floats) -> Floats:
        """One line of strength 1: (centre, strength) as a Gaussian, (centre, width, strength) as a dust band."""
        centre, *broad, share = line
        observed = centre * (1 + self.redshift)
        level = self.continuum(np.array([observed]))[0]
        if broad:
            ratio = broad[0] / centre
            return np.asarray(
                level * share * ratio**2 / ((wavelength / observed - observed / wavelength) ** 2 + ratio**2)
            )
        blur = np.hypot(spread, observed * self.width / 2.3548 / LIGHT_KMS)
        area = share * (1 + self.redshift) * level
        return np.asarray(area * np.exp(-0.5 * ((wavelength - observed) / blur) ** 2) / (blur * np.sqrt(2 * np.pi)))
