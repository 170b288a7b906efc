"""The corners of an image by the world coordinate system in its ASDF tree, where nothing plainer tells them.

Only trees are loaded that hold nothing but the known parts of such a system: no other tags, no reference to anything
outside the file, no block larger than a limit. Their converters build models of arithmetic; no code of
the file exists or runs.
"""

from __future__ import annotations

import io
import math
import re
import struct
import warnings
from typing import TYPE_CHECKING, Any, Final

import structlog

from deepfield.model.coverage import Polygon
from deepfield.model.errors import InvalidValueError
from deepfield.products.asdf import TREE_LIMIT, nests_too_deeply
from deepfield.products.pixels import open_fits

if TYPE_CHECKING:
    from pathlib import Path

    from deepfield.products.header import Header

CORNERS: Final = "corners"
"""Where the tree of a header keeps the outline that its world coordinate system gives, as text."""
CONTENT_LIMIT: Final = 64 << 20
"""Bytes of an ASDF file or extension, and of its unpacked blocks, that are loaded."""

_TAG: Final = re.compile(rb"(?:^|[\s,\[{:-])!(<[^>\s]*>|[^\s,\]}]*)", re.MULTILINE)
_KNOWN: Final = re.compile(
    rb"(?:core/(?:asdf|ndarray|software|extension_metadata|history_entry|complex|integer|constant)"
    rb"|transform/[a-z0-9_/]+|unit/(?:unit|quantity)|time/time"
    rb"|<tag:stsci\.edu:asdf/(?:core/ndarray|transform/[a-z0-9_/]+|unit/(?:unit|quantity)|time/time)"
    rb"|<tag:stsci\.edu:(?:gwcs|jwst_pipeline)/[a-z0-9_]+"
    rb"|<tag:astropy\.org:astropy/(?:coordinates|transform|units|time)/[a-z0-9_/]+)-\d+\.\d+\.\d+>?$"
)
_HANDLES: Final = re.compile(rb"^%TAG (?!! tag:stsci\.edu:asdf/\s*$)", re.MULTILINE)
"""A handle that makes tags mean others than those they look like."""
_OUTSIDE: Final = re.compile(rb"\$ref|source:\s*(?!-?\d+\s*[,}\n\r]|['\"]?fits:)\S")
_BLOCK: Final = b"\xd3BLK"
_HEAD: Final = struct.Struct(">I4sQQQ")
log = structlog.get_logger(__name__)


def gwcs_corners(path: Path, header: Header) -> str | None:
    """Return the outer corners of the first science image as ``POLYGON ICRS …``; None where no system tells them.

    Never raises for what the file holds.
    """
    size = _size(header)
    try:
        content = _content(path, header)
        if size is None or content is None or not _is_plain(content):
            return None
        return _evaluate(content, *size)
    except Exception as error:  # noqa: BLE001  a system may be wrong in any way; there are no corners then
        log.info("gwcs.unusable", file=header.filename, reason=f"{type(error).__name__}: {error}"[:200])
        return None


def _size(header: Header) -> tuple[int, int] | None:
    for hdu in header.all_of("SCI"):
        if len(hdu.part.shape) >= 2:
            return hdu.part.shape[-1], hdu.part.shape[-2]
    return None


def _content(path: Path, header: Header) -> bytes | None:
    if header.container == "asdf" and header.compression is None and path.stat().st_size <= CONTENT_LIMIT:
        return path.read_bytes()
    if header.container != "fits" or not header.has("ASDF"):
        return None
    with open_fits(path, gzipped=header.compression == "gzip", tables=True) as opened:
        hdu = opened["ASDF"]
        if hdu.size > CONTENT_LIMIT:
            return None
        return bytes(hdu.data.tobytes())


def _is_plain(content: bytes) -> bool:
    """Tell a tree of known parts and blocks of tolerable size from any other."""
    end = content.find(b"\n...", 0, TREE_LIMIT)
    text = content[:end]
    if end < 0 or b"\nwcs:" not in text.replace(b"\n  wcs:", b"\nwcs:") or nests_too_deeply(text):
        return False
    strange = [tag for tag in _TAG.findall(text) if tag and not _KNOWN.fullmatch(tag)]
    if strange or _OUTSIDE.search(text) or _HANDLES.search(text):
        return False
    return text.count(b"*") < 10_000 and _blocks(content, end) <= CONTENT_LIMIT


def _blocks(content: bytes, start: int) -> int:
    """Return the bytes that the blocks unpack to, as their heads say; whatever looks like a head counts."""
    total, place = 0, content.find(_BLOCK, start)
    while place >= 0:
        _flags, _compression, _allocated, _used, unpacked = _HEAD.unpack_from(content, place + 6)
        total += unpacked
        place = content.find(_BLOCK, place + 1)
    return total


def _evaluate(content: bytes, width: int, height: int) -> str | None:
    import asdf
    from gwcs import WCS

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # versions of tags and schemas, which do not matter for the arithmetic
        with asdf.open(io.BytesIO(content), memmap=False, lazy_load=True) as opened:
            wcs = _system(opened.tree)
            if not isinstance(wcs, WCS) or wcs.output_frame is None or wcs.forward_transform.n_outputs != 2:
                return None
            (left, right), (low, high) = _lit(wcs, width, height)
            ra, dec = wcs([left, right, right, left], [low, low, high, high], with_bounding_box=False)
    pairs = tuple((float(a) % 360.0, float(d)) for a, d in zip(ra, dec, strict=True))
    if not all(math.isfinite(number) for pair in pairs for number in pair):
        return None
    try:
        return Polygon(pairs).normalised().to_stcs()
    except InvalidValueError:
        return None


def _lit(wcs: Any, width: int, height: int) -> tuple[tuple[float, float], tuple[float, float]]:
    """Return the range of x and y that the system holds for: that of its bounding box (MIRI leaves columns out)."""
    whole = (-0.5, width - 0.5), (-0.5, height - 0.5)
    if wcs.bounding_box is None:
        return whole
    box = wcs.bounding_box.bounding_box(order="F")
    ends = tuple((float(low), float(high)) for low, high in box)
    inside = all(-0.5 <= low < high <= most for (low, high), (_, most) in zip(ends, whole, strict=True))
    return (ends[0], ends[1]) if inside else whole


def _system(tree: Any) -> Any:
    meta = tree.get("meta")
    return meta.get("wcs") if isinstance(meta, dict) else tree.get("wcs")
