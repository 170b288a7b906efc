"""Two-dimensional spectra beside their extraction: rectified slits (``s2d``) with the wavelength of each column."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from deepfield.products.layout import FitsFile, Unit

    Floats = NDArray[np.float64]

MOST_PIXELS: Final = 1 << 22
"""Pixels of a slit that are read."""


@dataclass(frozen=True, slots=True)
class Slit:
    """One slit of a file, as its header tells."""

    number: int
    """HDU of its science image."""
    label: str
    source_id: int | None
    slit: str | None
    width: int
    """Pixels along the wavelength."""
    height: int
    """Pixels along the slit."""


@dataclass(frozen=True, slots=True)
class Rectified:
    """A slit turned so that wavelength grows along x; row 0 at the bottom."""

    slit: Slit
    values: Floats
    errors: Floats | None
    wavelength: Floats
    """Of each column, µm: the median along the slit. NaN where none is known."""
    spread: float
    """The largest difference of a pixel's wavelength from that of its column, in the unit of ``wavelength``."""
    wavelength_unit: str
    unit: str | None
    turned: bool
    """Whether the file has the wavelength along y (MIRI LRS) or the other way round, so that pixels changed places."""


def list_slits(file: FitsFile) -> list[Slit]:
    """Return the two-dimensional spectra of a file."""
    return [_slit(science, _is_upright(science)) for science in file.named("SCI") if _is_spectral(file, science)]


def read_slit(file: FitsFile, number: int) -> Rectified | None:
    """Return a slit by the number of its science HDU, None where that holds no two-dimensional spectrum.

    Raises:
        UnreadableFileError: the file ends early.
    """
    science = next((unit for unit in file.named("SCI") if unit.part.number == number), None)
    if science is None or not _is_spectral(file, science):
        return None
    shape = science.part.shape
    values = file.rows(science, (), 0, shape[0]).astype(np.float64)
    errors = _beside(file, "ERR", science)
    grid, unit = _wavelengths(file, science)
    upright = _is_upright(science)
    if upright:
        values, grid = values.T, grid.T
        errors = None if errors is None else errors.T
    wavelength = _median(grid)
    known = np.flatnonzero(np.isfinite(wavelength))
    backwards = bool(known.size) and bool(wavelength[known[0]] > wavelength[known[-1]])
    if backwards:
        values, grid, wavelength = values[:, ::-1], grid[:, ::-1], wavelength[::-1]
        errors = None if errors is None else errors[:, ::-1]
    off = np.abs(grid - wavelength)
    spread = float(np.nanmax(off)) if np.isfinite(off).any() else 0.0
    bunit = science.text("BUNIT")
    return Rectified(_slit(science, upright), values, errors, wavelength, spread, unit, bunit, upright or backwards)


def _slit(science: Unit, upright: bool) -> Slit:  # noqa: FBT001
    height, width = science.part.shape
    source, name, slit = science.whole("SOURCEID"), science.text("SRCNAME"), science.text("SLTNAME")
    label = name or (f"source {source}" if source is not None else None) or (f"slit {slit}" if slit else None)
    label = label or f"SCI {science.part.version}"
    size = (height, width) if upright else (width, height)
    return Slit(science.part.number, label, source, slit, *size)


def _is_spectral(file: FitsFile, science: Unit) -> bool:
    shape = science.part.shape
    if len(shape) != 2 or not 0 < shape[0] * shape[1] <= MOST_PIXELS:
        return False
    return _twin(file, "WAVELENGTH", science) is not None or _axis_of(science) is not None


def _is_upright(science: Unit) -> bool:
    """Tell whether the wavelength runs along y: DISPAXIS 2."""
    return science.whole("DISPAXIS") == 2


def _twin(file: FitsFile, name: str, science: Unit) -> Unit | None:
    """Return the image of the same slit in another extension."""
    same = (unit for unit in file.named(name) if unit.part.version == science.part.version)
    return next((unit for unit in same if unit.part.shape == science.part.shape), None)


def _beside(file: FitsFile, name: str, science: Unit) -> Floats | None:
    unit = _twin(file, name, science)
    return None if unit is None else file.rows(unit, (), 0, unit.part.shape[0]).astype(np.float64)


def _wavelengths(file: FitsFile, science: Unit) -> tuple[Floats, str]:
    image = _beside(file, "WAVELENGTH", science)
    if image is not None:
        image[(image == 0) | ~np.isfinite(image)] = np.nan
        twin = _twin(file, "WAVELENGTH", science)
        return image, (twin.text("BUNIT") if twin else None) or "um"
    first, pixel, step, unit = _axis_of(science) or (0.0, 0.0, 1.0, "")
    along = first + (np.arange(science.part.shape[1]) + 1 - pixel) * step
    return np.broadcast_to(along, science.part.shape).copy(), unit


_SPECTRAL: Final = ("WAVE", "AWAV", "LAMBDA")


def _axis_of(science: Unit) -> tuple[float, float, float, str] | None:
    """Return value, pixel, step and unit of a linear wavelength axis (FITS 4.0 §8.4)."""
    kind = (science.text("CTYPE1") or "").upper()
    first, pixel = science.number("CRVAL1"), science.number("CRPIX1")
    step = science.number("CDELT1") if science.number("CDELT1") is not None else science.number("CD1_1")
    if not kind.startswith(_SPECTRAL) or first is None or pixel is None or step is None:
        return None
    return first, pixel, step, science.text("CUNIT1") or "um"


def _median(grid: Floats) -> Floats:
    found = np.full(grid.shape[1], np.nan)
    known = np.isfinite(grid)
    for column in np.flatnonzero(known.any(axis=0)):
        found[column] = np.median(grid[known[:, column], column])
    return found


def squeezed(values: Floats, longest: int) -> Floats:
    """Return an image whose columns are averaged, without what is unknown, until there are at most ``longest``."""
    return np.concatenate(list(_squeezed(values, longest)), axis=1)


def _squeezed(values: Floats, longest: int) -> Iterator[Any]:
    for share in np.array_split(values, min(longest, values.shape[1]), axis=1):
        known = np.isfinite(share)
        count = known.sum(axis=1)
        total = np.where(known, share, 0).sum(axis=1)
        yield np.where(count > 0, total / np.maximum(count, 1), np.nan)[:, None]
