"""What viewers read of files, held against astropy, photutils and plain numpy."""

from __future__ import annotations

import io
import warnings

import numpy as np
import pyarrow as pa
import pytest
from astropy.io import fits
from astropy.table import MaskedColumn, Table
from astropy.wcs import WCS
from hypothesis import given, settings
from hypothesis import strategies as st
from photutils.aperture import CircularAperture, RectangularAperture, aperture_photometry

from deepfield.model.errors import InvalidValueError, UnreadableFileError
from deepfield.products.apertures import Polygon, parse_aperture, weights_on
from deepfield.products.bintable import BinTable
from deepfield.products.ecsv import read_batches
from deepfield.products.extracted import list_extractions, read_spectrum
from deepfield.products.grids import TextGrid
from deepfield.products.layout import open_layout
from deepfield.products.lightcurves import folded, light_curve, series_map, series_of
from deepfield.products.rectified import list_slits, read_slit
from deepfield.products.spaxels import Continuum, collapse, extract, find_cube

RNG = np.random.default_rng(5)


def opened(*hdus):
    """A file of these HDUs, held in memory."""
    content = io.BytesIO()
    fits.HDUList([fits.PrimaryHDU(), *hdus]).writeto(content)
    return open_layout(content, "made.fits")


def cube_file(shape=(7, 12, 10), *, tabled=False):
    data = RNG.normal(5, 1, shape).astype(np.float32)
    data[2, 3, 4] = np.nan
    science = fits.ImageHDU(data, name="SCI")
    science.header.update(
        BUNIT="MJy/sr", PIXAR_SR=1e-12, CTYPE1="RA---TAN", CTYPE2="DEC--TAN", CTYPE3="WAVE", CUNIT1="deg",
        CUNIT2="deg", CUNIT3="um", CRPIX3=1.0, CRVAL3=4.9, CDELT3=0.01, CDELT1=-1e-5, CDELT2=1e-5,
        CRVAL1=10.0, CRVAL2=2.0, CRPIX1=1.0, CRPIX2=1.0,
    )  # fmt: skip
    errors = fits.ImageHDU(RNG.uniform(0.1, 0.2, shape).astype(np.float32), name="ERR")
    flags = np.zeros(shape, np.uint32)
    flags[:, 5, 5] = 513
    flags[:, 6, 6] = 4  # a jump: good enough
    hdus = [science, errors, fits.ImageHDU(flags, name="DQ")]
    if tabled:
        science.header.update(CTYPE3="WAVE-TAB", PS3_0="WCS-TABLE", PS3_1="wavelength", CRVAL3=1.0, CDELT3=1.0)
        values = np.geomspace(1, 5, shape[0]).astype(np.float32)[None, :, None]
        column = fits.Column("wavelength", f"{shape[0]}E", array=values, dim=f"(1,{shape[0]})")
        hdus.append(fits.BinTableHDU.from_columns([column], name="WCS-TABLE"))
    return opened(*hdus)


def x1d(rows, length=50):
    columns = [
        fits.Column("SOURCE_ID", "J", array=np.arange(rows) + 100),
        fits.Column("N_ALONGDISP", "J", array=np.full(rows, length - 5)),
        fits.Column("WAVELENGTH", f"{length}D", unit="um", array=np.tile(np.linspace(1, 2, length), (rows, 1))),
        fits.Column("FLUX", f"{length}D", unit="Jy", array=RNG.normal(3, 1, (rows, length))),
        fits.Column("FLUX_ERROR", f"{length}D", unit="Jy", array=np.full((rows, length), 0.5)),
        fits.Column("DQ", f"{length}J", array=np.zeros((rows, length), np.int32)),
        fits.Column("SOURCE_TYPE", "20A", array=["POINT"] * rows),
    ]
    return fits.BinTableHDU.from_columns(columns, name="EXTRACT1D")


# -- any file


