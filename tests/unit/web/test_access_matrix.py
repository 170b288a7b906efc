"""Who sees the bytes of an exclusive product: those of its programme and staff, by whatever route, method or header."""

import base64
import gzip
import itertools
import json
import re
import tomllib
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

import pytest

from deepfield.access.principal import STAFF
from deepfield.web.app import create_app, described_app
from support.archive import EXCLUSIVE, EXCLUSIVE_FILE, PUBLIC_FILE, RELEASE, build_archive
from support.people import make_everybody
from support.routes import routes_of
from support.serving import served

PLACES = tomllib.loads(Path(__file__).with_name("access_matrix.toml").read_text())
"""Every address by what it could show: see the file, which a new route has to be written into."""
METADATA = [path for path in PLACES["metadata"]["paths"] if "{filename}" in path or "{obs_id}" in path]
FORMS = ("sh", "zip", "tar", "tar.gz", "metalink", "manifest", "sha256")
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


def addresses(name, *, aliases=True):
    places = [place for place in PLACES["bytes"].values() if aliases or not place.get("alias")]
    return [place["ask"].format(filename=name, obs_id=EXCLUSIVE) for place in places]


def refusal_of(address):
    return next(
        place["refusal"]
        for place in PLACES["bytes"].values()
        if place["ask"].format(filename=EXCLUSIVE_FILE, obs_id=EXCLUSIVE) == address
    )


def classified():
    """Every path of the file, with the kind it stands under; a path that stands there twice would be two kinds."""
    found = [(path, kind) for kind in ("bytes", "inside", "bundles") for path in PLACES[kind]]
    found += [(path, kind) for kind in ("metadata", "personal", "documents") for path in PLACES[kind]["paths"]]
    return found + [(root + path, "rows") for root in PLACES["rows"]["roots"] for path in PLACES["rows"]["paths"]]


def test_every_route_is_in_the_matrix_once():
    kinds = Counter(path for path, _ in classified())
    assert [path for path, times in kinds.items() if times > 1] == []
    routes = routes_of(described_app())
    assert routes, "the route table is looked at"
    assert sorted(routes.keys() - kinds.keys()) == [], "write them into access_matrix.toml"
    assert sorted(kinds.keys() - routes.keys()) == [], "no such route"


def test_everybody_is_in_the_matrix(tokens):
    assert set(tokens) == MAY | MAY_NOT


@pytest.mark.parametrize("who", sorted(MAY_NOT))
@pytest.mark.parametrize("path", addresses(EXCLUSIVE_FILE, aliases=False))
def test_no_request_reveals_exclusive_bytes(client, tokens, path, who):
    carried = carriers(tokens[who])
    queries = [""] if "?" in path else QUERIES  # MAST's addresses take what there is for their own
    everything = [
        (m, query, headers | carried[0]) for m, query, headers in itertools.product(METHODS, queries, HEADERS)
    ]
    everything += [(method, "", carrier) for method, carrier in itertools.product(METHODS, carried[1:])]
    refuse_all(client, path, everything)


@pytest.mark.parametrize("path", sorted(set(addresses(EXCLUSIVE_FILE)) - set(addresses(EXCLUSIVE_FILE, aliases=False))))
def test_no_alias_reveals_them_either(client, tokens, path):
    everything = [
        (method, "", {"Range": "bytes=0-9"} | carriers(tokens[who])[0])
        for method, who in itertools.product(METHODS, sorted(MAY_NOT))
    ]
    refuse_all(client, path, everything)


def refuse_all(client, path, everything):
    """Every one of these requests is refused in the same words, and nothing says what it is that was refused."""
    messages = set()
    for method, query, headers in everything:
        answer = client.request(method, path + query, headers=headers)
        refusals = {refusal_of(path)} | ({400} if query else set())  # where there is no such parameter
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


@pytest.mark.parametrize("path", sorted(PLACES["inside"]))
def test_nobody_looks_inside_who_may_not(client, tokens, path):
    address = PLACES["inside"][path]["ask"].format(filename=EXCLUSIVE_FILE)
    requests = [(method, {}, "") for method in METHODS] + [("GET", {}, "?format=csv"), ("GET", HEADERS[-1], "")]
    for who in sorted(MAY_NOT):
        for method, headers, query in requests:
            answer = client.request(method, address + query, headers=headers | carriers(tokens[who])[0])
            assert answer.status_code in ({403, 400} if query else {403}), (who, method, path, query)
            if method == "GET" and answer.status_code == 403:
                error = answer.json()["error"]
                assert (error["type"], error["release"]) == ("exclusive_access", RELEASE)


@pytest.mark.parametrize("path", sorted(PLACES["inside"]))
def test_those_who_may_look_inside_and_learn_what_there_is_not(client, tokens, path):
    address, allowed = PLACES["inside"][path]["ask"].format(filename=EXCLUSIVE_FILE), PLACES["inside"][path]["allowed"]
    for who in sorted(MAY):
        answer = client.get(address, headers=carriers(tokens[who])[0])
        assert answer.status_code == allowed, (who, path)
        assert allowed == 200 or answer.json()["error"]["type"] == "nothing_to_show"


@pytest.mark.parametrize("who", sorted(MAY | MAY_NOT))
@pytest.mark.parametrize("path", addresses(PUBLIC_FILE, aliases=False))
def test_what_is_public_is_shown_to_everybody(client, tokens, path, who):
    for carrier, method in itertools.product(carriers(tokens[who]), METHODS):
        assert client.request(method, path, headers=carrier).status_code == 200


