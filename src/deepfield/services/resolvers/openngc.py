"""The New General Catalogue, its Index Catalogues and Messier's, read from the OpenNGC data on disk."""

from __future__ import annotations

import math
import re
import sqlite3
import tomllib
from bisect import bisect_left
from contextlib import closing
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cached_property
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from deepfield.replica.texts import compact

if TYPE_CHECKING:
    from collections.abc import Iterable

NAME: Final = "OpenNGC"

_ROWS: Final = "SELECT name, type, ra, dec, messier, ngc, ic, commonnames FROM objects WHERE type <> 'NonEx'"
_IDENTIFIERS: Final = "SELECT name, identifier FROM objIdentifiers"
_LONG_FORMS: Final = {"messier": "m", "caldwell": "c", "barnard": "b", "melotte": "mel", "hickson": "hcg"}
_DESIGNATION: Final = re.compile(
    r"(messier|caldwell|barnard|melotte|hickson|m|ngc|ic|c|b|h|cl|mel|hcg|lbn|ugc|pgc|mwsc)0*"
    r"([1-9]\d*(?:ned\d+|[a-z]{0,2}))"
)
_KNOWN_BY: Final = re.compile(r"(UGC|PGC|LBN|HCG|MEL|B|C|CL|H|MWSC)\s*\d+[A-Z]?|ESO\s*\d+-\s*\d+[A-Z]?", re.IGNORECASE)
_STORED: Final = re.compile(r"([A-Z][A-Za-z]*?)0*([1-9]\d*)(.*)")
_KIND_WORDS: Final = ("nebula", "galaxy", "galaxies", "cluster")
_OTHER_MEANINGS: Final = frozenset(
    ("mercury", "venus", "mars", "jupiter", "saturn", "uranus", "neptune", "pluto", "moon", "sun", "earth")
)
_SAME_PLACE: Final = 0.5
"""Degrees within which objects of one common name are parts of one thing."""


@dataclass(frozen=True, slots=True)
class CatalogueObject:
    """An object of the catalogue at its ICRS position in degrees."""

    name: str
    """As astronomers write it: ``M 51``, ``NGC 3324``."""
    ra: float
    dec: float
    common_names: tuple[str, ...] = ()
    designation: str | None = None
    """Of a Messier object, the other one, mostly by its NGC number."""

    @property
    def other_names(self) -> tuple[str, ...]:
        """What else it is called."""
        return self.common_names if self.designation is None else (self.designation, *self.common_names)


class OpenNgc:
    """Finds objects by the designations and common names of OpenNGC, read once, when first asked for."""

    def find(self, name: str) -> CatalogueObject | None:
        """Return the object of a name, whatever its case, spaces, dashes and leading zeros; None if unknown."""
        return self._objects.get(_key(name))

    def beginning(self, prefix: str, limit: int) -> tuple[CatalogueObject, ...]:
        """Return objects of which a name begins so: first the one of exactly that name, then the well-known ones."""
        start = _key(prefix)
        if len(start) < 2:
            return ()
        found: dict[CatalogueObject, tuple[bool, bool, int, str]] = {}
        for at in range(bisect_left(self._keys, start), len(self._keys)):
            key = self._keys[at]
            if not key.startswith(start):
                break
            each = self._objects[key]
            rank = (key != start, not (each.common_names or each.name.startswith("M ")), len(key), key)
            found[each] = min(rank, found.get(each, rank))
        return tuple(sorted(found, key=found.__getitem__)[:limit])

    def closest(self, name: str, limit: int = 3) -> tuple[str, ...]:
        """Return the common names that look most like a text."""
        known = {_key(common): common for each in self._objects.values() for common in each.common_names}
        known |= {_key(nickname): nickname for nickname in _nicknames()}
        return tuple(known[key] for key in get_close_matches(_key(name), known, n=limit, cutoff=0.6))

    @cached_property
    def _keys(self) -> list[str]:
        return sorted(self._objects)

    @cached_property
    def _objects(self) -> dict[str, CatalogueObject]:
        rows, identifiers = _read()
        objects, stored = _by_designation(rows)
        for name, identifier in identifiers:
            if _KNOWN_BY.fullmatch(identifier) and name in stored:
                objects.setdefault(_key(identifier), stored[name])
        common = _by_common_name(set(stored.values()))
        common |= {_key(nickname): objects[_key(name)] for nickname, name in _nicknames().items()}
        return objects | _without_kind(common) | common


