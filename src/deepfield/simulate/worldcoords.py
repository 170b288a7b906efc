"""gwcs objects that say the same as the FITS keywords, for the ASDF extension."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import gwcs
import numpy as np
from astropy import units
from astropy.coordinates import ICRS
from astropy.modeling import models
from gwcs import coordinate_frames, selector

from deepfield.simulate.projection import SIP_ORDER

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from deepfield.simulate.projection import Projection


def image_wcs(projection: Projection) -> Any:
    """The transform from pixels (from 0) of an image to right ascension and declination in degrees."""
    steps = [(_detector_frame(), celestial_transform(projection)), (_sky_frame(), None)]
    wcs = gwcs.WCS(steps)
    rows, columns = projection.shape
    wcs.bounding_box = ((-0.5, columns - 0.5), (-0.5, rows - 0.5))
    wcs.pixel_shape = (columns, rows)
    return wcs


def celestial_transform(projection: Projection) -> Any:
    """The astropy model behind ``image_wcs``, with an inverse good to a thousandth of a pixel."""
    centre = models.Shift(1 - projection.crpix[0]) & models.Shift(1 - projection.crpix[1])
    linear = models.AffineTransformation2D(projection.cd, translation=[0, 0])
    sky = models.Pix2Sky_TAN() | models.RotateNative2Celestial(*projection.crval, 180)
    if not projection.distorted:
        return centre | linear | sky
    return centre | _distortion(projection) | linear | sky


def _distortion(projection: Projection) -> Any:
    forward = models.Mapping((0, 1, 0, 1)) | _polynomial(projection.a, 1, 0) & _polynomial(projection.b, 0, 1)
    rows, columns = projection.shape
    u, v = np.meshgrid(
        np.linspace(-0.5, columns - 0.5, 15) - projection.crpix[0] + 1,
        np.linspace(-0.5, rows - 0.5, 15) - projection.crpix[1] + 1,
    )
    first, second = forward(u, v)
    powers = [(i, j) for i in range(SIP_ORDER + 2) for j in range(SIP_ORDER + 2 - i)]
    scale = float(max(rows, columns))
    terms = np.stack([(first.ravel() / scale) ** i * (second.ravel() / scale) ** j for i, j in powers], axis=1)
    solved = np.linalg.lstsq(terms, np.stack([u.ravel(), v.ravel()], axis=1), rcond=None)[0]
    back = [
        models.Polynomial2D(
            SIP_ORDER + 1,
            **{
                f"c{i}_{j}": float(value) / scale ** (i + j) for (i, j), value in zip(powers, solved[:, k], strict=True)
            },
        )
        for k in (0, 1)
    ]
    forward.inverse = models.Mapping((0, 1, 0, 1)) | back[0] & back[1]
    return forward


def _polynomial(coefficients: Any, x: int, y: int) -> Any:
    terms = {
        f"c{i}_{j}": float(coefficients[i, j])
        for i in range(SIP_ORDER + 1)
        for j in range(SIP_ORDER + 1 - i)
        if i + j >= 2
    }
    return models.Polynomial2D(SIP_ORDER, c1_0=float(x), c0_1=float(y), **terms)


def _detector_frame() -> Any:
    return coordinate_frames.Frame2D(name="detector", axes_order=(0, 1), unit=(units.pix, units.pix))


def _sky_frame() -> Any:
    return coordinate_frames.CelestialFrame(name="world", reference_frame=ICRS(), unit=(units.deg, units.deg))


@dataclass(frozen=True, slots=True)
class SliceTransform:
    """A slice of an integral-field unit: tangent-plane position linear in x; wavelength in 1, x, x², y (µm).

    ``turned`` exchanges x and y, for slices that lie along the rows.
    """

    label: int
    centre: tuple[float, float]
    xi: tuple[float, ...]
    eta: tuple[float, ...]
    wavelength: tuple[float, ...]
    turned: bool = False


def sliced_wcs(region: NDArray[np.int32], slices: Sequence[SliceTransform]) -> Any:
    """The transform from the pixels of a sliced exposure to sky and wavelength (µm), one for each region."""
    mapper = selector.LabelMapperArray(region)
    transforms = {one.label: _slice_transform(one) for one in slices}
    world = selector.RegionsSelector(("x", "y"), ("ra", "dec", "lam"), label_mapper=mapper, selector=transforms)
    wcs = gwcs.WCS([(_detector_frame(), world), (_spectral_sky_frame(), None)])
    wcs.bounding_box = ((-0.5, region.shape[1] - 0.5), (-0.5, region.shape[0] - 0.5))
    return wcs


def _slice_transform(one: SliceTransform) -> Any:
    xi = models.Polynomial2D(1, c0_0=one.xi[0], c1_0=one.xi[1])
    eta = models.Polynomial2D(1, c0_0=one.eta[0], c1_0=one.eta[1])
    constant, linear, square, rows = one.wavelength
    wavelength = models.Polynomial2D(2, c0_0=constant, c1_0=linear, c2_0=square, c0_1=rows)
    sky = models.Pix2Sky_TAN() | models.RotateNative2Celestial(*one.centre, 180)
    order = (1, 0) if one.turned else (0, 1)
    return models.Mapping(order * 3) | xi & eta & wavelength | sky & models.Identity(1)


def cube_wcs(projection: Projection, first: float, step: float, planes: int) -> Any:
    """The transform from the voxels of a cube to sky and wavelength (µm), plane k at ``first + k·step``."""
    wavelength = models.Scale(step) | models.Shift(first)
    frame = coordinate_frames.CoordinateFrame(
        naxes=3, axes_type=("SPATIAL",) * 3, axes_order=(0, 1, 2), unit=(units.pix,) * 3, name="detector"
    )
    wcs = gwcs.WCS([(frame, celestial_transform(projection) & wavelength), (_spectral_sky_frame(), None)])
    rows, columns = projection.shape
    wcs.bounding_box = ((-0.5, columns - 0.5), (-0.5, rows - 0.5), (-0.5, planes - 0.5))
    return wcs


def _spectral_sky_frame() -> Any:
    wavelength = coordinate_frames.SpectralFrame(name="wavelength", axes_order=(2,), unit=(units.um,))
    sky = coordinate_frames.CelestialFrame(
        name="sky", reference_frame=ICRS(), axes_order=(0, 1), unit=(units.deg, units.deg)
    )
    return coordinate_frames.CompositeFrame([sky, wavelength], name="world")


def slit_wcs(
    centre: tuple[float, float],
    lines: tuple[tuple[float, ...], tuple[float, ...]],
    wavelength: NDArray[np.float64],
    shape: tuple[int, ...],
    *,
    axis: int = 1,
) -> Any:
    """The transform from the pixels of a slit to sky and wavelength (µm).

    ``lines`` are tangent-plane coordinates about ``centre`` linear across the dispersion, ``wavelength`` has one value
    for each place along it; ``axis`` is 1 for dispersion along x, 2 along y.
    """
    xi, eta = (models.Polynomial1D(1, c0=line[0], c1=line[1]) for line in lines)
    table = models.Tabular1D(np.arange(wavelength.size, dtype=float), wavelength, bounds_error=False)
    sky = models.Pix2Sky_TAN() | models.RotateNative2Celestial(*centre, 180)
    turn = (1, 1, 0) if axis == 1 else (0, 0, 1)
    transform = models.Mapping(turn) | xi & eta & table | sky & models.Identity(1)
    wcs = gwcs.WCS([(_detector_frame(), transform), (_spectral_sky_frame(), None)])
    wcs.bounding_box = ((-0.5, shape[1] - 0.5), (-0.5, shape[0] - 0.5))
    return wcs
