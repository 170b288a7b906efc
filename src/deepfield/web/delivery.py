"""Hands bytes over: whole, in ranges, or only described. Whatever face asks, they leave through here."""

import base64
import re
import secrets
from collections.abc import AsyncIterator, Iterator, Sequence
from typing import IO, Final
from urllib.parse import quote

import anyio.to_thread
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from deepfield.services.delivery import Delivery
from deepfield.web.errors import ErrorBody, error_response
from deepfield.web.ranges import Span, http_date, parse_ranges, precondition, range_applies

CHUNK: Final = 1 << 19


def delivery_response(request: Request, delivery: Delivery) -> Response:
    """Answer a GET or HEAD for bytes, RFC 9110 §13–14, with the digest of RFC 9530.

    Raises:
        RangeNotSatisfiableError: no range asked for lies within the product.
    """
    headers = describe(delivery)
    state = precondition(request.headers, etag=headers["ETag"], modified=delivery.last_modified)
    if state == "not_modified":
        kept = ("ETag", "Last-Modified", "Cache-Control", "Accept-Ranges")
        return Response(status_code=304, headers={name: headers[name] for name in kept if name in headers})
    if state == "failed":
        body = ErrorBody(type="precondition_failed", message=f"{delivery.filename} is not the version asked for")
        return error_response(412, body)
    spans = _spans(request, delivery)
    if spans is None:
        return _answer(request, 200, headers, [Span(0, delivery.length - 1)], delivery)
    if len(spans) == 1:
        headers["Content-Range"] = f"bytes {spans[0].first}-{spans[0].last}/{delivery.length}"
        return _answer(request, 206, headers, spans, delivery)
    return _multipart(request, headers, spans, delivery)


def describe(delivery: Delivery) -> dict[str, str]:
    """Return the headers that describe the whole product."""
    digest = base64.b64encode(bytes.fromhex(delivery.sha256)).decode()
    headers = {
        "Content-Type": delivery.content_type,
        "ETag": f'"{delivery.sha256}"',
        "Accept-Ranges": "bytes",
        "Cache-Control": "private, no-cache",
        "Repr-Digest": f"sha-256=:{digest}:",
        "Content-Disposition": disposition(delivery.filename),
    }
    if delivery.last_modified is not None:
        headers["Last-Modified"] = http_date(delivery.last_modified)
    return headers


def disposition(filename: str) -> str:
    """Return a ``Content-Disposition`` that no file name can break out of (RFC 6266)."""
    plain = re.sub(r"[^A-Za-z0-9._+-]", "_", filename)
    extended = "" if plain == filename else f"; filename*=UTF-8''{quote(filename, safe='')}"
    return f'attachment; filename="{plain}"{extended}'


async def from_thread(pieces: Iterator[bytes]) -> AsyncIterator[bytes]:
    """Yield pieces that are made in a thread; a client that goes away lets what they are made of go too."""
    try:
        while (piece := await anyio.to_thread.run_sync(next, pieces, None)) is not None:
            yield piece
    finally:
        pieces.close()  # type: ignore[attr-defined]  # every stream here is a generator


def _spans(request: Request, delivery: Delivery) -> tuple[Span, ...] | None:
    value = request.headers.get("range")
    tag = f'"{delivery.sha256}"'
    if value is None or not range_applies(request.headers, etag=tag, modified=delivery.last_modified):
        return None
    return parse_ranges(value, delivery.length)


def _answer(
    request: Request, status: int, headers: dict[str, str], spans: Sequence[Span], delivery: Delivery
) -> Response:
    headers["Content-Length"] = str(sum(span.length for span in spans))
    if request.method == "HEAD":
        return Response(status_code=status, headers=headers)
    return StreamingResponse(_stream(delivery.open(), spans, delivery.filename), status, headers)


def _multipart(request: Request, headers: dict[str, str], spans: tuple[Span, ...], delivery: Delivery) -> Response:
    boundary = secrets.token_hex(16)
    heads = [
        f"\r\n--{boundary}\r\nContent-Type: {delivery.content_type}\r\n"
        f"Content-Range: bytes {span.first}-{span.last}/{delivery.length}\r\n\r\n".encode()
        for span in spans
    ]
    tail = f"\r\n--{boundary}--\r\n".encode()
    length = sum(map(len, heads)) + sum(span.length for span in spans) + len(tail)
    headers |= {"Content-Type": f"multipart/byteranges; boundary={boundary}", "Content-Length": str(length)}
    if request.method == "HEAD":
        return Response(status_code=206, headers=headers)
    return StreamingResponse(_stream(delivery.open(), spans, delivery.filename, heads, tail), 206, headers)


async def _stream(
    stream: IO[bytes], spans: Sequence[Span], filename: str, heads: Sequence[bytes] = (), tail: bytes = b""
) -> AsyncIterator[bytes]:
    """Yield the spans in pieces of bounded size, each after its head. A file that ends early cuts the connection."""
    try:
        for number, span in enumerate(spans):
            if heads:
                yield heads[number]
            await anyio.to_thread.run_sync(stream.seek, span.first)
            left = span.length
            while left:
                piece = await anyio.to_thread.run_sync(stream.read, min(CHUNK, left))
                if not piece:
                    raise EOFError(f"{filename} ended {left} bytes early")
                left -= len(piece)
                yield piece
        if tail:
            yield tail
    finally:
        stream.close()
