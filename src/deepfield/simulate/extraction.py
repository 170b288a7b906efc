"""The columns of extracted spectra, the same for every mode (calibration pipeline, products x1d and x1dints)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

KINDS = {
    "DQ": "u4", "N_ALONGDISP": "u4", "INT_NUM": "i4", "SEGMENT": "i4", "SOURCE_ID": "i4", "SOURCE_TYPE": "S20",
    "EXTRACT2D_XSTART": "u4", "EXTRACT2D_YSTART": "u4", "EXTRACT2D_XSTOP": "u4", "EXTRACT2D_YSTOP": "u4",
}  # fmt: skip
"""Types of the columns that are not double precision."""
DO_NOT_USE = 1


def columns(
    wavelength: Floats,
    flux: Floats,
    variances: tuple[Floats, Floats, Floats],
    *,
    solid_angle: float,
    background: Floats,
    background_variance: Floats,
    pixels: Floats,
) -> dict[str, Floats]:
    """The columns of a spectrum from ``WAVELENGTH`` (µm) to ``NPIXELS``.

    ``flux`` in Jy and its ``variances`` (photons, readout, flat) in Jy², ``background`` in MJy/sr; ``solid_angle`` in
    sr is that of the aperture, ``pixels`` how many of its pixels were good. Where there are none the spectrum is NaN.
    """
    bright = 1e-6 / solid_angle
    blank = pixels <= 0
    poisson, readnoise, flat = variances
    error = np.sqrt(poisson + readnoise + flat)
    made = {
        "WAVELENGTH": wavelength,
        "FLUX": flux,
        "FLUX_ERROR": error,
        "FLUX_VAR_POISSON": poisson,
        "FLUX_VAR_RNOISE": readnoise,
        "FLUX_VAR_FLAT": flat,
        "SURF_BRIGHT": flux * bright,
        "SB_ERROR": error * bright,
        "SB_VAR_POISSON": poisson * bright**2,
        "SB_VAR_RNOISE": readnoise * bright**2,
        "SB_VAR_FLAT": flat * bright**2,
    }
    made = {name: np.where(blank & (name != "WAVELENGTH"), np.nan, values) for name, values in made.items()}
    shape = np.shape(flux)
    return made | {
        "DQ": np.where(blank, DO_NOT_USE, 0),
        "BACKGROUND": np.broadcast_to(background, shape),
        "BKGD_ERROR": np.broadcast_to(np.sqrt(background_variance), shape),
        "BKGD_VAR_POISSON": np.broadcast_to(background_variance, shape),
        "BKGD_VAR_RNOISE": np.zeros(shape),
        "BKGD_VAR_FLAT": np.zeros(shape),
        "NPIXELS": pixels,
    }


def table(values: Mapping[str, Any]) -> Any:
    """Columns as a structured array; those of two dimensions become vectors, one a row."""
    arrays = {name: np.asarray(column) for name, column in values.items()}
    rows = next(iter(arrays.values())).shape[0]
    layout = [(name, KINDS.get(name, "f8"), column.shape[1:]) for name, column in arrays.items()]
    made = np.zeros(rows, dtype=layout)
    for name, column in arrays.items():
        made[name] = column
    return made
