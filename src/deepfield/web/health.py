"""Whether the server is well. Answers while the search index is being rebuilt, too."""

from typing import Literal

from fastapi import APIRouter
from pydantic import BaseModel, Field

from deepfield import __version__
from deepfield.web.context import TheArchive

router = APIRouter(tags=["archive"])


class Health(BaseModel):
    """A sign of life."""

    status: Literal["ok", "rebuilding", "failing"] = Field(description="failing: the index cannot follow the catalogue")
    percent: float | None = Field(description="How far the rebuild of the search index has come; null when ready")
    snapshot: str = Field(description="Snapshot that searches answer from")
    version: str


@router.get("/health", operation_id="getHealth", summary="Sign of life")
def health(archive: TheArchive) -> Health:
    """Tell whether searches are answered yet."""
    state = archive.follower.state
    return Health(
        status="ok" if state.state == "ready" else state.state,
        percent=state.percent,
        snapshot=str(state.snapshot),
        version=__version__,
    )
