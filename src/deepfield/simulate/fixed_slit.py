"""Spectra through the fixed slits of NIRSpec and MIRI: nods along the slit, rectified, stacked and extracted.

Nods are whole pixels of the file apart, so that rectifying and stacking move pixels without mixing them.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import numpy as np

from deepfield.simulate import detector as detectors
from deepfield.simulate import extraction
from deepfield.simulate.association import Association, Product, stage_two
from deepfield.simulate.dispersed import (
    MISSED_HITS,
    calibrated,
    extract,
    pattern_of,
    pixel_area,
    through_of,
    turned,
    unit_scale,
    where,
)
from deepfield.simulate.disperser import jansky_scale, profile, trace, traces
from deepfield.simulate.emitter import Emitter
from deepfield.simulate.exposure import Dither, Exposure
from deepfield.simulate.exposure_files import planes, read_image, write_rate, write_uncal
from deepfield.simulate.header import combine_meta, exposure_meta
from deepfield.simulate.pointing import Pointing, aperture
from deepfield.simulate.programme import read_table
from deepfield.simulate.projection import Projection, project
from deepfield.simulate.sky import random
from deepfield.simulate.work import Plan
from deepfield.simulate.worldcoords import slit_wcs
from deepfield.simulate.writing import write

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from deepfield.simulate.disperser import Trace
    from deepfield.simulate.header import Tree
    from deepfield.simulate.programme import Observation, Programme
    from deepfield.simulate.work import Task

    Floats = NDArray[np.float64]

SAMPLING = 2.2
"""Detector pixels to a resolution element."""
OUTLIER_SIGMAS = 6.0


def plan(programme: Programme, seed: int) -> Plan:
    """What has to be done for a programme of fixed-slit spectroscopy."""
    exposures: list[Exposure] = []
    associations: list[Association] = []
    first: list[Task] = []
    second: list[Task] = []
    for counter, observation in enumerate(programme.observations, start=1):
        nods = tuple(_exposures(programme, observation))
        for nod in nods:
            others = tuple((other.file("rate"), "background") for other in nods if other is not nod)
            exposures.append(nod)
            associations.append(stage_two(nod, "spec2", "Asn_Lv2SpecNod", len(exposures), beside=others))
        members = tuple((nod.file("cal"), "science") for nod in nods)
        association = Association(
            "spec3", str(observation.plan["rule"]), counter, nods, (Product(_root(nods[0]), members),)
        )
        associations.append(association)
        first.append(SlitNods(nods, seed))
        second.append(SlitProducts(nods, association))
    return Plan(tuple(exposures), tuple(associations), (tuple(first), tuple(second)))


def _root(first: Exposure) -> str:
    facts, target = first.observation.plan, first.observation.target.number
    source = f"-s{facts['source']:09d}" if "source" in facts else ""
    instrument = first.seen.instrument.lower()
    return f"jw{first.programme.digits}-{first.acid}_t{target:03d}{source}_{instrument}_{facts['elements']}"


def _exposures(programme: Programme, observation: Observation) -> Iterator[Exposure]:
    facts, target = observation.plan, observation.target
    reference = aperture(facts["instrument"], facts["aperture"])
    seen = replace(reference, corner=tuple(facts["corner"]), size=tuple(facts["size"]))
    columns, rows = facts["binning"]
    start = observation.start
    for number, nod in enumerate(facts["nods"], start=1):
        x, y = (0.0, nod) if facts["instrument"] == "NIRSPEC" else (nod, 0.0)
        yield Exposure(
            programme=programme,
            observation=observation,
            visit=1,
            group=3,
            activity=1,
            number=number,
            detector=facts["detector"],
            exposure_type=facts["exposure_type"],
            template=facts["template"],
            instrument=facts["settings"],
            start=start,
            dither=Dither(facts["pattern"], number, len(facts["nods"]), x, y),
            tile=1,
            count=number,
            planned=len(facts["nods"]),
            reference=reference,
            seen=seen,
            pointing=Pointing.of(reference, (target.ra, target.dec), observation.roll, (-x, -y)),
            projection=Projection.north_up(
                (facts["size"][1] // rows, facts["size"][0] // columns), (target.ra, target.dec), 1e-5
            ),
            binning=(columns, rows),
            subarray=facts["subarray"],
        )
        start += timedelta(seconds=observation.readout.duration + 74)


def emitter(name: str) -> Emitter:
    """The source of a field with lines."""
    return Emitter(**read_table("emitters.toml")[name])


def nod_pixels(exposure: Exposure) -> float:
    """By how many detector pixels the source is moved along the slit."""
    return float(exposure.observation.plan["nods"][exposure.number - 1]) / through_of(exposure).pixel


def nodded(exposure: Exposure) -> Trace:
    """The trace of the source at the exposure's nod."""
    through = through_of(exposure)
    along = exposure.projection.shape[2 - through.axis]
    binning = exposure.binning[through.axis - 1]
    places = np.asarray((np.arange(along) + 0.5) * binning - 0.5)
    return trace(through.orders[0], places, (0.0, nod_pixels(exposure)))


