"""Coronagraphy: a star behind a mask at two rolls, a reference star, and the subtraction of what both share."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import ndimage

from deepfield.simulate import detector as detectors
from deepfield.simulate.association import Association, Product
from deepfield.simulate.dispersed import expose_series, pattern_of
from deepfield.simulate.exposure import Dither, Exposure
from deepfield.simulate.exposure_files import integration_times, read_image, write_rate, write_rateints, write_uncal
from deepfield.simulate.header import celestial, created, exposure_meta, isot
from deepfield.simulate.imaging import header_table, i2d_tree
from deepfield.simulate.light import band_of, flux_scale
from deepfield.simulate.occultation import coronagraph, point_source
from deepfield.simulate.photometry import image_series
from deepfield.simulate.pointing import Pointing, aperture
from deepfield.simulate.programme import read_table
from deepfield.simulate.projection import project
from deepfield.simulate.render import to_brightness
from deepfield.simulate.resample import Calibrated, common_grid, resample
from deepfield.simulate.sky import Stars, jansky, random
from deepfield.simulate.work import Plan
from deepfield.simulate.worldcoords import image_wcs
from deepfield.simulate.writing import write

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from deepfield.simulate.header import Tree
    from deepfield.simulate.programme import Observation, Programme

    Floats = NDArray[np.float64]

ACQUISITION = 0.004
"""How well a star is centred behind the mask, arcseconds rms an axis."""
COMPONENTS = 2
"""Principal components of the references that are subtracted."""


def plan(programme: Programme, seed: int) -> Plan:
    """What has to be done for a programme of coronagraphy."""
    exposures = [exposure for observation in programme.observations for exposure in _exposures(programme, observation)]
    groups: dict[str, list[Exposure]] = defaultdict(list)
    for exposure in exposures:
        groups[exposure.candidate].append(exposure)
    subtractions = tuple(
        Subtraction(tuple(members), seed, counter) for counter, members in enumerate(groups.values(), start=1)
    )
    return Plan(
        exposures=tuple(exposures),
        associations=tuple(subtraction.association for subtraction in subtractions),
        stages=(tuple(OccultedExposure(exposure, seed) for exposure in exposures), subtractions),
    )


def _exposures(programme: Programme, observation: Observation) -> Iterator[Exposure]:
    facts, target = observation.plan, observation.target
    seen = aperture(facts["instrument"], facts["aperture"])
    start = observation.start
    for number, (x, y) in enumerate(facts["dithers"], start=1):
        pointing = Pointing.of(seen, (target.ra, target.dec), observation.roll, (x, y))
        binning = (facts["binning"],) * 2
        yield Exposure(
            programme=programme,
            observation=observation,
            visit=1,
            group=3,
            activity=2,
            number=number,
            detector=facts["detector"],
            exposure_type=facts["exposure_type"],
            template=facts["template"],
            instrument=facts["elements"],
            start=start,
            dither=Dither(facts["pattern"], number, len(facts["dithers"]), x, y),
            tile=1,
            count=number,
            planned=len(facts["dithers"]),
            reference=seen,
            seen=seen,
            pointing=pointing,
            projection=pointing.projection(seen, binning),
            binning=binning,
            subarray=facts["subarray"],
            differs={"exposure": {"psf_reference": is_reference(observation)}},
        )
        start += timedelta(seconds=observation.readout.duration + 64)


def is_reference(observation: Observation) -> bool:
    """Whether an observation is of the reference star."""
    return bool(observation.plan.get("reference", False))


@dataclass(frozen=True, slots=True)
class OccultedExposure:
    """Simulate one exposure: ``uncal``, ``rate``, ``rateints`` and ``calints``."""

    exposure: Exposure
    seed: int

    @property
    def name(self) -> str:
        return self.exposure.root

    def centre(self) -> tuple[float, float]:
        """The pixel (from 0) of the centre of the mask."""
        seen, step = self.exposure.seen, self.exposure.binning[0]
        return (seen.x_ref - 0.5) / step - 0.5, (seen.y_ref - 0.5) / step - 0.5

    def light(self) -> Floats:
        """Surface brightness in MJy/sr on the detector: sky, star, companions and the disc round it."""
        exposure = self.exposure
        facts = read_table("fields.toml")[exposure.observation.target.field]
        band, projection = band_of(exposure), exposure.projection
        star = Stars(*(np.array([value]) for value in (facts["ra"], facts["dec"], 0.0, facts["temperature"])))
        star = replace(star, flux=np.atleast_1d(jansky(facts["magnitude"])))
        flux = float(star.flux_at(sum(band) / 2)[0]) * to_brightness(projection)
        centre = self.centre()
        x, y = (float(value) for value in projection.from_sky(facts["ra"], facts["dec"]))
        error = random(self.seed, exposure.root, "acquisition").normal(0, ACQUISITION, 2)
        pixel = projection.scale * 3600
        offset = ((x - centre[0]) * pixel + error[0], (y - centre[1]) * pixel + error[1])
        image = facts["background"] + flux * self._spread(offset)
        for separation, angle, contrast in facts.get("companions", ()):
            place = self._beside(facts, separation, angle)
            image = image + flux * contrast * self._spread(place)
        if "disc" in facts:
            image = image + self._disc(facts)
        return np.asarray(image)

    def _spread(self, offset: tuple[float, float]) -> Floats:
        """Share of a star's light in every pixel, the star ``offset`` arcseconds from the centre of the mask."""
        exposure = self.exposure
        mask = str(exposure.instrument["coronagraph"])
        psf = point_source(mask, band_of(exposure), (round(offset[0], 4), round(offset[1], 4)))
        rows, columns = exposure.projection.shape
        (x, y), half = self.centre(), max(rows, columns)
        column, row = round(x), round(y)
        stamp = psf.on_pixels(exposure.projection.scale * 3600, (x - column, y - row), half)
        return stamp[half - row : half - row + rows, half - column : half - column + columns]

    def _beside(self, facts: dict[str, Any], separation: float, angle: float) -> tuple[float, float]:
        """Where something ``separation`` arcseconds from the star at a position angle lies, from the mask's centre."""
        turn = np.radians(angle)
        dec = facts["dec"] + separation * np.cos(turn) / 3600
        ra = facts["ra"] + separation * np.sin(turn) / 3600 / np.cos(np.radians(facts["dec"]))
        x, y = (float(value) for value in self.exposure.projection.from_sky(ra, dec))
        centre, pixel = self.centre(), self.exposure.projection.scale * 3600
        return (x - centre[0]) * pixel, (y - centre[1]) * pixel

    def _disc(self, facts: dict[str, Any]) -> Floats:
        """A ring of dust seen from the side, dimmed by the mask; MJy/sr."""
        projection, ring = self.exposure.projection, facts["disc"]
        xi, eta = project(*projection.grid(), (facts["ra"], facts["dec"]))
        turn = np.radians(ring["angle"])
        along = (xi * np.sin(turn) + eta * np.cos(turn)) * 3600
        across = (xi * np.cos(turn) - eta * np.sin(turn)) * 3600 / np.cos(np.radians(ring["inclination"]))
        shape = np.exp(-0.5 * ((np.hypot(along, across) - ring["radius"]) / ring["width"]) ** 2)
        y, x = np.indices(projection.shape).astype(np.float64)
        centre, pixel = self.centre(), projection.scale * 3600
        design = coronagraph(str(self.exposure.instrument["coronagraph"]))
        through = design.transmission((x - centre[0]) * pixel, (y - centre[1]) * pixel) ** 2
        return np.asarray(ring["brightness"] * ndimage.gaussian_filter(shape, 0.6) * through)

    def run(self, folder: Path) -> None:
        """Write the products of the exposure into ``folder``."""
        exposure = self.exposure
        pattern, scale = pattern_of(exposure, self.seed), flux_scale(exposure)
        light = np.repeat((self.light() / scale)[None], exposure.readout.integrations, axis=0)
        ramp, rates, rate = expose_series(exposure, light, pattern, self.seed)
        cal = detectors.calibrate(rates, pattern, detectors.detector(exposure.detector), scale)
        about = celestial(exposure.projection)
        write_uncal(folder, exposure, ramp, about)
        write_rate(folder, exposure, rate, about)
        if exposure.readout.integrations > 1:
            write_rateints(folder, exposure, rates, about)
        tree = image_series(exposure, cal, "calints", ("detector1", "image2"))
        write(folder / exposure.file("calints"), tree, binning=exposure.binning)


