"""What all dispersed exposures share: orientation, outline, headers, detector and the extraction along a trace."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from deepfield.simulate import detector as detectors
from deepfield.simulate import extraction
from deepfield.simulate.disperser import disperser, jansky_scale, profile
from deepfield.simulate.projection import polygon_text
from deepfield.simulate.sky import random

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from deepfield.simulate.disperser import Disperser, Trace
    from deepfield.simulate.exposure import Exposure
    from deepfield.simulate.header import Tree

    Floats = NDArray[np.float64]

MISSED_HITS = 0.04
"""Share of the cosmic rays that the jump detection overlooks and the outlier detection has to find."""
TO_MJY = 1e-6


def through_of(exposure: Exposure) -> Disperser:
    """The disperser of an exposure."""
    return disperser(str(exposure.observation.plan["disperser"]))


def turned(plane: Any, axis: int) -> Any:
    """Turn an image so that its last axis is wavelength, or back; ``axis`` is the disperser's."""
    return plane if axis == 1 else np.swapaxes(plane, -1, -2)


def pixel_area(exposure: Exposure) -> float:
    """Solid angle of a pixel of the file, sr."""
    return float((through_of(exposure).pixel / 206264.806) ** 2 * exposure.averaged)


def where(exposure: Exposure, orders: Sequence[Trace]) -> Tree:
    """The ``meta.wcsinfo`` entries: outline on the sky, range of wavelengths, direction of dispersion."""
    return {
        "s_region": outline(exposure),
        "waverange_start": float(min(np.nanmin(one.wavelength) for one in orders)) * 1e-6,
        "waverange_end": float(max(np.nanmax(one.wavelength) for one in orders)) * 1e-6,
        "dispersion_direction": through_of(exposure).axis,
        "specsys": "BARYCENT",
    }


def outline(exposure: Exposure) -> str:
    """The S_REGION of an exposure: of its slit, or of its subarray without the disperser."""
    if exposure.reference.vertices:
        sky = exposure.pointing.across(exposure.reference)
        return polygon_text(*sky(np.array([0.0, 1.0, 1.0, 0.0]), np.array([0.0, 0.0, 1.0, 1.0])))
    return polygon_text(*exposure.pointing.outline(exposure.seen, str(exposure.observation.plan["frame"])))


def pattern_of(exposure: Exposure, seed: int) -> detectors.Pixels:
    """The fixed pattern of an exposure's pixels."""
    return detectors.pixels(
        detectors.detector(exposure.detector),
        exposure.projection.shape,
        seed,
        corner=exposure.seen.corner,
        step=exposure.binning,
        full=exposure.seen.full,
    )


def stack_images(images: Sequence[detectors.Image]) -> detectors.Image:
    """Images of integrations as one of three dimensions."""
    names = ("sci", "dq", "var_poisson", "var_rnoise")
    return detectors.Image(*(np.stack([getattr(one, name) for one in images]) for name in names))


def expose_series(
    exposure: Exposure, light: Floats, pattern: detectors.Pixels, seed: int
) -> tuple[detectors.Ramp, detectors.Image, detectors.Image]:
    """Read changing light out: the raw groups, the rates of the integrations, and those of all together.

    ``light`` is in DN/s, shape (integrations, rows, columns).
    """
    device = detectors.detector(exposure.detector)
    rng = random(seed, exposure.root)
    single = replace(exposure.readout, integrations=1)
    ramps, rates = [], []
    for one in light:
        ramp, expected = detectors.expose(
            one, device, pattern, single, rng, averaged=exposure.averaged, missed=MISSED_HITS
        )
        ramps.append(ramp)
        rates.append(detectors.fit(ramp, expected, device, pattern, single, averaged=exposure.averaged))
    ramp = detectors.Ramp(
        *(np.concatenate([getattr(one, name) for one in ramps]) for name in ("groups", "jumps", "saturated"))
    )
    mean = light.mean(axis=0) * pattern.flat
    together = detectors.fit(ramp, mean, device, pattern, exposure.readout, averaged=exposure.averaged)
    return ramp, stack_images(rates), together


def unit_scale(exposure: Exposure, orders: Sequence[Trace]) -> Floats:
    """What one DN/s is worth in the unit of ``cal``, for every pixel; NaN off the trace.

    The unit is the plan's: MJy/sr, MJy (in a pixel), or DN/s where the pipeline calibrates spectra alone.
    """
    shape = exposure.projection.shape
    unit = str(exposure.observation.plan["unit"])
    if unit == "DN/s":
        return np.ones(shape)
    through = through_of(exposure)
    column = _per_rate(exposure, orders[0])
    return np.asarray(turned(np.broadcast_to(column, turned(np.empty(shape), through.axis).shape), through.axis))


