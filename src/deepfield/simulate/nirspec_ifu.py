"""The integral-field unit of NIRSpec: thirty slices along the rows of the detector, their cubes and spectra."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from scipy import ndimage
from typing_extensions import override

from deepfield.missions.jwst.tables import default_tables
from deepfield.model.errors import InvalidValueError
from deepfield.simulate import detector as detectors
from deepfield.simulate.association import Association, Product, stage_two
from deepfield.simulate.cube import Cloud, build, extract
from deepfield.simulate.disc import disc
from deepfield.simulate.dispersed import MISSED_HITS, pattern_of
from deepfield.simulate.exposure import Dither, Exposure
from deepfield.simulate.exposure_files import read_image
from deepfield.simulate.header import combine_meta, exposure_meta
from deepfield.simulate.pointing import Pointing, aperture
from deepfield.simulate.projection import Projection, polygon_text
from deepfield.simulate.sliced import (
    Layout,
    SlicedExposure,
    cube_cards,
    cube_tree,
    flux_scale,
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

SLICES = 30
DARK_SHARE = 0.08
"""The part of the rows between neighbouring slices that no light reaches."""
COLUMNS = (0.15, 0.80)
"""The columns, as shares, on which a medium-resolution spectrum falls."""
SLANT = 0.01
"""How far, as a share of the spectrum, neighbouring slices are moved along the dispersion (zigzag)."""
SPAXEL_ARCSEC = 0.1
APERTURE_ARCSEC = 0.45
OUTLIER_SIGMAS = 5.0
SHARPEST = 8.0
"""How much brighter than its neighbours a pixel can be without a cosmic ray."""
FULL = (2048, 2048)


def plan(programme: Programme, seed: int) -> Plan:
    """What has to be done for a programme of NIRSpec integral-field spectroscopy."""
    exposures: list[Exposure] = []
    associations: list[Association] = []
    products: list[CubeProducts] = []
    for counter, observation in enumerate(programme.observations, start=1):
        dithers = tuple(_exposures(programme, observation))
        associations += [
            stage_two(dither, "spec2", "Asn_Lv2Spec", len(exposures) + number)
            for number, dither in enumerate(dithers, start=1)
        ]
        exposures += dithers
        members = tuple((dither.file("cal"), "science") for dither in dithers)
        association = Association("spec3", "Asn_Lv3NRSIFU", counter, dithers, (Product(_root(dithers[0]), members),))
        associations.append(association)
        products.append(CubeProducts(dithers, association))
    first = tuple(IfuExposure(exposure, seed) for exposure in exposures)
    return Plan(tuple(exposures), tuple(associations), (first, tuple(products)))


def _root(first: Exposure) -> str:
    elements = "-".join(sorted(str(first.instrument[key]).lower() for key in ("filter", "grating")))
    target = first.observation.target.number
    return f"jw{first.programme.digits}-{first.acid}_t{target:03d}_nirspec_{elements}"


def _exposures(programme: Programme, observation: Observation) -> Iterator[Exposure]:
    facts, target = observation.plan, observation.target
    reference = aperture("NIRSPEC", "NRS_FULL_IFU")
    columns, rows = facts["binning"]
    start = observation.start
    for number, (x, y) in enumerate(facts["dithers"], start=1):
        yield Exposure(
            programme=programme,
            observation=observation,
            visit=1,
            group=2,
            activity=1,
            number=number,
            detector="NRS1",
            exposure_type="NRS_IFU",
            template="NIRSpec IFU Spectroscopy",
            instrument=facts["settings"],
            start=start,
            dither=Dither(facts["pattern"], number, len(facts["dithers"]), x, y),
            tile=1,
            count=number,
            planned=len(facts["dithers"]),
            reference=reference,
            seen=replace(reference, corner=(1, 1), size=FULL, full=FULL),
            pointing=Pointing.of(reference, (target.ra, target.dec), observation.roll, (-x, -y)),
            projection=Projection.north_up((FULL[1] // rows, FULL[0] // columns), (target.ra, target.dec), 1e-5),
            binning=(columns, rows),
            subarray="FULL",
        )
        start += timedelta(seconds=observation.readout.duration + 91)


def wavelengths(exposure: Exposure) -> tuple[float, float]:
    """First and last wavelength of the filter and grating, µm."""
    name = f"{exposure.instrument['filter']};{exposure.instrument['grating']}"
    found = default_tables().band("NIRSPEC", name)
    if found is None:
        raise InvalidValueError("grating", name, "a filter and grating of NIRSpec with a known range")
    return found.lower_um, found.upper_um


def layout(exposure: Exposure) -> Layout:
    """Trace every pixel back to the sky: slices one above the other, wavelength along the rows."""
    shape = exposure.projection.shape
    low, high = wavelengths(exposure)
    planes = {name: np.full(shape, np.nan) for name in ("ra", "dec", "wavelength", "step", "area")}
    region = np.zeros(shape, np.int32)
    slices: list[SliceTransform] = []
    sky = exposure.pointing.across(exposure.reference)
    solid = solid_angle(sky) / SLICES
    begin, end = (share * shape[1] for share in COLUMNS)
    step = (high - low) / (end - begin)
    columns = np.arange(shape[1])[:, None]
    edges = np.linspace(0.005, 0.995, SLICES + 1) * shape[0]
    for number in range(SLICES):
        gap = DARK_SHARE / 2 * (edges[1] - edges[0])
        first, last = int(np.ceil(edges[number] + gap)), int(np.floor(edges[number + 1] - gap)) - 1
        rows = np.arange(first, last + 1)[None, :]
        s = (rows - first + 0.5) / (last - first + 1)
        ra, dec = sky(s, np.full_like(s, (number + 0.5) / SLICES))
        shift = SLANT * (end - begin) * (1 if number % 2 else -1)
        wavelength = low + step * (columns + 0.5 - begin - shift) + 0 * s
        lit = (wavelength >= low) & (wavelength <= high)
        stripe = np.s_[first : last + 1, :]
        region[stripe] = np.where(lit, number + 1, 0).T
        for name, values in (("ra", ra + 0 * wavelength), ("dec", dec + 0 * wavelength), ("wavelength", wavelength)):
            planes[name][stripe] = np.where(lit, values, np.nan).T
        planes["step"][stripe] = step
        planes["area"][stripe] = solid / (last - first + 1)
        slices.append(replace(slice_transform(number + 1, first, last, (ra, dec), wavelength), turned=True))
    return Layout(region, slices=tuple(slices), **planes)


@dataclass(frozen=True, slots=True)
class IfuExposure(SlicedExposure):
    """Simulate one exposure: ``uncal``, ``rate``, ``cal``, and its own ``s3d`` and ``x1d``."""

    missed: ClassVar[float] = MISSED_HITS

    @property
    @override
    def stages(self) -> tuple[str, str]:
        return "detector1", "ifu2"

    @override
    def layout(self) -> Layout:
        return layout(self.exposure)

    @override
    def where(self) -> Tree:
        exposure = self.exposure
        low, high = wavelengths(exposure)
        sky = exposure.pointing.across(exposure.reference)
        return {
            "s_region": polygon_text(*sky(np.array([0.0, 1.0, 1.0, 0.0]), np.array([0.0, 0.0, 1.0, 1.0]))),
            "waverange_start": low * 1e-6,
            "waverange_end": high * 1e-6,
            "dispersion_direction": 1,
        }

    @override
    def truth(self, light: Layout) -> Floats:
        source = disc(self.exposure.observation.target.field, self.seed)
        inside = light.region > 0
        image = np.full(light.region.shape, np.nan)
        spread = float(np.nanmax(light.step)) * 1.2 / 2.3548
        image[inside] = source.brightness(light.ra[inside], light.dec[inside], light.wavelength[inside], spread)
        return image

    @override
    def pattern(self, light: Layout) -> detectors.Pixels:
        return pattern_of(self.exposure, self.seed)

    @override
    def run(self, folder: Path) -> None:
        SlicedExposure.run(self, folder)
        exposure = self.exposure
        CubePair((exposure,), exposure.root, ("detector1", "ifu2", "ifu_cube")).write(folder, "cal")


@dataclass(frozen=True, slots=True)
class CubePair:
    """The cube ``s3d`` and the spectrum ``x1d`` of some exposures, under one name."""

    exposures: tuple[Exposure, ...]
    name: str
    stages: tuple[str, ...]
    association: Association | None = None

    def write(self, folder: Path, suffix: str) -> None:
        """Build them from the exposures' files of ``suffix`` in ``folder``."""
        first = self.exposures[0]
        target, (low, high) = first.observation.target, wavelengths(first)
        steps = round((COLUMNS[1] - COLUMNS[0]) * first.projection.shape[1])
        clouds = [_cloud(folder, exposure, suffix) for exposure in self.exposures]
        cube = build(clouds, (target.ra, target.dec), SPAXEL_ARCSEC / 3600, (low, high, steps))
        whole = cube_tree(self._meta("IFUCubeModel", "s3d", cube), cube)
        write(folder / f"{self.name}_s3d.fits", whole, binning=first.binning)
        table = extract(cube, place_of(cube, target), radius_arcsec=APERTURE_ARCSEC)
        spectrum = spectrum_tree(self._meta("MultiSpecModel", "x1d", cube), cube, target, table)
        write(folder / f"{self.name}_x1d.fits", spectrum, binning=first.binning)

    def _meta(self, model: str, suffix: str, cube: Cube) -> Tree:
        meta = exposure_meta(self.exposures[0], self.stages, model, f"{self.name}_{suffix}.fits")
        combine_meta(meta, self.exposures)
        meta["wcsinfo"] |= cube_cards(cube)
        meta["target"]["source_type"] = "EXTENDED"
        if self.association is not None:
            self.association.stamp(meta)
        return meta