def test_tables_and_images_of_real_files_are_what_astropy_reads(real_data) -> None:
    compared = 0
    for path in sorted((real_data / "fits").rglob("*.fits*")):
        with warnings.catch_warnings(), path.open("rb") as stream, fits.open(path) as theirs:
            warnings.simplefilter("ignore")
            ours = open_layout(stream, path.name)
            assert len(ours.units) == len(theirs)
            for unit, hdu in zip(ours.units, theirs, strict=True):
                if isinstance(hdu, fits.BinTableHDU):
                    table = BinTable(ours, unit)
                    for column in table.columns:
                        if column.is_text:
                            assert list(table.read(column)) == [str(t).rstrip() for t in hdu.data[column.name]]
                        elif column.code not in "PQ":
                            np.testing.assert_array_equal(np.ma.getdata(table.read(column)), hdu.data[column.name])
                        compared += 1
                elif len(unit.part.shape) >= 2 and hdu.data is not None:
                    lead = (0,) * (len(unit.part.shape) - 2)
                    np.testing.assert_array_equal(ours.rows(unit, lead, 0, unit.part.shape[-2]), hdu.data[lead])
                    compared += 1
    assert compared > 250


@pytest.mark.parametrize("length", [0, 100, 2879, 2880, 9000])
def test_a_file_that_stops_early_is_told(length) -> None:
    content = io.BytesIO()
    fits.HDUList([fits.PrimaryHDU(), fits.ImageHDU(np.ones((40, 40)), name="SCI")]).writeto(content)
    with pytest.raises(UnreadableFileError, match=r"truncated|does not begin"):
        file = open_layout(io.BytesIO(content.getvalue()[:length]), "short.fits")
        file.rows(file.named("SCI")[0], (), 0, 40) if file.named("SCI") else file.bytes(file.units[0], 0, 1)


@pytest.mark.parametrize("form", ["J", "K", "I", "B", "E", "D", "L", "5A", "3E", "8X", "PD()", "QJ()", "M"])
def test_cells_of_every_type_are_what_astropy_reads(form) -> None:
    made = {
        "L": [True, False, True], "5A": ["ab", "", "x y"], "3E": RNG.normal(size=(3, 3)), "8X": RNG.integers(0, 2, (3, 8)),
        "PD()": [np.arange(2.0), np.arange(0.0), np.arange(3.0)], "QJ()": [np.arange(1), np.arange(4), np.arange(2)],
        "M": RNG.normal(size=3) + 1j,
    }.get(form, np.array([1, 2, 3]))  # fmt: skip
    if form in {"PD()", "QJ()"}:
        made = np.array(made, object)
    hdu = fits.BinTableHDU.from_columns([fits.Column("A", "J", array=[7, 8, 9]), fits.Column("B", form, array=made)])
    file = opened(hdu)
    table = BinTable(file, file.units[1])
    ours, theirs = table.read(table.columns[1]), hdu.data["B"]
    for mine, other in zip(ours, theirs, strict=True):
        if form == "5A":
            assert mine == other
        else:
            np.testing.assert_array_equal(np.asarray(mine), np.asarray(other))


# -- spectra


def test_one_source_of_many_is_exact_and_without_what_fills_its_vectors_up() -> None:
    hdu = x1d(30)
    file = opened(hdu)
    listed = list_extractions(file)
    assert [each.source_id for each in listed] == list(range(100, 130))
    found = read_spectrum(file, listed[17].key)
    assert found is not None
    flux = found.of("flux")
    assert flux is not None
    np.testing.assert_array_equal(flux.values, hdu.data["FLUX"][17][:45])
    assert flux.unit == "Jy"
    expected = np.median(hdu.data["FLUX"][17][:45] / 0.5)
    assert listed[17].signal_to_noise == pytest.approx(expected, rel=1e-12)
    assert len(listed[17].outline) == 40


def test_points_that_data_quality_forbids_do_not_count() -> None:
    hdu = x1d(1)
    hdu.data["DQ"][0][:20] = 1
    hdu.data["FLUX"][0][:20] = 1e6
    listed = list_extractions(opened(hdu))
    assert listed[0].points == 25
    assert max(value for value in listed[0].outline if value is not None) < 100


@pytest.mark.parametrize("key", ["", "x", "1.x", "-1", "1.-1", "1" * 40, "../1"])
def test_a_key_that_is_none_is_refused(key) -> None:
    with pytest.raises(InvalidValueError, match="the key of a spectrum"):
        read_spectrum(opened(x1d(2)), key)


