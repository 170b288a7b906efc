"""The MIRI medium-resolution spectrometer: sliced exposures of two detectors, cubes of twelve bands, spectra."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

from deepfield.missions.jwst.tables import default_tables
from deepfield.model.errors import InvalidValueError
from deepfield.simulate import detector as detectors
from deepfield.simulate.association import Association, Product
from deepfield.simulate.cube import Cloud, Cube, build, extract
from deepfield.simulate.exposure import Dither, Exposure
from deepfield.simulate.exposure_files import planes, read_image, write_rate, write_uncal
from deepfield.simulate.header import created, exposure_meta, isot
from deepfield.simulate.nearby import galaxy
from deepfield.simulate.optics import COLLECTING_AREA
from deepfield.simulate.pointing import Pointing, aperture
from deepfield.simulate.programme import read_table
from deepfield.simulate.projection import Projection, polygon_text, project
from deepfield.simulate.sky import random
from deepfield.simulate.work import Plan
from deepfield.simulate.worldcoords import SliceTransform, cube_wcs, sliced_wcs
from deepfield.simulate.writing import write

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

    from deepfield.simulate.header import Tree
    from deepfield.simulate.programme import Observation, Programme

    Floats = NDArray[np.float64]

PLANCK = 6.62607015e-34
BAND_LETTERS = {"SHORT": "A", "MEDIUM": "B", "LONG": "C"}
NATIVE_SHAPE = (1024, 1032)
RESOLVING_POWER = 2800.0
CURVATURE = 0.012
"""How far, as a share of the rows, a line bends between the middle and the end of a slice."""


@dataclass(frozen=True, slots=True)
class Channel:
    """One channel of the spectrometer on its detector."""

    number: int
    slices: int
    columns: tuple[float, float]
    spaxel: float


@cache
def channels(detector: str) -> tuple[Channel, ...]:
    """The two channels of a detector."""
    table = read_table("mrs.toml")["channel"]
    return tuple(
        Channel(int(number), facts["slices"], tuple(facts["columns"]), facts["spaxel"])
        for number, facts in table.items()
        if facts["detector"] == detector
    )


def band_range(channel: int, band: str) -> tuple[float, float]:
    """First and last wavelength of a channel in a band, micrometres."""
    found = default_tables().band("MIRI", f"CH{channel}-{band}")
    if found is None:
        raise InvalidValueError("band", f"CH{channel}-{band}", "a band of the medium-resolution spectrometer")
    return found.lower_um, found.upper_um


def plan(programme: Programme, seed: int) -> Plan:
    """What has to be done for a programme of medium-resolution spectroscopy."""
    exposures = [exposure for observation in programme.observations for exposure in _exposures(programme, observation)]
    groups: dict[tuple[int, str, str], list[Exposure]] = defaultdict(list)
    for exposure in exposures:
        key = exposure.observation.number, str(exposure.instrument["band"]), exposure.detector
        groups[key].append(exposure)
    cubes = tuple(
        CubeProducts(tuple(members), channel.number, seed, _counter(programme, number))
        for (number, _, name), members in groups.items()
        for channel in channels(name)
    )
    by_observation = {
        observation.number: tuple(e for e in exposures if e.observation.number == observation.number)
        for observation in programme.observations
    }
    associations = tuple(
        _association(members, _counter(programme, number)) for number, members in by_observation.items()
    )
    return Plan(tuple(exposures), associations, (tuple(MrsExposure(exposure, seed) for exposure in exposures), cubes))


def _counter(programme: Programme, number: int) -> int:
    return 1 + [observation.number for observation in programme.observations].index(number)


def _association(exposures: tuple[Exposure, ...], counter: int) -> Association:
    members = tuple((exposure.file("cal"), "science") for exposure in exposures)
    return Association("spec3", "Asn_Lv3MIRMRS", counter, exposures, (Product(_root(exposures[0]), members),))


def _root(first: Exposure) -> str:
    return f"jw{first.programme.digits}-{first.acid}_t{first.observation.target.number:03d}_miri"


def _exposures(programme: Programme, observation: Observation) -> Iterator[Exposure]:
    facts, target = observation.plan, observation.target
    reference = aperture("MIRI", "MIRIFU_CHANNEL1A")
    columns, rows = facts["binning"]
    shape = (NATIVE_SHAPE[0] // rows, NATIVE_SHAPE[1] // columns)
    start, count = observation.start, 0
    for place, band in enumerate(facts["bands"]):
        for number, (x, y) in enumerate(facts["dithers"], start=1):
            count += 1
            pointing = Pointing.of(reference, (target.ra, target.dec), observation.roll, (-x, -y))
            for name, pair in (("MIRIFULONG", "34"), ("MIRIFUSHORT", "12")):
                yield Exposure(
                    programme=programme,
                    observation=observation,
                    visit=1,
                    group=2,
                    activity=1 + 2 * place,
                    number=number,
                    detector=name,
                    exposure_type="MIR_MRS",
                    template="MIRI Medium Resolution Spectroscopy",
                    instrument={"channel": pair, "band": band, "ccc_state": "OPEN", "lamp_state": "OFF"},
                    start=start,
                    dither=Dither(facts["pattern"], number, len(facts["dithers"]), x, y),
                    tile=1,
                    count=count,
                    planned=len(facts["bands"]) * len(facts["dithers"]),
                    reference=reference,
                    seen=aperture("MIRI", f"MIRIFU_CHANNEL{pair[0]}{BAND_LETTERS[band]}"),
                    pointing=pointing,
                    projection=Projection.north_up(shape, (target.ra, target.dec), 1e-5),
                    binning=(columns, rows),
                    subarray="FULL",
                    specification=place + 1,
                    parts=tuple(aperture("MIRI", f"MIRIFU_CHANNEL{n}{BAND_LETTERS[band]}") for n in pair),
                )
            start += timedelta(seconds=observation.readout.duration + 96)


@dataclass(frozen=True, slots=True, eq=False)
class Layout:
    """Where the light of each pixel comes from; ``region`` is 100·channel + slice, 0 between the slices."""

    region: NDArray[np.int32]
    ra: Floats
    dec: Floats
    wavelength: Floats
    step: Floats
    """Width of a pixel in wavelength, µm."""
    area: Floats
    """Solid angle of a pixel, sr."""
    slices: tuple[SliceTransform, ...]


def layout(exposure: Exposure) -> Layout:
    """Trace every pixel of an exposure back to the sky through the slicer."""
    shape = exposure.projection.shape
    planes_ = {name: np.full(shape, np.nan) for name in ("ra", "dec", "wavelength", "step", "area")}
    region = np.zeros(shape, np.int32)
    slices: list[SliceTransform] = []
    y = np.arange(shape[0])[:, None]
    for channel, part in zip(channels(exposure.detector), exposure.parts, strict=True):
        low, high = band_range(channel.number, str(exposure.instrument["band"]))
        sky = exposure.pointing.across(part)
        edges = np.linspace(channel.columns[0], channel.columns[1], channel.slices + 1) * shape[1]
        solid = _solid_angle(sky) / channel.slices
        for number in range(channel.slices):
            first, last = int(np.ceil(edges[number])), int(np.floor(edges[number + 1])) - 1
            x = np.arange(first, last + 1)[None, :]
            s = (x - first + 0.5) / (last - first + 1)
            t = np.full_like(s, (number + 0.5) / channel.slices)
            ra, dec = sky(s, t)
            bend = CURVATURE * shape[0] * (2 * s - 1) ** 2
            wavelength = low + (high - low) * (y + 0.5 - bend) / shape[0]
            stripe = np.s_[:, first : last + 1]
            region[stripe] = 100 * channel.number + number + 1
            planes_["ra"][stripe], planes_["dec"][stripe] = ra, dec
            planes_["wavelength"][stripe] = wavelength
            planes_["step"][stripe] = (high - low) / shape[0]
            planes_["area"][stripe] = solid / (last - first + 1)
            slices.append(_transform(region[0, first], first, last, (ra, dec), wavelength))
    return Layout(region, slices=tuple(slices), **planes_)


def _solid_angle(sky: Any) -> float:
    ra, dec = sky(np.array([0.0, 1.0, 1.0, 0.0]), np.array([0.0, 0.0, 1.0, 1.0]))
    xi, eta = (np.radians(v) for v in project(ra, dec, (float(ra[0]), float(dec[0]))))
    return float(abs(np.dot(xi, np.roll(eta, -1)) - np.dot(eta, np.roll(xi, -1))) / 2)


def _transform(label: int, first: int, last: int, sky: tuple[Floats, Floats], wavelength: Floats) -> SliceTransform:
    """The slice's own transform: straight on the sky, quadratic in wavelength."""
    centre = (float(np.mean(sky[0])), float(np.mean(sky[1])))
    x = np.arange(first, last + 1)
    along = [np.polynomial.polynomial.polyfit(x, axis.ravel(), 1) for axis in project(*sky, centre)]
    rows, columns = np.meshgrid(np.arange(wavelength.shape[0]), x, indexing="ij")
    terms = np.stack([np.ones(rows.size), columns.ravel(), columns.ravel() ** 2, rows.ravel()], axis=1)
    solved = np.linalg.lstsq(terms, wavelength.ravel(), rcond=None)[0]
    return SliceTransform(
        int(label), centre, tuple(map(float, along[0])), tuple(map(float, along[1])), tuple(map(float, solved))
    )


