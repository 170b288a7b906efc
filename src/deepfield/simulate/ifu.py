"""The MIRI medium-resolution spectrometer: sliced exposures of two detectors, cubes of twelve bands, spectra."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from typing import TYPE_CHECKING

import numpy as np
from typing_extensions import override

from deepfield.missions.jwst.tables import default_tables
from deepfield.model.errors import InvalidValueError
from deepfield.simulate import detector as detectors
from deepfield.simulate.association import Association, Product
from deepfield.simulate.cube import Cloud, build, extract
from deepfield.simulate.exposure import Dither, Exposure
from deepfield.simulate.exposure_files import read_image
from deepfield.simulate.header import combine_meta, exposure_meta
from deepfield.simulate.nearby import galaxy
from deepfield.simulate.pointing import Pointing, aperture
from deepfield.simulate.programme import read_table
from deepfield.simulate.projection import Projection, polygon_text
from deepfield.simulate.sliced import (
    Layout,
    SlicedExposure,
    cube_cards,
    cube_tree,
    place_of,
    slice_transform,
    solid_angle,
    spectrum_tree,
)
from deepfield.simulate.work import Plan
from deepfield.simulate.writing import write

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

    from deepfield.simulate.cube import Cube
    from deepfield.simulate.header import Tree
    from deepfield.simulate.programme import Observation, Programme
    from deepfield.simulate.worldcoords import SliceTransform

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
        solid = solid_angle(sky) / channel.slices
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
            slices.append(slice_transform(region[0, first], first, last, (ra, dec), wavelength))
    return Layout(region, slices=tuple(slices), **planes_)


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


@dataclass(frozen=True, slots=True)
class MrsExposure(SlicedExposure):
    """Simulate one exposure of one detector: ``uncal``, ``rate`` and ``cal``."""

    @property
    @override
    def stages(self) -> tuple[str, str]:
        return "detector1_miri", "mrs2"

    @override
    def layout(self) -> Layout:
        return layout(self.exposure)

    @override
    def where(self) -> Tree:
        return where(self.exposure)

    @override
    def truth(self, light: Layout) -> Floats:
        source = galaxy(self.exposure.observation.target.field, self.seed)
        inside = light.region > 0
        wavelength = light.wavelength[inside]
        spread = np.hypot(wavelength / RESOLVING_POWER / 2.3548, light.step[inside] / np.sqrt(12))
        image = np.full(light.region.shape, np.nan)
        image[inside] = source.brightness(light.ra[inside], light.dec[inside], wavelength, spread)
        return image

    @override
    def pattern(self, light: Layout) -> detectors.Pixels:
        device = detectors.detector(self.exposure.detector)
        return detectors.pixels(
            device, light.region.shape, self.seed, corner=(1, 5), step=self.exposure.binning, full=(1032, 1048)
        )


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
        whole = cube_tree(self._meta("IFUCubeModel", "s3d", cube), cube)
        write(folder / f"{self.name}_s3d.fits", whole, binning=binning)
        table = extract(cube, place_of(cube, target), fringes=True)
        spectrum = spectrum_tree(self._meta("MRSMultiSpecModel", "x1d", cube), cube, target, table)
        write(folder / f"{self.name}_x1d.fits", spectrum, binning=binning)

    def _cloud(self, folder: Path, exposure: Exposure) -> Cloud:
        image, light = read_image(folder / exposure.file("cal")), layout(exposure)
        use = (light.region // 100 == self.channel) & ((image.dq & detectors.DO_NOT_USE) == 0)
        return Cloud(light.ra[use], light.dec[use], light.wavelength[use], image.sci[use], image.err[use] ** 2)

    def _meta(self, model: str, suffix: str, cube: Cube) -> Tree:
        first = self.exposures[0]
        meta = exposure_meta(first, ("detector1_miri", "mrs2", "mrs3"), model, f"{self.name}_{suffix}.fits")
        combine_meta(meta, self.exposures)
        meta["instrument"]["channel"] = str(self.channel)
        meta["wcsinfo"] |= cube_cards(cube)
        meta["target"]["source_type"] = "EXTENDED"
        _association(self.exposures, self.counter).stamp(meta)
        return meta