@pytest.mark.parametrize("key", ["0", "1", "1.2", "7.0"])
def test_a_spectrum_that_is_not_there_is_none(key) -> None:
    assert read_spectrum(opened(x1d(2)), key) is None


def test_a_slit_with_its_wavelength_upright_or_backwards_is_turned() -> None:
    wavelength = np.tile(np.linspace(12, 5, 30)[:, None], (1, 6))
    values = RNG.normal(size=(30, 6))
    science = fits.ImageHDU(values, name="SCI")
    science.header["DISPAXIS"] = 2
    file = opened(science, fits.ImageHDU(wavelength, name="WAVELENGTH"))
    (slit,) = list_slits(file)
    found = read_slit(file, slit.number)
    assert found is not None
    assert found.turned
    np.testing.assert_array_equal(found.values, values.T[:, ::-1])
    np.testing.assert_allclose(found.wavelength, wavelength[::-1, 0])


# -- apertures and cubes


@settings(max_examples=150, deadline=None)
@given(x=st.floats(-3, 22), y=st.floats(-3, 18), radius=st.floats(0.05, 30))
def test_a_circle_has_the_shares_of_photutils(x, y, radius) -> None:
    image = np.arange(300.0).reshape(15, 20) + 1
    theirs = CircularAperture((x, y), radius).to_mask(method="exact").to_image(image.shape)
    try:
        weights = weights_on(parse_aperture(f"circle {x!r} {y!r} {radius!r}"), 20, 15, "")
    except InvalidValueError:
        assert theirs is None or np.allclose(theirs, 0, atol=1e-9)
        return
    ours = np.zeros(image.shape)
    height, width = weights.shares.shape
    ours[weights.y : weights.y + height, weights.x : weights.x + width] = weights.shares
    np.testing.assert_allclose(ours, 0 if theirs is None else theirs, atol=2e-9)


def test_a_box_is_that_of_photutils_and_its_shares_are_areas() -> None:
    image = RNG.normal(10, 1, (30, 40))
    weights = weights_on(parse_aperture("box 20 14 7 5"), 40, 30, "")
    total = (
        image[weights.y :, weights.x :][: weights.shares.shape[0], : weights.shares.shape[1]] * weights.shares
    ).sum()
    theirs = aperture_photometry(image, RectangularAperture((20, 14), 7, 5))["aperture_sum"][0]
    assert total == pytest.approx(theirs, rel=1e-12)
    turned = weights_on(parse_aperture("box 20.3 14.1 7.3 5.2 31"), 40, 30, "")
    assert turned.shares.sum() == pytest.approx(7.3 * 5.2, rel=1e-12)


def test_a_polygon_with_a_notch_has_its_area() -> None:
    notched = parse_aperture("polygon 2 2 12 2 12 12 7 5 2 12")
    assert isinstance(notched, Polygon)
    assert weights_on(notched, 40, 40, "").shares.sum() == pytest.approx(100 - 35)


@pytest.mark.parametrize(
    "text",
    [
        "", "circle", "circle 1 2", "circle 1 2 0", "circle 1 2 -3", "circle nan 1 1", "circle 1e9 1 1", "spaxel 1.5 2",
        "box 1 1 0 2", "polygon 1 1 2 2", "polygon 0 0 4 4 4 0 0 4", "polygon 1 1 1 1 1 1", "ellipse 1 2 3",
        "circle 1 2 3; drop table", "polygon " + "1 2 " * 400, "circle 500 500 3",
    ],
)  # fmt: skip
def test_what_is_no_aperture_is_refused_with_the_forms_there_are(text) -> None:
    with pytest.raises(InvalidValueError, match="aperture"):
        weights_on(parse_aperture(text), 40, 40, text)


