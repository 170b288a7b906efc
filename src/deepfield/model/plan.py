"""A planned exposure: what a programme is going to observe, before any file of it exists (CAOM 2.4 level −1)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Literal

from deepfield.model.observation import Energy, Position, Target, Time

if TYPE_CHECKING:
    from datetime import datetime

PLANNED_LEVEL: Final = -1
StatusGroup = Literal["planned", "executed", "archived", "failed", "withdrawn"]


@dataclass(frozen=True, slots=True)
class PlanWindow:
    """When a visit may be scheduled, UTC."""

    start: datetime
    end: datetime


@dataclass(frozen=True, slots=True)
class Repeat:
    """A visit that repeats another, and the problem report (WOPR) that led to it."""

    visit_id: str
    problem_id: str | None = None


@dataclass(frozen=True, slots=True)
class PlannedExposure:
    """One template configuration of a visit with its optical elements."""

    obs_id: str
    """``jwPPPPPOOOVVV_xxSAA_EEEEE_instrument``."""
    program: str
    """Without leading zeros."""
    observation_number: str
    visit_id: str
    """PPPPPOOOVVV."""
    source: str
    """The file it was read from."""
    planned_at: datetime
    status: str | None = None
    """As the visit status report writes it."""
    status_group: StatusGroup | None = None
    target: Target = field(default_factory=Target)
    instrument_name: str | None = None
    template: str | None = None
    position: Position | None = None
    """Approximate: the roll is unknown until the visit is scheduled."""
    energy: Energy = field(default_factory=Energy)
    time: Time = field(default_factory=Time)
    """Bounds are given once the visit is scheduled; until then only the window is."""
    window: PlanWindow | None = None
    repeats: Repeat | None = None
    repeated_by: Repeat | None = None
