"""File names of JWST: what a name says about its product, by the grammar of ``tables/names.toml``."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from deepfield.missions.jwst.tables import default_tables

if TYPE_CHECKING:
    from collections.abc import Mapping

    from deepfield.missions.jwst.tables import Family, JwstTables

_COMBINED = frozenset({"stage3_product", "stage3_root"})
_CHANNELS = re.compile(r"ch[1-4]+")


@dataclass(frozen=True, slots=True)
class OpticalElements:
    """What the token of optical elements in a combined name says; all lower case, in the order of the token."""

    elements: tuple[str, ...] = ()
    slit: str | None = None
    detector: str | None = None
    markers: tuple[str, ...] = ()
    subarray: str | None = None


@dataclass(frozen=True, slots=True)
class ParsedName:
    """A file name that follows the grammar."""

    filename: str
    family: str
    fields: Mapping[str, str]
    """Named parts that are present, lower case."""
    obs_id: str | None
    """The observation the archive files the product under; None for what belongs to no single observation."""
    root: str
    """The name without suffix and extension, lower case."""
    suffix: str | None
    extension: str
    """Without the dot; empty for names of observations."""

    @property
    def combined(self) -> bool:
        """Whether the name is that of a combination of exposures (stage 3, by target or source)."""
        return self.family in _COMBINED

    @property
    def program(self) -> str | None:
        """Programme number without leading zeros."""
        digits = self.fields.get("program")
        return str(int(digits)) if digits else None

    @property
    def visit_id(self) -> str | None:
        """PPPPPOOOVVV, the VISIT_ID of headers."""
        parts = [self.fields.get(name) for name in ("program", "observation", "visit")]
        return "".join(part for part in parts if part) if all(parts) else None

    @property
    def activity(self) -> int | None:
        """The activity as a number, for sorting; its two characters are base 36."""
        text = self.fields.get("activity")
        return int(text, 36) if text else None

    @property
    def thumbnail(self) -> bool:
        return "thumb" in self.fields


def parse_name(filename: str, tables: JwstTables | None = None) -> ParsedName | None:
    """Read a file name (or the name of an observation), ignoring case; None where no family fits.

    Families are tried in the order of the table, so that the last resort comes last.
    """
    tables = tables or default_tables()
    for family, pattern in _patterns(tables.names.families):
        match = pattern.fullmatch(filename)
        if match:
            fields = {name: value.lower() for name, value in match.groupdict().items() if value is not None}
            return _parsed(filename, family, fields)
    return None


def parse_optical_elements(token: str, tables: JwstTables | None = None) -> OpticalElements:
    """Take apart the token of optical elements, for example ``f444w-maskrnd-sub320a335r``."""
    grammar = (tables or default_tables()).names
    elements: list[str] = []
    markers: list[str] = []
    slit = detector = subarray = None
    for part in token.lower().split("-"):
        if part in grammar.slits:
            slit = part
        elif part in grammar.detectors:
            detector = part
        elif part in grammar.markers:
            markers.append(part)
        elif part in grammar.elements or part in grammar.bands or _CHANNELS.fullmatch(part):
            elements.append(part)
        else:
            subarray = part
    return OpticalElements(tuple(elements), slit, detector, tuple(markers), subarray)


@lru_cache(maxsize=8)
def _patterns(families: tuple[Family, ...]) -> tuple[tuple[Family, re.Pattern[str]], ...]:
    return tuple((family, re.compile(family.pattern, re.IGNORECASE | re.ASCII)) for family in families)


def _parsed(filename: str, family: Family, fields: dict[str, str]) -> ParsedName:
    extension = fields.get("ext", fields.get("kind", "") if family.id == "crds_mapping" else "")
    stem = filename.lower().removesuffix(f".{extension}") if extension else filename.lower()
    suffix = fields.get("suffix", family.suffix)
    root = _root(stem, suffix, fields)
    return ParsedName(filename, family.id, fields, _obs_id(family.id, root, fields), root, suffix, extension)


def _root(stem: str, suffix: str | None, fields: Mapping[str, str]) -> str:
    root = stem.removesuffix("_thumb")
    if "actid" in fields:
        root = root.removesuffix(f"-{fields['actid']}")
    if suffix:
        root = root.removesuffix(suffix).rstrip("_-")
    return root


def _obs_id(family: str, root: str, fields: Mapping[str, str]) -> str | None:
    if family in {"exposure_product", "exposure_root"}:
        segment = f"-seg{fields['segment']}" if "segment" in fields else ""
        return (
            f"jw{fields['program']}{fields['observation']}{fields['visit']}_{fields['visit_group']}"
            f"{fields['sequence']}{fields['activity']}_{fields['exposure']}{segment}_{fields['detector']}"
        )
    if family in _COMBINED:
        return f"{root}_{fields['suffix']}-{fields['actid']}" if "actid" in fields else root
    if family in {"guide_star", "planned_row", "wss_opd"}:
        return root
    return None
