"""Angles written in hours or degrees, minutes and seconds."""

from __future__ import annotations

import re
from typing import Final

import pyarrow as pa

_WRITTEN: Final = re.compile(
    r"\s*(?P<sign>[+-]?)(?:"
    r"(?P<first>\d{1,3})(?P<kind>[:hd]|\s)\s*(?P<minutes>\d{1,2})[:m\s]\s*(?P<seconds>\d{1,2}(?:\.\d*)?)s?"
    r"|(?P<whole>\d{2})(?P<mm>\d{2})(?P<ss>\d{2}(?:\.\d*)?))\s*",
    re.IGNORECASE | re.ASCII,
)
_BEYOND: Final = {"h": 24, "d": 361}
_DEGREES: Final = {"h": 15.0, "d": 1.0}


def hours(texts: pa.ChunkedArray) -> pa.Array:
    """Return the degrees that hours, minutes and seconds are; null where a text is none."""
    return pa.array([_degrees(text, "h") for text in texts.to_pylist()], pa.float64())


def degrees(texts: pa.ChunkedArray) -> pa.Array:
    """Return the degrees that degrees, minutes and seconds are; null where a text is none."""
    return pa.array([_degrees(text, "d") for text in texts.to_pylist()], pa.float64())


def _degrees(text: str | None, kind: str) -> float | None:
    """Read ``h:m:s``, ``hhmmss`` or ``1h2m3s``, and the same in degrees with a sign."""
    found = _WRITTEN.fullmatch(text) if text is not None else None
    if found is None or (found["kind"] or kind).lower() not in {kind, ":", " "} or (kind == "h" and found["sign"]):
        return None
    first = int(found["first"] or found["whole"])
    minutes, seconds = int(found["minutes"] or found["mm"]), float(found["seconds"] or found["ss"])
    if first >= _BEYOND[kind] or minutes >= 60 or seconds >= 60:
        return None
    size = (first + minutes / 60 + seconds / 3600) * _DEGREES[kind]
    return -size if found["sign"] == "-" else size
