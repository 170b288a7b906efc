"""Names and coordinates to places on the sky: the archive's own targets first, then catalogues."""

from __future__ import annotations

import math
import re
from collections import Counter
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, Final, Literal, TypeVar

from deepfield.model.coverage import Circle, parse_regions
from deepfield.model.errors import InvalidQueryError, InvalidValueError, UnresolvedNameError
from deepfield.query.filters import Place
from deepfield.query.moving import body_key, find_body
from deepfield.query.summaries import suggested_names_tree, suggested_texts_tree, target_names_tree, targets_tree
from deepfield.replica.texts import compact, words
from deepfield.services.resolvers import ephemeris, openngc, sesame
from deepfield.services.resolvers.ephemeris import find_body_at
from deepfield.services.resolvers.openngc import OpenNgc
from deepfield.services.resolvers.sesame import Sesame, SesameError

if TYPE_CHECKING:
    from collections.abc import Callable

    from deepfield.model.coverage import Region
    from deepfield.query.engines.duckdb import DuckEngine, Session

DEFAULT_RADIUS: Final = 0.2
"""Degrees searched around coordinates and targets when no radius is given."""

_REGION: Final = re.compile(r"\s*(circle|polygon|box|position|point)\b", re.IGNORECASE)
_FRAMES: Final = {
    "icrs": "icrs",
    "j2000": "fk5",
    "fk5": "fk5",
    "b1950": "fk4",
    "fk4": "fk4",
    "galactic": "galactic",
    "gal": "galactic",
    "ecliptic": "barycentricmeanecliptic",
    "supergalactic": "supergalactic",
}
_NUMBER: Final = r"[+-]?\d+(?:\.\d*)?"
_DEGREES: Final = re.compile(rf"({_NUMBER})\s*(?:d|deg|°)?\s*[\s,;]\s*({_NUMBER})\s*(?:d|deg|°)?")
_SEXAGESIMAL: Final = re.compile(
    r"(?P<ra>\d{1,3}(?:[h:\sd°]\s*\d{1,2}(?:[m:\s'′]\s*\d{1,2}(?:\.\d*)?\s*[s\"″]?)?\s*[m'′]?))"
    r"(?:\s*[,;]\s*|\s+|(?=[+-]))"
    r"(?P<dec>[+-]?\s*\d{1,2}(?:[d:\s°]\s*\d{1,2}(?:[m:\s'′]\s*\d{1,2}(?:\.\d*)?\s*[s\"″]?)?\s*[m'′]?))"
)
_COMPACT: Final = re.compile(r"J?(\d{2})(\d{2})(\d{2}(?:\.\d*)?)([+-]\d{2})(\d{2})(\d{2}(?:\.\d*)?)")
_RADIUS: Final = re.compile(r"\s*(\d+\.?\d*|\.\d+)(e[+-]?\d+)?\s*([a-z°'′\"″]*)\s*", re.IGNORECASE)
_UNITS: Final = {
    "": 1.0, "d": 1.0, "deg": 1.0, "degree": 1.0, "degrees": 1.0, "°": 1.0,
    "'": 60.0, "′": 60.0, "m": 60.0, "arcmin": 60.0, "arcminute": 60.0, "arcminutes": 60.0,
    '"': 3600.0, "″": 3600.0, "''": 3600.0, "s": 3600.0, "arcsec": 3600.0, "arcsecond": 3600.0, "arcseconds": 3600.0,
    "rad": math.radians(1.0),
}  # fmt: skip
_UNIT_HINT: Final = "a number with ' or arcmin, \" or arcsec, d or deg (degrees without a unit), at most 180 degrees"
_WIDEST_TARGET: Final = 2.0
"""Degrees over which the observations of one target may spread before its place is no longer one."""
_MOST_SUGGESTED: Final = 8
_MOST_OBJECTS: Final = 5
_MOST_CLOSEST: Final = 5
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
            InvalidQueryError: a region or target that cannot be a place.
        """
        if _REGION.match(text):
            return _place_of_region(text, _read_regions(text))
        found = read_coordinates(text)
        if found is not None:
            return Place(text.strip(), *found, kind="coordinates")
        return self._named(text.strip())

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
        refusal, failure = None, None
        try:
            place = self._target(name, wanted)
        except InvalidQueryError as error:  # a target that is no one place; a catalogue may know one
            place, refusal = None, error
        place = place or self._object(name) or self._body(name)
        if place is None:
            try:
                place = self._far_object(name)
            except SesameError as error:
                failure = str(error)
        if place is not None:
            return place
        if refusal is not None:
            raise refusal
        raise UnresolvedNameError(name, closest=self._closest(name, wanted), failure=failure)

    def _target(self, name: str, wanted: str) -> Place | None:
        """Return the place of a target of this archive; bodies of the solar system stand where they stand now."""
        with self._engine.session() as session:
            rows = session.run(targets_tree([wanted])).to_pylist()
            matching = [
                row for row in rows if wanted in (_compact(row["target_name"]), _compact(row["target_standard_name"]))
            ]
            if matching and not any(row["moving"] for row in matching):
                return _place_of_target(name, matching)
            known = matching[0]["target_name"] or name if matching else name
            body = find_body(session, body_key(known))
        if body is None:
            return None
        return self._body(body) or Place(body, None, None, "moving", resolver=ARCHIVE)

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


def read_coordinates(text: str) -> tuple[float, float] | None:
    """Return (ra, dec) in ICRS degrees of coordinates in any usual notation; None where the text is none.

    Raises:
        InvalidQueryError: numbers that lie outside the sphere.
    """
    frame, numbers = _split_frame(text)
    found = _DEGREES.fullmatch(numbers)
    if found is not None:
        return _to_icrs(text, f"{found[1]} {found[2]}", frame, hours=False)
    found = _COMPACT.fullmatch(numbers)
    if found is not None:
        return _to_icrs(text, "{} {} {} {} {} {}".format(*found.groups()), frame, hours=True)
    found = _SEXAGESIMAL.fullmatch(numbers)
    if found is None:
        return None
    in_degrees = bool(re.search("[d°]", found["ra"]))
    parts = [re.sub(r"[hdms:°'\"′″\s]+", " ", found[name]).strip() for name in ("ra", "dec")]
    parts[1] = re.sub(r"^([+-])\s+", r"\1", parts[1])
    return _to_icrs(text, tuple(parts), frame, hours=not in_degrees and frame in {"icrs", "fk5", "fk4"})


def read_radius(text: str) -> float:
    """Return a radius in degrees: ``12'``, ``30"``, ``0.2d``, ``5 arcmin``; a bare number is degrees.

    Raises:
        InvalidQueryError: it is none.
    """
    found = _RADIUS.fullmatch(text)
    unit = _UNITS.get(found[3].lower()) if found else None
    if found is None or unit is None:
        raise InvalidQueryError("radius", text, _UNIT_HINT)
    radius = float(found[1] + (found[2] or "")) / unit
    if not radius <= 180.0:
        raise InvalidQueryError("radius", text, _UNIT_HINT)
    return radius


def _split_frame(text: str) -> tuple[str, str]:
    parts = text.strip().split()
    for at in (0, -1):
        if parts and parts[at].lower().strip(",;:") in _FRAMES:
            frame = _FRAMES[parts.pop(at).lower().strip(",;:")]
            return frame, " ".join(parts)
    return "icrs", text.strip()


def _to_icrs(text: str, numbers: str | tuple[str, ...], frame: str, *, hours: bool) -> tuple[float, float]:
    if frame == "icrs" and isinstance(numbers, str) and not hours:
        ra, dec = (float(number) for number in numbers.split())
        if abs(dec) <= 90.0 and abs(ra) <= 360.0:
            return ra % 360.0, dec
    from astropy.coordinates import SkyCoord

    first, second = numbers if isinstance(numbers, tuple) else _halves(numbers)
    try:
        place = SkyCoord(first, second, unit=("hourangle" if hours else "deg", "deg"), frame=frame).icrs
    except ValueError:
        raise InvalidQueryError("position", text, "coordinates on the sphere, declination from -90 to 90") from None
    return float(place.ra.deg), float(place.dec.deg)


def _halves(numbers: str) -> tuple[str, str]:
    parts = numbers.split()
    middle = len(parts) // 2
    return " ".join(parts[:middle]), " ".join(parts[middle:])


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


def _place_of_target(name: str, rows: list[dict[str, Any]]) -> Place:
    known = rows[0]["target_name"] or name
    placed = [row for row in rows if row["x"] is not None]
    if not placed:
        raise InvalidQueryError("position", name, f"a place on the sky, but no observation of {known} has one")
    x, y, z = (sum(row[axis] * row["n"] for row in placed) / sum(row["n"] for row in placed) for axis in "xyz")
    length = math.sqrt(x * x + y * y + z * z)
    # the mean of directions within an angle t of their centre is no shorter than cos(t)
    if length < math.cos(math.radians(_WIDEST_TARGET)):
        raise InvalidQueryError("position", name, f"one place, but {known} was observed in several; search with text")
    ra, dec = math.degrees(math.atan2(y, x)) % 360.0, math.degrees(math.asin(z / length))
    return Place(known, ra, dec, "target", resolver=ARCHIVE)


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
