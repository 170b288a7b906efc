"""How header documents are kept: JSON with NaN as Python writes it, deflated."""

from __future__ import annotations

import json
import zlib
from typing import Any


def deflate(document: Any) -> bytes:
    """Write a document as it is kept."""
    return zlib.compress(json.dumps(document, separators=(",", ":")).encode(), 6)


def inflate(content: bytes) -> Any:
    """Read a kept document."""
    return json.loads(zlib.decompress(content))
