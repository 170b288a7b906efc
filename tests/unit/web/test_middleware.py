"""Every answer carries safe headers and an identifier; text is compressed, bytes never."""

import gzip
import json

import pyarrow as pa
import pytest
import structlog
from fastapi import FastAPI
from starlette.responses import JSONResponse, Response

from deepfield.web import errors, middleware
from support.serving import served

LONG = {"words": ["nebula"] * 1000}


@pytest.fixture(scope="module")
def client():
    app = FastAPI()
    errors.install(app)
    middleware.install(app)

    @app.get("/api/long")
    def long() -> Response:
        return JSONResponse(LONG, headers={"ETag": '"tag"'})

    @app.get("/api/short")
    def short() -> Response:
        return JSONResponse({"a": 1})

    @app.get("/bytes")
    def ranged() -> Response:
        return JSONResponse(LONG, headers={"Accept-Ranges": "bytes"})

    @app.get("/crash")
    def crash() -> Response:
        raise ZeroDivisionError("secret detail")

    with served(app) as client:
        yield client


def raw(client, path, accepted):
    with client.stream("GET", path, headers={"Accept-Encoding": accepted}) as answer:
        return answer, b"".join(answer.iter_raw())


@pytest.mark.parametrize(
    ("accepted", "coding"),
    [("gzip", "gzip"), ("gzip, zstd", "zstd"), ("zstd;q=0, gzip;q=0.5", "gzip"), ("identity", None), ("br", None)],
)
def test_text_is_compressed_as_the_client_accepts(client, accepted, coding):
    answer, body = raw(client, "/api/long", accepted)
    assert answer.headers.get("content-encoding") == coding
    assert int(answer.headers["content-length"]) == len(body)
    assert answer.headers["vary"] == "Accept-Encoding"
    if coding == "gzip":
        body = gzip.decompress(body)
    if coding == "zstd":
        size = len(json.dumps(LONG, separators=(",", ":")))
        body = pa.decompress(body, decompressed_size=size, codec="zstd", asbytes=True)
    assert json.loads(body) == LONG
    assert answer.headers["etag"] == ('W/"tag"' if coding else '"tag"')


def test_what_offers_ranges_is_never_encoded(client):
    answer, body = raw(client, "/bytes", "gzip, zstd")
    assert "content-encoding" not in answer.headers
    assert json.loads(body) == LONG


def test_short_answers_are_left_alone(client):
    assert "content-encoding" not in client.get("/api/short").headers


def test_every_answer_has_the_safe_headers(client):
    for path in ("/api/short", "/nowhere", "/crash"):
        headers = client.get(path).headers
        assert "default-src 'self'" in headers["content-security-policy"]
        assert "unsafe-inline" not in headers["content-security-policy"].split("style-src-attr")[0]
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "same-origin"


def test_a_request_keeps_the_identifier_it_came_with_if_that_is_harmless(client):
    assert client.get("/api/short", headers={"X-Request-Id": "abc-1"}).headers["x-request-id"] == "abc-1"
    strange = client.get("/api/short", headers={"X-Request-Id": "a b<script>"}).headers["x-request-id"]
    assert strange.isalnum()


def test_a_crash_answers_with_the_error_document_and_tells_no_detail(client):
    answer = client.get("/crash")
    assert (answer.status_code, answer.json()["error"]["type"]) == (500, "internal")
    assert "secret" not in answer.text
    assert answer.headers["x-request-id"] in answer.json()["error"]["message"]


def test_the_log_names_path_and_status_and_never_the_query(client):
    with structlog.testing.capture_logs() as lines:
        client.get("/api/short?token=secret", headers={"Authorization": "token secret"})
    assert [(line["path"], line["status"]) for line in lines] == [("/api/short", 200)]
    assert "secret" not in str(lines)


def test_head_is_get_without_the_body_on_the_interface(client):
    answer = client.head("/api/short")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/json")
