"""Wide-field slitless spectroscopy: a direct image, its catalogue, and the spectra of everything in the field at once.

The direct image and its stage 3 are those of the imaging mode. Sources are known by their labels in its catalogue, as
the pipeline knows them; products follow the layout with one row a source in one table an order.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np
from astropy.io import fits
from astropy.table import QTable

from deepfield.simulate import detector as detectors
from deepfield.simulate import extraction, imaging
from deepfield.simulate.association import Association, Product, stage_two
from deepfield.simulate.dispersed import MISSED_HITS, extract, known_median, pattern_of, through_of, turned, widened
from deepfield.simulate.disperser import Trace, jansky_scale, profile, trace
from deepfield.simulate.emitter import Emitter
from deepfield.simulate.exposure import Dither, Exposure
from deepfield.simulate.exposure_files import planes, write_rate, write_uncal
from deepfield.simulate.header import combine_meta, exposure_meta
from deepfield.simulate.pointing import Pointing, aperture
from deepfield.simulate.sky import random, scene
from deepfield.simulate.work import Plan
from deepfield.simulate.writing import write

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from deepfield.simulate.header import Tree
    from deepfield.simulate.programme import Observation, Programme
    from deepfield.simulate.work import Task

    Floats = NDArray[np.float64]

BRIGHTEST = 260
"""Sources of a field whose spectra are drawn."""
SAMPLING = 2.2
EXTENDED_ARCSEC = 0.5
DIRECT = {"cat.ecsv": "sourcecat", "segm.fits": "segmap", "i2d.fits": "direct_image"}
"""What stage 2 needs of the direct image, by its role in the association."""
MOST_OF_IT = 0.6
"""The part of a spectrum that has to fall on the detector."""
CUTOUT_HALF = 3
"""Pixels of the file to each side of a trace that a cut-out holds."""


def plan(programme: Programme, seed: int) -> Plan:
    """What has to be done for a programme of slitless spectroscopy."""
    direct = imaging.plan(replace(programme, observations=tuple(map(_direct, programme.observations))), seed)
    exposures = list(direct.exposures)
    associations = list(direct.associations)
    grisms: list[Task] = []
    calibrations: list[Task] = []
    combinations: list[Task] = []
    for counter, observation in enumerate(programme.observations, start=1):
        found = next(one for one in direct.associations if one.exposures[0].observation.number == observation.number)
        image = found.products[0].name
        dithers = tuple(_exposures(programme, observation))
        beside = tuple((f"{image}_{suffix}", role) for suffix, role in DIRECT.items())
        associations += [
            stage_two(dither, "spec2", "Asn_Lv2WFSS", len(grisms) + number, beside=beside)
            for number, dither in enumerate(dithers, start=1)
        ]
        exposures += dithers
        members = tuple((dither.file("cal"), "science") for dither in dithers)
        association = Association("spec3", "Asn_Lv3WFSS", counter, dithers, (Product(_root(dithers[0]), members),))
        associations.append(association)
        grisms += [GrismExposure(dither, seed) for dither in dithers]
        calibrations += [SourceSpectra(dither, image, seed) for dither in dithers]
        combinations.append(CombinedSpectra(dithers, image, seed, association))
    first, *rest = direct.stages
    stages = ((*first, *grisms), *rest, tuple(calibrations), tuple(combinations))
    return Plan(tuple(exposures), tuple(associations), stages)


def _direct(observation: Observation) -> Observation:
    """The observation of the direct image: the plan's ``direct`` over its general facts."""
    facts = {key: observation.plan[key] for key in ("instrument", "template", "subarray", "aperture")}
    return replace(observation, plan=facts | observation.plan["direct"])


def _root(first: Exposure) -> str:
    target = first.observation.target.number
    instrument = first.seen.instrument.lower()
    return f"jw{first.programme.digits}-{first.acid}_t{target:03d}_{instrument}_{first.observation.plan['elements']}"


