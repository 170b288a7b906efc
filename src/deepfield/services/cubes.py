"""Cubes of products: spectra of apertures, and images of ranges of wavelength."""

from __future__ import annotations

import re
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from deepfield.model.errors import InvalidValueError
from deepfield.products.apertures import parse_aperture, weights_on
from deepfield.products.spaxels import KINDS, Continuum, collapse, extract, find_cube, planes_between
from deepfield.services.opening import nothing

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from deepfield.access.policy import Readable
    from deepfield.products.spaxels import Cube, Kind
    from deepfield.services.opening import Opening

    Floats = NDArray[np.float64]

WHAT: Final = "spectral cube"
STERADIAN_UNITS: Final = ("MJy/sr", "MJy sr-1", "MJy.sr-1")
"""Ways to write the unit of surface brightness that JWST products are in."""
_NUMBER: Final = r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?"
_RANGE: Final = re.compile(rf"\s*({_NUMBER})\s*\.\.\s*({_NUMBER})\s*")
_WORLD: Final = re.compile(r"(WCSAXES|CTYPE[123]|CUNIT[123]|CRPIX[123]|CRVAL[123]|CDELT[123]|PC\d_\d|CD\d_\d|RADESYS)")


@dataclass(frozen=True, slots=True)
class CubeFacts:
    """What a cube is, without its values."""

    filename: str
    hdu: int
    shape: tuple[int, int, int]
    """Planes, rows, columns."""
    unit: str | None
    wavelength: Floats | None
    wavelength_unit: str | None
    how: str | None
    has_errors: bool
    has_quality: bool
    pixel_area: float | None
    """PIXAR_SR, steradian."""
    world: dict[str, str | int | float | bool | None]
    """The keywords of its world coordinates."""


@dataclass(frozen=True, slots=True)
class CubeSpectrum:
    """The spectrum of an aperture."""

    filename: str
    aperture: str
    wavelength: Floats
    wavelength_unit: str
    """``plane`` where the cube tells no wavelengths."""
    total: Floats
    error: Floats | None
    pixels: Floats
    unit: str
    """Of the sum: that of the cube, times pixels."""
    flux: Floats | None
    """In Jy, where the cube is a surface brightness and tells the area of its pixels."""
    flux_error: Floats | None
    mean: Floats
    """Sum over pixels, in the unit of the cube."""


@dataclass(frozen=True, slots=True)
class CubeImage:
    """An image made of planes; row 0 at the bottom."""

    filename: str
    kind: Kind
    first: int
    last: int
    low: float | None
    high: float | None
    unit: str
    values: Floats