def inside(exposure: Exposure) -> NDArray[np.bool_]:
    """The pixels of the file that see through the slit, wavelength along the last axis."""
    through = through_of(exposure)
    middle = traces(through, exposure)[0]
    across = exposure.binning[2 - through.axis]
    rows = turned(np.empty(exposure.projection.shape), through.axis).shape[0]
    places = ((np.arange(rows) + 0.5) * across - 0.5)[:, None]
    half = float(exposure.observation.plan["slit"][1]) / 2 / through.pixel
    return np.asarray(np.abs(places - middle.centre[None, :]) <= half)


def slit_light(exposure: Exposure) -> Floats:
    """What falls on the detector, DN/s: source and sky within the slit."""
    through = through_of(exposure)
    one = nodded(exposure)
    within = inside(exposure)
    jansky = jansky_scale(exposure, through, one)
    spread = one.step * SAMPLING / 2.3548
    source = emitter(exposure.observation.target.field)
    flux = np.nan_to_num(source.spectrum(one.wavelength, spread) / jansky)
    across = exposure.binning[2 - through.axis]
    solid = float(exposure.observation.plan["slit"][0]) * through.pixel * across / 206264.806**2
    sky = through.sky * solid * 1e6 / jansky
    light = profile(through, one, within.shape[0], across) * flux
    return np.asarray(turned(np.where(within, light + np.nan_to_num(sky), 0.0), through.axis))


@dataclass(frozen=True, slots=True)
class SlitNods:
    """Simulate the nods of an observation: ``uncal``, ``rate``, ``cal``, ``s2d`` and ``x1d`` of each."""

    exposures: tuple[Exposure, ...]
    seed: int

    @property
    def name(self) -> str:
        return f"{self.exposures[0].root} and its nods"

    def run(self, folder: Path) -> None:
        """Write the products of the nods into ``folder``."""
        images = [self._exposed(folder, exposure) for exposure in self.exposures]
        for place, exposure in enumerate(self.exposures):
            others = [image for other, image in enumerate(images) if other != place]
            cal = subtract(images[place], others)
            write_cal(folder, exposure, cal, "cal")
            rectified, one = rectify(exposure, cal)
            write_rectified(folder / exposure.file("s2d"), [exposure], rectified, one)
            write_spectrum(folder / exposure.file("x1d"), [exposure], rectified, one)

    def _exposed(self, folder: Path, exposure: Exposure) -> detectors.Image:
        device, pattern = detectors.detector(exposure.detector), pattern_of(exposure, self.seed)
        rng = random(self.seed, exposure.root)
        averaged = exposure.averaged
        ramp, expected = detectors.expose(
            slit_light(exposure), device, pattern, exposure.readout, rng, averaged=averaged, missed=MISSED_HITS
        )
        rate = detectors.fit(ramp, expected, device, pattern, exposure.readout, averaged=averaged)
        about = where(exposure, traces(through_of(exposure), exposure))
        write_uncal(folder, exposure, ramp, about)
        write_rate(folder, exposure, rate, about, _detector1(exposure))
        scale = unit_scale(exposure, traces(through_of(exposure), exposure))
        scale = np.where(turned(inside(exposure), through_of(exposure).axis), scale, np.nan)
        return calibrated(exposure, rate, pattern, scale)