def footprint(exposure: Exposure) -> str:
    """The S_REGION of an exposure: the larger channel of its detector."""
    sky = exposure.pointing.across(exposure.parts[-1])
    return polygon_text(*sky(np.array([0.0, 1.0, 1.0, 0.0]), np.array([0.0, 0.0, 1.0, 1.0])))


def where(exposure: Exposure) -> Tree:
    """The ``meta.wcsinfo`` entries of a dispersed exposure."""
    ranges = [band_range(channel.number, str(exposure.instrument["band"])) for channel in channels(exposure.detector)]
    ra, dec = exposure.pointing.to_sky(np.array(exposure.seen.v2_ref), np.array(exposure.seen.v3_ref))
    return {
        "wcsaxes": 3,
        "ctype1": "RA---TAN",
        "ctype2": "DEC--TAN",
        "ctype3": "WAVE",
        "cunit1": "deg",
        "cunit2": "deg",
        "cunit3": "um",
        "crval1": float(ra),
        "crval2": float(dec),
        "s_region": footprint(exposure),
        "waverange_start": min(low for low, _ in ranges) * 1e-6,
        "waverange_end": max(high for _, high in ranges) * 1e-6,
        "dispersion_direction": 2,
    }


def flux_scale(exposure: Exposure, light: Layout) -> Floats:
    """The surface brightness in MJy/sr that gives one DN/s in each pixel."""
    device = detectors.detector(exposure.detector)
    columns, rows = exposure.binning
    photons = 1e-20 * light.area / columns * COLLECTING_AREA * light.step / rows / light.wavelength / PLANCK
    return np.asarray(device.gain / (photons * device.throughput))


