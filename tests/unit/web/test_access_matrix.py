"""Who sees the bytes of an exclusive product: those of its programme and staff, by whatever route, method or header."""

import base64
import itertools
from datetime import UTC, datetime

import pytest

from deepfield.access.principal import STAFF
from deepfield.web.app import create_app, described_app
from support.archive import EXCLUSIVE, EXCLUSIVE_FILE, PUBLIC_FILE, RELEASE, build_archive
from support.people import make_everybody
from support.serving import served

METADATA = {
    "/api/v1/products/{filename}/header",
    "/api/v1/products/{filename}/history",
    "/api/v1/observations/{obs_id}",
    "/api/v1/observations/{obs_id}/products",
}
"""Public for every product, as in MAST. A route that shows one product and is not named here has to refuse."""

SHOWING = {
    "/api/v1/products/{filename}/preview",
    "/previews/{filename}",
    "/products/{filename}",
}
"""Routes that show one product, which follow the rule."""

OTHER_ADDRESSES = [
    "/api/v0.1/Download/file?uri=mast:JWST/product/{filename}",
    "/jwst/api/v0.1/download/file/?uri=mast%3Ajwst%2Fproduct%2F{filename}",
    "/search/jwst/api/v0.1/retrieve_product?product_name=x%2F{filename}",
]
"""The same bytes by addresses of MAST, which are not described in OpenAPI and refuse with 401."""

BY_MAST = ("/api/v0.1/", "/jwst/", "/search/")
METHODS = ["GET", "HEAD"]
HEADERS = [
    {},
    {"Range": "bytes=0-9"},
    {"Range": "bytes=0-0,5-9"},
    {"If-None-Match": "*"},
    {"If-Modified-Since": "Fri, 01 Jan 2199 00:00:00 GMT"},
    {"Accept-Encoding": "identity"},
    {"X-Forwarded-User": "boss", "X-Remote-User": "boss"},
]
QUERIES = ["", "?size=thumb", "?version=1", "?rule=staff"]

MAY = {"coi", "pi", "boss"}
"""Of the kinds of people in ``make_everybody``, those who may read the exclusive product."""
MAY_NOT = {"user", "stranger", "shut", "pi, token for less", "boss, token for less", "pi, revoked", "nobody", "guess"}


@pytest.fixture(scope="module")
def archive(products, tmp_path_factory):
    with build_archive(tmp_path_factory.mktemp("matrix"), products) as archive:
        yield archive


@pytest.fixture(scope="module")
def tokens(archive):
    return make_everybody(archive, "2222") | {"nobody": None, "guess": "df_0123456789"}


@pytest.fixture(scope="module")
def client(archive, tokens):
    with served(create_app(archive)) as client:
        yield client


def carriers(token):
    """Every way to send a token; without one, what people try instead."""
    if token is None:
        return [
            {},
            {"Authorization": "token None"},
            {"Authorization": "Basic Ym9zczpib3Nz"},
            {"Cookie": "deepfield_session=x"},
        ]
    basic = base64.b64encode(f"boss:{token}".encode()).decode()
    return [
        {"Authorization": f"token {token}"},
        {"Authorization": f"Bearer {token}"},
        {"Authorization": f"Basic {basic}"},
        {"Cookie": f"mast_token={token}"},
    ]


def routes_of_single_products():
    paths = described_app().openapi()["paths"]
    return {path for path in paths if ("{filename}" in path or "{obs_id}" in path)}


def addresses(name):
    return [path.format(filename=name, obs_id=EXCLUSIVE) for path in (*sorted(SHOWING), *OTHER_ADDRESSES)]


def test_every_route_that_shows_a_product_is_in_the_matrix():
    assert routes_of_single_products() == METADATA | SHOWING


def test_everybody_is_in_the_matrix(tokens):
    assert set(tokens) == MAY | MAY_NOT