def _detector1(exposure: Exposure) -> str:
    return "detector1_miri" if exposure.seen.instrument == "MIRI" else "detector1"


def subtract(image: detectors.Image, others: Sequence[detectors.Image]) -> detectors.Image:
    """Subtract the mean of the other nods, as stage 2 does with nodded exposures."""
    mean = np.mean([other.sci for other in others], axis=0)
    blank = ~np.isfinite(image.sci - mean)
    dq = image.dq.copy()
    dq[blank] |= detectors.DO_NOT_USE

    def total(name: str) -> Floats:
        added = getattr(image, name) + np.sum([getattr(other, name) for other in others], axis=0) / len(others) ** 2
        return np.where(blank, np.nan, added)

    variances = total("var_poisson"), total("var_rnoise"), total("var_flat")
    return detectors.Image(np.where(blank, np.nan, image.sci - mean), dq, *variances)


def rectify(exposure: Exposure, image: detectors.Image) -> tuple[detectors.Image, Trace]:
    """Move the pixels of each wavelength so that the source lies in the middle row; and its trace there."""
    through = through_of(exposure)
    across = exposure.binning[2 - through.axis]
    one = nodded(exposure)
    half = round(float(exposure.observation.plan["slit"][1]) / through.pixel / across)
    centre = np.nan_to_num((one.centre + 0.5) / across - 0.5)
    rows = np.rint(centre).astype(int)[None, :] + np.arange(-half, half + 1)[:, None]
    columns = np.broadcast_to(np.arange(centre.size), rows.shape)
    known = np.isfinite(one.centre)
    seen = (rows >= 0) & (rows < turned(image.sci, through.axis).shape[0]) & known
    at = np.clip(rows, 0, turned(image.sci, through.axis).shape[0] - 1), columns

    def moved(plane: Any, blank: float) -> Any:
        return turned(np.where(seen, turned(plane, through.axis)[at], blank), through.axis)

    names = ("sci", "var_poisson", "var_rnoise", "var_flat")
    sci, poisson, readnoise, flat = (moved(getattr(image, name), np.nan) for name in names)
    dq = moved(image.dq, detectors.DO_NOT_USE | detectors.NON_SCIENCE).astype(np.uint32)
    offset = centre - np.rint(centre)
    straight = replace(one, centre=np.where(known, (half + offset + 0.5) * across - 0.5, np.nan))
    return detectors.Image(sci, dq, poisson, readnoise, flat), straight


def write_cal(
    folder: Path, exposure: Exposure, image: detectors.Image, suffix: str, stamp: Association | None = None
) -> None:
    """Write a calibrated exposure, ``cal`` or ``crf``: the whole frame for MIRI, the slit's part of it for NIRSpec."""
    facts, through = exposure.observation.plan, through_of(exposure)
    stages = (_detector1(exposure), str(facts["steps"]), *(("slit3",) if stamp else ()))
    meta = _meta([exposure], str(facts["model"]), exposure.file(suffix), stages)
    if stamp is not None:
        stamp.stamp(meta)
    if facts["model"] == "ImageModel":
        meta |= {"bunit_data": facts["unit"], "bunit_err": facts["unit"]}
        write(folder / exposure.file(suffix), {"meta": meta} | planes(image), binning=exposure.binning)
        return
    one = traces(through, exposure)[0]
    wavelength = np.broadcast_to(one.wavelength, image.sci.shape).astype(np.float32)
    slit = planes(image) | {"wavelength": wavelength} | _slit_facts(exposure)
    slit |= {"xstart": 1, "ystart": 1, "xsize": image.sci.shape[1], "ysize": image.sci.shape[0]}
    slit["meta"] = _slit_meta(exposure)
    write(folder / exposure.file(suffix), {"meta": meta, "slits": [slit]}, binning=exposure.binning)


def _slit_facts(exposure: Exposure) -> Tree:
    target = exposure.observation.target
    return {
        "name": str(exposure.instrument.get("fixed_slit", "LRS")),
        "source_id": int(exposure.observation.plan.get("source", 1)),
        "source_name": target.name,
        "source_type": "POINT",
        "source_ra": target.ra,
        "source_dec": target.dec,
    }


