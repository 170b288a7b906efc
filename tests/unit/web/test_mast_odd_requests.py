"""Requests to MAST's addresses that no client in its right mind would send: an error in the shape of the contract, never a 500."""

import json

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from deepfield.web.mast.conditions import columns as fileset_columns
from deepfield.web.mast.invoke import SERVICES
from deepfield.web.mast.keywords import columns as keyword_columns
from deepfield.web.mast.observations import caom

ODD = settings(
    max_examples=60, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
AT_LENGTH = settings(max_examples=500, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])

SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**70), 2**70),
    st.floats(allow_nan=False, allow_infinity=False),
    st.sampled_from(["", "%", "[", "[]", "%[a-%", "*", "!", "..", "1..", "<", ">=", "<x", "a,b", "\x00", "🔭", "'; DROP TABLE observation; --",
                     "/Date(1)/", "/Date(99999999999999999)/", "9999-99-99", "2025-06-01", "1e999", "NaN", "T", "-0", "0 0", "91 91"]),
    st.text(max_size=12),
)  # fmt: skip
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=2),
    max_leaves=5,
)
RANGES = st.fixed_dictionaries({}, optional={"min": SCALARS, "max": SCALARS})
NAMES = st.sampled_from(
    [*(column.name for column in caom()), *(column.name for column in keyword_columns("Niriss"))]
) | st.text(max_size=8)
FILTERS = st.lists(
    st.fixed_dictionaries(
        {"paramName": NAMES},
        optional={"values": st.lists(RANGES | VALUES, max_size=3) | VALUES, "freeText": SCALARS, "separator": SCALARS},
    ),
    max_size=2,
)
PARAMS = st.fixed_dictionaries(
    {},
    optional={
        "filters": FILTERS | VALUES,
        "columns": st.sampled_from(["*", "obs_id", "COUNT_BIG(*)", "filename, date_obs"]) | SCALARS,
        "position": st.sampled_from(["1, 2, 3", "1,2", "a, b, c"]) | SCALARS,
        "ra": SCALARS, "dec": SCALARS, "radius": SCALARS, "obsid": VALUES, "input": SCALARS, "unique": SCALARS,
        "raColumn": SCALARS,
    },
)  # fmt: skip
REQUESTS = st.fixed_dictionaries(
    {"service": st.sampled_from([*SERVICES, "Mast.Caom.All", "Mast.Name.Lookup", "Mast.Nothing"])},
    optional={
        "params": PARAMS | VALUES,
        "format": st.sampled_from(["json", "extjs", "csv", "votable"]) | SCALARS,
        "pagesize": st.sampled_from([1, "3", 50_000]) | SCALARS,
        "page": st.sampled_from([1, "2", 99]) | SCALARS,
        "data": VALUES | st.just({"data": [{"ra": 159.3, "dec": -58.6}]}),
        "removenullcolumns": SCALARS, "cacheBreaker": SCALARS, "filename": SCALARS,
    },
)  # fmt: skip
SEARCHES = st.fixed_dictionaries(
    {},
    optional={
        "conditions": st.lists(
            st.dictionaries(st.sampled_from(list(fileset_columns())), VALUES, max_size=2), max_size=2
        )
        | VALUES,
        "target": st.lists(st.sampled_from(["159.3 -58.62", "NGC 3324", "0 0"]) | SCALARS, max_size=2) | VALUES,
        "radius": SCALARS,
        "radius_units": st.sampled_from(["arcseconds", "degrees"]) | SCALARS,
        "limit": st.sampled_from([0, 1, 10]) | SCALARS,
        "offset": SCALARS,
        "select_cols": st.lists(st.sampled_from(list(fileset_columns())), max_size=3) | VALUES,
        "sort_by": st.lists(st.sampled_from(list(fileset_columns())), max_size=2) | VALUES,
        "sort_desc": VALUES,
        "skip_count": SCALARS,
    },
)


