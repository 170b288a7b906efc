"""Spectra of a product, one by one, and the slits they were taken from."""

from typing import Annotated, Any

import numpy as np
from fastapi import APIRouter, Path, Query, Request
from pydantic import BaseModel, Field
from starlette.responses import Response

from deepfield.model.tables import Column
from deepfield.products.extracted import Extraction, SpectrumColumn
from deepfield.products.rectified import Slit, squeezed
from deepfield.services.spectra import SORTED_BY
from deepfield.web.context import CallersRule, FileName, TheArchive
from deepfield.web.portal.api.documents import json_response
from deepfield.web.portal.api.written import TableFormat, file_response, float32, is_page, numbers

router = APIRouter(tags=["spectra"])
LONGEST_SLIT = 4096
"""Columns of a two-dimensional spectrum that are sent; of a longer one they are averaged."""


class SpectrumFacts(BaseModel):
    """A spectrum of a product, without its points."""

    key: str = Field(description="By which it is asked for", examples=["2.17"])
    hdu: int
    row: int | None = Field(description="Row of the table; null where the table holds this spectrum alone")
    label: str
    source_id: int | None
    name: str | None
    slit: str | None
    order: int | None
    integration: int | None
    source_type: str | None
    ra: float | None = Field(description="ICRS degrees")
    dec: float | None = Field(description="ICRS degrees")
    slit_x: float | None = Field(description="Position in the slitlet or cutout, as SRCXPOS has it")
    slit_y: float | None
    points: int = Field(description="Points with a value that data quality does not forbid")
    signal_to_noise: float | None = Field(description="Median of value by error over these points")
    low: float | None = Field(description="Least wavelength with a value, in the unit of the file")
    high: float | None
    outline: list[float | None] = Field(description="The spectrum in at most 40 averages, by growing wavelength")

    @classmethod
    def of(cls, extraction: Extraction) -> "SpectrumFacts":
        return cls(**{name: getattr(extraction, name) for name in cls.model_fields if name != "outline"},
                   outline=list(extraction.outline))  # fmt: skip


class SpectrumPage(BaseModel):
    """Some of the spectra of a product."""

    filename: str
    total: int = Field(description="Spectra of the product")
    found: int = Field(description="Of them with the words asked for")
    spectra: list[SpectrumFacts]


class SpectrumColumnDocument(BaseModel):
    """A column, exactly as the file has it."""

    name: str
    type: str
    unit: str | None
    description: str
    values: list[Any] = Field(description="Every digit; null for what is missing or no number")


class SpectrumDocument(BaseModel):
    """The points of one spectrum."""

    filename: str
    spectrum: SpectrumFacts
    roles: dict[str, str] = Field(
        description="Columns by what they are: wavelength, flux, flux_error, surface_brightness, quality …"
    )
    columns: list[SpectrumColumnDocument]


class SlitFacts(BaseModel):
    """A two-dimensional spectrum of a product."""

    number: int = Field(description="HDU, by which it is asked for")
    label: str
    source_id: int | None
    slit: str | None
    width: int = Field(description="Pixels along the wavelength")
    height: int = Field(description="Pixels along the slit")

    @classmethod
    def of(cls, slit: Slit) -> "SlitFacts":
        return cls(**{name: getattr(slit, name) for name in cls.model_fields})


class SlitList(BaseModel):
    """The two-dimensional spectra of a product."""

    filename: str
    slits: list[SlitFacts]


class SlitDocument(BaseModel):
    """A two-dimensional spectrum with wavelength along x; row 0 is at the bottom."""

    filename: str
    slit: SlitFacts
    width: int = Field(description="Columns sent; fewer than the slit's where they were averaged")
    height: int
    unit: str | None
    wavelength: list[float | None] = Field(description="Of each column: the median along the slit")
    wavelength_unit: str
    spread: float = Field(description="Largest difference of a pixel's wavelength from that of its column")
    turned: bool = Field(description="Whether the file has its wavelengths upright or backwards")
    values: str = Field(description="Base64 of little-endian 32-bit floats, row after row; NaN where nothing is known")
    errors: str | None


