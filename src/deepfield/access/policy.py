"""The access rule, as a value. Metadata are public; bytes and all that shows them follow the rule."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from deepfield.model.errors import AccessDeniedError

if TYPE_CHECKING:
    from datetime import datetime


class Witness(Protocol):
    """Told of everything that is read before its release, and of every refusal."""

    def read(self, name: str) -> None: ...

    def denied(self, name: str) -> None: ...


@dataclass(frozen=True, slots=True)
class Readable:
    """Released by ``at``, or taken by one of ``programs``, or asked for by archive staff."""

    at: datetime
    programs: frozenset[str] = field(default_factory=frozenset)
    staff: bool = False
    witness: Witness | None = field(default=None, compare=False, repr=False)

    def allows(self, *, data_release: datetime | None, program: str | None) -> bool:
        """Tell whether bytes with this release date and programme may be read. Nobody is told: for lists."""
        return self._is_released(data_release) or self.staff or (program is not None and program in self.programs)

    def admit(self, name: str, *, data_release: datetime | None, program: str | None) -> None:
        """Let the caller at bytes of this name, or at what shows them. Whatever hands any over asks here first.

        Raises:
            AccessDeniedError: the rule does not allow it; carries the release date.
        """
        allowed = self.allows(data_release=data_release, program=program)
        if self.witness is not None and not allowed:
            self.witness.denied(name)
        elif self.witness is not None and not self._is_released(data_release):
            self.witness.read(name)
        if not allowed:
            raise AccessDeniedError(name, release=data_release)

    def _is_released(self, data_release: datetime | None) -> bool:
        return data_release is not None and data_release <= self.at
