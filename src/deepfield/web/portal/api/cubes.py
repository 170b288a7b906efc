"""Cubes: what one is, spectra of its apertures, images of its planes."""

from typing import Annotated, Any

import numpy as np
from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, Field
from starlette.responses import Response

from deepfield.products.spaxels import KINDS
from deepfield.web.context import CallersRule, FileName, TheArchive
from deepfield.web.portal.api.documents import json_response, plain
from deepfield.web.portal.api.written import TableFormat, column_of, file_response, float32, is_page, numbers

router = APIRouter(tags=["cubes"])
NUMBER = 1e12


class CubeDocument(BaseModel):
    """What a cube is."""

    filename: str
    hdu: int
    planes: int
    height: int
    width: int
    unit: str | None
    wavelength: list[float] | None = Field(description="Of each plane; null where the file does not tell")
    wavelength_unit: str | None
    wavelength_from: str | None = Field(description="`table` (WAVE-TAB) or `linear`")
    has_errors: bool
    has_quality: bool
    pixel_area: float | None = Field(description="Steradian: PIXAR_SR")
    world: dict[str, Any] = Field(description="Keywords of the world coordinates, FITS 4.0 §8")


class CubeSpectrumDocument(BaseModel):
    """The spectrum of an aperture."""

    filename: str
    aperture: str
    wavelength: list[float]
    wavelength_unit: str = Field(description="`plane` where the cube tells no wavelengths")
    unit: str = Field(description="Of `total`, which is this times pixels, and of `mean`")
    total: list[float | None] = Field(description="Sum of value times share of the pixel inside")
    error: list[float | None] | None = Field(description="Square root of the sum of squared error times share")
    mean: list[float | None] = Field(description="`total` over `pixels`")
    pixels: list[float] = Field(description="Sum of the shares of the pixels that are known")
    flux: list[float | None] | None = Field(
        description="Jy, where the cube is a surface brightness of known pixel area"
    )
    flux_error: list[float | None] | None


class CubeImageDocument(BaseModel):
    """An image of a cube; row 0 is at the bottom."""

    filename: str
    kind: str
    first: int = Field(description="First plane that went into it")
    last: int
    low: float | None = Field(description="Wavelength of the first plane")
    high: float | None
    width: int
    height: int
    unit: str
    values: str = Field(description="Base64 of little-endian 32-bit floats, row after row; NaN where nothing is known")


Continuum = Annotated[
    str | None,
    Query(
        description="Two ranges of wavelength, between whose means a line is subtracted",
        examples=["2.10..2.12,2.16..2.18"],
    ),
]


@router.get("/products/{filename}/cube", operation_id="getCube", summary="What a cube is", response_model=CubeDocument)
def get_cube(filename: FileName, archive: TheArchive, rule: CallersRule) -> Response:
    """Describe the cube of a product: its axes, units and world coordinates."""
    found = archive.cubes.describe(filename, rule=rule)
    planes, height, width = found.shape
    return json_response(
        {
            "filename": filename,
            "hdu": found.hdu,
            "planes": planes,
            "height": height,
            "width": width,
            "unit": found.unit,
            "wavelength": numbers(found.wavelength),
            "wavelength_unit": found.wavelength_unit,
            "wavelength_from": found.how,
            "has_errors": found.has_errors,
            "has_quality": found.has_quality,
            "pixel_area": found.pixel_area,
            "world": plain(found.world),
        }
    )


@router.get(
    "/products/{filename}/cube/spectrum",
    operation_id="getCubeSpectrum",
    summary="Spectrum of an aperture of a cube",
    response_model=CubeSpectrumDocument,
)
def get_cube_spectrum(
    filename: FileName,
    *,
    request: Request,
    archive: TheArchive,
    rule: CallersRule,
    aperture: Annotated[
        str | None,
        Query(
            max_length=8000,
            description="In pixels from 0: `spaxel x y`, `circle x y radius`, `box x y width height [angle]` "
            "(degrees counter-clockwise) or `polygon x1 y1 x2 y2 x3 y3 …`; the spaxel in the middle by default",
            examples=["circle 20.5 18 3"],
        ),
    ] = None,
    continuum: Continuum = None,
    form: TableFormat = "json",
) -> Response:
    """Sum a cube over an aperture, with the exact share of each pixel inside, and with its errors."""
    page = is_page(form)
    found = archive.cubes.spectrum(filename, aperture, rule=rule, continuum=continuum)
    if page:
        names = ("wavelength", "total", "error", "mean", "pixels", "flux", "flux_error")
        document: dict[str, Any] = {name: numbers(getattr(found, name)) for name in names}
        told = {
            "filename": filename,
            "aperture": aperture,
            "wavelength_unit": found.wavelength_unit,
            "unit": found.unit,
        }
        return json_response(told | document)
    shown = [
        ("WAVELENGTH", found.wavelength, found.wavelength_unit, "Wavelength of the plane"),
        ("FLUX", found.flux, "Jy", "Sum over the aperture"),
        ("FLUX_ERROR", found.flux_error, "Jy", "Its error"),
        ("TOTAL", found.total, f"{found.unit} pix".strip(), "Sum of value times share of the pixel"),
        ("TOTAL_ERROR", found.error, f"{found.unit} pix".strip(), "Its error"),
        ("MEAN", found.mean, found.unit, "Sum over pixels"),
        ("NPIXELS", found.pixels, "pix", "Sum of the shares of the pixels that are known"),
    ]
    there = [(name, values, unit, about) for name, values, unit, about in shown if values is not None]
    return file_response(
        [column_of(name, values, unit=unit, description=about) for name, values, unit, about in there],
        iter([[np.asarray(values) for _, values, _, _ in there]]),
        stem=f"{filename.rsplit('.', 1)[0]}_aperture",
        wanted=form,
        about=f"Spectrum of {found.aperture} (pixels) of {filename}"
        + (f", continuum {continuum} subtracted" if continuum else ""),
        request=str(request.url),
    )


@router.get(
    "/products/{filename}/cube/image",
    operation_id="getCubeImage",
    summary="Image of a cube",
    response_model=CubeImageDocument,
)
def get_cube_image(
    filename: FileName,
    *,
    archive: TheArchive,
    rule: CallersRule,
    kind: Annotated[str, Query(description=f"One of {', '.join(KINDS)}")] = "plane",
    plane: Annotated[int | None, Query(ge=0, le=10_000_000, description="The plane; the middle one by default")] = None,
    band: Annotated[str | None, Query(description="Planes of these wavelengths", examples=["2.12..2.14"])] = None,
    continuum: Continuum = None,
    rest: Annotated[
        float | None, Query(gt=0, lt=NUMBER, description="Wavelength from which velocities of moments are counted")
    ] = None,
) -> Response:
    """Return one plane, the sum, mean or maximum of a band, or a moment of it."""
    found = archive.cubes.image(filename, kind, rule=rule, plane=plane, band=band, continuum=continuum, rest=rest)
    height, width = found.values.shape
    return json_response(
        {
            "filename": filename,
            "kind": found.kind,
            "first": found.first,
            "last": found.last,
            "low": found.low,
            "high": found.high,
            "width": width,
            "height": height,
            "unit": found.unit,
            "values": float32(found.values),
        }
    )
