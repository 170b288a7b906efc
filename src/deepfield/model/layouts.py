"""How downloaded files are laid out in folders: a few layouts by name, the same for bundles, scripts and clients."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from deepfield.model.errors import InvalidValueError
from deepfield.model.identifiers import COLLECTION

if TYPE_CHECKING:
    from collections.abc import Mapping

LAYOUTS: Final[Mapping[str, str]] = {
    "observation": "{collection}/{obs_id}/{filename}",
    "programme": "{collection}/{programme}/{obs_id}/{filename}",
    "flat": "{filename}",
}
"""Path of a file under the folder of the download; the first is the default, and how clients of MAST lay files out."""

_PLAIN = re.compile(r"[A-Za-z0-9_+=,][A-Za-z0-9._+=,-]*")
_PROGRAMME = re.compile(r"jw\d{5}")


def place(layout: str, filename: str, obs_id: str | None) -> str:
    """Return the relative path of a file in a layout. It never leaves the folder it is put under.

    Raises:
        InvalidValueError: there is no such layout.
    """
    if layout not in LAYOUTS:
        raise InvalidValueError("layout", layout, f"one of {', '.join(LAYOUTS)}")
    owner = plain_name(obs_id or "unassigned")
    found = _PROGRAMME.match(owner)
    return LAYOUTS[layout].format(
        collection=COLLECTION,
        programme=found[0] if found else owner,
        obs_id=owner,
        filename=plain_name(filename),
    )


def plain_name(name: str) -> str:
    """Return a name as one path component that needs no quoting anywhere: other characters become ``_``."""
    plain = re.sub(r"[^A-Za-z0-9._+=,-]", "_", name)
    return plain if _PLAIN.fullmatch(plain) else f"_{plain.lstrip('.-')}"
