"""Time series of images: a star watched through both channels of NIRCam, and its light curve ``phot``."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from astropy import units
from astropy.table import QTable

from deepfield.simulate import detector as detectors
from deepfield.simulate.association import Association, stage_two
from deepfield.simulate.dispersed import expose_series, pattern_of
from deepfield.simulate.exposure_files import (
    integration_times,
    planes,
    read_image,
    write_rate,
    write_rateints,
    write_uncal,
)
from deepfield.simulate.header import celestial, exposure_meta, photometry
from deepfield.simulate.light import band_of, flux_scale
from deepfield.simulate.pointing import aperture
from deepfield.simulate.render import psf_for, to_brightness
from deepfield.simulate.series import flag_outliers, seconds_from_middle, segments, series_association, table_meta
from deepfield.simulate.transit import system
from deepfield.simulate.work import Plan
from deepfield.simulate.worldcoords import image_wcs
from deepfield.simulate.writing import write

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

    from deepfield.simulate.exposure import Exposure
    from deepfield.simulate.header import Tree
    from deepfield.simulate.programme import Observation, Programme
    from deepfield.simulate.work import Task

    Floats = NDArray[np.float64]

SKY_MJY_SR = 0.3
RADII_ARCSEC = (0.55, 0.85, 1.6)
"""The aperture, and the inner and outer edge of the ring for the sky."""
SUBPIXELS = 8


def plan(programme: Programme, seed: int) -> Plan:
    """What has to be done for a programme of imaging time series."""
    exposures: list[Exposure] = []
    associations: list[Association] = []
    second: list[Task] = []
    for observation in programme.observations:
        for channel in observation.plan["channels"]:
            parts = tuple(_exposures(programme, observation, channel))
            association = series_association(parts, len(second) + 1)
            second.append(LightCurve(parts, association))
            associations += [
                stage_two(part, "tso-image2", "Asn_Lv2ImageTSO", len(exposures) + number, suffix="rateints")
                for number, part in enumerate(parts, start=1)
            ]
            associations.append(association)
            exposures += parts
    first = tuple(PhotometrySegment(exposure, seed) for exposure in exposures)
    return Plan(tuple(exposures), tuple(associations), (first, tuple(second)))


def _exposures(programme: Programme, observation: Observation, channel: dict[str, Any]) -> Iterator[Exposure]:
    """The segments that one channel of the instrument sees; ``channel`` overrides the plan."""
    seen = aperture(observation.plan["instrument"], channel["seen"])
    facts = {**observation.plan, **channel, "corner": seen.corner, "size": seen.size}
    for part in segments(programme, replace(observation, plan=facts)):
        yield replace(part, seen=seen, projection=part.pointing.projection(seen, part.binning))


@dataclass(frozen=True, slots=True)
class PhotometrySegment:
    """Simulate one segment of one channel: ``uncal``, ``rate``, ``rateints`` and ``calints``."""

    exposure: Exposure
    seed: int

    @property
    def name(self) -> str:
        return self.exposure.root

    def light(self) -> Floats:
        """What falls on the detector, DN/s, shape (integrations, rows, columns)."""
        exposure = self.exposure
        band = band_of(exposure)
        target = exposure.observation.target
        planet = system(target.field)
        wavelength = np.array([sum(band) / 2])
        x, y = (float(v) for v in exposure.projection.from_sky(target.ra, target.dec))
        column, row = round(x), round(y)
        half = max(exposure.projection.shape)
        pixel = exposure.projection.scale * 3600
        psf = psf_for(band, round(pixel, 4)).on_pixels(pixel, (x - column, y - row), half)
        rows, columns = exposure.projection.shape
        star = psf[half - row : half - row + rows, half - column : half - column + columns]
        bright = float(planet.spectrum(wavelength)[0]) * to_brightness(exposure.projection)
        left = planet.left(seconds_from_middle(exposure), wavelength)[:, 0]
        return np.asarray((SKY_MJY_SR + bright * left[:, None, None] * star[None]) / flux_scale(exposure))

    def run(self, folder: Path) -> None:
        """Write the products of the segment into ``folder``."""
        exposure = self.exposure
        pattern = pattern_of(exposure, self.seed)
        ramp, rates, rate = expose_series(exposure, self.light(), pattern, self.seed)
        cal = detectors.calibrate(rates, pattern, detectors.detector(exposure.detector), flux_scale(exposure))
        about = celestial(exposure.projection)
        write_uncal(folder, exposure, ramp, about)
        write_rate(folder, exposure, rate, about)
        write_rateints(folder, exposure, rates, about)
        tree = image_series(exposure, cal, "calints", ("detector1", "image2"))
        write(folder / exposure.file("calints"), tree, binning=exposure.binning)


def image_series(exposure: Exposure, image: detectors.Image, suffix: str, stages: tuple[str, ...]) -> Tree:
    """The data model of ``calints`` or ``crfints``."""
    meta = exposure_meta(exposure, stages, "CubeModel", exposure.file(suffix))
    meta["wcsinfo"] |= celestial(exposure.projection)
    meta["wcs"] = image_wcs(exposure.projection)
    meta["photometry"] = photometry(flux_scale(exposure), exposure.projection)
    meta |= {"bunit_data": "MJy/sr", "bunit_err": "MJy/sr"}
    area = exposure.projection.pixel_area().astype(np.float32)
    return {"meta": meta, "area": area, "int_times": integration_times(exposure, meta)} | planes(image)


@dataclass(frozen=True, slots=True)
class LightCurve:
    """Stage 3 of one channel: ``crfints`` of each segment and the light curve ``phot``."""

    parts: tuple[Exposure, ...]
    association: Association

    @property
    def name(self) -> str:
        return self.association.products[0].name

    def run(self, folder: Path) -> None:
        """Write the products into ``folder``, which holds the ``calints`` files."""
        cal = [read_image(folder / part.file("calints")) for part in self.parts]
        curves = []
        for part, (flagged, expected) in zip(self.parts, flag_outliers(cal), strict=True):
            tree = image_series(part, flagged, "crfints", ("detector1", "image2", "tso3"))
            self.association.stamp(tree["meta"])
            write(folder / part.file("crfints"), tree, binning=part.binning)
            curves.append(aperture_photometry(part, flagged, expected))
        table = QTable(meta=table_meta(self.parts[0]) | {"apertures": "circle and ring round the target"})
        for name in curves[0]:
            values = np.concatenate([curve[name] for curve in curves])
            table[name] = values * UNITS[name] if name in UNITS else values
        table.write(folder / f"{self.name}_phot.ecsv", format="ascii.ecsv", overwrite=True)


UNITS = {
    **dict.fromkeys(("aperture_sum", "aperture_sum_err", "annulus_sum", "annulus_sum_err"), units.Jy),
    **dict.fromkeys(("annulus_mean", "annulus_mean_err"), units.MJy / units.sr),
    **dict.fromkeys(("aperture_bkg", "aperture_bkg_err", "net_aperture_sum", "net_aperture_sum_err"), units.Jy),
    **dict.fromkeys(("aperture_x", "aperture_y"), units.pix),
    **dict.fromkeys(("aperture_ra_icrs", "aperture_dec_icrs"), units.deg),
}


def aperture_photometry(exposure: Exposure, image: detectors.Image, expected: Floats) -> dict[str, Floats]:
    """The columns of a light curve, one value an integration.

    Outliers are replaced by what was ``expected``; pixels that never see anything are left out, as the pipeline does.
    """
    target = exposure.observation.target
    x, y = (float(v) for v in exposure.projection.from_sky(target.ra, target.dec))
    pixel = exposure.projection.scale * 3600
    circle, inner, outer = (_disc(exposure.projection.shape, (x, y), radius / pixel) for radius in RADII_ARCSEC)
    ring = outer - inner
    values = np.where(np.isfinite(image.sci), image.sci, expected)
    good = np.isfinite(values)
    values = np.nan_to_num(values)
    variance = np.where(good, np.nan_to_num(image.err) ** 2, 0.0)
    jansky = 1e6 * np.radians(exposure.projection.scale) ** 2
    use, sky = circle * good, ring * good
    area, beside = use.sum(axis=(1, 2)), sky.sum(axis=(1, 2))
    total = (use * values).sum(axis=(1, 2))
    total_err = np.sqrt((use**2 * variance).sum(axis=(1, 2)))
    around = (sky * values).sum(axis=(1, 2))
    around_err = np.sqrt((sky**2 * variance).sum(axis=(1, 2)))
    mean, mean_err = around / beside, around_err / beside
    number = image.sci.shape[0]
    times = integration_times(exposure, exposure_meta(exposure, (), "CubeModel", ""))
    return {
        "MJD": times["int_mid_MJD_UTC"],
        "aperture_sum": total * jansky,
        "aperture_sum_err": total_err * jansky,
        "annulus_sum": around * jansky,
        "annulus_sum_err": around_err * jansky,
        "annulus_mean": mean,
        "annulus_mean_err": mean_err,
        "aperture_bkg": mean * area * jansky,
        "aperture_bkg_err": mean_err * area * jansky,
        "net_aperture_sum": (total - mean * area) * jansky,
        "net_aperture_sum_err": np.hypot(total_err, mean_err * area) * jansky,
        "aperture_x": np.full(number, x),
        "aperture_y": np.full(number, y),
        "aperture_ra_icrs": np.full(number, target.ra),
        "aperture_dec_icrs": np.full(number, target.dec),
    }


def _disc(shape: tuple[int, int], centre: tuple[float, float], radius: float) -> Floats:
    """The share of each pixel inside a circle."""
    fine = (np.arange(max(shape) * SUBPIXELS) + 0.5) / SUBPIXELS - 0.5
    inside = np.hypot(fine[None, : shape[1] * SUBPIXELS] - centre[0], fine[: shape[0] * SUBPIXELS, None] - centre[1])
    blocks = (inside < radius).reshape(shape[0], SUBPIXELS, shape[1], SUBPIXELS)
    return np.asarray(blocks.mean(axis=(1, 3)))
