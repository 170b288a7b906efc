"""Parts of a simulated archive, small enough to be made for every test run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from deepfield.simulate.modes import MODES
from deepfield.simulate.programme import programmes

if TYPE_CHECKING:
    from pathlib import Path

    from deepfield.simulate.work import Plan, Task

SEED = 5


@dataclass(frozen=True)
class Written:
    """A folder of products and the tasks that wrote them."""

    folder: Path
    tasks: tuple[Task, ...]


@pytest.fixture(scope="session")
def plans() -> dict[str, Plan]:
    """The work of the first programme of every mode."""
    first = {programme.mode: programme for programme in reversed(programmes("small"))}
    return {mode: MODES[mode](programme, SEED) for mode, programme in first.items()}


def run(folder: Path, *tasks: Task) -> Written:
    for task in tasks:
        task.run(folder)
    return Written(folder, tasks)


@pytest.fixture(scope="session")
def quasar(plans, tmp_path_factory) -> Written:
    """Three dithers of one subarray in two filters, and what is combined of them."""
    exposures = [task for task in plans["imaging"].stages[0] if task.exposure.observation.number == 3]
    outliers = [task for task in plans["imaging"].stages[1] if task.exposure.observation.number == 3]
    combinations = [task for task in plans["imaging"].stages[2] if task.exposures[0].observation.number == 3]
    return run(tmp_path_factory.mktemp("quasar"), *exposures, *outliers, *combinations)


@pytest.fixture(scope="session")
def cliff(plans, tmp_path_factory) -> Written:
    """Two dithers of the long-wave detector through a filter of the pupil wheel, and their combination."""
    exposures = [
        task
        for task in plans["imaging"].stages[0]
        if task.exposure.observation.number == 2 and task.exposure.detector == "NRCBLONG"
    ]
    combination = next(task for task in plans["imaging"].stages[2] if "f405n" in task.name)
    outliers = [task for task in plans["imaging"].stages[1] if task.combination == combination]
    return run(tmp_path_factory.mktemp("cliff"), *exposures, *outliers, combination)


@pytest.fixture(scope="session")
def mrs(plans, tmp_path_factory) -> Written:
    """The long-wave detector in the short band: channels 3 and 4."""
    exposures = [
        task
        for task in plans["mrs"].stages[0]
        if task.exposure.observation.number == 1
        and task.exposure.detector == "MIRIFULONG"
        and task.exposure.instrument["band"] == "SHORT"
    ]
    cubes = [task for task in plans["mrs"].stages[1] if task.name.endswith(("o001_t001_miri_ch3-short", "ch4-short"))]
    cubes = [task for task in cubes if task.exposures[0].observation.number == 1]
    return run(tmp_path_factory.mktemp("mrs"), *exposures, *cubes)


@pytest.fixture(scope="session")
def msa(plans, tmp_path_factory) -> Written:
    """The nods of one detector, the shutter table and two sources."""
    table, detector = plans["msa"].stages[0][0], plans["msa"].stages[0][1]
    found = [task for task in plans["msa"].stages[1] if task.source.detector == "NRS1"][:2]
    return run(tmp_path_factory.mktemp("msa"), table, detector, *found)


def observed(plan: Plan, *numbers: int) -> list[Task]:
    """The tasks of some observations of a programme, in the order of their stages."""

    def first(task):
        several = getattr(task, "parts", None) or getattr(task, "exposures", None)
        return several[0] if several else task.exposure

    return [task for stage in plan.stages for task in stage if first(task).observation.number in numbers]


@pytest.fixture(scope="session")
def transits(plans, tmp_path_factory) -> Written:
    """A transit with NIRISS (two orders) and one with NIRSpec, two segments each."""
    return run(tmp_path_factory.mktemp("transits"), *observed(plans["series"], 1, 2))


@pytest.fixture(scope="session")
def white_dwarf(plans, tmp_path_factory) -> Written:
    """A transit through both channels of NIRCam."""
    return run(tmp_path_factory.mktemp("white-dwarf"), *observed(plans["photometry"], 1))


@pytest.fixture(scope="session")
def slits(plans, tmp_path_factory) -> Written:
    """A galaxy through the slit of MIRI, and a quasar through one of NIRSpec's."""
    return run(tmp_path_factory.mktemp("slits"), *observed(plans["slit"], 1, 2))


@pytest.fixture(scope="session")
def grism(plans, tmp_path_factory) -> Written:
    """A field through the grism of NIRCam, with its direct image."""
    return run(tmp_path_factory.mktemp("grism"), *observed(plans["wfss"], 1))


@pytest.fixture(scope="session")
def rotator(plans, tmp_path_factory) -> Written:
    """A rotating disc through the integral-field unit of NIRSpec."""
    return run(tmp_path_factory.mktemp("rotator"), *observed(plans["nirspec-ifu"], 1))