def _exposures(programme: Programme, observation: Observation) -> Iterator[Exposure]:
    facts, target = observation.plan, observation.target
    reference, seen = aperture(facts["instrument"], facts["aperture"]), aperture(facts["instrument"], facts["seen"])
    columns, rows = facts["binning"]
    start: datetime = observation.start + timedelta(minutes=40)
    for number, (x, y) in enumerate(facts["dithers"], start=1):
        pointing = Pointing.of(reference, (target.ra, target.dec), observation.roll, (-x, -y))
        yield Exposure(
            programme=programme,
            observation=observation,
            visit=1,
            group=2,
            activity=5,
            number=number,
            detector=facts["detector"],
            exposure_type=facts["exposure_type"],
            template=facts["template"],
            instrument=facts["settings"],
            start=start,
            dither=Dither(facts["pattern"], number, len(facts["dithers"]), x, y),
            tile=1,
            count=number,
            planned=len(facts["dithers"]),
            reference=reference,
            seen=seen,
            pointing=pointing,
            projection=pointing.projection(seen, (columns, rows)),
            binning=(columns, rows),
            subarray="FULL",
            specification=2,
        )
        start += timedelta(seconds=observation.readout.duration + 66)


def trace_of(exposure: Exposure, ra: float, dec: float) -> Trace:
    """The first order of a source at a place on the sky."""
    through = through_of(exposure)
    place = [float(v) for v in exposure.projection.from_sky(ra, dec)]
    native = [(v + 0.5) * b - 0.5 for v, b in zip(place, exposure.binning, strict=True)]
    along, across = native if through.axis == 1 else native[::-1]
    binning = exposure.binning[through.axis - 1]
    pixels = np.asarray((np.arange(exposure.projection.shape[2 - through.axis]) + 0.5) * binning - 0.5)
    return trace(through.orders[0], pixels, (along, across))


def _where(exposure: Exposure) -> Tree:
    nodes = through_of(exposure).orders[0].nodes
    return {
        "s_region": exposure.projection.s_region,
        "waverange_start": min(value for _, value in nodes) * 1e-6,
        "waverange_end": max(value for _, value in nodes) * 1e-6,
        "dispersion_direction": through_of(exposure).axis,
        "spectral_order": 1,
    }


def _detector1(exposure: Exposure) -> str:
    return "detector1_miri" if exposure.seen.instrument == "MIRI" else "detector1"


@dataclass(frozen=True, slots=True)
class Shining:
    """A source as the disperser sees it: its place in degrees, its spectrum and its width in arcseconds."""

    ra: float
    dec: float
    emitter: Emitter
    width: float


def shining(exposure: Exposure, seed: int) -> list[Shining]:
    """The sources of the field, the brightest at 2 µm first."""
    name = exposure.observation.target.field
    sky = scene(name, seed)
    lines = exposure.observation.plan["lines"]
    rng = random(seed, name, "lines")
    strength = rng.lognormal(0.0, 0.6, sky.galaxies.ra.size)
    found = []
    for one in np.argsort(-sky.galaxies.flux)[:BRIGHTEST]:
        emitter = Emitter(
            redshift=float(sky.galaxies.redshift[one]),
            flux=float(sky.galaxies.flux[one]),
            pivot=2.0,
            slope=float(sky.galaxies.slope[one]),
            lines={kind: share * float(strength[one]) for kind, share in lines.items()},
            width=260.0,
        )
        found.append(
            Shining(float(sky.galaxies.ra[one]), float(sky.galaxies.dec[one]), emitter, float(sky.galaxies.radius[one]))
        )
    middle = float(np.mean([value for _, value in through_of(exposure).orders[0].nodes]))
    for star in range(sky.stars.ra.size):
        near, far = (float(replace(sky.stars).flux_at(middle * share)[star]) for share in (0.95, 1.05))
        slope = np.log(far / near) / np.log(1.05 / 0.95)
        emitter = Emitter(0.0, (near * far) ** 0.5, middle, float(slope), {}, 100.0)
        found.append(Shining(float(sky.stars.ra[star]), float(sky.stars.dec[star]), emitter, 0.0))
    return found


