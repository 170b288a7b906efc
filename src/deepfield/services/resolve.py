"""Names and coordinates to places on the sky: the archive's own targets first, then catalogues."""

from __future__ import annotations

import math
import re
from collections import Counter
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, Final, Literal, TypeVar

from deepfield.model.coverage import Circle, parse_regions, separation
from deepfield.model.errors import (
    AmbiguousNameError,
    ArchiveError,
    Choice,
    InvalidQueryError,
    InvalidValueError,
    UnresolvedNameError,
)
from deepfield.query.filters import Place
from deepfield.query.moving import body_key, find_bodies
from deepfield.query.summaries import (
    suggested_names_tree,
    suggested_texts_tree,
    target_names_tree,
    target_places_tree,
    targets_tree,
)
from deepfield.replica.texts import compact, words
from deepfield.services.coordinates import read_coordinates, read_radius, read_written, to_icrs
from deepfield.services.resolvers import ephemeris, openngc, sesame
from deepfield.services.resolvers.ephemeris import find_body_at
from deepfield.services.resolvers.openngc import OpenNgc
from deepfield.services.resolvers.sesame import Sesame, SesameError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from deepfield.model.coverage import Region
    from deepfield.query.engines.duckdb import DuckEngine, Session
    from deepfield.services.coordinates import Written

DEFAULT_RADIUS: Final = 0.2
"""Degrees searched around coordinates and targets when no radius is given."""

_REGION: Final = re.compile(r"\s*(circle|polygon|box|position|point)\b", re.IGNORECASE)
_WIDEST_TARGET: Final = 2.0
"""Degrees over which the observations of one target may spread before its place is no longer one."""
_MOST_SUGGESTED: Final = 8
_MOST_OBJECTS: Final = 5
_MOST_CLOSEST: Final = 5
_MOST_CHOICES: Final = 8
_TERMS: Final = 500
MOST_FAR: Final = 100
"""Names of a list that Sesame is asked for."""
ARCHIVE: Final = "archive"
_Key = TypeVar("_Key")


@dataclass(frozen=True, slots=True)
class Suggestion:
    """Something of the archive, or an object of a catalogue, that begins with what was typed."""

    kind: Literal["target", "programme", "observation", "file", "object"]
    value: str
    count: int | None
    """Observations; None for an object, around which nothing was searched yet."""
    label: str | None = None
    """The title of a programme, the other names of an object."""


@dataclass(frozen=True, slots=True)
class _Own:
    """What the archive itself knows of some names."""

    targets: dict[str, list[dict[str, Any]]]
    """Rows of targets by compact name."""
    bodies: dict[str, str]
    """Names of moving targets by their key."""


