"""Previews of real JWST files: each that holds a picture gets one, and none of them is drawn by accident."""

from __future__ import annotations

from math import atan2, degrees
from typing import TYPE_CHECKING

import pytest
from astropy.wcs import WCS, FITSFixedWarning
from structlog.testing import capture_logs

from deepfield.products.preview import make_preview, read_caption
from deepfield.products.reader import read_header

if TYPE_CHECKING:
    from pathlib import Path

CAPTIONS = {
    "fgs/jwst__add_wcs_default_acq1.fits": "acq1 SCI last − first group, asinh ",
    "fgs/jwst__fgs_acq1_guider1.fits": "guider1 SCI asinh ",
    "miri/Eureka__ERS_NGTS10_2022_new_drift_041_calints.fits": "calints SCI mean of 4 integrations, asinh ",
    "miri/jw01288015001_04101_00001_mirimage_i2d.fits": "i2d SCI asinh ",
    "miri/jwst-data-analysis__test_mirimage_i2d.fits": "i2d SCI asinh ",
    "miri/miri3d__template_12A.fits.gz": "12A SCI asinh ",
    "miri/pahfit__VV114_MIRI_ch2_SHORT_s1d.fits": "s1d flux density 7.511 – 8.759 µm, mJy",
    "misc/grizli__det_image_seq1_MIRIMAGE_F560Wexp1_cal.fits.gz": "cal SCI asinh ",
    "misc/jw42424001001_01101_00001_nrca1_rate.fits.gz": "rate SCI asinh ",
    "misc/jwst__add_wcs_default.fits": None,
    "misc/jwst__flat.fits": "flat SCI asinh ",
    "nircam/Star-Detection-Using-JSWT-Data__carina_nircam.fits": "nircam PRIMARY asinh ",
    "nircam/jw01075001001_03105_00009_nrca2_uncal.fits": "uncal SCI asinh ",
    "nircam/jwst_ers_NIRCAM_HD141569A__combined_f300m.fits": "f300m PRIMARY asinh ",
    "niriss/AMICAL__hdr_niriss_mirage.fits": "mirage SCI mean of 69 integrations, asinh ",
    "niriss/grizli__niriss_jw01324001001_test.beams.fits": "test SCI 2 slits, asinh ",
    "niriss/jwst__exp_0.fits": None,
    "nirspec/JWST__hlsp_glass-jwst_jwst_nirspec_abell2744-1324-10003_f290lp-g395h_v1_spec.fits": "spec flux density ",
    "nirspec/jw01345062001_03101_00001_nrs2_phot.138.1345_933.fits": "phot SCI asinh ",
    "nirspec/lime__hlsp_ceers_jwst_nirspec_nirspec10-001027_comb-mgrat_v0.7_x1d-masked.fits": "v0 flux density ",
    "reference/crds__niriss_ref_photom.fits": None,
}


@pytest.mark.parametrize("name", CAPTIONS)
def test_a_real_file_shows_what_it_holds(real_data: Path, tmp_path: Path, name: str) -> None:
    path = real_data / "fits" / name
    made = make_preview(path, read_header(path), tmp_path / "out")

    expected = CAPTIONS[name]
    assert made == (expected is not None)
    if expected is not None:
        assert read_caption(tmp_path / "out.png").caption.startswith(expected)


def test_no_real_file_is_too_odd_to_be_looked_at(real_data: Path, tmp_path: Path) -> None:
    paths = sorted(path for path in (real_data / "fits").rglob("*") if path.name.endswith((".fits", ".fits.gz")))
    assert len(paths) > 40
    with capture_logs() as logged:
        for path in paths:
            make_preview(path, read_header(path), tmp_path / path.name)
    assert logged == []


def test_north_is_where_the_world_coordinates_of_a_real_image_say(real_data: Path, tmp_path: Path) -> None:
    path = real_data / "fits/miri/jw01288015001_04101_00001_mirimage_i2d.fits"
    header = read_header(path)
    make_preview(path, header, tmp_path / "out")

    caption = read_caption(tmp_path / "out.png")

    cards = {
        card.keyword: card.value for card in next(header.all_of("SCI")).cards if card.keyword not in {"COMMENT", ""}
    }
    with pytest.warns(FITSFixedWarning):
        wcs = WCS(cards, naxis=2)
    ra, dec = (float(value) for value in wcs.wcs.crval)
    (x0, y0), (x1, y1) = wcs.wcs_world2pix([[ra, dec], [ra, dec + 1e-4]], 0)
    assert caption.north == pytest.approx(degrees(atan2(x0 - x1, y1 - y0)) % 360, abs=0.01)
