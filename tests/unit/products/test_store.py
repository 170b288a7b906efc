from __future__ import annotations

import errno
import hashlib
import os
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from deepfield.model.errors import InvalidValueError, StorageError, UnreadableFileError
from deepfield.products import store as store_module
from deepfield.products.store import Store, digest

if TYPE_CHECKING:
    from pathlib import Path

BYTES = b"SIMPLE  =                    T" * 100_000
SHA256 = hashlib.sha256(BYTES).hexdigest()


@pytest.fixture
def product(tmp_path: Path) -> Path:
    path = tmp_path / "jw_cal.fits"
    path.write_bytes(BYTES)
    return path


@pytest.fixture(params=["folder", "memory"])
def store(request, tmp_path: Path) -> Store:
    return Store(str(tmp_path / "store") if request.param == "folder" else f"memory://{tmp_path.name}")


def test_a_digest_is_the_checksum_and_the_exact_size(product: Path) -> None:
    assert digest(product) == (SHA256, len(BYTES))


def test_a_digest_of_an_empty_file_is_that_of_no_bytes(tmp_path: Path) -> None:
    (tmp_path / "empty").touch()
    assert digest(tmp_path / "empty") == (hashlib.sha256().hexdigest(), 0)


def test_stored_bytes_come_back_under_their_checksum(store: Store, product: Path) -> None:
    location = store.put(product, SHA256, "jw_cal.fits")

    assert location == f"{SHA256[:2]}/{SHA256}/jw_cal.fits"
    with store.open(location) as stream:
        assert stream.read() == BYTES
    assert store.stat(location)[0] == len(BYTES)
    assert list(store.locations()) == [location]


def test_the_same_bytes_are_stored_once(store: Store, product: Path) -> None:
    first = store.put(product, SHA256, "jw_cal.fits")
    before = store.stat(first)
    assert store.put(product, SHA256, "jw_cal.fits") == first
    assert store.stat(first) == before


def test_a_removed_product_leaves_nothing(store: Store, product: Path, tmp_path: Path) -> None:
    location = store.put(product, SHA256, "jw_cal.fits")
    store.remove(location)
    store.remove(location)

    assert store.stat(location) is None
    assert list(store.locations()) == []
    with pytest.raises(FileNotFoundError):
        store.open(location)
    assert not (tmp_path / "store" / SHA256[:2]).exists()


@pytest.mark.parametrize("filename", ["../evil", "a/b", "..", ".", "", "a\\b", "a\x00b", "a\nb"])
def test_no_file_name_leads_out_of_the_store(store: Store, product: Path, filename: str) -> None:
    with pytest.raises(InvalidValueError):
        store.put(product, SHA256, filename)


@pytest.mark.parametrize("location", ["../../etc/passwd", f"00/{SHA256}/x", "catalogue.sqlite", "aa/../bb"])
def test_a_location_that_is_no_key_is_refused(store: Store, location: str) -> None:
    for ask in (store.remove, store.stat, store.open):
        with pytest.raises(InvalidValueError):
            ask(location)


def test_a_linked_file_is_read_in_place_and_never_removed(store: Store, product: Path) -> None:
    with store.open(str(product)) as stream:
        assert stream.read() == BYTES
    assert store.stat(str(product)) == (len(BYTES), product.stat().st_mtime_ns)
    with pytest.raises(InvalidValueError):
        store.remove(str(product))
    assert product.exists()


def test_bytes_that_do_not_match_their_checksum_are_not_stored(store: Store, product: Path, tmp_path: Path) -> None:
    with pytest.raises(UnreadableFileError, match="changed while it was being copied"):
        store.put(product, "0" * 64, "jw_cal.fits")
    assert list(store.locations()) == []
    assert [path for path in (tmp_path / "store").rglob("*") if path.is_file()] == []


def test_a_full_disk_is_named_and_leaves_nothing(product: Path, tmp_path: Path, monkeypatch) -> None:
    store = Store(str(tmp_path / "store"))

    def full(path: Path, sink, sha256: str) -> None:
        sink.write(b"half")
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(store_module, "_copy", full)
    with pytest.raises(StorageError, match=r"jw_cal\.fits cannot be stored: its disk is full"):
        store.put(product, SHA256, "jw_cal.fits")
    assert [path for path in (tmp_path / "store").rglob("*") if path.is_file()] == []


def test_half_written_files_of_killed_writers_are_invisible_and_swept(product: Path, tmp_path: Path) -> None:
    store = Store(str(tmp_path / "store"))
    kept = store.put(product, SHA256, "jw_cal.fits")
    part = tmp_path / "store" / "incoming" / "0123456789abcdef.part"
    part.write_bytes(b"half")

    assert list(store.locations()) == [kept]
    assert store.sweep() == 0
    assert store.sweep(older_than=timedelta(0)) == 1
    assert not part.exists()
    assert list(store.locations()) == [kept]


def test_a_torn_file_from_before_is_replaced(product: Path, tmp_path: Path) -> None:
    store = Store(str(tmp_path / "store"))
    location = store.put(product, SHA256, "jw_cal.fits")
    (tmp_path / "store" / location).write_bytes(BYTES[:100])

    store.put(product, SHA256, "jw_cal.fits")

    assert (tmp_path / "store" / location).read_bytes() == BYTES