class Cubes:
    """Looks into cubes, plane by plane."""

    def __init__(self, opening: Opening) -> None:
        self._opening = opening

    def describe(self, filename: str, *, rule: Readable) -> CubeFacts:
        """Return what a cube is.

        Raises:
            NothingToShowError: the product holds no cube.
            UnknownProductError, AccessDeniedError, StaleFileError, UnreadableFileError, BusyError: as opening does.
        """
        with self._cube(filename, rule) as cube:
            return CubeFacts(
                filename,
                cube.science.part.number,
                cube.shape,
                cube.unit,
                cube.wavelength,
                cube.wavelength_unit,
                cube.how,
                cube.errors is not None,
                cube.quality is not None,
                _pixel_area(cube),
                {card.keyword: card.value for card in cube.science.cards if _WORLD.fullmatch(card.keyword)},
            )

    def spectrum(
        self, filename: str, aperture: str | None, *, rule: Readable, continuum: str | None = None
    ) -> CubeSpectrum:
        """Sum a cube over an aperture in pixels, after ``continuum`` (two ranges of wavelength) is subtracted.

        Without an aperture it is the spaxel in the middle.

        Raises:
            InvalidValueError: the aperture is none or lies outside, or a range holds no plane.
            NothingToShowError: the product holds no cube.
            UnknownProductError, AccessDeniedError, StaleFileError, UnreadableFileError, BusyError: as opening does.
        """
        with self._cube(filename, rule) as cube:
            aperture = aperture or f"spaxel {cube.shape[2] // 2} {cube.shape[1] // 2}"
            weights = weights_on(parse_aperture(aperture), cube.shape[2], cube.shape[1], aperture)
            found = extract(cube, weights, _continuum(cube, continuum))
        area = _pixel_area(cube)
        factor = area * 1e6 if area is not None and cube.unit in STERADIAN_UNITS else None
        known = np.where(found.pixels > 0, found.pixels, np.nan)
        planes = np.arange(cube.shape[0], dtype=np.float64)
        return CubeSpectrum(
            filename,
            aperture,
            planes if cube.wavelength is None else cube.wavelength,
            "plane" if cube.wavelength is None else cube.wavelength_unit or "",
            found.total,
            found.error,
            found.pixels,
            cube.unit or "",
            None if factor is None else found.total * factor,
            None if factor is None or found.error is None else found.error * factor,
            found.total / known,
        )

    def image(
        self,
        filename: str,
        kind: str,
        *,
        rule: Readable,
        plane: int | None = None,
        band: str | None = None,
        continuum: str | None = None,
        rest: float | None = None,
    ) -> CubeImage:
        """Return an image of a cube: one plane, or a kind of sum over a band (``low..high`` in wavelength).

        Raises:
            InvalidValueError: there is no such kind or plane, or a range holds no plane.
            NothingToShowError: the product holds no cube.
            UnknownProductError, AccessDeniedError, StaleFileError, UnreadableFileError, BusyError: as opening does.
        """
        chosen = next((each for each in KINDS if each == kind), None)
        if chosen is None:
            raise InvalidValueError("kind", kind, f"one of {', '.join(KINDS)}")
        if rest is not None and not rest > 0:
            raise InvalidValueError("rest", rest, "a wavelength above 0")
        with self._cube(filename, rule) as cube:
            first, last = _planes(cube, chosen, plane, band)
            values = collapse(cube, chosen, first, last, continuum=_continuum(cube, continuum), rest=rest)
        ends = None if cube.wavelength is None else (float(cube.wavelength[first]), float(cube.wavelength[last]))
        low, high = ends or (None, None)
        return CubeImage(filename, chosen, first, last, low, high, _unit(cube, chosen, rest), values)

    @contextmanager
    def _cube(self, filename: str, rule: Readable) -> Iterator[Cube]:
        with self._opening.fits(self._opening.find(filename, rule=rule), WHAT) as file:
            cube = find_cube(file)
            if cube is None:
                raise nothing(file, WHAT)
            yield cube


def parse_range(field: str, text: str) -> tuple[float, float]:
    """Read ``low..high``.

    Raises:
        InvalidValueError: it is none, or its lower end is not the lower one.
    """
    match = _RANGE.fullmatch(text)
    if match is None or not float(match[1]) <= float(match[2]):
        raise InvalidValueError(field, text, "a range, lower..upper, in the unit of the wavelengths")
    return float(match[1]), float(match[2])


def _continuum(cube: Cube, text: str | None) -> Continuum | None:
    if text is None:
        return None
    parts = text.split(",")
    if len(parts) != 2:
        raise InvalidValueError("continuum", text, "two ranges of wavelength, as 2.10..2.12,2.16..2.18")
    left, right = (planes_between(cube, *parse_range("continuum", part), "continuum") for part in parts)
    return Continuum(left, right)


def _planes(cube: Cube, kind: Kind, plane: int | None, band: str | None) -> tuple[int, int]:
    planes = cube.shape[0]
    if kind != "plane":
        return (0, planes - 1) if band is None else planes_between(cube, *parse_range("band", band), "band")
    number = planes // 2 if plane is None else plane
    if not 0 <= number < planes:
        raise InvalidValueError("plane", number, f"a plane of the cube, 0 to {planes - 1}")
    return number, number


def _unit(cube: Cube, kind: Kind, rest: float | None) -> str:
    unit, axis = cube.unit or "", cube.wavelength_unit or "plane"
    along = "km/s" if rest is not None else axis
    return {"moment0": f"{unit} {axis}".strip(), "moment1": along, "moment2": along}.get(kind, unit)


def _pixel_area(cube: Cube) -> float | None:
    return cube.science.number("PIXAR_SR")
