"""Spectral cubes (``s3d`` and their like): spectra of apertures, collapsed images and moments, plane by plane.

A plane or two is in memory at a time, however large the cube.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

import numpy as np

from deepfield.model.errors import InvalidValueError
from deepfield.products.bintable import BinTable
from deepfield.products.pixels import DO_NOT_USE

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from deepfield.products.apertures import Weights
    from deepfield.products.layout import FitsFile, Unit

    Floats = NDArray[np.float64]

Kind = Literal["plane", "sum", "mean", "maximum", "moment0", "moment1", "moment2"]
KINDS: Final[tuple[Kind, ...]] = ("plane", "sum", "mean", "maximum", "moment0", "moment1", "moment2")
LIGHT: Final = 299_792.458
"""Speed of light, km/s."""
_SPECTRAL: Final = ("WAVE", "AWAV", "VRAD", "VOPT", "FREQ", "VELO")
_LARGEST_PLANE: Final = 1 << 24
"""Pixels of a plane; those of the instruments have a few thousand."""


@dataclass(frozen=True, slots=True)
class Cube:
    """A cube and its axes."""

    file: FitsFile
    science: Unit
    errors: Unit | None
    quality: Unit | None
    wavelength: Floats | None
    """Of each plane; None where the file does not tell."""
    wavelength_unit: str | None
    how: Literal["table", "linear"] | None
    """Whether the wavelengths stand in a table (WAVE-TAB) or follow from the header."""

    @property
    def shape(self) -> tuple[int, int, int]:
        """Planes, rows, columns."""
        planes, height, width = self.science.part.shape
        return planes, height, width

    @property
    def unit(self) -> str | None:
        """Of the values."""
        return self.science.text("BUNIT")

    def plane(self, number: int, rows: slice) -> tuple[Floats, Floats | None]:
        """Return values and errors of some rows of a plane; NaN where quality forbids them.

        Raises:
            UnreadableFileError: the file ends early.
        """
        start, stop = rows.start, rows.stop
        values = self.file.rows(self.science, (number,), start, stop).astype(np.float64)
        values[~np.isfinite(values)] = np.nan
        if self.quality is not None:
            lead = (number,) if len(self.quality.part.shape) == 3 else ()
            values[self.file.rows(self.quality, lead, start, stop) & DO_NOT_USE != 0] = np.nan
        if self.errors is None:
            return values, None
        return values, self.file.rows(self.errors, (number,), start, stop).astype(np.float64)


@dataclass(frozen=True, slots=True)
class ApertureSpectrum:
    """What a cube holds within an aperture, plane by plane; NaN where no pixel of it is known."""

    total: Floats
    """Sum of value times share of the pixel."""
    error: Floats | None
    """Square root of the sum of squared error times share."""
    pixels: Floats
    """Sum of the shares of the pixels that are known."""


@dataclass(frozen=True, slots=True)
class Continuum:
    """Two ranges of planes (first, last, both included), between whose means a line is drawn for each spaxel."""

    left: tuple[int, int]
    right: tuple[int, int]


def find_cube(file: FitsFile) -> Cube | None:
    """Return the cube of a file: the first SCI, or unnamed, image with three axes; None without one."""
    for unit in file.units:
        shape = unit.part.shape
        if unit.part.kind == "table" or unit.part.name not in {"SCI", "PRIMARY", ""} or len(shape) != 3:
            continue
        if min(shape) < 1 or shape[1] * shape[2] > _LARGEST_PLANE or not _has_spectral_axis(unit):
            continue
        wavelength, wavelength_unit, how = _wavelengths(file, unit)
        return Cube(file, unit, _twin(file, "ERR", unit), _quality(file, unit), wavelength, wavelength_unit, how)
    return None


def extract(cube: Cube, weights: Weights, continuum: Continuum | None = None) -> ApertureSpectrum:
    """Sum a cube over an aperture, as ``photutils.aperture`` does with what is unknown masked.

    With a continuum, the line between its means of the summed spectrum is subtracted; errors stay those of the sum.
    """
    planes = cube.shape[0]
    rows = slice(weights.y, weights.y + weights.shares.shape[0])
    columns = slice(weights.x, weights.x + weights.shares.shape[1])
    total, error, pixels = np.full(planes, np.nan), np.full(planes, np.nan), np.zeros(planes)
    for number in range(planes):
        values, errors = cube.plane(number, rows)
        part = values[:, columns]
        known = np.isfinite(part) & (weights.shares > 0)
        pixels[number] = weights.shares[known].sum()
        if not known.any():
            continue
        total[number] = (part[known] * weights.shares[known]).sum()
        if errors is not None:
            error[number] = np.sqrt((errors[:, columns][known] ** 2 * weights.shares[known]).sum())
    if continuum is not None:
        total = total - _line(cube, total, continuum)
    return ApertureSpectrum(total, error if cube.errors is not None else None, pixels)


def collapse(
    cube: Cube, kind: Kind, first: int, last: int, *, continuum: Continuum | None = None, rest: float | None = None
) -> Floats:
    """Return an image of the planes from ``first`` to ``last``, both included; row 0 at the bottom.

    ``moment0`` is the sum of value times width of the plane; ``moment1`` the mean wavelength weighted by value, and
    ``moment2`` the square root of the variance around it, in km/s around the wavelength ``rest`` where one is given
    (optical convention). Where the weight is not positive there are neither.
    """
    height, width = cube.shape[1:]
    whole = slice(0, height)
    if kind == "plane":
        values = cube.plane(first, whole)[0]
        return values if continuum is None else values - _model(cube, continuum)(first)
    model = _model(cube, continuum) if continuum is not None else None
    axis, steps = _axis(cube, rest), _steps(cube)
    total, count = np.zeros((height, width)), np.zeros((height, width), np.int64)
    first_order, second_order = np.zeros((height, width)), np.zeros((height, width))
    highest = np.full((height, width), -np.inf)
    weighted = kind.startswith("moment")
    for number in range(first, last + 1):
        values = cube.plane(number, whole)[0]
        if model is not None:
            values = values - model(number)
        known = np.isfinite(values)
        filled = np.where(known, values, 0.0) * (steps[number] if weighted else 1.0)
        total += filled
        count += known
        if kind in {"moment1", "moment2"}:
            first_order += filled * axis[number]
            second_order += filled * axis[number] ** 2
        if kind == "maximum":
            highest = np.fmax(highest, values)
    empty = count == 0
    if kind in {"sum", "moment0"}:
        return np.where(empty, np.nan, total)
    if kind == "mean":
        return np.where(empty, np.nan, total / np.maximum(count, 1))
    if kind == "maximum":
        return np.where(empty, np.nan, highest)
    light = total > 0
    mean = np.where(light, first_order / np.where(light, total, 1.0), np.nan)
    if kind == "moment1":
        return mean
    variance = np.where(light, second_order / np.where(light, total, 1.0) - mean**2, np.nan)
    return np.where(variance >= 0, np.sqrt(np.abs(variance)), np.nan)


def planes_between(cube: Cube, low: float, high: float, field: str) -> tuple[int, int]:
    """Return the first and the last plane whose wavelength lies in a range.

    Raises:
        InvalidValueError: no plane does, or the cube has no wavelengths.
    """
    if cube.wavelength is None:
        raise InvalidValueError(field, f"{low:g}..{high:g}", "planes by number: this cube tells no wavelengths")
    inside = np.flatnonzero((cube.wavelength >= low) & (cube.wavelength <= high))
    if not inside.size:
        least, most = float(np.min(cube.wavelength)), float(np.max(cube.wavelength))
        expected = f"a range that holds a plane; they lie from {least:.6g} to {most:.6g} {cube.wavelength_unit or ''}"
        raise InvalidValueError(field, f"{low:g}..{high:g}", expected.strip())
    return int(inside[0]), int(inside[-1])


def _axis(cube: Cube, rest: float | None) -> Floats:
    wavelength = np.arange(cube.shape[0], dtype=np.float64) if cube.wavelength is None else cube.wavelength
    return wavelength if rest is None else (wavelength / rest - 1) * LIGHT


def _steps(cube: Cube) -> Floats:
    """Return the width of each plane: half the way to the planes before and after it."""
    if cube.wavelength is None or cube.shape[0] < 2:
        return np.ones(cube.shape[0])
    return np.abs(np.gradient(cube.wavelength))


def _model(cube: Cube, continuum: Continuum) -> _Line:
    low, high = (collapse(cube, "mean", *ends) for ends in (continuum.left, continuum.right))
    return _Line(*_middles(cube, continuum), low, high, _axis(cube, None))


@dataclass(frozen=True, slots=True)
class _Line:
    """The line between two points of the spectrum of each spaxel."""

    left: float
    right: float
    low: Floats
    high: Floats
    axis: Floats

    def __call__(self, number: int) -> Floats:
        part = (self.axis[number] - self.left) / (self.right - self.left)
        return np.asarray(self.low + (self.high - self.low) * part, np.float64)


def _middles(cube: Cube, continuum: Continuum) -> tuple[float, float]:
    axis = _axis(cube, None)
    left, right = (float(axis[a : b + 1].mean()) for a, b in (continuum.left, continuum.right))
    if left == right:
        raise InvalidValueError("continuum", f"{left:g}, {right:g}", "two ranges with different middles")
    return left, right


def _line(cube: Cube, total: Floats, continuum: Continuum) -> Floats:
    left, right = _middles(cube, continuum)
    ends = []
    for first, last in (continuum.left, continuum.right):
        known = total[first : last + 1][np.isfinite(total[first : last + 1])]
        ends.append(float(known.mean()) if known.size else np.nan)
    part = (_axis(cube, None) - left) / (right - left)
    return ends[0] + (ends[1] - ends[0]) * part


def _has_spectral_axis(unit: Unit) -> bool:
    kind = (unit.text("CTYPE3") or "").upper()
    return kind.startswith(_SPECTRAL)


def _twin(file: FitsFile, name: str, science: Unit) -> Unit | None:
    same = (unit for unit in file.named(name) if unit.part.version == science.part.version)
    return next((unit for unit in same if unit.part.shape == science.part.shape), None)


def _quality(file: FitsFile, science: Unit) -> Unit | None:
    same = (unit for unit in file.named("DQ") if unit.part.version == science.part.version)
    shape = science.part.shape
    return next((unit for unit in same if unit.part.shape in {shape, shape[1:]}), None)


def _wavelengths(file: FitsFile, unit: Unit) -> tuple[Floats | None, str | None, Literal["table", "linear"] | None]:
    kind, planes = (unit.text("CTYPE3") or "").upper(), unit.part.shape[0]
    if kind.endswith("-TAB"):
        found = _tabled(file, unit, planes)
        return (found, unit.text("CUNIT3") or "um", "table") if found is not None else (None, None, None)
    if not kind.startswith(("WAVE", "AWAV")):
        return None, None, None
    first, pixel = unit.number("CRVAL3"), unit.number("CRPIX3", 1.0)
    step = unit.number("CDELT3") if unit.number("CD3_3") is None else unit.number("CD3_3")
    if first is None or pixel is None or step is None:
        return None, None, None
    if unit.number("CDELT3") is not None and unit.number("PC3_3") is not None:
        step *= unit.number("PC3_3") or 1.0
    return np.asarray(first + (np.arange(planes) + 1 - pixel) * step, np.float64), unit.text("CUNIT3") or "um", "linear"


def _tabled(file: FitsFile, unit: Unit, planes: int) -> Floats | None:
    """Return wavelengths by table (WCS III §6): PS3_0 names the extension, PS3_1 the column of coordinates."""
    extension, column_name = unit.text("PS3_0") or "WCS-TABLE", unit.text("PS3_1") or "wavelength"
    table = file.first(extension.upper())
    if table is None:
        return None
    bintable = BinTable(file, table)
    column = bintable.find(column_name)
    if column is None:
        return None
    values = np.asarray(bintable.read(column), np.float64).ravel()
    return values if len(values) == planes else None
