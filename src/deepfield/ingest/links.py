"""Which observations list a product of another one: associations, pools, shutter and guide-star files."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from deepfield.missions.jwst.names import parse_name

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from deepfield.ingest.blueprint import FileFacts
    from deepfield.missions.jwst.tables import JwstTables

Relation: TypeAlias = Literal["association", "pool", "member", "guide_star", "msa"]


@dataclass(frozen=True, slots=True)
class Link:
    """A product that other observations list: those named, and those whose obs_id fits a pattern.

    ``*`` in a pattern stands for any text.
    """

    filename: str
    relation: Relation
    obs_ids: tuple[str, ...] = ()
    patterns: tuple[str, ...] = ()

    def names(self, obs_id: str) -> bool:
        """Tell whether an observation lists the product."""
        return obs_id in self.obs_ids or any(_fits(pattern, obs_id) for pattern in self.patterns)


@dataclass(frozen=True, slots=True)
class Members:
    """What associations say of a combined observation."""

    obs_ids: tuple[str, ...] = ()
    inputs: tuple[str, ...] = ()
    kind: str | None = None
    """The type of the association, ``image3``."""
    science: tuple[str, ...] = ()
    """The obs_ids of the members that the combination shows: no backgrounds, references or acquisitions."""


def links(files: Sequence[FileFacts], tables: JwstTables | None = None) -> tuple[Link, ...]:
    """Return what other observations list of these files; the observation that owns a file is among them."""
    found: list[Link] = []
    for facts in files:
        if facts.verdict != "product":
            continue
        if facts.suffix == "asn":
            found.append(_association(facts, tables))
        elif facts.suffix == "pool" and facts.program:
            found.append(Link(facts.filename, "pool", patterns=(f"jw{int(facts.program):05d}*",)))
        elif facts.suffix == "msa" and facts.visit_id:
            patterns = (f"jw{facts.visit_id}_*_nrs1", f"jw{facts.visit_id}_*_nrs2", _spectra_of(facts.visit_id))
            found.append(Link(facts.filename, "msa", patterns=patterns))
        elif facts.family == "guide_star" and facts.visit_id:
            found.append(Link(facts.filename, "guide_star", patterns=(f"jw{facts.visit_id}_*",)))
    return tuple(found)


def members_of(obs_id: str, files: Sequence[FileFacts], tables: JwstTables | None = None) -> Members:
    """Return the members of an observation, by the association files among these that name it."""
    obs_ids: dict[str, None] = {}
    inputs: dict[str, None] = {}
    science: set[str] = set()
    kind: str | None = None
    for facts in sorted(files, key=lambda facts: facts.filename):
        if facts.derived_from and facts.derived_from != obs_id:
            obs_ids[facts.derived_from] = None
            science.add(facts.derived_from)
        if facts.suffix != "asn" or not isinstance(facts.header.document, dict):
            continue
        for product in facts.header.document["products"]:
            exact, pattern = _product(product, tables)
            if exact != obs_id and not (pattern and _fits(pattern, obs_id)):
                continue
            kind = str(facts.header.document.get("asn_type") or "") or kind
            for name, exptype in _member_names(product):
                inputs[name] = None
                parsed = parse_name(name, tables)
                if parsed is not None and parsed.obs_id and parsed.obs_id != obs_id:
                    obs_ids[parsed.obs_id] = None
                    science |= {parsed.obs_id} if exptype == "science" else set()
    return Members(tuple(sorted(obs_ids)), tuple(sorted(inputs)), kind, tuple(sorted(science)))


def _association(facts: FileFacts, tables: JwstTables | None) -> Link:
    obs_ids: dict[str, None] = {}
    patterns: dict[str, None] = {}
    for product in facts.header.document["products"]:
        exact, pattern = _product(product, tables)
        if exact:
            obs_ids[exact] = None
        if pattern:
            patterns[pattern] = None
        for name, _ in _member_names(product):
            parsed = parse_name(name, tables)
            if parsed is not None and parsed.obs_id:
                obs_ids[parsed.obs_id] = None
    return Link(facts.filename, "association", tuple(sorted(obs_ids)), tuple(sorted(patterns)))


def _product(product: dict[str, Any], tables: JwstTables | None) -> tuple[str | None, str | None]:
    """Return the observation a product of an association is, and the pattern of those it falls into.

    Cubes and their spectra complete the name with channel and band; products of many sources with the source.
    """
    name = str(product.get("name", ""))
    parsed = parse_name(name, tables)
    if parsed is not None and parsed.family in {"exposure_root", "stage3_root"}:
        grows = parsed.family == "stage3_root" and "optelem" not in parsed.fields
        return parsed.obs_id, f"{parsed.root}_*" if grows else None
    if re.fullmatch(r"jw\d{5}-[a-z0-9_{}-]+", name, flags=re.IGNORECASE) and "{" in name:
        return None, re.sub(r"\{[^}]*\}", "*", name.lower())
    return None, None


def _member_names(product: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield the file name and EXPTYPE of members; folders before a name are no part of it and are cut off."""
    for member in product["members"]:
        name = member.get("expname") if isinstance(member, dict) else None
        if isinstance(name, str):
            yield name.replace("\\", "/").rpartition("/")[2], str(member.get("exptype", "")).lower()


def _spectra_of(visit_id: str) -> str:
    return f"jw{visit_id[:5]}-o{visit_id[5:8]}_*_nirspec_*"


def _fits(pattern: str, obs_id: str) -> bool:
    return re.fullmatch(".*".join(re.escape(piece) for piece in pattern.split("*")), obs_id) is not None
