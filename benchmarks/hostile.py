"""Does a hostile ADQL query slow the portal down? Searches of the portal beside queries that use all they may.

    python -m benchmarks.hostile HOME [SECONDS]

HOME is an archive (DEEPFIELD_HOME). Searches are timed alone and beside four hostile queries at a time; the goal is that
their 95th percentile at most doubles. Measure on a quiet machine.
"""

from __future__ import annotations

import sys
import threading
import time
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from statistics import quantiles

from deepfield.access.principal import ANONYMOUS
from deepfield.bootstrap import Archive, build
from deepfield.config import Settings
from deepfield.model.errors import ArchiveError

HOSTILE = (
    "SELECT COUNT(*) FROM ivoa.ObsCore AS a, ivoa.ObsCore AS b, ivoa.ObsCore AS c WHERE SIN(a.t_min) + SIN(b.t_min) + SIN(c.t_min) = 4",
    "SELECT a.obs_id, b.obs_id FROM ivoa.ObsCore AS a, ivoa.ObsCore AS b ORDER BY a.t_min * b.t_min",
    "SELECT COUNT(*) FROM ivoa.ObsCore AS a, ivoa.ObsCore AS b WHERE INTERSECTS(a.s_region, b.s_region) = 0",
    "SELECT DISTINCT a.obs_id || b.obs_id || c.obs_id FROM ivoa.ObsCore AS a, ivoa.ObsCore AS b, ivoa.ObsCore AS c",
)


def main() -> None:
    home, seconds = Path(sys.argv[1]), float(sys.argv[2]) if len(sys.argv) > 2 else 20.0
    with build(Settings(home=home, log_level="warning")) as archive:
        archive.replica.catch_up()
        ask(archive, "SELECT COUNT(*) FROM ivoa.ObsCore", 600.0)
        alone = searches(archive, seconds)
        stop = threading.Event()
        askers = [threading.Thread(target=hostile, args=(archive, query, stop), daemon=True) for query in HOSTILE]
        for each in askers:
            each.start()
        time.sleep(2)
        beside = searches(archive, seconds)
        stop.set()
        print(
            f"| searches | n | p50 ms | p95 ms |\n|---|--:|--:|--:|\n{line('alone', alone)}\n{line('beside hostile ADQL', beside)}"
        )
        print(f"\np95 grew {quantiles(beside, n=20)[-1] / quantiles(alone, n=20)[-1]:.2f}-fold (goal: at most 2)")
        for each in askers:
            each.join(30)


def searches(archive: Archive, seconds: float) -> list[float]:
    random, until, taken = Random(1), time.monotonic() + seconds, []
    while time.monotonic() < until:
        place = f"{random.uniform(0, 360):.4f} {random.uniform(-80, 80):.4f}"
        query = archive.search.parse(
            {"position": place, "radius": "1d"} if random.random() < 0.5 else {"instrument_name": "NIRCAM"}
        )
        begun = time.perf_counter()
        archive.search.find(query)
        if random.random() < 0.2:
            archive.search.facets(query)
        taken.append((time.perf_counter() - begun) * 1e3)
    return taken


def hostile(archive: Archive, query: str, stop: threading.Event) -> None:
    while not stop.is_set():
        with suppress(ArchiveError):
            ask(archive, query, 10.0)


def ask(archive: Archive, query: str, seconds: float) -> None:
    stream = archive.tables.query(
        query, rule=ANONYMOUS.rule(at=datetime.now(UTC)), base_url="", seconds=seconds, maxrec=1_000_000
    )
    for _ in stream:
        pass


def line(name: str, taken: list[float]) -> str:
    cuts = quantiles(taken, n=20)
    return f"| {name} | {len(taken)} | {cuts[9]:.1f} | {cuts[-1]:.1f} |"


if __name__ == "__main__":
    main()
