"""Spectra, cubes, time series and tables by the interface of the portal, of products of every instrument."""

import base64
import io
import shutil
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits
from astropy.io.votable import parse_single_table
from astropy.table import Table
from photutils.aperture import CircularAperture, aperture_photometry

from deepfield.web.app import create_app
from support.archive import build_archive
from support.serving import served

CUBE = "jw90342-o001_t001_miri_ch2-short_s3d.fits"
SERIES = "jw90613-o001_t001_niriss_clear-gr700xd-substrip256_x1dints.fits"
MANY = "jw90702-o002_t001_niriss_f200w-gr150r_x1d.fits"
MSA = "jw90551001001_03101_00001_nrs1_x1d.fits"
SLIT = "jw90551001001_03101_00001_nrs1_s2d.fits"
EXCLUSIVE = "jw90718-o001_t001_miri_p750l_x1d.fits"


@pytest.fixture(scope="module")
def folder(simulated, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("inside")
    for name in (CUBE, SERIES, MANY, MSA, SLIT, EXCLUSIVE):
        shutil.copy(next(simulated.rglob(name)), folder)
    catalogue = next(simulated.rglob("*nircam*_cat.ecsv"))
    shutil.copy(catalogue, folder)
    (folder / "release.toml").write_text('[programs."90718"]\nrelease = 2199-01-01T00:00:00Z\n')
    return folder


@pytest.fixture(scope="module")
def client(folder, tmp_path_factory):
    with build_archive(tmp_path_factory.mktemp("home"), folder) as archive, served(create_app(archive)) as client:
        yield client


def get(client, filename, path, **parameters):
    answer = client.get(f"/api/v1/products/{filename}/{path}", params=parameters)
    assert answer.status_code == 200, answer.text
    return answer.json()


def floats(document, name="values"):
    values = np.frombuffer(base64.b64decode(document[name]), "<f4")
    return values.reshape(document["height"], document["width"])


def column(document, role):
    name = document["roles"][role]
    values = next(each["values"] for each in document["columns"] if each["name"] == name)
    return np.array([np.nan if value is None else value for value in values])


def test_every_source_of_a_file_is_listed_and_exact(client, folder) -> None:
    listed = get(client, MANY, "spectra", limit=1000)
    with fits.open(folder / MANY) as hdus:
        tables = [hdu for hdu in hdus if hdu.name == "EXTRACT1D"]
        assert listed["total"] == sum(len(table.data) for table in tables)
        for each in listed["spectra"][:: max(1, listed["total"] // 5)]:
            row = hdus[each["hdu"]].data[each["row"]]
            assert each["source_id"] == row["SOURCE_ID"]
            assert each["ra"] == row["SOURCE_RA"]
            found = get(client, MANY, f"spectra/{each['key']}")
            length = row["N_ALONGDISP"]
            np.testing.assert_array_equal(column(found, "flux"), row["FLUX"][:length])
            np.testing.assert_array_equal(column(found, "flux_error"), row["FLUX_ERROR"][:length])


def test_sources_are_found_by_words_and_put_in_order(client) -> None:
    listed = get(client, MANY, "spectra", sort="-signal_to_noise", limit=5)["spectra"]
    ratios = [each["signal_to_noise"] for each in listed]
    assert ratios == sorted(ratios, reverse=True)
    word = f"source {listed[0]['source_id']}"
    found = get(client, MANY, "spectra", find=word)
    assert all(word in each["label"] for each in found["spectra"])
    assert 0 < found["found"] < found["total"]


def test_a_source_in_a_slitlet_has_its_place_and_its_two_dimensional_spectrum(client, folder) -> None:
    listed = get(client, MSA, "spectra")["spectra"]
    slits = {slit["source_id"]: slit for slit in get(client, SLIT, "slits")["slits"]}
    assert all(each["slit_x"] is not None and each["slit"] for each in listed)
    slit = slits[listed[0]["source_id"]]
    found = get(client, SLIT, f"slits/{slit['number']}")
    with fits.open(folder / SLIT) as hdus:
        np.testing.assert_array_equal(floats(found), hdus[slit["number"]].data.astype(np.float32))
        wavelength = np.nanmedian(hdus["WAVELENGTH", 1].data, axis=0)
    np.testing.assert_allclose(found["wavelength"], wavelength, rtol=1e-6)
    assert found["unit"] == "MJy"


@pytest.mark.parametrize("form", ["csv", "ecsv", "votable", "fits"])
def test_a_spectrum_leaves_in_formats_that_astropy_reads(client, folder, form) -> None:
    key = get(client, MANY, "spectra")["spectra"][3]["key"]
    answer = client.get(f"/api/v1/products/{MANY}/spectra/{key}", params={"format": form})
    assert answer.status_code == 200
    assert f"_{key}." in answer.headers["content-disposition"]
    content = io.BytesIO(answer.content)
    if form == "votable":
        table = parse_single_table(content).to_table()
    else:
        table = Table.read(content, format={"csv": "ascii.csv", "ecsv": "ascii.ecsv", "fits": "fits"}[form])
    with fits.open(folder / MANY) as hdus:
        row = hdus[int(key.split(".")[0])].data[int(key.split(".")[1])]
        np.testing.assert_array_equal(np.asarray(table["FLUX"]), row["FLUX"][: row["N_ALONGDISP"]])
    if form != "csv":
        assert str(table["FLUX"].unit) == "Jy"


def test_the_spectrum_of_an_aperture_of_a_cube_is_that_of_photutils(client, folder) -> None:
    facts = get(client, CUBE, "cube")
    found = get(client, CUBE, "cube/spectrum", aperture="circle 19.3 15.2 4.4")
    with fits.open(folder / CUBE) as hdus:
        assert facts["planes"] == len(hdus["SCI"].data)
        for plane in (0, 20, 63):
            values, bad = hdus["SCI"].data[plane], hdus["DQ"].data[plane] & 1 != 0
            bad |= ~np.isfinite(values)
            theirs = aperture_photometry(
                np.where(bad, 0, values), CircularAperture((19.3, 15.2), 4.4), error=hdus["ERR"].data[plane], mask=bad
            )
            assert found["total"][plane] == pytest.approx(theirs["aperture_sum"][0], rel=1e-9)
            assert found["error"][plane] == pytest.approx(theirs["aperture_sum_err"][0], rel=1e-6)
            area = hdus["SCI"].header["PIXAR_SR"] * 1e6
            assert found["flux"][plane] == pytest.approx(theirs["aperture_sum"][0] * area, rel=1e-9)


def test_images_of_a_cube_follow_its_wavelengths(client, folder) -> None:
    facts = get(client, CUBE, "cube")
    plane = get(client, CUBE, "cube/image", plane=7)
    with fits.open(folder / CUBE) as hdus:
        values = hdus["SCI"].data[7].copy()
        values[hdus["DQ"].data[7] & 1 != 0] = np.nan
    np.testing.assert_array_equal(floats(plane), values)
    assert plane["low"] == facts["wavelength"][7]
    band = f"{facts['wavelength'][3]}..{facts['wavelength'][9]}"
    mean = get(client, CUBE, "cube/image", kind="mean", band=band)
    assert (mean["first"], mean["last"]) == (3, 9)
    sides = "{}..{},{}..{}".format(*(facts["wavelength"][n] for n in (0, 5, 20, 30)))
    moment = get(client, CUBE, "cube/image", kind="moment1", band=band, continuum=sides, rest=facts["wavelength"][6])
    assert moment["unit"] == "km/s"


def test_a_time_series_has_orders_light_and_a_map(client, folder) -> None:
    orders = get(client, SERIES, "series")["orders"]
    assert [order["number"] for order in orders] == [1, 2]
    light = get(client, SERIES, "series/light", order=1, band="1.5..2.0")
    with fits.open(folder / SERIES) as hdus:
        tables = [hdu.data for hdu in hdus if hdu.name == "EXTRACT1D" and hdu.header["SPORDER"] == 1]
        flux = np.concatenate([table["FLUX"] for table in tables])
        bad = np.concatenate([table["DQ"] for table in tables]) & 1 != 0
        wavelength = tables[0]["WAVELENGTH"][0]
    flux = np.where(bad, np.nan, flux)
    inside = (wavelength >= 1.5) & (wavelength <= 2.0) & (np.isfinite(flux).mean(axis=0) >= 0.9)
    np.testing.assert_allclose(light["flux"], np.nansum(flux[:, inside], axis=1), rtol=1e-12)
    folded = get(client, SERIES, "series/light", order=2, period=0.01)
    assert all(-0.5 <= phase < 0.5 for phase in folded["phase"])
    picture = get(client, SERIES, "series/map", order=1)
    assert floats(picture).shape == (orders[0]["integrations"], orders[0]["wavelengths"])
    assert np.nanmedian(floats(picture)) == pytest.approx(1, abs=0.01)


def test_rows_of_a_catalogue_are_sorted_filtered_and_paged(client, folder) -> None:
    name = next(folder.glob("*_cat.ecsv")).name
    table = Table.read(folder / name)
    (facts,) = get(client, name, "tables")["tables"]
    assert facts["rows"] == len(table)
    described = {each["name"]: each for each in facts["columns"]}
    assert described["isophotal_flux"]["unit"] == str(table["isophotal_flux"].unit)
    page = get(client, name, "tables/0", sort="-isophotal_flux", columns="label,isophotal_flux", limit=7, offset=3)
    expected = np.argsort(-np.asarray(table["isophotal_flux"]), kind="stable")[3:10]
    assert page["rows"] == expected.tolist()
    assert page["values"]["label"] == [int(value) for value in table["label"][expected]]
    middle = float(np.median(table["isophotal_flux"]))
    kept = get(client, name, "tables/0", where=f"isophotal_flux={middle!r}..", limit=1000)
    assert kept["found"] == int((np.asarray(table["isophotal_flux"]) >= middle).sum())
    answer = client.get(
        f"/api/v1/products/{name}/tables/0", params={"where": f"isophotal_flux={middle!r}..", "format": "ecsv"}
    )
    assert len(Table.read(answer.text, format="ascii.ecsv")) == kept["found"]


def test_rows_of_a_binary_table_are_those_of_the_file(client, folder) -> None:
    number = get(client, MANY, "tables")["tables"][0]["number"]
    page = get(client, MANY, f"tables/{number}", columns="SOURCE_ID,SOURCE_TYPE,FLUX", sort="-SOURCE_ID", limit=4)
    with fits.open(folder / MANY) as hdus:
        data = hdus[number].data
        order = np.argsort(-data["SOURCE_ID"], kind="stable")[:4]
        assert page["values"]["SOURCE_ID"] == data["SOURCE_ID"][order].tolist()
        assert page["values"]["SOURCE_TYPE"] == data["SOURCE_TYPE"][order].tolist()
        np.testing.assert_array_equal(np.array(page["values"]["FLUX"], float), data["FLUX"][order])


def test_all_cards_of_any_hdu_can_be_read(client, folder) -> None:
    found = get(client, CUBE, "hdus/2")
    with fits.open(folder / CUBE) as hdus:
        assert found["name"] == "ERR"
        assert [card[0] for card in found["cards"]] == [card.keyword for card in hdus[2].header.cards]


@pytest.mark.parametrize(
    ("path", "field"),
    [
        (f"{CUBE}/cube/spectrum?aperture=circle 1 2", "aperture"),
        (f"{CUBE}/cube/spectrum?aperture=circle 900 900 2", "aperture"),
        (f"{CUBE}/cube/spectrum?aperture=spaxel 3 3&continuum=1..2", "continuum"),
        (f"{CUBE}/cube/spectrum?aperture=spaxel 3 3&continuum=1..2,3..4", "continuum"),
        (f"{CUBE}/cube/image?kind=median", "kind"),
        (f"{CUBE}/cube/image?plane=99999", "plane"),
        (f"{CUBE}/cube/image?kind=sum&band=9..8", "band"),
        (f"{CUBE}/cube/image?kind=sum&band=nan..inf", "band"),
        (f"{SERIES}/series/light?band=99..100", "band"),
        (f"{SERIES}/series/light?order=7", "order"),
        (f"{SERIES}/series/light?epoch=nan&period=1", "epoch"),
        (f"{MANY}/spectra?sort=colour", "sort"),
        (f"{MANY}/spectra/2.x", "spectrum"),
        (f"{MANY}/spectra/2.1?format=exe", "format"),
        (f"{MANY}/tables/2?sort=NOPE", "column"),
        (f"{MANY}/tables/2?sort=FLUX", "sort"),
        (f"{MANY}/tables/2?where=SOURCE_ID", "where"),
        (f"{MANY}/tables/2?where=SOURCE_ID=many", "SOURCE_ID"),
        (f"{MANY}/spectra?colour=red", "colour"),
    ],
)
def test_what_cannot_be_right_is_refused_by_field(client, path, field) -> None:
    answer = client.get(f"/api/v1/products/{path}")
    assert answer.status_code == 400, answer.text
    error = answer.json()["error"]
    assert error["field"] == field or field in error["message"]


@pytest.mark.parametrize("path", ["cube", "series", "spectra/9", "spectra/2.99999", "slits/1", "tables/0", "hdus/77"])
def test_what_a_product_does_not_hold_is_said_with_what_it_holds(client, path) -> None:
    answer = client.get(f"/api/v1/products/{MANY}/{path}")
    assert (answer.status_code, answer.json()["error"]["type"]) == (404, "nothing_to_show")
    assert "EXTRACT1D (table)" in answer.json()["error"]["message"]


@pytest.mark.parametrize(
    "path", ["spectra", "spectra/2", "spectra/2?format=csv", "tables", "tables/2", "hdus/2", "slits"]
)
def test_spectra_of_exclusive_products_are_kept_from_everybody_else(client, path) -> None:
    answer = client.get(f"/api/v1/products/{EXCLUSIVE}/{path}")
    assert (answer.status_code, answer.json()["error"]["type"]) == (403, "exclusive_access")


def test_a_file_that_changed_is_refused_and_one_that_shrank_too(client, folder) -> None:
    path = folder / SLIT
    content = path.read_bytes()
    try:
        path.write_bytes(content[: len(content) // 2])
        answer = client.get(f"/api/v1/products/{SLIT}/slits")
        assert (answer.status_code, answer.json()["error"]["type"]) == (409, "changed_file")
        path.unlink()
        assert client.get(f"/api/v1/products/{SLIT}/slits").status_code == 409
    finally:
        path.write_bytes(content)
