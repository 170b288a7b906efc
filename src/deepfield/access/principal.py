"""Who asks, and what they may do."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Literal

from deepfield.access.policy import Readable

if TYPE_CHECKING:
    from datetime import datetime

    from deepfield.access.policy import Witness

Role = Literal["pi", "coi"]
"""In a programme: its principal investigator, who may grant and revoke, or an investigator beside them."""


class Scope(StrEnum):
    """What a token may be used for, beside asking what is public."""

    IDENTITY = "mast:user:info"
    EXCLUSIVE = "mast:exclusive_access"
    KEEP = "deepfield:keep"
    STAFF = "deepfield:staff"

    @property
    def meaning(self) -> str:
        return _MEANINGS[self]


_MEANINGS = {
    Scope.IDENTITY: "say whose token it is",
    Scope.EXCLUSIVE: "read data of your programmes before their release",
    Scope.KEEP: "keep lists, searches and subscriptions in your name",
    Scope.STAFF: "read all data, if you are archive staff",
}


@dataclass(frozen=True, slots=True)
class Principal:
    """Somebody who asks: a name, the programmes they belong to, and whether they run the archive.

    ``programs`` and ``staff`` are what this request may use of them: a token may have been made for less.
    """

    name: str
    programs: frozenset[str] = field(default_factory=frozenset)
    staff: bool = False
    account_id: str | None = None
    """None for those who are nobody in particular."""
    scopes: frozenset[Scope] | None = None
    """What the token in use was made for; None without a token."""

    @property
    def is_anonymous(self) -> bool:
        return self.account_id is None

    def may(self, scope: Scope) -> bool:
        """Tell whether this caller may do what tokens need this scope for."""
        return not self.is_anonymous and (self.scopes is None or scope in self.scopes)

    def rule(self, *, at: datetime, witness: Witness | None = None) -> Readable:
        """Return what this principal may read at this moment (UTC)."""
        return Readable(at=at, programs=self.programs, staff=self.staff, witness=witness)


ANONYMOUS = Principal("anonymous")
STAFF = Principal("operator", staff=True)
"""The operator at the command line."""