Key = Annotated[str, Path(description="Key of a spectrum in the list", examples=["2.17"])]
Number = Annotated[int, Path(description="HDU", ge=0, le=99_999)]


@router.get("/products/{filename}/spectra", operation_id="listSpectra", summary="Spectra of a product")
def list_spectra(
    filename: FileName,
    *,
    archive: TheArchive,
    rule: CallersRule,
    find: Annotated[str, Query(description="Words of label, name, slit or identifier", max_length=200)] = "",
    sort: Annotated[str, Query(description=f"{', '.join(SORTED_BY)}; `-` before it descends")] = "",
    offset: Annotated[int, Query(ge=0, le=1_000_000, description="Spectra to pass over")] = 0,
    limit: Annotated[int, Query(ge=1, le=1000, description="Most spectra of the answer")] = 100,
) -> SpectrumPage:
    """List the spectra that a product holds, each with an outline; none where it holds none."""
    found = archive.spectra.list(filename, rule=rule, words=find, sort=sort, offset=offset, limit=limit)
    spectra = [SpectrumFacts.of(each) for each in found.spectra]
    return SpectrumPage(filename=filename, total=found.total, found=found.found, spectra=spectra)


@router.get(
    "/products/{filename}/spectra/{key}",
    operation_id="getSpectrum",
    summary="One spectrum of a product",
    response_model=SpectrumDocument,
)
def get_spectrum(
    filename: FileName,
    key: Key,
    *,
    request: Request,
    archive: TheArchive,
    rule: CallersRule,
    form: TableFormat = "json",
) -> Response:
    """Return all columns of a spectrum, exactly as the file has them."""
    page = is_page(form)
    found = archive.spectra.spectrum(filename, key, rule=rule)
    if not page:
        columns = [Column(c.name, c.type, c.description, unit=c.unit) for c in found.columns]
        return file_response(
            columns,
            iter([[c.values for c in found.columns]]),
            stem=f"{filename.rsplit('.', 1)[0]}_{key}",
            wanted=form,
            about=f"Spectrum {found.extraction.label} of {filename}",
            request=str(request.url),
        )
    document: dict[str, Any] = {
        "filename": filename,
        "spectrum": SpectrumFacts.of(found.extraction).model_dump(),
        "roles": dict(found.roles),
        "columns": [_column(column) for column in found.columns],
    }
    return json_response(document)


def _column(column: SpectrumColumn) -> dict[str, Any]:
    values = column.values
    return {
        "name": column.name,
        "type": column.type,
        "unit": column.unit,
        "description": column.description,
        "values": numbers(values) if np.ma.getdata(values).dtype.kind in "biuf" else [str(each) for each in values],
    }


@router.get("/products/{filename}/slits", operation_id="listSlits", summary="Two-dimensional spectra of a product")
def list_slits(filename: FileName, archive: TheArchive, rule: CallersRule) -> SlitList:
    """List the rectified slits of a product; none where it holds none."""
    slits = archive.spectra.slits(filename, rule=rule)
    return SlitList(filename=filename, slits=[SlitFacts.of(slit) for slit in slits])


@router.get(
    "/products/{filename}/slits/{number}",
    operation_id="getSlit",
    summary="One two-dimensional spectrum",
    response_model=SlitDocument,
)
def get_slit(filename: FileName, number: Number, archive: TheArchive, rule: CallersRule) -> Response:
    """Return a slit with wavelength along x and the wavelength of each column."""
    found = archive.spectra.slit(filename, number, rule=rule)
    values, errors, wavelength = found.values, found.errors, found.wavelength
    if values.shape[1] > LONGEST_SLIT:
        values, wavelength = squeezed(values, LONGEST_SLIT), squeezed(wavelength[None], LONGEST_SLIT)[0]
        errors = None  # an average of pixels has another error than they have
    return json_response(
        {
            "filename": filename,
            "slit": SlitFacts.of(found.slit).model_dump(),
            "width": values.shape[1],
            "height": values.shape[0],
            "unit": found.unit,
            "wavelength": numbers(wavelength),
            "wavelength_unit": found.wavelength_unit,
            "spread": found.spread,
            "turned": found.turned,
            "values": float32(values),
            "errors": None if errors is None else float32(errors),
        }
    )