@dataclass(frozen=True, slots=True)
class Subtraction:
    """Stage 3 of one candidate: ``crfints``, ``psfstack``, ``psfalign``, ``psfsub`` and ``i2d``."""

    exposures: tuple[Exposure, ...]
    seed: int
    counter: int

    @property
    def science(self) -> tuple[Exposure, ...]:
        return tuple(exposure for exposure in self.exposures if not is_reference(exposure.observation))

    @property
    def references(self) -> tuple[Exposure, ...]:
        return tuple(exposure for exposure in self.exposures if is_reference(exposure.observation))

    @property
    def name(self) -> str:
        first = self.science[0]
        wheels = sorted(str(first.instrument[key]).lower() for key in ("filter", "pupil") if key in first.instrument)
        place = f"{first.candidate}_t{first.observation.target.number:03d}_{first.seen.instrument.lower()}"
        return f"jw{first.programme.digits}-{place}_{'-'.join(wheels)}-{first.subarray.lower()}"

    @property
    def association(self) -> Association:
        members = [(exposure.file("calints"), "science") for exposure in self.science]
        members += [(exposure.file("calints"), "psf") for exposure in self.references]
        product = Product(self.name, tuple(members))
        return Association("coron3", "Asn_Lv3Coron", self.counter, (*self.science, *self.references), (product,))

    def run(self, folder: Path) -> None:
        """Write the products of stage 3 into ``folder``, which holds the ``calints`` files."""
        images = {one.root: read_image(folder / one.file("calints")) for one in self.exposures}
        for exposure in self.exposures:
            tree = image_series(exposure, images[exposure.root], "crfints", ("detector1", "image2", "coron3_stack"))
            self._write(folder, exposure.file("crfints"), tree)
        stack = np.concatenate([_filled(images[exposure.root].sci) for exposure in self.references])
        noise = np.concatenate([np.nan_to_num(images[exposure.root].err) for exposure in self.references])
        first = self.references[0]
        stack_name = f"{self.name}_psfstack.fits"
        self._write(folder, stack_name, _cube(first, stack, noise, stack_name, "coron3_stack"))
        clean = []
        for exposure in self.science:
            target = images[exposure.root]
            aligned = align(stack, np.nanmean(_filled(target.sci), axis=0))
            name = exposure.file("psfalign")
            self._write(folder, name, _cube(exposure, aligned, noise, name, "coron3_aligned"))
            residual = np.stack([subtract(one, aligned) for one in _filled(target.sci)])
            left = replace(target, sci=np.where(np.isfinite(target.sci), residual, np.nan))
            tree = image_series(exposure, left, "psfsub", ("detector1", "image2", "coron3"))
            self._write(folder, exposure.file("psfsub"), tree)
            clean.append(_mean(left, exposure))
        self._combine(folder, clean)

    def _combine(self, folder: Path, clean: Sequence[Calibrated]) -> None:
        first = self.science[0]
        roll = first.pointing.roll_at(first.seen.v2_ref, first.seen.v3_ref) + first.seen.y_angle
        combined = resample(clean, common_grid([one.projection for one in clean], roll))
        name = f"{self.name}_i2d.fits"
        tree = i2d_tree(self.science, combined, name, ("detector1", "image2", "coron3_combined"))
        self.association.stamp(tree["meta"])
        write(folder / name, tree, binning=first.binning, extra=[header_table(self.science, "calints")])

    def _write(self, folder: Path, name: str, tree: Tree) -> None:
        self.association.stamp(tree["meta"])
        tree["meta"]["date"] = isot(created(self.exposures))
        write(folder / name, tree, binning=self.exposures[0].binning)