def calibrated(exposure: Exposure, rate: detectors.Image, pattern: detectors.Pixels, scale: Floats) -> detectors.Image:
    """From DN/s to the unit of ``scale``; what lies off the trace is no science."""
    off = ~np.isfinite(scale)
    image = detectors.calibrate(rate, pattern, detectors.detector(exposure.detector), np.nan_to_num(scale))
    image.dq[..., off] |= detectors.NON_SCIENCE | detectors.DO_NOT_USE
    for plane in (image.sci, image.var_poisson, image.var_rnoise, image.var_flat):
        assert plane is not None
        plane[..., off] = np.nan
    return image


def extract(
    exposure: Exposure,
    image: detectors.Image,
    orders: Sequence[Trace],
    one: Trace,
    *,
    width: float = 0.0,
    sky_left: bool = True,
) -> dict[str, Any]:
    """The columns of an order's spectrum, by increasing wavelength; of a cube one row a plane.

    Sums the pixels within ``half`` of the trace over the sky beside it, and divides by the share of the light that the
    good ones of them hold. ``width`` widens the star (arcseconds) where the source is not one; ``sky_left`` says
    whether the sky is still there to be subtracted.
    """
    through = through_of(exposure)
    across = exposure.binning[2 - through.axis]
    planes = [turned(p, through.axis) for p in (image.sci, image.var_poisson, image.var_rnoise, image.var_flat)]
    rows = planes[0].shape[-2]
    middle = (np.arange(rows) + 0.5) * across - 0.5
    away = np.abs(middle[:, None] - one.centre[None, :])
    share = np.nan_to_num(np.clip((through.half - away) / across + 0.5, 0, 1))
    beside = np.all([~(np.abs(middle[:, None] - o.centre[None, :]) < through.half + across) for o in orders], axis=0)
    good = np.isfinite(planes[0])
    light = profile(widened(through, width), one, rows, across)
    sky, sky_variance = _sky(planes, beside & good) if sky_left else (np.zeros(planes[0].shape[-1]),) * 2
    use = share * good
    held = np.maximum((use * light).sum(axis=-2), 1e-9)
    number = use.sum(axis=-2)
    total = (use * np.nan_to_num(planes[0] - sky[..., None, :])).sum(axis=-2)
    jansky = jansky_scale(exposure, through, one) / _per_rate(exposure, one)
    factor = jansky / held
    variances = [(use**2 * np.nan_to_num(plane)).sum(axis=-2) * factor**2 for plane in planes[1:]]
    variances[0] = variances[0] + (number * factor) ** 2 * sky_variance
    inside = np.isfinite(one.wavelength)
    order = np.flatnonzero(inside)[np.argsort(one.wavelength[inside])]
    area = pixel_area(exposure)
    to_bright = 1e-6 * jansky / area
    return extraction.columns(
        one.wavelength[order],
        (total * factor)[..., order],
        (variances[0][..., order], variances[1][..., order], variances[2][..., order]),
        solid_angle=float(share.sum(axis=0).max() * area),
        background=(sky * to_bright)[..., order],
        background_variance=(sky_variance * to_bright**2)[..., order],
        pixels=np.where(held > 0.2, number, 0.0)[..., order],
    )


def widened(through: Disperser, width: float) -> Disperser:
    """The disperser as a source of ``width`` arcseconds (full width) sees it."""
    return replace(through, width=(float(np.hypot(through.width[0], width / through.pixel)), through.width[1]))


def _per_rate(exposure: Exposure, one: Trace) -> Any:
    """The unit of ``cal`` for one DN/s along a trace."""
    through = through_of(exposure)
    unit = str(exposure.observation.plan["unit"])
    if unit == "DN/s":
        return 1.0
    factor = TO_MJY / (pixel_area(exposure) if unit == "MJy/sr" else 1.0)
    return jansky_scale(exposure, through, one) * factor


def known_median(values: Floats, axis: int | tuple[int, ...]) -> Floats:
    """The median of what is finite, NaN where nothing is."""
    median: Any = np.ma.median
    return np.asarray(np.ma.filled(median(np.ma.masked_invalid(values), axis=axis), np.nan))


def _sky(planes: Sequence[Floats], use: Floats) -> tuple[Floats, Floats]:
    """The median beside the traces at each wavelength, and its variance."""
    number = np.maximum(use.sum(axis=-2), 1)
    level = known_median(np.where(use, planes[0], np.nan), axis=-2)
    variance = np.where(use, np.nan_to_num(sum(planes[1:])), 0.0).sum(axis=-2) / number**2
    return np.nan_to_num(level), np.pi / 2 * variance
