"""Footprints by the world coordinate system in the ASDF tree: where it is asked, how exact it is, and what it may hold."""

from __future__ import annotations

import io
import struct
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

import asdf
import gwcs
import numpy as np
import pytest
from astropy import units as u
from astropy.coordinates import ICRS
from astropy.io import fits
from astropy.modeling import models
from astropy.wcs import WCS
from gwcs import coordinate_frames as frames

from deepfield.ingest.footprint import footprint_of, wants_corners
from deepfield.ingest.reading import Rules, read_file
from deepfield.ingest.scan import scan
from deepfield.model.coverage import Polygon, separation
from deepfield.products.gwcs import gwcs_corners
from deepfield.products.reader import read_header
from support.files import EXPOSURE, write_product

if TYPE_CHECKING:
    from collections.abc import Callable

SCALE = 0.03 / 3600


@pytest.fixture(scope="module")
def tree() -> bytes:
    """The tree of a system with distortion, 0.03 arcseconds a pixel around (10, -20)."""
    shift = models.Shift(-3.5) & models.Shift(-3.5)
    bent = models.Polynomial2D(2, c1_0=SCALE, c0_1=2e-8, c2_0=1e-9) & models.Polynomial2D(2, c0_1=SCALE, c1_0=-1e-8)
    sky = models.Pix2Sky_TAN() | models.RotateNative2Celestial(10.0, -20.0, 180.0)
    model = shift | models.Mapping((0, 1, 0, 1)) | bent | sky
    detector = frames.Frame2D(name="detector", axes_order=(0, 1), unit=(u.pix, u.pix))
    world = frames.CelestialFrame(name="world", reference_frame=ICRS())
    system = gwcs.WCS([(detector, model), (world, None)])
    stream = io.BytesIO()
    asdf.AsdfFile({"meta": {"wcs": system}}).write_to(stream)
    return stream.getvalue()


def product(path: Path, tree: bytes, *, region: str | None = None) -> Path:
    write_product(path)
    with fits.open(path) as opened:
        opened["SCI"].header.pop("S_REGION", None)
        if region is not None:
            opened["SCI"].header["S_REGION"] = region
        opened["SCI"].header["PIXAR_A2"] = 0.03**2
        column = fits.Column("ASDF_METADATA", f"{len(tree)}B", array=np.frombuffer(tree, np.uint8)[None])
        opened.append(fits.BinTableHDU.from_columns([column], name="ASDF"))
        opened.writeto(path, overwrite=True)
    return path


def expected(tree: bytes) -> list[tuple[float, float]]:
    with asdf.open(io.BytesIO(tree)) as opened:
        ra, dec = opened["meta"]["wcs"]([-0.5, 7.5, 7.5, -0.5], [-0.5, -0.5, 7.5, 7.5])
    return list(zip(ra.tolist(), dec.tolist(), strict=True))


def read(path: Path, folder: Path) -> tuple[Polygon, str]:
    folder.mkdir(exist_ok=True)
    journal = folder / "journal"
    journal.touch()
    (found,) = scan([path])
    facts = read_file(Rules(folder / "previews", folder / "lake", journal), found).facts
    assert facts is not None
    footprint, _ = footprint_of(facts.header)
    assert footprint is not None
    (region,) = footprint.regions
    assert isinstance(region, Polygon)
    return region, footprint.origin


@pytest.mark.parametrize("region", [None, "nonsense"])
def test_corners_are_those_of_the_gwcs_where_none_are_stated(tree: bytes, tmp_path: Path, region: str | None) -> None:
    path = product(tmp_path / f"{EXPOSURE}_cal.fits", tree, region=region)
    found, origin = read(path, tmp_path / "home")

    assert "gwcs" in origin
    for corner in expected(tree):
        assert min(separation(corner, vertex) for vertex in found.vertices) < 0.001 * SCALE


def test_a_stated_region_that_fits_corners_do_not_belie_is_kept_and_the_gwcs_not_asked(
    tree: bytes, tmp_path: Path
) -> None:
    text = "POLYGON ICRS 10 -20 10.1 -20 10.1 -19.9 10 -19.9"
    path = product(tmp_path / f"{EXPOSURE}_cal.fits", tree, region=text)
    assert not wants_corners(read_header(path))
    assert read(path, tmp_path / "home")[1] == "S_REGION"