def _filled(images: Floats) -> Floats:
    """Images with pixels of unknown value replaced by the median round them."""
    filled = np.where(np.isfinite(images), images, 0.0)
    smooth = np.stack([ndimage.median_filter(one, 5) for one in filled])
    return np.where(np.isfinite(images), images, smooth)


def _cube(exposure: Exposure, sci: Floats, err: Floats, name: str, stage: str) -> Tree:
    """The data model of a stack of reference images."""
    meta = exposure_meta(exposure, ("detector1", "image2", stage), "CubeModel", name)
    meta["wcsinfo"] |= celestial(exposure.projection)
    meta["wcs"] = image_wcs(exposure.projection)
    meta |= {"bunit_data": "MJy/sr", "bunit_err": "MJy/sr"}
    return {
        "meta": meta,
        "data": sci.astype(np.float32),
        "err": err.astype(np.float32),
        "dq": np.zeros(sci.shape, np.uint32),
        "int_times": integration_times(exposure, meta),
    }


def align(stack: Floats, target: Floats) -> Floats:
    """The images of a stack moved onto a target, by the shift and brightness that leave the least difference."""
    moved = []
    for one in stack:
        down, right = np.gradient(one)
        terms = np.stack([one.ravel(), right.ravel(), down.ravel(), np.ones(one.size)], axis=1)
        bright, x, y, _ = np.linalg.lstsq(terms, target.ravel(), rcond=None)[0]
        moved.append(ndimage.shift(one, (-y / bright, -x / bright), order=1, mode="nearest"))
    return np.stack(moved)


def subtract(image: Floats, references: Floats) -> Floats:
    """An image less its projection on the principal components of the references (Soummer et al. 2012)."""
    middle = references.reshape(len(references), -1)
    middle = middle - np.percentile(middle, 50, axis=1, keepdims=True)
    basis = np.linalg.svd(middle, full_matrices=False)[2][:COMPONENTS]
    flat = image.ravel() - np.percentile(image, 50)
    return np.asarray((flat - (basis @ flat) @ basis).reshape(image.shape))


def _mean(image: detectors.Image, exposure: Exposure) -> Calibrated:
    assert image.var_flat is not None
    number = len(image.sci)
    parts = (image.var_poisson, image.var_rnoise, image.var_flat)
    poisson, readnoise, flat = (part.sum(axis=0) / number**2 for part in parts)
    dq = np.bitwise_or.reduce(image.dq, axis=0)
    sci = image.sci.mean(axis=0)
    return Calibrated(sci, dq, (poisson, readnoise, flat), exposure.projection, exposure.readout.exposure_time)
