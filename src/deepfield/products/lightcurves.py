"""Time series of spectra (``x1dints``): light curves of wavelength ranges, and the spectra against time.

Integrations are read a few at a time: a series may be far larger than memory.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from deepfield.model.errors import InvalidValueError
from deepfield.products.extracted import good_points, roles_of, spectral_tables

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from deepfield.products.bintable import BinTable
    from deepfield.products.layout import FitsFile

    Floats = NDArray[np.float64]

TIMES: Final = ("TDB-MID", "int_mid_BJD_TDB", "MJD-AVG", "MJD_UTC", "int_mid_MJD_UTC")
"""Columns that hold the middle of an integration, days, best first: barycentric TDB, then UTC."""
COMPLETE: Final = 0.9
"""Share of the integrations in which a wavelength has to be known to count towards a light curve."""
_PIECE: Final = 1 << 21
"""Values of a column that are read at once."""


@dataclass(frozen=True, slots=True)
class Order:
    """The spectra of one spectral order, in the order of the file; segments one after the other."""

    number: int
    tables: tuple[BinTable, ...]
    times: Floats
    """The middle of each integration, MJD; the number of the integration where the file tells no time."""
    time_column: str | None
    wavelength: Floats
    """Of the first integration, as all others of a series."""
    wavelength_unit: str | None
    unit: str | None
    integrations: NDArray[np.int64]

    @property
    def rows(self) -> int:
        """Integrations."""
        return len(self.times)

    def pieces(self) -> Iterator[tuple[int, Floats, Floats | None]]:
        """Yield first integration, fluxes without what quality forbids, and errors, a few integrations at a time."""
        place = 0
        for table in self.tables:
            roles = roles_of(table)
            step = max(1, _PIECE // len(self.wavelength))
            for start in range(0, table.rows, step):
                cells = {role: table.read(roles[role], start, start + step) for role in _READ if role in roles}
                error = cells.get("flux_error")
                yield place + start, good_points(cells["flux"], error, cells.get("quality")), error
            place += table.rows


_READ: Final = ("flux", "flux_error", "quality")


@dataclass(frozen=True, slots=True)
class LightCurve:
    """The light of a range of wavelengths, integration by integration."""

    flux: Floats
    """Sum over the wavelengths that count and are known; NaN where none is."""
    error: Floats
    points: NDArray[np.int64]
    """How many wavelengths went into each sum."""
    counted: int
    """Wavelengths that count: those known in nine integrations of ten."""
    left_out: int
    """Wavelengths of the range that do not."""


@dataclass(frozen=True, slots=True)
class Map:
    """Flux against wavelength (columns) and integration (rows), each over its median in time, averaged to fit."""

    values: Floats
    wavelength: Floats
    """Middle of each column."""
    times: Floats
    """Middle of each row."""
    per_cell: tuple[int, int]
    """Integrations and wavelengths behind a cell."""


def series_of(file: FitsFile) -> list[Order]:
    """Return the orders of a file whose rows are integrations; none where it holds no time series.

    Raises:
        UnreadableFileError: a table is not as its header says.
    """
    found: dict[int, list[BinTable]] = {}
    for table in spectral_tables(file):
        roles = roles_of(table)
        if table.find("INT_NUM") is None or "flux" not in roles or not roles["wavelength"].shape or not table.rows:
            continue
        found.setdefault(table.unit.whole("SPORDER") or 1, []).append(table)
    return [_order(number, tables) for number, tables in sorted(found.items())]


def light_curve(order: Order, low: float | None, high: float | None) -> LightCurve:
    """Sum the spectra of an order from one wavelength to another, both included; all of them without limits.

    A wavelength counts where nine integrations of ten know it, so that the light does not depend on bad pixels; what
    a single integration lacks of those is left out of its sum, and ``points`` tells.

    Raises:
        InvalidValueError: no wavelength lies in the range.
    """
    inside = np.isfinite(order.wavelength)
    if low is not None:
        inside &= order.wavelength >= low
    if high is not None:
        inside &= order.wavelength <= high
    if not inside.any():
        known = order.wavelength[np.isfinite(order.wavelength)]
        span = f"{known.min():.6g} to {known.max():.6g} {order.wavelength_unit or ''}" if known.size else "nothing"
        given = f"{'' if low is None else format(low, 'g')}..{'' if high is None else format(high, 'g')}"
        raise InvalidValueError("band", given, f"a range that holds a wavelength of order {order.number}: {span}")
    seen = np.zeros(len(order.wavelength), np.int64)
    for _, flux, _ in order.pieces():
        seen += np.isfinite(flux).sum(axis=0)
    counts = inside & (seen >= COMPLETE * order.rows)
    total, error = np.full(order.rows, np.nan), np.full(order.rows, np.nan)
    points = np.zeros(order.rows, np.int64)
    for start, flux, errors in order.pieces():
        part = flux[:, counts]
        known = np.isfinite(part)
        stop = start + len(part)
        points[start:stop] = known.sum(axis=1)
        some = known.any(axis=1)
        total[start:stop][some] = np.where(known, part, 0.0).sum(axis=1)[some]
        if errors is not None:
            squares = np.where(known, errors[:, counts], 0.0) ** 2
            error[start:stop][some] = np.sqrt(squares.sum(axis=1))[some]
    return LightCurve(total, error, points, int(counts.sum()), int(inside.sum() - counts.sum()))


def series_map(order: Order, *, most: tuple[int, int]) -> Map:
    """Return an order as a picture of at most ``most`` rows and columns, wavelength growing to the right."""
    usual = np.argsort(order.wavelength, kind="stable")
    usual = usual[np.isfinite(order.wavelength[usual])]
    rows = np.minimum(np.arange(order.rows) * min(most[0], order.rows) // order.rows, most[0] - 1)
    shares = np.arange(len(usual)) * min(most[1], len(usual)) // max(1, len(usual))
    height, width = int(rows[-1]) + 1, int(shares[-1]) + 1 if len(usual) else 0
    total, count = np.zeros((height, width)), np.zeros((height, width))
    for start, flux, _ in order.pieces():
        part = flux[:, usual]
        known = np.isfinite(part)
        filled = np.where(known, part, 0.0)
        for place in range(len(part)):
            row = rows[start + place]
            total[row] += np.bincount(shares, filled[place], width)
            count[row] += np.bincount(shares, known[place], width)
    mean = np.where(count > 0, total / np.maximum(count, 1), np.nan)
    middle = np.array([_median(mean[:, column]) for column in range(width)])
    relative = mean / np.where(np.isfinite(middle) & (middle != 0), middle, np.nan)
    along = np.bincount(shares, order.wavelength[usual], width) / np.bincount(shares, minlength=width)
    when = np.bincount(rows, order.times, height) / np.bincount(rows, minlength=height)
    per_cell = -(-order.rows // height), -(-len(usual) // max(1, width))
    return Map(relative, along, when, per_cell)


def folded(times: Floats, period: float, epoch: float) -> Floats:
    """Return the phase of each moment, from -0.5 on and below 0.5; 0 at ``epoch``."""
    return np.asarray((times - epoch) / period - np.floor((times - epoch) / period + 0.5))


def _median(values: Floats) -> float:
    known = values[np.isfinite(values)]
    return float(np.median(known)) if known.size else np.nan


def _order(number: int, tables: Sequence[BinTable]) -> Order:
    lengths = [roles_of(table)["wavelength"].shape[0] for table in tables]
    tables = tuple(table for table, length in zip(tables, lengths, strict=True) if length == lengths[0])
    first = roles_of(tables[0])
    time = next((name for name in TIMES if all(table.find(name) is not None for table in tables)), None)
    integrations = np.concatenate([_column(table, "INT_NUM") for table in tables]).astype(np.int64)
    times = np.concatenate([_column(table, time or "INT_NUM") for table in tables]).astype(np.float64)
    wavelength = np.asarray(tables[0].read(first["wavelength"], 0, 1)[0], np.float64)
    return Order(number, tables, times, time, wavelength, first["wavelength"].unit, first["flux"].unit, integrations)


def _column(table: BinTable, name: str) -> Floats:
    column = table.find(name)
    assert column is not None
    return np.asarray(table.read(column), np.float64)
