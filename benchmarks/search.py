"""Searches at scale: each workload by the service and, in the same minutes, as SQL written by hand for the engine.

``python -m benchmarks.search FOLDER`` measures the archive in a folder and prints JSON. A replica that is there is
taken as it is; with ``--rebuild`` only the building of it is measured.
"""

from __future__ import annotations

import json
import logging
import math
import resource
import sys
import time
from dataclasses import asdict, dataclass
from itertools import cycle
from pathlib import Path
from statistics import median, quantiles
from typing import TYPE_CHECKING, Any

import hpgeom
import structlog

from deepfield.catalogue.database import Database
from deepfield.catalogue.feed import Feed
from deepfield.query.engines.duckdb import DuckEngine
from deepfield.replica import Replica
from deepfield.services.resolve import Resolve
from deepfield.services.search import Search

if TYPE_CHECKING:
    from collections.abc import Callable

CATEGORIES = (
    "instrument_name", "filters", "calib_level", "dataproduct_type", "proposal_type", "exp_type", "subarray", "cal_ver",
)  # fmt: skip
FOUR = {
    "instrument_name": "NIRCAM,MIRI",
    "calib_level": "2..",
    "dataproduct_type": "image,cube",
    "t_exptime": "100..1000",
}
HISTOGRAMS = ("t_min", "t_exptime", "em_min")
GROUPS = ("instrument_name", "filters", "calib_level", "dataproduct_type", "proposal_type")
TEXT = "deep survey galaxies"
SHOWN = "obs_id, target_name, s_ra, s_dec, instrument_name, filters, calib_level, t_min, t_exptime, proposal_id, access_estsize"


@dataclass(frozen=True)
class Measured:
    """Milliseconds of one workload."""

    name: str
    rows: int
    service: float
    service_p95: float
    service_cpu: float
    bare: float | None
    bare_cpu: float | None
    goal: float | None

    @property
    def ratio(self) -> float | None:
        return None if self.bare is None else self.service / self.bare