def check_invoke(client, request):
    answer = client.post("/api/v0/invoke", data={"request": json.dumps(request)})
    assert answer.status_code == 200, answer.text
    if answer.headers["content-type"].startswith("application/json"):
        document = answer.json()
        assert document["status"] in {"COMPLETE", "ERROR", ""}
        if document["status"] == "ERROR":
            assert document["msg"]
            assert (document["data"], document["fields"]) == ([], [])


def check_search(client, body):
    answer = client.post("/search/jwst/api/v0.1/search", json=body)
    assert answer.status_code in {200, 400}, answer.text
    document = answer.json()
    assert document["info"] if answer.status_code == 200 else document["error"]["message"]


@ODD
@given(request=REQUESTS)
@example(
    request={
        "service": "Mast.Caom.Filtered",
        "params": {"filters": [{"paramName": "t_min", "values": [{"min": 10**400}]}]},
    }
)
@example(
    request={
        "service": "Mast.Jwst.Filtered.Niriss",
        "params": {"filters": [{"paramName": "date_obs", "values": ["/Date(99999999999999)/"]}]},
    }
)
@example(
    request={
        "service": "Mast.Jwst.Filtered.Niriss",
        "params": {"filters": [{"paramName": "ngroups", "values": [2**64]}]},
    }
)
def test_no_request_breaks_the_portal_service(client, request):
    check_invoke(client, request)


@pytest.mark.prove
@AT_LENGTH
@given(request=REQUESTS)
def test_no_request_breaks_the_portal_service_at_length(client, request):
    check_invoke(client, request)


@ODD
@given(body=SEARCHES)
@example(body={"conditions": [{"ngroups": f">{10**30}"}]})
@example(body={"conditions": [{"date_beg": "0001-01-01..9999-12-31"}]})
@example(body={"target": ["NaN NaN"], "radius": "1"})
@example(body={"sort_by": [["ngroups"]], "sort_desc": [[True]]})
@example(body={"radius_units": ["degrees"], "skip_count": [1], "sort_by": ["ngroups"], "sort_desc": [[True]]})
def test_no_search_breaks_the_missions_interface(client, body):
    check_search(client, body)


@pytest.mark.prove
@AT_LENGTH
@given(body=SEARCHES)
def test_no_search_breaks_the_missions_interface_at_length(client, body):
    check_search(client, body)


@settings(ODD, max_examples=10)
@given(text=st.text(max_size=30))
def test_no_uri_breaks_a_download(client, text):
    for path, name in (("/api/v0.1/Download/file", "uri"), ("/search/jwst/api/v0.1/retrieve_product", "product_name"),
                       ("/api/v0.1/path_lookup/", "uri"), ("/search/jwst/api/v0.1/list_products", "dataset_ids"),
                       ("/Santa-war/query", "name"), ("/api/v0.1/Download/bundle.sh", "uri")):  # fmt: skip
        for asked in (text, f"mast:JWST/product/{text}", f"mast:jwstedb/{text}.csv"):
            assert client.get(path, params={name: asked}).status_code in {200, 400, 404}, (path, asked)


@pytest.mark.parametrize("mark", ["+", "%", "?", "#", "&", " ", "%2B", "ü"])
def test_marks_that_mean_something_in_an_address_stay_what_they_are(client, mark):
    """A URI that holds one is looked for as it is, and not cut short (astroquery #3080)."""
    asked = client.get("/api/v0.1/Download/file", params={"uri": f"mast:JWST/product/a{mark}b.fits"})
    assert asked.status_code == 404
    assert f"a{mark}b.fits" in asked.json()["error"]["message"]


def test_a_path_in_a_bucket_is_told_to_be_none(client):
    uris = ["mast:JWST/product/a.fits", "mast:JWST/product/b.fits"]
    found = client.get("/api/v0.1/path_lookup/", params={"uri": uris, "use_cloud_path": "True"}).json()
    assert found == {uri: {"status_code": 404, "path": None} for uri in uris}
