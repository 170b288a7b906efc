"""Products come whole, in ranges or described, exactly as they are stored, to those who may have them."""

import base64
import hashlib
import os
import re
import resource
from email import message_from_bytes

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from deepfield.web.app import create_app
from support.archive import PUBLIC, PUBLIC_FILE, build_archive, write_products
from support.serving import served

URL = f"/products/{PUBLIC_FILE}"


@pytest.fixture(scope="module")
def original(products):
    return (products / PUBLIC_FILE).read_bytes()


def test_a_product_arrives_bit_for_bit_with_its_description(client, original):
    answer = client.get(URL, headers={"Accept-Encoding": "gzip, zstd"})
    digest = hashlib.sha256(original)
    assert answer.content == original
    assert answer.headers["content-length"] == str(len(original))
    assert answer.headers["etag"] == f'"{digest.hexdigest()}"'
    assert answer.headers["repr-digest"] == f"sha-256=:{base64.b64encode(digest.digest()).decode()}:"
    assert answer.headers["accept-ranges"] == "bytes"
    assert answer.headers["content-disposition"] == f'attachment; filename="{PUBLIC_FILE}"'
    assert answer.headers["content-type"] == "application/fits"
    assert "last-modified" in answer.headers
    assert "content-encoding" not in answer.headers


def test_head_describes_the_same_without_the_bytes(client):
    described, delivered = client.head(URL), client.get(URL)
    changing = {"date", "x-request-id"}
    assert described.content == b""
    assert {k: v for k, v in described.headers.items() if k not in changing} == {
        k: v for k, v in delivered.headers.items() if k not in changing
    }


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_range_is_that_part_of_the_file(client, original, data):
    first = data.draw(st.integers(0, len(original) - 1))
    last = data.draw(st.integers(first, len(original) + 10))
    answer = client.get(URL, headers={"Range": f"bytes={first}-{last}"})
    assert answer.status_code == 206
    assert answer.content == original[first : last + 1]
    end = min(last, len(original) - 1)
    assert answer.headers["content-range"] == f"bytes {first}-{end}/{len(original)}"
    assert answer.headers["content-length"] == str(end - first + 1)


def test_the_last_bytes_can_be_asked_for(client, original):
    assert client.get(URL, headers={"Range": "bytes=-100"}).content == original[-100:]


def test_several_ranges_arrive_as_the_parts_of_one_message(client, original):
    answer = client.get(URL, headers={"Range": "bytes=0-9,100-199,-5"})
    assert (answer.status_code, answer.headers["content-length"]) == (206, str(len(answer.content)))
    head = f"Content-Type: {answer.headers['content-type']}\r\n\r\n".encode()
    parts = message_from_bytes(head + answer.content).get_payload()
    assert [part["Content-Range"] for part in parts] == [
        f"bytes 0-9/{len(original)}",
        f"bytes 100-199/{len(original)}",
        f"bytes {len(original) - 5}-{len(original) - 1}/{len(original)}",
    ]
    boundary = re.search(r"boundary=(\w+)", answer.headers["content-type"])[1].encode()
    bodies = [part.split(b"\r\n\r\n", 1)[1] for part in answer.content.split(b"\r\n--" + boundary)[1:-1]]
    assert bodies == [original[:10], original[100:200], original[-5:]]
    described = client.head(URL, headers={"Range": "bytes=0-9,100-199,-5"})
    assert described.headers["content-length"] == answer.headers["content-length"]


@pytest.mark.parametrize("asked", ["bytes=99999999-", "bytes=5-4", "bytes=x"])
def test_a_range_beyond_the_file_is_refused_with_its_size(client, original, asked):
    answer = client.get(URL, headers={"Range": asked})
    assert (answer.status_code, answer.json()["error"]["type"]) == (416, "range_not_satisfiable")
    assert answer.headers["content-range"] == f"bytes */{len(original)}"


def test_a_client_that_has_the_product_gets_no_bytes(client):
    first = client.get(URL)
    for headers in (
        {"If-None-Match": first.headers["etag"]},
        {"If-Modified-Since": first.headers["last-modified"]},
    ):
        answer = client.get(URL, headers=headers)
        assert (answer.status_code, answer.content) == (304, b"")
        assert answer.headers["etag"] == first.headers["etag"]


def test_a_resumed_download_starts_anew_when_the_product_is_another(client, original):
    first = client.get(URL)
    same = client.get(URL, headers={"Range": "bytes=10-", "If-Range": first.headers["etag"]})
    other = client.get(URL, headers={"Range": "bytes=10-", "If-Range": '"another"'})
    assert (same.status_code, same.content) == (206, original[10:])
    assert (other.status_code, other.content) == (200, original)
    assert client.get(URL, headers={"If-Match": '"another"'}).status_code == 412


def test_an_unknown_product_is_not_found(client):
    for address in ("/products/nothing.fits", "/previews/nothing.fits", "/products/%2e%2e%2fsecret", "/products/%00"):
        answer = client.get(address)
        assert answer.status_code == 404, address
        assert answer.json()["error"]["type"] in {"unknown_product", "not_found"}


def test_a_linked_file_that_changed_or_went_is_not_handed_over(tmp_path):
    write_products(tmp_path / "data")
    with build_archive(tmp_path / "home", tmp_path / "data") as archive, served(create_app(archive)) as client:
        path = tmp_path / "data" / PUBLIC_FILE
        stat = path.stat()
        os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns + 1))
        assert client.get(URL).json()["error"]["type"] == "changed_file"
        os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))
        assert client.get(URL).status_code == 200
        path.unlink()
        assert (client.get(URL).status_code, client.head(URL).status_code) == (409, 409)


def test_a_preview_is_a_picture_in_two_sizes(client):
    for size in ("full", "thumb"):
        answer = client.get(f"/previews/{PUBLIC_FILE}", params={"size": size})
        assert (answer.status_code, answer.headers["content-type"]) == (200, "image/png")
        assert answer.content.startswith(b"\x89PNG")
    assert client.get(f"/previews/{PUBLIC_FILE}?size=huge").json()["error"]["field"] == "size"
    assert client.get(f"/previews/{PUBLIC}_nothing.fits").status_code == 404


def test_a_large_product_streams_in_constant_memory(tmp_path, archive):
    from dataclasses import replace
    from types import SimpleNamespace

    from deepfield.products.store import Store, digest
    from deepfield.services.delivery import Delivery

    path = tmp_path / "large.fits"
    with path.open("wb") as sink:
        sink.truncate(400_000_000)
    sha256, length = digest(path)
    stat = path.stat()
    delivery = Delivery(
        "large.fits", str(path), length, sha256, "application/fits", archive.holdings.history(PUBLIC_FILE)[0].archived_at,
        1, Store(str(tmp_path)), stat.st_mtime_ns,
    )  # fmt: skip
    app = create_app(replace(archive, delivery=SimpleNamespace(find=lambda *_name, **_rule: delivery)))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with served(app) as client, client.stream("GET", "/products/large.fits") as answer:
        count = sum(len(piece) for piece in answer.iter_raw())
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert (count, grown < 60_000) == (length, True), f"{grown} kB"
