"""Pictures of what is no ordinary image: fringes, wavefront maps, catalogues, stacks of reference stars."""

from __future__ import annotations

import numpy as np
import pytest
from astropy import units
from astropy.coordinates import SkyCoord
from astropy.io import fits
from astropy.table import QTable
from PIL import Image

from deepfield.products.plot import LINE
from deepfield.products.preview import make_preview, read_caption
from deepfield.products.reader import read_header

RNG = np.random.default_rng(11)


def draw(path):
    made = make_preview(path, read_header(path), path.parent / "out")
    return made, path.parent / "out.png"


def fringes(tmp_path, *, flag=0):
    angle = np.linspace(0, np.pi, 21)
    length = np.linspace(1.3, 5.3, 21)
    visibility = fits.BinTableHDU.from_columns(
        [
            fits.Column("VIS2DATA", "D", array=1 - 0.08 * length),
            fits.Column("VIS2ERR", "D", array=np.full(21, 0.01)),
            fits.Column("UCOORD", "D", array=length * np.cos(angle)),
            fits.Column("VCOORD", "D", array=length * np.sin(angle)),
            fits.Column("FLAG", "L", array=np.full(21, flag, bool)),
        ],
        name="OI_VIS2",
    )
    sides = RNG.uniform(-2, 2, (4, 35))
    names = ("U1COORD", "V1COORD", "U2COORD", "V2COORD")
    phases = fits.BinTableHDU.from_columns(
        [
            fits.Column("T3PHI", "D", array=RNG.normal(0, 5, 35)),
            fits.Column("T3PHIERR", "D", array=np.full(35, 0.5)),
            *(fits.Column(name, "D", array=side) for name, side in zip(names, sides, strict=True)),
        ],
        name="OI_T3",
    )
    path = tmp_path / "jw90419-c1001_t001_niriss_f380m-nrm-sub80_aminorm-oi.fits"
    fits.HDUList([fits.PrimaryHDU(), phases, visibility]).writeto(path)
    return path


def test_fringes_show_visibilities_and_closure_phases(tmp_path):
    made, picture = draw(fringes(tmp_path))
    assert made
    caption = read_caption(picture)
    assert caption.caption.startswith("aminorm-oi 21 squared visibilities, 35 closure phases")
    assert "baselines to 5.3 m" in caption.caption
    pixels = np.asarray(Image.open(picture).convert("RGB")).astype(int)
    dots = np.abs(pixels - LINE).sum(axis=2) < 40
    assert dots[:, :512].sum() > 21 * 9
    assert dots[:, 512:].sum() > 25 * 9


def test_flagged_fringes_are_left_out(tmp_path):
    made, picture = draw(fringes(tmp_path, flag=1))
    assert made
    assert "squared visibilities" not in read_caption(picture).caption


def test_a_wavefront_map_is_symmetric_in_colour_and_says_its_rms(tmp_path):
    wave = np.zeros((256, 256), np.float32)
    wave[40:200, 40:120], wave[40:200, 130:210] = 0.05, -0.05
    path = tmp_path / "R2025040901-NRCA1_FP6-1.fits"
    fits.HDUList([fits.PrimaryHDU(), fits.ImageHDU(wave, name="RESULT_PHASE")]).writeto(path)
    made, picture = draw(path)
    assert made
    caption = read_caption(picture)
    assert "rms 50.0 nm" in caption.caption
    assert "−50 – 50 nm" in caption.caption
    colours = np.asarray(Image.open(picture).convert("RGBA")).astype(int)
    assert colours[10, 10, 3] == 0
    left, right = colours[512, 300], colours[512, 700]
    assert left[0] > left[2]
    assert right[2] > right[0]


def sources(tmp_path, number=12):
    x, y = RNG.uniform(10, 190, (2, number))
    sky = SkyCoord(150.1 - (x - 100) * 1e-5, 2.2 + (y - 100) * 1e-5, unit="deg")
    table = QTable({"label": np.arange(number) + 1, "xcentroid": x * units.pix, "ycentroid": y * units.pix})
    table["sky_centroid"] = sky
    table["semimajor_sigma"] = np.full(number, 2.0) * units.pix
    path = tmp_path / "jw90117-o001_t001_nircam_clear-f200w_cat.ecsv"
    table.write(path, format="ascii.ecsv")
    return path, x, y


def test_a_catalogue_alone_becomes_a_chart_of_the_sky(tmp_path):
    path, *_ = sources(tmp_path)
    made, picture = draw(path)
    assert made
    caption = read_caption(picture)
    assert caption.caption.startswith("cat 12 sources, field of")
    assert (caption.north, caption.east) == (0, 90)


def test_a_catalogue_beside_its_image_is_drawn_over_it_at_the_right_pixels(tmp_path):
    path, x, y = sources(tmp_path, 1)
    image = RNG.normal(0, 1, (200, 200)).astype(np.float32)
    science = fits.ImageHDU(image, name="SCI")
    fits.HDUList([fits.PrimaryHDU(), science]).writeto(path.with_name(path.name.replace("_cat.ecsv", "_i2d.fits")))
    made, picture = draw(path)
    assert made
    assert read_caption(picture).caption == f"cat 1 sources over {path.name.replace('_cat.ecsv', '_i2d.fits')}"
    pixels = np.asarray(Image.open(picture).convert("RGB")).astype(int)
    ring = np.argwhere(np.abs(pixels - (120, 220, 255)).sum(axis=2) < 30)
    row, column = ring.mean(axis=0)
    assert column == pytest.approx((x[0] + 0.5) * 5, abs=3)
    assert row == pytest.approx(1000 - (y[0] + 0.5) * 5, abs=3)


def test_an_odd_catalogue_has_no_picture_and_raises_nothing(tmp_path):
    path = tmp_path / "jw90117-o001_t001_nircam_clear-f200w_cat.ecsv"
    QTable({"label": [1, 2]}).write(path, format="ascii.ecsv")
    assert draw(path)[0] is False


def test_a_stack_says_that_it_holds_reference_images(tmp_path):
    path = tmp_path / "jw90208-c1001_t001_nircam_f335m-maskrnd-sub320a335r_psfstack.fits"
    cube = fits.ImageHDU(RNG.normal(0, 1, (3, 64, 64)).astype(np.float32), name="SCI")
    fits.HDUList([fits.PrimaryHDU(), cube]).writeto(path)
    made, picture = draw(path)
    assert made
    assert "mean of 3 reference images" in read_caption(picture).caption
