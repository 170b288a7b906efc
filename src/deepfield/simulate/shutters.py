"""The MSA metadata file: which shutters are open, and which sources shine through them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from astropy.io import fits

from deepfield.simulate.distant import QUADRANT_COLUMNS, QUADRANT_ROWS, SLITLET, Source, sources
from deepfield.simulate.header import created, isot
from deepfield.simulate.writing import confess

if TYPE_CHECKING:
    from pathlib import Path

    from deepfield.simulate.exposure import Exposure
    from deepfield.simulate.programme import Observation, Programme


def metafile_name(programme: Programme, observation: Observation) -> str:
    """The name of an observation's MSA metadata file."""
    return f"jw{programme.digits}{observation.number:03d}001_01_msa.fits"


def shutter_id(source: Source) -> int:
    """The running number of a source's central shutter in its quadrant."""
    return (source.row - 1) * QUADRANT_COLUMNS + source.column


@dataclass(frozen=True, slots=True)
class MsaTable:
    """Write the MSA metadata file of an observation: SHUTTER_IMAGE, SHUTTER_INFO and SOURCE_INFO."""

    exposure: Exposure
    seed: int

    @property
    def name(self) -> str:
        return metafile_name(self.exposure.programme, self.exposure.observation)

    def run(self, folder: Path) -> None:
        """Write the file into ``folder``."""
        found = sources(self.exposure, self.seed)
        hdus = fits.HDUList([self._primary(), self._image(found), self._shutters(found), self._sources(found)])
        hdus.writeto(folder / self.name, overwrite=True)

    def _primary(self) -> fits.PrimaryHDU:
        exposure = self.exposure
        primary = fits.PrimaryHDU()
        header = primary.header
        header["ORIGIN"] = ("STSCI", "institution responsible for creating FITS file")
        header["TELESCOP"] = ("JWST", "telescope used to acquire data")
        header["INSTRUME"] = ("NIRSPEC", "identifier for instrument used to acquire data")
        header["DATE"] = isot(created([exposure]))[:19]
        header["FILENAME"] = (self.name, "name of file")
        header["PPSDBVER"] = ("PPSDB131", "version of PPS database used")
        header["PROGRAM"] = (exposure.programme.digits, "program number")
        header["VISIT"] = ("001", "visit number")
        header["OBSERVTN"] = (f"{exposure.observation.number:03d}", "observation number")
        header["VISIT_ID"] = (exposure.visit_id, "visit identifier")
        header["MSACFG10"] = (exposure.observation.plan["configuration"], "base 10 MSA configuration number")
        header["MSACFG36"] = (f"{exposure.observation.plan['configuration']:02d}", "base 36 version of MSACFG10")
        confess(header, (1, 1))
        return primary

    def _image(self, found: tuple[Source, ...]) -> fits.ImageHDU:
        image = np.zeros((2 * QUADRANT_COLUMNS, 2 * QUADRANT_ROWS), np.int16)
        for source in found:
            right, up = (source.quadrant - 1) % 2, (source.quadrant - 1) // 2
            row = up * QUADRANT_ROWS + source.row - 1
            image[right * QUADRANT_COLUMNS + source.column - 1, row - 1 : row - 1 + SLITLET] = source.number
        return fits.ImageHDU(image, name="SHUTTER_IMAGE")

    def _shutters(self, found: tuple[Source, ...]) -> fits.BinTableHDU:
        layout = [
            ("slitlet_id", "i2"), ("msa_metadata_id", "i2"), ("shutter_quadrant", "i2"), ("shutter_row", "i2"),
            ("shutter_column", "i2"), ("source_id", "i4"), ("background", "S1"), ("shutter_state", "S6"),
            ("estimated_source_in_shutter_x", "f4"), ("estimated_source_in_shutter_y", "f4"),
            ("dither_point_index", "i2"), ("primary_source", "S1"),
        ]  # fmt: skip
        rows: list[tuple[Any, ...]] = []
        for source in found:
            for shutter in range(-1, SLITLET - 1):
                for dither, nod in enumerate(self.exposure.observation.plan["nods"], start=1):
                    here = shutter == nod
                    place = (0.5 + source.offset[0], 0.5 + source.offset[1]) if here else (np.nan, np.nan)
                    rows.append(
                        (source.number, 1, source.quadrant, source.row + shutter, source.column, source.number,
                         b"N" if here else b"Y", b"OPEN", *place, dither, b"Y" if here else b"N")
                    )  # fmt: skip
        return fits.BinTableHDU(np.array(rows, dtype=layout), name="SHUTTER_INFO")

    def _sources(self, found: tuple[Source, ...]) -> fits.BinTableHDU:
        layout = [
            ("program", "i4"), ("source_id", "i4"), ("source_name", "S20"), ("alias", "S31"), ("ra", "f8"),
            ("dec", "f8"), ("preimage_id", "S30"), ("stellarity", "f8"),
        ]  # fmt: skip
        number = self.exposure.programme.number
        rows = [
            (number, s.number, f"{number}_{s.number}".encode(), f"{s.number}".encode(), s.ra, s.dec, b"None", 0.0)
            for s in found
        ]
        return fits.BinTableHDU(np.array(rows, dtype=layout), name="SOURCE_INFO")
