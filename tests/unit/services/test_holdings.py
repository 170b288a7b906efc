from __future__ import annotations

import dataclasses
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from astropy.io import fits

from deepfield.access.principal import ANONYMOUS, STAFF
from deepfield.catalogue.database import Database
from deepfield.catalogue.documents import deflate
from deepfield.catalogue.links import Links
from deepfield.catalogue.numbers import next_snapshot
from deepfield.catalogue.observations import Observations
from deepfield.model.errors import AccessDeniedError, NoPreviewError, UnknownObservationError, UnknownProductError
from deepfield.products.preview import make_preview
from deepfield.products.reader import read_header
from deepfield.services.holdings import Holdings, preview_path
from support.observations import ARCHIVED, artifact, filed, observation, save, with_files

NAME = "jw01234001001_02101_00001_nrca1"
FILE = f"{NAME}_cal.fits"
COMBINED = "jw01234-o001_t001_nircam_clear-f200w"
NOW = datetime(2026, 6, 1, tzinfo=UTC)
EVERYBODY = ANONYMOUS.rule(at=NOW)
LATER = NOW + timedelta(days=100)


@pytest.fixture
def database(tmp_path):
    opened = Database(f"sqlite:///{tmp_path / 'catalogue.sqlite'}")
    opened.upgrade()
    yield opened
    opened.close()


@pytest.fixture
def holdings(database, tmp_path):
    return Holdings(database, Observations(), previews_path=tmp_path / "previews")


def exposure(*extra, **changed):
    raw = artifact(f"{NAME}_uncal.fits", content="raw", product_group=None, calib_level=1)
    return with_files(observation(NAME), artifact(FILE, **changed), raw, *extra)


def link_association(database) -> None:
    asn = artifact(f"{COMBINED}_asn.json", content="asn", product_type="INFO", product_group=None, content_length=9)
    i2d = artifact(f"{COMBINED}_i2d.fits", content="i2d", calib_level=3)
    save(database, exposure(), observation(COMBINED, [i2d, asn], members=(NAME,)))
    with database.begin() as connection:
        store = Observations()
        number = store.describe(connection, NAME)["obs_number"]
        product = store.artifact(connection, asn.filename)["artifact_number"]
        Links().save(connection, next_snapshot(connection), {product: {number: "association"}}, of=[product])


def test_an_observation_comes_with_its_planes_products_and_relations(database, holdings) -> None:
    link_association(database)

    record = holdings.observation(NAME, rule=EVERYBODY)

    assert record.row["target_name"] == "NGC 3324"
    (plane,) = record.planes
    assert plane.row["product_id"] == "cal"
    assert [product.filename for product in plane.products] == [FILE, f"{NAME}_uncal.fits"]
    assert (record.members, record.part_of) == ((), (COMBINED,))
    assert holdings.observation(COMBINED, rule=EVERYBODY).members == (NAME,)
    assert (record.access.rights, record.access.release) == ("PUBLIC", ARCHIVED)


def test_an_observation_can_be_seen_as_it_was(database, holdings) -> None:
    first = save(database, exposure())
    save(database, exposure(content="second"), version=2)

    def versions(snapshot):
        record = holdings.observation(NAME, rule=EVERYBODY, snapshot=snapshot)
        return {product.filename: product.version for product in record.planes[0].products}

    assert versions(first)[FILE] == 1
    assert versions(None)[FILE] == 2


def test_recommended_products_come_first_and_the_whole_dataset_on_request(database, holdings) -> None:
    link_association(database)

    recommended = holdings.products(NAME, rule=EVERYBODY)
    everything = holdings.products(NAME, rule=EVERYBODY, everything=True)

    assert recommended.recommended
    assert [product.filename for product in recommended.products] == [FILE]
    assert recommended.total_size == 2**33 + 1
    assert not everything.recommended
    assert [(product.filename, product.relation, product.obs_id) for product in everything.products] == [
        (f"{COMBINED}_asn.json", "association", COMBINED),
        (FILE, None, NAME),
        (f"{NAME}_uncal.fits", None, NAME),
    ]
    assert everything.total_size == 9 + 2**33 + 1 + 2**33 + 3
    assert everything.products[1].uri == f"mast:JWST/product/{FILE}"


def test_where_nothing_is_recommended_all_own_products_are_listed(database, holdings) -> None:
    save(database, exposure(product_group=None))
    listed = holdings.products(NAME, rule=EVERYBODY)
    assert not listed.recommended
    assert len(listed.products) == 2


def test_metadata_of_exclusive_products_are_public_but_say_so(database, holdings) -> None:
    save(database, dataclasses.replace(exposure(data_release=LATER), data_release=LATER))

    def access(rule):
        record = holdings.observation(NAME, rule=rule)
        listed = {product.filename: product.access.rights for product in record.planes[0].products}
        return record.access.rights, listed[FILE], listed[f"{NAME}_uncal.fits"]

    assert access(EVERYBODY) == ("EXCLUSIVE_ACCESS", "EXCLUSIVE_ACCESS", "PUBLIC")
    assert access(ANONYMOUS.rule(at=LATER)) == ("PUBLIC", "PUBLIC", "PUBLIC")
    assert access(STAFF.rule(at=NOW)) == ("PUBLIC", "PUBLIC", "PUBLIC")
    assert holdings.product(FILE, rule=EVERYBODY).access.release == LATER


