"""Names: of places on the sky, and of anything the archive holds."""

from typing import Annotated, Literal

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from deepfield.web.context import TheArchive
from deepfield.web.portal.api.observations import Resolved

router = APIRouter(tags=["names"])


class Meaning(Resolved):
    """What a name was taken for, and what else it may mean."""

    others: list[Resolved] = Field(description="What others say the name is, where that is another place")


class Suggestion(BaseModel):
    """Something whose name begins so."""

    kind: Literal["target", "programme", "observation", "file", "object"]
    value: str
    count: int | None = Field(description="Observations it stands for; null for an object of a catalogue")
    label: str | None = Field(description="Title of a programme, other names of an object")


class Suggestions(BaseModel):
    """What the beginning of a name may become."""

    suggestions: list[Suggestion]


@router.get("/resolve", operation_id="resolveName", summary="Position of a name")
def resolve(
    archive: TheArchive, name: Annotated[str, Query(description="Position, target or object", examples=["NGC 3324"])]
) -> Meaning:
    """Read a position in any usual notation, or find a target of this archive, an object or a planet."""
    first, *others = archive.resolve.meanings(name)
    meant = [Resolved.of(place) for place in others]
    return Meaning(**Resolved.of(first).model_dump(), others=meant)


@router.get("/suggest", operation_id="suggestNames", summary="Completions of a name")
def suggest(
    archive: TheArchive, q: Annotated[str, Query(description="Beginning of a name", max_length=200)]
) -> Suggestions:
    """Complete the beginning of a target, programme, observation, file or object."""
    found = archive.resolve.suggestions(q)
    return Suggestions(
        suggestions=[Suggestion(kind=s.kind, value=s.value, count=s.count, label=s.label) for s in found]
    )
