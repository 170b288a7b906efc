"""Who asks."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from deepfield.access.policy import Readable

if TYPE_CHECKING:
    from datetime import datetime


@dataclass(frozen=True, slots=True)
class Principal:
    """Somebody who asks: a name, the programmes they belong to, and whether they run the archive."""

    name: str
    programs: frozenset[str] = field(default_factory=frozenset)
    staff: bool = False

    def rule(self, *, at: datetime) -> Readable:
        """Return what this principal may read at this moment (UTC)."""
        return Readable(at=at, programs=self.programs, staff=self.staff)


ANONYMOUS = Principal("anonymous")
STAFF = Principal("staff", staff=True)
