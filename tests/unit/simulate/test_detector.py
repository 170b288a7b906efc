"""ERR tells the truth, and what goes wrong in a detector is flagged."""

from __future__ import annotations

import numpy as np
import pytest

from deepfield.simulate import detector as d
from deepfield.simulate.programme import Readout

READOUT = Readout("SHALLOW4", 10.7, groups=6, integrations=2, frames=4, gap=1)
SHAPE = (120, 120)


def image(level: float, *, missed: float = 0.0) -> tuple[d.Image, np.ndarray, d.Pixels]:
    device = d.detector("NRCB1")
    pattern = d.pixels(device, SHAPE, 3, corner=(1, 1), step=(1, 1), full=(2048, 2048))
    rng = np.random.default_rng(7)
    ramp, expected = d.expose(np.full(SHAPE, level), device, pattern, READOUT, rng, missed=missed)
    return d.fit(ramp, expected, device, pattern, READOUT), expected, pattern


@pytest.mark.parametrize("level", [0.3, 5.0, 60.0])
def test_the_scatter_about_the_truth_is_what_err_says(level):
    rate, expected, _ = image(level)
    good = (rate.dq & d.DO_NOT_USE) == 0
    pull = ((rate.sci - expected) / rate.err)[good]
    assert abs(np.mean(pull)) < 0.05
    assert np.std(pull) == pytest.approx(1.0, abs=0.05)


def test_err_is_the_root_of_the_variances():
    rate, _, pattern = image(5.0)
    cal = d.calibrate(rate, pattern, d.detector("NRCB1"), 2.0)
    total = cal.var_poisson + cal.var_rnoise + cal.var_flat
    np.testing.assert_allclose(cal.err**2, total, rtol=1e-6)


def test_cosmic_rays_are_flagged_and_left_out_of_the_slope():
    rate, expected, _ = image(0.5)
    hit = ((rate.dq & d.JUMP_DET) != 0) & ((rate.dq & d.DO_NOT_USE) == 0)
    assert hit.sum() > 20
    assert np.abs((rate.sci - expected) / rate.err)[hit].max() < 6


def test_a_pixel_saturated_from_the_start_is_not_to_be_used():
    rate, _, _ = image(5000.0)
    inner = rate.dq[10:-10, 10:-10]
    lost = (inner & d.SATURATED) != 0
    assert lost.mean() > 0.9
    assert ((inner[lost] & d.DO_NOT_USE) != 0).all()


def test_a_pixel_that_saturates_late_keeps_its_early_groups():
    rate, expected, _ = image(350.0)
    late = ((rate.dq & d.SATURATED) != 0) & ((rate.dq & d.DO_NOT_USE) == 0)
    assert late.sum() > 1000
    assert np.median(rate.sci[late] / expected[late]) == pytest.approx(1.0, abs=0.01)


def test_the_border_holds_reference_pixels():
    _, _, pattern = image(1.0)
    assert (pattern.dq[:4] & d.REFERENCE_PIXEL).all()
    assert (pattern.dq[:, :4] & d.REFERENCE_PIXEL).all()
    assert not (pattern.dq[5:, 5:] & d.REFERENCE_PIXEL).any()
