"""A search of the observations said in ADQL."""

from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel, Field

from deepfield.query.translation import translate
from deepfield.web.context import TheArchive
from deepfield.web.portal.api.parameters import SORT, TranslationParameters, in_body, in_query

router = APIRouter(tags=["search"])


class TranslationDocument(BaseModel):
    """A search in ADQL."""

    adql: str | None = Field(description="For `/tap`; null where ADQL cannot say all of the search")
    unsaid: list[str] = Field(description="The parameters that ADQL has no words for")


SAY: dict[str, Any] = {"summary": "A search in ADQL"}


@router.post("/adql", operation_id="postAdql", openapi_extra=in_body(SORT), **SAY)
@router.get("/adql", operation_id="findAdql", openapi_extra=in_query(SORT), **SAY)
def find_adql(archive: TheArchive, parameters: TranslationParameters) -> TranslationDocument:
    """Say in ADQL what finds the same observations, its position resolved."""
    said = translate(archive.search.parse(parameters))
    return TranslationDocument(adql=said.adql, unsaid=list(said.unsaid))
