"""Time series of products: light curves of bands, and spectra against time."""

from __future__ import annotations

import math
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from deepfield.model.errors import InvalidValueError
from deepfield.products.lightcurves import folded, light_curve, series_map, series_of
from deepfield.services.cubes import parse_range
from deepfield.services.opening import nothing

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from deepfield.access.policy import Readable
    from deepfield.products.lightcurves import LightCurve, Map, Order
    from deepfield.services.opening import Opening

    Floats = NDArray[np.float64]

WHAT: Final = "time series of spectra"
MAP_SIZE: Final = (1024, 1024)
"""Most rows and columns of a picture."""


@dataclass(frozen=True, slots=True)
class OrderFacts:
    """What an order of a time series is, without its values."""

    number: int
    integrations: int
    wavelengths: int
    low: float
    high: float
    wavelength_unit: str | None
    unit: str | None
    start: float
    """The middle of the first integration, in the time of the file."""
    end: float
    time_column: str | None


@dataclass(frozen=True, slots=True)
class BandCurve:
    """The light of a band, integration by integration."""

    filename: str
    order: int
    band: str | None
    times: Floats
    time_column: str | None
    integrations: NDArray[np.int64]
    curve: LightCurve
    unit: str | None
    phase: Floats | None


class TimeSeries:
    """Looks into time series, a few integrations at a time."""

    def __init__(self, opening: Opening) -> None:
        self._opening = opening

    def describe(self, filename: str, *, rule: Readable) -> Sequence[OrderFacts]:
        """Return the orders of a time series.

        Raises:
            NothingToShowError: the product holds none.
            UnknownProductError, AccessDeniedError, StaleFileError, UnreadableFileError, BusyError: as opening does.
        """
        with self._orders(filename, rule) as orders:
            return [_facts(order) for order in orders]

    def light(
        self,
        filename: str,
        number: int | None,
        *,
        rule: Readable,
        band: str | None = None,
        period: float | None = None,
        epoch: float | None = None,
    ) -> BandCurve:
        """Return the light curve of an order, the first one without ``number``, in a band; folded by a period in days.

        Phase 0 is at ``epoch``, in the time of the file; the first integration without it.

        Raises:
            InvalidValueError: band or period cannot be right, or there is no such order.
            NothingToShowError: the product holds no time series.
            UnknownProductError, AccessDeniedError, StaleFileError, UnreadableFileError, BusyError: as opening does.
        """
        if period is not None and not (period > 0 and math.isfinite(period)):
            raise InvalidValueError("period", period, "days above 0")
        if epoch is not None and not math.isfinite(epoch):
            raise InvalidValueError("epoch", epoch, "a moment in the time of the file, days")
        low, high = (None, None) if band is None else parse_range("band", band)
        with self._orders(filename, rule) as orders:
            order = _chosen(orders, number)
            curve = light_curve(order, low, high)
        phase = None if period is None else folded(order.times, period, order.times[0] if epoch is None else epoch)
        return BandCurve(
            filename, order.number, band, order.times, order.time_column, order.integrations, curve, order.unit, phase
        )

    def map(self, filename: str, number: int | None, *, rule: Readable) -> tuple[OrderFacts, Map]:
        """Return an order as a picture of wavelength and time.

        Raises:
            InvalidValueError: there is no such order.
            NothingToShowError: the product holds no time series.
            UnknownProductError, AccessDeniedError, StaleFileError, UnreadableFileError, BusyError: as opening does.
        """
        with self._orders(filename, rule) as orders:
            order = _chosen(orders, number)
            return _facts(order), series_map(order, most=MAP_SIZE)

    @contextmanager
    def _orders(self, filename: str, rule: Readable) -> Iterator[Sequence[Order]]:
        with self._opening.fits(self._opening.find(filename, rule=rule), WHAT) as file:
            orders = series_of(file)
            if not orders:
                raise nothing(file, WHAT)
            yield orders


def _chosen(orders: Sequence[Order], number: int | None) -> Order:
    for order in orders:
        if number in {None, order.number}:
            return order
    raise InvalidValueError("order", number, " or ".join(str(order.number) for order in orders))


def _facts(order: Order) -> OrderFacts:
    known = order.wavelength[order.wavelength > 0]
    low, high = (float(known.min()), float(known.max())) if known.size else (math.nan, math.nan)
    start, end = float(order.times.min()), float(order.times.max())
    return OrderFacts(
        order.number,
        order.rows,
        len(known),
        low,
        high,
        order.wavelength_unit,
        order.unit,
        start,
        end,
        order.time_column,
    )
