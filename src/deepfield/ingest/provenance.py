"""Why a new version of a product exists: which of the keywords that say how it was made differ."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from deepfield.missions.jwst.names import parse_name
from deepfield.model.observation import ReferenceFile

if TYPE_CHECKING:
    from collections.abc import Mapping

    from deepfield.missions.jwst.tables import JwstTables
    from deepfield.products.header import Header

_PEDIGREE = (("sdp", "SDP_VER"), ("calibration", "CAL_VER"), ("references", "CRDS_CTX"))
_SCHEME: Final = "crds://"
_NOT_APPLICABLE: Final = "N/A"
_REFERENCE: Final = "crds_reference"
"""The family of names of reference files."""
_LETTER = re.compile(r"(?<=\d)[a-z]$")


@dataclass(frozen=True, slots=True)
class Difference:
    """What differs between two versions of a product, and the values that do."""

    cause: tuple[str, ...]
    """``sdp``, ``calibration``, ``references``, ``reference_files``, ``members``; ``content`` if none of them."""
    old: Mapping[str, Any] = field(default_factory=dict)
    new: Mapping[str, Any] = field(default_factory=dict)


def compare(old: Header, new: Header) -> Difference:
    """Compare the pedigree of two versions of one product."""
    cause: list[str] = []
    values: dict[str, tuple[Any, Any]] = {}
    for name, keyword in _PEDIGREE:
        before, after = old.get(keyword), new.get(keyword)
        if _rank(before) != _rank(after):
            cause.append(name)
            values[keyword] = (before, after)
    references = {key: pair for key, pair in _pairs(_references(old), _references(new)).items() if pair[0] != pair[1]}
    if references:
        cause.append("reference_files")
        values |= references
    before_members, after_members = _members(old), _members(new)
    if before_members != after_members:
        cause.append("members")
        values["members"] = (sorted(before_members), sorted(after_members))
    return Difference(
        cause=tuple(cause) or ("content",),
        old={key: pair[0] for key, pair in values.items()},
        new={key: pair[1] for key, pair in values.items()},
    )


def _rank(version: Any) -> tuple[Any, ...] | None:
    """Return a version as its numbers and its trailing letter, so that two writings of one version are equal."""
    if not isinstance(version, str):
        return None if version is None else (version,)
    text = version.strip().lower().replace("_", ".")
    letter = match.group() if (match := _LETTER.search(text)) else ""
    numbers = [int(part) if part.isdigit() else part for part in text.removesuffix(letter).split(".")]
    while numbers and numbers[-1] == 0:
        numbers.pop()
    return (*numbers, letter)


def _references(header: Header) -> dict[str, Any]:
    primary = next(iter(header.hdus), None)
    cards = primary.cards if primary else ()
    return {card.keyword: card.value for card in cards if card.keyword.startswith("R_")}


def references_of(header: Header, tables: JwstTables) -> tuple[ReferenceFile, ...]:
    """Return the calibration reference files that a header names, by keyword; steps without one say ``N/A``."""
    found: list[ReferenceFile] = []
    for keyword, value in sorted(_references(header).items()):
        name = value.strip().removeprefix(_SCHEME) if isinstance(value, str) else ""
        if name and name != _NOT_APPLICABLE:
            parsed = parse_name(name, tables)
            known = parsed.fields.get("reftype") if parsed and parsed.family == _REFERENCE else None
            found.append(ReferenceFile(keyword, name, known))
    return tuple(found)


def _pairs(old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, tuple[Any, Any]]:
    return {key: (old.get(key), new.get(key)) for key in sorted({*old, *new})}


def _members(header: Header) -> frozenset[str]:
    """File names of the members of an association."""
    document = header.document
    if header.container != "json" or not isinstance(document, dict):
        return frozenset()
    names = (
        member.get("expname")
        for product in document.get("products", ())
        for member in product.get("members", ())
        if isinstance(member, dict)
    )
    return frozenset(name for name in names if isinstance(name, str))
