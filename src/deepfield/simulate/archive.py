"""The simulated archive as a whole: every programme's products under one folder, and when they are released."""

from __future__ import annotations

import multiprocessing
import os
import warnings
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from deepfield.missions.jwst.names import parse_name
from deepfield.model.errors import InvalidValueError
from deepfield.simulate import association
from deepfield.simulate.modes import MODES
from deepfield.simulate.mosaic import Mosaic
from deepfield.simulate.programme import programmes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from deepfield.simulate.programme import Programme, Release, Size
    from deepfield.simulate.work import Plan, Task

EXCLUSIVE_FOR = timedelta(days=274)
SOON = timedelta(days=3)
ONE_THREAD = "OPENBLAS_NUM_THREADS"
"""The variable that keeps the linear algebra of a worker from competing with the other workers."""


@dataclass(frozen=True, slots=True)
class Summary:
    """What a simulation wrote: numbers of programmes, observations (as the archive counts them), files and bytes."""

    programmes: int
    observations: int
    files: int
    size: int


def simulate(
    directory: Path,
    *,
    size: Size = "small",
    seed: int = 1,
    mosaic: int | None = None,
    progress: Callable[[str, int, int], None] | None = None,
    now: datetime | None = None,
    workers: int | None = None,
) -> Summary:
    """Write a small, physically plausible JWST archive into ``directory``.

    The same ``size``, ``seed`` and ``mosaic`` give the same bytes; only ``release.toml`` depends on ``now``
    (default: the clock). ``mosaic`` adds one combined image of that many pixels a side. ``progress`` is told, after
    each piece of work, its name, how many are done and how many there are.

    Raises:
        InvalidValueError: the size is unknown, the seed negative or the mosaic smaller than 64 pixels.
    """
    _check(size, seed, mosaic)
    directory.mkdir(parents=True, exist_ok=True)
    with _pool(workers or min(os.cpu_count() or 1, 8)) as pool:
        wanted = programmes(size)
        planned = list(zip(wanted, pool.map(_plan, wanted, [seed] * len(wanted)), strict=True))
        if mosaic is not None:
            planned = [(programme, _with_mosaic(plan, mosaic, seed)) for programme, plan in planned]
        _work(directory, planned, progress, pool)
    for programme, plan in planned:
        folder = directory / f"jw{programme.digits}"
        association.write_pool(folder, plan.exposures)
        association.write_all(folder, plan.associations)
    _write_release(directory, [programme for programme, _ in planned], now or datetime.now(UTC))
    return _summary(directory, len(planned))


def _plan(programme: Programme, seed: int) -> Plan:
    return MODES[programme.mode](programme, seed)


def _check(size: str, seed: int, mosaic: int | None) -> None:
    if size not in ("small", "medium"):
        raise InvalidValueError("size", size, "small or medium")
    if seed < 0:
        raise InvalidValueError("seed", seed, "zero or a positive integer")
    if mosaic is not None and mosaic < 64:
        raise InvalidValueError("mosaic", mosaic, "at least 64 pixels a side")


def _with_mosaic(plan: Plan, size: int, seed: int) -> Plan:
    """Add the large image to the programme that images the field it shows; others stay as they are."""
    tiles = tuple(
        exposure
        for exposure in plan.exposures
        if exposure.exposure_type == "NRC_IMAGE"
        and exposure.detector == "NRCBLONG"
        and exposure.observation.number == 1
    )
    if not tiles:
        return plan
    first, *rest = plan.stages
    return replace(plan, stages=((Mosaic(tiles, size, seed), *first), *rest))


@contextmanager
def _pool(workers: int) -> Iterator[ProcessPoolExecutor]:
    """Worker processes of one thread each, which load their libraries while the work is being planned."""
    spawn = multiprocessing.get_context("spawn")
    before = os.environ.get(ONE_THREAD)
    os.environ[ONE_THREAD] = "1"
    try:
        with ProcessPoolExecutor(workers, mp_context=spawn, initializer=_prepare) as pool:
            for _ in range(workers):
                pool.submit(_prepare)
            yield pool
    finally:
        if before is None:
            del os.environ[ONE_THREAD]
        else:
            os.environ[ONE_THREAD] = before


def _prepare() -> None:
    """In a worker: no downloads of Earth orientation, and no alarm about pixels that nobody saw."""
    from astropy.utils import iers

    iers.conf.auto_download = False
    iers.conf.iers_degraded_accuracy = "ignore"
    warnings.filterwarnings("ignore", category=RuntimeWarning, message=".*All-NaN.*")


def _work(
    directory: Path,
    planned: Sequence[tuple[Programme, Plan]],
    progress: Callable[[str, int, int], None] | None,
    pool: ProcessPoolExecutor,
) -> None:
    total = sum(len(stage) for _, plan in planned for stage in plan.stages)
    done = 0
    for stage in range(max(len(plan.stages) for _, plan in planned)):
        futures = {
            pool.submit(_run, task, directory / f"jw{programme.digits}"): task.name
            for programme, plan in planned
            if stage < len(plan.stages)
            for task in plan.stages[stage]
        }
        for future in as_completed(futures):
            future.result()
            done += 1
            if progress is not None:
                progress(futures[future], done, total)


def _run(task: Task, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    task.run(folder)


def _write_release(directory: Path, written: Sequence[Programme], now: datetime) -> None:
    lines = ["# When the programmes of this simulated archive become public."]
    for programme in written:
        lines += ["", f'[programs."{programme.number}"]', _release_line(programme.release, now)]
    (directory / "release.toml").write_text("\n".join(lines) + "\n", encoding="utf-8")


def _release_line(release: Release, now: datetime) -> str:
    if release == "public":
        return "exclusive_months = 0"
    moment = now + (EXCLUSIVE_FOR if release == "exclusive" else SOON)
    return f"release = {moment:%Y-%m-%dT%H:%M:%SZ}"


def _summary(directory: Path, number: int) -> Summary:
    files = [path for path in directory.rglob("*") if path.is_file()]
    names = [parse_name(path.name) for path in files if path.suffix == ".fits"]
    observations = {name.obs_id for name in names if name is not None and name.obs_id is not None}
    return Summary(number, len(observations), len(files), sum(path.stat().st_size for path in files))
