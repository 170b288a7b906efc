"""The single-page application is served from its own folder, and nothing else is."""

import pytest
from fastapi import FastAPI

from deepfield.web import errors, middleware
from deepfield.web.portal import pages
from support.serving import served


@pytest.fixture
def built(tmp_path, monkeypatch):
    static = tmp_path / "static"
    (static / "assets").mkdir(parents=True)
    (static / "index.html").write_text("<!doctype html><title>Deepfield</title>")
    (static / "assets" / "index-DUS8mAd9.js").write_text("export {}")
    (static / "assets" / "theme.js").write_text("1")
    (static / "favicon.svg").write_text("<svg/>")
    (tmp_path / "secret.txt").write_text("treasure")
    monkeypatch.setattr(pages, "STATIC", static)
    return static


@pytest.fixture
def client():
    app = FastAPI()
    errors.install(app)
    middleware.install(app)
    app.include_router(pages.router)
    with served(app) as client:
        yield client


@pytest.mark.parametrize("path", ["/", "/obs/jw01111001001_02101_00001_nrcb1", "/obs/x/header", "/anything/else"])
def test_every_address_of_the_application_is_its_page(built, client, path):
    answer = client.get(path)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert answer.headers["cache-control"] == "no-cache"
    assert client.get(path, headers={"If-None-Match": answer.headers["etag"]}).status_code == 304


def test_hashed_assets_are_kept_for_ever(built, client):
    answer = client.get("/assets/index-DUS8mAd9.js")
    assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert answer.headers["content-type"].startswith("text/javascript")
    assert client.get("/assets/theme.js").headers["cache-control"] == "no-cache"


def test_files_of_the_folder_are_served_by_name(built, client):
    assert client.get("/favicon.svg").headers["content-type"] == "image/svg+xml"


@pytest.mark.parametrize("path", ["/assets/gone.js", "/api/v1/nothing", "/api", "/products/", "/health/x"])
def test_what_is_no_page_is_an_error_document(built, client, path):
    answer = client.get(path)
    assert (answer.status_code, answer.json()["error"]["type"]) == (404, "not_found")


@pytest.mark.parametrize("path", ["/../secret.txt", "/%2e%2e/secret.txt", "/assets/..%2f..%2fsecret.txt", "/%00"])
def test_no_address_leads_out_of_the_folder(built, client, path):
    assert "treasure" not in client.get(path).text


def test_another_method_is_refused_with_those_that_are_answered(built, client):
    answer = client.delete("/")
    assert (answer.status_code, answer.json()["error"]["type"]) == (405, "method_not_allowed")
    assert set(answer.headers["allow"].split(", ")) == {"GET", "HEAD"}


def test_without_built_pages_the_server_says_how_to_build_them(tmp_path, monkeypatch, client):
    monkeypatch.setattr(pages, "STATIC", tmp_path / "static")
    answer = client.get("/")
    assert (answer.status_code, "make setup" in answer.text) == (503, True)