@dataclass(frozen=True, slots=True)
class GrismExposure:
    """Simulate one dispersed exposure: ``uncal`` and ``rate``."""

    exposure: Exposure
    seed: int

    @property
    def name(self) -> str:
        return self.exposure.root

    def light(self) -> Floats:
        """What falls on the detector, DN/s: every source's spectrum over the sky of all wavelengths."""
        exposure = self.exposure
        through = through_of(exposure)
        total = np.full(turned(np.empty(exposure.projection.shape), through.axis).shape, through.sky)
        across = exposure.binning[2 - through.axis]
        for source in shining(exposure, self.seed):
            one = trace_of(exposure, source.ra, source.dec)
            if not np.isfinite(one.wavelength).any():
                continue
            spread = one.step * SAMPLING * exposure.binning[through.axis - 1] / 2.3548 / 2
            flux = source.emitter.spectrum(one.wavelength, spread) / jansky_scale(exposure, through, one)
            share = profile(widened(through, 1.7 * source.width), one, total.shape[0], across)
            total += share * np.nan_to_num(flux)
        return np.asarray(turned(total, through.axis))

    def run(self, folder: Path) -> None:
        """Write the products of the exposure into ``folder``."""
        exposure = self.exposure
        device, pattern = detectors.detector(exposure.detector), pattern_of(exposure, self.seed)
        rng = random(self.seed, exposure.root)
        averaged = exposure.averaged
        ramp, expected = detectors.expose(
            self.light(), device, pattern, exposure.readout, rng, averaged=averaged, missed=MISSED_HITS
        )
        rate = detectors.fit(ramp, expected, device, pattern, exposure.readout, averaged=averaged)
        write_uncal(folder, exposure, ramp, _where(exposure))
        write_rate(folder, exposure, rate, _where(exposure), _detector1(exposure))


@dataclass(frozen=True, slots=True)
class Catalogued:
    """A source of the direct image's catalogue."""

    label: int
    ra: float
    dec: float
    extended: bool


def catalogued(folder: Path, image: str, exposure: Exposure) -> list[Catalogued]:
    """The brightest sources of the direct image whose spectra fall on the detector."""
    through = through_of(exposure)
    size = exposure.projection.shape[through.axis - 1] * exposure.binning[2 - through.axis]
    table = QTable.read(folder / f"{image}_cat.ecsv", format="ascii.ecsv")
    order = np.argsort(-table["aper_total_flux"].value)
    found = []
    for row in table[order]:
        place = row["sky_centroid"]
        one = Catalogued(int(row["label"]), place.ra.deg, place.dec.deg, bool(row["is_extended"]))
        where = trace_of(exposure, one.ra, one.dec)
        seen = np.isfinite(where.wavelength)
        inside = (where.centre[seen] > 0) & (where.centre[seen] < size)
        if seen.sum() > MOST_OF_IT * _full_length(exposure) and inside.all():
            found.append(one)
        if len(found) == exposure.observation.plan["sources"]:
            break
    return sorted(found, key=lambda one: one.label)


def _full_length(exposure: Exposure) -> float:
    through = through_of(exposure)
    nodes = through.orders[0].nodes
    return (nodes[-1][0] - nodes[0][0]) / exposure.binning[through.axis - 1]


