"""ASDF trees into plain values. The tree is read as YAML text by asdf; no object in it is ever built or run."""

from __future__ import annotations

import io
import math
import re
from datetime import date, datetime
from itertools import accumulate
from typing import TYPE_CHECKING, Any

import yaml

from deepfield.products.header import clean

if TYPE_CHECKING:
    from collections.abc import Mapping

TREE_LIMIT = 4 << 20
"""Bytes of YAML that are read of one tree; JWST trees are far below, but for the WCS of many slits."""

NODE_LIMIT = 50_000
"""Values kept of one tree, so that anchors repeated in each other cannot blow it up."""

DEPTH_LIMIT = 40
"""Levels of nesting that are kept."""

NESTING_LIMIT = 500
"""Levels of nesting that are read at all: the YAML library builds its tree recursively, in C."""

TEXT_LIMIT = 4096
ITEMS_LIMIT = 200

_START = b"#ASDF "
_END = b"\n..."
_INDENT = re.compile(rb"^[ ?-]+", re.MULTILINE)
_BRACKET = re.compile(rb"[\[\]{}]")
_TOP_KEY = re.compile(rb"([A-Za-z_][^:\s]*):(?=\s|$)")
_META_KEY = re.compile(rb"  ([A-Za-z_][^:\s]*):(?=\s|$)")
_NOT_YAML = (ValueError, RecursionError, yaml.YAMLError, OSError)
_LEFT_OUT = frozenset({"wcs", "cal_logs"})
"""Parts of ``meta`` that describe no observation and may be long."""


def read_tree(content: bytes) -> tuple[dict[str, Any], str | None]:
    """Return the metadata of an ASDF file as plain values, and a sentence on what could not be read.

    ``content`` is the file, or its beginning up to ``TREE_LIMIT``. Only ``meta`` (without its WCS) and the names of the
    other branches (as ``branches``) are returned.
    """
    start = content.find(_START)
    if start < 0:
        return {}, "does not begin as ASDF does"
    end = content.find(_END, start)
    if end < 0:
        return {}, (
            f"the tree is longer than {TREE_LIMIT >> 20} MiB and was not read"
            if len(content) >= TREE_LIMIT
            else "the tree has no end: truncated"
        )
    text = content[start : end + len(_END)] + b"\n"
    if nests_too_deeply(text):
        return {}, f"the tree is not the YAML that ASDF asks for: nested more than {NESTING_LIMIT} levels deep"
    try:
        tree = _load(without_bulk(text))
    except _NOT_YAML:  # something kept refers to something left out
        try:
            tree = _load(text)
        except _NOT_YAML as error:
            return {}, f"the tree is not the YAML that ASDF asks for: {str(error).splitlines()[0][:200]}"
    if not isinstance(tree, dict):
        return {}, "the tree is no mapping"
    return _metadata(tree)


def without_bulk(text: bytes) -> bytes:
    """Leave out of a tree's text what is not kept of it: other branches than ``meta``, and its WCS.

    They are most of the text, and reading YAML takes most of the time of a file. Names of branches stay.
    """
    kept: list[bytes] = []
    branch = leaf = b""
    for line in text.split(b"\n"):
        if match := _TOP_KEY.match(line):
            branch, leaf = match[1], b""
            kept.append(line if branch == b"meta" else match[1] + b":")
        elif not line.startswith((b" ", b"-")) or not branch:
            branch = b""
            kept.append(line)
        elif branch == b"meta":
            if match := _META_KEY.match(line):
                leaf = match[1]
            if leaf.decode("utf-8", "replace") not in _LEFT_OUT:
                kept.append(line)
    return b"\n".join(kept)


def _load(text: bytes) -> Any:
    from asdf.util import load_yaml  # heavy: only files with a tree pay for it

    return load_yaml(io.BytesIO(text), tagged=False)


def nests_too_deeply(text: bytes) -> bool:
    """Tell whether YAML is nested deeper than ``NESTING_LIMIT``; what is no YAML is not."""
    indents = max((len(match) for match in _INDENT.findall(text)), default=0)
    brackets = max(accumulate(1 if byte in b"[{" else -1 for byte in b"".join(_BRACKET.findall(text))), default=0)
    if indents + brackets <= NESTING_LIMIT:
        return False
    depth = 0
    try:
        for event in yaml.parse(text, Loader=yaml.CSafeLoader):
            if isinstance(event, yaml.CollectionStartEvent):
                depth += 1
            elif isinstance(event, yaml.CollectionEndEvent):
                depth -= 1
            if depth > NESTING_LIMIT:
                return True
    except yaml.YAMLError:
        return depth > NESTING_LIMIT
    return False


def _metadata(tree: Mapping[Any, Any]) -> tuple[dict[str, Any], str | None]:
    budget = [NODE_LIMIT]
    found: dict[str, Any] = {"branches": sorted(str(key) for key in tree)[:ITEMS_LIMIT]}
    meta = tree.get("meta")
    if isinstance(meta, dict):
        kept = {key: value for key, value in meta.items() if key not in _LEFT_OUT}
        found["meta"] = plain(kept, budget)
    note = None if budget[0] > 0 else f"only the first {NODE_LIMIT} values of the tree were kept"
    return found, note


def plain(value: Any, budget: list[int], depth: int = 0) -> Any:
    """Turn values of YAML into values of JSON, dropping what exceeds the limits."""
    budget[0] -= 1
    if budget[0] <= 0 or depth > DEPTH_LIMIT:
        return None
    if isinstance(value, dict):
        items = ((clean(str(key)[:TEXT_LIMIT]), item) for key, item in value.items() if budget[0] > 0)
        return {key: plain(item, budget, depth + 1) for key, item in items}
    if isinstance(value, list | tuple | set):
        return [plain(item, budget, depth + 1) for item in list(value)[:ITEMS_LIMIT] if budget[0] > 0]
    return _scalar(value)


def _scalar(value: Any) -> Any:
    if isinstance(value, int):
        return value if abs(value) < 1 << 63 else str(value)
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, datetime | date):
        return value.isoformat()
    return clean(value[:TEXT_LIMIT]) if isinstance(value, str) else None
