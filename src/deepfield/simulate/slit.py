"""One slitlet of one source: where its prism spectrum falls, what it holds, and how nods are combined."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
from astropy.io import fits
from scipy import ndimage

from deepfield.simulate import detector as detectors
from deepfield.simulate.distant import QUADRANT_COLUMNS, QUADRANT_ROWS, Source
from deepfield.simulate.optics import COLLECTING_AREA
from deepfield.simulate.projection import polygon_text, project
from deepfield.simulate.shutters import shutter_id
from deepfield.simulate.sky import random
from deepfield.simulate.worldcoords import slit_wcs

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from deepfield.simulate.exposure import Exposure
    from deepfield.simulate.header import Tree

    Floats = NDArray[np.float64]

PLANCK = 6.62607015e-34
FIRST_UM, LAST_UM = 0.6, 5.3
ROWS = 23
MIDDLE = 11
"""The row of a slitlet's centre in its cut-out."""
SHUTTER_ROWS = 0.529 / 0.1055
"""Detector rows from one shutter to the next."""
ROW_ARCSEC = 0.1055
SLIT_WIDTH = 0.20
SKY_MJY_SR = 0.22


@cache
def prism_wavelengths() -> Floats:
    """The wavelength in µm of each column of a prism spectrum: resolving power 30 to 300 at two columns."""
    wavelength = [FIRST_UM]
    while wavelength[-1] < LAST_UM:
        wavelength.append(wavelength[-1] + wavelength[-1] / resolving_power(wavelength[-1]) / 2.2)
    return np.array(wavelength)


def resolving_power(wavelength: float | Floats) -> Any:
    """The prism's resolving power: least near 1.2 µm."""
    return 33.0 * (np.asarray(wavelength) / 1.2) ** 1.45 + 24.0 * np.exp(-((np.asarray(wavelength) - 0.6) / 0.25))


@dataclass(frozen=True, slots=True, eq=False)
class Geometry:
    """Where a slitlet's spectrum lies on the detector, its wavelengths and the shadow of the shutters' bars."""

    x_start: int
    y_start: int
    wavelength: Floats
    barshadow: Floats

    @property
    def cutout(self) -> tuple[slice, slice]:
        rows, columns = self.wavelength.shape
        return slice(self.y_start - 1, self.y_start - 1 + rows), slice(self.x_start - 1, self.x_start - 1 + columns)


@dataclass(frozen=True, slots=True, eq=False)
class Spectrum2d:
    """A calibrated (or rectified and stacked) spectrum in MJy per pixel; ``centre`` is the source's row."""

    source: Source
    geometry: Geometry
    image: detectors.Image
    centre: float
    context: NDArray[np.int32] | None = None


def slit_geometry(source: Source) -> Geometry:
    """Place a slitlet on its detector: columns of shutters along the dispersion, rows across it."""
    centres = prism_wavelengths()
    upper = source.quadrant in (2, 4)
    x_start = 150 + round(source.column * 1100 / QUADRANT_COLUMNS)
    y_start = 40 + round((source.row + (QUADRANT_ROWS if upper else 0)) * 1900 / (2 * QUADRANT_ROWS))
    rows = np.arange(ROWS)[:, None]
    tilt = 0.03 * (rows - MIDDLE)
    columns = np.arange(centres.size)[None, :]
    wavelength = np.interp(columns + tilt, np.arange(centres.size), centres)
    phase = ((rows - MIDDLE) / SHUTTER_ROWS + 0.5) % 1.0
    shadow = 1 - 0.25 * np.exp(-0.5 * (np.minimum(phase, 1 - phase) / 0.06) ** 2)
    return Geometry(x_start, y_start, wavelength, np.broadcast_to(shadow, wavelength.shape))


def row_of(source: Source, nod: int) -> float:
    """The row of a source in its cut-out at a nod."""
    return MIDDLE + SHUTTER_ROWS * (nod + source.offset[1])


def flux_scale(exposure: Exposure, geometry: Geometry) -> Floats:
    """MJy in a pixel for one DN/s."""
    device = detectors.detector(exposure.detector)
    relative = np.gradient(geometry.wavelength, axis=1) / geometry.wavelength
    photons = 1e-20 * COLLECTING_AREA * relative / PLANCK
    return np.asarray(device.gain / (photons * device.throughput))


def source_light(source: Source, geometry: Geometry, nod: int) -> Floats:
    """The source alone, MJy per pixel."""
    wavelength = geometry.wavelength
    spread = wavelength / resolving_power(wavelength) / 2.3548
    blur = np.hypot(source.size, 0.031 * wavelength + 0.02) / 2.3548 / ROW_ARCSEC
    rows = np.arange(wavelength.shape[0])[:, None] - row_of(source, nod)
    profile = np.exp(-0.5 * (rows / blur) ** 2)
    profile /= blur * np.sqrt(2 * np.pi)
    return np.asarray(source.spectrum(wavelength, spread) * profile * 1e-6)


