"""Lists of targets: each line resolved and reported, all of them searched at once, kept under an identifier."""

from __future__ import annotations

import secrets
from collections import OrderedDict
from dataclasses import astuple, dataclass
from datetime import UTC, datetime, timedelta
from threading import Lock
from typing import TYPE_CHECKING, Any, Final, Literal

import numpy as np

from deepfield.model.errors import (
    AmbiguousNameError,
    ArchiveError,
    Choice,
    InvalidQueryError,
    UnknownTargetListError,
    UnresolvedNameError,
)
from deepfield.query.filters import Place
from deepfield.query.targets import MOST_RADIUS, Targets
from deepfield.services.coordinates import read_radius, read_written
from deepfield.services.targetlines import LONGEST, Line, read_lines

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from deepfield.access.principal import Principal
    from deepfield.catalogue.database import Database
    from deepfield.catalogue.targets import TargetListStore
    from deepfield.services.resolve import Resolve

Status = Literal["resolved", "ambiguous", "unresolved"]
RADIUS: Final = 1 / 60
"""Degrees searched around each target when no radius is given."""
_UNSIGNED_KEPT: Final = 1000
"""Lists without an account that are kept at a time."""
_LONGEST_NAME: Final = 200
_REMEMBERED: Final = 16


@dataclass(frozen=True, slots=True)
class Target:
    """One line of a list and what it was resolved to; positions are ICRS degrees."""

    line: int
    text: str
    label: str | None
    """What its sender calls a position."""
    status: Status
    name: str | None = None
    ra: float | None = None
    dec: float | None = None
    resolver: str | None = None
    reason: str | None = None
    """Why it has no place."""
    choices: tuple[Choice, ...] = ()
    """What an ambiguous name may mean."""
    closest: tuple[str, ...] = ()
    """Names that look like one that nobody knows."""

    @property
    def called(self) -> str:
        """What the list calls it."""
        return self.label or self.text

    @classmethod
    def of(cls, line: Line, found: Place | ArchiveError) -> Target:
        """Report what a line was resolved to."""
        match found:
            case AmbiguousNameError(choices=choices):
                reason = f"{line.text} was observed in {len(choices)} places"
                return cls(line.number, line.text, line.label, "ambiguous", reason=reason, choices=choices)
            case UnresolvedNameError(closest=closest):
                reason = "neither a position nor a name that is known here"
                return cls(line.number, line.text, line.label, "unresolved", reason=reason, closest=closest)
            case InvalidQueryError(expected=expected):
                return cls(line.number, line.text, line.label, "unresolved", reason=f"expected {expected}")
            case ArchiveError():
                return cls(line.number, line.text, line.label, "unresolved", reason=str(found))
            case Place(name=name, kind="moving"):
                reason = f"{name} moves; search it by name"
                return cls(line.number, line.text, line.label, "unresolved", name=name, reason=reason)
            case Place(name=name, ra=ra, dec=dec, resolver=resolver):
                return cls(line.number, line.text, line.label, "resolved", name, ra, dec, resolver)

    @classmethod
    def stored(cls, values: Sequence[Any]) -> Target:
        """Read what ``astuple`` made, through JSON."""
        line, text, label, status, name, ra, dec, resolver, reason, choices, closest = values
        meant = tuple(Choice(*choice) for choice in choices)
        return cls(line, text, label, status, name, ra, dec, resolver, reason, meant, tuple(closest))


@dataclass(frozen=True, slots=True)
class TargetList:
    """A list as it is kept. It never changes: mending a line makes another one."""

    list_id: str
    name: str
    targets: tuple[Target, ...]
    created: datetime
    expires: datetime

    def count(self, status: Status) -> int:
        """Count the lines of a status."""
        return sum(target.status == status for target in self.targets)

    @property
    def placed(self) -> tuple[Target, ...]:
        """The targets that are searched."""
        return tuple(target for target in self.targets if target.status == "resolved")


