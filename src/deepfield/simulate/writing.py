"""Products on disk: data models written so that the same simulation gives the same bytes."""

from __future__ import annotations

import warnings
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
from astropy.io import fits
from stdatamodels import fits_support
from stdatamodels.jwst import datamodels

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from deepfield.simulate.header import Tree
    from deepfield.simulate.programme import Readout

SPECTRUM_UNITS = {
    "WAVELENGTH": "um",
    **dict.fromkeys(("FLUX", "FLUX_ERROR", "ERROR"), "Jy"),
    **dict.fromkeys(("FLUX_VAR_POISSON", "FLUX_VAR_RNOISE", "FLUX_VAR_FLAT"), "Jy2"),
    **dict.fromkeys(("SURF_BRIGHT", "SB_ERROR", "BACKGROUND", "BKGD_ERROR"), "MJy sr-1"),
    **dict.fromkeys(("SB_VAR_POISSON", "SB_VAR_RNOISE", "SB_VAR_FLAT"), "MJy2 sr-2"),
    **dict.fromkeys(("BKGD_VAR_POISSON", "BKGD_VAR_RNOISE", "BKGD_VAR_FLAT"), "MJy2 sr-2"),
    **dict.fromkeys(("MJD-BEG", "MJD-AVG", "MJD-END", "TDB-BEG", "TDB-MID", "TDB-END"), "d"),
}
"""The units of extracted spectra: the pipeline sets them, the schemas leave them open."""

EXTENSIONS = b"\n  extensions:\n"
SIMULATED = "These data are simulated; no telescope has seen them."


def write(
    path: Path,
    tree: Tree,
    *,
    binning: tuple[int, int] = (1, 1),
    extra: Iterable[fits.BinTableHDU] = (),
    schema: str = "",
) -> None:
    """Write a data model, given as its tree, as FITS with an ASDF extension.

    The model's class is ``meta.model_type``, its layout that of ``schema`` (a class, by default the same), the date
    that of ``meta.date``. ``extra`` tables go before the ASDF extension. The primary header says that the file is
    simulated (SIMULATD) and how many detector pixels were averaged into one of its pixels (SIMBIN).
    """
    save(path, to_hdus(tree, binning=binning, extra=extra, schema=schema))


def save(path: Path, hdus: fits.HDUList) -> None:
    """Write HDUs that ``to_hdus`` made, in place of what was there."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Card is too long")
        hdus.writeto(path, overwrite=True, output_verify="ignore")


def to_hdus(
    tree: Tree, *, binning: tuple[int, int] = (1, 1), extra: Iterable[fits.BinTableHDU] = (), schema: str = ""
) -> fits.HDUList:
    """The HDUs that ``write`` puts into a file."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Card is too long")
        hdus = fits_support.to_fits(tree, _schema(schema or tree["meta"]["model_type"]))
        for table in hdus:
            if table.name in {"EXTRACT1D", "COMBINE1D"}:
                _give_units(table)
        for table in extra:
            hdus.insert(len(hdus) - 1, table)
        confess(hdus[0].header, binning)
        hdus[-1] = _settled(hdus[-1])
    return hdus


def _give_units(table: fits.BinTableHDU) -> None:
    for name in table.columns.names:
        if name in SPECTRUM_UNITS:
            table.columns.change_unit(name, SPECTRUM_UNITS[name])


def _settled(table: fits.BinTableHDU) -> fits.BinTableHDU:
    """The ASDF extension with its list of extensions in alphabetical order: asdf writes it as a set happens to be."""
    text = table.data.tobytes()
    head, found, rest = text.partition(EXTENSIONS)
    if not found:
        return table
    lines = rest.splitlines(keepends=True)
    size = next(number for number, line in enumerate(lines) if not line.startswith((b"  - ", b"    ")))
    entries: list[bytes] = []
    for line in lines[:size]:
        if line.startswith(b"  - "):
            entries.append(line)
        else:
            entries[-1] += line
    text = head + found + b"".join(sorted(entries)) + b"".join(lines[size:])
    return asdf_table(text)


def asdf_table(text: bytes) -> fits.BinTableHDU:
    """The FITS extension that holds an ASDF file."""
    data = np.frombuffer(text, np.uint8)[None]
    column = fits.Column(array=data, format=f"{data.size}B", name="ASDF_METADATA")
    return fits.BinTableHDU.from_columns([column], name="ASDF")


@lru_cache(maxsize=16)
def _schema(model: str) -> Tree:
    """The schema of a data model; going through the model itself would write today's date, and take longer."""
    schema: Tree = getattr(datamodels, model)().schema
    return schema


def confess(header: fits.Header, binning: tuple[int, int]) -> None:
    """Say in a primary header that the data are simulated, and how."""
    header["SIMULATD"] = (True, "simulated by Deepfield, not observed")
    header["SIMBIN1"] = (binning[0], "detector columns averaged into one pixel")
    header["SIMBIN2"] = (binning[1], "detector rows averaged into one pixel")
    header["SIMBIN"] = (binning[0] * binning[1], "detector pixels averaged into one pixel")
    header.add_history(SIMULATED)
    if binning != (1, 1):
        header.add_history(
            f"Blocks of {binning[0]} x {binning[1]} detector pixels are averaged; footprint, plate scale "
            "and surface brightness are true, pixels are larger and stars widened to suit them."
        )


def int_times(start: float, readout: Readout, integrations: range, light: float) -> np.ndarray[Any, Any]:
    """The INT_TIMES table: start, middle and end of each integration, MJD UTC and barycentric TDB.

    ``start`` of the exposure in days; ``light`` is the barycentric correction in seconds.
    """
    names = ["int_start_MJD_UTC", "int_mid_MJD_UTC", "int_end_MJD_UTC"]
    names += ["int_start_BJD_TDB", "int_mid_BJD_TDB", "int_end_BJD_TDB"]
    numbers = np.array(integrations)
    table = np.zeros(numbers.size, dtype=[("integration_number", "i4"), *((name, "f8") for name in names)])
    table["integration_number"] = numbers
    for place, name in enumerate(names):
        seconds = (numbers - 1) * readout.cadence + (place % 3) / 2 * readout.integration_time
        table[name] = start + (seconds + (light if place >= 3 else 0.0)) / 86400
    return table


def group_table(groups: int, integrations: range, times: Iterable[str], shape: tuple[int, int]) -> np.ndarray[Any, Any]:
    """The GROUP table of raw data; ``times`` are the ends of the groups, ISO."""
    layout = [
        ("integration_number", "i4"), ("group_number", "i2"), ("end_day", "i2"), ("end_milliseconds", "i4"),
        ("end_submilliseconds", "i2"), ("group_end_time", "S26"), ("number_of_columns", "i2"),
        ("number_of_rows", "i2"), ("number_of_gaps", "i2"), ("completion_code_number", "i2"),
        ("completion_code_text", "S36"), ("bary_end_time", "f8"), ("helio_end_time", "f8"),
    ]  # fmt: skip
    table = np.zeros(groups * len(integrations), dtype=layout)
    table["integration_number"] = np.repeat(np.array(integrations), groups)
    table["group_number"] = np.tile(np.arange(groups) + 1, len(integrations))
    table["group_end_time"] = list(times)
    table["number_of_rows"], table["number_of_columns"] = shape
    table["completion_code_text"] = "COMPLETE"
    return table