def test_unknown_names_are_said_to_be_unknown(holdings) -> None:
    for ask in (holdings.observation, holdings.products):
        with pytest.raises(UnknownObservationError):
            ask("jw_nothing", rule=EVERYBODY)
    for ask in (holdings.header, holdings.history):
        with pytest.raises(UnknownProductError):
            ask("jw_nothing.fits")
    with pytest.raises(UnknownProductError):
        holdings.preview("jw_nothing.fits", rule=EVERYBODY)


def write_file(tmp_path, date):
    path = tmp_path / FILE
    primary = fits.PrimaryHDU()
    primary.header.update(CAL_VER="1.17.1", CRDS_CTX="jwst_1322.pmap", DATE=date)
    science = fits.ImageHDU(np.arange(64 * 64, dtype=np.float32).reshape(64, 64), name="SCI")
    science.header["BUNIT"] = "MJy/sr"
    fits.HDUList([primary, science]).writeto(path, overwrite=True)
    return path


def save_file(database, path, content, *, version=1, has_preview=False, release=ARCHIVED):
    """Save one product with the header of a real file."""
    store, one = Observations(), with_files(observation(NAME), artifact(FILE, content=content, data_release=release))
    with database.begin() as connection:
        seq = next_snapshot(connection)
        document = deflate(read_header(path).to_json())
        sha256 = artifact(FILE, content=content).sha256
        store.save_headers(connection, {sha256: document})
        store.save_products(connection, seq, one, {FILE: filed(version, has_preview=has_preview)})
        store.save_summary(connection, seq, one, at=ARCHIVED, changed=True)
    return sha256


def test_a_header_is_what_the_file_says(database, holdings, tmp_path) -> None:
    save_file(database, write_file(tmp_path, "2026-01-01T00:00:00"), "1", release=LATER)  # public though exclusive

    header = holdings.header(FILE)

    assert header == read_header(tmp_path / FILE)
    assert header.get("BUNIT", hdu="SCI") == "MJy/sr"


def test_history_lists_every_version_with_its_pipeline(database, holdings, tmp_path) -> None:
    save_file(database, write_file(tmp_path, "2026-01-01T00:00:00"), "1")
    save_file(database, write_file(tmp_path, "2026-02-01T00:00:00"), "second", version=2)

    newest, oldest = holdings.history(FILE)

    assert (newest.version, newest.current, newest.snapshot_from, newest.snapshot_to) == (2, True, 2, None)
    assert (oldest.version, oldest.current, oldest.snapshot_from, oldest.snapshot_to) == (1, False, 1, 2)
    assert (oldest.size, newest.size) == (2**33 + 1, 2**33 + 6)
    assert (newest.cal_ver, newest.crds_ctx) == ("1.17.1", "jwst_1322.pmap")
    assert holdings.header(FILE, version=1).get("DATE") == "2026-01-01T00:00:00"


def test_a_release_date_that_moves_makes_no_new_version(database, holdings, tmp_path) -> None:
    path = write_file(tmp_path, "2026-01-01T00:00:00")
    save_file(database, path, "1")
    save_file(database, path, "1", release=LATER)

    (only,) = holdings.history(FILE)

    assert (only.version, only.current, only.snapshot_from, only.snapshot_to) == (1, True, 1, None)
    assert holdings.product(FILE, rule=EVERYBODY).access.release == LATER


def test_a_preview_follows_the_access_rule_of_its_product(database, holdings, tmp_path) -> None:
    path = write_file(tmp_path, "2026-01-01T00:00:00")
    sha256 = save_file(database, path, "1", has_preview=True, release=LATER)
    make_preview(path, read_header(path), preview_path(tmp_path / "previews", sha256).with_suffix(""))

    for ask in (holdings.preview, holdings.preview_caption):
        with pytest.raises(AccessDeniedError) as refused:
            ask(FILE, rule=EVERYBODY)
        assert refused.value.release == LATER
    rule = ANONYMOUS.rule(at=LATER)
    assert holdings.preview(FILE, rule=rule).read_bytes().startswith(b"\x89PNG")
    assert holdings.preview(FILE, rule=rule, size="thumb").name == f"{sha256}.thumb.png"
    caption = holdings.preview_caption(FILE, rule=rule)
    assert caption.caption.startswith("cal SCI asinh ")
    assert (caption.width, caption.height) == (512, 512)


def test_a_product_without_a_picture_says_so(database, holdings, tmp_path) -> None:
    path = write_file(tmp_path, "2026-01-01T00:00:00")
    save_file(database, path, "1", has_preview=False)
    with pytest.raises(NoPreviewError):
        holdings.preview(FILE, rule=EVERYBODY)
    save_file(database, path, "1", has_preview=True)  # its picture was deleted by hand
    with pytest.raises(NoPreviewError):
        holdings.preview(FILE, rule=EVERYBODY)