class TargetLists:
    """Reads, resolves and keeps lists of targets, for anybody; the last few stay in memory."""

    def __init__(
        self,
        database: Database,
        store: TargetListStore,
        resolve: Resolve,
        *,
        days: float = 30.0,
        account_days: float = 365.0,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._database, self._store, self._resolve = database, store, resolve
        self._days, self._account_days, self._now = days, account_days, now
        self._read: OrderedDict[str, TargetList] = OrderedDict()
        self._lock = Lock()

    def keep(self, content: bytes, name: str, principal: Principal) -> TargetList:
        """Read a file or text of targets, resolve every line and keep the list.

        Raises:
            InvalidUploadError, UploadTooLargeError: as ``services.targetlines.read_lines``.
        """
        name = name.strip()[:_LONGEST_NAME] or "targets"
        lines = read_lines(content, name)
        return self._keep(name, self._resolved(lines), principal)

    def mend(self, list_id: str, texts: Mapping[int, str], principal: Principal) -> TargetList:
        """Make another list with some lines said otherwise; an empty text leaves a line out.

        Raises:
            UnknownTargetListError: there is no such list.
            InvalidQueryError: the list has no such line, or a text is too long.
        """
        before = self.find(list_id)
        known = {target.line: target for target in before.targets}
        lines = []
        for number, text in texts.items():
            if number not in known:
                raise InvalidQueryError("lines", number, "a line of the list")
            if len(text) > LONGEST:
                raise InvalidQueryError("lines", f"{text[:60]}…", f"at most {LONGEST} characters")
            if text.strip():
                # a place chosen for a name keeps the name
                label = known[number].called if read_written(text) is not None else known[number].label
                lines.append(Line(number, text.strip(), label))
        mended = {target.line: target for target in self._resolved(lines)}
        kept = [mended.get(each.line, each) for each in before.targets if each.line in mended or each.line not in texts]
        if not kept:
            raise InvalidQueryError("lines", len(texts), "at least one line that stays")
        return self._keep(before.name, kept, principal)

    def find(self, list_id: str) -> TargetList:
        """Return the list of an identifier.

        Raises:
            UnknownTargetListError: there is none, or no longer.
        """
        now = self._now()
        with self._lock:
            kept = self._read.get(list_id)
        if kept is not None and kept.expires > now:
            return kept
        with self._database.read() as connection:
            row = self._store.find(connection, list_id, now=now)
        if row is None:
            raise UnknownTargetListError(list_id)
        targets = tuple(Target.stored(values) for values in row["targets"])
        return self._remembered(TargetList(list_id, row["name"], targets, row["created_at"], row["expires_at"]))

    def places(self, list_id: str, radius: str | None) -> Targets:
        """Return the places of a list to search around, with what the list calls each.

        Raises:
            UnknownTargetListError: there is no such list.
            InvalidQueryError: the radius is none, or larger than a list may have.
        """
        size = RADIUS if radius is None else read_radius(radius)
        if size > MOST_RADIUS:
            raise InvalidQueryError("radius", radius, f"at most {MOST_RADIUS:g} degrees around the targets of a list")
        placed = self.find(list_id).placed
        ra, dec = (np.array([getattr(target, axis) for target in placed], dtype=np.float64) for axis in ("ra", "dec"))
        return Targets(list_id, tuple(target.called for target in placed), ra, dec, size)

    def _resolved(self, lines: Sequence[Line]) -> list[Target]:
        answers = self._resolve.positions([line.text for line in lines])
        return [Target.of(line, found) for line, found in zip(lines, answers, strict=True)]

    def _keep(self, name: str, targets: Sequence[Target], principal: Principal) -> TargetList:
        now = self._now()
        days = self._days if principal.account_id is None else self._account_days
        kept = TargetList(secrets.token_urlsafe(12), name, tuple(targets), now, now + timedelta(days=days))
        row = {
            "list_id": kept.list_id,
            "account_id": principal.account_id,
            "name": name,
            "targets": [astuple(target) for target in targets],
            "created_at": kept.created,
            "expires_at": kept.expires,
        }
        with self._database.begin() as connection:
            self._store.add(connection, row)
            self._store.forget(connection, now=now, kept=_UNSIGNED_KEPT)
        return self._remembered(kept)

    def _remembered(self, kept: TargetList) -> TargetList:
        with self._lock:
            self._read[kept.list_id] = kept
            while len(self._read) > _REMEMBERED:
                self._read.popitem(last=False)
        return kept
