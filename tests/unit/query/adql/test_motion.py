"""``ivo_epoch_prop_pos`` against astropy's space motion."""

import numpy as np
import pyarrow as pa
import pytest
from astropy import units as u
from astropy.coordinates import SkyCoord
from astropy.time import Time

from deepfield.model.tables import Column
from deepfield.query.engines.adql import Upload

NAMES = ("ra", "dec", "parallax", "pmra", "pmdec", "rv")
BARNARD = (269.452076, 4.693365, 546.9759, -802.803, 10362.542, -110.5)
ARGUMENTS = "t.ra, t.dec, t.parallax, t.pmra, t.pmdec, t.rv, 2016, 2026.5"


def stars():
    """A hundred stars anywhere, one beside each pole, one that crosses RA 0, and Barnard's."""
    rng = np.random.default_rng(7)
    spread = np.column_stack(
        [
            rng.uniform(0, 360, 100),
            np.degrees(np.arcsin(rng.uniform(-1, 1, 100))),
            rng.uniform(0.5, 300, 100),
            rng.normal(0, 2000, 100),
            rng.normal(0, 2000, 100),
            rng.normal(0, 100, 100),
        ]
    )
    edges = [(10.0, 89.9999, 100.0, 900.0, 2000.0, 30.0), (200.0, -89.9999, 9.0, 1e3, -2e3, 0.0)]
    return np.vstack([spread, edges, (359.999999, 10.0, 5.0, 3000.0, 0.0, 5.0), BARNARD])


def uploaded(rows):
    table = pa.table({name: pa.array(values, pa.float64()) for name, values in zip(NAMES, rows, strict=True)})
    return {"stars": Upload(tuple(Column(name, "float64", "") for name in NAMES), table)}


def where(archive, rows, function):
    adql = f"SELECT COORD1({function}), COORD2({function}) FROM TAP_UPLOAD.stars AS t"
    return archive.ask(adql, uploads=uploaded(rows)).rows


def test_stars_are_where_astropy_moves_them(archive):
    rows = stars()
    ra, dec, parallax, pmra, pmdec, rv = rows.T
    there = SkyCoord(
        ra * u.deg,
        dec * u.deg,
        distance=(parallax * u.mas).to(u.pc, u.parallax()),
        pm_ra_cosdec=pmra * u.mas / u.yr,
        pm_dec=pmdec * u.mas / u.yr,
        radial_velocity=rv * u.km / u.s,
        obstime=Time(2016.0, format="jyear", scale="tcb"),
    ).apply_space_motion(new_obstime=Time(2026.5, format="jyear", scale="tcb"))
    found = np.array(where(archive, rows.T, f"ivo_epoch_prop_pos({ARGUMENTS})"))
    apart = SkyCoord(*found.T, unit="deg").separation(SkyCoord(there.ra, there.dec)).mas
    moved = SkyCoord(ra, dec, unit="deg").separation(SkyCoord(there.ra, there.dec)).mas
    assert np.max(moved) > 100_000  # Barnard's star, in ten years
    assert np.all(apart < 0.1 + 1e-3 * moved), apart.max()  # astropy counts the time that light takes as well
    assert np.median(apart) < 5


@pytest.mark.parametrize(("missing", "answered"), [("parallax", True), ("rv", True), ("pmra", True), ("dec", False)])
def test_only_a_place_must_be_known(archive, missing, answered):
    rows = [[None if name == missing else value] for name, value in zip(NAMES, BARNARD, strict=True)]
    ((ra, dec),) = where(archive, rows, f"ivo_epoch_prop_pos({ARGUMENTS})")
    flat = where(archive, rows, "ivo_epoch_prop_pos(t.ra, t.dec, t.pmra, t.pmdec, 2016, 2026.5)")
    if missing in {"parallax", "rv"}:
        assert [(ra, dec)] == flat
    assert (ra is not None, dec is not None) == (answered, answered)


def test_a_moved_star_is_compared_with_places(archive):
    found = archive.ask(
        "SELECT t.ra FROM TAP_UPLOAD.stars AS t WHERE DISTANCE("
        f"ivo_epoch_prop_pos({ARGUMENTS}), POINT(269.449726, 4.723588)) < 0.0001",
        uploads=uploaded(stars().T),
    )
    assert found.first == {BARNARD[0]}
