"""The imaging mode: exposures from light to ``cal``, and the combination of dithers and mosaic tiles."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import numpy as np
from astropy.io import fits

from deepfield.simulate import detector as detectors
from deepfield.simulate import guiding
from deepfield.simulate.association import Association, Product
from deepfield.simulate.cameras import instrument_of, views
from deepfield.simulate.exposure import Dither, Exposure
from deepfield.simulate.exposure_files import planes, read_image, write_rate, write_uncal
from deepfield.simulate.header import celestial, created, exposure_meta, isot, photometry
from deepfield.simulate.light import band_of, flux_scale, true_scale
from deepfield.simulate.moving import body, comoving, described, followed
from deepfield.simulate.moving import place as position
from deepfield.simulate.pointing import Pointing, aperture
from deepfield.simulate.programme import Readout
from deepfield.simulate.render import draw_stars, psf_for, render
from deepfield.simulate.resample import Calibrated, Combined, apart, common_grid, flag_outliers, resample
from deepfield.simulate.sky import random, scene
from deepfield.simulate.sources import catalogue, detect
from deepfield.simulate.work import Below, Plan
from deepfield.simulate.worldcoords import image_wcs
from deepfield.simulate.writing import write

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from deepfield.simulate.header import Tree
    from deepfield.simulate.pointing import Aperture
    from deepfield.simulate.programme import Observation, Programme

MISSED_HITS = 0.04
"""Share of the cosmic rays that the jump detection overlooks and the outlier detection has to find."""
TRAIL = (0.1, 0.3, 0.5, 0.7, 0.9)
"""Shares of an exposure at which the sky behind a moving target is drawn."""
BESIDE: dict[str, dict[str, Any]] = {"exposure": {"prime_parallel": "PARALLEL_COORDINATED"}}


def plan(programme: Programme, seed: int) -> Plan:
    """What has to be done for a programme of imaging."""
    exposures = [exposure for observation in programme.observations for exposure in _exposures(programme, observation)]
    groups: dict[tuple[object, ...], list[Exposure]] = defaultdict(list)
    for exposure in exposures:
        groups[exposure.observation.number, exposure.seen.instrument, _element_name(exposure)].append(exposure)
    combinations = tuple(
        Combination(tuple(members), seed, counter) for counter, members in enumerate(groups.values(), start=1)
    )
    guided = [observation for observation in programme.observations if observation.plan.get("guided")]
    return Plan(
        exposures=tuple(exposures),
        associations=tuple(combination.association for combination in combinations),
        stages=(
            (
                *(ImagingExposure(exposure, seed) for exposure in exposures),
                *(_earlier(exposure, seed) for exposure in exposures if _made_twice(exposure)),
                *(step for observation in guided for step in guiding.steps(programme, observation, seed)),
            ),
            tuple(Outliers(exposure, one) for one in combinations for exposure in one.exposures),
            combinations,
        ),
    )


def _made_twice(exposure: Exposure) -> bool:
    return bool(exposure.observation.plan.get("earlier")) and exposure.number == 1


def _earlier(exposure: Exposure, seed: int) -> Below:
    """The products of an exposure as the pipeline made them before it was last renewed."""
    return Below("earlier", ImagingExposure(replace(exposure, software="software_before"), seed))


def _exposures(programme: Programme, observation: Observation) -> Iterator[Exposure]:
    """The exposures of an observation, those of the instrument beside it after each of its own."""
    facts = observation.plan
    reference = aperture(instrument_of(facts), facts["aperture"])
    looks = [(observation, reference, 1), *_beside(observation)]
    planned = len(facts["filters"]) * len(facts["dithers"])
    taken = facts.get("taken", planned)
    start = observation.start
    for tile, (tile_x, tile_y) in enumerate(facts["tiles"], start=1):
        steps = [(place, dither) for place in range(len(facts["filters"])) for dither in enumerate(facts["dithers"], 1)]
        for count, (place, (number, (x, y))) in enumerate(steps[:taken], start=1):
            moment = start + timedelta(seconds=observation.readout.duration / 2)
            pointing = Pointing.of(
                reference, position(observation, moment), observation.roll, (-tile_x - x, -tile_y - y)
            )
            for look, named, sequence in looks:
                for view in views(look.plan, look.plan["filters"][place]):
                    yield Exposure(
                        programme=programme,
                        observation=look,
                        visit=tile,
                        group=2,
                        activity=1 + 2 * place,
                        number=number,
                        detector=view.detector,
                        exposure_type=view.exposure_type,
                        template=view.template,
                        instrument=view.instrument,
                        start=start,
                        dither=Dither(facts["pattern"], number, len(facts["dithers"]), x, y),
                        tile=tile,
                        count=count,
                        planned=planned,
                        reference=named,
                        seen=view.seen,
                        pointing=pointing,
                        projection=pointing.projection(view.seen, view.binning),
                        binning=view.binning,
                        subarray=look.plan["subarray"],
                        specification=place + 1,
                        sequence=sequence,
                        differs=described(observation, moment) | (BESIDE if sequence > 1 else {}),
                    )
            start += timedelta(seconds=observation.readout.duration + 61)
        start += timedelta(minutes=11)


def _beside(observation: Observation) -> Iterator[tuple[Observation, Aperture, int]]:
    """What other instruments see at the same time, each with its reference aperture and the number of its sequence."""
    for sequence, facts in enumerate(observation.plan.get("parallel", ()), start=2):
        look = replace(observation, plan=facts, readout=Readout(**facts["readout"]))
        yield look, aperture(instrument_of(facts), facts["aperture"]), sequence


def _element_name(exposure: Exposure) -> str:
    wheels = [wheel for wheel in ("filter", "pupil") if wheel in exposure.instrument]
    return "-".join(sorted(str(exposure.instrument[wheel]).lower() for wheel in wheels)) or "clear"


@dataclass(frozen=True, slots=True)
class ImagingExposure:
    """Simulate one exposure of one detector: ``uncal``, ``rate``, ``cal`` and, if asked for, its own ``i2d``."""

    exposure: Exposure
    seed: int

    @property
    def name(self) -> str:
        return self.exposure.root

    def truth(self) -> tuple[Any, Any]:
        """The true surface brightness (MJy/sr) on the detector and its fixed pattern."""
        exposure = self.exposure
        sky = scene(exposure.observation.target.field, self.seed)
        band, star = band_of(exposure), body(exposure)
        if star is None:
            light = render(sky, exposure.projection, band)
        else:
            light = np.mean([render(sky, followed(exposure, share), band) for share in TRAIL], axis=0)
            psf = psf_for(band, round(exposure.projection.scale * 3600, 4))
            light = light + draw_stars(star, exposure.projection, sum(band) / 2, psf)
        pattern = detectors.pixels(
            detectors.detector(exposure.detector),
            exposure.projection.shape,
            self.seed,
            corner=exposure.seen.corner,
            step=exposure.binning,
            full=exposure.seen.full,
        )
        return light, pattern

    def run(self, folder: Path) -> None:
        """Write the products of the exposure into ``folder``."""
        exposure = self.exposure
        device = detectors.detector(exposure.detector)
        light, pattern = self.truth()
        scale = flux_scale(exposure)
        counts = light / true_scale(exposure)
        rng = random(self.seed, exposure.root)
        ramp, expected = detectors.expose(
            counts,
            device,
            pattern,
            exposure.readout,
            rng,
            averaged=exposure.averaged,
            missed=MISSED_HITS,
        )
        rate = detectors.fit(ramp, expected, device, pattern, exposure.readout, averaged=exposure.averaged)
        cal = detectors.calibrate(rate, pattern, device, scale)
        write_uncal(folder, exposure, ramp, celestial(exposure.projection))
        write_rate(folder, exposure, rate, celestial(exposure.projection))
        write(folder / exposure.file("cal"), cal_tree(exposure, cal, "cal"), binning=exposure.binning)
        if exposure.observation.plan.get("exposure_i2d"):
            calibrated = _calibrated(cal, exposure)
            combined = resample([calibrated], common_grid([exposure.projection], _roll(exposure)))
            tree = i2d_tree([exposure], combined, exposure.file("i2d"), ("detector1", "image2", "resample"))
            write(folder / exposure.file("i2d"), tree, binning=exposure.binning)


def cal_tree(exposure: Exposure, image: detectors.Image, suffix: str) -> Tree:
    """The data model of a ``cal`` or ``crf`` image."""
    stages = ("detector1", "image2", "image3") if suffix == "crf" else ("detector1", "image2")
    meta = exposure_meta(exposure, stages, "ImageModel", exposure.file(suffix))
    meta["wcsinfo"] |= celestial(exposure.projection)
    meta["wcs"] = image_wcs(exposure.projection)
    meta["photometry"] = photometry(flux_scale(exposure), exposure.projection)
    meta |= {"bunit_data": "MJy/sr", "bunit_err": "MJy/sr"}
    area = exposure.projection.pixel_area().astype(np.float32)
    return {"meta": meta, "area": area} | planes(image)


def _roll(exposure: Exposure) -> float:
    return exposure.pointing.roll_at(exposure.seen.v2_ref, exposure.seen.v3_ref) + exposure.seen.y_angle


def _calibrated(image: detectors.Image, exposure: Exposure) -> Calibrated:
    assert image.var_flat is not None
    variances = (image.var_poisson, image.var_rnoise, image.var_flat)
    return Calibrated(image.sci, image.dq, variances, comoving(exposure), exposure.readout.exposure_time)


def i2d_tree(exposures: Sequence[Exposure], combined: Combined, filename: str, stages: Sequence[str]) -> Tree:
    """The data model of a resampled image of one or more exposures."""
    first = exposures[0]
    meta = exposure_meta(first, stages, "ImageModel", filename)
    meta["date"] = isot(created(exposures))
    meta["wcsinfo"] |= celestial(combined.projection)
    meta["wcs"] = image_wcs(combined.projection)
    meta["photometry"] = photometry(flux_scale(first), combined.projection)
    meta |= {"bunit_data": "MJy/sr", "bunit_err": "MJy/sr"}
    groups = {exposure.dataset: exposure.readout.exposure_time for exposure in exposures}
    meta["resample"] = {"pointings": len(groups), "weight_type": "ivm", "pixfrac": 1.0, "pixel_scale_ratio": 1.0}
    total = sum(groups.values())
    meta["exposure"] |= {"exposure_time": total, "effective_exposure_time": total}
    last = max(exposures, key=lambda exposure: exposure.end)
    end = exposure_meta(last, (), "ImageModel", filename)
    meta["observation"]["date_end"] = end["observation"]["date_end"]
    for key in ("end_time", "end_time_mjd", "end_time_tdb"):
        meta["exposure"][key] = end["exposure"][key]
    for kind in ("instrument", "dither", "subarray"):
        _drop_what_differs(meta, exposures, kind)
    names = ("var_poisson", "var_rnoise", "var_flat")
    tree: Tree = {name: plane.astype(np.float32) for name, plane in zip(names, combined.variances, strict=True)}
    tree |= {
        "meta": meta,
        "data": combined.sci.astype(np.float32),
        "err": np.sqrt(np.sum(combined.variances, axis=0)).astype(np.float32),
        "con": combined.context,
        "wht": combined.weight.astype(np.float32),
    }
    return tree


def _drop_what_differs(meta: Tree, exposures: Sequence[Exposure], kind: str) -> None:
    """A blended header: what is not the same in all inputs is MULTIPLE (names) or gone (numbers)."""
    if kind == "instrument" and len({exposure.detector for exposure in exposures}) > 1:
        meta["instrument"]["detector"] = "MULTIPLE"
    if kind == "dither" and len({(exposure.dither.x, exposure.dither.y) for exposure in exposures}) > 1:
        for key in ("position_number", "x_offset", "y_offset"):
            del meta["dither"][key]
    if kind == "subarray" and len({exposure.seen.corner for exposure in exposures}) > 1:
        for key in ("xstart", "ystart"):
            del meta["subarray"][key]


def header_table(exposures: Sequence[Exposure], suffix: str = "cal") -> fits.BinTableHDU:
    """HDRTAB: one row for each input of a suffix, with the keyword values in which they may differ."""
    columns: dict[str, list[Any]] = {
        "FILENAME": [exposure.file(suffix) for exposure in exposures],
        "DETECTOR": [exposure.detector for exposure in exposures],
        "FILTER": [str(exposure.instrument.get("filter", "")) for exposure in exposures],
        "PUPIL": [str(exposure.instrument.get("pupil", "")) for exposure in exposures],
        "VISIT_ID": [exposure.visit_id for exposure in exposures],
        "EXPOSURE": [str(exposure.number) for exposure in exposures],
        "PATT_NUM": [exposure.dither.number for exposure in exposures],
        "XOFFSET": [exposure.dither.x for exposure in exposures],
        "YOFFSET": [exposure.dither.y for exposure in exposures],
        "DATE-BEG": [isot(exposure.start) for exposure in exposures],
        "DATE-END": [isot(exposure.end) for exposure in exposures],
        "EFFEXPTM": [exposure.readout.exposure_time for exposure in exposures],
        "S_REGION": [exposure.projection.s_region for exposure in exposures],
    }
    arrays = {name: np.array(values) for name, values in columns.items()}
    rows = np.zeros(len(exposures), dtype=[(name, array.dtype) for name, array in arrays.items()])
    for name, array in arrays.items():
        rows[name] = array
    table = fits.BinTableHDU(rows)
    table.name = "HDRTAB"
    return table


@dataclass(frozen=True, slots=True)
class Outliers:
    """Compare one exposure with those that overlap it: ``crf``, the ``cal`` image with outliers flagged."""

    exposure: Exposure
    combination: Combination

    @property
    def name(self) -> str:
        return f"{self.exposure.root}_{self.exposure.acid}"

    def run(self, folder: Path) -> None:
        """Write the ``crf`` file into ``folder``, which holds the ``cal`` files."""
        image = read_image(folder / self.exposure.file("cal"))
        others = [
            _calibrated(read_image(folder / other.file("cal")), other)
            for other in self.combination.exposures
            if other is not self.exposure and other.root != self.exposure.root
            if not apart(comoving(other), comoving(self.exposure))
        ]
        dq = flag_outliers(_calibrated(image, self.exposure), others)
        flagged = detectors.Image(image.sci, dq, image.var_poisson, image.var_rnoise, image.var_flat)
        tree = cal_tree(self.exposure, flagged, "crf")
        self.combination.association.stamp(tree["meta"])
        tree["meta"]["date"] = isot(created(self.combination.exposures))
        write(folder / self.exposure.file("crf"), tree, binning=self.exposure.binning)


@dataclass(frozen=True, slots=True)
class Combination:
    """Stage 3 of one filter of one observation: ``i2d``, ``segm`` and ``cat``."""

    exposures: tuple[Exposure, ...]
    seed: int
    counter: int

    @property
    def name(self) -> str:
        first = self.exposures[0]
        subarray = "" if first.subarray == "FULL" else f"-{first.subarray.lower()}"
        target = first.observation.target.number
        elements = f"{_element_name(first)}{subarray}"
        return f"jw{first.programme.digits}-{first.acid}_t{target:03d}_{first.seen.instrument.lower()}_{elements}"

    @property
    def association(self) -> Association:
        rule = "Asn_Lv3Image"
        members = tuple((exposure.file("cal"), "science") for exposure in self.exposures)
        return Association("image3", rule, self.counter, self.exposures, (Product(self.name, members),))

    def run(self, folder: Path) -> None:
        """Write the combined products into ``folder``, which holds the ``crf`` files."""
        inputs = [_calibrated(read_image(folder / one.file("crf")), one) for one in self.exposures]
        grid = common_grid([comoving(exposure) for exposure in self.exposures], _roll(self.exposures[0]))
        self._write_combined(folder, resample(inputs, grid))

    def _write_combined(self, folder: Path, combined: Combined) -> None:
        stages = ("detector1", "image2", "image3_combined")
        tree = i2d_tree(self.exposures, combined, f"{self.name}_i2d.fits", stages)
        self.association.stamp(tree["meta"])
        tree["meta"] |= {"source_catalog": f"{self.name}_cat.ecsv", "segmentation_map": f"{self.name}_segm.fits"}
        binning = self.exposures[0].binning
        write(folder / f"{self.name}_i2d.fits", tree, binning=binning, extra=[header_table(self.exposures)])
        labels, background = detect(combined)
        keep = ("wcs", "wcsinfo", "photometry", "resample")
        meta = {key: value for key, value in tree["meta"].items() if not key.startswith("bunit")}
        meta |= {key: tree["meta"][key] for key in keep}
        meta |= {"model_type": "SegmentationMapModel", "filename": f"{self.name}_segm.fits"}
        write(folder / f"{self.name}_segm.fits", {"meta": meta, "data": labels}, binning=binning)
        table = catalogue(combined, labels, background)
        table.write(folder / f"{self.name}_cat.ecsv", format="ascii.ecsv", overwrite=True)