@dataclass(frozen=True, slots=True)
class MrsExposure:
    """Simulate one exposure of one detector: ``uncal``, ``rate`` and ``cal``."""

    exposure: Exposure
    seed: int

    @property
    def name(self) -> str:
        return self.exposure.root

    def truth(self, light: Layout) -> Floats:
        """The true surface brightness of every pixel, MJy/sr; NaN between the slices."""
        source = galaxy(self.exposure.observation.target.field, self.seed)
        inside = light.region > 0
        wavelength = light.wavelength[inside]
        spread = np.hypot(wavelength / RESOLVING_POWER / 2.3548, light.step[inside] / np.sqrt(12))
        image = np.full(light.region.shape, np.nan)
        image[inside] = source.brightness(light.ra[inside], light.dec[inside], wavelength, spread)
        return image

    def run(self, folder: Path) -> None:
        """Write the products of the exposure into ``folder``."""
        exposure = self.exposure
        device = detectors.detector(exposure.detector)
        light = layout(exposure)
        scale = flux_scale(exposure, light)
        pattern = self._pattern(light)
        counts = np.nan_to_num(self.truth(light) / scale)
        rng = random(self.seed, exposure.root)
        ramp, expected = detectors.expose(counts, device, pattern, exposure.readout, rng, averaged=exposure.averaged)
        rate = detectors.fit(ramp, expected, device, pattern, exposure.readout, averaged=exposure.averaged)
        cal = detectors.calibrate(rate, pattern, device, np.nan_to_num(scale))
        cal.dq[light.region == 0] |= detectors.NON_SCIENCE | detectors.DO_NOT_USE
        for plane in (cal.sci, cal.var_poisson, cal.var_rnoise, cal.var_flat):
            if plane is not None:
                plane[light.region == 0] = np.nan
        write_uncal(folder, exposure, ramp, where(exposure))
        write_rate(folder, exposure, rate, where(exposure), "detector1_miri")
        write(folder / exposure.file("cal"), self._cal_tree(cal, light, scale), binning=exposure.binning)

    def _pattern(self, light: Layout) -> detectors.Pixels:
        device = detectors.detector(self.exposure.detector)
        return detectors.pixels(
            device, light.region.shape, self.seed, corner=(1, 5), step=self.exposure.binning, full=(1032, 1048)
        )

    def _cal_tree(self, cal: detectors.Image, light: Layout, scale: Floats) -> Tree:
        exposure = self.exposure
        meta = exposure_meta(exposure, ("detector1_miri", "mrs2"), "IFUImageModel", exposure.file("cal"))
        meta["wcsinfo"] |= where(exposure)
        meta["wcs"] = sliced_wcs(light.region, light.slices)
        typical = float(np.nanmedian(scale))
        area = float(np.nanmedian(light.area))
        meta["photometry"] = {
            "conversion_megajanskys": typical,
            "conversion_microjanskys": typical * 1e12 / 206264.806**2,
            "pixelarea_steradians": area,
            "pixelarea_arcsecsq": area * 206264.806**2,
        }
        meta["target"]["source_type"] = "EXTENDED"
        meta |= {"bunit_data": "MJy/sr", "bunit_err": "MJy/sr"}
        return {"meta": meta} | planes(cal)


