"""The source catalogue and segmentation map of a combined image, by thresholding the image itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from astropy import units
from astropy.coordinates import SkyCoord
from astropy.table import QTable
from scipy import ndimage, spatial

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from deepfield.simulate.resample import Combined

    Floats = NDArray[np.float64]

SIGMAS = 5.0
BLOCK = 16
"""Side, in pixels, of the blocks in which the background is measured."""
SMALLEST = 4
"""Connected pixels that make a source."""
APERTURES = {"aper30": 0.3, "aper50": 0.5, "aper70": 0.7}


def detect(combined: Combined) -> tuple[NDArray[np.uint32], Floats]:
    """A label for every source of a combined image (0 is sky) and the background in MJy/sr."""
    image = np.where(np.isfinite(combined.sci), combined.sci, np.nanmedian(combined.sci))
    background = _smooth_median(image)
    noise = np.sqrt(np.nan_to_num(np.sum(combined.variances, axis=0), nan=np.inf))
    texture = 1.4826 * _smooth_median(np.abs(image - background))
    signal = ndimage.gaussian_filter(image - background, 0.8)
    labels, number = ndimage.label(signal > SIGMAS * np.maximum(noise * 0.4, texture))
    sizes = ndimage.sum_labels(np.ones_like(labels), labels, np.arange(number + 1))
    keep = np.flatnonzero(sizes >= SMALLEST)
    keep = keep[keep > 0]
    renumbered = np.zeros(number + 1, np.uint32)
    renumbered[keep] = np.arange(keep.size) + 1
    return renumbered[labels], background


def _smooth_median(image: Floats) -> Floats:
    """Medians of blocks, joined by straight lines."""
    rows, columns = (-(-size // BLOCK) for size in image.shape)
    padded = np.pad(image, ((0, rows * BLOCK - image.shape[0]), (0, columns * BLOCK - image.shape[1])), mode="reflect")
    medians = np.median(padded.reshape(rows, BLOCK, columns, BLOCK), axis=(1, 3))
    y, x = ((np.arange(size) + 0.5) / BLOCK - 0.5 for size in image.shape)
    at = np.meshgrid(y, x, indexing="ij")
    return np.asarray(ndimage.map_coordinates(medians, at, order=1, mode="nearest"))


def catalogue(combined: Combined, labels: NDArray[np.uint32], background: Floats) -> QTable:
    """Positions, shapes and fluxes of the labelled sources, in the pipeline's columns and units."""
    number = int(labels.max(initial=0))
    index = np.arange(1, number + 1)
    to_jansky = 1e6 * np.radians(combined.projection.scale) ** 2
    signal = np.nan_to_num(np.clip(combined.sci - background, 0, None))
    variance = np.nan_to_num(np.sum(combined.variances, axis=0))
    flux = ndimage.sum_labels(signal, labels, index)
    shape = _moments(signal, labels, index, flux)
    error = np.sqrt(ndimage.sum_labels(variance, labels, index))
    pixels = ndimage.sum_labels(np.ones_like(signal), labels, index)
    sky = SkyCoord(*combined.projection.to_sky(shape["x"], shape["y"]), unit="deg")
    table = QTable()
    table["label"] = index
    table["xcentroid"], table["ycentroid"] = shape["x"] * units.pix, shape["y"] * units.pix
    table["sky_centroid"] = sky
    table["aper_bkg_flux"] = ndimage.mean(background, labels, index) * to_jansky * units.Jy
    table["aper_bkg_flux_err"] = error / np.maximum(pixels, 1) * to_jansky * units.Jy
    for name, share in APERTURES.items():
        table[f"{name}_flux"] = share * flux * to_jansky * units.Jy
        table[f"{name}_flux_err"] = np.sqrt(share) * error * to_jansky * units.Jy
    table["aper_total_flux"] = flux * to_jansky * units.Jy
    table["aper_total_flux_err"] = error * to_jansky * units.Jy
    table["aper_total_abmag"] = _magnitude(flux * to_jansky)
    table["aper_total_abmag_err"] = _magnitude_error(flux, error)
    table["is_extended"] = shape["major"] > 1.6
    table["nn_label"], table["nn_dist"] = _neighbours(shape["x"], shape["y"])
    table["isophotal_flux"] = flux * to_jansky * units.Jy
    table["isophotal_flux_err"] = error * to_jansky * units.Jy
    table["isophotal_abmag"] = _magnitude(flux * to_jansky)
    table["isophotal_abmag_err"] = _magnitude_error(flux, error)
    table["isophotal_area"] = pixels * units.pix**2
    table["semimajor_sigma"], table["semiminor_sigma"] = shape["major"] * units.pix, shape["minor"] * units.pix
    table["ellipticity"] = 1 - shape["minor"] / np.maximum(shape["major"], 1e-9)
    table["orientation"] = shape["angle"] * units.deg
    table["sky_orientation"] = (shape["angle"] - 90 + _roll(combined)) % 360 * units.deg
    for name, corner in _boxes(combined, labels).items():
        table[f"sky_bbox_{name}"] = corner
    return table


def _moments(signal: Floats, labels: NDArray[np.uint32], index: NDArray[np.int_], flux: Floats) -> dict[str, Floats]:
    grid = np.indices(signal.shape).astype(np.float64)
    rows, columns = grid[0], grid[1]
    safe = np.maximum(flux, 1e-30)

    def mean(values: Floats) -> Floats:
        return np.asarray(ndimage.sum_labels(signal * values, labels, index)) / safe

    x, y = mean(columns), mean(rows)
    xx, yy, xy = mean(columns**2) - x**2, mean(rows**2) - y**2, mean(rows * columns) - x * y
    middle, apart = (xx + yy) / 2, np.hypot((xx - yy) / 2, xy)
    return {
        "x": x,
        "y": y,
        "major": np.sqrt(np.clip(middle + apart, 1 / 12, None)),
        "minor": np.sqrt(np.clip(middle - apart, 1 / 12, None)),
        "angle": np.degrees(np.arctan2(2 * xy, xx - yy)) / 2,
    }


def _roll(combined: Combined) -> float:
    cd = combined.projection.cd
    return float(np.degrees(np.arctan2(cd[0, 1], cd[1, 1])))


def _neighbours(x: Floats, y: Floats) -> tuple[NDArray[np.int_], Any]:
    if x.size < 2:
        return np.full(x.size, -1), np.full(x.size, np.nan) * units.pix
    distance, place = spatial.KDTree(np.stack([x, y], axis=1)).query(np.stack([x, y], axis=1), k=2)
    return place[:, 1] + 1, distance[:, 1] * units.pix


def _magnitude(flux: Floats) -> Floats:
    return -2.5 * np.log10(np.maximum(flux, 1e-30) / 3631.0)


def _magnitude_error(flux: Floats, error: Floats) -> Floats:
    return np.asarray(2.5 / np.log(10) * error / np.maximum(flux, 1e-30))


def _boxes(combined: Combined, labels: NDArray[np.uint32]) -> dict[str, SkyCoord]:
    slices = ndimage.find_objects(labels.astype(np.int32))
    bounds = np.array([(s[1].start, s[1].stop - 1, s[0].start, s[0].stop - 1) for s in slices]).reshape(-1, 4).T
    left, right, low, high = bounds
    corners = {"ll": (left, low), "ul": (left, high), "lr": (right, low), "ur": (right, high)}
    return {
        name: SkyCoord(*combined.projection.to_sky(x.astype(float), y.astype(float)), unit="deg")
        for name, (x, y) in corners.items()
    }
