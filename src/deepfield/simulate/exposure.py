"""One exposure of one detector: its identity, when and where it looked, and its file names."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from deepfield.simulate.pointing import Aperture, Pointing
    from deepfield.simulate.programme import Observation, Programme, Readout
    from deepfield.simulate.projection import Projection


STAGE_3 = frozenset({"crf", "crfints", "psfalign", "psfsub", "ami-oi", "psf-ami-oi"})
"""Suffixes of products that stage 3 makes of single exposures; their names carry the candidate."""


@dataclass(frozen=True, slots=True)
class Dither:
    """Place in a dither pattern; offsets in the Ideal frame, arcseconds."""

    pattern: str
    number: int
    total: int
    x: float
    y: float


@dataclass(frozen=True, slots=True)
class Segment:
    """A part of a long exposure in a file of its own; ``first`` and ``last`` integration, counted from 1."""

    number: int
    total: int
    first: int
    last: int


@dataclass(frozen=True, slots=True)
class Exposure:
    """Everything the headers of one exposure's files repeat.

    ``binning`` is (columns, rows): how many detector pixels were averaged into one pixel of the file.
    ``instrument`` holds what differs between instruments, by data-model name (filter, pupil, band, grating…).
    """

    programme: Programme
    observation: Observation
    visit: int
    group: int
    activity: int
    number: int
    detector: str
    exposure_type: str
    template: str
    instrument: Mapping[str, str | int | float | bool]
    start: datetime
    dither: Dither
    tile: int
    count: int
    planned: int
    reference: Aperture
    seen: Aperture
    pointing: Pointing
    projection: Projection
    binning: tuple[int, int]
    subarray: str
    specification: int = 1
    parts: tuple[Aperture, ...] = ()
    """The apertures of a spectrograph's channels or quadrants, where it has several."""
    sequence: int = 1
    """1 for the instrument that the visit is for, from 2 on for those that observe beside it."""
    differs: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """Entries of the metadata, by section, that are not those of an ordinary exposure of the observation."""
    software: str = "software"
    """Which versions of ``pipeline.toml`` its products were made under."""
    segment: Segment | None = None
    """Which part of the exposure this is, where its integrations are split over several files."""

    @property
    def readout(self) -> Readout:
        return self.observation.readout

    @property
    def differing(self) -> dict[str, dict[str, Any]]:
        """What is not as in an ordinary exposure, from the observation and from the exposure, by section."""
        plan = self.observation.plan.get("differs", {})
        sections = sorted({*plan, *self.differs})
        return {section: {**plan.get(section, {}), **self.differs.get(section, {})} for section in sections}

    @property
    def integrations(self) -> range:
        """The integrations in this file, counted from 1."""
        if self.segment is None:
            return range(1, self.readout.integrations + 1)
        return range(self.segment.first, self.segment.last + 1)

    @property
    def time_series(self) -> bool:
        """Whether the visit watches a change: TSOVISIT."""
        return bool(self.observation.plan.get("time_series", False))

    @property
    def end(self) -> datetime:
        return self.start + timedelta(seconds=self.readout.duration)

    @property
    def visit_id(self) -> str:
        return f"{self.programme.digits}{self.observation.number:03d}{self.visit:03d}"

    @property
    def activity_id(self) -> str:
        return base36(self.activity)

    @property
    def dataset(self) -> str:
        """What all detectors of the exposure, or of its segment, share."""
        segment = "" if self.segment is None else f"-seg{self.segment.number:03d}"
        return f"jw{self.visit_id}_{self.group:02d}{self.sequence}{self.activity_id}_{self.number:05d}{segment}"

    @property
    def root(self) -> str:
        """The file name before its suffix: the archive's observation identifier."""
        return f"{self.dataset}_{self.detector.lower()}"

    @property
    def programmatic_id(self) -> str:
        return f"V{self.visit_id}P0000000000{self.group:02d}{self.sequence}{self.activity_id}"

    @property
    def acid(self) -> str:
        """The association candidate of the observation."""
        return f"o{self.observation.number:03d}"

    @property
    def candidate(self) -> str:
        """The association candidate of stage 3: one that the planners gave to several observations, or the own."""
        return str(self.observation.plan.get("candidate", self.acid))

    @property
    def averaged(self) -> int:
        """How many detector pixels make one pixel of the file."""
        return self.binning[0] * self.binning[1]

    def file(self, suffix: str) -> str:
        """The name of the product with a suffix; stage-3 exposure products carry the candidate."""
        middle = f"_{self.candidate}" if suffix in STAGE_3 else ""
        return f"{self.root}{middle}_{suffix}.fits"


def base36(number: int) -> str:
    """Two base-36 digits, as activities are counted."""
    digits = "0123456789abcdefghijklmnopqrstuvwxyz"
    return digits[number // 36] + digits[number % 36]
