"""Source catalogues into rows, and rows into the table of the lake and out of it."""

import math

import astropy.units as u
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from astropy.coordinates import SkyCoord
from astropy.io import fits
from astropy.table import QTable, Table
from deltalake import DeltaTable

from deepfield.lake import SourceLake
from deepfield.missions.jwst.tables import default_tables
from deepfield.model.errors import UnreadableFileError
from deepfield.products.reader import read_header

A, B, C = ("a" * 64, "b" * 64, "c" * 64)


@pytest.fixture
def lake(tmp_path):
    return SourceLake(tmp_path / "lake", default_tables().source_columns)


def catalogue(path, rows=3, **columns):
    table = QTable()
    table["label"] = np.arange(1, rows + 1)
    table["sky_centroid"] = SkyCoord(10.0 + np.arange(rows) * 0.001, np.full(rows, -5.0), unit="deg")
    table["isophotal_flux"] = np.arange(1.0, rows + 1) * 1e-6
    table["isophotal_flux"].unit = "Jy"
    table["isophotal_abmag"] = -2.5 * np.log10(np.arange(1.0, rows + 1) * 1e-6 / 3631)
    table["is_extended"] = np.arange(rows) % 2 == 0
    for name, values in columns.items():
        table[name] = values
    table.write(path, format="ascii.ecsv")
    return path


def put(lake, path, content=A):
    notes = lake.read(path, read_header(path), content)
    lake.add([content])
    return notes


def stored(lake):
    found = [row for file in lake.files() for row in pq.read_table(file).to_pylist()]
    return sorted(found, key=lambda row: (row["sha256"], row["row_number"]))


def test_rows_are_those_that_astropy_reads(lake, tmp_path):
    path = catalogue(tmp_path / "jw01234-o001_t001_nircam_clear-f200w_cat.ecsv", rows=50)
    assert put(lake, path) == ()

    expected = Table.read(path, format="ascii.ecsv")
    rows = stored(lake)
    assert [row["label"] for row in rows] == expected["label"].tolist()
    assert [row["ra"] for row in rows] == expected["sky_centroid"].ra.deg.tolist()
    assert [row["isophotal_flux"] for row in rows] == expected["isophotal_flux"].value.tolist()
    assert [row["isophotal_abmag"] for row in rows] == expected["isophotal_abmag"].tolist()
    assert [row["is_extended"] for row in rows] == expected["is_extended"].tolist()
    assert {row["sha256"] for row in rows} == {A}
    assert [row["row_number"] for row in rows] == list(range(1, 51))


def test_a_real_catalogue_gives_its_positions_and_leaves_fluxes_without_a_unit_out(lake, real_data):
    path = real_data / "catalogs" / "jwst__step_SourceCatalogStep_cat.ecsv"
    notes = put(lake, path)

    expected = Table.read(path, format="ascii.ecsv")
    rows = stored(lake)
    assert [row["ra"] for row in rows] == expected["sky_centroid"].ra.deg.tolist()
    assert [row["semimajor_sigma"] for row in rows] == expected["semimajor_axis_sigma"].value.tolist()
    assert [row["isophotal_area"] for row in rows] == expected["area"].value.tolist()
    assert {row["isophotal_flux"] for row in rows} == {None}
    assert any("source_sum has no unit" in note for note in notes)


@pytest.mark.parametrize(("unit", "factor"), [("uJy", 1e-6), ("nJy", 1e-9), ("Jy", 1.0)])
def test_fluxes_are_brought_to_jansky(lake, tmp_path, unit, factor):
    put(lake, catalogue(tmp_path / "x_cat.ecsv", aper30_flux=np.array([1.0, 2.0, 3.0]) * u.Unit(unit)))
    assert [row["aper30_flux"] for row in stored(lake)] == pytest.approx([factor, 2 * factor, 3 * factor])


def test_a_flux_in_a_unit_that_is_none_of_a_flux_density_is_left_out_with_a_note(lake, tmp_path):
    notes = put(lake, catalogue(tmp_path / "x_cat.ecsv", aper30_flux=np.ones(3) * u.MJy / u.sr))
    assert {row["aper30_flux"] for row in stored(lake)} == {None}
    assert len(notes) == 1
    assert "aper30_flux has the unit 'MJy / sr'" in notes[0]


def test_what_old_pipelines_called_a_star_is_not_extended(lake, tmp_path):
    path = catalogue(tmp_path / "x_cat.ecsv", is_star=np.array([True, False, True]))
    table = Table.read(path, format="ascii.ecsv")
    table.remove_column("is_extended")
    table.write(path, format="ascii.ecsv", overwrite=True)
    put(lake, path)
    assert [row["is_extended"] for row in stored(lake)] == [False, True, False]


