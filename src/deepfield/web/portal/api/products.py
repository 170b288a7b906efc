"""The products of an observation, and what one product says of itself."""

from typing import Annotated, Any, Literal
from urllib.parse import quote

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from deepfield.products.header import Hdu as HeaderUnit
from deepfield.services import holdings
from deepfield.web.context import CallersRule, FileName, ObsId, TheArchive
from deepfield.web.portal.api.documents import iso, plain

router = APIRouter(tags=["products"])


class Product(BaseModel):
    """One file, as far as anybody may know it."""

    filename: str = Field(examples=["jw02731001001_02101_00001_nrcb1_cal.fits"])
    uri: str = Field(description="URI under which MAST clients know it")
    obs_id: str | None = Field(description="Observation that owns it")
    suffix: str | None = Field(examples=["cal"])
    extension: str = Field(examples=["fits"])
    product_type: str = Field(description="SCIENCE, CALIBRATION, AUXILIARY, INFO or PREVIEW")
    product_group: str | None = Field(description="`Minimum Recommended Products` or null")
    calib_level: int | None
    description: str
    detector: str | None
    content_type: str
    size: str = Field(description="Exact size in bytes, 64 bits", examples=["117538560"])
    sha256: str
    version: int
    created: str | None = Field(description="DATE of the header, ISO 8601 UTC")
    release: str | None = Field(description="When the bytes become public, ISO 8601 UTC")
    access: str = Field(description="`PUBLIC` or `EXCLUSIVE_ACCESS`, for the caller, now")
    has_preview: bool
    relation: str | None = Field(description="Why an observation lists a product it does not own; null for its own")
    url: str = Field(description="Address of the bytes")
    preview_url: str | None = Field(description="Address of the preview picture; null without one")

    @classmethod
    def of(cls, product: holdings.Product) -> "Product":
        name = quote(product.filename, safe="")
        return cls(
            filename=product.filename,
            uri=product.uri,
            obs_id=product.obs_id,
            suffix=product.suffix,
            extension=product.extension,
            product_type=product.product_type,
            product_group=product.product_group,
            calib_level=product.calib_level,
            description=product.description,
            detector=product.detector,
            content_type=product.content_type,
            size=str(product.size),
            sha256=product.sha256,
            version=product.version,
            created=iso(product.created),
            release=iso(product.access.release),
            access=product.access.rights,
            has_preview=product.has_preview,
            relation=product.relation,
            url=f"/products/{name}",
            preview_url=f"/previews/{name}" if product.has_preview else None,
        )


class ProductList(BaseModel):
    """Products of an observation."""

    obs_id: str
    recommended: bool = Field(description="Whether only the recommended products are listed")
    total_size: str = Field(description="Bytes of all listed products", examples=["352615680"])
    products: list[Product]


class Hdu(BaseModel):
    """One HDU of a FITS file, or the single content of another file."""

    number: int
    name: str
    version: int
    kind: str = Field(description="primary, image, table or other")
    shape: list[int] = Field(description="Axis lengths, slowest first; rows for a table")
    dtype: str
    columns: list[str]
    cards: list[tuple[str, str | int | float | bool | None, str]] = Field(description="Keyword, value, comment")

    @classmethod
    def of(cls, hdu: HeaderUnit) -> "Hdu":
        part = hdu.part
        return cls(
            number=part.number,
            name=part.name,
            version=part.version,
            kind=part.kind,
            shape=list(part.shape),
            dtype=part.dtype,
            columns=list(part.columns),
            cards=[(card.keyword, card.value, card.comment) for card in hdu.cards],
        )


class HeaderDocument(BaseModel):
    """What a file says of itself."""

    filename: str
    container: str = Field(description="fits, asdf, ecsv, json, csv or other")
    hdus: list[Hdu]
    tree: dict[str, Any] = Field(description="Metadata of an ASDF tree, within FITS too; empty without one")
    document: Any = Field(description="Content of an association, columns of a table; null for FITS")
    notes: list[str] = Field(description="Degradations met while reading")


class Version(BaseModel):
    """One version of a product that the archive held or holds."""

    version: int
    sha256: str
    size: str
    created: str | None
    archived: str = Field(description="When it entered the archive, ISO 8601 UTC")
    current: bool
    snapshot_from: str = Field(description="First snapshot that holds it")
    snapshot_to: str | None = Field(description="First snapshot that no longer holds it; null while current")
    cal_ver: str | None = Field(description="Pipeline that made it")
    crds_ctx: str | None = Field(description="CRDS context it was made with")

    @classmethod
    def of(cls, version: holdings.Version) -> "Version":
        return cls(
            version=version.version,
            sha256=version.sha256,
            size=str(version.size),
            created=iso(version.created),
            archived=iso(version.archived_at),
            current=version.current,
            snapshot_from=str(version.snapshot_from),
            snapshot_to=None if version.snapshot_to is None else str(version.snapshot_to),
            cal_ver=version.cal_ver,
            crds_ctx=version.crds_ctx,
        )


class History(BaseModel):
    """All versions of a product, newest first."""

    filename: str
    versions: list[Version]


class PreviewDocument(BaseModel):
    """What a preview picture shows."""

    filename: str
    caption: str = Field(description="How the picture was made: data, stretch, limits")
    orientation: str = Field(description="Where north and east are in the picture, in words")
    north: float | None = Field(description="Direction of north, degrees counter-clockwise from up; null without a sky")
    east: float | None = Field(description="Direction of east, likewise")
    width: int
    height: int


@router.get("/observations/{obs_id}/products", operation_id="listProducts", summary="Products of an observation")
def list_products(
    obs_id: ObsId,
    archive: TheArchive,
    rule: CallersRule,
    everything: Annotated[
        Literal["0", "1"], Query(alias="all", description="1: also what is not recommended, and linked products")
    ] = "0",
) -> ProductList:
    """List the recommended products, or all of them."""
    found = archive.holdings.products(obs_id, rule=rule, everything=everything == "1")
    return ProductList(
        obs_id=found.obs_id,
        recommended=found.recommended,
        total_size=str(found.total_size),
        products=[Product.of(product) for product in found.products],
    )


@router.get("/products/{filename}/header", operation_id="getHeader", summary="Header of a product")
def get_header(filename: FileName, archive: TheArchive) -> HeaderDocument:
    """Return the header cards of a product. Headers are metadata and public, those of exclusive products too."""
    header = archive.holdings.header(filename)
    return HeaderDocument(
        filename=filename,
        container=header.container,
        hdus=[Hdu.of(hdu) for hdu in header.hdus],
        tree=plain(dict(header.tree)),
        document=plain(header.document),
        notes=list(header.notes),
    )


@router.get("/products/{filename}/history", operation_id="getHistory", summary="Versions of a product")
def get_history(filename: FileName, archive: TheArchive) -> History:
    """Return every version of a product that this archive ever held."""
    versions = archive.holdings.history(filename)
    return History(filename=filename, versions=[Version.of(version) for version in versions])


@router.get("/products/{filename}/preview", operation_id="getPreviewCaption", summary="Caption of a preview")
def get_preview_caption(filename: FileName, archive: TheArchive, rule: CallersRule) -> PreviewDocument:
    """Say what the preview picture of a product shows. It follows the same access rule as the picture."""
    caption = archive.holdings.preview_caption(filename, rule=rule)
    return PreviewDocument(
        filename=filename,
        caption=caption.caption,
        orientation=caption.orientation,
        north=caption.north,
        east=caption.east,
        width=caption.width,
        height=caption.height,
    )
