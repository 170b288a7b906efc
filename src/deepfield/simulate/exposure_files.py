"""The files every exposure has whatever its mode: raw groups, count rates, and images read back."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import numpy as np
from astropy.io import fits

from deepfield.simulate.detector import Image, Ramp
from deepfield.simulate.header import exposure_meta, isot
from deepfield.simulate.writing import group_table, int_times, write

if TYPE_CHECKING:
    from pathlib import Path

    from deepfield.simulate.exposure import Exposure
    from deepfield.simulate.header import Tree


def write_uncal(folder: Path, exposure: Exposure, ramp: Ramp, where: Tree) -> None:
    """The raw groups of an exposure; ``where`` are its entries of ``meta.wcsinfo``."""
    meta = exposure_meta(exposure, (), "Level1bModel", exposure.file("uncal"))
    meta["wcsinfo"] |= where
    meta["bunit_data"] = "DN"
    readout = exposure.readout
    ends = [
        isot(exposure.start + timedelta(seconds=(i - 1) * readout.cadence + (g + 1) * readout.group_time))
        for i in exposure.integrations
        for g in range(readout.groups)
    ]
    tree = {"meta": meta, "data": ramp.groups}
    tree["group"] = group_table(readout.groups, exposure.integrations, ends, exposure.projection.shape)
    tree["int_times"] = integration_times(exposure, meta)
    write(folder / exposure.file("uncal"), tree, binning=exposure.binning)


def integration_times(exposure: Exposure, meta: Tree) -> Any:
    """The INT_TIMES table of an exposure."""
    readout = exposure.readout
    light = meta["time"]["barycentric_correction"]
    return int_times(meta["exposure"]["start_time"], readout, exposure.integrations, light)


def write_rate(folder: Path, exposure: Exposure, rate: Image, where: Tree, stage: str = "detector1") -> None:
    """The count rates of an exposure; ``where`` are its entries of ``meta.wcsinfo``."""
    meta = exposure_meta(exposure, (stage,), "ImageModel", exposure.file("rate"))
    meta["wcsinfo"] |= where
    meta |= {"bunit_data": "DN/s", "bunit_err": "DN/s"}
    write(folder / exposure.file("rate"), {"meta": meta} | planes(rate), binning=exposure.binning)


def write_rateints(folder: Path, exposure: Exposure, rate: Image, where: Tree, stage: str = "detector1") -> None:
    """The count rates of each integration; ``where`` are the entries of ``meta.wcsinfo``."""
    meta = exposure_meta(exposure, (stage,), "CubeModel", exposure.file("rateints"))
    meta["wcsinfo"] |= where
    meta |= {"bunit_data": "DN/s", "bunit_err": "DN/s"}
    tree = {"meta": meta, "int_times": integration_times(exposure, meta)} | planes(rate)
    write(folder / exposure.file("rateints"), tree, binning=exposure.binning)


def planes(image: Image) -> Tree:
    """The arrays of an image by data-model name, in the types of the files."""
    tree: Tree = {
        "data": image.sci.astype(np.float32),
        "err": image.err.astype(np.float32),
        "dq": image.dq.astype(np.uint32),
        "var_poisson": image.var_poisson.astype(np.float32),
        "var_rnoise": image.var_rnoise.astype(np.float32),
    }
    if image.var_flat is not None:
        tree["var_flat"] = image.var_flat.astype(np.float32)
    return tree


def read_image(path: Path) -> Image:
    """Read a ``cal`` file back."""
    with fits.open(path) as hdus:
        names = ("SCI", "VAR_POISSON", "VAR_RNOISE", "VAR_FLAT")
        sci, poisson, readnoise, flat = (hdus[name].data.astype(np.float64) for name in names)
        return Image(sci, hdus["DQ"].data.astype(np.uint32), poisson, readnoise, flat)