def test_a_stated_region_far_off_gives_way_to_the_gwcs(tree: bytes, tmp_path: Path) -> None:
    path = product(tmp_path / f"{EXPOSURE}_cal.fits", tree, region="POLYGON ICRS 50 50 50.1 50 50.1 50.1 50 50.1")
    with fits.open(path, mode="update") as opened:
        opened["SCI"].header.update(
            CTYPE1="RA---TAN",
            CTYPE2="DEC--TAN",
            CRVAL1=10.0,
            CRVAL2=-20.0,
            CRPIX1=4.5,
            CRPIX2=4.5,
            CDELT1=-SCALE,
            CDELT2=SCALE,
        )
    found, origin = read(path, tmp_path / "home")
    assert "gwcs" in origin
    assert min(separation((10.0, -20.0), vertex) for vertex in found.vertices) < 0.001


def test_columns_that_see_no_sky_are_left_out_by_the_bounding_box(tree: bytes, tmp_path: Path) -> None:
    with asdf.open(io.BytesIO(tree)) as opened:
        system = opened["meta"]["wcs"]
        system.bounding_box = ((1.5, 7.5), (-0.5, 7.5))
        corner = [float(value) for value in system(1.5, -0.5)]
        stream = io.BytesIO()
        asdf.AsdfFile({"meta": {"wcs": system}}).write_to(stream)
    found, _ = read(product(tmp_path / f"{EXPOSURE}_cal.fits", stream.getvalue()), tmp_path / "home")
    assert min(separation((corner[0], corner[1]), vertex) for vertex in found.vertices) < 0.001 * SCALE


def outside(tree: bytes) -> bytes:
    return tree.replace(b"meta:", b"other: {$ref: 'file:///etc/passwd'}\nmeta:", 1)


def fetched(tree: bytes) -> bytes:
    return tree.replace(
        b"meta:", b"other: !core/ndarray-1.0.0 {source: 'http://127.0.0.1:1/x.asdf', shape: [1]}\nmeta:", 1
    )


def executed(tree: bytes) -> bytes:
    return tree.replace(b"meta:", b"other: !!python/object/apply:os.system ['touch /tmp/owned']\nmeta:", 1)


def renamed(tree: bytes) -> bytes:
    return tree.replace(b"%TAG ! tag:stsci.edu:asdf/", b"%TAG ! tag:yaml.org,2002:python/", 1)


def huge(tree: bytes) -> bytes:
    head = struct.pack(">I4sQQQ16s", 0, b"zlib", 10, 10, 1 << 40, b"\0" * 16)
    return tree + b"\xd3BLK" + struct.pack(">H", 48) + head + b"0123456789"


@pytest.mark.parametrize(
    "spoil", [outside, fetched, executed, renamed, huge, lambda tree: tree[: len(tree) // 2], lambda tree: b""]
)
def test_a_tree_with_anything_else_is_not_loaded(
    tree: bytes, tmp_path: Path, spoil: Callable[[bytes], bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    good = product(tmp_path / "good.fits", tree)
    spoiled = product(tmp_path / "spoiled.fits", spoil(tree) or b" ")
    header = read_header(good)
    loaded: list[object] = []
    monkeypatch.setattr(asdf, "open", lambda *given, **_: loaded.append(given))

    assert gwcs_corners(spoiled, header) is None
    assert loaded == []
    gwcs_corners(good, header)
    assert len(loaded) == 1
    assert not Path("/tmp/owned").exists()


def test_a_system_that_is_no_picture_gives_no_corners(tmp_path: Path, real_data: Path) -> None:
    path = real_data / "asdf" / "jwst__nrcb1-wcs.asdf"
    assert gwcs_corners(path, read_header(path)) is None


def test_real_corners_agree_with_those_of_the_fits_system(real_data: Path) -> None:
    path = real_data / "fits" / "miri" / "jw01288015001_04101_00001_mirimage_i2d.fits"
    text = gwcs_corners(path, read_header(path))
    assert text is not None
    numbers = np.array(text.split()[2:], dtype=float).reshape(-1, 2)
    with fits.open(path) as opened, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        pixels = WCS(opened["SCI"].header).all_world2pix(numbers, 0)
        height, width = opened["SCI"].shape
    corners = np.array([[-0.5, -0.5], [-0.5, height - 0.5], [width - 0.5, height - 0.5], [width - 0.5, -0.5]])
    for corner in corners:
        assert np.min(np.hypot(*(pixels - corner).T)) < 0.1
