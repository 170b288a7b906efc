"""``python -m benchmarks.ingest [TREE]``: the rate of an ingest against its floor, previews per second, memory per worker.

The floor is what no archive can do without: the SHA-256 of all bytes and the headers of all files, by as many processes
in the same run. Without a tree the small simulated archive is made under build/bench. Prints the Markdown that
benchmarks/RESULTS.md keeps.
"""

from __future__ import annotations

import argparse
import json
import logging
import multiprocessing
import os
import resource
import shutil
import subprocess
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import structlog

from deepfield.bootstrap import build
from deepfield.config import Settings
from deepfield.ingest.scan import scan
from deepfield.model.errors import UnreadableFileError
from deepfield.products.preview import make_preview
from deepfield.products.reader import read_header
from deepfield.products.store import digest

if TYPE_CHECKING:
    from collections.abc import Sequence

FOLDER = Path("build/bench/ingest")


@dataclass(frozen=True)
class Result:
    """What one run measured; seconds of the wall, sizes in MB."""

    files: int
    megabytes: float
    workers: int
    floor_seconds: float
    ingest_seconds: float
    """With previews that are there already."""
    whole_seconds: float
    """With previews drawn."""
    previews: int
    preview_seconds: float
    """Of one process that draws them and does nothing else."""
    worker_megabytes: float
    """Most memory of any worker."""
    parent_megabytes: float

    @property
    def ratio(self) -> float:
        return self.ingest_seconds / self.floor_seconds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("tree", nargs="?", type=Path, help="files to ingest; default the small simulated archive")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    arguments = parser.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    shutil.rmtree(FOLDER / "homes", ignore_errors=True)
    result = measure(arguments.tree or simulated(), arguments.workers)
    FOLDER.mkdir(parents=True, exist_ok=True)
    (FOLDER / "results.json").write_text(json.dumps(asdict(result) | {"ratio": result.ratio}, indent=1))
    print(table(result))


def simulated() -> Path:
    tree = FOLDER / "tree"
    if not tree.exists():
        command = [Path(sys.executable).with_name("deepfield"), "simulate", tree, "--size", "small", "--seed", "1"]
        subprocess.run(command, check=True)
    return tree


def measure(tree: Path, workers: int) -> Result:
    paths = [Path(found.path) for found in scan([tree]) if found.problem is None]
    read_all(paths, workers)  # warms the page cache, and what processes import
    floor = read_all(paths, workers)
    homes = FOLDER / "homes"
    whole, products = ingest(homes / "first", tree, workers)
    (homes / "first" / "previews").mkdir(exist_ok=True)
    (homes / "second").mkdir(parents=True)
    shutil.copytree(homes / "first" / "previews", homes / "second" / "previews")
    quick, _ = ingest(homes / "second", tree, workers)
    drawn, seconds = draw(products, homes / "drawn")
    return Result(
        files=len(paths),
        megabytes=sum(path.stat().st_size for path in paths) / 1e6,
        workers=workers,
        floor_seconds=floor,
        ingest_seconds=quick,
        whole_seconds=whole,
        previews=drawn,
        preview_seconds=seconds,
        worker_megabytes=resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1e3,
        parent_megabytes=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3,
    )


def read_all(paths: Sequence[Path], workers: int) -> float:
    """Return the seconds in which processes that are running already read every header and every byte."""
    with multiprocessing.get_context("spawn").Pool(workers) as pool:
        pool.map(read_one, paths[: 4 * workers])
        started = time.perf_counter()
        for _ in pool.imap_unordered(read_one, paths):
            pass
        return time.perf_counter() - started


def read_one(path: Path) -> None:
    digest(path)
    try:
        read_header(path)
    except UnreadableFileError:
        return


def ingest(home: Path, tree: Path, workers: int) -> tuple[float, list[Path]]:
    """Return the seconds of an ingest into an empty archive, and the files that became products."""
    with build(Settings(home=home, workers=workers), searchable=False) as archive:
        started = time.perf_counter()
        report = archive.intake.ingest([tree])
        seconds = time.perf_counter() - started
    return seconds, [Path(entry.path) for entry in report.entries if entry.status == "ingested"]


def draw(products: Sequence[Path], folder: Path) -> tuple[int, float]:
    """Return how many previews one process draws, and in how many seconds."""
    folder.mkdir(parents=True)
    headers = [(path, read_header(path)) for path in products]
    started = time.perf_counter()
    drawn = sum(make_preview(path, header, folder / str(number)) for number, (path, header) in enumerate(headers))
    return drawn, time.perf_counter() - started


def table(result: Result) -> str:
    rows = [
        ("files, size", f"{result.files:,}, {result.megabytes:,.0f} MB"),
        ("processes", f"{result.workers}"),
        (
            "floor (headers and SHA-256)",
            f"{result.floor_seconds:.2f} s, {result.files / result.floor_seconds:.0f} files/s",
        ),
        (
            "ingest, previews there",
            f"{result.ingest_seconds:.2f} s, {result.files / result.ingest_seconds:.0f} files/s",
        ),
        ("against the floor (goal 1.5)", f"{result.ratio:.2f}"),
        ("ingest, previews drawn", f"{result.whole_seconds:.2f} s"),
        ("previews, one process", f"{result.previews / result.preview_seconds:.1f} /s"),
        (
            "most memory of a worker, of the parent",
            f"{result.worker_megabytes:.0f} MB, {result.parent_megabytes:.0f} MB",
        ),
    ]
    return "\n".join(["| what | measured |", "|---|---|", *(f"| {what} | {value} |" for what, value in rows)])


if __name__ == "__main__":
    main()