@pytest.mark.parametrize("path", sorted(PLACES["bundles"]))
def test_no_bundle_of_any_form_holds_an_exclusive_product_but_for_those_who_may(client, tokens, path, canaries):
    named = {PLACES["bundles"][path]: [EXCLUSIVE_FILE, PUBLIC_FILE]}
    refused = {PLACES["bundles"][path]: EXCLUSIVE_FILE}
    own = path.startswith("/bundle")
    forms, people = (FORMS, MAY | MAY_NOT) if own else (("zip",), {"pi", "nobody", "stranger"})
    for form, who in itertools.product(forms, sorted(people)):
        address, carrier = path.format(form=form), carriers(tokens[who])[0]
        for ask in ({"method": "GET", "params": named}, {"method": "POST", "data": named}):
            answer = client.request(url=address, headers=carrier | {"Range": "bytes=0-9"}, **ask)
            assert (answer.status_code, answer.headers["deepfield-products"]) == (200, "2" if who in MAY else "1")
            assert who in MAY or not shown(answer.content, canaries)
        alone = {client.request(url=address, headers=carrier, method="GET", params=refused).status_code}
        alone |= {client.request(url=address, headers=carrier, method="POST", data=refused).status_code}
        alone |= {client.request(url=address, headers=carrier, method="HEAD", params=refused).status_code}
        refusal = 403 if own else 401
        assert alone == ({200} if who in MAY or form == "manifest" else {refusal}), (form, who)


NAMES = {"filename": EXCLUSIVE_FILE, "obs_id": EXCLUSIVE, "program": "2222", "kind": "basket", "form": "zip"}
"""What is put for the parameters of a path."""


def asks_for(path):
    """Ways to ask a route for the exclusive product: in its path, its query, a form, JSON, and MAST's own."""
    values = [f"mast:JWST/product/{EXCLUSIVE_FILE}", EXCLUSIVE_FILE, EXCLUSIVE]
    words = ("uri", "product_name", "product", "observation", "obs_id", "filename", "ID", "dataset_ids", "source")
    products = {"service": "Mast.Caom.Products", "params": {"obsid": "1,2,3,4,5,6,7,8,9"}, "format": "json"}
    sources = {"LANG": "ADQL", "QUERY": "SELECT * FROM jwst.source", "RESPONSEFORMAT": "csv"}
    filled = re.sub(r"{(\w+)(:\w+)?}", lambda name: NAMES.get(name[1], "1"), path)
    yield {"url": filled}
    yield {"url": filled, "params": {"request": json.dumps(products), **sources}}
    for value in values:
        yield {"url": filled, "params": dict.fromkeys(words, value)}
        if path in PLACES["bundles"]:
            yield {"url": filled, "params": {PLACES["bundles"][path]: value}}
    yield {"url": filled, "json": dict.fromkeys(words, value)}


def shown(content, canaries):
    """Tell whether an answer holds pixels of the product or of its picture, packed by gzip or not."""
    if content[:2] == b"\x1f\x8b":
        content = gzip.decompress(content)
    return any(canary in content for canary in canaries)


@pytest.fixture(scope="module")
def canaries(archive, products):
    """Bytes that stand in the exclusive product or its picture, and nowhere else."""
    rule = STAFF.rule(at=datetime.now(UTC))
    pictures = [archive.holdings.preview(EXCLUSIVE_FILE, rule=rule, size=size) for size in ("full", "thumb")]
    found = []
    for path in (products / EXCLUSIVE_FILE, *pictures):
        content = path.read_bytes()
        pieces = {content[at : at + 32] for at in range(len(content) // 3, len(content) - 32, 512)}
        found += [piece for piece in pieces if len(set(piece)) > 16]
    assert len(found) > 10
    return found


def test_no_route_of_any_kind_shows_the_bytes_to_those_who_may_not(client, tokens, canaries):
    """Every route is asked in every way that might name the product, by nobody and, so that the test can see, by staff."""
    showing = set()
    aliases = (PLACES["rows"]["roots"][1], "/jwst/api/", "/portal_jwst/", "/portal/", "/api/v0.1/download/")
    routes = {path: of for path, of in routes_of(described_app()).items() if not path.startswith(aliases)}
    for path, methods in routes.items():
        for method, ask in itertools.product(sorted(methods & {"GET", "POST"}), asks_for(path)):
            answer = client.request(method, **ask)
            assert answer.status_code != 500, (method, ask)
            assert not shown(answer.content, canaries), (method, ask)
            if path in {**PLACES["bytes"], **PLACES["bundles"]}:
                staff = client.request(method, **ask, headers=carriers(tokens["boss"])[0])
                showing |= {path} if shown(staff.content, canaries) else set()
    assert {"/products/{filename}", "/previews/{filename}", "/api/v0.1/Download/file", "/bundle.{form}"} <= showing


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


@pytest.mark.parametrize(
    "address", ["/previews/{0}", "/products/{0}", "/api/v0.1/Download/file?uri=mast:JWST/product/{0}"]
)
def test_a_refusal_does_not_tell_what_there_is_to_refuse(client, archive, address):
    """Picture and file are taken away: who may not see them, cannot tell, as nothing looked for them."""
    address = address.format(EXCLUSIVE_FILE)
    rule = STAFF.rule(at=datetime.now(UTC))
    located = archive.delivery.find(EXCLUSIVE_FILE, rule=rule)
    places = [archive.holdings.preview(EXCLUSIVE_FILE, rule=rule), located.store.local_path(located.location)]
    before = client.get(address)
    aside = [(path, path.rename(path.with_suffix(".aside"))) for path in places]
    try:
        without = client.get(address)
    finally:
        for path, there in aside:
            there.rename(path)
    assert (before.status_code, before.content) == (without.status_code, without.content)
    assert {**before.headers, "date": "", "x-request-id": ""} == {**without.headers, "date": "", "x-request-id": ""}


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
