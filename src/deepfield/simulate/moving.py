"""Bodies of the solar system: where one is when, and the sky that slides by behind it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import numpy as np

from deepfield.simulate.sky import Stars, jansky

if TYPE_CHECKING:
    from datetime import datetime

    from deepfield.simulate.exposure import Exposure
    from deepfield.simulate.programme import Observation
    from deepfield.simulate.projection import Projection


@dataclass(frozen=True, slots=True)
class Motion:
    """A straight path on the sky: arcseconds an hour along right ascension (as an arc) and declination.

    ``magnitude`` is AB at 2 µm, ``temperature`` in kelvin gives the colour.
    """

    along_ra: float
    along_dec: float
    magnitude: float
    temperature: float

    def since(self, hours: float, declination: float) -> tuple[float, float]:
        """How far the body has come, degrees of right ascension and declination."""
        return (
            self.along_ra * hours / 3600 / float(np.cos(np.radians(declination))),
            self.along_dec * hours / 3600,
        )


def motion_of(observation: Observation) -> Motion | None:
    """The path of an observation's target, None for what stands still."""
    facts = observation.plan.get("motion")
    return Motion(**facts) if facts else None


def place(observation: Observation, moment: datetime) -> tuple[float, float]:
    """Where the target is at a moment, ICRS degrees; where it was proposed to be at the start of the observation."""
    target, motion = observation.target, motion_of(observation)
    if motion is None:
        return target.ra, target.dec
    ra, dec = motion.since((moment - observation.start) / timedelta(hours=1), target.dec)
    return target.ra + ra, target.dec + dec


def middle(exposure: Exposure) -> datetime:
    """The middle of an exposure."""
    return exposure.start + (exposure.end - exposure.start) / 2


def followed(exposure: Exposure, share: float) -> Projection:
    """Where the pixels of an exposure lie after a share of its duration, while the telescope follows its target."""
    moment = exposure.start + share * (exposure.end - exposure.start)
    observation = exposure.observation
    return _moved(exposure.projection, place(observation, middle(exposure)), place(observation, moment))


def comoving(exposure: Exposure) -> Projection:
    """The projection of an exposure as if its target had stayed where it was at the start of the observation."""
    observation = exposure.observation
    return _moved(exposure.projection, place(observation, middle(exposure)), place(observation, observation.start))


def _moved(projection: Projection, here: tuple[float, float], there: tuple[float, float]) -> Projection:
    ra, dec = projection.crval
    return replace(projection, crval=(ra + there[0] - here[0], dec + there[1] - here[1]))


def body(exposure: Exposure) -> Stars | None:
    """The moving target as a point of light in the middle of an exposure, None for what stands still."""
    motion = motion_of(exposure.observation)
    if motion is None:
        return None
    ra, dec = place(exposure.observation, middle(exposure))
    light = (jansky(motion.magnitude), motion.temperature)
    return Stars(*(np.array([float(value)]) for value in (ra, dec, *light)))


def described(observation: Observation, moment: datetime) -> dict[str, dict[str, Any]]:
    """What headers say of a moving target at a moment, by section of the metadata; nothing for what stands still."""
    if motion_of(observation) is None:
        return {}
    ra, dec = place(observation, moment)
    return {
        "visit": {"type": "PRIME_TARGETED_MOVING"},
        "target": {"type": "MOVING", "ra": ra, "dec": dec},
        "guidestar": {"gs_pcs_mode": "MOVING"},
        "wcsinfo": {"mt_ra": ra, "mt_dec": dec},
    }
