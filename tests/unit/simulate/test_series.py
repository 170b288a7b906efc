"""Time series: transits of the right depth at the right moment, in segments whose times and noise agree."""

from __future__ import annotations

import numpy as np
import pytest
from astropy import units
from astropy.io import fits
from astropy.modeling.models import BlackBody
from astropy.table import Table
from scipy.stats import norm

from deepfield.simulate.transit import system

NIRSPEC = "jw90613-o002_t001_nirspec_f290lp-g395m-s1600a1-sub2048"
NIRISS = "jw90613-o001_t001_niriss_clear-gr700xd-substrip256"


def eclipse(ratio, place, limb, cells=1500):
    """The share of a limb-darkened star that a disc of ``ratio`` at ``place`` (x, y) hides, cell by cell."""
    axis = (np.arange(cells) + 0.5) / cells * 2 - 1
    x, y = np.meshgrid(axis, axis)
    radius = np.hypot(x, y)
    mu = np.sqrt(np.clip(1 - radius**2, 0, None))
    bright = np.where(radius < 1, 1 - limb[0] * (1 - mu) - limb[1] * (1 - mu) ** 2, 0)
    return bright[np.hypot(x - place[0], y - place[1]) < ratio].sum() / bright.sum()


@pytest.mark.parametrize("name", ["red-dwarf", "white-dwarf"])
def test_a_transit_hides_what_the_planets_disc_covers(name):
    planet = system(name)
    edge = np.sqrt((1 + planet.ratio) ** 2 - planet.impact**2)
    for share in (0.0, 0.5, 0.85):
        there = planet.hidden(np.array([share * planet.crossing / 2]))[0]
        expected = eclipse(planet.ratio, (share * edge, planet.impact), planet.limb)
        assert there == pytest.approx(expected, rel=0.01)
    assert planet.hidden(np.array([0.501 * planet.crossing]))[0] == 0


def test_the_white_light_curve_shows_the_transit_at_its_time_and_depth(transits):
    curve = Table.read(transits.folder / f"{NIRSPEC}_whtlt.ecsv")
    flux = np.array(curve["whitelight_flux"])
    hours = (np.array(curve["MJD_UTC"]) - curve["MJD_UTC"][0]) * 24
    outside = np.r_[flux[:4], flux[-4:]]
    depth = 1 - flux / outside.mean()
    planet = system("red-dwarf")
    middle = np.average(hours, weights=np.where(depth > 0.01, depth, 0))
    assert middle == pytest.approx(hours.mean(), abs=0.02), hours
    assert (depth > 0.003).sum() * np.diff(hours)[0] * 3600 == pytest.approx(planet.crossing, rel=0.1)
    expected = eclipse(planet.ratio, (0, planet.impact), planet.limb)
    assert expected < depth.max() < 1.15 * expected
    assert outside.std() < 3e-4 * outside.mean()


def test_the_planet_is_larger_where_carbon_dioxide_absorbs(transits):
    table = fits.getdata(transits.folder / f"{NIRSPEC}_x1dints.fits", "EXTRACT1D")
    inside, outside = table["FLUX"][9:15].mean(axis=0), np.r_[table["FLUX"][:4], table["FLUX"][-4:]].mean(axis=0)
    depth, wavelength = 1 - inside / outside, table["WAVELENGTH"][0]

    def near(centre):
        return np.nanmedian(depth[np.abs(wavelength - centre) < 0.06])

    assert near(4.3) / near(3.9) == pytest.approx(1.06**2, abs=0.03)


def test_the_star_shines_as_a_black_body_of_its_temperature(transits):
    table = fits.getdata(transits.folder / f"{NIRSPEC}_x1dints.fits", "EXTRACT1D")
    wavelength, flux = table["WAVELENGTH"][0], table["FLUX"][0]
    planck = BlackBody(temperature=system("red-dwarf").temperature * units.K)(wavelength * units.um).value
    scaled = flux / planck / np.nanmedian((flux / planck)[np.abs(wavelength - 3.8) < 0.1])
    clear = (np.abs(wavelength - 4.6) > 0.3) & (wavelength > 3.2)
    assert np.nanmedian(scaled[clear]) == pytest.approx(1, abs=0.01)
    assert np.nanmin(scaled[np.abs(wavelength - 4.6) < 0.05]) == pytest.approx(0.88, abs=0.02)