def _slit_meta(exposure: Exposure) -> Tree:
    unit, area = exposure.observation.plan["unit"], pixel_area(exposure)
    return {
        "wcsinfo": where(exposure, traces(through_of(exposure), exposure)) | {"spectral_order": 1},
        "bunit_data": unit,
        "bunit_err": unit,
        "photometry": {"pixelarea_steradians": area, "pixelarea_arcsecsq": area * 206264.806**2},
    }


def _meta(exposures: Sequence[Exposure], model: str, filename: str, stages: tuple[str, ...]) -> Tree:
    first = exposures[0]
    meta = exposure_meta(first, stages, model, filename)
    meta["wcsinfo"] |= where(first, traces(through_of(first), first))
    meta["target"]["source_type"] = meta["target"]["source_type_apt"] = "POINT"
    if len(exposures) > 1:
        combine_meta(meta, exposures)
        meta["resample"] = {"pointings": len(exposures), "weight_type": "ivm", "pixfrac": 1.0}
    return meta


def _stages(exposures: Sequence[Exposure], last: str) -> tuple[str, ...]:
    first = exposures[0]
    combined = ("slit3",) if len(exposures) > 1 else ()
    return (_detector1(first), str(first.observation.plan["steps"]), *combined, last)


def write_rectified(
    path: Path, exposures: Sequence[Exposure], image: detectors.Image, one: Trace, stamp: Association | None = None
) -> None:
    """Write a rectified spectrum ``s2d`` of one nod, or of all of them stacked."""
    first = exposures[0]
    through = through_of(first)
    meta = _meta(exposures, "SlitModel", path.name, _stages(exposures, "rectified"))
    meta |= _slit_meta(first) | {"wcsinfo": meta["wcsinfo"] | {"spectral_order": 1}}
    meta["wcs"] = _wcs(first, one, image.sci.shape)
    if stamp is not None:
        stamp.stamp(meta)
    shape = turned(image.sci, through.axis).shape
    tree = planes(image) | _slit_facts(first)
    del tree["dq"]
    tree |= {
        "meta": meta,
        "con": np.full((1, *image.sci.shape), 2 ** len(exposures) - 1, np.int32),
        "wht": np.where(np.isfinite(image.sci), 1.0, 0.0).astype(np.float32),
        "wavelength": turned(np.broadcast_to(one.wavelength, shape), through.axis).astype(np.float32),
    }
    write(path, tree, binning=first.binning)


def _wcs(exposure: Exposure, one: Trace, shape: tuple[int, ...]) -> Any:
    """Sky linear along the slit, wavelength from a table."""
    through = through_of(exposure)
    target = exposure.observation.target
    sky = exposure.pointing.across(exposure.reference)
    ra, dec = sky(np.array([0.5, 0.5]), np.array([0.0, 1.0]))
    if exposure.observation.plan["along"] == "s":
        ra, dec = sky(np.array([0.0, 1.0]), np.array([0.5, 0.5]))
    centre = (target.ra, target.dec)
    ends = np.stack(project(ra, dec, centre))
    direction = (ends[:, 1] - ends[:, 0]) / np.hypot(*(ends[:, 1] - ends[:, 0]))
    pixel = through.pixel * exposure.binning[2 - through.axis] / 3600
    middle = (shape[2 - through.axis - 1] if through.axis == 1 else shape[1]) // 2
    lines = tuple((float(-middle * pixel * d), float(pixel * d)) for d in direction)
    known = np.interp(
        np.arange(one.wavelength.size),
        np.flatnonzero(np.isfinite(one.wavelength)),
        one.wavelength[np.isfinite(one.wavelength)],
    )
    return slit_wcs(centre, (lines[0], lines[1]), known, shape, axis=through.axis)


