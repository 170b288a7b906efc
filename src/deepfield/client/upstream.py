"""What another archive offers of a scope, asked by MAST's API: files, when they changed, when they open."""

from __future__ import annotations

import json
import math
import re
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from deepfield.client.mast import NARROWED, address_of, matches, products_of, recommended, rows_of
from deepfield.model.errors import InvalidValueError, TransferError
from deepfield.model.identifiers import COLLECTION

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    Ask = Callable[..., Any]

MJD_ZERO: Final = datetime(1858, 11, 17, tzinfo=UTC)
MANY: Final = 50
"""Programmes, or observations by name, of one question."""
OVERLAP_DAYS: Final = 1.0
"""How far before the newest change that is known changes are asked for again: what was committed late is not lost."""
GUIDING: Final = "GS-"
INSTRUMENTS: Final = {"NIRCAM": "Nircam", "NIRISS": "Niriss", "NIRSPEC": "Nirspec", "MIRI": "Miri", "FGS": "Fgs"}
_RANGE = re.compile(r"(.*?)\.\.(.*)")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_POSITION = re.compile(r"\s*([+-]?\d+(?:\.\d*)?)[\s,]+([+-]?\d+(?:\.\d*)?)\s*")


@dataclass(frozen=True, slots=True)
class Scope:
    """What is to be mirrored: observations by filters, near a position if one is given, and their files."""

    filters: tuple[Mapping[str, Any], ...] = ()
    """As ``Mast.Caom.Filtered`` takes them."""
    target: str | None = None
    """A name, or right ascension and declination in degrees, ICRS."""
    radius: float = 0.2
    """Degrees."""
    everything: bool = False
    """All products, not only the recommended ones."""
    only: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Narrow the products; see ``NARROWED``."""

    def __post_init__(self) -> None:
        if not self.filters and self.target is None:
            raise InvalidValueError("scope", "everything", "a programme, instrument, target or other filter")
        if not 0 < self.radius <= 180:
            raise InvalidValueError("radius", self.radius, "degrees, more than 0 and at most 180")
        for name in set(self.only) - NARROWED:
            raise InvalidValueError("only", name, f"one of {', '.join(sorted(NARROWED))}")

    def text(self) -> str:
        """Return the scope as text that is the same for the same scope."""
        only = {name: sorted(values) for name, values in self.only.items()}
        return json.dumps([list(self.filters), self.target, self.radius, self.everything, only], sort_keys=True)


@dataclass(frozen=True, slots=True)
class Offer:
    """A file that an archive offers."""

    name: str
    obs_id: str
    programme: str | None
    url: str
    size: int | None
    sha256: str | None = None
    modified: float | None = None
    """When the archive took these bytes in, MJD; None where it does not say, or did not say anew."""
    is_public: bool = True
    release: datetime | None = None


@dataclass(frozen=True, slots=True)
class Offered:
    """Everything that a scope comes down to."""

    offers: tuple[Offer, ...]
    observations: int
    releases: Mapping[str, datetime | None]
    """When each observation became or becomes public, by obs_id; None for those not public of which nobody knows."""
    closed: Mapping[str, str]
    """Programmes of the observations that are not public yet, by obs_id."""
    newest: Mapping[str, float]
    """The newest change of each programme that was told, MJD."""


def filter_of(text: str) -> Mapping[str, Any]:
    """Read a filter from a command line: ``name=value,value``, ``name=low..high`` or ``name=NGC*``.

    Raises:
        InvalidValueError: it is none of these.
    """
    name, equals, value = text.partition("=")
    if not (equals and name.strip() and value.strip()):
        raise InvalidValueError("filter", text, "name=value,value or name=low..high or name=NGC*")
    span = _RANGE.fullmatch(value)
    if span:
        ends = {end: _number(name, limit) for end, limit in zip(("min", "max"), span.groups(), strict=True) if limit}
        return {"paramName": name.strip(), "values": [ends]}
    if "*" in value:
        return {"paramName": name.strip(), "values": [], "freeText": value.replace("*", "%")}
    return {"paramName": name.strip(), "values": [part.strip() for part in value.split(",")]}


def released(after: datetime | None, before: datetime | None) -> Mapping[str, Any]:
    """Return the filter of observations that become public between two moments."""
    ends = {end: mjd_of(moment) for end, moment in (("min", after), ("max", before)) if moment is not None}
    return {"paramName": "t_obs_release", "values": [ends]}


def mjd_of(moment: datetime) -> float:
    """Return a moment as a Modified Julian Date, UTC."""
    return (moment - MJD_ZERO) / timedelta(days=1)


def offered(ask: Ask, server: str, scope: Scope, *, since: Mapping[str, float]) -> Offered:
    """Ask an archive what a scope comes down to.

    ``since`` holds the newest change that is known of each programme, MJD; changes are asked for from there on.

    Raises:
        TransferError: the archive cannot be asked, or says what is wrong.
    """
    observations = list(_observations(ask, scope))
    products = list(products_of(ask, sorted({str(row["obsid"]) for row in observations})))
    chosen = products if scope.everything else recommended(products)
    wanted = {row["productFilename"]: row for row in chosen if matches(row, scope.only)}
    owners = {str(row["obs_id"]): row for row in observations}
    strangers = sorted({str(row["obs_id"]) for row in wanted.values()} - owners.keys())
    owners |= {str(row["obs_id"]): row for row in _named(ask, strangers)}
    changes, newest = _changes(ask, owners.values(), wanted.values(), since)
    offers = tuple(_offer(server, wanted[name], owners, changes.get(name, {})) for name in sorted(wanted))
    releases = {name: _release(row) for name, row in owners.items()}
    releases |= {offer.obs_id: None for offer in offers if offer.obs_id not in owners and not offer.is_public}
    closed = {
        name: str(row["proposal_id"]) for name, row in owners.items() if not _is_public(row) and row.get("proposal_id")
    }
    return Offered(offers, len(observations), releases, closed, newest)


def _observations(ask: Ask, scope: Scope) -> Iterator[Mapping[str, Any]]:
    filters = list(scope.filters)
    if not any(one["paramName"] == "obs_collection" for one in filters):
        filters.append({"paramName": "obs_collection", "values": [COLLECTION]})
    if scope.target is None:
        return rows_of(ask, "Mast.Caom.Filtered", {"columns": "*", "filters": filters})
    ra, dec = _position(ask, scope.target)
    position = f"{ra!r}, {dec!r}, {scope.radius!r}"
    return rows_of(ask, "Mast.Caom.Filtered.Position", {"columns": "*", "filters": filters, "position": position})


def _position(ask: Ask, target: str) -> tuple[float, float]:
    if found := _POSITION.fullmatch(target):
        return float(found[1]), float(found[2])
    request = {"service": "Mast.Name.Lookup", "params": {"input": target, "format": "json"}, "format": "json"}
    answer = ask("POST", "/api/v0/invoke", data={"request": json.dumps(request)}).json()
    places = answer.get("resolvedCoordinate") or []
    if not places:
        raise TransferError(
            target, "the archive knows no place by this name; give it as degrees, such as '83.63 22.01'"
        )
    return float(places[0]["ra"]), float(places[0]["decl"])


def _named(ask: Ask, names: Sequence[str]) -> Iterator[Mapping[str, Any]]:
    for first in range(0, len(names), MANY):
        filters = [{"paramName": "obs_id", "values": list(names[first : first + MANY])}]
        yield from rows_of(ask, "Mast.Caom.Filtered", {"columns": "*", "filters": filters})


def _changes(
    ask: Ask,
    observations: Iterable[Mapping[str, Any]],
    products: Iterable[Mapping[str, Any]],
    since: Mapping[str, float],
) -> tuple[dict[str, Mapping[str, Any]], dict[str, float]]:
    """Return what the keyword services say of the FITS files of these programmes: size, checksum, moment of arrival."""
    programmes: dict[str, set[str]] = {}
    for row in observations:
        service = INSTRUMENTS.get(str(row.get("instrument_name")).partition("/")[0].upper())
        if row.get("proposal_id") and service:
            programmes.setdefault(service, set()).add(str(row["proposal_id"]))
    guided = {str(row["proposal_id"]) for row in products if _subgroup(row).startswith(GUIDING) and row["proposal_id"]}
    if guided:
        programmes["GuideStar"] = guided
    changes: dict[str, Mapping[str, Any]] = {}
    newest: dict[str, float] = {}
    for service, names in sorted(programmes.items()):
        for mark, batch in _batches(names, since):
            filters: list[dict[str, Any]] = [{"paramName": "program", "values": batch}]
            if mark is not None:
                filters.append({"paramName": "ingestCompletionDate_mjd", "values": [{"min": mark - OVERLAP_DAYS}]})
            named = "fileName" if service == "GuideStar" else "filename"
            columns = f"{named},program,checksum,ingestCompletionDate_mjd"
            for row in rows_of(ask, f"Mast.Jwst.Filtered.{service}", {"columns": columns, "filters": filters}):
                changes[str(row[named])] = row
                moment = row.get("ingestCompletionDate_mjd")
                if moment is not None and row.get("program"):
                    programme = str(row["program"]).lstrip("0")
                    newest[programme] = max(newest.get(programme, -math.inf), float(moment))
    return changes, newest


def _batches(names: Iterable[str], since: Mapping[str, float]) -> Iterator[tuple[float | None, list[str]]]:
    """Yield programmes together that are asked for from one moment on: the earliest of them; those never seen apart."""
    fresh = sorted(name for name in names if name.lstrip("0") not in since)
    known = sorted((since[name.lstrip("0")], name) for name in names if name.lstrip("0") in since)
    for first in range(0, len(fresh), MANY):
        yield None, fresh[first : first + MANY]
    for first in range(0, len(known), MANY):
        batch = known[first : first + MANY]
        yield batch[0][0], [name for _mark, name in batch]


def _offer(
    server: str, row: Mapping[str, Any], owners: Mapping[str, Mapping[str, Any]], change: Mapping[str, Any]
) -> Offer:
    owner = owners.get(str(row["obs_id"]), {})
    checksum = str(change.get("checksum") or "").lower()
    modified, size = change.get("ingestCompletionDate_mjd"), row.get("size")
    return Offer(
        name=str(row["productFilename"]),
        obs_id=str(row["obs_id"]),
        programme=str(row["proposal_id"]) if row.get("proposal_id") else None,
        url=address_of(server, str(row["dataURI"])),
        size=None if size is None else int(size),
        sha256=checksum if _SHA256.fullmatch(checksum) else None,
        modified=None if modified is None else float(modified),
        is_public=_is_public(row),
        release=_release(owner) if owner else None,
    )


def _is_public(row: Mapping[str, Any]) -> bool:
    return str(row.get("dataRights") or "PUBLIC").upper() == "PUBLIC"


def _release(row: Mapping[str, Any]) -> datetime | None:
    """Return when an observation became or becomes public, to the millisecond; of one without a date, the beginning."""
    mjd = row.get("t_obs_release")
    if mjd is None:
        return MJD_ZERO if _is_public(row) else None
    return MJD_ZERO + timedelta(milliseconds=round(float(mjd) * 86_400_000))


def _subgroup(row: Mapping[str, Any]) -> str:
    return str(row.get("productSubGroupDescription") or "").upper()


def _number(name: str, text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise InvalidValueError(name, text, "a number, as in 'name=1.5..2'") from None
