"""The portal's JSON interface answers as its OpenAPI document says."""

import itertools
import json

import pytest
from pydantic import TypeAdapter

from deepfield.catalogue.schema import load_tables
from deepfield.web.errors import ErrorDocument
from deepfield.web.portal.api import (
    account,
    export,
    facets,
    footprints,
    names,
    news,
    observations,
    products,
    scatter,
    translation,
)
from deepfield.web.portal.api import archive as archive_api
from support.archive import EXCLUSIVE, EXCLUSIVE_FILE, EXPOSURES, PUBLIC, PUBLIC_FILE, RELEASE

SEARCHES = ["/api/v1/observations", "/api/v1/facets", "/api/v1/footprints"]
DOCUMENTS = {
    "/api/v1/observations": observations.ObservationPage,
    "/api/v1/observations?position=NGC 3324&radius=30'": observations.ObservationPage,
    f"/api/v1/observations/{PUBLIC}": observations.ObservationRecord,
    f"/api/v1/observations/{EXCLUSIVE}": observations.ObservationRecord,
    f"/api/v1/observations/{PUBLIC}/products": products.ProductList,
    f"/api/v1/observations/{PUBLIC}/products?all=1": products.ProductList,
    f"/api/v1/products/{PUBLIC_FILE}/header": products.HeaderDocument,
    f"/api/v1/products/{EXCLUSIVE_FILE}/header": products.HeaderDocument,
    f"/api/v1/products/{PUBLIC_FILE}/history": products.History,
    f"/api/v1/products/{PUBLIC_FILE}/preview": products.PreviewDocument,
    "/api/v1/facets": facets.FacetAnswer,
    "/api/v1/facets?facets=instrument_name,t_exptime,t_min,em,access,calib_level,is_tso": facets.FacetAnswer,
    "/api/v1/footprints": footprints.Footprints,
    "/api/v1/resolve?name=NGC 3324": names.Meaning,
    "/api/v1/resolve?name=10:37:18.8 -58:37:42": names.Meaning,
    "/api/v1/suggest?q=ngc": names.Suggestions,
    "/api/v1/suggest?q=jw01111": names.Suggestions,
    "/api/v1/columns": list[archive_api.ColumnDocument],
    "/api/v1/export": list[export.ExportForm],
    "/api/v1/news": news.BulletinDocument,
    "/api/v1/columns/matched": list[archive_api.ColumnDocument],
    "/api/v1/status": archive_api.Status,
    "/api/v1/session": account.SessionDocument,
    "/api/v1/scatter?x=t_min&y=t_exptime": scatter.ScatterAnswer,
    "/api/v1/scatter?x=t_min&y=instrument_name&points=0": scatter.ScatterAnswer,
    "/api/v1/adql?instrument_name=NIRCAM": translation.TranslationDocument,
}
SIGNED_IN = {"/api/v1/tokens", "/api/v1/programs/{program}/members", "/api/v1/kept", "/api/v1/shared/{kept_id}"}
"""Answered to an account, or of what one kept; ``test_account`` and ``test_selections`` ask them."""

FILES = {"/api/v1/export/{form}"}
"""``test_export`` asks them."""
LISTS = {f"/api/v1/targets/{{list_id}}{part}" for part in ("", "/counts", "/report/{form}")}
"""Answered to whoever sent a list of targets; ``test_targets`` asks them."""
INSIDE = tuple(
    f"/api/v1/products/{{filename}}/{kind}" for kind in ("spectra", "slits", "cube", "series", "tables", "hdus")
)
"""Begin the addresses of what products hold; ``test_looking_inside`` asks them."""


@pytest.mark.parametrize("address", DOCUMENTS)
def test_every_answer_is_the_document_that_is_described(client, address):
    answer = client.get(address)
    assert answer.status_code == 200, answer.text
    TypeAdapter(DOCUMENTS[address]).validate_json(answer.content, strict=True)


def test_every_described_route_is_covered_by_these_tests(client):
    described = {
        path
        for path, operations in client.get("/api/v1/openapi.json").json()["paths"].items()
        if "get" in operations and path.startswith("/api/") and not path.startswith(INSIDE)
    }
    covered = {
        address.partition("?")[0].replace(PUBLIC_FILE, "{filename}").replace(PUBLIC, "{obs_id}")
        for address in DOCUMENTS
    }
    assert described - covered == SIGNED_IN | FILES | LISTS


def test_a_search_lists_every_observation_with_the_shown_columns(client):
    page = client.get("/api/v1/observations").json()
    shown = [column.name for column in load_tables()["observation"].columns if column.shown]
    assert page["total"] == len(EXPOSURES)
    assert set(shown) <= set(page["columns"])
    assert sorted(page["data"]["obs_id"]) == sorted(EXPOSURES)
    assert list(page["data"]) == page["columns"]
    assert int(page["snapshot"]) > 0