def write_spectrum(
    path: Path, exposures: Sequence[Exposure], image: detectors.Image, one: Trace, stamp: Association | None = None
) -> None:
    """Write the extracted spectrum ``x1d`` of a rectified image."""
    first = exposures[0]
    meta = _meta(exposures, "MultiSpecModel", path.name, _stages(exposures, "extracted"))
    if stamp is not None:
        stamp.stamp(meta)
    columns = extract(first, image, [one], one, sky_left=False)
    spec = _slit_facts(first) | {
        "spec_table": extraction.table(columns),
        "s_region": meta["wcsinfo"]["s_region"],
        "dispersion_direction": through_of(first).axis,
        "spectral_order": 1,
        "detector": first.detector,
    }
    write(path, {"meta": meta, "spec": [spec]}, binning=first.binning)


@dataclass(frozen=True, slots=True)
class SlitProducts:
    """Stage 3 of an observation: ``crf`` of each nod, the stacked ``s2d`` and its ``x1d``."""

    exposures: tuple[Exposure, ...]
    association: Association

    @property
    def name(self) -> str:
        return _root(self.exposures[0])

    def run(self, folder: Path) -> None:
        """Write the products into ``folder``, which holds the ``cal`` files."""
        cal = [read_image(folder / exposure.file("cal")) for exposure in self.exposures]
        moved = [rectify(exposure, image) for exposure, image in zip(self.exposures, cal, strict=True)]
        hits = outliers([image for image, _ in moved])
        for exposure, image, hit in zip(self.exposures, cal, hits, strict=True):
            flags = np.where(put_back(exposure, hit, image.sci.shape), detectors.OUTLIER | detectors.DO_NOT_USE, 0)
            flagged = replace(image, dq=image.dq | flags.astype(np.uint32))
            write_cal(folder, exposure, flagged, "crf", self.association)
        one = moved[0][1]
        stacked = stack(
            [replace(image, sci=np.where(hit, np.nan, image.sci)) for (image, _), hit in zip(moved, hits, strict=True)]
        )
        write_rectified(folder / f"{self.name}_s2d.fits", self.exposures, stacked, one, self.association)
        write_spectrum(folder / f"{self.name}_x1d.fits", self.exposures, stacked, one, self.association)


def outliers(images: Sequence[detectors.Image]) -> list[NDArray[np.bool_]]:
    """Where one of the rectified nods stands out from the lowest of the others."""
    found = []
    for place, image in enumerate(images):
        others = np.stack([other.sci for number, other in enumerate(images) if number != place])
        known = np.where(np.isfinite(others), others, np.inf)
        lowest = known.min(axis=0)
        floor = np.where(np.isfinite(lowest), lowest, 0.0)
        limit = OUTLIER_SIGMAS * np.nan_to_num(image.err, nan=np.inf) * np.sqrt(2) + 0.3 * np.abs(floor)
        found.append((np.nan_to_num(image.sci) - floor > limit) & np.isfinite(lowest))
    return found


def put_back(exposure: Exposure, flags: NDArray[np.bool_], shape: tuple[int, ...]) -> NDArray[np.bool_]:
    """Flags of a rectified image on the pixels of the exposure it was made of."""
    through = through_of(exposure)
    across = exposure.binning[2 - through.axis]
    turned_flags = turned(flags, through.axis)
    half = turned_flags.shape[0] // 2
    back = np.zeros(turned(np.empty(shape), through.axis).shape, bool)
    row, column = np.nonzero(turned_flags)
    centre = np.rint(np.nan_to_num((nodded(exposure).centre + 0.5) / across - 0.5)).astype(int)
    back[np.clip(row - half + centre[column], 0, back.shape[0] - 1), column] = True
    return np.asarray(turned(back, through.axis))


def stack(images: Sequence[detectors.Image]) -> detectors.Image:
    """The mean of rectified nods, leaving out what is blank."""
    good = np.stack([np.isfinite(image.sci) for image in images])
    number = good.sum(axis=0)
    safe = np.maximum(number, 1)

    def mean(name: str, power: int) -> Floats:
        layers = np.stack([np.nan_to_num(getattr(image, name)) for image in images])
        return np.where(number > 0, np.where(good, layers, 0).sum(axis=0) / safe**power, np.nan)

    dq = np.where(number > 0, 0, detectors.DO_NOT_USE).astype(np.uint32)
    return detectors.Image(mean("sci", 1), dq, mean("var_poisson", 2), mean("var_rnoise", 2), mean("var_flat", 2))