class Resolve:
    """Finds places by coordinates, regions and names.

    Names are looked up among this archive's targets, in OpenNGC and among the bodies of the solar system, all without
    a network; at last by Sesame, where there is one.
    """

    def __init__(
        self,
        engine: DuckEngine,
        *,
        sesame: Sesame | None = None,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._engine = engine
        self._objects = OpenNgc()
        self._sesame = sesame
        self._now = now

    def position(self, text: str) -> Place:
        """Return the place of coordinates in any usual notation, of a DALI region, of a target or of an object.

        Decimal numbers are ICRS degrees; sexagesimal right ascensions are hours. A word such as ``galactic``,
        ``ecliptic``, ``J2000`` or ``B1950`` before or behind names another frame. A body that moves is where it
        stands now, if that is known.

        Raises:
            UnresolvedNameError: with the closest names, and why Sesame could not be asked if it failed.
            AmbiguousNameError: the name is that of several places; with what it may mean.
            InvalidQueryError: a region or target that cannot be a place.
        """
        if _REGION.match(text):
            return _place_of_region(text, _read_regions(text))
        found = read_coordinates(text)
        if found is not None:
            return Place(text.strip(), *found, kind="coordinates")
        return self._named(text.strip())

    def positions(self, texts: Sequence[str], *, far: int = MOST_FAR) -> list[Place | ArchiveError]:
        """Do as ``position`` for many texts at once, of which none is a region; what has no place has its error.

        Sesame is asked for the first ``far`` names that nobody else knows, and near names are looked for as often.
        """
        answers: dict[str, Place | ArchiveError] = {}
        written: dict[str, Written] = {}
        names: list[str] = []
        for text in dict.fromkeys(texts):
            try:
                found = None if _REGION.match(text) else read_written(text)
            except InvalidQueryError as error:
                answers[text] = error
                continue
            if found is not None:
                written[text] = found
            elif _REGION.match(text):
                answers[text] = InvalidQueryError("position", text, "a name or a position, not a region")
            else:
                names.append(text)
        for text, (ra, dec) in zip(written, to_icrs(list(written.values())), strict=True):
            answers[text] = Place(text.strip(), ra, dec, kind="coordinates")
        own = self._own([compact(name) for name in names])
        for name in names:
            try:
                answers[name] = self._known(name.strip(), own) or self._far(name.strip(), far)
            except ArchiveError as error:
                far -= isinstance(error, UnresolvedNameError)
                answers[name] = error
        return [answers[text] for text in texts]

    def meanings(self, text: str) -> tuple[Place, ...]:
        """Return what a text may mean: first the place that ``position`` gives, then what others say it is.

        Raises:
            UnresolvedNameError, AmbiguousNameError, InvalidQueryError: as ``position``.
        """
        first = self.position(text)
        if first.kind != "target":
            return (first,)
        others = [each for each in (self._object(text.strip()), self._body(text.strip())) if each is not None]
        return (first, *(each for each in others if _differ(first, each)))

    def region(self, text: str, radius: str | None = None) -> tuple[Place, tuple[Region, ...] | None]:
        """Return the place of a text and the regions to search: those it says, else a circle around it.

        There is no region for a body that moves: its observations are where it stood.

        Raises:
            UnresolvedNameError: with the closest names.
            InvalidQueryError: the radius is none, or stands beside a region or a body that moves.
        """
        if _REGION.match(text):
            regions = _read_regions(text)
            if radius is not None:
                raise InvalidQueryError("radius", radius, "no radius, since the position is a region")
            return _place_of_region(text, regions), regions
        size = DEFAULT_RADIUS if radius is None else read_radius(radius)
        place = self.position(text)
        if place.ra is None or place.dec is None or place.kind == "moving":
            if radius is not None:
                raise InvalidQueryError("radius", radius, f"no radius, since {place.name} moves and is found by name")
            return place, None
        return replace(place, radius=size), (Circle(place.ra, place.dec, size),)

    def suggestions(self, prefix: str) -> tuple[Suggestion, ...]:
        """Return targets, programmes, observations and files that begin with a text, then objects of OpenNGC."""
        typed = words(prefix)
        if not typed:
            return ()
        with self._engine.session() as session:
            if re.match(r"jw\d*", prefix.strip(), re.IGNORECASE):
                found = _suggest_names(session, prefix.strip().lower())
                if found:
                    return found
            found = _suggest_texts(session, typed)
        own = {compact(each.value) for each in found if each.kind == "target"}
        objects = self._objects.beginning(prefix, _MOST_OBJECTS + len(own))
        more = [each for each in objects if compact(each.name) not in own][:_MOST_OBJECTS]
        return found + tuple(Suggestion("object", each.name, None, _label(each.other_names)) for each in more)

    def _named(self, name: str) -> Place:
        wanted = compact(name)
        if not wanted:
            raise UnresolvedNameError(name)
        return self._known(name, self._own([wanted])) or self._far(name, 1)

    def _own(self, wanted: Sequence[str]) -> _Own:
        """Look up the targets of this archive by the compact names that are wanted, and its bodies."""
        found: dict[str, list[dict[str, Any]]] = {term: [] for term in sorted(set(wanted)) if term}
        terms = list(found)
        if not terms:
            return _Own({}, {})
        with self._engine.session() as session:
            for start in range(0, len(terms), _TERMS):
                part = frozenset(terms[start : start + _TERMS])
                for row in session.run(targets_tree(sorted(part))).to_pylist():
                    own = {_compact(row["target_name"]), _compact(row["target_standard_name"])}
                    for term in part & own:
                        found[term].append(row)
            return _Own(found, find_bodies(session))

    def _known(self, name: str, own: _Own) -> Place | None:
        """Return the place that this archive or a catalogue on disk knows for a name.

        Raises:
            AmbiguousNameError, InvalidQueryError: a target that is no one place, and no catalogue knows one.
        """
        refusal = None
        try:
            place = self._target(name, own)
        except InvalidQueryError as error:
            place, refusal = None, error
        place = place or self._object(name) or self._body(name)
        if place is None and refusal is not None:
            raise refusal
        return place

    def _far(self, name: str, room: int) -> Place:
        """Return the place that Sesame knows, where it may be asked at all.

        Raises:
            UnresolvedNameError: with the closest names, and why Sesame could not be asked if it failed.
        """
        if room <= 0:
            raise UnresolvedNameError(name)
        failure = None
        try:
            place = self._far_object(name)
        except SesameError as error:
            place, failure = None, str(error)
        if place is None:
            raise UnresolvedNameError(name, closest=self._closest(name, compact(name)), failure=failure)
        return place

    def _target(self, name: str, own: _Own) -> Place | None:
        """Return the place of a target of this archive; bodies of the solar system stand where they stand now."""
        matching = own.targets.get(compact(name), [])
        known = matching[0]["target_name"] or name if matching else name
        if matching and not any(row["moving"] for row in matching):
            return self._place_of_target(name, known, matching)
        body = own.bodies.get(body_key(known))
        if body is None:
            return None
        return self._body(body) or Place(body, None, None, "moving", resolver=ARCHIVE)

    def _place_of_target(self, name: str, known: str, rows: list[dict[str, Any]]) -> Place:
        placed = [row for row in rows if row["x"] is not None]
        if not placed:
            raise InvalidQueryError("position", name, f"a place on the sky, but no observation of {known} has one")
        x, y, z = (sum(row[axis] * row["n"] for row in placed) / sum(row["n"] for row in placed) for axis in "xyz")
        length = math.sqrt(x * x + y * y + z * z)
        # the mean of directions within an angle t of their centre is no shorter than cos(t)
        if length < math.cos(math.radians(_WIDEST_TARGET)):
            names = sorted({row["target_name"] for row in placed if row["target_name"] is not None})
            raise AmbiguousNameError(name, self._places_of(known, names))
        ra, dec = math.degrees(math.atan2(y, x)) % 360.0, math.degrees(math.asin(z / length))
        return Place(known, ra, dec, "target", resolver=ARCHIVE)

    def _places_of(self, known: str, names: Sequence[str]) -> tuple[Choice, ...]:
        """Return the places at which targets of these names were observed, those observed most often first."""
        with self._engine.session() as session:
            rows = session.run(target_places_tree(names)).to_pylist()
        places: list[Choice] = []
        for row in sorted(rows, key=lambda row: -row["n"]):
            length = math.sqrt(sum(row[axis] ** 2 for axis in "xyz"))
            ra = math.degrees(math.atan2(row["y"], row["x"])) % 360.0
            dec = math.degrees(math.asin(row["z"] / length))
            near = [place for place in places if separation((place.ra, place.dec), (ra, dec)) < _WIDEST_TARGET]
            if not near:
                places.append(Choice(known, ra, dec, ARCHIVE))
        return tuple(places[:_MOST_CHOICES])

    def _object(self, name: str) -> Place | None:
        found = self._objects.find(name)
        if found is None:
            return None
        label = _label(found.other_names)
        return Place(found.name, found.ra, found.dec, "object", resolver=openngc.NAME, label=label)

    def _body(self, name: str) -> Place | None:
        now = self._now()
        found = find_body_at(name, now)
        if found is None:
            return None
        moment = None if found.ra is None else now
        return Place(found.name, found.ra, found.dec, "moving", resolver=ephemeris.NAME, moment=moment)

    def _far_object(self, name: str) -> Place | None:
        found = None if self._sesame is None else self._sesame.find(name)
        return None if found is None else Place(found.name, found.ra, found.dec, "object", resolver=sesame.NAME)

    def _closest(self, name: str, wanted: str) -> tuple[str, ...]:
        with self._engine.session() as session:
            own = _closest(session, wanted)
        return tuple(dict.fromkeys(own + self._objects.closest(name)))[:_MOST_CLOSEST]


def _read_regions(text: str) -> tuple[Region, ...]:
    try:
        return parse_regions(text)
    except InvalidQueryError:
        raise
    except InvalidValueError as error:
        raise InvalidQueryError("position", text, error.expected) from None


def _place_of_region(text: str, regions: tuple[Region, ...]) -> Place:
    circle = regions[0].enclosing()
    return Place(text.strip(), circle.ra, circle.dec, "region", circle.radius)


def _differ(one: Place, other: Place) -> bool:
    """Tell whether two places are not one: too far apart, or one of them moves."""
    if one.ra is None or one.dec is None or other.ra is None or other.dec is None or other.kind == "moving":
        return True
    return separation((one.ra, one.dec), (other.ra, other.dec)) > DEFAULT_RADIUS


def _label(names: tuple[str, ...]) -> str | None:
    return ", ".join(names) or None


def _closest(session: Session, wanted: str) -> tuple[str, ...]:
    names = {compact(name): name for name in session.run(target_names_tree())["target_name"].to_pylist()}
    return tuple(names[key] for key in get_close_matches(wanted, names, n=3, cutoff=0.6))


def _compact(name: str | None) -> str | None:
    return None if name is None else compact(name)


def _suggest_names(session: Session, prefix: str) -> tuple[Suggestion, ...]:
    found: list[Suggestion] = []
    names: tuple[tuple[Literal["observation", "file"], str, str], ...]
    names = (("observation", "observation", "obs_id"), ("file", "artifact", "filename"))
    for kind, table, column in names:
        rows = session.run(suggested_names_tree(table, column, prefix), limit=_MOST_SUGGESTED)
        found += [Suggestion(kind, name, 1) for name in rows["name"].to_pylist()]
    return tuple(found)


def _suggest_texts(session: Session, typed: list[str]) -> tuple[Suggestion, ...]:
    """Return the targets and programmes that hold all words, the last one perhaps unfinished, largest first."""
    targets: Counter[str] = Counter()
    programmes: Counter[tuple[str, str | None]] = Counter()
    glued = "".join(typed)
    for row in session.run(suggested_texts_tree(typed[-1], glued)).to_pylist():
        target, programme, title = row["target_name"], row["proposal_id"], row["proposal_title"]
        if target is not None and _begins(target, typed, glued):
            targets[target] += row["n"]
        if programme is not None and _begins(f"{programme} {title or ''}", typed, glued):
            programmes[programme, title] += row["n"]
    found = [Suggestion("target", name, number) for name, number in _largest(targets)]
    found += [Suggestion("programme", name, number, title) for (name, title), number in _largest(programmes)]
    return tuple(found)


def _largest(counts: Counter[_Key]) -> list[tuple[_Key, int]]:
    return sorted(counts.items(), key=lambda entry: (-entry[1], str(entry[0])))[:_MOST_SUGGESTED]


def _begins(text: str, typed: list[str], glued: str) -> bool:
    """Tell whether a text holds all words, the last one perhaps unfinished, or begins with them glued."""
    have = words(text)
    whole = all(word in have for word in typed[:-1]) and any(word.startswith(typed[-1]) for word in have)
    return whole or "".join(have).startswith(glued)
