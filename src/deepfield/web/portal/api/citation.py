"""What to write in a paper that used data of this archive."""

from typing import Annotated

from fastapi import APIRouter, Depends
from pydantic import BaseModel, Field
from starlette.concurrency import run_in_threadpool

from deepfield.services.citation import Citation
from deepfield.web.bundles.selecting import Order, in_body, the_order
from deepfield.web.context import PublicAddress, TheArchive
from deepfield.web.portal.api.documents import iso

router = APIRouter(tags=["baskets"])


class CitedProgramme(BaseModel):
    """A programme with what the selection holds of it."""

    programme: str = Field(description="Number of the programme; empty for observations of none", examples=["2731"])
    title: str | None
    pi: str | None = Field(description="Principal investigator, Last, First")
    instruments: list[str]
    first: str | None = Field(description="Start of the first observation, ISO 8601 UTC")
    last: str | None = Field(description="End of the last one")
    observations: int
    doi: str | None = Field(description="Digital object identifier, where the operator states one")


class CitationDocument(BaseModel):
    """Texts for a paper."""

    programmes: list[CitedProgramme]
    instruments: list[str]
    observations: int
    snapshot: str = Field(description="State of the archive, quoted in the texts")
    text: str = Field(description="Acknowledgement and where the data are, a sentence a line")
    latex: str = Field(description="The same, escaped for LaTeX")
    facilities: str = Field(description="For AASTeX", examples=["\\facility{JWST (NIRCam)}"])
    bibtex: str = Field(description="An entry for each programme")

    @classmethod
    def of(cls, citation: Citation) -> "CitationDocument":
        programmes = [
            CitedProgramme(
                programme=each.programme,
                title=each.title,
                pi=each.pi,
                instruments=list(each.instruments),
                first=iso(each.first),
                last=iso(each.last),
                observations=each.observations,
                doi=each.doi,
            )
            for each in citation.programmes
        ]
        return cls(
            programmes=programmes,
            instruments=list(citation.instruments),
            observations=citation.observations,
            snapshot=str(citation.snapshot),
            text=citation.text,
            latex=citation.latex,
            facilities=citation.facilities,
            bibtex=citation.bibtex,
        )


@router.post("/citation", operation_id="cite", summary="Acknowledgement and citation", openapi_extra=in_body())
async def cite(
    archive: TheArchive, public: PublicAddress, order: Annotated[Order, Depends(the_order)]
) -> CitationDocument:
    """Write what a paper says that used a selection; one programme is the search `proposal_id=2731`."""
    return CitationDocument.of(await run_in_threadpool(archive.citations.cite, order.selection, address=public))
