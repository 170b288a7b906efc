"""gwcs objects that say the same as the FITS keywords, for the ASDF extension."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import gwcs
import numpy as np
from astropy import units
from astropy.coordinates import ICRS
from astropy.modeling import models
from gwcs import coordinate_frames

from deepfield.simulate.projection import SIP_ORDER

if TYPE_CHECKING:
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
