"""What a selection comes down to, before anybody fetches it; and what people keep in their name."""

from collections import Counter
from typing import Annotated

from fastapi import APIRouter, Depends, Path
from pydantic import BaseModel, Field
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from deepfield.services.bundles import FILTERS, Bundle, Entry
from deepfield.services.keeping import Kept, Kind
from deepfield.web.bundles.selecting import Order, in_body, the_order
from deepfield.web.context import CallersRule, Somebody, TheArchive
from deepfield.web.portal.api.documents import iso

router = APIRouter(tags=["baskets"])
LISTED = 5000
"""Products that an estimate lists; it counts them all."""


class SelectedProduct(BaseModel):
    """One product of a selection."""

    filename: str
    uri: str
    status: str = Field(description="`included`; or why it is left out: `exclusive`, `changed`, `retired`, `unknown`")
    obs_id: str | None
    programme: str | None
    size: str = Field(description="Bytes, 64 bits")
    sha256: str | None = Field(description="null for what is left out")
    version: int
    suffix: str | None
    extension: str
    product_type: str
    product_group: str | None
    calib_level: int | None
    detector: str | None
    description: str
    release: str | None = Field(description="When everybody may have it, ISO 8601 UTC")
    path: str = Field(description="Where the layout asked for puts it")

    @classmethod
    def of(cls, entry: Entry, layout: str) -> "SelectedProduct":
        return cls(
            filename=entry.filename,
            uri=entry.uri,
            status=entry.status,
            obs_id=entry.obs_id,
            programme=entry.programme,
            size=str(entry.size),
            sha256=entry.sha256 if entry.status == "included" else None,
            version=entry.version,
            suffix=entry.suffix,
            extension=entry.extension,
            product_type=entry.product_type,
            product_group=entry.product_group,
            calib_level=entry.calib_level,
            detector=entry.detector,
            description=entry.description,
            release=iso(entry.release),
            path=entry.path(layout),
        )


class SelectionDocument(BaseModel):
    """What a selection comes down to."""

    count: int = Field(description="Products that would be handed over")
    size: str = Field(description="Their bytes", examples=["352615680"])
    left_out: int = Field(description="Products that would be left out, each with its reason in `products`")
    facets: dict[str, dict[str, int]] = Field(description="Products by value of each filter")
    products: list[SelectedProduct] = Field(description=f"The first {LISTED} by observation and name")
    truncated: bool = Field(description="Whether there are more")

    @classmethod
    def of(cls, bundle: Bundle, layout: str) -> "SelectionDocument":
        ordered = sorted(bundle.entries, key=lambda entry: (entry.obs_id or "~", entry.filename))
        facets = {name: Counter(str(getattr(entry, name) or "") for entry in bundle.entries) for name in FILTERS}
        return cls(
            count=len(bundle.included),
            size=str(bundle.size),
            left_out=len(bundle.left_out),
            facets={name: {k: n for k, n in sorted(values.items()) if k} for name, values in facets.items()},
            products=[SelectedProduct.of(entry, layout) for entry in ordered[:LISTED]],
            truncated=len(ordered) > LISTED,
        )


class KeptDocument(BaseModel):
    """Something kept: a basket, a list or a search."""

    id: str = Field(description="Whoever knows it may read this, signed in or not")
    kind: str
    name: str
    document: dict[str, list[str] | str] = Field(description="Parameters of a selection")
    created: str
    modified: str

    @classmethod
    def of(cls, kept: Kept) -> "KeptDocument":
        created, modified = iso(kept.created), iso(kept.modified)
        assert created is not None
        assert modified is not None
        return cls(
            id=kept.kept_id,
            kind=kept.kind,
            name=kept.name,
            document=dict(kept.document),
            created=created,
            modified=modified,
        )


class KeptParameters(BaseModel, extra="forbid"):
    """What is to be kept."""

    document: dict[str, list[str] | str] = Field(
        description="Parameters of a selection; an empty one is an empty basket",
        examples=[{"observation": ["jw02731-o001_t017_nircam_clear-f090w"]}],
    )


class NewName(BaseModel, extra="forbid"):
    """What something kept is to be called."""

    name: str = Field(min_length=1, max_length=200)


KindOfKept = Annotated[Kind, Path(description="What is kept")]
KeptName = Annotated[str, Path(min_length=1, max_length=200, description="What its owner calls it")]


@router.post(
    "/selection",
    operation_id="estimateSelection",
    summary="What a selection comes down to",
    openapi_extra=in_body(),
)
async def estimate_selection(
    archive: TheArchive, rule: CallersRule, order: Annotated[Order, Depends(the_order)]
) -> SelectionDocument:
    """Count, size and list what `/bundle.*` would hand over for the same parameters (a form or JSON)."""

    def answer() -> SelectionDocument:
        return SelectionDocument.of(archive.bundles.gather(order.selection, rule=rule), order.layout)

    return await run_in_threadpool(answer)


@router.get("/kept", operation_id="listKept", summary="What one keeps")
def list_kept(archive: TheArchive, principal: Somebody) -> list[KeptDocument]:
    """List baskets, lists and searches of the one who asks."""
    return [KeptDocument.of(kept) for kept in archive.keeping.everything(principal)]


@router.put("/kept/{kind}/{name:path}", operation_id="keep", summary="Keep a basket, a list or a search")
def keep(
    kind: KindOfKept, name: KeptName, wanted: KeptParameters, *, archive: TheArchive, principal: Somebody
) -> KeptDocument:
    """Keep something under a name, in place of what was there."""
    Order.of(_pairs(wanted.document))
    return KeptDocument.of(archive.keeping.keep(principal, kind, name, wanted.document))


@router.post("/kept/{kind}/{name:path}/name", operation_id="renameKept", summary="Rename something kept")
def rename(
    kind: KindOfKept, name: KeptName, wanted: NewName, *, archive: TheArchive, principal: Somebody
) -> KeptDocument:
    """Give it another name; links to it stay."""
    return KeptDocument.of(archive.keeping.rename(principal, kind, name, wanted.name))


@router.delete("/kept/{kind}/{name:path}", operation_id="forgetKept", status_code=204, summary="Forget something kept")
def forget(kind: KindOfKept, name: KeptName, archive: TheArchive, principal: Somebody) -> Response:
    """Forget it; links to it lead nowhere from then on."""
    archive.keeping.forget(principal, kind, name)
    return Response(status_code=204)


@router.get("/shared/{kept_id}", operation_id="getShared", summary="What somebody shares")
def get_shared(
    kept_id: Annotated[str, Path(max_length=100, description="Identifier in the link")], archive: TheArchive
) -> KeptDocument:
    """Return a basket, a list or a search by the identifier in its link, without a login."""
    return KeptDocument.of(archive.keeping.shared(kept_id))


def _pairs(document: dict[str, list[str] | str]) -> list[tuple[str, str]]:
    return [(name, text) for name, value in document.items() for text in ([value] if isinstance(value, str) else value)]