@pytest.mark.parametrize("who", sorted(MAY_NOT))
@pytest.mark.parametrize("path", addresses(EXCLUSIVE_FILE))
def test_no_request_reveals_exclusive_bytes(client, tokens, path, who):
    messages = set()
    carried = carriers(tokens[who])
    queries = [""] if path.startswith(BY_MAST) else QUERIES
    everything = [
        (m, query, headers | carried[0]) for m, query, headers in itertools.product(METHODS, queries, HEADERS)
    ]
    everything += [(method, "", carrier) for method, carrier in itertools.product(METHODS, carried[1:])]
    for method, query, headers in everything:
        answer = client.request(method, path + query, headers=headers)
        refusals = {401} if path.startswith(BY_MAST) else {403}
        refusals |= {400} if query and path.startswith("/api/v1/") else set()  # no such parameter there
        assert answer.status_code in refusals, (method, path, query, headers)
        assert not {"etag", "repr-digest", "last-modified", "content-range"} & set(answer.headers)
        if method == "GET" and answer.status_code in {401, 403}:
            error = answer.json()["error"]
            assert (error["type"], error["release"]) == ("exclusive_access", RELEASE)
            messages.add(error["message"])
    assert messages == {f"{EXCLUSIVE_FILE} is under exclusive access until 2199-01-01 00:00 UTC"}


@pytest.mark.parametrize("who", sorted(MAY))
@pytest.mark.parametrize("path", addresses(EXCLUSIVE_FILE))
def test_those_who_may_are_shown_it_by_every_method_and_carrier(client, tokens, path, who):
    for carrier, method in itertools.product(carriers(tokens[who]), METHODS):
        assert client.request(method, path, headers=carrier).status_code == 200, (who, carrier)
    ranged = client.get(f"/products/{EXCLUSIVE_FILE}", headers={"Range": "bytes=0-9"} | carriers(tokens[who])[0])
    assert (ranged.status_code, ranged.content) == (206, b"SIMPLE  = ")


@pytest.mark.parametrize("who", sorted(MAY | MAY_NOT))
@pytest.mark.parametrize("path", addresses(PUBLIC_FILE))
def test_what_is_public_is_shown_to_everybody(client, tokens, path, who):
    for carrier, method in itertools.product(carriers(tokens[who]), METHODS):
        assert client.request(method, path, headers=carrier).status_code == 200


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
@pytest.mark.parametrize("path", addresses(EXCLUSIVE_FILE))
def test_no_other_method_is_answered(client, tokens, path, method):
    for who in ("nobody", "boss"):
        assert client.request(method, path, headers=carriers(tokens[who])[0]).status_code == 405


@pytest.mark.parametrize("metadata", sorted(METADATA))
def test_the_metadata_of_exclusive_products_are_public_and_hold_no_pixels(client, metadata):
    answer = client.get(metadata.format(filename=EXCLUSIVE_FILE, obs_id=EXCLUSIVE))
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/json"


def test_a_refusal_does_not_tell_whether_there_is_a_picture(client, archive):
    """The picture of one product is taken away: who may not see it, cannot tell."""
    path = archive.holdings.preview(EXCLUSIVE_FILE, rule=STAFF.rule(at=datetime.now(UTC)))
    before = client.get(f"/previews/{EXCLUSIVE_FILE}")
    aside = path.rename(path.with_suffix(".aside"))
    try:
        without = client.get(f"/previews/{EXCLUSIVE_FILE}")
    finally:
        aside.rename(path)
    assert (before.status_code, before.content) == (without.status_code, without.content)


def test_every_refusal_and_every_read_before_release_is_in_the_access_log(client, tokens, archive):
    archive.access_log.flush()
    seen = {
        (e["action"], e["account"]) for e in archive.access_log.entries(limit=10_000) if e["subject"] == EXCLUSIVE_FILE
    }
    client.get(f"/products/{EXCLUSIVE_FILE}")
    client.get(f"/products/{EXCLUSIVE_FILE}", headers=carriers(tokens["coi"])[0])
    client.get(f"/products/{EXCLUSIVE_FILE}", headers=carriers(tokens["stranger"])[0])
    client.get(f"/products/{PUBLIC_FILE}", headers=carriers(tokens["coi"])[0])
    entries = archive.access_log.entries(limit=10_000)
    now = {(e["action"], e["account"]) for e in entries if e["subject"] == EXCLUSIVE_FILE}
    assert {("denied", "anonymous"), ("read", "coi"), ("denied", "stranger")} <= now
    assert all(e["address"] == "127.0.0.1" for e in entries if e["action"] in {"denied", "read"})
    assert not [e for e in entries if e["subject"] == PUBLIC_FILE]
    assert seen <= now
