"""Wavefront sensing: pairs of stars through a weak lens, their sum, and the maps before and after a correction."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import ndimage
from typing_extensions import override

from deepfield.simulate.association import Association, Product
from deepfield.simulate.dispersed import pattern_of
from deepfield.simulate.exposure import Dither, Exposure
from deepfield.simulate.exposure_files import planes, read_image
from deepfield.simulate.header import celestial, created, exposure_meta, isot, photometry
from deepfield.simulate.imaging import ImagingExposure
from deepfield.simulate.light import band_of, flux_scale
from deepfield.simulate.pointing import Pointing, aperture
from deepfield.simulate.render import to_brightness
from deepfield.simulate.sky import jansky
from deepfield.simulate.wavefront import WavefrontMap, corrected, defocused, mirror
from deepfield.simulate.work import Plan
from deepfield.simulate.worldcoords import image_wcs
from deepfield.simulate.writing import write

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from deepfield.simulate.programme import Observation, Programme
    from deepfield.simulate.work import Task

SKY = 0.2
MAGNITUDE = 8.6
"""AB magnitude at 2 µm of the stars that are used."""
SAMPLES = 8
"""Samples of the star's image across a pixel of the file."""


def plan(programme: Programme, seed: int) -> Plan:
    """What has to be done for a programme of wavefront sensing; each observation is before or after a correction."""
    pairs = [tuple(_exposures(programme, observation)) for observation in programme.observations]
    combined = tuple(Pair(pair, number) for number, pair in enumerate(pairs, start=1))
    maps = tuple(
        WavefrontMap(pair[0], number, seed, bool(pair[0].observation.plan["moved"]))
        for number, pair in enumerate(pairs, start=1)
    )
    exposures = tuple(exposure for pair in pairs for exposure in pair)
    first: tuple[Task, ...] = (*(SensingExposure(exposure, seed) for exposure in exposures), *maps)
    return Plan(exposures, tuple(one.association for one in combined), (first, combined))


def _exposures(programme: Programme, observation: Observation) -> Iterator[Exposure]:
    facts, target = observation.plan, observation.target
    seen = aperture("NIRCAM", facts["aperture"])
    start = observation.start
    for number, (x, y) in enumerate(facts["dithers"], start=1):
        pointing = Pointing.of(seen, (target.ra, target.dec), observation.roll, (-x, -y))
        binning = (facts["binning"],) * 2
        yield Exposure(
            programme=programme,
            observation=observation,
            visit=1,
            group=2,
            activity=facts["activity"],
            number=number,
            detector=facts["detector"],
            exposure_type="NRC_IMAGE",
            template="WFSC NIRCam Fine Phasing",
            instrument={
                "channel": "SHORT",
                "module": "A",
                "filter": facts["filter"],
                "pupil": facts["lens"],
                "pupil_imaging_lens": False,
            },
            start=start,
            dither=Dither("WFSC", number, len(facts["dithers"]), x, y),
            tile=1,
            count=number,
            planned=len(facts["dithers"]),
            reference=seen,
            seen=seen,
            pointing=pointing,
            projection=pointing.projection(seen, binning),
            binning=binning,
            subarray="FULL",
        )
        start += timedelta(seconds=observation.readout.duration + 45)


@dataclass(frozen=True, slots=True)
class SensingExposure(ImagingExposure):
    """Simulate one exposure of a star through a weak lens: ``uncal``, ``rate`` and ``cal``."""

    @override
    def truth(self) -> tuple[Any, Any]:
        """The true surface brightness (MJy/sr) on the detector and its fixed pattern."""
        exposure = self.exposure
        number = exposure.programme.number
        terms = mirror(self.seed, number)
        if exposure.observation.plan["moved"]:
            terms = corrected(terms, self.seed, number)
        projection, band = exposure.projection, band_of(exposure)
        pixel = projection.scale * 3600
        psf = defocused(terms, str(exposure.instrument["pupil"]), band, pixel / SAMPLES / 2)
        target = exposure.observation.target
        x, y = (float(value) for value in projection.from_sky(target.ra, target.dec))
        column, row, half = round(x), round(y), max(projection.shape)
        stamp = psf.on_pixels(pixel, (x - column, y - row), half)
        rows, columns = projection.shape
        star = stamp[half - row : half - row + rows, half - column : half - column + columns]
        flux = float(jansky(MAGNITUDE)) * to_brightness(projection)
        return np.asarray(SKY + flux * star), pattern_of(exposure, self.seed)


@dataclass(frozen=True, slots=True)
class Pair:
    """Shift and add the two exposures of a pair: ``wfscmb``."""

    exposures: tuple[Exposure, ...]
    counter: int

    @property
    def name(self) -> str:
        first = self.exposures[0]
        elements = "-".join(sorted(str(first.instrument[key]).lower() for key in ("filter", "pupil")))
        place = f"{first.acid}_t{first.observation.target.number:03d}_nircam_{elements}-{first.detector.lower()}"
        return f"jw{first.programme.digits}-{place}"

    @property
    def association(self) -> Association:
        members = tuple((exposure.file("cal"), "science") for exposure in self.exposures)
        product = Product(f"{self.name}_wfscmb-{self.exposures[0].activity_id}", members)
        return Association("wfs-image3", "Asn_Lv3WFSCMB", self.counter, self.exposures, (product,))

    def run(self, folder: Path) -> None:
        """Write the sum into ``folder``, which holds the ``cal`` files."""
        first = self.exposures[0]
        one, other = (read_image(folder / exposure.file("cal")) for exposure in self.exposures)
        ra, dec = first.observation.target.ra, first.observation.target.dec
        here, there = (exposure.projection.from_sky(ra, dec) for exposure in self.exposures)
        shift = round(float(here[1] - there[1])), round(float(here[0] - there[0]))
        moved = {
            name: ndimage.shift(getattr(other, name), shift, order=0, cval=np.nan)
            for name in ("sci", "var_poisson", "var_rnoise")
        }
        both = np.isfinite(one.sci) & np.isfinite(moved["sci"])
        sci = np.where(both, (one.sci + moved["sci"]) / 2, np.where(np.isfinite(one.sci), one.sci, moved["sci"]))
        variance = one.var_poisson + one.var_rnoise
        second_variance = moved["var_poisson"] + moved["var_rnoise"]
        total = np.where(
            both, (variance + second_variance) / 4, np.where(np.isfinite(variance), variance, second_variance)
        )
        meta = exposure_meta(first, ("detector1", "image2", "wfs_image3"), "ImageModel", self._file())
        meta["date"] = isot(created(self.exposures))
        meta["wcsinfo"] |= celestial(first.projection)
        meta["wcs"] = image_wcs(first.projection)
        meta["photometry"] = photometry(flux_scale(first), first.projection)
        meta |= {"bunit_data": "MJy/sr", "bunit_err": "MJy/sr"}
        together = sum(exposure.readout.exposure_time for exposure in self.exposures)
        meta["exposure"] |= {"exposure_time": together, "effective_exposure_time": together}
        self.association.stamp(meta)
        kept = {key: value for key, value in planes(one).items() if key == "dq"}
        tree = {"meta": meta, "data": sci.astype(np.float32), "err": np.sqrt(total).astype(np.float32)} | kept
        write(folder / self._file(), tree, binning=first.binning)

    def _file(self) -> str:
        return f"{self.association.products[0].name}.fits"