@pytest.mark.parametrize("text", ["circle 4.3 5.1 2.7", "spaxel 4 3", "box 5 6 4 3", "circle 0 0 3"])
def test_the_spectrum_of_an_aperture_is_that_of_photutils(text) -> None:
    file = cube_file()
    cube = find_cube(file)
    assert cube is not None
    found = extract(cube, weights_on(parse_aperture(text), 10, 12, text))
    shape = {
        "circle": lambda x, y, r: CircularAperture((x, y), r),
        "spaxel": lambda x, y: RectangularAperture((x, y), 1, 1),
        "box": lambda x, y, w, h: RectangularAperture((x, y), w, h),
    }[text.split()[0]](*map(float, text.split()[1:]))
    for number in range(7):
        values = file.rows(file.units[1], (number,), 0, 12)
        errors = file.rows(file.units[2], (number,), 0, 12)
        bad = ~np.isfinite(values) | (file.rows(file.units[3], (number,), 0, 12) & 1 != 0)
        theirs = aperture_photometry(np.where(bad, 0, values), shape, error=errors, mask=bad)
        if found.pixels[number] == 0:
            assert np.isnan(found.total[number])
            continue
        assert found.total[number] == pytest.approx(theirs["aperture_sum"][0], rel=1e-11)
        assert found.error is not None
        assert found.error[number] == pytest.approx(theirs["aperture_sum_err"][0], rel=1e-11)


@pytest.mark.parametrize("tabled", [False, True])
def test_wavelengths_of_planes_are_those_of_astropy(tabled) -> None:
    file = cube_file(tabled=tabled)
    cube = find_cube(file)
    assert cube is not None
    if tabled:
        np.testing.assert_allclose(cube.wavelength, np.geomspace(1, 5, 7), rtol=1e-6)
        return
    header = fits.Header(
        {card.keyword: card.value for card in file.units[1].cards if card.keyword[:2] in {"CT", "CU", "CR", "CD"}}
    )
    theirs = WCS(header, naxis=3).pixel_to_world_values(0, 0, np.arange(7))[2] * 1e6
    np.testing.assert_allclose(cube.wavelength, theirs, rtol=1e-13)


def test_moments_are_those_of_a_line_at_rest() -> None:
    wavelength = 4.9 + np.arange(81) * 0.001
    profile = np.exp(-(((wavelength - 4.94) / 0.006) ** 2) / 2)
    data = (2 + 10 * (wavelength - 4.9)[:, None, None] + 3 * profile[:, None, None]) * np.ones((81, 4, 4))
    science = fits.ImageHDU(data, name="SCI")
    science.header.update(BUNIT="MJy/sr", CTYPE3="WAVE", CUNIT3="um", CRPIX3=1, CRVAL3=4.9, CDELT3=0.001)
    cube = find_cube(opened(science))
    assert cube is not None
    sides = Continuum((0, 9), (71, 80))
    area = 3 * 0.006 * np.sqrt(2 * np.pi)
    # the wings lie in the ranges of the continuum a little
    np.testing.assert_allclose(collapse(cube, "moment0", 0, 80, continuum=sides), area, rtol=1e-3)
    np.testing.assert_allclose(collapse(cube, "moment1", 0, 80, continuum=sides), 4.94, atol=1e-6)
    np.testing.assert_allclose(collapse(cube, "moment2", 0, 80, continuum=sides), 0.006, rtol=5e-3)
    speed = collapse(cube, "moment1", 0, 80, continuum=sides, rest=4.94)
    np.testing.assert_allclose(speed, 0, atol=0.1)


@pytest.mark.parametrize(
    ("kind", "theirs"), [("mean", np.nanmean), ("sum", np.nansum), ("maximum", np.nanmax)]
)  # fmt: skip
def test_collapsed_images_are_those_of_numpy_without_what_is_bad(kind, theirs) -> None:
    file = cube_file()
    cube = find_cube(file)
    assert cube is not None
    planes = np.array([file.rows(file.units[1], (number,), 0, 12) for number in range(7)], float)
    planes[:, 5, 5] = np.nan
    found = collapse(cube, kind, 1, 5)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        expected = theirs(planes[1:6], axis=0)
    expected[5, 5] = np.nan
    np.testing.assert_allclose(found, expected, rtol=1e-12)


# -- time series


