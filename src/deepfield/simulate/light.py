"""How much light a detector gets: the band of the elements in the beam and the surface brightness of one count."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from deepfield.missions.jwst.tables import default_tables
from deepfield.model.errors import InvalidValueError
from deepfield.simulate import detector as detectors
from deepfield.simulate.header import software
from deepfield.simulate.optics import COLLECTING_AREA

if TYPE_CHECKING:
    from deepfield.simulate.exposure import Exposure

PLANCK = 6.62607015e-34


def band_of(exposure: Exposure) -> tuple[float, float]:
    """The wavelengths, in micrometres, that pass both wheels: those of the narrower element."""
    found = [
        band
        for key in ("filter", "pupil")
        if (band := default_tables().band(exposure.seen.instrument, str(exposure.instrument.get(key, "CLEAR"))))
    ]
    if not found:
        raise InvalidValueError("filter", exposure.instrument.get("filter"), "an element with a known range")
    narrowest = min(found, key=lambda band: band.upper_um - band.lower_um)
    return narrowest.lower_um, narrowest.upper_um


def flux_scale(exposure: Exposure) -> float:
    """PHOTMJSR as the reference files in use state it: MJy/sr that give one DN/s in a native pixel."""
    return true_scale(exposure) / float(software(exposure)["response"])


def true_scale(exposure: Exposure) -> float:
    """The surface brightness in MJy/sr that gives one DN/s in a native pixel."""
    band = band_of(exposure)
    device = detectors.detector(exposure.detector)
    native = np.radians(exposure.projection.scale) ** 2 / exposure.averaged
    photons = 1e-20 * native * COLLECTING_AREA * (band[1] - band[0]) / (sum(band) / 2) / PLANCK
    return float(device.gain / (photons * device.throughput))
