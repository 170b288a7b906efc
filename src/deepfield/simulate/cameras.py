"""The cameras: which detectors of an instrument look at once, through which apertures and optical elements."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from deepfield.simulate.pointing import aperture
from deepfield.simulate.programme import read_table

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from deepfield.simulate.pointing import Aperture


@dataclass(frozen=True, slots=True)
class View:
    """One detector of a camera: its aperture, what its headers say of the instrument, and its binning."""

    detector: str
    exposure_type: str
    template: str
    seen: Aperture
    instrument: Mapping[str, str | bool]
    binning: tuple[int, int]


@cache
def _cameras() -> dict[str, Any]:
    return read_table("cameras.toml")


def instrument_of(plan: Mapping[str, Any]) -> str:
    """The instrument of a plan for images: NIRCam where it does not say."""
    return str(plan.get("instrument", "NIRCAM"))


def views(plan: Mapping[str, Any], elements: Mapping[str, Mapping[str, str]]) -> Iterator[View]:
    """What each detector of a plan sees through ``elements``, given by channel and wheel."""
    name = instrument_of(plan)
    camera = _cameras()[name]
    for detector in plan["detectors"]:
        known = camera["detectors"][detector]
        channel = known["channel"]
        instrument: dict[str, str | bool] = dict(elements.get(channel, {}))
        if name == "NIRCAM":
            instrument |= {"channel": channel.upper(), "module": detector[3], "pupil_imaging_lens": False}
        yield View(
            detector,
            camera["exposure_type"],
            plan.get("template", camera["template"]),
            aperture(name, known["aperture"].format(subarray=plan["subarray"])),
            instrument,
            (plan["binning"][channel],) * 2,
        )
