"""One file, identified and classified from its header facts alone.

Identity is asked of the file name, then of FILENAME, then of the programme keywords (PROGRAM, OBSERVTN, VISIT …).
What they disagree about is noted. Nothing is guessed: what stays unknown stays None.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

from deepfield.ingest.identity import Identity, identity_of
from deepfield.ingest.times import parse_time
from deepfield.missions.jwst.tables import LEVEL_OF_STAGE, default_tables
from deepfield.model.observation import Part
from deepfield.products.header import Card, Hdu

if TYPE_CHECKING:
    from datetime import datetime

    from deepfield.missions.jwst.tables import JwstTables, Stage
    from deepfield.model.observation import ProductType
    from deepfield.products.header import Header

CONTRIBUTED_LEVEL = 4
"""CAOM 2.4: analysis products, made by others from what the archive delivered."""

_GUIDE_STAR = "guide_star"
_INFO = frozenset({"asn", "pool"})
_PLANE_OF_STAGE = {"1b": "uncal", "2a": "rate", "2b": "cal", "2c": "cal", "3": "product"}
_STAGE_NAMES = {
    "1b": "raw",
    "2a": "count rates",
    "2b": "calibrated exposure",
    "2c": "calibrated exposure",
    "3": "combined",
}


@dataclass(frozen=True, slots=True)
class FileFacts:
    """One file, identified and classified; a pure function of its header, size and checksum."""

    filename: str
    """The name under which the product is known."""
    header: Header
    size: int
    sha256: str
    verdict: Literal["product", "kept", "refused"]
    reason: str | None = None
    """Why it is not a product of the archive."""
    notes: tuple[str, ...] = ()
    obs_id: str | None = None
    """None for what is no product."""
    product_id: str | None = None
    """The plane: uncal, rate, cal, product, contributed, auxiliary or info."""
    family: str | None = None
    """The family of its name (``missions/jwst/tables/names.toml``), or ``contributed``."""
    known_by: Literal["file name", "FILENAME", "keywords", "contributor"] | None = None
    """What its identity rests on."""
    stage: Stage | None = None
    suffix: str | None = None
    extension: str = ""
    product_type: ProductType = "AUXILIARY"
    calib_level: int | None = None
    description: str = ""
    content_type: str = "application/octet-stream"
    detector: str | None = None
    program: str | None = None
    """Without leading zeros."""
    visit_id: str | None = None
    """PPPPPOOOVVV, of exposures, guide-star and MSA files."""
    created: datetime | None = None
    """DATE of the header, UTC."""
    combined: bool = False
    """Whether it was made of several exposures."""
    derived_from: str | None = None
    """The observation a contributed file was made of, where its header tells."""


def identify(header: Header, *, size: int, sha256: str, tables: JwstTables | None = None) -> FileFacts:
    """Identify and classify one file."""
    tables = tables or default_tables()
    header = with_tree_keywords(header, tables)
    identity = identity_of(header, tables)
    facts = FileFacts(
        filename=identity.filename,
        header=header,
        size=size,
        sha256=sha256,
        verdict=identity.verdict,
        reason=identity.reason,
        notes=(*header.notes, *identity.notes),
        obs_id=identity.obs_id,
        family=identity.family,
        known_by=identity.known_by,
        suffix=identity.suffix,
        extension=identity.extension,
        content_type=_content_type(header, identity, tables),
        detector=identity.detector,
        program=identity.program,
        visit_id=identity.visit_id,
        created=parse_time(header.first("DATE")),
        combined=identity.combined,
        derived_from=identity.derived_from,
    )
    return _classified(facts, identity, tables) if identity.verdict == "product" else facts


def with_tree_keywords(header: Header, tables: JwstTables) -> Header:
    """Give a file that has metadata and no header (``.asdf``, ``.ecsv``) the keywords that its metadata answer."""
    meta, paths, prefix = header.tree.get("meta"), tables.tree_paths, "meta."
    if header.container == "ecsv" and isinstance(header.document, dict):
        meta, paths, prefix = header.document.get("meta"), tables.text_paths, ""
    if header.container not in {"asdf", "ecsv"} or not isinstance(meta, dict) or header.hdus:
        return header
    found = ((keyword, _at(meta, path), f"{prefix}{path}") for keyword, path in paths.items())
    cards = tuple(Card(*card) for card in found if isinstance(card[1], str | int | float | bool))
    return replace(header, hdus=(Hdu(Part(0, "PRIMARY"), cards),)) if cards else header


def _at(tree: Any, path: str) -> Any:
    for name in path.split("."):
        tree = tree.get(name) if isinstance(tree, dict) else None
    return tree


def _classified(facts: FileFacts, identity: Identity, tables: JwstTables) -> FileFacts:
    if identity.known_by == "contributor":
        return replace(
            facts,
            product_id="contributed",
            product_type="SCIENCE",
            calib_level=CONTRIBUTED_LEVEL,
            description="Product contributed to the archive",
        )
    suffix = tables.suffixes.get(identity.suffix or "")
    if suffix is not None and suffix.name in _INFO:
        return replace(facts, product_id="info", product_type="INFO", description=_sentence(suffix.content))
    stage = suffix.stage(combined=identity.combined) if suffix else None
    level = LEVEL_OF_STAGE[stage] if stage else None
    plane = _PLANE_OF_STAGE[stage] if stage else "auxiliary"
    if suffix is None or stage is None:
        known = _sentence(suffix.content) if suffix else "File of an unknown kind"
        notes = () if suffix else (f"{facts.filename}: no known suffix; filed as auxiliary, its level is unknown",)
        return replace(
            facts, product_id=plane, product_type="AUXILIARY", description=known, notes=(*facts.notes, *notes)
        )
    kind: ProductType = "AUXILIARY" if identity.family == _GUIDE_STAR else suffix.product_type
    description = f"{_sentence(suffix.content)} (stage {stage}, {_STAGE_NAMES[stage]})"
    if identity.family == _GUIDE_STAR:
        description = f"Guide star: {suffix.content} (stage {stage})"
    if facts.content_type.startswith("image/"):
        kind = "PREVIEW"
        description = f"{'Thumbnail' if identity.thumbnail else 'Preview'} of the {suffix.content}"
    return replace(facts, product_id=plane, product_type=kind, calib_level=level, description=description, stage=stage)


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]


def _content_type(header: Header, identity: Identity, tables: JwstTables) -> str:
    if header.compression == "gzip":
        return "application/gzip"
    return tables.names.media_types.get(re.sub(r"\.gz$", "", identity.extension), "application/octet-stream")
