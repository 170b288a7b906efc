"""Histograms whose edges are exactly where their bins begin.

A bin number is computed by the engine, as ``floor((g(x) - g(min)) * k)`` with g the identity or the logarithm.
Rounding may put a value beside a decimal edge into the neighbouring bin, so the edges are taken from the function
itself: each is the smallest double that the function puts into its bin.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Final, Literal

from sqlglot import exp

from deepfield.query.lower import double, literal
from deepfield.query.moments import MJD_OF_1970

if TYPE_CHECKING:
    from collections.abc import Callable

    from deepfield.model.tables import ColumnType

BINS: Final = 40
BELOW: Final = -1
"""Bin number of values that a logarithmic scale cannot show."""
_MICROSECONDS_A_DAY: Final = 86_400e6

Scale = Literal["linear", "log"]


@dataclass(frozen=True, slots=True)
class Bins:
    """How values become bin numbers."""

    lower: float
    upper: float
    scale: Scale
    most: int = BINS

    @property
    def number(self) -> int:
        return self.most if self.upper > self.lower else 1

    @property
    def edges(self) -> tuple[float, ...]:
        """The ``number + 1`` edges: bin i holds edges[i] <= x < edges[i + 1], the last one its upper edge too."""
        return _edges(self.lower, self.upper, self.scale, self.most)

    def expression(self, value: exp.Expression) -> exp.Expression:
        """Return the bin number of a value of type double; null for null."""
        start, factor = _line(self.lower, self.upper, self.scale, self.most)
        scaled = exp.func("ln", value.copy()) if self.scale == "log" else value.copy()
        place = exp.func("floor", exp.paren(scaled - double(start)) * double(factor))
        number: exp.Expression = exp.func("greatest", literal(0), exp.func("least", literal(self.number - 1), place))
        number = exp.cast(number, "INTEGER")
        case = exp.case().when(value.is_(exp.null()), exp.null())
        if self.scale == "log":
            case = case.when(value <= double(0.0), literal(BELOW))
        return case.else_(number)


def as_double(value: exp.Expression, kind: ColumnType) -> exp.Expression:
    """Return a number, or a timestamp as MJD, as a double."""
    if kind == "timestamp":
        return exp.paren(exp.cast(_epoch(value), "DOUBLE") / double(_MICROSECONDS_A_DAY) + double(MJD_OF_1970))
    return value if kind == "float64" else exp.cast(value, "DOUBLE")


def _epoch(value: exp.Expression) -> exp.Expression:
    return exp.Anonymous(this="epoch_us", expressions=[value])


def _line(lower: float, upper: float, scale: Scale, number: int) -> tuple[float, float]:
    start, end = (math.log(lower), math.log(upper)) if scale == "log" else (lower, upper)
    return start, number / (end - start) if end > start else 0.0


@lru_cache(maxsize=4096)
def _edges(lower: float, upper: float, scale: Scale, bins: int) -> tuple[float, ...]:
    start, factor = _line(lower, upper, scale, bins)
    if not factor:
        return (lower, upper)

    def place(x: float) -> float:
        return ((math.log(x) if scale == "log" else x) - start) * factor

    inner = []
    for number in range(1, bins):
        middle = start + number / factor
        inner.append(_first_at(place, number, math.exp(middle) if scale == "log" else middle))
    return (lower, *inner, upper)


def _first_at(place: Callable[[float], float], number: int, guess: float) -> float:
    """Return the smallest double whose place is at least ``number``, near a guess."""
    step = max(abs(guess) * 1e-15, 5e-324)
    low, high = guess, guess
    while place(low) >= number:
        low, step = low - step, step * 2
    while place(high) < number:
        high, step = high + step, step * 2
    while math.nextafter(low, high) < high:
        middle = low + (high - low) / 2
        if place(middle) >= number:
            high = middle
        else:
            low = middle
    return high
