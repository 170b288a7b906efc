"""``jwst.reference_files`` and ``caom2.Part``: what headers say, for each product, now and as it was."""

import sqlite3
from datetime import UTC, datetime

import pytest
from astropy.io import fits

from deepfield.access.policy import Readable
from deepfield.bootstrap import build
from deepfield.config import Settings
from support.archive import PUBLIC_FILE, write_exposure
from support.files import write_association, write_product

OTHER = "jw01111001001_02101_00002_nrcb1"
FLAT, BETTER_FLAT = "jwst_nircam_flat_0569.fits", "jwst_nircam_flat_0700.fits"
ANYBODY = Readable(at=datetime.now(UTC))


def write(path, flat, context="jwst_1322.pmap", date="2026-02-01T10:00:00.000"):
    write_exposure(path, number=1, date=date)
    with fits.open(path, mode="update") as file:
        file[0].header.update(
            CRDS_CTX=context, R_FLAT=f"crds://{flat}", R_DARK="crds://jwst_nircam_dark_0355.fits", R_FORE="N/A",
            R_EXTR1D="jwst_nirspec_extract1d_p10_G395M_1027.json", R_MASK="",
        )  # fmt: skip


def made(home, *folders):
    archive = build(Settings(home=home, workers=1, replica_threads=1))
    for folder in folders:
        archive.intake.ingest([folder])
    archive.replica.catch_up()
    return archive


def rows(archive, adql, **given):
    with archive.tables.query(adql, rule=ANYBODY, base_url="", **given) as stream:
        return [row for batch in stream for row in zip(*(column.to_pylist() for column in batch.columns), strict=True)]


@pytest.fixture(scope="module")
def archive(tmp_path_factory):
    """An exposure that is calibrated again with another flat, and one that shares its first reference files."""
    first, second = tmp_path_factory.mktemp("first"), tmp_path_factory.mktemp("second")
    write(first / PUBLIC_FILE, FLAT)
    write(first / f"{OTHER}_cal.fits", FLAT)
    write(second / PUBLIC_FILE, BETTER_FLAT, "jwst_1464.pmap", "2026-03-01T10:00:00.000")
    with made(tmp_path_factory.mktemp("home"), first, second) as archive:
        yield archive


def test_each_product_has_the_reference_files_that_its_header_names(archive):
    query = "SELECT keyword, reference_type, reference_file, crds_ctx, obs_id, product_id FROM jwst.reference_files WHERE filename = '{}_cal.fits' ORDER BY keyword"
    assert rows(archive, query.format(OTHER)) == [
        ("R_DARK", "dark", "jwst_nircam_dark_0355.fits", "jwst_1322.pmap", OTHER, "cal"),
        ("R_EXTR1D", None, "jwst_nirspec_extract1d_p10_G395M_1027.json", "jwst_1322.pmap", OTHER, "cal"),
        ("R_FLAT", "flat", FLAT, "jwst_1322.pmap", OTHER, "cal"),
    ]


def test_products_are_found_by_a_reference_file_now_and_as_of_then(archive):
    query = f"SELECT filename FROM jwst.reference_files WHERE reference_file = '{FLAT}' ORDER BY filename"
    assert rows(archive, query) == [(f"{OTHER}_cal.fits",)]
    assert rows(archive, query, snapshot=1) == [(PUBLIC_FILE,), (f"{OTHER}_cal.fits",)]
    newer = f"SELECT crds_ctx FROM jwst.reference_files WHERE reference_file = '{BETTER_FLAT}'"
    assert (rows(archive, newer), rows(archive, newer, snapshot=1)) == ([("jwst_1464.pmap",)], [])


def test_the_parts_of_a_product_are_those_of_its_file(archive):
    query = (
        "SELECT h.hdu, h.name, h.productType, h.kind, h.shape, h.dtype, a.uri FROM caom2.Part AS h "
        f"JOIN caom2.Artifact AS a ON a.artifactID = h.artifactID WHERE a.uri LIKE '%{PUBLIC_FILE}' ORDER BY hdu"
    )
    assert rows(archive, query) == [
        (0, "PRIMARY", None, "primary", "", "", f"mast:JWST/product/{PUBLIC_FILE}"),
        (1, "SCI", "science", "image", "64 48", "float32", f"mast:JWST/product/{PUBLIC_FILE}"),
    ]