@dataclass(frozen=True, slots=True)
class CubeProducts:
    """Stage 3 of one channel in one band: the cube ``s3d`` and the spectrum ``x1d``."""

    exposures: tuple[Exposure, ...]
    channel: int
    seed: int
    counter: int

    @property
    def name(self) -> str:
        band = str(self.exposures[0].instrument["band"]).lower()
        return f"{_root(self.exposures[0])}_ch{self.channel}-{band}"

    def run(self, folder: Path) -> None:
        """Write the cube and the spectrum into ``folder``, which holds the ``cal`` files."""
        clouds = [self._cloud(folder, exposure) for exposure in self.exposures]
        band = str(self.exposures[0].instrument["band"])
        facts = next(c for c in channels(self.exposures[0].detector) if c.number == self.channel)
        low, high = band_range(self.channel, band)
        steps = self.exposures[0].projection.shape[0]
        target = self.exposures[0].observation.target
        cube = build(clouds, (target.ra, target.dec), facts.spaxel / 3600, (low, high, steps))
        binning = self.exposures[0].binning
        write(folder / f"{self.name}_s3d.fits", self._cube_tree(cube), binning=binning)
        write(folder / f"{self.name}_x1d.fits", self._spectrum_tree(cube), binning=binning)

    def _cloud(self, folder: Path, exposure: Exposure) -> Cloud:
        image, light = read_image(folder / exposure.file("cal")), layout(exposure)
        use = (light.region // 100 == self.channel) & ((image.dq & detectors.DO_NOT_USE) == 0)
        return Cloud(light.ra[use], light.dec[use], light.wavelength[use], image.sci[use], image.err[use] ** 2)

    def _meta(self, model: str, suffix: str, stages: tuple[str, ...], cube: Cube) -> Tree:
        first = self.exposures[0]
        meta = exposure_meta(first, stages, model, f"{self.name}_{suffix}.fits")
        meta["date"] = isot(created(self.exposures))
        meta["instrument"]["channel"] = str(self.channel)
        total = sum(exposure.readout.exposure_time for exposure in self.exposures)
        meta["exposure"] |= {"exposure_time": total, "effective_exposure_time": total}
        meta["observation"]["date_end"] = isot(max(exposure.end for exposure in self.exposures))
        meta["wcsinfo"] |= _cube_cards(cube)
        meta["target"]["source_type"] = "EXTENDED"
        _association(self.exposures, self.counter).stamp(meta)
        return meta

    def _cube_tree(self, cube: Cube) -> Tree:
        meta = self._meta("IFUCubeModel", "s3d", ("detector1_miri", "mrs2", "mrs3"), cube)
        del meta["cal_step"]["extract_1d"]
        meta["wcs"] = cube_wcs(cube.projection, cube.first, cube.step, cube.sci.shape[0])
        area = cube.projection.scale**2
        meta["photometry"] = {
            "pixelarea_steradians": float(np.radians(1) ** 2 * area),
            "pixelarea_arcsecsq": area * 3600**2,
        }
        meta["ifu"] = {
            "flux_extension": "SCI",
            "error_extension": "ERR",
            "error_type": "ERR",
            "dq_extension": "DQ",
            "weighting": "drizzle",
        }
        meta |= {"bunit_data": "MJy/sr", "bunit_err": "MJy/sr"}
        return {
            "meta": meta,
            "data": cube.sci.astype(np.float32),
            "err": cube.err.astype(np.float32),
            "dq": cube.dq,
            "weightmap": cube.weight.astype(np.float32),
        }

    def _spectrum_tree(self, cube: Cube) -> Tree:
        meta = self._meta("MRSMultiSpecModel", "x1d", ("detector1_miri", "mrs2", "mrs3"), cube)
        target = self.exposures[0].observation.target
        x, y = (float(v) for v in cube.projection.from_sky(target.ra, target.dec))
        spectrum = {
            "spec_table": extract(cube, (x, y)),
            "source_type": "EXTENDED",
            "source_id": 1,
            "source_ra": target.ra,
            "source_dec": target.dec,
            "extraction_x": x,
            "extraction_y": y,
            "s_region": cube.projection.s_region,
        }
        return {"meta": meta, "spec": [spectrum]}


def _cube_cards(cube: Cube) -> Tree:
    cards: Tree = {name.lower(): value for name, value in cube.projection.cards().items()}
    return cards | {
        "wcsaxes": 3,
        "ctype3": "WAVE",
        "cunit3": "um",
        "crpix3": 1.0,
        "crval3": cube.first,
        "cdelt3": cube.step,
        "pc1_3": 0.0,
        "pc2_3": 0.0,
        "pc3_1": 0.0,
        "pc3_2": 0.0,
        "pc3_3": 1.0,
        "s_region": cube.projection.s_region,
        "waverange_start": (cube.first - cube.step / 2) * 1e-6,
        "waverange_end": (cube.first + (cube.sci.shape[0] - 0.5) * cube.step) * 1e-6,
    }
