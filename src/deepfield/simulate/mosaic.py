"""One large combined image, rendered and written strip by strip so that it never has to fit into memory."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import asdf
import numpy as np
from astropy.io import fits

from deepfield.simulate.detector import detector
from deepfield.simulate.imaging import header_table, i2d_tree
from deepfield.simulate.light import band_of, flux_scale
from deepfield.simulate.projection import Projection
from deepfield.simulate.render import render
from deepfield.simulate.resample import Combined
from deepfield.simulate.sky import random, scene
from deepfield.simulate.writing import asdf_table, to_hdus

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from typing import BinaryIO

    from numpy.typing import NDArray

    from deepfield.simulate.exposure import Exposure

STRIP = 256
HALO = 12
"""Rows rendered beyond a strip so that blurring leaves no seam."""
SEEN = 0.84
"""Share of the field's width that the mosaic covers."""
DEPTH = 1800.0
"""Exposure time in seconds at every place of the mosaic."""
BLOCK = 2880
STANDIN = (3, 5)
"""Shape of the arrays that stand for the large ones while headers are made."""


@dataclass(frozen=True, slots=True)
class Mosaic:
    """Write an ``i2d`` of ``size`` × ``size`` pixels of the field that ``exposures`` look at."""

    exposures: tuple[Exposure, ...]
    size: int
    seed: int

    @property
    def name(self) -> str:
        first = self.exposures[0]
        target = first.observation.target.number
        return f"jw{first.programme.digits}-c1001_t{target:03d}_nircam_clear-f444w"

    def run(self, folder: Path) -> None:
        """Write the image into ``folder``."""
        first = self.exposures[0]
        sky = scene(first.observation.target.field, self.seed)
        scale = 2 * sky.radius * SEEN / self.size
        grid = Projection.north_up((self.size, self.size), sky.centre, scale, first.observation.roll)
        hdus = self._hdus(grid)
        with (folder / f"{self.name}_i2d.fits").open("wb") as file:
            places = _write_headers(file, hdus, self.size)
            for begin, planes in self._strips(grid):
                for name, plane in planes.items():
                    file.seek(places[name] + begin * self.size * 4)
                    file.write(plane.tobytes())

    def _hdus(self, grid: Projection) -> fits.HDUList:
        empty = np.zeros(STANDIN)
        standin = Combined(grid, empty, empty, np.zeros((1, *STANDIN), np.int32), (empty, empty, empty))
        stages = ("detector1", "image2", "image3_combined")
        tree = i2d_tree(self.exposures, standin, f"{self.name}_i2d.fits", stages)
        with asdf.config_context() as config:
            config.array_inline_threshold = 1000
            return to_hdus(tree, extra=[header_table(self.exposures)])

    def _strips(self, grid: Projection) -> Iterator[tuple[int, dict[str, NDArray[Any]]]]:
        first = self.exposures[0]
        sky, band = scene(first.observation.target.field, self.seed), band_of(first)
        device, counts = detector(first.detector), flux_scale(first)
        readnoise = 2 * (device.read_noise / device.gain * counts) ** 2 / DEPTH**2 * len(self.exposures)
        for begin in range(0, self.size, STRIP):
            rows = min(STRIP, self.size - begin)
            part = Projection(
                (rows + 2 * HALO, self.size), (grid.crpix[0], grid.crpix[1] - begin + HALO), grid.crval, grid.cd
            )
            light = render(sky, part, band)[HALO:-HALO]
            poisson = light * counts / (device.gain * DEPTH)
            flat = (0.002 * light) ** 2
            err = np.sqrt(poisson + readnoise + flat)
            noisy = light + random(self.seed, self.name, begin).normal(0, 1, light.shape) * err
            single = np.full(light.shape, readnoise)
            planes = {"SCI": noisy, "ERR": err, "WHT": 1 / single}
            planes |= {"VAR_POISSON": poisson, "VAR_RNOISE": single, "VAR_FLAT": flat}
            strip: dict[str, NDArray[Any]] = {name: plane.astype(">f4") for name, plane in planes.items()}
            strip["CON"] = np.full(light.shape, (1 << min(len(self.exposures), 31)) - 1, ">i4")
            yield begin, strip


def _write_headers(file: BinaryIO, hdus: fits.HDUList, size: int) -> dict[str, int]:
    """Write every header, and the tables; return where the data of each image begin."""
    places: dict[str, int] = {}
    hdus.verify("silentfix")
    for hdu in hdus:
        if isinstance(hdu, fits.BinTableHDU):
            file.write(_table_bytes(hdu, size))
            continue
        header = hdu.header.copy()
        if hdu.name != "PRIMARY":
            header["NAXIS1"] = header["NAXIS2"] = size
        file.write(header.tostring().encode("ascii"))
        if hdu.name != "PRIMARY":
            places[hdu.name] = file.tell()
            file.seek(-(-size * size * 4 // BLOCK) * BLOCK, io.SEEK_CUR)
    return places


def _table_bytes(table: fits.BinTableHDU, size: int) -> bytes:
    if table.name == "ASDF":
        small = ", ".join(map(str, STANDIN)).encode()
        text = table.data.tobytes().replace(b"[" + small + b"]", f"[{size}, {size}]".encode())
        text = text.replace(b"[1, " + small + b"]", f"[1, {size}, {size}]".encode())
        table = asdf_table(text)
    buffer = io.BytesIO()
    fits.HDUList([fits.PrimaryHDU(), table]).writeto(buffer)
    return buffer.getvalue()[BLOCK:]
