"""What the archive holds of an observation and of a product, as far as anybody may know it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from deepfield.model.errors import NoPreviewError
from deepfield.model.identifiers import artifact_uri
from deepfield.products.header import Header
from deepfield.products.preview import Caption, preview_stem, read_caption

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime
    from pathlib import Path

    from deepfield.access.policy import Readable
    from deepfield.catalogue.database import Database
    from deepfield.catalogue.observations import Observations

Rights = Literal["PUBLIC", "EXCLUSIVE_ACCESS"]
PreviewSize = Literal["full", "thumb"]


@dataclass(frozen=True, slots=True)
class Access:
    """Whether the bytes may be read by the one who asks, and from when on by everybody."""

    rights: Rights
    release: datetime | None

    @classmethod
    def of(cls, row: Mapping[str, Any], rule: Readable) -> Access:
        release = row["data_release"]
        allowed = rule.allows(data_release=release, program=row["proposal_id"])
        return cls("PUBLIC" if allowed else "EXCLUSIVE_ACCESS", release)


@dataclass(frozen=True, slots=True)
class Product:
    """One file, as far as anybody may know it."""

    filename: str
    uri: str
    obs_id: str | None
    product_id: str
    suffix: str | None
    extension: str
    product_type: str
    product_group: str | None
    calib_level: int | None
    description: str
    detector: str | None
    content_type: str
    size: int
    sha256: str
    version: int
    created: datetime | None
    access: Access
    has_preview: bool
    relation: str | None = None
    """Why an observation lists a product it does not own; None for its own."""

    @classmethod
    def of(cls, row: Mapping[str, Any], rule: Readable) -> Product:
        return cls(
            uri=artifact_uri(row["filename"]),
            size=row["content_length"],
            access=Access.of(row, rule),
            relation=row.get("relation"),
            **{name: row[name] for name in _COPIED},
        )


_COPIED = (
    "filename", "obs_id", "product_id", "suffix", "extension", "product_type", "product_group", "calib_level",
    "description", "detector", "content_type", "sha256", "version", "created", "has_preview",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Products:
    """The products listed with an observation."""

    obs_id: str
    recommended: bool
    """Whether only the recommended products are listed."""
    products: tuple[Product, ...]

    @property
    def total_size(self) -> int:
        return sum(product.size for product in self.products)


@dataclass(frozen=True, slots=True)
class PlaneRecord:
    """A stage of processing with its products; ``row`` holds the columns of table ``plane``."""

    row: Mapping[str, Any]
    products: tuple[Product, ...]


@dataclass(frozen=True, slots=True)
class ObservationRecord:
    """Everything the archive holds of one observation; ``row`` holds the columns of table ``observation``."""

    row: Mapping[str, Any]
    planes: tuple[PlaneRecord, ...]
    members: tuple[str, ...]
    """obs_ids of the observations that this one was made from."""
    part_of: tuple[str, ...]
    """obs_ids of the observations made from this one."""
    access: Access


@dataclass(frozen=True, slots=True)
class Version:
    """One version of a product that the archive held or holds."""

    version: int
    sha256: str
    size: int
    created: datetime | None
    archived_at: datetime
    current: bool
    snapshot_from: int
    """First snapshot that holds it."""
    snapshot_to: int | None
    """First snapshot that no longer holds it; None while current."""
    cal_ver: str | None
    crds_ctx: str | None


class Holdings:
    """Looks up observations and products. Metadata are public; pictures follow the access rule."""

    def __init__(self, database: Database, observations: Observations, *, previews_path: Path) -> None:
        self._database, self._observations, self._previews = database, observations, previews_path

    def observation(self, obs_id: str, *, rule: Readable, snapshot: int | None = None) -> ObservationRecord:
        """Return the full record of an observation, current or as it was at a snapshot.

        Raises:
            UnknownObservationError: no such observation (then).
        """
        with self._database.read() as connection:
            row = self._observations.describe(connection, obs_id, snapshot=snapshot)
            planes = self._observations.planes(connection, obs_id, snapshot=snapshot)
            rows = self._observations.products(connection, obs_id, linked=False, snapshot=snapshot)
            members = self._observations.members(connection, obs_id)
            part_of = self._observations.part_of(connection, obs_id)
        products = [Product.of(product, rule) for product in rows]
        return ObservationRecord(
            row,
            tuple(PlaneRecord(plane, _of_plane(products, plane["product_id"])) for plane in planes),
            tuple(members),
            tuple(part_of),
            Access.of(row, rule),
        )

    def products(
        self, obs_id: str, *, rule: Readable, everything: bool = False, snapshot: int | None = None
    ) -> Products:
        """Return the recommended products of an observation, or the whole dataset with what is linked to it.

        Where no product is recommended, all of the observation's own are listed.

        Raises:
            UnknownObservationError: no such observation (then).
        """
        with self._database.read() as connection:
            rows = self._observations.products(connection, obs_id, linked=everything, snapshot=snapshot)
        recommended = [row for row in rows if row["product_group"] is not None]
        chosen = not everything and bool(recommended)
        listed = recommended if chosen else rows
        return Products(obs_id, chosen, tuple(Product.of(row, rule) for row in listed))

    def listed(self, obs_numbers: Sequence[int]) -> list[dict[str, Any]]:
        """Return every product listed with many observations, rows as ``catalogue.Observations.listed`` has them."""
        with self._database.read() as connection:
            return self._observations.listed(connection, obs_numbers)

    def headers(self, checksums: Sequence[str]) -> dict[str, dict[str, Any]]:
        """Return the header documents of these contents, by SHA-256; headers are public."""
        with self._database.read() as connection:
            return self._observations.headers(connection, checksums)

    def beginning(self, names: Sequence[str]) -> list[tuple[str, int]]:
        """Return obs_id and number of the observations whose obs_id is one of these or begins so."""
        with self._database.read() as connection:
            return self._observations.beginning(connection, names)

    def product(self, filename: str, *, rule: Readable) -> Product:
        """Return the current version of a product.

        Raises:
            UnknownProductError: no such product.
        """
        with self._database.read() as connection:
            return Product.of(self._observations.artifact(connection, filename), rule)

    def header(self, filename: str, *, version: int | None = None) -> Header:
        """Return what a product says of itself. Headers are metadata: public, those of exclusive products too.

        Raises:
            UnknownProductError: no such product, or none in this version.
        """
        with self._database.read() as connection:
            row = self._observations.artifact(connection, filename, version=version)
            return Header.from_json(self._observations.header(connection, row["sha256"]))

    def history(self, filename: str) -> tuple[Version, ...]:
        """Return every version of a product that this archive ever held, newest arrival first.

        Raises:
            UnknownProductError: no product ever had this name.
        """
        with self._database.read() as connection:
            rows = self._observations.versions(connection, filename)
            documents = self._observations.headers(connection, [row["sha256"] for row in rows])
        return tuple(_version(row, documents.get(row["sha256"])) for row in rows)

    def preview(self, filename: str, *, rule: Readable, size: PreviewSize = "full") -> Path:
        """Return the PNG that shows a product.

        Raises:
            UnknownProductError: no such product.
            AccessDeniedError: the rule does not allow its bytes, hence no picture either; carries the release date.
            NoPreviewError: the product has no picture.
        """
        with self._database.read() as connection:
            row = self._observations.artifact(connection, filename)
        rule.admit(filename, data_release=row["data_release"], program=row["proposal_id"])
        path = preview_path(self._previews, row["sha256"], size=size)
        if not row["has_preview"] or not path.is_file():
            raise NoPreviewError(filename)
        return path

    def preview_caption(self, filename: str, *, rule: Readable) -> Caption:
        """Return what the preview of a product shows, under the rule of the picture itself.

        Raises:
            UnknownProductError, AccessDeniedError, NoPreviewError: as ``preview`` does.
        """
        return read_caption(self.preview(filename, rule=rule))


def preview_path(previews: Path, sha256: str, *, size: PreviewSize = "full") -> Path:
    """Return where the picture of a content lives, by the checksum of that content."""
    stem = preview_stem(previews, sha256)
    return stem.with_name(f"{sha256}.png" if size == "full" else f"{sha256}.thumb.png")


def _of_plane(products: list[Product], product_id: str) -> tuple[Product, ...]:
    return tuple(product for product in products if product.product_id == product_id)


def _version(row: Mapping[str, Any], document: Mapping[str, Any] | None) -> Version:
    header = Header.from_json(document) if document else None
    cal_ver, crds_ctx = (header.get(keyword) if header else None for keyword in ("CAL_VER", "CRDS_CTX"))
    return Version(
        version=row["version"],
        sha256=row["sha256"],
        size=row["content_length"],
        created=row["created"],
        archived_at=row["archived_at"],
        current=row["current"],
        snapshot_from=row["seq_from"],
        snapshot_to=row["seq_to"],
        cal_ver=None if cal_ver is None else str(cal_ver),
        crds_ctx=None if crds_ctx is None else str(crds_ctx),
    )