def _cloud(folder: Path, exposure: Exposure, suffix: str) -> Cloud:
    image, light = read_image(folder / exposure.file(suffix)), layout(exposure)
    use = (light.region > 0) & ((image.dq & detectors.DO_NOT_USE) == 0)
    return Cloud(light.ra[use], light.dec[use], light.wavelength[use], image.sci[use], image.err[use] ** 2)


def spikes(image: detectors.Image) -> NDArray[np.uint32]:
    """Flags of pixels that stand far above all but two of their neighbours, as lines and knots never do."""
    known = np.nan_to_num(image.sci, nan=0.0)
    ring = np.ones((3, 3), bool)
    ring[1, 1] = False
    high = np.zeros(known.shape, bool)
    for _ in range(2):  # the second time without the other pixels of the same hit
        usual = np.maximum(ndimage.rank_filter(np.where(high, 0.0, known), rank=-3, footprint=ring), 0.0)
        high |= known > SHARPEST * usual + OUTLIER_SIGMAS * np.nan_to_num(image.err, nan=np.inf)
    return np.where(high, detectors.OUTLIER | detectors.DO_NOT_USE, 0).astype(np.uint32)


@dataclass(frozen=True, slots=True)
class CubeProducts:
    """Stage 3 of an observation: ``crf`` of each dither, the cube of all and its spectrum."""

    exposures: tuple[Exposure, ...]
    association: Association

    @property
    def name(self) -> str:
        return self.association.products[0].name

    def run(self, folder: Path) -> None:
        """Write the products into ``folder``, which holds the ``cal`` files."""
        for exposure in self.exposures:
            image, light = read_image(folder / exposure.file("cal")), layout(exposure)
            flagged = replace(image, dq=image.dq | spikes(image))
            tree = IfuExposure(exposure, 0).cal_tree(flagged, light, flux_scale(exposure, light))
            tree["meta"]["filename"] = exposure.file("crf")
            tree["meta"]["cal_step"]["outlier_detection"] = "COMPLETE"
            self.association.stamp(tree["meta"])
            write(folder / exposure.file("crf"), tree, binning=exposure.binning)
        CubePair(self.exposures, self.name, ("detector1", "ifu2", "ifu3"), self.association).write(folder, "crf")
