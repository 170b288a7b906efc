"""A scene on the pixels of an image: true surface brightness in MJy/sr, before any detector."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
from scipy import ndimage, signal

from deepfield.simulate.optics import RADIAN, Psf, point_spread
from deepfield.simulate.projection import project

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from deepfield.simulate.projection import Projection
    from deepfield.simulate.sky import Galaxies, Scene, Stars

    Floats = NDArray[np.float64]

FAINTEST_TRACE = 0.004
"""Surface brightness, MJy/sr, at which a star's halo may end."""
GALAXY_REACH = 5.0
"""Half-light radii to which a galaxy is drawn."""
OVERSAMPLING = 5
WIDEST_NATIVE_PIXEL = 0.2
"""Arcseconds; wider pixels are blocks of several."""
BINNED_SPREAD = 0.75
"""Standard deviation, in pixels, by which stars are widened on binned detectors."""


@lru_cache(maxsize=16)
def psf_for(band: tuple[float, float], pixel: float) -> Psf:
    """The point spread function of a band (micrometres) fine enough for pixels of ``pixel`` arcseconds.

    Pixels of binned detectors would swallow a star whole; for them it is widened until its place can be measured.
    """
    wavelength, width = sum(band) / 2, band[1] - band[0]
    if pixel < WIDEST_NATIVE_PIXEL:
        return point_spread(wavelength, width, pixel / 3, 1024)
    sharp = point_spread(wavelength, width, min(0.06, 0.0225 * (wavelength - 0.3 * width)), 1024)
    blurred = ndimage.gaussian_filter(sharp.image, BINNED_SPREAD * pixel / sharp.step, mode="constant")
    return Psf(blurred / blurred.sum(), sharp.step)


def render(scene: Scene, projection: Projection, band: tuple[float, float]) -> Floats:
    """What a perfect camera would see of a scene through a band, MJy/sr."""
    pixel = projection.scale * 3600
    psf = psf_for(band, round(pixel, 4))
    ra, dec = projection.grid()
    image = scene.diffuse(ra, dec, band)
    image += draw_galaxies(scene.galaxies, projection, sum(band) / 2)
    kernel = psf.on_pixels(pixel, (0.0, 0.0), 10)
    padded = np.pad(image, 10, mode="reflect")
    image = signal.oaconvolve(padded, kernel / kernel.sum(), mode="same")[10:-10, 10:-10]
    return np.asarray(image) + draw_stars(scene.stars, projection, sum(band) / 2, psf)


def to_brightness(projection: Projection) -> float:
    """MJy/sr in the reference pixel for one Jy in it."""
    return float(1e-6 / np.radians(projection.scale) ** 2)


def draw_stars(stars: Stars, projection: Projection, wavelength: float, psf: Psf) -> Floats:
    """The stars alone, MJy/sr, each over as many pixels as its light can be seen."""
    pixel = projection.scale * 3600
    image = np.zeros(projection.shape)
    area = projection.pixel_area()
    x, y = projection.from_sky(stars.ra, stars.dec)
    flux = stars.flux_at(wavelength) * to_brightness(projection)
    widest = int(psf.image.shape[0] * psf.step / pixel / 2)
    spread = 0.05 * (wavelength * 1e-6 / 6.5 * RADIAN) / pixel**2
    for star in np.flatnonzero(np.isfinite(x)):
        half = int(np.clip((flux[star] * spread * pixel / FAINTEST_TRACE) ** 0.5, 4, widest))
        column, row = round(x[star]), round(y[star])
        if not (-half <= column < image.shape[1] + half and -half <= row < image.shape[0] + half):
            continue
        stamp = psf.on_pixels(pixel, (x[star] - column, y[star] - row), half)
        rows, part_rows = _overlap(row, half, image.shape[0])
        columns, part_columns = _overlap(column, half, image.shape[1])
        image[rows, columns] += flux[star] * stamp[part_rows, part_columns]
    return image / area


def _overlap(centre: int, half: int, size: int) -> tuple[slice, slice]:
    begin, end = max(centre - half, 0), min(centre + half + 1, size)
    end = max(begin, end)
    return slice(begin, end), slice(begin - centre + half, end - centre + half)


def draw_galaxies(galaxies: Galaxies, projection: Projection, wavelength: float) -> Floats:
    """The galaxies alone, MJy/sr, before the telescope blurs them."""
    image = np.zeros(projection.shape)
    pixel = projection.scale * 3600
    x, y = projection.from_sky(galaxies.ra, galaxies.dec)
    flux = galaxies.flux_at(wavelength) * to_brightness(projection)
    xi0, eta0 = project(galaxies.ra, galaxies.dec, projection.crval)
    for one in np.flatnonzero(np.isfinite(x)):
        half = int(np.clip(np.ceil(GALAXY_REACH * galaxies.radius[one] / pixel), 2, 150))
        column, row = round(x[one]), round(y[one])
        if not (-half <= column < image.shape[1] + half and -half <= row < image.shape[0] + half):
            continue
        fine = OVERSAMPLING if galaxies.radius[one] < 6 * pixel else 1
        steps = (np.arange((2 * half + 1) * fine) + 0.5) / fine - half - 0.5
        xi, eta = projection.to_plane((column + steps)[None, :], (row + steps)[:, None])
        profile = _sersic(galaxies, int(one), (xi - xi0[one]) * 3600, (eta - eta0[one]) * 3600)
        profile = profile.reshape(2 * half + 1, fine, 2 * half + 1, fine).sum(axis=(1, 3))
        rows, part_rows = _overlap(row, half, image.shape[0])
        columns, part_columns = _overlap(column, half, image.shape[1])
        image[rows, columns] += flux[one] * (profile / profile.sum())[part_rows, part_columns]
    return image


def _sersic(galaxies: Galaxies, one: int, east: Floats, north: Floats) -> Floats:
    angle, index = np.radians(galaxies.angle[one]), galaxies.index[one]
    major = east * np.sin(angle) + north * np.cos(angle)
    minor = (east * np.cos(angle) - north * np.sin(angle)) / galaxies.axis_ratio[one]
    steepness = 2 * index - 1 / 3 + 0.009876 / index
    profile: Floats = np.exp(-steepness * (np.hypot(major, minor) / galaxies.radius[one]) ** (1 / index))
    return profile