def _read() -> tuple[list[tuple[Any, ...]], list[tuple[str, str]]]:
    from pyongc import DBPATH

    with closing(sqlite3.connect(f"{Path(DBPATH).as_uri()}?mode=ro", uri=True)) as connection:
        return connection.execute(_ROWS).fetchall(), connection.execute(_IDENTIFIERS).fetchall()


def _nicknames() -> dict[str, str]:
    text = files(__package__).joinpath("nicknames.toml").read_text(encoding="utf-8")
    objects: dict[str, str] = tomllib.loads(text)["objects"]
    return objects


def _by_designation(rows: list[tuple[Any, ...]]) -> tuple[dict[str, CatalogueObject], dict[str, CatalogueObject]]:
    """Return the objects by key and by the name they are stored under; doubly numbered ones are one object."""
    objects: dict[str, CatalogueObject] = {}
    stored: dict[str, CatalogueObject] = {}
    doubles = []
    meant = {_key(nickname): name for nickname, name in _nicknames().items()}
    for name, kind, ra, dec, messier, ngc, ic, common in rows:
        if kind == "Dup":
            doubles.append((name, f"NGC {ngc}" if ngc else f"IC {ic}" if ic else f"M {messier}"))
            continue
        written = _written(f"M{messier}" if messier else name)
        called = tuple(each for each in common.split(",") if each and meant.get(_key(each), written) == written)
        other = _written(name) if messier and _written(name) != written else None
        each = CatalogueObject(written, math.degrees(ra), math.degrees(dec), called, other)
        stored[name] = objects[_key(name)] = each
        if messier:
            objects[_key(written)] = each
    for name, other in doubles:
        same = objects.get(_key(other))
        if same is not None:
            objects.setdefault(_key(name), same)
    return objects, stored


def _by_common_name(objects: Iterable[CatalogueObject]) -> dict[str, CatalogueObject]:
    """Return the objects by their common names, without names that mean places far apart."""
    found: dict[str, list[CatalogueObject]] = {}
    for each in sorted(objects, key=lambda each: (not each.name.startswith("M "), each.name)):
        for common in each.common_names:
            found.setdefault(_key(common), []).append(each)
    return {key: each[0] for key, each in found.items() if all(_near(each[0], other) for other in each[1:])}


def _without_kind(common: dict[str, CatalogueObject]) -> dict[str, CatalogueObject]:
    """Return the objects by common names that lack their last word, as in ``Whirlpool``, where that is one object."""
    found: dict[str, set[CatalogueObject]] = {}
    for key, each in common.items():
        for word in _KIND_WORDS:
            short = key.removesuffix(word)
            if short not in {key, ""} and short not in _OTHER_MEANINGS:
                found.setdefault(short, set()).add(each)
    return {key: each.pop() for key, each in found.items() if len(each) == 1}


def _near(one: CatalogueObject, other: CatalogueObject) -> bool:
    across = (one.ra - other.ra + 180.0) % 360.0 - 180.0
    return math.hypot(across * math.cos(math.radians(one.dec)), one.dec - other.dec) < _SAME_PLACE


def _key(name: str) -> str:
    key = compact(name)
    found = _DESIGNATION.fullmatch(key)
    if found is not None:
        return _LONG_FORMS.get(found[1], found[1]) + found[2]
    return key.removeprefix("the") if name.strip().lower().startswith("the ") else key


def _written(stored: str) -> str:
    """Return a stored name as astronomers write it: ``NGC0224`` is ``NGC 224``."""
    if stored.startswith("ESO"):
        return f"ESO {stored[3:]}"
    found = _STORED.fullmatch(stored)
    return f"{found[1]} {found[2]}{found[3]}" if found else stored