def test_segments_share_the_integrations_and_their_times(transits):
    paths = sorted(transits.folder.glob("jw90613002001_04101_00001-seg00?_nrs1_calints.fits"))
    headers = [fits.getheader(path) for path in paths]
    assert [(h["EXSEGNUM"], h["EXSEGTOT"], h["INTSTART"], h["INTEND"]) for h in headers] == [
        (1, 2, 1, 12),
        (2, 2, 13, 24),
    ]
    assert all(h["NINTS"] == 24 and h["TSOVISIT"] for h in headers)
    times = np.concatenate([fits.getdata(path, "INT_TIMES") for path in paths])
    assert list(times["integration_number"]) == list(range(1, 25))
    cadence = np.diff(times["int_mid_MJD_UTC"]) * 86400
    assert np.ptp(cadence) < 1e-3
    assert times["int_start_MJD_UTC"][0] == pytest.approx(headers[0]["EXPSTART"])
    assert cadence[0] * 24 == pytest.approx((headers[0]["EXPEND"] - headers[0]["EXPSTART"]) * 86400, rel=1e-6)
    light = (times["int_mid_BJD_TDB"] - times["int_mid_MJD_UTC"]) * 86400
    assert abs(light[0]) < 505
    table = fits.getdata(transits.folder / f"{NIRSPEC}_x1dints.fits", "EXTRACT1D")
    assert list(table["SEGMENT"]) == [1] * 12 + [2] * 12
    np.testing.assert_allclose(table["MJD-AVG"], times["int_mid_MJD_UTC"])


def test_integrations_scatter_as_their_errors_say(transits):
    with fits.open(next(transits.folder.glob("*seg001_nrs1_calints.fits"))) as hdus:
        first, second, error = hdus["SCI"].data[0], hdus["SCI"].data[1], hdus["ERR"].data[0]
        noise = np.sqrt(2 * (hdus["VAR_POISSON"].data[0] + hdus["VAR_RNOISE"].data[0]))
    pull = ((first - second) / noise)[np.isfinite(error)]
    bulk = pull[np.abs(pull) < 5]
    assert bulk.std() == pytest.approx(1, abs=0.06)
    assert np.percentile(bulk, 97.5) == pytest.approx(norm.ppf(0.975), abs=0.2)


def test_niriss_has_two_orders_that_bend_apart(transits):
    with fits.open(transits.folder / f"{NIRISS}_x1dints.fits") as hdus:
        tables = [hdu for hdu in hdus if hdu.name == "EXTRACT1D"]
        assert [hdu.header["SPORDER"] for hdu in tables] == [1, 2]
        assert tables[0].columns["FLUX"].unit == "Jy"
        first, second = (hdu.data["WAVELENGTH"][0] for hdu in tables)
        assert (np.diff(first) > 0).all()
        assert first.min() < 0.9 < 2.75 < first.max()
        assert second.min() < 0.65 < 1.35 < second.max()
        both = np.abs(tables[1].data["WAVELENGTH"][0] - 0.95) < 0.06
        again = np.interp(second[both], first, tables[0].data["FLUX"][0])
        np.testing.assert_allclose(tables[1].data["FLUX"][0][both], again, rtol=0.05)
    image = fits.getdata(next(transits.folder.glob("*seg001_nis_calints.fits")), "SCI")[0][:12]
    rows = np.arange(12)[:, None]
    left, right = (np.nansum(rows * part**2) / np.nansum(part**2) for part in (image[:12, 4:20], image[:12, 60:70]))
    assert left > right + 1


def test_photometry_in_two_channels_sees_the_same_transit(white_dwarf):
    depths = []
    for name in ("clear-f210m-sub160p", "clear-f444w-sub160p"):
        table = Table.read(white_dwarf.folder / f"jw90628-o001_t001_nircam_{name}_phot.ecsv")
        flux = np.array(table["net_aperture_sum"])
        depths.append(1 - flux[10:14].mean() / np.r_[flux[:4], flux[-4:]].mean())
        assert table["net_aperture_sum"].unit == "Jy"
        steady = np.r_[flux[:5], flux[-5:]]
        assert steady.std() == pytest.approx(np.mean(table["net_aperture_sum_err"][:5]), rel=0.8)
    planet = system("white-dwarf")
    expected = eclipse(planet.ratio, (0, planet.impact), planet.limb)
    assert depths == pytest.approx([expected, expected], rel=0.04)
    assert len(list(white_dwarf.folder.glob("*_o001_crfints.fits"))) == 4
