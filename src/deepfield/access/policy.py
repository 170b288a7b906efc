"""The access rule, as a value. Metadata are public; bytes and all that shows them follow the rule."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime


@dataclass(frozen=True, slots=True)
class Readable:
    """Released by ``at``, or taken by one of ``programs``, or asked for by archive staff."""

    at: datetime
    programs: frozenset[str] = field(default_factory=frozenset)
    staff: bool = False

    def allows(self, *, data_release: datetime | None, program: str | None) -> bool:
        """Tell whether bytes with this release date and programme may be read."""
        released = data_release is not None and data_release <= self.at
        return self.staff or released or (program is not None and program in self.programs)