def test_pages_follow_one_another_without_gap_or_repetition(client):
    seen, after = [], None
    for _ in itertools.count():
        params = {"limit": "1", "sort": "-t_min,obs_id", "columns": "obs_id,t_min"} | (
            {"after": after} if after else {}
        )
        page = client.get("/api/v1/observations", params=params).json()
        seen += page["data"]["obs_id"]
        if (after := page["next"]) is None:
            break
    assert seen == sorted(EXPOSURES, key=list(EXPOSURES).index, reverse=True)


@pytest.mark.parametrize(
    ("params", "found"),
    [
        ({"instrument_name": "MIRI"}, 1),
        ({"instrument_name": "NIRCAM", "filters": "*444*"}, 1),
        ({"instrument_name": "!MIRI"}, 3),
        ({"position": "NGC 3324", "radius": "10'"}, 3),
        ({"position": "159.30 -58.62", "radius": '1"', "match": "center"}, 1),
        ({"position": "circle 274.7 -13.84 0.1"}, 1),
        ({"access": "exclusive"}, 1),
        ({"text": "cliffs"}, 3),
        ({"t_exptime": "..600"}, 0),
        ({"em": "7e-6..8e-6"}, 1),
    ],
)  # fmt: skip
def test_a_search_finds_what_it_asks_for(client, params, found):
    answers = [client.get("/api/v1/observations", params=params), client.post("/api/v1/observations", json=params)]
    assert [answer.json()["total"] for answer in answers] == [found, found]
    assert client.get("/api/v1/footprints", params=params).json()["total"] == found
    assert client.get("/api/v1/facets", params=params).json()["total"] == found


def test_a_position_says_what_it_was_taken_for(client):
    page = client.get("/api/v1/observations", params={"position": "ngc 3324", "radius": "6'"}).json()
    assert page["resolved"]["kind"] == "target"
    assert page["resolved"]["radius"] == pytest.approx(0.1)


def test_facets_count_under_the_other_filters_and_over_everything(client):
    params = {"facets": "instrument_name", "instrument_name": "MIRI"}
    document = client.get("/api/v1/facets", params=params).json()
    counts = {value["value"]: (value["count"], value["ghost"]) for value in document["facets"][0]["values"]}
    assert counts == {"NIRCAM": (3, 3), "MIRI": (1, 1)}
    assert (document["total"], document["all"]) == (1, 4)


def test_whole_numbers_of_64_bits_are_strings(client):
    page = client.get("/api/v1/observations?columns=obs_number,healpix,access_estsize,calib_level").json()
    row = {name: values[0] for name, values in page["data"].items()}
    assert [type(row[name]) for name in ("obs_number", "healpix", "access_estsize", "calib_level")] == [
        str,
        str,
        str,
        int,
    ]
    record = client.get(f"/api/v1/observations/{PUBLIC}").json()
    assert isinstance(record["observation"]["obs_number"], str)
    assert isinstance(record["planes"][0]["plane_number"], str)


def test_a_record_holds_every_column_and_every_product(client):
    record = client.get(f"/api/v1/observations/{PUBLIC}").json()
    columns = {column.name for column in load_tables()["observation"].columns} - {"origin", "notes"}
    assert set(record["observation"]) == columns
    files = [product["filename"] for plane in record["planes"] for product in plane["artifacts"]]
    assert sorted(files) == [f"{PUBLIC}_cal.fits", f"{PUBLIC}_uncal.fits"]
    assert record["access"]["rights"] == "PUBLIC"
    assert record["origin"]


def test_what_is_exclusive_says_until_when(client):
    record = client.get(f"/api/v1/observations/{EXCLUSIVE}").json()
    assert record["access"] == {"rights": "EXCLUSIVE_ACCESS", "release": RELEASE}
    product = client.get(f"/api/v1/observations/{EXCLUSIVE}/products").json()["products"][0]
    assert (product["access"], product["release"]) == ("EXCLUSIVE_ACCESS", RELEASE)


def test_products_are_the_recommended_ones_unless_all_are_asked_for(client):
    few = client.get(f"/api/v1/observations/{PUBLIC}/products").json()
    everything = client.get(f"/api/v1/observations/{PUBLIC}/products?all=1").json()
    assert few["recommended"]
    assert not everything["recommended"]
    assert {p["filename"] for p in few["products"]} < {p["filename"] for p in everything["products"]}
    assert everything["total_size"] == str(sum(int(product["size"]) for product in everything["products"]))
    address = few["products"][0]["url"]
    assert client.head(address).headers["content-length"] == few["products"][0]["size"]


