"""Which wavelengths data cover: bands of filters and dispersers, by the mission's tables."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from deepfield.model.observation import Energy

if TYPE_CHECKING:
    from deepfield.missions.jwst.tables import Band, ExposureType, JwstTables

_NOTHING = frozenset({"CLEAR", "CLEARP", "N/A", "NONE", "ANY", ""})
_PLAUSIBLE = (1e-7, 5e-5)
"""Metres between which a wavelength of JWST lies."""


@dataclass(frozen=True, slots=True)
class Optics:
    """The optical elements in the beam, upper case as headers write them."""

    instrument: str | None
    exposure_type: ExposureType | None
    filter: str | None = None
    pupil: str | None = None
    grating: str | None = None
    channel: str | None = None
    """MRS channels as digits, ``12``."""
    band: str | None = None
    """MRS bands, ``SHORT`` or several run together."""
    stated: tuple[float, float] | None = None
    """WAVSTART and WAVEND, metres."""


def energy_of(
    optics: Optics, tables: JwstTables, *, samples: int | None = None
) -> tuple[Energy, str | None, list[str]]:
    """Return the coverage in wavelength, what it was taken from, and sentences on what was wrong."""
    notes: list[str] = []
    if optics.instrument == "MIRI" and optics.channel and optics.band:
        return _medium_resolution(optics, tables, samples, notes)
    elements = _elements(optics, tables)
    bandpass = ";".join(elements) or None
    found, said = _range(optics, elements, tables)
    spectral = optics.exposure_type is not None and optics.exposure_type.dataproduct_type != "image"
    resolving = _resolving(optics, elements, tables)
    if optics.stated and (spectral or found is None):
        if _PLAUSIBLE[0] < optics.stated[0] < optics.stated[1] < _PLAUSIBLE[1]:
            found, said = (round(optics.stated[0], 13), round(optics.stated[1], 13)), "WAVSTART and WAVEND"
        elif optics.stated != (0.0, 0.0):
            notes.append(
                f"WAVSTART and WAVEND, {optics.stated[0]} and {optics.stated[1]}, are no wavelengths in metres"
            )
    if found is None:
        if bandpass:
            notes.append(f"no wavelength range is known for {bandpass} of {optics.instrument}")
        return Energy(bandpass=bandpass, resolving_power=resolving, samples=samples), None, notes
    if resolving is None:
        pivot = _pivot(optics, elements, tables)
        resolving = (pivot or (found[0] + found[1]) / 2) / (found[1] - found[0])
    return Energy(found[0], found[1], bandpass, resolving, samples), said, notes


def _medium_resolution(
    optics: Optics, tables: JwstTables, samples: int | None, notes: list[str]
) -> tuple[Energy, str | None, list[str]]:
    names = [
        f"CH{channel}-{band}"
        for channel in re.findall(r"[1-4]", optics.channel or "")
        for band in re.findall("SHORT|MEDIUM|LONG", optics.band or "")
    ]
    bands = [band for name in names if (band := tables.band("MIRI", name)) is not None]
    bandpass = ";".join(dict.fromkeys(band.element for band in bands)) or None
    resolving = tables.resolving_power("MIRI", "MRS")
    if not bands:
        notes.append(f"no wavelength range is known for channel {optics.channel} and band {optics.band} of MIRI")
        return Energy(bandpass=bandpass, resolving_power=resolving, samples=samples), None, notes
    lower, upper = min(band.lower_um for band in bands), max(band.upper_um for band in bands)
    return Energy(_metres(lower), _metres(upper), bandpass, resolving, samples), f"bands.tsv {bandpass}", notes


def _elements(optics: Optics, tables: JwstTables) -> list[str]:
    """Return the elements that shape the light, sorted; a pair of the tables is kept whole, CLEAR and all."""
    other = optics.grating or optics.pupil
    pair = f"{optics.filter};{other}"
    if optics.instrument and tables.band(optics.instrument, pair) is not None:
        return pair.split(";")
    named = {element for element in (optics.filter, optics.pupil, optics.grating) if element}
    return sorted(named - _NOTHING)


def _range(optics: Optics, elements: list[str], tables: JwstTables) -> tuple[tuple[float, float] | None, str | None]:
    instrument = optics.instrument
    if instrument is None:
        return None, None
    kind = optics.exposure_type.name if optics.exposure_type else None
    pair = tables.band(instrument, ";".join(elements), kind) if len(elements) > 1 else None
    if pair is not None:
        return (_metres(pair.lower_um), _metres(pair.upper_um)), f"bands.tsv {pair.element}"
    bands = [band for element in elements if (band := tables.band(instrument, element, kind)) is not None]
    if not bands and instrument == "FGS":
        bands = [band for band in (tables.band("FGS", "CLEAR"),) if band is not None]
    shaping = [band for band in bands if not band.crossing] or bands
    if not shaping:
        return None, None
    lower, upper = max(band.lower_um for band in shaping), min(band.upper_um for band in shaping)
    if lower >= upper:
        narrow = min(shaping, key=lambda band: band.upper_um - band.lower_um)
        lower, upper, shaping = narrow.lower_um, narrow.upper_um, [narrow]
    return (_metres(lower), _metres(upper)), f"bands.tsv {' and '.join(band.element for band in shaping)}"


def _resolving(optics: Optics, elements: list[str], tables: JwstTables) -> float | None:
    values = [tables.resolving_power(optics.instrument or "", element) for element in elements]
    return next((value for value in values if value is not None), None)


def _pivot(optics: Optics, elements: list[str], tables: JwstTables) -> float | None:
    bands: list[Band] = [
        band
        for element in elements
        if (band := tables.band(optics.instrument or "", element)) is not None and band.pivot_um
    ]
    narrow = min(bands, key=lambda band: band.upper_um - band.lower_um, default=None)
    return _metres(narrow.pivot_um) if narrow and narrow.pivot_um else None


def _metres(micrometres: float) -> float:
    """Turn the decimal numbers of the tables into metres without the noise of a binary product."""
    return round(micrometres * 1e-6, 12)
