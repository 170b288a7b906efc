"""Integral-field exposures: slices of the sky side by side on a detector, and what is made of their pixels."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from deepfield.simulate import detector as detectors
from deepfield.simulate.exposure_files import planes, write_rate, write_uncal
from deepfield.simulate.header import exposure_meta
from deepfield.simulate.optics import COLLECTING_AREA
from deepfield.simulate.projection import project
from deepfield.simulate.sky import random
from deepfield.simulate.worldcoords import SliceTransform, cube_wcs, sliced_wcs
from deepfield.simulate.writing import write

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from deepfield.simulate.cube import Cube
    from deepfield.simulate.exposure import Exposure
    from deepfield.simulate.header import Tree
    from deepfield.simulate.programme import Target

    Floats = NDArray[np.float64]

PLANCK = 6.62607015e-34


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


def solid_angle(sky: Any) -> float:
    """The solid angle, sr, of a quadrilateral given by its fractions."""
    ra, dec = sky(np.array([0.0, 1.0, 1.0, 0.0]), np.array([0.0, 0.0, 1.0, 1.0]))
    xi, eta = (np.radians(v) for v in project(ra, dec, (float(ra[0]), float(dec[0]))))
    return float(abs(np.dot(xi, np.roll(eta, -1)) - np.dot(eta, np.roll(xi, -1))) / 2)


def slice_transform(
    label: int, first: int, last: int, sky: tuple[Floats, Floats], wavelength: Floats
) -> SliceTransform:
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


def flux_scale(exposure: Exposure, light: Layout) -> Floats:
    """The surface brightness in MJy/sr that gives one DN/s in each pixel."""
    device = detectors.detector(exposure.detector)
    columns, rows = exposure.binning
    photons = 1e-20 * light.area / columns * COLLECTING_AREA * light.step / rows / light.wavelength / PLANCK
    return np.asarray(device.gain / (photons * device.throughput))


@dataclass(frozen=True, slots=True)
class SlicedExposure(ABC):
    """Simulate one exposure of one detector of an integral-field spectrometer: ``uncal``, ``rate`` and ``cal``."""

    exposure: Exposure
    seed: int

    missed: ClassVar[float] = 0.0
    """Share of the cosmic rays that the jump detection overlooks."""

    @property
    def name(self) -> str:
        return self.exposure.root

    @property
    @abstractmethod
    def stages(self) -> tuple[str, str]:
        """The steps of the first and second stage, by their name in ``pipeline.toml``."""

    @abstractmethod
    def layout(self) -> Layout:
        """Trace every pixel back to the sky through the slicer."""

    @abstractmethod
    def where(self) -> Tree:
        """The ``meta.wcsinfo`` entries of the exposure."""

    @abstractmethod
    def truth(self, light: Layout) -> Floats:
        """The true surface brightness of every pixel, MJy/sr; NaN between the slices."""

    @abstractmethod
    def pattern(self, light: Layout) -> detectors.Pixels:
        """The fixed pattern of the detector."""

    def run(self, folder: Path) -> None:
        """Write the products of the exposure into ``folder``."""
        exposure = self.exposure
        device = detectors.detector(exposure.detector)
        light = self.layout()
        scale = flux_scale(exposure, light)
        pattern = self.pattern(light)
        counts = np.nan_to_num(self.truth(light) / scale)
        rng = random(self.seed, exposure.root)
        ramp, expected = detectors.expose(
            counts, device, pattern, exposure.readout, rng, averaged=exposure.averaged, missed=self.missed
        )
        rate = detectors.fit(ramp, expected, device, pattern, exposure.readout, averaged=exposure.averaged)
        cal = detectors.calibrate(rate, pattern, device, np.nan_to_num(scale))
        cal.dq[light.region == 0] |= detectors.NON_SCIENCE | detectors.DO_NOT_USE
        for plane in (cal.sci, cal.var_poisson, cal.var_rnoise, cal.var_flat):
            if plane is not None:
                plane[light.region == 0] = np.nan
        write_uncal(folder, exposure, ramp, self.where())
        write_rate(folder, exposure, rate, self.where(), self.stages[0])
        write(folder / exposure.file("cal"), self.cal_tree(cal, light, scale), binning=exposure.binning)

    def cal_tree(self, cal: detectors.Image, light: Layout, scale: Floats) -> Tree:
        """The data model of a calibrated exposure."""
        exposure = self.exposure
        meta = exposure_meta(exposure, self.stages, "IFUImageModel", exposure.file("cal"))
        meta["wcsinfo"] |= self.where()
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


def cube_tree(meta: Tree, cube: Cube) -> Tree:
    """The data model of a cube ``s3d``; ``meta`` gains its world coordinates."""
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


def place_of(cube: Cube, target: Target) -> tuple[float, float]:
    """The spaxel (x, y from 0) of a target."""
    x, y = cube.projection.from_sky(target.ra, target.dec)
    return float(x), float(y)


def spectrum_tree(meta: Tree, cube: Cube, target: Target, table: Any) -> Tree:
    """The data model of the spectrum ``x1d`` of a cube, extracted round its target into ``table``."""
    x, y = place_of(cube, target)
    spectrum = {
        "spec_table": table,
        "source_type": "EXTENDED",
        "source_id": 1,
        "source_ra": target.ra,
        "source_dec": target.dec,
        "extraction_x": x,
        "extraction_y": y,
        "s_region": cube.projection.s_region,
    }
    return {"meta": meta, "spec": [spectrum]}


def cube_cards(cube: Cube) -> Tree:
    """The ``meta.wcsinfo`` entries of a cube."""
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