@dataclass(frozen=True, slots=True)
class SourceSpectra:
    """Stage 2 of a dispersed exposure: ``bsub``, the cut-outs ``cal`` and the spectra ``x1d`` of catalogued sources."""

    exposure: Exposure
    image: str
    seed: int

    @property
    def name(self) -> str:
        return f"{self.exposure.root}_cal"

    def run(self, folder: Path) -> None:
        """Write the products into ``folder``, which holds the ``rate`` file and the catalogue."""
        exposure = self.exposure
        pattern = pattern_of(exposure, self.seed)
        rate = _read_rate(folder / exposure.file("rate"))
        clean, mask = subtract_sky(rate)
        meta = self._meta("ImageModel", "bsub", "bkg_subtract")
        meta |= {"bunit_data": "DN/s", "bunit_err": "DN/s"}
        bare = {key: value for key, value in planes(clean).items() if key != "var_flat"}
        write(folder / exposure.file("bsub"), {"meta": meta, "mask": mask} | bare, binning=exposure.binning)
        cal = detectors.calibrate(clean, pattern, detectors.detector(exposure.detector), 1.0)
        sources = catalogued(folder, self.image, exposure)
        tree = {"meta": self._meta("MultiSlitModel", "cal", "wfss2"), "slits": self._slits(cal, sources)}
        write(folder / exposure.file("cal"), tree, binning=exposure.binning)
        meta = self._meta("WFSSMultiSpecModel", "x1d", "wfss2", "spectra")
        tree = {"meta": meta, "spec": [spectra(exposure, cal, sources)]}
        write(folder / exposure.file("x1d"), tree, binning=exposure.binning)

    def _meta(self, model: str, suffix: str, *stages: str) -> Tree:
        exposure = self.exposure
        meta = exposure_meta(exposure, (_detector1(exposure), *stages), model, exposure.file(suffix))
        meta["wcsinfo"] |= _where(exposure)
        meta["direct_image"] = f"{self.image}_i2d.fits"
        meta["source_catalog"] = f"{self.image}_cat.ecsv"
        meta["segmentation_map"] = f"{self.image}_segm.fits"
        return meta

    def _slits(self, cal: detectors.Image, sources: Sequence[Catalogued]) -> list[Tree]:
        slits = []
        for source in sources:
            one = trace_of(self.exposure, source.ra, source.dec)
            (rows, columns), wavelength = cutout(self.exposure, one)
            part = detectors.Image(*(plane[rows, columns] for plane in _layers(cal)))
            slits.append(
                planes(part)
                | {"wavelength": wavelength.astype(np.float32), "name": str(source.label), "source_id": source.label}
                | {"source_type": "EXTENDED" if source.extended else "POINT"}
                | {"source_ra": source.ra, "source_dec": source.dec}
                | {"xstart": columns.start + 1, "xsize": columns.stop - columns.start}
                | {"ystart": rows.start + 1, "ysize": rows.stop - rows.start}
                | {"meta": {"bunit_data": "DN/s", "bunit_err": "DN/s", "wcsinfo": _where(self.exposure)}}
            )
        return slits


def _layers(image: detectors.Image) -> tuple[Any, ...]:
    return image.sci, image.dq, image.var_poisson, image.var_rnoise, image.var_flat


def _read_rate(path: Path) -> detectors.Image:
    with fits.open(path) as hdus:
        sci, poisson, readnoise = (hdus[name].data.astype(np.float64) for name in ("SCI", "VAR_POISSON", "VAR_RNOISE"))
        return detectors.Image(sci, hdus["DQ"].data.astype(np.uint32), poisson, readnoise)


def subtract_sky(rate: detectors.Image) -> tuple[detectors.Image, NDArray[np.uint32]]:
    """Subtract the sky, and the pixels (1) from which it was measured."""
    usable = (rate.dq & detectors.DO_NOT_USE) == 0
    level = float(known_median(np.where(usable, rate.sci, np.nan), (0, 1)))
    scatter = 1.4826 * float(known_median(np.where(usable, np.abs(rate.sci - level), np.nan), (0, 1)))
    mask = usable & (np.abs(rate.sci - level) < 3 * scatter)
    return replace(rate, sci=rate.sci - float(rate.sci[mask].mean())), mask.astype(np.uint32)


