"""A request to the portal service, read once: from a form, a query string or a JSON body."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Literal, cast
from urllib.parse import parse_qsl

from deepfield.model.errors import InvalidQueryError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fastapi import Request

Format = Literal["json", "extjs", "csv", "votable"]
FORMATS: Final[Mapping[str, Format]] = {
    "json": "json", "extjs": "extjs", "csv": "csv", "votable": "votable", "xml": "votable", "vo": "votable",
}  # fmt: skip
MAX_BODY: Final = 8_000_000
"""Bytes; a list of a hundred thousand observations still fits."""
DEFAULT_PAGE: Final = 1000


@dataclass(frozen=True, slots=True)
class MastRequest:
    """What a client asks of a service."""

    service: str
    params: Mapping[str, Any] = field(default_factory=dict)
    format: Format = "json"
    pagesize: int = DEFAULT_PAGE
    page: int = 1
    filename: str | None = None
    without_null_columns: bool = False
    data: Any = None
    ticket: str | None = None
    """``cacheBreaker``: the same for all pages of one query."""

    @classmethod
    def from_document(cls, document: object) -> MastRequest:
        """Read the JSON object of a request.

        Raises:
            InvalidQueryError: naming the member that is wrong.
        """
        if not isinstance(document, dict) or not isinstance(document.get("service"), str):
            raise InvalidQueryError("request", _short(document), 'a JSON object with "service" and "params"')
        params = document.get("params", {})
        if not isinstance(params, dict):
            raise InvalidQueryError("params", _short(params), "a JSON object")
        written = document.get("format", "extjs")
        if not isinstance(written, str) or written.lower() not in FORMATS:
            raise InvalidQueryError("format", _short(written), " or ".join(FORMATS))
        ticket, filename = document.get("cacheBreaker"), document.get("filename")
        return cls(
            service=document["service"],
            params=cast("dict[str, Any]", params),
            format=FORMATS[written.lower()],
            pagesize=_count("pagesize", document.get("pagesize", DEFAULT_PAGE)),
            page=_count("page", document.get("page", 1)),
            filename=filename if isinstance(filename, str) else None,
            without_null_columns=str(document.get("removenullcolumns")).lower() == "true",
            data=document.get("data"),
            ticket=ticket[:100] if isinstance(ticket, str) else None,
        )


async def read_request(request: Request) -> MastRequest:
    """Read a request however it was sent.

    Raises:
        InvalidQueryError: it holds no JSON object under ``request``.
    """
    form = dict(request.query_params)
    body = await read_body(request)
    if body and request.headers.get("content-type", "").lower().startswith("application/json"):
        return MastRequest.from_document(parse_json(body))
    if body:
        form |= parse_form(body)
    if "request" not in form:
        raise InvalidQueryError("request", None, "a JSON object under the name request")
    return MastRequest.from_document(parse_json(form["request"]))


async def read_body(request: Request) -> bytes:
    """Read a body of bounded size.

    Raises:
        InvalidQueryError: it is larger.
    """
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_BODY:
            raise InvalidQueryError("body", f"more than {MAX_BODY} bytes", f"at most {MAX_BODY} bytes")
    return bytes(body)


def parse_form(body: bytes) -> dict[str, str]:
    """Read a form; of a name that comes several times the last counts."""
    return dict(parse_qsl(body.decode(errors="replace"), keep_blank_values=True))


def parse_json(text: str | bytes) -> Any:
    """Read a JSON document.

    Raises:
        InvalidQueryError: it is none.
    """
    try:
        return json.loads(text, parse_constant=_refuse)
    except (ValueError, RecursionError):
        raise InvalidQueryError("request", _short(text), "a JSON document") from None


def _refuse(_constant: str) -> None:
    raise ValueError(_constant)


def _count(name: str, value: object) -> int:
    text = str(value).strip()
    if isinstance(value, bool) or not text.isdecimal() or not 1 <= int(text[:12]) < 10**9:
        raise InvalidQueryError(name, _short(value), "a whole number from 1 on")
    return int(text)


def _short(value: object) -> str:
    return (value.decode(errors="replace") if isinstance(value, bytes) else str(value))[:120]