def test_chunks_say_where_when_and_at_which_wavelengths_science_parts_are(archive):
    query = (
        "SELECT c.chunkID, c.naxis, c.positionAxis1, c.energy_axis_range_start_val, c.energy_axis_range_end_val, "
        "c.time_axis_range_start_val, c.energy_bandpassName FROM caom2.Chunk AS c JOIN caom2.Part AS h ON h.partID = c.partID "
        "JOIN caom2.Artifact AS a ON a.artifactID = h.artifactID JOIN caom2.Plane AS p ON p.planeID = a.planeID WHERE "
        "c.energy_axis_range_start_val = p.energy_bounds_lower AND c.time_axis_range_start_val = p.time_bounds_lower "
        f"AND CONTAINS(POINT(p.position_ra, p.position_dec), c.position_axis_bounds) = 1 AND a.uri LIKE '%{PUBLIC_FILE}'"
    )
    ((chunk, naxis, sky, low, high, start, band),) = rows(archive, query)
    assert (chunk, naxis, sky, band) == (f"mast:JWST/product/{PUBLIC_FILE}#1/1", 2, None, "F200W")
    assert 1.7e-6 < low < high < 2.3e-6
    assert start > 59000


def test_members_of_a_combination_are_named_and_found_where_they_are(tmp_path):
    combined = "jw01111-o001_t001_nircam_clear-f200w"
    products = tmp_path / "products"
    products.mkdir()
    write(products / PUBLIC_FILE, FLAT)
    write_product(products / f"{combined}_i2d.fits")
    name = "jw01111-o001_20260101t000000_image3_00001_asn.json"
    write_association(products / name, combined, [PUBLIC_FILE, f"{OTHER}_cal.fits"])
    query = (
        "SELECT parent.observationID, m.memberURI, o.observationID FROM caom2.ObservationMember AS m JOIN caom2.Observation "
        "AS parent ON parent.obsID = m.parentID LEFT JOIN caom2.Observation AS o ON o.obsID = m.memberID ORDER BY memberURI"
    )
    with made(tmp_path / "home", products) as archive:
        assert rows(archive, query) == [
            (combined, f"caom:JWST/{PUBLIC_FILE.removesuffix('_cal.fits')}", PUBLIC_FILE.removesuffix("_cal.fits")),
            (combined, f"caom:JWST/{OTHER}", None),
        ]


def test_sets_that_products_share_are_kept_once(archive):
    with archive.database.read() as connection:
        counts = {
            table: connection.exec_driver_sql(f"SELECT count(*) FROM {table}").scalar_one()
            for table in ("content", "reference_file", "part")
        }
    assert counts == {"content": 3, "reference_file": 6, "part": 2}


def test_an_archive_of_before_is_filled_by_reindex_without_a_change_of_any_observation(archive, tmp_path):
    with sqlite3.connect(archive.settings.root / "catalogue.sqlite") as source:
        source.backup(sqlite3.connect(tmp_path / "catalogue.sqlite"))
    everything = (
        "SELECT filename, keyword, reference_file, crds_ctx FROM jwst.reference_files ORDER BY filename, keyword"
    )
    with made(tmp_path) as old:
        with old.database.begin() as connection:
            for table in ("content", "reference_file", "part"):
                connection.exec_driver_sql(f"DELETE FROM {table}")
        old.replica.rebuild()
        assert rows(old, everything) == []
        before = old.replica.snapshot
        done = old.intake.reindex()
        assert (done.changed, done.snapshot) == (frozenset(), before + 1)
        old.replica.catch_up()
        for snapshot in (None, 1):
            assert rows(old, everything, snapshot=snapshot) == rows(archive, everything, snapshot=snapshot) != []
        assert old.intake.reindex().snapshot is None
