"""Reads a selection from the parameters of a request: query string, form or JSON."""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from difflib import get_close_matches
from typing import Any, Final
from urllib.parse import parse_qsl

from fastapi import Request

from deepfield.model.errors import InvalidValueError
from deepfield.model.layouts import LAYOUTS, place
from deepfield.services.bundles import FILTERS, Selection
from deepfield.web.errors import UnknownParameterError

MAX_BODY: Final = 8_000_000
"""Bytes: a list of fifty thousand names."""
PRODUCT_URI: Final = "mast:jwst/product/"
PARAMETERS: Final[Mapping[str, str]] = {
    "product": "File name or `mast:` URI; repeat for more",
    "observation": "obs_id, for its recommended products; repeat for more",
    "search": "A search as the portal's address has it (`instrument_name=NIRCAM&text=nebula`), percent-encoded",
    "all": "1: the whole dataset of each observation, with what is linked to it",
    "suffix": "Only these suffixes, comma-separated (`cal,i2d`)",
    "extension": "Only these file extensions (`fits,json`)",
    "product_type": "Only these types (`SCIENCE,PREVIEW`)",
    "calib_level": "Only these calibration levels (`2,3`)",
    "detector": "Only these detectors",
    "snapshot": "The archive as it was at this snapshot",
    "layout": f"Folders of the files: {', '.join(LAYOUTS)}",
    "name": "Name of the folder that holds everything",
}
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")


@dataclass(frozen=True, slots=True)
class Order:
    """What is asked for and how it is to be laid out."""

    selection: Selection
    layout: str
    name: str

    @classmethod
    def of(cls, pairs: Iterable[tuple[str, str]]) -> "Order":
        """Read an order from parameters.

        Raises:
            UnknownParameterError, InvalidValueError: naming the parameter, its value and what would be right.
        """
        given: dict[str, list[str]] = {}
        for name, value in pairs:
            if name not in PARAMETERS:
                closest = get_close_matches(name, PARAMETERS, n=1, cutoff=0.5)
                raise UnknownParameterError(name, closest=closest[0] if closest else None)
            given.setdefault(name, []).append(value)
        layout = _one(given, "layout", next(iter(LAYOUTS)))
        place(layout, "x", None)
        name = _one(given, "name", f"JWST_{datetime.now(UTC):%Y-%m-%dT%H%M}")
        if not _NAME.fullmatch(name):
            raise InvalidValueError("name", name, "at most 100 letters, digits, dots, dashes and underscores")
        return cls(_selection(given), layout, name)


def product_name(uri: str) -> str:
    """Return the file name that a ``mast:`` URI means; anything else is taken for the name itself."""
    return uri[len(PRODUCT_URI) :] if uri.lower().startswith(PRODUCT_URI) else uri


async def pairs_of(request: Request) -> list[tuple[str, str]]:
    """Return all parameters of a request in order, those of its address first. Values of a JSON body may be lists.

    Raises:
        InvalidValueError: the body is too long or cannot be read.
    """
    pairs = list(request.query_params.multi_items())
    if request.method != "POST":
        return pairs
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_BODY:
            raise InvalidValueError("body", f"more than {MAX_BODY} bytes", f"at most {MAX_BODY} bytes of parameters")
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if not body:
        return pairs
    if kind == "application/json":
        return pairs + _json_pairs(bytes(body))
    if kind == "application/x-www-form-urlencoded":
        try:
            return pairs + parse_qsl(body.decode(), keep_blank_values=True, errors="strict")
        except ValueError:
            raise InvalidValueError("body", "text that is not UTF-8", "parameters as a URL-encoded form") from None
    raise InvalidValueError("Content-Type", kind, "application/json or application/x-www-form-urlencoded")


async def the_order(request: Request) -> Order:
    """Return what a request asks for.

    Raises:
        UnknownParameterError, InvalidValueError: naming what is wrong.
    """
    return Order.of(await pairs_of(request))


def in_body() -> dict[str, Any]:
    """Describe the parameters of an order for OpenAPI, as a form or JSON."""
    several = {"product", "observation", "search"}
    properties = {
        name: {"description": text}
        | ({"type": "array", "items": {"type": "string"}} if name in several else {"type": "string"})
        for name, text in PARAMETERS.items()
    }
    schema = {"type": "object", "properties": properties, "additionalProperties": False}
    kinds = ("application/json", "application/x-www-form-urlencoded")
    return {"requestBody": {"required": False, "content": {kind: {"schema": schema} for kind in kinds}}}


def _json_pairs(body: bytes) -> list[tuple[str, str]]:
    expected = "a JSON object whose values are strings, numbers, booleans or lists of strings"
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        raise InvalidValueError("body", body[:60].decode(errors="replace"), expected) from None
    if not isinstance(document, dict):
        raise InvalidValueError("body", body[:60].decode(errors="replace"), expected)
    return [(name, text) for name, value in document.items() for text in _texts(name, value, expected)]


def _texts(name: str, value: object, expected: str) -> list[str]:
    match value:
        case bool():
            return ["1" if value else "0"]
        case str() | int():
            return [str(value)]
        case list() if all(isinstance(item, str) for item in value):
            return list(value)
    raise InvalidValueError(name, value, expected)


def _selection(given: Mapping[str, Sequence[str]]) -> Selection:
    everything = _one(given, "all", "0")
    if everything not in {"0", "1"}:
        raise InvalidValueError("all", everything, "0 or 1")
    snapshot = _one(given, "snapshot", "")
    if snapshot and not re.fullmatch(r"\d{1,18}", snapshot, re.ASCII):
        raise InvalidValueError("snapshot", snapshot, "the number of a snapshot")
    only: dict[str, Any] = {}
    for name in FILTERS:
        if values := [value for text in given.get(name, ()) for value in text.lower().split(",") if value]:
            only[name] = frozenset(values)
    return Selection(
        products=tuple(product_name(uri) for uri in given.get("product", ())),
        observations=tuple(given.get("observation", ())),
        searches=tuple(given.get("search", ())),
        everything=everything == "1",
        only=only,
        snapshot=int(snapshot) if snapshot else None,
    )


def _one(given: Mapping[str, Sequence[str]], name: str, default: str) -> str:
    values = given.get(name, (default,))
    if len(values) != 1:
        raise InvalidValueError(name, list(values), "the parameter once")
    return values[0]
