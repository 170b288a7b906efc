"""What the simulated archive observes: programmes, targets and observations, read from ``tables/programmes.toml``."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib import resources
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

PROGRAMMES = ("programmes.toml", "spectroscopy.toml")
Size = Literal["small", "medium"]
Release = Literal["public", "exclusive", "soon"]


def read_table(name: str) -> dict[str, Any]:
    """One of the TOML tables of this package."""
    return tomllib.loads((resources.files(__package__) / "tables" / name).read_text(encoding="utf-8"))


@dataclass(frozen=True, slots=True)
class Target:
    """A place on the sky that a programme asks for; ICRS degrees. ``field`` names its scene in ``fields.toml``."""

    number: int
    name: str
    catalogue_name: str
    category: str
    description: str
    ra: float
    dec: float
    field: str


@dataclass(frozen=True, slots=True)
class Readout:
    """How a detector is read during one exposure; times in seconds."""

    pattern: str
    frame_time: float
    groups: int
    integrations: int = 1
    frames: int = 1
    gap: int = 0

    @property
    def group_time(self) -> float:
        return self.frame_time * (self.frames + self.gap)

    @property
    def integration_time(self) -> float:
        return self.frame_time * (self.groups * self.frames + (self.groups - 1) * self.gap)

    @property
    def cadence(self) -> float:
        """Time from the start of one integration to that of the next: each begins with a reset."""
        return self.integration_time + self.frame_time

    @property
    def exposure_time(self) -> float:
        return self.integration_time * self.integrations

    @property
    def duration(self) -> float:
        return self.exposure_time + self.frame_time * self.integrations


@dataclass(frozen=True, slots=True)
class Observation:
    """One observation of a programme. ``plan`` holds what its mode needs to know: filters, dithers, binning."""

    number: int
    label: str
    target: Target
    start: datetime
    roll: float
    readout: Readout
    plan: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Programme:
    """An invented proposal and its observations in one mode."""

    number: int
    title: str
    pi: str
    category: str
    science_category: str
    mode: str
    release: Release
    observations: tuple[Observation, ...]

    @property
    def digits(self) -> str:
        """The five digits of file names."""
        return f"{self.number:05d}"


def programmes(size: Size) -> tuple[Programme, ...]:
    """The programmes of an archive of the given size."""
    entries = [entry for name in PROGRAMMES for entry in read_table(name)["programme"]]
    return tuple(_programme(entry, size) for entry in entries)


def _programme(entry: dict[str, Any], size: Size) -> Programme:
    targets = {target["number"]: Target(**target) for target in entry.pop("target")}
    observations = tuple(_observations(entry.pop("observation"), targets, size))
    return Programme(observations=observations, **entry)


def _observations(
    entries: Iterable[dict[str, Any]], targets: Mapping[int, Target], size: Size
) -> Iterable[Observation]:
    for entry in entries:
        if size in entry.pop("sizes"):
            yield Observation(
                number=entry.pop("number"),
                label=entry.pop("label"),
                target=targets[entry.pop("target")],
                start=datetime.fromisoformat(entry.pop("start")).replace(tzinfo=UTC),
                roll=entry.pop("roll"),
                readout=Readout(**entry.pop("readout")),
                plan=entry,
            )