def test_a_header_shows_its_cards_in_order(client):
    header = client.get(f"/api/v1/products/{PUBLIC_FILE}/header").json()
    cards = {keyword: value for keyword, value, _ in header["hdus"][0]["cards"]}
    assert [hdu["name"] for hdu in header["hdus"]] == ["PRIMARY", "SCI"]
    assert (cards["TELESCOP"], cards["EFFEXPTM"], cards["SIMPLE"]) == ("JWST", 601.2, True)


def test_a_search_repeated_at_its_snapshot_says_so(client):
    now = client.get("/api/v1/observations").json()
    before = client.get("/api/v1/observations?snapshot=0").json()
    again = client.get("/api/v1/observations", params={"snapshot": now["snapshot"]}).json()
    assert (before["total"], again["total"]) == (0, now["total"])


WRONG = {
    "/api/v1/observations?instrumnet_name=x": (400, "unknown_parameter"),
    "/api/v1/observations?t_exptime=abc": (400, "invalid_query"),
    "/api/v1/observations?t_exptime=5..1": (400, "invalid_query"),
    "/api/v1/observations?sort=nothing": (400, "unknown_column"),
    "/api/v1/observations?columns=nothing": (400, "unknown_column"),
    "/api/v1/observations?limit=-1": (400, "invalid_query"),
    "/api/v1/observations?limit=1000000": (400, "invalid_query"),
    "/api/v1/observations?after=nonsense": (400, "invalid_query"),
    "/api/v1/observations?snapshot=-1": (400, "invalid_query"),
    "/api/v1/observations?snapshot=999999": (400, "invalid_query"),
    "/api/v1/observations?position=NGC 99999": (404, "unresolved_name"),
    "/api/v1/observations?position=circle 1 2": (400, None),
    "/api/v1/observations?position=10 10&radius=-1": (400, None),
    "/api/v1/observations?radius=1": (400, None),
    "/api/v1/observations?match=nothing": (400, "invalid_query"),
    "/api/v1/observations?access=nobody": (400, "invalid_query"),
    "/api/v1/facets?facets=nothing": (400, "unknown_column"),
    "/api/v1/footprints?limit=-1": (400, "invalid_query"),
    "/api/v1/observations/nothing": (404, "unknown_observation"),
    "/api/v1/observations/nothing/products": (404, "unknown_observation"),
    f"/api/v1/observations/{PUBLIC}/products?all=2": (422, "invalid_value"),
    "/api/v1/products/nothing.fits/header": (404, "unknown_product"),
    "/api/v1/products/nothing.fits/history": (404, "unknown_product"),
    f"/api/v1/products/{PUBLIC}_uncal.fits.gz/preview": (404, None),
    "/api/v1/resolve?name=nowhere at all": (404, "unresolved_name"),
    f"/api/v1/observations/{PUBLIC}/products?al=1": (400, "unknown_parameter"),
    "/api/v1/columns?limit=3": (400, "unknown_parameter"),
    "/api/v1/resolve": (422, "invalid_value"),
    "/api/v1/nothing": (404, "not_found"),
}


@pytest.mark.parametrize("address", WRONG)
def test_a_wrong_question_gets_the_error_document(client, address):
    answer = client.get(address)
    error = ErrorDocument.model_validate_json(answer.content, strict=True).error
    status, kind = WRONG[address]
    assert answer.status_code == status, answer.text
    assert kind in {None, error.type}
    assert answer.headers["content-type"] == "application/json"


@pytest.mark.parametrize("path", [*SEARCHES, "/api/v1/columns", "/products/x.fits", "/health"])
def test_a_method_that_is_not_answered_is_refused_with_those_that_are(client, path):
    answer = client.delete(path)
    assert (answer.status_code, answer.json()["error"]["type"]) == (405, "method_not_allowed")
    assert "GET" in answer.headers["allow"]


def test_the_description_loads_nothing_from_elsewhere_and_names_every_error(client):
    document = client.get("/api/v1/openapi.json").json()
    assert "cdn" not in json.dumps(document)
    for operations in document["paths"].values():
        for operation in operations.values():
            assert operation["summary"]
            assert operation["operationId"]
            assert operation["responses"]["default"]["content"]["application/json"]
    assert client.get("/docs").headers["content-type"].startswith("text/html")


def test_health_tells_the_snapshot(client, archive):
    assert client.get("/health").json() == {
        "status": "ok",
        "percent": None,
        "snapshot": str(archive.replica.snapshot),
        "version": "0.1.0",
    }
