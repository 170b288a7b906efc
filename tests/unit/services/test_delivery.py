from __future__ import annotations

import dataclasses
import os
from datetime import UTC, datetime, timedelta

import pytest

from deepfield.access.policy import Readable
from deepfield.access.principal import ANONYMOUS, STAFF
from deepfield.catalogue.database import Database
from deepfield.catalogue.numbers import next_snapshot
from deepfield.catalogue.observations import Observations
from deepfield.catalogue.rows import Filed
from deepfield.model.errors import AccessDeniedError, StaleFileError, UnknownProductError
from deepfield.products.store import Store, digest
from deepfield.services.delivery import Deliveries
from support.observations import ARCHIVED, artifact, observation, with_files

NAME = "jw01234001001_02101_00001_nrca1"
FILE = f"{NAME}_cal.fits"
NOW = datetime(2026, 6, 1, tzinfo=UTC)
EVERYBODY = ANONYMOUS.rule(at=NOW)


@pytest.fixture
def archive(tmp_path):
    database = Database(f"sqlite:///{tmp_path / 'catalogue.sqlite'}")
    database.upgrade()
    yield Archive(tmp_path, database)
    database.close()


class Archive:
    """An archive of one product, whose bytes are linked or copied."""

    def __init__(self, folder, database) -> None:
        self.path = folder / FILE
        self.database, self.store = database, Store(str(folder / "store"))
        self.deliveries = Deliveries(database, Observations(), self.store)

    def take(self, content: bytes, *, linked: bool = True, version: int = 1, release: datetime | None = ARCHIVED):
        self.path.write_bytes(content)
        sha256, size = digest(self.path)
        product = artifact(FILE, content_length=size, sha256=sha256, data_release=release)
        location = str(self.path) if linked else self.store.put(self.path, sha256, FILE)
        mtime_ns = self.path.stat().st_mtime_ns if linked else None
        filed = Filed(version, location, linked, mtime_ns, has_preview=False, archived_at=ARCHIVED)
        one = dataclasses.replace(with_files(observation(NAME), product), data_release=release)
        with self.database.begin() as connection:
            seq, store = next_snapshot(connection), Observations()
            store.save_products(connection, seq, one, {FILE: filed})
            store.save_summary(connection, seq, one, at=ARCHIVED, changed=True)
        return sha256

    def find(self, rule: Readable = EVERYBODY, **options):
        return self.deliveries.find(FILE, rule=rule, **options)


@pytest.mark.parametrize("linked", [True, False])
def test_the_bytes_handed_over_are_those_that_came_in(archive, linked) -> None:
    sha256 = archive.take(b"0123456789", linked=linked)

    delivery = archive.find()

    assert (delivery.filename, delivery.length, delivery.sha256) == (FILE, 10, sha256)
    assert (delivery.content_type, delivery.last_modified) == ("application/fits", ARCHIVED)
    with delivery.open() as stream:
        assert stream.read(4) == b"0123"
        stream.seek(7)
        assert stream.read() == b"789"


def test_finding_a_product_does_not_read_its_file(archive) -> None:
    archive.take(b"0123456789")
    archive.path.chmod(0)
    os.utime(archive.path, ns=(5, archive.path.stat().st_mtime_ns))

    assert archive.find().length == 10
    assert archive.path.stat().st_atime_ns == 5


def test_unreleased_bytes_are_refused_with_the_date(archive) -> None:
    release = NOW + timedelta(days=30)
    archive.take(b"x", release=release)

    with pytest.raises(AccessDeniedError) as refused:
        archive.find()

    assert (refused.value.name, refused.value.release) == (FILE, release)
    assert archive.find(ANONYMOUS.rule(at=release)).length == 1
    assert archive.find(STAFF.rule(at=NOW)).length == 1
    assert archive.find(Readable(at=NOW, programs=frozenset({"1234"}))).length == 1
    with pytest.raises(AccessDeniedError):
        archive.find(Readable(at=NOW, programs=frozenset({"12345"})))


def test_bytes_without_a_release_date_are_refused(archive) -> None:
    archive.take(b"x", release=None)
    with pytest.raises(AccessDeniedError) as refused:
        archive.find()
    assert refused.value.release is None


def test_refusal_comes_before_any_word_on_the_file(archive) -> None:
    archive.take(b"x", release=NOW + timedelta(days=1))
    archive.path.unlink()
    with pytest.raises(AccessDeniedError):
        archive.find()


def test_an_unknown_name_is_said_to_be_unknown(archive) -> None:
    archive.take(b"x")
    for name in ("jw_other.fits", "../" + FILE, str(archive.path), ""):
        with pytest.raises(UnknownProductError):
            archive.deliveries.find(name, rule=EVERYBODY)


def change_size(path):
    path.write_bytes(b"01234567890")


def change_time(path):
    os.utime(path, ns=(0, path.stat().st_mtime_ns + 1))


def remove(path):
    path.unlink()


def replace_by_folder(path):
    path.unlink()
    path.mkdir()


@pytest.mark.parametrize("change", [change_size, change_time, remove, replace_by_folder])
def test_a_linked_file_that_changed_is_not_handed_over(archive, change) -> None:
    archive.take(b"0123456789")
    found_before = archive.find()
    change(archive.path)

    with pytest.raises(StaleFileError, match=FILE):
        archive.find()
    with pytest.raises(StaleFileError):
        found_before.open()


def test_a_linked_file_that_changes_while_it_is_read_cuts_the_reading(archive) -> None:
    archive.take(b"0123456789")
    with archive.find().open() as stream:
        assert stream.read(5) == b"01234"
        archive.path.write_bytes(b"9876543210")
        with pytest.raises(StaleFileError):
            stream.read(5)


def test_stored_bytes_do_not_follow_the_file_they_came_from(archive) -> None:
    archive.take(b"0123456789", linked=False)
    archive.path.write_bytes(b"other")
    with archive.find().open() as stream:
        assert stream.read() == b"0123456789"


def test_earlier_versions_are_kept_and_follow_the_release_of_the_current_one(archive) -> None:
    archive.take(b"first", linked=False, release=NOW + timedelta(days=9))
    archive.take(b"second", linked=False, version=2)

    with archive.find(version=1).open() as stream:
        assert stream.read() == b"first"
    assert archive.find().version == archive.find(version=2).version == 2
    with pytest.raises(UnknownProductError):
        archive.find(version=3)

    archive.take(b"third", linked=False, version=3, release=NOW + timedelta(days=1))
    with pytest.raises(AccessDeniedError):
        archive.find(version=2)


def test_a_withdrawn_product_is_not_handed_over_in_any_version(archive) -> None:
    archive.take(b"0123456789", linked=False)
    with archive.database.begin() as connection:
        store = Observations()
        store.withdraw(connection, next_snapshot(connection), store.describe(connection, NAME)["obs_number"])

    for version in (None, 1):
        with pytest.raises(UnknownProductError):
            archive.find(version=version)