def series_file(rows=40, length=60):
    flux = RNG.normal(10, 0.1, (rows, length))
    flux[:, 7] = np.nan
    flux[3, 8] = np.nan
    columns = [
        fits.Column("INT_NUM", "J", array=np.arange(rows) + 1),
        fits.Column("WAVELENGTH", f"{length}D", unit="um", array=np.tile(np.linspace(2, 1, length), (rows, 1))),
        fits.Column("FLUX", f"{length}D", unit="Jy", array=flux),
        fits.Column("FLUX_ERROR", f"{length}D", unit="Jy", array=np.full((rows, length), 0.1)),
        fits.Column("TDB-MID", "D", array=60000 + np.arange(rows) / 100),
    ]
    return flux, opened(fits.BinTableHDU.from_columns(columns, name="EXTRACT1D"))


def test_the_light_of_a_band_is_the_sum_over_its_wavelengths() -> None:
    flux, file = series_file()
    (order,) = series_of(file)
    wavelength = np.linspace(2, 1, 60)
    inside = (wavelength >= 1.5) & (wavelength <= 2.0)
    found = light_curve(order, 1.5, 2.0)
    inside[7] = False
    np.testing.assert_allclose(found.flux, np.nansum(flux[:, inside], axis=1), rtol=1e-13)
    np.testing.assert_allclose(found.error[0], 0.1 * np.sqrt(inside.sum()), rtol=1e-13)
    assert (found.counted, found.left_out) == (inside.sum(), 1)
    assert found.points[3] == inside.sum() - 1
    assert order.time_column == "TDB-MID"


def test_a_map_shows_every_wavelength_over_its_median_with_wavelength_to_the_right() -> None:
    flux, file = series_file()
    (order,) = series_of(file)
    found = series_map(order, most=(100, 100))
    assert found.values.shape == (40, 60)
    assert (np.diff(found.wavelength) > 0).all()
    np.testing.assert_allclose(found.values[:, -1], flux[:, 0] / np.median(flux[:, 0]), rtol=1e-12)
    small = series_map(order, most=(10, 7))
    assert small.values.shape == (10, 7)
    assert small.per_cell == (4, 9)


@pytest.mark.parametrize(
    ("time", "phase"), [(0.0, 0.0), (1.0, 0.25), (2.0, -0.5), (3.0, -0.25), (4.0, 0.0), (-1.0, -0.25)]
)
def test_phases_run_from_minus_a_half_to_a_half(time, phase) -> None:
    assert folded(np.array([time]), 4.0, 0.0)[0] == pytest.approx(phase)


def test_a_band_without_wavelengths_is_refused_with_the_range_there_is() -> None:
    (order,) = series_of(series_file()[1])
    with pytest.raises(InvalidValueError, match="1 to 2 um"):
        light_curve(order, 7.0, 8.0)


SOMETIMES = Table(
    {
        "label": [1, 2, 3],
        "flux": MaskedColumn([1.5, 2.5, 3.5], mask=[0, 1, 0]),
        "count": MaskedColumn([1, 2, 3], mask=[0, 1, 0]),
        "name": MaskedColumn(["a", "b", "c d"], mask=[0, 1, 0]),
    }
)


def written(delimiter):
    text = io.StringIO()
    SOMETIMES.write(text, format="ascii.ecsv", delimiter=delimiter)
    return text.getvalue().encode()


@pytest.mark.parametrize("delimiter", [" ", ","])
def test_values_that_astropy_left_out_of_a_table_are_missing(delimiter):
    types = {"label": "int64", "flux": "float64", "count": "int64", "name": "string"}
    columns = [{"name": name, "datatype": datatype} for name, datatype in types.items()]
    grid = TextGrid(io.BytesIO(written(delimiter)), "made_cat.ecsv", {"rows": 3, "columns": columns})
    assert grid.take(list(types), [0, 1, 2]) == {
        "label": [1, 2, 3], "flux": [1.5, None, 3.5], "count": [1, None, 3], "name": ["a", None, "c d"],
    }  # fmt: skip


@pytest.mark.parametrize("most", [1, 7, 1 << 16])
def test_a_header_ends_in_the_same_place_however_the_bytes_arrive(most):
    text = io.BytesIO(written(" "))

    class Slow:
        def read(self, count):
            return text.read(min(count, most))

    rows = pa.Table.from_batches(read_batches(Slow(), {"flux": pa.float64()}))
    assert rows.to_pydict() == {"flux": [1.5, None, 3.5]}
