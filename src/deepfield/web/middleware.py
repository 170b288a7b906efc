"""What happens to every request: an identifier, a line in the log, safe headers, compression of text."""

from __future__ import annotations

import gzip
import re
import secrets
import time
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pyarrow as pa
import structlog
from starlette.datastructures import Headers, MutableHeaders

from deepfield.web.errors import ErrorBody, error_response

if TYPE_CHECKING:
    from fastapi import FastAPI
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

log = structlog.get_logger("deepfield.web")

DEFAULTS = {
    "Content-Security-Policy": (
        "default-src 'self'; img-src 'self' data: blob:; style-src 'self'; style-src-attr 'unsafe-inline'; "
        "object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    ),
    "Cache-Control": "no-cache",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}
"""Headers of every answer that does not say otherwise."""
RESOLVER = "mastresolver.stsci.edu"
"""Host of MAST's name resolver, whose address is fixed in astroquery."""
COMPRESSIBLE = ("application/json", "text/", "image/svg+xml", "application/javascript")
LEAST = 1024
"""Bytes below which compression gains nothing."""

_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")


def install(app: FastAPI) -> None:
    """Put these around an application, the first outermost."""
    for layer in reversed((Requests, AbsoluteForm, HeadAsGet, Compression)):
        app.add_middleware(layer)


class Requests:
    """Gives each request its identifier, logs it without its query, and turns a crash into the error document."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        given = Headers(scope=scope).get("x-request-id", "")
        request_id = given if _REQUEST_ID.fullmatch(given) else secrets.token_hex(8)
        status, started = 0, time.perf_counter()

        async def answer(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = MutableHeaders(scope=message)
                headers["X-Request-Id"] = request_id
                for name, value in DEFAULTS.items():
                    headers.setdefault(name, value)
            await send(message)

        with structlog.contextvars.bound_contextvars(request=request_id):
            try:
                await self.app(scope, receive, answer)
            except Exception:
                log.exception("request.crashed", method=scope["method"], path=scope["path"])
                if status:
                    raise
                body = ErrorBody(type="internal", message=f"the archive failed; its log says why under {request_id}")
                await error_response(500, body)(scope, receive, answer)
            finally:
                elapsed = round((time.perf_counter() - started) * 1000, 1)
                log.info("request", method=scope["method"], path=scope["path"], status=status, ms=elapsed)


class AbsoluteForm:
    """Answers requests that name a whole address (RFC 9112 §3.2.2), as clients send them that take this for a proxy.

    The resolver of MAST is answered here, other hosts are refused: nothing is ever passed on.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"].startswith("/") or "://" not in scope["path"]:
            await self.app(scope, receive, send)
            return
        address = urlsplit(scope["path"])
        if address.netloc == RESOLVER and address.path.startswith("/Santa-war/"):
            path = address.path
            await self.app({**scope, "path": path, "raw_path": path.encode()}, receive, send)
            return
        body = ErrorBody(type="no_proxy", message=f"this archive is no proxy: it answers for {RESOLVER} alone")
        await error_response(403, body)(scope, receive, send)


class HeadAsGet:
    """Answers HEAD on the JSON interface as GET; the server leaves the body out."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["method"] == "HEAD" and _answers_text(scope["path"]):
            scope = {**scope, "method": "GET"}
        await self.app(scope, receive, send)


def _answers_text(path: str) -> bool:
    """Tell whether an address answers a document; those of bytes (``/api/v0.1/Download``) answer HEAD themselves."""
    return path.startswith(("/api/", "/health")) and not path.startswith("/api/v0")


class Compression:
    """Compresses whole text answers by zstd or gzip. What offers byte ranges is sent exactly as it is stored."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        coding = _coding(Headers(scope=scope).get("accept-encoding", ""))
        start: Message | None = None

        async def answer(message: Message) -> None:
            nonlocal start
            if message["type"] == "http.response.start" and _is_text(Headers(raw=message["headers"])):
                MutableHeaders(scope=message).add_vary_header("Accept-Encoding")
                start = message
                return
            if start is not None and message["type"] == "http.response.body":
                begin, start = start, None
                if coding and not message.get("more_body") and len(message.get("body", b"")) >= LEAST:
                    message = {**message, "body": compress(message["body"], coding)}
                    headers = MutableHeaders(scope=begin)
                    headers["Content-Encoding"] = coding
                    headers["Content-Length"] = str(len(message["body"]))
                    _weaken(headers)
                await send(begin)
            await send(message)

        await self.app(scope, receive, answer)


def compress(body: bytes, coding: str) -> bytes:
    """Compress bytes as this content coding."""
    if coding == "gzip":
        return gzip.compress(body, compresslevel=5, mtime=0)
    return bytes(pa.compress(body, codec="zstd", asbytes=True))


def _coding(accepted: str) -> str | None:
    """Choose from ``Accept-Encoding``, RFC 9110 §12.5.3; a weight of zero refuses."""
    offered = set()
    for item in accepted.lower().split(","):
        name, _, weight = item.partition(";")
        if not re.fullmatch(r"\s*q\s*=\s*0(\.0*)?\s*", weight):
            offered.add(name.strip())
    return next((coding for coding in ("zstd", "gzip") if coding in offered), None)


def _is_text(headers: Headers) -> bool:
    if "accept-ranges" in headers or "content-encoding" in headers:
        return False
    return headers.get("content-type", "").startswith(COMPRESSIBLE)


def _weaken(headers: MutableHeaders) -> None:
    tag = headers.get("etag")
    if tag and not tag.startswith("W/"):
        headers["ETag"] = f"W/{tag}"
