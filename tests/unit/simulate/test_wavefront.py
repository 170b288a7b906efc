"""Wavefront sensing: maps of the mirror, what a correction does to them, and stars through weak lenses."""

from __future__ import annotations

import numpy as np
import pytest
from astropy.io import fits

from deepfield.missions.jwst.names import parse_name
from deepfield.simulate.modes import MODES
from deepfield.simulate.programme import programmes
from deepfield.simulate.wavefront import defocused, mirror
from unit.simulate.conftest import SEED, run


@pytest.fixture(scope="module")
def sensed(tmp_path_factory):
    programme = next(one for one in programmes("small") if one.mode == "sensing")
    plan = MODES["sensing"](programme, SEED)
    return run(tmp_path_factory.mktemp("sensed"), *(task for stage in plan.stages for task in stage)), plan


def test_maps_are_in_micrometres_over_a_pupil_of_eighteen_segments(sensed):
    written, _ = sensed
    for path in sorted(written.folder.glob("R*.fits")):
        assert parse_name(path.name).family == "wss_opd"
        with fits.open(path) as hdus:
            found = hdus["RESULT_PHASE"].data
            assert found.shape == (256, 256)
            inside = found[found != 0]
            assert inside.size / found.size == pytest.approx(25.4 / 6.7**2, rel=0.05)
            assert np.sqrt((inside.astype(float) ** 2).mean()) == pytest.approx(hdus[1].header["RMS_WFE"], rel=1e-3)
            assert set(np.unique(np.rint(hdus["SEGMENTS"].data[found != 0]))) <= set(range(19))
            assert hdus[0].header["CORR_ID"] == path.name.split("-")[0]
            assert [hdus[k].shape for k in (5, 6, 10, 11)] == [(128, 128)] * 4


def test_a_correction_brings_the_mirror_to_what_was_expected(sensed):
    written, _ = sensed
    before, after = (fits.open(path) for path in sorted(written.folder.glob("R*.fits")))
    with before, after:
        assert 0.05 < before[1].header["RMS_WFE"] < 0.12
        assert after[1].header["RMS_WFE"] < 0.7 * before[1].header["RMS_WFE"]
        assert after[1].header["RMS_WFE"] == pytest.approx(before["EXPECTED"].header["RMS_WFE"], rel=0.05)


def test_a_weak_lens_spreads_a_star_over_the_shape_of_the_mirror():
    terms = mirror(SEED, 90876) * 0
    image = defocused(terms, "WLP8", (2.109, 2.134), 0.0155).image
    y, x = (np.indices(image.shape) - 256) * 0.0155
    # 8 waves of defocus at the edge of a pupil of 3.3 m bend the ray there by 2 W / R
    edge = 2 * 8 * 2.12e-6 / 3.3 * 206265
    assert image[np.hypot(x, y) < 1.05 * edge].sum() > 0.85
    assert image[np.hypot(x, y) < 0.5 * edge].sum() < 0.4


def test_pairs_are_shifted_onto_each_other(sensed):
    written, plan = sensed
    assert {one.kind for one in plan.associations} == {"wfs-image3"}
    assert all(len(one.products[0].members) == 2 for one in plan.associations)
    combined = next(written.folder.glob("*o001*_wfscmb-01.fits"))
    single = written.folder / plan.exposures[0].file("cal")
    with fits.open(combined) as hdus, fits.open(single) as one:
        assert hdus[0].header["EFFEXPTM"] == pytest.approx(2 * one[0].header["EFFEXPTM"])
        assert hdus[0].header["VISITYPE"] == "PRIME_WFSC_SENSING_CONTROL"
        good = np.isfinite(hdus["SCI"].data) & np.isfinite(one["SCI"].data)
        bright = good & (one["SCI"].data > 200)
        assert bright.sum() > 20
        assert np.median(hdus["SCI"].data[bright] / one["SCI"].data[bright]) == pytest.approx(1.0, abs=0.15)
        dark = good & (one["SCI"].data < 5)
        assert np.median(hdus["ERR"].data[dark] / one["ERR"].data[dark]) == pytest.approx(0.5**0.5, abs=0.05)