def trace(source: Source, nod: int) -> Floats:
    """All the light of a slitlet before the detector, MJy per pixel: source and sky."""
    geometry = slit_geometry(source)
    sky = SKY_MJY_SR * ROW_ARCSEC * SLIT_WIDTH / 206264.806**2 * geometry.barshadow
    within = np.abs(np.arange(ROWS) - MIDDLE) <= 1.6 * SHUTTER_ROWS
    return np.asarray(source_light(source, geometry, nod) + np.where(within[:, None], sky, 0.0))


def exposed(exposure: Exposure, source: Source, nod: int, seed: int) -> detectors.Image:
    """A slitlet through the detector and calibrated, MJy per pixel, sky still in it."""
    device = detectors.detector(exposure.detector)
    geometry = slit_geometry(source)
    corner = (geometry.x_start, geometry.y_start)
    pattern = detectors.pixels(device, geometry.wavelength.shape, seed, corner=corner, step=(1, 1), full=(2048, 2048))
    scale = flux_scale(exposure, geometry)
    rng = random(seed, exposure.root, source.number)
    light = trace(source, nod) / scale
    ramp, expected = detectors.expose(light, device, pattern, exposure.readout, rng)
    rate = detectors.fit(ramp, expected, device, pattern, exposure.readout)
    return detectors.calibrate(rate, pattern, device, scale)


def subtract_nods(
    exposure: Exposure, source: Source, image: detectors.Image, others: Sequence[detectors.Image]
) -> Spectrum2d:
    """Subtract the mean of the other nods, as the pipeline does with nodded slitlets."""
    stack_ = np.stack([other.sci for other in others])
    good = np.isfinite(stack_)
    number = good.sum(axis=0)
    safe = np.maximum(number, 1)

    def add(name: str) -> Floats:
        layers = np.stack([np.nan_to_num(getattr(other, name)) for other in others])
        return np.asarray(getattr(image, name) + np.where(good, layers, 0).sum(axis=0) / safe**2)

    blank = (number == 0) | ((image.dq & detectors.DO_NOT_USE) != 0)
    sci = image.sci - np.where(good, np.nan_to_num(stack_), 0).sum(axis=0) / safe
    dq = image.dq.copy()
    dq[blank] |= detectors.DO_NOT_USE
    parts = [np.where(blank, np.nan, plane) for plane in (sci, add("var_poisson"), add("var_rnoise"), add("var_flat"))]
    nod = int(exposure.observation.plan["nods"][exposure.number - 1])
    return Spectrum2d(
        source,
        slit_geometry(source),
        detectors.Image(parts[0], dq, parts[1], parts[2], parts[3]),
        row_of(source, nod),
    )


def rectify(path: Path, source: Source, nod: int) -> Spectrum2d:
    """Read a source's slitlet from a ``cal`` file and move it so that the source lies in the middle row."""
    with fits.open(path) as hdus:
        version = next(h.ver for h in hdus if h.name == "SCI" and h.header["SOURCEID"] == source.number)
        names = ("SCI", "VAR_POISSON", "VAR_RNOISE", "VAR_FLAT")
        layers = [hdus[name, version].data.astype(np.float64) for name in names]
        dq = hdus["DQ", version].data.astype(np.uint32)
    shift = MIDDLE - row_of(source, nod)
    moved = [_shifted(layer, shift) for layer in layers]
    image = detectors.Image(moved[0], dq, moved[1], moved[2], moved[3])
    return Spectrum2d(source, slit_geometry(source), image, float(MIDDLE))


def _shifted(layer: Floats, rows: float) -> Floats:
    bad = ~np.isfinite(layer)
    moved = ndimage.shift(np.where(bad, 0.0, layer), (rows, 0), order=1, cval=0.0)
    lost = ndimage.shift(bad.astype(float), (rows, 0), order=1, cval=1.0)
    return np.where(lost > 0.3, np.nan, moved / np.maximum(1 - lost, 0.1))


def stack(spectra: Sequence[Spectrum2d]) -> Spectrum2d:
    """The mean of rectified nods, leaving out what is blank."""
    layers = np.stack([one.image.sci for one in spectra])
    good = np.isfinite(layers)
    number = good.sum(axis=0)
    safe = np.maximum(number, 1)

    def mean_variance(name: str) -> Floats:
        parts = np.stack([np.nan_to_num(getattr(one.image, name)) for one in spectra])
        return np.where(number > 0, np.where(good, parts, 0).sum(axis=0) / safe**2, np.nan)

    sci = np.where(number > 0, np.where(good, np.nan_to_num(layers), 0).sum(axis=0) / safe, np.nan)
    bits = sum((good[k].astype(np.int32) << k) for k in range(len(spectra)))
    image = detectors.Image(
        sci,
        np.where(number > 0, 0, detectors.DO_NOT_USE).astype(np.uint32),
        mean_variance("var_poisson"),
        mean_variance("var_rnoise"),
        mean_variance("var_flat"),
    )
    first = spectra[0]
    return Spectrum2d(first.source, first.geometry, image, float(MIDDLE), np.asarray(bits, np.int32)[None])


