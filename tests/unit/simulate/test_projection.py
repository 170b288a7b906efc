"""One projection serves renderer, FITS cards and gwcs: they have to agree."""

from __future__ import annotations

import numpy as np
import pytest
from astropy.io import fits
from astropy.wcs import WCS

from deepfield.simulate.pointing import Pointing, aperture
from deepfield.simulate.projection import Projection
from deepfield.simulate.worldcoords import image_wcs


@pytest.fixture(scope="module")
def distorted() -> Projection:
    pointing = Pointing.of(aperture("NIRCAM", "NRCBS_FULL"), (159.2, -58.6), 101.3, (3.0, -4.0))
    return pointing.projection(aperture("NIRCAM", "NRCB5_FULL"), (8, 8))


def test_the_cards_say_what_astropy_reads(distorted):
    header = fits.Header(list(distorted.cards().items()))
    header["NAXIS"], header["NAXIS1"], header["NAXIS2"] = 2, *distorted.shape[::-1]
    x, y = np.array([0.0, 17.5, 255.0]), np.array([3.0, 128.0, 240.0])
    ra, dec = WCS(header).all_pix2world(x, y, 0)
    np.testing.assert_allclose([ra, dec], distorted.to_sky(x, y), atol=1e-10)


def test_the_gwcs_object_agrees_and_inverts(distorted):
    x, y = np.array([2.0, 100.0, 250.0]), np.array([5.0, 128.0, 240.0])
    wcs = image_wcs(distorted)
    ra, dec = wcs(x, y)
    np.testing.assert_allclose([ra, dec], distorted.to_sky(x, y), atol=1e-10)
    np.testing.assert_allclose(wcs.invert(ra, dec), [x, y], atol=2e-3)


def test_sky_positions_come_back_to_their_pixels(distorted):
    x, y = np.array([0.0, 60.0, 255.0]), np.array([255.0, 1.0, 128.0])
    np.testing.assert_allclose(distorted.from_sky(*distorted.to_sky(x, y)), [x, y], atol=1e-6)


def test_binned_pixels_cover_the_footprint_of_the_whole_detector():
    pointing = Pointing.of(aperture("NIRCAM", "NRCBS_FULL"), (10.0, 20.0), 0.0, (0.0, 0.0))
    seen = aperture("NIRCAM", "NRCB1_FULL")
    whole, binned = pointing.projection(seen), pointing.projection(seen, (16, 16))
    np.testing.assert_allclose(binned.corners(), whole.corners(), atol=2e-8)
    assert binned.scale == pytest.approx(16 * whole.scale, rel=1e-5)


def test_a_footprint_across_right_ascension_zero_keeps_its_size():
    grid = Projection.north_up((100, 100), (0.0, 80.0), 1e-4)
    ra, _ = grid.corners()
    assert ra.min() < 1 < 359 < ra.max()
    assert grid.s_region.startswith("POLYGON ICRS  ")


def test_the_telescope_points_the_reference_at_the_target():
    reference = aperture("NIRCAM", "NRCBS_FULL")
    pointing = Pointing.of(reference, (159.2, -58.6), 101.3, (0.0, 0.0))
    here = pointing.to_sky(np.array(reference.v2_ref), np.array(reference.v3_ref))
    np.testing.assert_allclose(here, (159.2, -58.6), atol=1e-9)
    assert pointing.roll_at(reference.v2_ref, reference.v3_ref) == pytest.approx(101.3)
