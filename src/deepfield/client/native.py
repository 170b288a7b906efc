"""Asks Deepfield: a manifest says in one answer what a selection comes down to, with checksums."""

from __future__ import annotations

import csv
import io
import re
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from deepfield.client.listing import Listing, Remote, Unavailable, Wanted, safe_path

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_REASONS = {
    "exclusive": "under exclusive access until {release}",
    "changed": "changed since it was ingested",
    "retired": "withdrawn",
    "unknown": "not in this archive",
}


def listing(ask: Callable[..., Any], server: str, wanted: Wanted) -> Listing:
    """Return what a selection comes down to at a Deepfield.

    Raises:
        TransferError: it cannot be asked, or says that the selection is wrong.
    """
    form: dict[str, list[str] | str] = {
        "product": list(wanted.products),
        "observation": list(wanted.observations),
        "search": list(wanted.searches),
        "layout": wanted.layout,
        "all": "1" if wanted.everything else "0",
        **{name: ",".join(values) for name, values in wanted.only.items()},
    }
    text = ask("POST", "/bundle.manifest", data=form).text
    rows = list(csv.DictReader(io.StringIO(text), delimiter="\t", quoting=csv.QUOTE_NONE))
    return Listing(
        tuple(_remote(server, row) for row in rows if row["status"] == "included"),
        tuple(_unavailable(row) for row in rows if row["status"] != "included"),
    )


def shared(ask: Callable[..., Any], link: str) -> Wanted:
    """Return the selection that a link to a basket names.

    Raises:
        TransferError: there is none.
    """
    kept_id = re.split(r"[/=]", link.rstrip("/"))[-1]
    document = ask("GET", f"/api/v1/shared/{quote(kept_id, safe='')}").json()["document"]

    def listed(name: str) -> tuple[str, ...]:
        value = document.get(name, [])
        return (value,) if isinstance(value, str) else tuple(value)

    return Wanted(listed("product"), listed("observation"), listed("search"), "1" in listed("all"))


def _remote(server: str, row: Mapping[str, str]) -> Remote:
    name = quote(row["uri"].rpartition("/")[2], safe="")
    url = f"{server}/products/{name}?version={row['version']}"
    return Remote(safe_path(row["path"]), url, int(row["size"]), row["sha256"])


def _unavailable(row: Mapping[str, str]) -> Unavailable:
    name = row["uri"].rpartition("/")[2]
    return Unavailable(name, _REASONS.get(row["status"], row["status"]).format(release=row["release"]))