def cutout(exposure: Exposure, one: Trace) -> tuple[tuple[slice, slice], Floats]:
    """The part of the frame round a trace, and the wavelength of each of its pixels."""
    through = through_of(exposure)
    across = exposure.binning[2 - through.axis]
    seen = np.flatnonzero(np.isfinite(one.wavelength))
    centre = (one.centre[seen] + 0.5) / across - 0.5
    size = exposure.projection.shape[through.axis - 1]
    low = int(np.clip(np.floor(centre.min()) - CUTOUT_HALF, 0, size - 1))
    high = int(np.clip(np.ceil(centre.max()) + CUTOUT_HALF + 1, low + 1, size))
    along = slice(int(seen[0]), int(seen[-1]) + 1)
    wavelength = turned(np.broadcast_to(one.wavelength[along], (high - low, along.stop - along.start)), through.axis)
    rows_columns = (slice(low, high), along) if through.axis == 1 else (along, slice(low, high))
    return rows_columns, np.asarray(wavelength)


def spectra(exposure: Exposure, cal: detectors.Image, sources: Sequence[Catalogued]) -> Tree:
    """The spectra of an exposure as one table: a row a source, vectors along the dispersion padded with NaN."""
    found = []
    for source in sources:
        one = trace_of(exposure, source.ra, source.dec)
        width = EXTENDED_ARCSEC if source.extended else 0.0
        found.append((extract(exposure, cal, [one], one, width=width, sky_left=False), cutout(exposure, one)[0]))
    length = max((columns["WAVELENGTH"].size for columns, _ in found), default=1)
    values: dict[str, Any] = {"SOURCE_ID": np.array([source.label for source in sources], np.int32)}
    for name in found[0][0] if found else ():
        blank = 1 if name == "DQ" else np.nan
        padded = [np.pad(c[name] * 1.0, (0, length - c[name].size), constant_values=blank) for c, _ in found]
        values[name] = np.stack(padded)
    values["N_ALONGDISP"] = np.array([columns["WAVELENGTH"].size for columns, _ in found])
    values["SOURCE_TYPE"] = np.array(["EXTENDED" if source.extended else "POINT" for source in sources], "S20")
    places = [exposure.projection.from_sky(source.ra, source.dec) for source in sources]
    for axis, name in enumerate(("SOURCE_XPOS", "SOURCE_YPOS")):
        values[name] = np.array([float(place[axis]) for place in places])
    values["SOURCE_RA"] = np.array([source.ra for source in sources])
    values["SOURCE_DEC"] = np.array([source.dec for source in sources])
    for end in ("start", "stop"):
        for letter, place in (("X", 1), ("Y", 0)):
            values[f"EXTRACT2D_{letter}{end.upper()}"] = np.array([getattr(part[place], end) for _, part in found])
    return {
        "spec_table": extraction.table(values),
        "filename": exposure.file("cal"),
        "group_id": exposure.dataset,
        "dispersion_direction": through_of(exposure).axis,
        "spectral_order": 1,
        "exposure_time": exposure.readout.exposure_time,
        "integration_time": exposure.readout.integration_time,
        "s_region": exposure.projection.s_region,
    }


@dataclass(frozen=True, slots=True)
class CombinedSpectra:
    """Stage 3 of an observation: the spectra of all exposures in one ``x1d``, and their means in ``c1d``."""

    exposures: tuple[Exposure, ...]
    image: str
    seed: int
    association: Association

    @property
    def name(self) -> str:
        return self.association.products[0].name

    def run(self, folder: Path) -> None:
        """Write the products into ``folder``, which holds the exposures' ``bsub`` files and the catalogue."""
        tables = [self._spectra(folder, exposure) for exposure in self.exposures]
        binning = self.exposures[0].binning
        tree = {"meta": self._meta("WFSSMultiSpecModel", "x1d"), "spec": tables}
        write(folder / f"{self.name}_x1d.fits", tree, binning=binning)
        first = self.exposures[0]
        combined = {
            "spec_table": combine([one["spec_table"] for one in tables]),
            "dispersion_direction": through_of(first).axis,
            "spectral_order": 1,
        }
        meta = self._meta("WFSSMultiCombinedSpecModel", "c1d")
        meta["cal_step"]["combine_1d"] = "COMPLETE"
        write(folder / f"{self.name}_c1d.fits", {"meta": meta, "spec": [combined]}, binning=binning)

    def _spectra(self, folder: Path, exposure: Exposure) -> Tree:
        pattern = pattern_of(exposure, self.seed)
        clean = _read_rate(folder / exposure.file("bsub"))
        cal = detectors.calibrate(clean, pattern, detectors.detector(exposure.detector), 1.0)
        return spectra(exposure, cal, catalogued(folder, self.image, exposure))

    def _meta(self, model: str, suffix: str) -> Tree:
        first = self.exposures[0]
        meta = exposure_meta(first, (_detector1(first), "wfss2", "spectra"), model, f"{self.name}_{suffix}.fits")
        meta["wcsinfo"] |= _where(first)
        combine_meta(meta, self.exposures)
        meta["source_catalog"] = f"{self.image}_cat.ecsv"
        self.association.stamp(meta)
        return meta


