"""Time series of spectra: the orders of one, light curves of bands, and spectra against time."""

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, Field
from starlette.responses import Response

from deepfield.services.series import OrderFacts
from deepfield.web.context import CallersRule, FileName, TheArchive
from deepfield.web.portal.api.documents import json_response, plain
from deepfield.web.portal.api.written import TableFormat, column_of, file_response, float32, is_page, numbers

router = APIRouter(tags=["time series"])


class OrderDocument(BaseModel):
    """A spectral order of a time series."""

    number: int
    integrations: int
    wavelengths: int
    low: float | None
    high: float | None
    wavelength_unit: str | None
    unit: str | None
    start: float | None = Field(description="Middle of the first integration, in the time of the file")
    end: float | None
    time_column: str | None = Field(description="Column the times come from; null where they are integration numbers")

    @classmethod
    def of(cls, facts: OrderFacts) -> "OrderDocument":
        return cls(**{name: plain(getattr(facts, name)) for name in cls.model_fields})


class SeriesDocument(BaseModel):
    """The orders of a time series."""

    filename: str
    orders: list[OrderDocument]


class LightDocument(BaseModel):
    """The light of a band, integration by integration."""

    filename: str
    order: int
    band: str | None
    unit: str | None = Field(description="Of the sums")
    time_column: str | None
    counted: int = Field(description="Wavelengths that went into the sums: known in nine integrations of ten")
    left_out: int = Field(description="Wavelengths of the band that did not")
    integration: list[int]
    time: list[float]
    flux: list[float | None]
    error: list[float | None]
    points: list[int] = Field(description="Wavelengths in each sum")
    phase: list[float] | None = Field(description="-0.5 to 0.5, where a period was given")


class MapDocument(BaseModel):
    """Flux against wavelength (columns) and time (rows), each over its median in time; row 0 is the first."""

    filename: str
    order: OrderDocument
    width: int
    height: int
    wavelength: list[float]
    time: list[float]
    integrations_per_row: int
    wavelengths_per_column: int
    values: str = Field(description="Base64 of little-endian 32-bit floats, row after row; NaN where nothing is known")


AnOrder = Annotated[int | None, Query(ge=-100, le=100, description="Spectral order; the first by default")]


@router.get("/products/{filename}/series", operation_id="getSeries", summary="Orders of a time series")
def get_series(filename: FileName, archive: TheArchive, rule: CallersRule) -> SeriesDocument:
    """Describe a time series of spectra."""
    orders = archive.series.describe(filename, rule=rule)
    return SeriesDocument(filename=filename, orders=[OrderDocument.of(order) for order in orders])


@router.get(
    "/products/{filename}/series/light",
    operation_id="getLightCurve",
    summary="Light curve of a band",
    response_model=LightDocument,
)
def get_light(
    filename: FileName,
    *,
    request: Request,
    archive: TheArchive,
    rule: CallersRule,
    order: AnOrder = None,
    band: Annotated[str | None, Query(description="Wavelengths summed; all by default", examples=["2.0..2.5"])] = None,
    period: Annotated[float | None, Query(description="Days by which times are folded", gt=0, lt=1e9)] = None,
    epoch: Annotated[float | None, Query(description="Time of phase 0; the first integration by default")] = None,
    form: TableFormat = "json",
) -> Response:
    """Sum the spectra over a band, integration by integration: the white light without one."""
    page = is_page(form)
    found = archive.series.light(filename, order, rule=rule, band=band, period=period, epoch=epoch)
    curve = found.curve
    if page:
        document: dict[str, Any] = {
            "filename": filename,
            "order": found.order,
            "band": band,
            "unit": found.unit,
            "time_column": found.time_column,
            "counted": curve.counted,
            "left_out": curve.left_out,
            "integration": numbers(found.integrations),
            "time": numbers(found.times),
            "flux": numbers(curve.flux),
            "error": numbers(curve.error),
            "points": numbers(curve.points),
            "phase": numbers(found.phase),
        }
        return json_response(document)
    where = f" in {band}" if band else ""
    shown = [
        ("INT_NUM", found.integrations, None, "Integration"),
        (found.time_column or "TIME", found.times, "d", "Middle of the integration"),
        ("FLUX", curve.flux, found.unit, f"Sum over {curve.counted} wavelengths{where}"),
        ("FLUX_ERROR", curve.error, found.unit, "Its error"),
        ("N_POINTS", curve.points, None, "Wavelengths that went into the sum"),
        ("PHASE", found.phase, None, f"Folded by {period} d"),
    ]
    there = [(name, values, unit, about) for name, values, unit, about in shown if values is not None]
    return file_response(
        [column_of(name, values, unit=unit, description=about) for name, values, unit, about in there],
        iter([[values for _, values, _, _ in there]]),
        stem=f"{filename.rsplit('.', 1)[0]}_light",
        wanted=form,
        about=f"Light curve of order {found.order}{where} of {filename}",
        request=str(request.url),
    )


@router.get(
    "/products/{filename}/series/map",
    operation_id="getSeriesMap",
    summary="Spectra against time",
    response_model=MapDocument,
)
def get_map(filename: FileName, archive: TheArchive, rule: CallersRule, order: AnOrder = None) -> Response:
    """Return all spectra of an order as a picture, averaged where there are more than it has room for."""
    facts, found = archive.series.map(filename, order, rule=rule)
    height, width = found.values.shape
    return json_response(
        {
            "filename": filename,
            "order": OrderDocument.of(facts).model_dump(),
            "width": width,
            "height": height,
            "wavelength": numbers(found.wavelength),
            "time": numbers(found.times),
            "integrations_per_row": found.per_cell[0],
            "wavelengths_per_column": found.per_cell[1],
            "values": float32(found.values),
        }
    )
