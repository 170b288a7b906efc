"""``python -m benchmarks.run``: make archives of 10,000 and of 1,000,000 observations under build/bench, measure, report.

Prints the Markdown that benchmarks/RESULTS.md keeps; figures stay in build/bench/results.json.
"""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
import time
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from benchmarks.generate import SCALE, generate

FOLDER = Path("build/bench")
SMALL = 10_000


def main() -> None:
    large = int(os.environ.get("DEEPFIELD_BENCH_OBSERVATIONS", SCALE["observations"]))
    results: dict[str, Any] = {"machine": machine(), "observations": large}
    for number in (SMALL, large):
        prepare(FOLDER / str(number), number)
        print(f"building the replica of {number:,} observations", file=sys.stderr)
        results[f"build {number}"] = measure(number, "--rebuild")
        print(f"searching {number:,} observations", file=sys.stderr)
        results[f"search {number}"] = measure(number, "21")
    (FOLDER / "results.json").write_text(json.dumps(results, indent=1), encoding="utf-8")
    print(report(results))


def prepare(folder: Path, number: int) -> None:
    catalogue = folder / "catalogue.sqlite"
    if catalogue.exists():
        return
    folder.mkdir(parents=True, exist_ok=True)
    print(f"writing {number:,} observations into {catalogue}", file=sys.stderr)
    part = folder / "writing.sqlite"
    for leftover in folder.glob("writing.sqlite*"):
        leftover.unlink()
    begun = time.perf_counter()
    generate(part, number)
    part.rename(catalogue)
    print(f"written in {time.perf_counter() - begun:.0f} s", file=sys.stderr)


def measure(number: int, *options: str) -> dict[str, Any]:
    """Measure in a process of its own, so that its memory is that of one server."""
    command = [sys.executable, "-m", "benchmarks.search", str(FOLDER / str(number)), *options]
    found = subprocess.run(command, check=True, capture_output=True, text=True)
    return json.loads(found.stdout.splitlines()[-1]) | {"load": os.getloadavg()[0]}


def machine() -> dict[str, Any]:
    return {
        "date": datetime.now(UTC).date().isoformat(),
        "cores": os.cpu_count(),
        "platform": platform.platform(),
        "python": platform.python_version(),
        **{name: version(name) for name in ("duckdb", "pyarrow", "sqlglot", "numpy", "hpgeom", "SQLAlchemy")},
    }


def report(results: dict[str, Any]) -> str:
    small, large = results[f"search {SMALL}"], results[f"search {results['observations']}"]
    build = results[f"build {results['observations']}"]
    lines = [
        ", ".join(f"{name} {value}" for name, value in results["machine"].items()),
        "",
        f"| workload, {results['observations']:,} observations | rows | service p50 | p95 | CPU | goal | bare p50 | CPU | ratio | {SMALL:,}: p50 | CPU |",
        "|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|",
    ]
    for each, before in zip(large["workloads"], small["workloads"], strict=True):
        ratio = f"{each['service'] / each['bare']:.2f}" if each["bare"] else ""
        numbers = [
            each["service"],
            each["service_p95"],
            each["service_cpu"],
            each["goal"],
            each["bare"],
            each["bare_cpu"],
        ]
        cells = ["" if number is None else f"{number:.1f}" for number in numbers]
        lines.append(
            f"| {each['name']} | {each['rows']:,} | {' | '.join(cells)} | {ratio} | {before['service']:.1f} | {before['service_cpu']:.1f} |"
        )
    lines += [
        "",
        (
            f"Replica built in {build['opened_seconds']:.0f} s ({build['opened_cpu_seconds']:.0f} s CPU), process at most "
            f"{build['memory_mb']:.0f} MB; searching process at most {large['memory_mb']:.0f} MB. Replica {large['replica_mb']:.0f} MB, "
            f"catalogue {large['catalogue_mb']:.0f} MB. Load of the machine {build['load']:.1f} after the build, {large['load']:.1f} after the searches."
        ),
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    main()