class Archive:
    """The replica of a folder with the services over it."""

    def __init__(self, folder: Path, *, memory: str = "1GB") -> None:
        self.database = Database(f"sqlite:///{folder / 'catalogue.sqlite'}")
        self.replica = Replica(folder / "replica.duckdb", Feed(self.database), memory=memory)
        self.replica.catch_up()
        self.engine = DuckEngine(self.replica)
        self.resolve = Resolve(self.engine)
        self.search = Search(self.engine, self.resolve)
        self.forgetful = Search(self.engine, self.resolve, kept_ghosts=0)

    def ask(self, **params: str) -> Any:
        return self.search.parse(params)

    def facets(self, columns: tuple[str, ...], *, kept: bool, **params: str) -> Any:
        return (self.search if kept else self.forgetful).facets(self.ask(**params), columns)

    def places(self, number: int) -> list[tuple[float, float]]:
        """Centres of observations, evenly drawn."""
        with self.replica.cursor() as cursor:
            total = cursor.execute("SELECT count(*) FROM observation").fetchall()[0][0]
            step = max(1, total // number)
            query = (
                f"SELECT s_ra, s_dec FROM observation WHERE obs_number % {step} = 1 ORDER BY obs_number LIMIT {number}"
            )
            return cursor.execute(query).fetchall()

    def bare(self, *statements: str) -> Callable[[], None]:
        def run() -> None:
            with self.replica.cursor() as cursor:
                for statement in statements:
                    cursor.sql(statement).to_arrow_table()

        return run


def measure(archive: Archive, *, repeats: int) -> list[Measured]:
    places = archive.places(64)
    ours, theirs = cycle(places), cycle(places)
    target = archive.search.find(archive.ask()).table["target_name"][0].as_py()

    def cone(radius: str) -> Callable[[], int]:
        return lambda: archive.search.find(archive.ask(position="{} {}".format(*next(ours)), radius=radius)).total

    def by_hand(radius: float) -> Callable[[], None]:
        return archive.bare(bare_cone(*next(theirs), radius))

    jobs: list[tuple[str, Callable[[], int], Callable[[], None] | None, float | None]] = [
        ("cone 1′ around 64 places in turn", cone("1'"), by_hand(1 / 60), 8),
        ("cone 1°", cone("1"), by_hand(1.0), None),
        ("facets of 8 columns, no filter, nothing kept", lambda: archive.facets(CATEGORIES, kept=False).total, archive.bare(grouping(CATEGORIES)), 60),
        ("the same, kept for the snapshot", lambda: archive.facets(CATEGORIES, kept=True).total, None, None),
        ("5 facets + 3 histograms, 4 filters, nothing kept", lambda: archive.facets(GROUPS + HISTOGRAMS, kept=False, **FOUR).total, archive.bare(*bare_ghosts(), *bare_filtered()), None),
        ("the same, ghosts kept for the snapshot", lambda: archive.facets(GROUPS + HISTOGRAMS, kept=True, **FOUR).total, archive.bare(*bare_filtered()), 150),
        ("page of 100 sorted by exposure, identifier", lambda: archive.search.find(archive.ask(sort="-t_exptime,obs_id")).total, archive.bare(f"SELECT {SHOWN}, obs_number FROM observation ORDER BY t_exptime DESC, obs_id, obs_number LIMIT 101", "SELECT count(*) FROM observation"), 60),
        ("newest page", lambda: archive.search.find(archive.ask()).total, archive.bare(f"SELECT {SHOWN}, obs_number FROM observation ORDER BY t_min DESC, obs_number LIMIT 101", "SELECT count(*) FROM observation"), None),
        ("text, three words", lambda: archive.search.find(archive.ask(text=TEXT)).total, archive.bare(*bare_text(TEXT)), 40),
        ("text, a target", lambda: archive.search.find(archive.ask(text=target)).total, None, 40),
        ("text, misspelt", lambda: archive.search.find(archive.ask(text="galxies")).total, None, None),
        ("resolve a target", lambda: archive.resolve.position(target) and 1, None, None),
        ("suggestions", lambda: len(archive.resolve.suggestions("gala")), None, None),
        ("footprints, 20,000 of all", lambda: archive.search.footprints(archive.ask()).table.num_rows, None, None),
    ]  # fmt: skip
    return [compare(name, service, bare, goal, repeats) for name, service, bare, goal in jobs]


def compare(
    name: str, service: Callable[[], Any], bare: Callable[[], None] | None, goal: float | None, repeats: int
) -> Measured:
    """Run service and bare SQL in turns, so that both meet the same machine."""
    rows = service()
    for _ in range(2):
        service()
        if bare is not None:
            bare()
    ours, theirs = [], []
    for _ in range(repeats):
        ours.append(timed(service))
        if bare is not None:
            theirs.append(timed(bare))
    walls = [wall for wall, _ in ours]
    return Measured(
        name=name,
        rows=rows,
        service=median(walls),
        service_p95=quantiles(walls, n=20)[-1],
        service_cpu=median(cpu for _, cpu in ours),
        bare=median(wall for wall, _ in theirs) if theirs else None,
        bare_cpu=median(cpu for _, cpu in theirs) if theirs else None,
        goal=goal,
    )


def timed(run: Callable[[], Any]) -> tuple[float, float]:
    wall, cpu = time.perf_counter(), time.process_time()
    run()
    return (time.perf_counter() - wall) * 1e3, (time.process_time() - cpu) * 1e3


def bare_cone(ra: float, dec: float, radius: float) -> str:
    """A cone as one writes it by hand: HEALPix ranges, then footprints taken for circles."""
    reach = radius + 0.06
    order = math.floor(math.log2(58.6 / reach)) + 1
    shift = 2 * (29 - order)
    pixels = hpgeom.query_circle(1 << order, ra, dec, reach, inclusive=True, nest=True, return_pixel_ranges=True)
    ranges = " OR ".join(f"healpix BETWEEN {int(a) << shift} AND {(int(b) << shift) - 1}" for a, b in pixels)
    around = f"healpix BETWEEN {int(pixels[0][0]) << shift} AND {(int(pixels[-1][1]) << shift) - 1}"
    a, d = math.radians(ra), math.radians(dec)
    angle = (
        f"2e0 * asin(sqrt(pow(sin((radians(s_dec) - {d!r}) / 2e0), 2) + "
        f"{math.cos(d)!r} * cos(radians(s_dec)) * pow(sin((radians(s_ra) - {a!r}) / 2e0), 2)))"
    )
    return (
        f"SELECT {SHOWN}, obs_number FROM observation WHERE {around} AND ({ranges}) "
        f"AND degrees({angle}) <= {radius!r} + s_fov / 2e0 ORDER BY t_min DESC, obs_number LIMIT 101"
    )


def grouping(columns: tuple[str, ...], where: str = "true", bins: dict[str, str] | None = None) -> str:
    named = {**{name: name for name in columns}, **(bins or {})}
    inner = ", ".join(f"{expression} AS {name}" for name, expression in named.items())
    sets = ", ".join(f"({name})" for name in named)
    names = ", ".join(named)
    return (
        f"SELECT {names}, grouping({names}) AS mask, count(*) AS n FROM (SELECT {inner} FROM observation WHERE {where}) "
        f"GROUP BY GROUPING SETS ({sets}, ())"
    )


CONDITIONS = {
    "instrument_name": "instrument_name IN ('NIRCAM', 'MIRI')",
    "calib_level": "calib_level >= 2",
    "dataproduct_type": "dataproduct_type IN ('image', 'cube')",
    "t_exptime": "t_exptime BETWEEN 1e2 AND 1e3",
}
BINS = {
    "t_min": "least(39, floor((t_min - 59610e0) / 41e0))::INT",
    "t_exptime": "least(39, floor((ln(t_exptime) - 1e0) / 25e-2))::INT",
    "em_min": "least(39, floor((ln(em_min) + 14.4e0) / 1e-1))::INT",
}


def bare_ghosts() -> list[str]:
    ends = ", ".join(f"min({name}), max({name})" for name in BINS)
    return [f"SELECT {ends} FROM observation", grouping(GROUPS, bins=BINS)]


def bare_filtered() -> list[str]:
    everything = " AND ".join(CONDITIONS.values())
    free = tuple(name for name in GROUPS if name not in CONDITIONS)
    statements = [grouping(free, everything, {name: sql for name, sql in BINS.items() if name not in CONDITIONS})]
    for name in CONDITIONS:
        others = " AND ".join(sql for other, sql in CONDITIONS.items() if other != name)
        statements.append(f"SELECT {BINS.get(name, name)} AS v, count(*) FROM observation WHERE {others} GROUP BY v")
    return statements


def bare_text(text: str) -> list[str]:
    """The same index read by hand."""
    words = text.split()
    known = [
        f"SELECT DISTINCT term FROM text_posting WHERE term >= '{word}' AND term < '{word}\U0010ffff'" for word in words
    ]
    wanted = " OR ".join(f"(term >= '{word}' AND term < '{word}\U0010ffff')" for word in words)
    word = " ".join(f"WHEN term >= '{word}' AND term < '{word}\U0010ffff' THEN {at}" for at, word in enumerate(words))
    hits = (
        f"SELECT document, sum(best) AS relevance FROM (SELECT document, CASE {word} END AS word, max(weight) AS best "
        f"FROM text_posting WHERE {wanted} GROUP BY ALL) GROUP BY document HAVING count(*) = {len(words)}"
    )
    joined = f"FROM observation AS o JOIN ({hits}) AS h ON h.document = o.document"
    page = f"SELECT {SHOWN}, obs_number {joined} ORDER BY relevance DESC, t_min DESC, obs_number LIMIT 101"
    return [*known, page, f"SELECT count(*) {joined}"]


def main() -> None:
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    folder, rebuild = Path(sys.argv[1]), "--rebuild" in sys.argv
    if rebuild:
        (folder / "replica.duckdb").unlink(missing_ok=True)
    begun, cpu = time.perf_counter(), time.process_time()
    archive = Archive(folder)
    opened, opened_cpu = time.perf_counter() - begun, time.process_time() - cpu
    found = [] if rebuild else measure(archive, repeats=int(sys.argv[2]) if len(sys.argv) > 2 else 21)
    archive.replica.close()
    print(
        json.dumps(
            {
                "opened_seconds": opened,
                "opened_cpu_seconds": opened_cpu,
                "memory_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3,
                "replica_mb": (folder / "replica.duckdb").stat().st_size / 1e6,
                "catalogue_mb": (folder / "catalogue.sqlite").stat().st_size / 1e6,
                "workloads": [asdict(each) for each in found],
            }
        )
    )


if __name__ == "__main__":
    main()
