"""Asks MAST, or whatever speaks as MAST does, through its portal service."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qsl, quote

from deepfield.client.listing import Listing, Remote, Unavailable, Wanted
from deepfield.model.errors import TransferError
from deepfield.model.identifiers import COLLECTION, artifact_uri
from deepfield.model.layouts import place

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

PAGE: Final = 5000
MANY: Final = 200
"""Observations whose products are asked for at once."""
RECOMMENDED: Final = "Minimum Recommended Products"
_COLUMNS: Final = {
    "suffix": "productSubGroupDescription",
    "product_type": "productType",
    "calib_level": "calib_level",
    "group": "productGroupDescription",
}
NARROWED: Final = frozenset({*_COLUMNS, "extension"})
"""What the products of MAST can be narrowed by."""


def listing(ask: Callable[..., Any], server: str, wanted: Wanted) -> Listing:
    """Return what a selection comes down to at MAST. It publishes no checksums here, so size alone is verified.

    Raises:
        TransferError: it cannot be asked, or says that the selection is wrong.
    """
    unknown = set(wanted.only) - NARROWED
    if unknown:
        raise TransferError(server, f"MAST's products cannot be narrowed by {', '.join(sorted(unknown))}")
    found = [row for search in wanted.searches for row in _observations(ask, parse_qsl(search))]
    missing = []
    for name in wanted.observations:
        rows = list(_observations(ask, [("obs_id", name)]))
        found += rows
        if not rows:
            missing.append(Unavailable(name, "not in this archive"))
    ids = sorted({str(row["obsid"]) for row in found})
    products = list(products_of(ask, ids))
    chosen = products if wanted.everything else recommended(products)
    remotes: dict[str, Remote] = {}
    for row in chosen:
        if matches(row, wanted.only):
            name = row["productFilename"]
            size = row.get("size")
            path = place(wanted.layout, name, row.get("obs_id"))
            remotes[name] = Remote(path, address_of(server, row["dataURI"]), None if size is None else int(size))
    for product in wanted.products:
        name = product.rpartition("/")[2]
        uri = product if product.startswith("mast:") else artifact_uri(name)
        remotes.setdefault(name, Remote(place(wanted.layout, name, _owner(name)), address_of(server, uri)))
    return Listing(tuple(remotes[name] for name in sorted(remotes)), tuple(missing))


def _observations(ask: Callable[..., Any], pairs: Iterable[tuple[str, str]]) -> Iterator[Mapping[str, Any]]:
    filters = [{"paramName": name, "values": value.split(",")} for name, value in pairs]
    if not any(one["paramName"] == "obs_collection" for one in filters):
        filters.append({"paramName": "obs_collection", "values": [COLLECTION]})
    return rows_of(ask, "Mast.Caom.Filtered", {"columns": "obsid,obs_id", "filters": filters})


def products_of(ask: Callable[..., Any], obsids: Sequence[str]) -> Iterator[Mapping[str, Any]]:
    """Yield the products of observations by their number, ``MANY`` observations at once."""
    for first in range(0, len(obsids), MANY):
        yield from rows_of(ask, "Mast.Caom.Products", {"obsid": ",".join(obsids[first : first + MANY])})


def rows_of(ask: Callable[..., Any], service: str, params: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Yield the rows of a service of MAST, page by page.

    Raises:
        TransferError: it cannot be asked, or says what is wrong.
    """
    page = 1
    while True:
        request = {"service": service, "params": params, "format": "json", "pagesize": PAGE, "page": page}
        while (answer := _answer(ask, request)).get("status") == "EXECUTING":
            continue  # the archive holds the answer back until it has one; asking again is the protocol
        if answer.get("status") != "COMPLETE":
            raise TransferError(service, str(answer.get("msg") or answer.get("status")))
        yield from answer["data"]
        paging = answer.get("paging") or {}
        if page >= int(paging.get("pagesFiltered") or 1):
            return
        page += 1


def _answer(ask: Callable[..., Any], request: Mapping[str, Any]) -> dict[str, Any]:
    try:
        answer = ask("POST", "/api/v0/invoke", data={"request": json.dumps(request)}).json()
    except ValueError:
        answer = None
    if not isinstance(answer, dict):
        raise TransferError(request["service"], "the archive answers with something that is not of MAST's protocol")
    return answer


def recommended(rows: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Return the recommended products of each observation; of one without any, all of its own."""
    listed: dict[str, list[Mapping[str, Any]]] = {}
    for row in rows:
        listed.setdefault(str(row.get("parent_obsid", row.get("obsID"))), []).append(row)
    chosen: list[Mapping[str, Any]] = []
    for parent, products in listed.items():
        best = [row for row in products if row.get("productGroupDescription") == RECOMMENDED]
        chosen += best or [row for row in products if str(row.get("obsID")) == parent]
    return chosen


def matches(row: Mapping[str, Any], only: Mapping[str, tuple[str, ...]]) -> bool:
    """Tell whether a product is of what is wanted; see ``NARROWED``."""
    for name, values in only.items():
        if name == "extension":
            value = str(row["productFilename"]).rpartition(".")[2]
        else:
            value = str(row.get(_COLUMNS[name]) or "")
        if value.lower() not in {one.lower() for one in values}:
            return False
    return True


def address_of(server: str, uri: str) -> str:
    """Return where MAST, or what speaks as MAST does, hands a product over."""
    return f"{server}/api/v0.1/Download/file?uri={quote(uri, safe=':/')}"


def _owner(filename: str) -> str:
    return filename.rpartition(".")[0].rpartition("_")[0] or filename