def extracted_table(one: Spectrum2d) -> Any:
    """The extracted spectrum of a slitlet: seven rows round the source."""
    rows = np.arange(one.image.sci.shape[0])
    share = np.clip(3.5 - np.abs(rows - one.centre) + 0.5, 0, 1)[:, None]
    good = np.isfinite(one.image.sci)
    used = (share * good).sum(axis=0)
    fill = share.sum() / np.maximum(used, 1e-9)

    def total(plane: Floats | None, power: int = 1) -> Floats:
        assert plane is not None
        return np.asarray(
            (share**power * np.where(good, np.nan_to_num(plane), 0.0)).sum(axis=0) * fill**power * 1e6**power
        )

    poisson, readnoise = total(one.image.var_poisson, 2), total(one.image.var_rnoise, 2)
    flat = total(one.image.var_flat, 2)
    flux = total(one.image.sci)
    bright = 1e-6 / (share.sum() * ROW_ARCSEC * SLIT_WIDTH / 206264.806**2)
    zero = np.zeros_like(flux)
    columns = {
        "WAVELENGTH": one.geometry.wavelength[MIDDLE],
        "FLUX": flux,
        "FLUX_ERROR": np.sqrt(poisson + readnoise + flat),
        "FLUX_VAR_POISSON": poisson,
        "FLUX_VAR_RNOISE": readnoise,
        "FLUX_VAR_FLAT": flat,
        "SURF_BRIGHT": flux * bright,
        "SB_ERROR": np.sqrt(poisson + readnoise + flat) * bright,
        "SB_VAR_POISSON": poisson * bright**2,
        "SB_VAR_RNOISE": readnoise * bright**2,
        "SB_VAR_FLAT": flat * bright**2,
        "DQ": np.where(used > 0, 0, detectors.DO_NOT_USE),
        "BACKGROUND": zero,
        "BKGD_ERROR": zero,
        "BKGD_VAR_POISSON": zero,
        "BKGD_VAR_RNOISE": zero,
        "BKGD_VAR_FLAT": zero,
        "NPIXELS": used,
    }
    table = np.zeros(flux.size, dtype=[(name, "u4" if name == "DQ" else "f8") for name in columns])
    for name, values in columns.items():
        table[name] = values
    return table


def slit_meta(exposure: Exposure, one: Spectrum2d, *, with_wcs: bool) -> Tree:
    """What the headers say about a slitlet and its source."""
    source, geometry = one.source, one.geometry
    sky = exposure.pointing.across(exposure.parts[source.quadrant - 1])
    s, t = (source.row - 0.5) / QUADRANT_ROWS, (source.column - 0.5) / QUADRANT_COLUMNS
    along, across = 1.5 / QUADRANT_ROWS, 0.37 / QUADRANT_COLUMNS
    corners = sky(s + along * np.array([-1, 1, 1, -1]), t + across * np.array([-1, -1, 1, 1]))
    wcsinfo: Tree = {
        "s_region": polygon_text(*corners),
        "waverange_start": FIRST_UM * 1e-6,
        "waverange_end": LAST_UM * 1e-6,
        "dispersion_direction": 1,
        "spectral_order": 0,
        "specsys": "BARYCENT",
    }
    meta: Tree = {"wcsinfo": wcsinfo, "bunit_data": "MJy", "bunit_err": "MJy"}
    area = ROW_ARCSEC * SLIT_WIDTH
    meta["photometry"] = {
        "pixelarea_arcsecsq": area,
        "pixelarea_steradians": area / 206264.806**2,
        "conversion_megajanskys": float(np.median(flux_scale(exposure, geometry))),
    }
    if with_wcs:
        meta["wcs"] = _wcs(one, sky, s, t)
    rows, columns = geometry.wavelength.shape
    return {
        "name": str(source.number),
        "xstart": geometry.x_start,
        "xsize": columns,
        "ystart": geometry.y_start,
        "ysize": rows,
        "slitlet_id": source.number,
        "shutter_id": shutter_id(source),
        "source_id": source.number,
        "source_name": f"{exposure.programme.number}_{source.number}",
        "source_alias": str(source.number),
        "stellarity": 0.0,
        "source_type": "POINT",
        "source_xpos": source.offset[0],
        "source_ypos": source.offset[1],
        "shutter_state": "1x1",
        "quadrant": source.quadrant,
        "source_ra": source.ra,
        "source_dec": source.dec,
        "meta": meta,
    }


def _wcs(one: Spectrum2d, sky: Any, s: float, t: float) -> Any:
    """Sky position linear along the slitlet, wavelength from a table along the dispersion."""
    rows = np.arange(one.geometry.wavelength.shape[0])
    places = s + (rows - MIDDLE) / SHUTTER_ROWS / QUADRANT_ROWS
    ra, dec = sky(places, np.full(rows.size, t))
    centre = (float(ra[MIDDLE]), float(dec[MIDDLE]))
    along = [np.polynomial.polynomial.polyfit(rows, axis, 1) for axis in project(ra, dec, centre)]
    lines = (tuple(map(float, along[0])), tuple(map(float, along[1])))
    return slit_wcs(centre, lines, one.geometry.wavelength[MIDDLE], one.geometry.wavelength.shape)
