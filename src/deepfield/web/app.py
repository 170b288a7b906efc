"""The application: faces, errors and headers over one Archive."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fastapi import FastAPI

from deepfield import __version__
from deepfield.web import errors, health, middleware
from deepfield.web.errors import ErrorDocument
from deepfield.web.mast.routes import router as mast
from deepfield.web.portal import bundles, feeds, files, openid, pages
from deepfield.web.portal.api import router as portal_api
from deepfield.web.portal.api.parameters import GRAMMAR
from deepfield.web.vo import tap

if TYPE_CHECKING:
    from deepfield.bootstrap import Archive

DESCRIPTION = f"""\
Find, look at and take home the observations of this archive.

Every error has one shape, `{{"error": {{"type", "message", …}}}}`. 64-bit integers are strings, times are ISO 8601 UTC.
Any column of an observation is a parameter of its searches: {GRAMMAR}.
Every answer to a search names the *snapshot* of the archive it comes from.
"""


def described_app() -> FastAPI:
    """Return the application without an archive behind it: enough to describe itself."""
    answers: dict[int | str, dict[str, Any]] = {
        "default": {"model": ErrorDocument, "description": "Any error"},
    }
    app = FastAPI(
        title="Deepfield",
        version=__version__,
        description=DESCRIPTION,
        openapi_url="/api/v1/openapi.json",
        docs_url=None,
        redoc_url=None,
        responses=answers,
    )
    errors.install(app)
    middleware.install(app)
    for place in tap.PLACES:
        app.include_router(tap.router, prefix=place)
    faces = (portal_api, health.router, bundles.router, files.router, mast, openid.router, feeds.router, pages.router)
    for router in faces:
        app.include_router(router)
    return app


def create_app(archive: Archive) -> FastAPI:
    """Return the application that serves this archive."""
    app = described_app()
    app.state.archive = archive
    return app
