"""The pages: one single-page application, built by Vite into ``static`` and shipped with the package."""

import hashlib
import mimetypes
import re
from functools import lru_cache
from pathlib import Path
from typing import Final

from fastapi import APIRouter, Request
from starlette.exceptions import HTTPException
from starlette.responses import Response

from deepfield.web.ranges import precondition

STATIC: Final = Path(__file__).parent / "static"
NOT_PAGES: Final = ("api", "products", "previews", "health", "assets", "tap", "vo-tap", "feeds")
HASHED: Final = re.compile(r"^assets/.+-[A-Za-z0-9_-]{8}\.\w+$")
"""Names that Vite makes of the content; other assets keep their name when they change."""
FOREVER: Final = "public, max-age=31536000, immutable"
NOT_BUILT: Final = """<!doctype html>
<html lang="en"><meta charset="utf-8"><title>Deepfield</title>
<h1>Deepfield runs, its pages are not built yet</h1>
<p>Run <code>make setup</code> in the source tree, then load this page again.
The interface for programs is at <a href="/api/v1/openapi.json">/api/v1/openapi.json</a>.</p>
"""

router = APIRouter(include_in_schema=False)


@router.api_route("/{path:path}", methods=["GET", "HEAD"])
def page(path: str, request: Request) -> Response:
    """Serve a built file; any other address is a place within the application."""
    file = _built_file(path)
    if file is None and path.partition("/")[0] in NOT_PAGES:
        raise HTTPException(404)
    if file is None:
        file = _built_file("index.html")
    if file is None:
        return Response(NOT_BUILT, 503, media_type="text/html", headers={"Cache-Control": "no-store"})
    content, etag = _content(file, file.stat().st_mtime_ns)
    headers = {"ETag": etag, "Cache-Control": FOREVER if HASHED.search(path) else "no-cache"}
    if precondition(request.headers, etag=etag, modified=None) == "not_modified":
        return Response(status_code=304, headers=headers)
    media_type = mimetypes.guess_type(file.name)[0] or "application/octet-stream"
    return Response(content, media_type=media_type, headers=headers)


def _built_file(path: str) -> Path | None:
    if not path or "\x00" in path:
        return None
    file = (STATIC / path).resolve()
    return file if file.is_relative_to(STATIC.resolve()) and file.is_file() else None


@lru_cache(maxsize=256)
def _content(file: Path, _mtime_ns: int) -> tuple[bytes, str]:
    content = file.read_bytes()
    return content, f'"{hashlib.sha256(content).hexdigest()[:32]}"'
