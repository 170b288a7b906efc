"""Estimates of what a selection comes down to, and what people keep: theirs to change, anybody's to read by its link."""

import pytest

from deepfield.web.app import create_app
from support.archive import EXCLUSIVE, EXCLUSIVE_FILE, PUBLIC, PUBLIC_FILE, RELEASE, build_archive, write_products
from support.people import make_everybody
from support.serving import served

BASKET = {"document": {"observation": [PUBLIC], "search": ["instrument_name=MIRI"]}}


@pytest.fixture(scope="module")
def own(tmp_path_factory):
    folder = tmp_path_factory.mktemp("kept")
    write_products(folder / "products")
    with build_archive(folder / "home", folder / "products") as archive:
        tokens = make_everybody(archive, "2222")
        with served(create_app(archive)) as client:
            yield client, {who: {"Authorization": f"token {token}"} for who, token in tokens.items()}


def test_an_estimate_agrees_with_the_bundle_of_the_same_parameters(client):
    order = {"observation": [PUBLIC, EXCLUSIVE], "all": True}
    found = client.post("/api/v1/selection", json=order).json()
    held = client.request("HEAD", "/bundle.zip", params={"observation": [PUBLIC, EXCLUSIVE], "all": "1"})
    assert (str(found["count"]), found["size"]) == (held.headers["deepfield-products"], held.headers["deepfield-size"])
    assert (found["left_out"], found["truncated"]) == (2, False)
    assert found["facets"]["suffix"] == {"cal": 2, "uncal": 2}
    exclusive = next(product for product in found["products"] if product["filename"] == EXCLUSIVE_FILE)
    assert (exclusive["status"], exclusive["release"], exclusive["sha256"]) == ("exclusive", RELEASE, None)


def test_a_basket_is_kept_under_its_name_and_read_by_its_link(own):
    client, people = own
    kept = client.put("/api/v1/kept/basket/mine", json=BASKET, headers=people["user"]).json()
    again = client.put(
        "/api/v1/kept/basket/mine", json={"document": {"product": [PUBLIC_FILE]}}, headers=people["user"]
    ).json()
    assert again["id"] == kept["id"]
    assert [one["name"] for one in client.get("/api/v1/kept", headers=people["user"]).json()] == ["mine"]
    assert client.get("/api/v1/kept", headers=people["coi"]).json() == []
    assert client.get(f"/api/v1/shared/{kept['id']}").json()["document"] == {"product": [PUBLIC_FILE]}
    assert client.delete("/api/v1/kept/basket/mine", headers=people["coi"]).status_code == 404
    assert client.delete("/api/v1/kept/basket/mine", headers=people["user"]).status_code == 204
    gone = client.get(f"/api/v1/shared/{kept['id']}")
    assert (gone.status_code, gone.json()["error"]["type"]) == (404, "unknown_kept")


def test_nobody_keeps_anything_without_an_account(client):
    assert client.put("/api/v1/kept/basket/mine", json=BASKET).status_code == 401
    assert client.get("/api/v1/kept").status_code == 401


@pytest.mark.parametrize(
    "document", [{"colour": ["red"]}, {"layout": "x"}, {"observation": 3}, {"observation": [1]}, ["a"]]
)
def test_only_selections_are_kept(own, document):
    client, people = own
    answer = client.put("/api/v1/kept/list/l", json={"document": document}, headers=people["user"])
    assert answer.status_code in {400, 422}


def test_an_account_keeps_a_bounded_number_of_bounded_things(own):
    client, people = own
    large = {"document": {"product": ["x" * 1000] * 2100}}
    answer = client.put("/api/v1/kept/list/large", json=large, headers=people["coi"])
    assert (answer.status_code, answer.json()["error"]["field"]) == (400, "document")
    for number in range(201):
        answer = client.put(f"/api/v1/kept/search/{number}", json=BASKET, headers=people["coi"])
    assert (answer.status_code, answer.json()["error"]["field"]) == (400, "search")


def test_a_new_name_keeps_the_link_and_takes_nobodys_place(own):
    client, people = own
    headers = people["pi"]
    kept = client.put("/api/v1/kept/search/old", json=BASKET, headers=headers).json()
    client.put("/api/v1/kept/search/other", json=BASKET, headers=headers)
    renamed = client.post("/api/v1/kept/search/old/name", json={"name": "fünf / sechs"}, headers=headers).json()
    assert (renamed["id"], renamed["name"]) == (kept["id"], "fünf / sechs")
    assert client.get(f"/api/v1/shared/{kept['id']}").json()["name"] == "fünf / sechs"
    taken = client.post("/api/v1/kept/search/other/name", json={"name": "fünf / sechs"}, headers=headers)
    assert (taken.status_code, "no other search" in taken.json()["error"]["message"]) == (400, True)
    gone = client.post("/api/v1/kept/search/old/name", json={"name": "x"}, headers=headers)
    assert gone.status_code == 404
    assert client.post("/api/v1/kept/search/other/name", json={"name": ""}, headers=headers).status_code == 422
    assert (
        client.put("/api/v1/kept/search/f%C3%BCnf%20%2F%20sechs", json=BASKET, headers=headers).json()["id"]
        == kept["id"]
    )
    assert client.delete("/api/v1/kept/search/f%C3%BCnf%20%2F%20sechs", headers=headers).status_code == 204
    strange = client.post("/api/v1/kept/search/other/name", json={"name": "x"}, headers=people["coi"])
    assert strange.status_code == 404
