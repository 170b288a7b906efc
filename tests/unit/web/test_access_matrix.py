"""Who sees the bytes of an exclusive product: nobody anonymous, by any route, method or header there is."""

import itertools

import pytest

from deepfield.web.app import described_app
from support.archive import EXCLUSIVE, EXCLUSIVE_FILE, PUBLIC_FILE, RELEASE

METADATA = {
    "/api/v1/products/{filename}/header",
    "/api/v1/products/{filename}/history",
    "/api/v1/observations/{obs_id}",
    "/api/v1/observations/{obs_id}/products",
}
"""Public for every product, as in MAST. A route that shows one product and is not named here has to refuse."""

METHODS = ["GET", "HEAD"]
HEADERS = [
    {},
    {"Range": "bytes=0-9"},
    {"Range": "bytes=0-0,5-9"},
    {"If-None-Match": "*"},
    {"If-Modified-Since": "Fri, 01 Jan 2199 00:00:00 GMT"},
    {"Accept-Encoding": "identity"},
    {"Authorization": "token guess"},
    {"Authorization": "Basic c3RhZmY6c3RhZmY="},
    {"Cookie": "mast_token=guess"},
    {"X-Forwarded-User": "staff"},
]
QUERIES = ["", "?size=thumb", "?version=1", "?rule=staff"]


def routes_of_single_products():
    paths = described_app().openapi()["paths"]
    return sorted(path for path in paths if "{" in path and path not in METADATA)


def routes(name):
    return [path.format(filename=name, obs_id=EXCLUSIVE) for path in routes_of_single_products()]


def test_the_matrix_knows_the_routes():
    assert routes_of_single_products() == [
        "/api/v1/products/{filename}/preview",
        "/previews/{filename}",
        "/products/{filename}",
    ]


@pytest.mark.parametrize("path", routes(EXCLUSIVE_FILE))
def test_no_request_reveals_exclusive_bytes(client, path):
    for method, headers, query in itertools.product(METHODS, HEADERS, QUERIES):
        answer = client.request(method, path + query, headers=headers)
        refusals = {403, 400} if query and path.startswith("/api/") else {403}  # the interface knows no such parameter
        assert answer.status_code in refusals, (method, path, query, headers)
        assert not {"etag", "repr-digest", "last-modified", "content-range"} & set(answer.headers)
        if method == "GET" and answer.status_code == 403:
            error = answer.json()["error"]
            assert (error["type"], error["release"]) == ("exclusive_access", RELEASE)


@pytest.mark.parametrize("path", routes(PUBLIC_FILE))
def test_what_is_public_is_shown_by_the_same_routes(client, path):
    for method in METHODS:
        assert client.request(method, path).status_code == 200


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
@pytest.mark.parametrize("path", routes(EXCLUSIVE_FILE))
def test_no_other_method_is_answered(client, path, method):
    assert client.request(method, path).status_code == 405


@pytest.mark.parametrize("metadata", sorted(METADATA))
def test_the_metadata_of_exclusive_products_are_public_and_hold_no_pixels(client, metadata):
    answer = client.get(metadata.format(filename=EXCLUSIVE_FILE, obs_id=EXCLUSIVE))
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/json"