def test_sources_without_a_position_stay_without_one(lake, tmp_path):
    path = tmp_path / "x_cat.ecsv"
    table = Table({"label": [1, 2, 3, 4], "ra": [math.nan, 400.0, -1.0, 10.0], "dec": [0.0, 0.0, 5.0, 95.0]})
    table.write(path, format="ascii.ecsv")
    put(lake, path)
    rows = stored(lake)
    assert [(row["ra"], row["dec"]) for row in rows] == [(None, None), (None, None), (359.0, 5.0), (None, None)]
    assert [row["healpix"] is None for row in rows] == [True, True, False, True]


def test_a_fits_catalogue_is_read_as_well(lake, tmp_path):
    path = tmp_path / "jw01234-o001_t001_nircam_clear-f200w_cat.fits"
    columns = fits.ColDefs(
        [
            fits.Column("LABEL", "J", array=[7, 8]),
            fits.Column("RA", "D", unit="deg", array=[1.5, 2.5]),
            fits.Column("DEC", "D", unit="deg", array=[-1.5, 2.5]),
            fits.Column("ISOPHOTAL_FLUX", "E", unit="mJy", array=[1.0, np.nan]),
            fits.Column("IS_EXTENDED", "L", array=[True, False]),
        ]
    )
    fits.HDUList([fits.PrimaryHDU(), fits.BinTableHDU.from_columns(columns)]).writeto(path)
    put(lake, path)
    rows = stored(lake)
    assert [(row["label"], row["ra"], row["dec"], row["is_extended"]) for row in rows] == [
        (7, 1.5, -1.5, True),
        (8, 2.5, 2.5, False),
    ]
    assert [row["isophotal_flux"] for row in rows] == [pytest.approx(1e-3), None]


def test_an_empty_catalogue_is_a_content_without_rows(lake, tmp_path):
    path = catalogue(tmp_path / "x_cat.ecsv", rows=0)
    put(lake, path)
    assert stored(lake) == []
    assert lake.contents() == {A}


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (lambda text: text.replace("sky_centroid.ra", "where"), "no ra"),
        (lambda text: text + "1 2\n", "cannot be read"),
        (lambda text: text + "many 1 2 3 4 True\n", "cannot be read"),
        (lambda text: text + "x" * 900_000 + "\n", "cannot be read"),
    ],
)
def test_rows_that_are_not_what_the_header_says_are_refused_and_leave_nothing(lake, tmp_path, spoil, reason):
    path = catalogue(tmp_path / "x_cat.ecsv")
    path.write_text(spoil(path.read_text()))
    with pytest.raises(UnreadableFileError, match=reason):
        put(lake, path)
    assert not lake.folder.exists() or list(lake.folder.glob("*")) == []
    assert lake.files() == ()


def test_a_content_is_there_once_however_often_it_is_added(lake, tmp_path):
    path = catalogue(tmp_path / "x_cat.ecsv")
    put(lake, path)
    put(lake, path)
    assert len(stored(lake)) == 3
    assert lake.add([A]) == 0


def test_compacting_keeps_every_row_and_content_and_readers_keep_their_files(lake, tmp_path):
    path = catalogue(tmp_path / "x_cat.ecsv")
    for content in (A, B, C):
        put(lake, path, content)
    before, files = stored(lake), lake.files()

    assert lake.compact(many=5) == 0
    assert lake.compact(many=1) == 3

    assert len(lake.files()) == 1
    assert stored(lake) == before
    assert lake.contents() == {A, B, C}
    assert all(file.exists() for file in files)
    assert lake.add([A, B]) == 0


def test_removed_contents_are_gone_compacted_or_not(lake, tmp_path):
    path = catalogue(tmp_path / "x_cat.ecsv")
    for content in (A, B):
        put(lake, path, content)
    lake.compact(many=1)
    put(lake, path, C)

    assert lake.remove({A, C}) == 2

    assert {row["sha256"] for row in stored(lake)} == {B}
    assert lake.contents() == {B}
    assert not lake.holds(A)
    assert not lake.holds(C)
    put(lake, path, A)
    assert {row["sha256"] for row in stored(lake)} == {A, B}


def test_what_was_written_and_never_added_is_in_no_table(lake, tmp_path):
    path = catalogue(tmp_path / "x_cat.ecsv")
    lake.read(path, read_header(path), A)
    assert lake.files() == ()
    assert lake.holds(A)
    assert lake.remove({A}) == 1
    assert not lake.holds(A)


def test_delta_readers_see_the_table(lake, tmp_path):
    put(lake, catalogue(tmp_path / "x_cat.ecsv"))
    table = DeltaTable(lake.folder)
    assert table.metadata().name == "source"
    actions = pa.table(table.get_add_actions(flatten=True))
    assert actions["num_records"].to_pylist() == [3]
    cells = [row["healpix"] for row in stored(lake)]
    assert actions["min.healpix"].to_pylist() == [min(cells)]
    assert actions["max.healpix"].to_pylist() == [max(cells)]
