"""While the search index is being rebuilt, searches say so and everything that needs no search goes on."""

import pytest

from deepfield.bootstrap import build
from deepfield.config import Settings
from deepfield.web.app import create_app
from support.archive import PUBLIC, PUBLIC_FILE
from support.serving import served


@pytest.fixture(scope="module")
def client(products, tmp_path_factory):
    settings = Settings(home=tmp_path_factory.mktemp("rebuilding"), workers=1)
    with build(settings) as archive:
        archive.intake.ingest([products])
        with served(create_app(archive)) as client:
            yield client


def test_health_says_that_it_is_rebuilding(client):
    health = client.get("/health").json()
    assert (health["status"], health["percent"]) == ("rebuilding", 0.0)


@pytest.mark.parametrize("path", ["observations", "facets", "footprints", "resolve?name=M-16", "suggest?q=m"])
def test_a_search_is_asked_to_come_again(client, path):
    answer = client.get(f"/api/v1/{path}")
    assert (answer.status_code, answer.json()["error"]["type"]) == (503, "rebuilding")
    assert int(answer.headers["retry-after"]) > 0


@pytest.mark.parametrize(
    "path",
    [
        f"/api/v1/observations/{PUBLIC}",
        f"/api/v1/observations/{PUBLIC}/products",
        f"/api/v1/products/{PUBLIC_FILE}/header",
        f"/products/{PUBLIC_FILE}",
        f"/previews/{PUBLIC_FILE}",
        "/api/v1/columns",
        "/api/v1/status",
        "/api/v1/resolve?name=10:37:18.8 -58:37:42",
    ],
)
def test_what_is_looked_up_by_its_key_goes_on(client, path):
    assert client.get(path).status_code == 200
