"""``/api/``: whether the service is there, which the engineering client of the JWST pipeline asks before all else."""

from fastapi import APIRouter
from starlette.responses import JSONResponse, Response

from deepfield import __version__

router = APIRouter(include_in_schema=False)


@router.get("/api/")
def alive() -> Response:
    """Say that this is a Deepfield, and where its interface is described."""
    return JSONResponse({"service": "Deepfield", "version": __version__, "interface": "/api/v1/openapi.json"})