COMBINED = ("WAVELENGTH", "FLUX", "ERROR", "SURF_BRIGHT", "SB_ERROR", "DQ", "WEIGHT", "N_INPUT")
"""Columns of a combined spectrum that are vectors along the dispersion."""


def combine(tables: Sequence[Any]) -> Any:
    """The mean spectrum of each source, on the wavelengths of the first exposure that it is in."""
    labels = sorted({int(label) for table in tables for label in table["SOURCE_ID"]})
    rows = [[table[table["SOURCE_ID"] == one][0] for table in tables if one in table["SOURCE_ID"]] for one in labels]
    length = max(table["WAVELENGTH"].shape[1] for table in tables)
    means = [_mean(some) for some in rows]
    values: dict[str, Any] = {"SOURCE_ID": np.array(labels)}
    for name in COMBINED:
        blank = 1 if name == "DQ" else np.nan
        values[name] = np.stack([np.pad(m[name], (0, length - m[name].size), constant_values=blank) for m in means])
    values["N_ALONGDISP"] = np.array([mean["WAVELENGTH"].size for mean in means])
    for name in ("SOURCE_TYPE", "SOURCE_RA", "SOURCE_DEC"):
        values[name] = np.array([some[0][name] for some in rows])
    return extraction.table(values)


def _mean(rows: Sequence[Any]) -> dict[str, Floats]:
    """The mean of a source's spectra, weighted by inverse variance."""
    grid = rows[0]["WAVELENGTH"][: rows[0]["N_ALONGDISP"]]
    layers: dict[str, list[Floats]] = {name: [] for name in ("FLUX", "FLUX_ERROR", "SURF_BRIGHT", "SB_ERROR")}
    for row in rows:
        number = row["N_ALONGDISP"]
        for name, found in layers.items():
            known = row["WAVELENGTH"][:number]
            found.append(np.interp(grid, known, row[name][:number], left=np.nan, right=np.nan))
    flux, error, bright, bright_error = (np.array(found) for found in layers.values())
    good = np.isfinite(flux) & (error > 0)
    weight = np.where(good, 1 / np.where(good, error, 1.0) ** 2, 0.0)
    total = np.where(weight.sum(axis=0) > 0, weight.sum(axis=0), np.nan)

    def mean(layer: Floats) -> Floats:
        return np.asarray((weight * np.where(good, layer, 0.0)).sum(axis=0) / total)

    return {
        "WAVELENGTH": grid,
        "FLUX": mean(flux),
        "ERROR": 1 / np.sqrt(total),
        "SURF_BRIGHT": mean(bright),
        "SB_ERROR": np.sqrt((weight**2 * np.where(good, bright_error, 0.0) ** 2).sum(axis=0)) / total,
        "DQ": np.where(np.isfinite(total), 0.0, 1.0),
        "WEIGHT": np.nan_to_num(total),
        "N_INPUT": good.sum(axis=0).astype(np.float64),
    }
