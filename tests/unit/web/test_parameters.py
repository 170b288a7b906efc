"""Search parameters arrive by address, form or JSON, and what is not known is refused."""

import json
from typing import Annotated

import pytest
from fastapi import Depends, FastAPI

from deepfield.web import errors
from deepfield.web.portal.api.parameters import PAGING, SearchParameters
from support.serving import served


@pytest.fixture(scope="module")
def client():
    app = FastAPI()
    errors.install(app)

    @app.api_route("/search", methods=["GET", "POST"])
    def search(parameters: Annotated[dict[str, str], Depends(SearchParameters(PAGING))]) -> dict[str, str]:
        return parameters

    with served(app) as client:
        yield client


def test_the_three_ways_to_ask_are_the_same(client):
    question = {"instrument_name": "NIRCAM,MIRI", "t_exptime": "100..", "text": "καὶ * \\,", "sort": "-t_min"}
    answers = [
        client.get("/search", params=question),
        client.post("/search", data=question),
        client.post("/search", json=question),
    ]
    assert [answer.json() for answer in answers] == [question] * 3


def test_address_and_body_may_share_a_question(client):
    assert client.post("/search?limit=3", json={"text": "a"}).json() == {"limit": "3", "text": "a"}


def test_an_empty_value_is_kept_for_the_grammar_to_judge(client):
    assert client.get("/search?target_name=").json() == {"target_name": ""}


@pytest.mark.parametrize(("name", "closest"), [("instrumnet_name", "instrument_name"), ("postion", "position")])
def test_an_unknown_parameter_is_named_with_the_closest(client, name, closest):
    answer = client.get("/search", params={name: "x"})
    error = answer.json()["error"]
    assert (answer.status_code, error["type"], error["closest"]) == (400, "unknown_parameter", [closest])
    assert (error["field"], name in error["message"]) == (name, True)


def test_a_parameter_that_another_endpoint_takes_is_unknown_here(client):
    assert client.get("/search?facets=filters").json()["error"]["type"] == "unknown_parameter"


def test_a_column_that_no_search_may_use_is_unknown(client):
    assert client.get("/search?origin=x").status_code == 400


def test_a_parameter_given_twice_is_refused(client):
    error = client.get("/search?filters=F200W&filters=F444W").json()["error"]
    assert (error["type"], error["field"]) == ("invalid_query", "filters")


@pytest.mark.parametrize(
    "body",
    ["[]", "3", '"a"', "{", "", '{"limit": 3}', '{"limit": null}', '{"text": "a", "text": "b"}', "[" * 100_000],
)
def test_a_json_body_that_is_no_object_of_strings_is_refused(client, body):
    answer = client.post("/search", content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code == (200 if not body else 400)


def test_a_form_that_is_not_utf8_is_refused(client):
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    assert client.post("/search", content=b"text=\xff", headers=headers).status_code == 400
    assert client.post("/search", content=b"text=%ff", headers=headers).status_code == 400


def test_another_media_type_is_refused(client):
    error = client.post("/search", content="text=a", headers={"Content-Type": "text/plain"}).json()["error"]
    assert error["field"] == "Content-Type"


def test_a_body_beyond_the_limit_is_refused(client):
    answer = client.post("/search", content=json.dumps({"text": "x" * 2_000_000}).encode())
    assert answer.status_code == 400
