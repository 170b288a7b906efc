"""Prisms and grisms: where on a detector a source's light of each wavelength falls, order by order.

The shapes of the traces are approximate: good to a few pixels, with the real detectors' directions of dispersion.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import interpolate, special

from deepfield.simulate import detector as detectors
from deepfield.simulate.optics import COLLECTING_AREA
from deepfield.simulate.programme import read_table

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from deepfield.simulate.exposure import Exposure

    Floats = NDArray[np.float64]

PLANCK = 6.62607015e-34


@dataclass(frozen=True, slots=True)
class Order:
    """One spectral order on a subarray; pixels are those of the detector, counted from 0.

    ``nodes`` are (pixel along the dispersion, wavelength in µm); ``cross`` is a polynomial for the trace's place across
    it, in u from -1 at the first to 1 at the last pixel; ``share`` is the part of the light in this order.
    """

    number: int
    nodes: tuple[tuple[float, float], ...]
    cross: tuple[float, ...]
    share: float = 1.0


@dataclass(frozen=True, slots=True)
class Disperser:
    """A dispersing element as one mode uses it.

    ``axis`` is 1 for dispersion along x, 2 along y. ``width`` (constant, slope) gives the full width of a star across
    the dispersion in pixels, ``horns`` half the width of a weak lens. ``pixel`` is the side of a pixel in arcseconds,
    ``sky`` the background in MJy/sr, ``half`` half the height of the extraction in pixels.
    """

    axis: int
    pixel: float
    width: tuple[float, float]
    half: float
    sky: float
    orders: tuple[Order, ...]
    horns: float = 0.0


@cache
def disperser(name: str) -> Disperser:
    """A disperser of ``dispersers.toml``."""
    facts: dict[str, Any] = dict(read_table("dispersers.toml")[name])
    orders = tuple(
        Order(**{**one, "nodes": tuple(map(tuple, one["nodes"])), "cross": tuple(one["cross"])})
        for one in facts.pop("order")
    )
    return Disperser(orders=orders, **{**facts, "width": tuple(facts["width"])})


@dataclass(frozen=True, slots=True, eq=False)
class Trace:
    """An order on the pixels of a file, one value for each pixel along the dispersion (NaN off the trace).

    ``wavelength`` and ``step`` (the width of a detector pixel) in µm, ``centre`` across in detector pixels from 0.
    """

    order: Order
    wavelength: Floats
    step: Floats
    centre: Floats


def traces(through: Disperser, exposure: Exposure) -> tuple[Trace, ...]:
    """The orders of a disperser on the pixels of an exposure."""
    along = exposure.projection.shape[2 - through.axis]
    binning = exposure.binning[through.axis - 1]
    places = np.asarray((np.arange(along) + 0.5) * binning - 0.5, np.float64)
    return tuple(trace(order, places) for order in through.orders)


def trace(order: Order, pixels: Floats, shift: tuple[float, float] = (0.0, 0.0)) -> Trace:
    """An order at places along the dispersion, moved by ``shift`` (along, across) detector pixels."""
    places, values = np.array(order.nodes).T
    curve = interpolate.PchipInterpolator(places, values, extrapolate=False)
    at = pixels - shift[0]
    inside = (at >= places[0]) & (at <= places[-1])
    u = 2 * (at - places[0]) / (places[-1] - places[0]) - 1
    centre = np.polynomial.polynomial.polyval(u, order.cross) + shift[1]
    return Trace(order, curve(at), np.abs(curve.derivative()(at)), np.where(inside, centre, np.nan))


def profile(through: Disperser, one: Trace, rows: int, binning: int) -> Floats:
    """The share of a star's light in each pixel across the dispersion, shape (rows, along); 0 off the trace."""
    edges = np.arange(rows + 1)[:, None] * binning - 0.5
    away = edges - one.centre[None, :]
    spread = (through.width[0] + through.width[1] * one.wavelength) / 2.3548

    def below(offset: float) -> Floats:
        return np.asarray(special.ndtr((away - offset) / spread))

    if through.horns == 0.0:
        share = below(0.0)
    else:
        places = np.linspace(-through.horns, through.horns, 7)
        weight = np.array([2.0, 1.0, 1.0, 1.0, 1.0, 1.0, 2.0])
        share = sum(w * below(place) for w, place in zip(weight / weight.sum(), places, strict=True))
    return np.nan_to_num(np.diff(share, axis=0))


def electrons_per_jansky(one: Trace, throughput: float) -> Floats:
    """Electrons a second in one column of detector pixels for a flux density of one Jy."""
    photons = 1e-26 * COLLECTING_AREA * one.step / one.wavelength / PLANCK
    return np.asarray(photons * throughput * one.order.share)


def jansky_scale(exposure: Exposure, through: Disperser, one: Trace) -> Floats:
    """Jy in one pixel of the file for one DN/s, at each place along the dispersion."""
    device = detectors.detector(exposure.detector)
    electrons = electrons_per_jansky(one, device.throughput) * exposure.binning[through.axis - 1]
    return np.asarray(exposure.averaged * device.gain / electrons)
