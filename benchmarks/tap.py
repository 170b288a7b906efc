"""TAP at scale, alone or beside a peer: ``python -m benchmarks.tap``.

Makes an archive under build/bench, serves it by ``deepfield serve`` and asks it over HTTP. With ``--vs URL`` every
request goes to the peer as well, in alternating order, and their rows are compared outside of what is timed. The peer
holds the same rows: they are exported to build/bench/N/obscore.parquet, and the command in DEEPFIELD_BENCH_PEER, if
there is one, is run with that file to bring the peer up. DEEPFIELD_BENCH_PEER_PIDS is a command that prints the
process numbers of the peer, for its CPU.

A timed request runs from just before it is sent until its last byte is there. CPU is that of the server's processes,
their children among them, for one request. Figures go to build/bench/tap.json, a table for RESULTS.md to the output.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import io
import json
import math
import os
import re
import shlex
import statistics
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import numpy as np
from astropy.io.votable import parse_single_table

from benchmarks.run import FOLDER, machine, prepare

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ID = "obs_publisher_did"
CONE = "1=CONTAINS(POINT('ICRS', s_ra, s_dec), CIRCLE('ICRS', {ra:.7f}, {dec:.7f}, {radius:.7f}))"
SEVENTEEN = (
    "obs_publisher_did, obs_id, target_name, instrument_name, filters, dataproduct_type, calib_level, s_ra, s_dec, "
    "t_min, t_max, t_exptime, em_min, em_max, proposal_id, access_url, s_region"
)
TEN = "obs_publisher_did, obs_id, target_name, instrument_name, filters, s_ra, s_dec, t_min, t_exptime, access_url"
EXPORTED = (
    "obs_id, obs_collection, obs_publisher_did, facility_name, target_name, instrument_name, filters, dataproduct_type, "
    "calib_level, s_ra, s_dec, s_fov, s_region, t_min, t_max, t_exptime, em_min, em_max, proposal_id, access_url, "
    "access_format, access_estsize, obs_release_date"
)
FORMATS = {
    "json": "application/json",
    "csv": "csv",
    "votable": "application/x-votable+xml;serialization=TABLEDATA",
    "binary2": "application/x-votable+xml;serialization=BINARY2",
}
ARCMIN = 1 / 60
CLIENTS = (1, 8, 32)
ALL = 2_000_000


@dataclass
class Server:
    """A TAP service and the processes behind it."""

    name: str
    tap: str
    table: str
    pids: Callable[[], list[int]]
    client: httpx.Client = field(
        default_factory=lambda: httpx.Client(timeout=600, trust_env=False, headers={"Accept-Encoding": "identity"})
    )

    def cpu(self) -> float:
        """Return the CPU seconds of all processes so far."""
        return sum(spent(pid) for pid in with_children(self.pids()))


@dataclass
class Figures:
    """Of one workload on one server. Times in milliseconds."""

    workload: str
    server: str
    requests: int
    median: float
    p95: float
    first_byte: float
    cpu: float
    rows: int
    check: str
    extra: dict[str, float]


def with_children(pids: list[int]) -> set[int]:
    """Return these processes and all that descend from them."""
    parents = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                parents[int(entry.name)] = int(entry.joinpath("stat").read_text().rpartition(")")[2].split()[1])
            except OSError:
                continue
    found = set(pids)
    while more := {pid for pid, parent in parents.items() if parent in found} - found:
        found |= more
    return found


def spent(pid: int) -> float:
    """Return the CPU seconds of a process and of its children that have ended."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK")


Request = dict[str, Any]


def asked(query: str, form: str = "csv", *, maxrec: int = ALL) -> Request:
    """Return the form of a query."""
    parameters = {"REQUEST": "doQuery", "LANG": "ADQL", "RESPONSEFORMAT": FORMATS[form], "MAXREC": str(maxrec)}
    return {"data": {**parameters, "QUERY": query}}


def timed(server: Server, request: Request) -> tuple[float, float, bytes]:
    """Ask once; return seconds to the first and the last byte, and the body."""
    begun = time.perf_counter()
    with server.client.stream("POST", f"{server.tap}/sync", **request) as response:
        first, parts = None, []
        for part in response.iter_raw():
            first = first or time.perf_counter() - begun
            parts.append(part)
        last = time.perf_counter() - begun
    body = b"".join(parts)
    ends = body[:4000] + body[-2000:]
    if response.status_code != 200 or (b"QUERY_STATUS" in ends and b'"ERROR"' in ends):
        raise RuntimeError(f"{server.name} answers {response.status_code}: {body[:500]!r}")
    return first or last, last, body


def rows_of(body: bytes, form: str) -> list[dict[str, Any]]:
    """Decode an answer."""
    if form == "csv":
        return [
            {name.lower(): value for name, value in row.items()} for row in csv.DictReader(io.StringIO(body.decode()))
        ]
    if form == "json":
        document = json.loads(body)
        if isinstance(document, list):
            return [{name.lower(): value for name, value in row.items()} for row in document]
        names = [(each["name"] if isinstance(each, dict) else each).lower() for each in document["columns"]]
        return [dict(zip(names, row, strict=True)) for row in document["data"]]
    table = parse_single_table(io.BytesIO(body), verify="ignore").to_table()
    names = [name.lower() for name in table.colnames]
    return [dict(zip(names, map(str, row), strict=True)) for row in table.iterrows()]


def digest(rows: list[dict[str, Any]], *, ordered: bool = False) -> str:
    """Tell rows apart by their identifiers, or by all their values where they have none."""
    keys = [str(row[ID]) if ID in row else "|".join(str(row[name]) for name in sorted(row)) for row in rows]
    text = "\n".join(keys if ordered else sorted(keys))
    return f"{len(rows)}:{hashlib.sha256(text.encode()).hexdigest()[:12]}"


class Bench:
    """Asks one or two servers the same."""

    def __init__(self, servers: list[Server], places: list[tuple[float, float]], *, quick: bool) -> None:
        self.servers, self.places, self.quick = servers, places, quick
        self.figures: list[Figures] = []

    def series(
        self,
        name: str,
        make: Callable[[Server, int], Request],
        form: str,
        repetitions: int,
        *,
        compare: bool = True,
        verified: int = 5,
    ) -> None:
        """Ask each server in turn, the order alternating; compare the first answers."""
        repetitions = max(2, repetitions // 20) if self.quick else repetitions
        times: dict[str, list[tuple[float, float]]] = {server.name: [] for server in self.servers}
        rows = dict.fromkeys(times, 0)
        equal = looked = 0
        for number in (-2, -1):
            for server in self.servers:
                timed(server, make(server, number))
        before = {server.name: server.cpu() for server in self.servers}
        for number in range(repetitions):
            bodies = {}
            for server in self.servers if number % 2 else self.servers[::-1]:
                first, last, bodies[server.name] = timed(server, make(server, number))
                times[server.name].append((first, last))
            if number < verified:
                found = {server: rows_of(body, form) for server, body in bodies.items()}
                rows = {server: max(rows[server], len(each)) for server, each in found.items()}
                looked += 1
                equal += len({digest(each) if compare else str(len(each)) for each in found.values()}) == 1
        check = f"{equal}/{looked}" if len(self.servers) > 1 else "none"
        for server in self.servers:
            cpu = (server.cpu() - before[server.name]) / repetitions * 1e3
            lasts = sorted(last * 1e3 for _, last in times[server.name])
            median = statistics.median(lasts)
            first = statistics.median(first for first, _ in times[server.name]) * 1e3
            p95 = lasts[math.ceil(0.95 * len(lasts)) - 1]
            extra = {"rows/s": rows[server.name] / median * 1e3} if rows[server.name] > 5000 else {}
            self.tell(Figures(name, server.name, repetitions, median, p95, first, cpu, rows[server.name], check, extra))

    def tell(self, figures: Figures) -> None:
        self.figures.append(figures)
        print(figures, file=sys.stderr)

    def place(self, number: int) -> tuple[float, float]:
        return self.places[number % len(self.places)]

    def cone(self, server: Server, number: int, *, radius: float, form: str) -> Request:
        ra, dec = self.place(number)
        where = CONE.format(ra=ra, dec=dec, radius=radius)
        return asked(f"SELECT {SEVENTEEN} FROM {server.table} WHERE {where}", form)

    def all_of(self, server: Server, _number: int, *, query: str, form: str) -> Request:
        return asked(query.format(server.table), form)

    # -- workloads

    def cones(self) -> None:
        for form in ("json", "csv", "votable"):
            self.series(f"cone 1′ {form}", partial(self.cone, radius=ARCMIN, form=form), form, 100, verified=10)
        self.series("cone 1° binary2", partial(self.cone, radius=1.0, form="binary2"), "binary2", 30)

    def facets(self) -> None:
        query = "SELECT instrument_name, filters, COUNT(*) AS n FROM {} GROUP BY instrument_name, filters"
        self.series("facets", lambda server, _: asked(query.format(server.table)), "csv", 20)

    def bulk(self) -> None:
        for form in ("binary2", "votable"):
            query = f"SELECT TOP 100000 {TEN} FROM {{}}"
            # without an order any 100,000 rows are right: only their number is compared
            make = partial(self.all_of, query=query, form=form)
            self.series(f"100 k × 10 {form}", make, form, 6, compare=False, verified=1)

    def crossmatch(self) -> None:
        for number in (10_000, 100_000):
            table = upload(self.places, number)

            def make(server: Server, _: int, table: bytes = table) -> Request:
                query = (
                    f"SELECT u.id, o.{ID} FROM TAP_UPLOAD.up AS u JOIN {server.table} AS o ON "
                    f"1=CONTAINS(POINT('ICRS', o.s_ra, o.s_dec), CIRCLE('ICRS', u.ra, u.dec, {5 / 3600:.8f}))"
                )
                request = asked(query)
                request["data"]["UPLOAD"] = "up,param:table"
                return request | {"files": {"table": ("up.vot", table, "application/x-votable+xml")}}

            self.series(f"crossmatch {number:,} at 5″", make, "csv", 5, verified=1)

    def intersects(self) -> None:
        def make(server: Server, number: int) -> Request:
            ra, dec = self.place(number)
            where = f"1=INTERSECTS(s_region, CIRCLE('ICRS', {ra:.7f}, {dec:.7f}, 0.05))"
            return asked(f"SELECT {SEVENTEEN} FROM {server.table} WHERE {where}")

        self.series("INTERSECTS 3′", make, "csv", 40)

    def jobs(self) -> None:
        repetitions = 2 if self.quick else 20
        for server in self.servers:
            self.job(server, -1)
        before = {server.name: server.cpu() for server in self.servers}
        times: dict[str, list[float]] = {server.name: [] for server in self.servers}
        for number in range(repetitions):
            for server in self.servers if number % 2 else self.servers[::-1]:
                times[server.name].append(self.job(server, number) * 1e3)
        for server in self.servers:
            each = sorted(times[server.name])
            cpu = (server.cpu() - before[server.name]) / repetitions * 1e3
            p95 = each[math.ceil(0.95 * len(each)) - 1]
            name, median = "job: make, run, poll each 20 ms, fetch, delete", statistics.median(each)
            self.tell(Figures(name, server.name, repetitions, median, p95, median, cpu, 0, "none", {}))

    def job(self, server: Server, number: int) -> float:
        ask, begun = server.client, time.perf_counter()
        made = ask.post(f"{server.tap}/async", **self.cone(server, number, radius=ARCMIN, form="csv"))
        place = made.headers["Location"]
        ask.post(f"{place}/phase", data={"PHASE": "RUN"})
        while (phase := ask.get(f"{place}/phase").text.strip()) not in {"COMPLETED", "ERROR", "ABORTED"}:
            time.sleep(0.02)
        result = ask.get(f"{place}/results/result", follow_redirects=True)
        ask.delete(place)
        if phase != "COMPLETED" or result.status_code != 200:
            raise RuntimeError(f"{server.name}: a job ended in {phase}")
        return time.perf_counter() - begun

    def crowd(self) -> None:
        seconds = 2 if self.quick else 20
        for clients in CLIENTS:
            for server in (*self.servers, *(self.servers[::-1] if len(self.servers) > 1 else ())):
                before, lasts = server.cpu(), []
                until = time.perf_counter() + seconds / (2 if len(self.servers) > 1 else 1)

                def ask(offset: int, server: Server = server, until: float = until, lasts: list[float] = lasts) -> None:
                    number = offset * 7919
                    while time.perf_counter() < until:
                        number += 1
                        _, last, _ = timed(server, self.cone(server, number, radius=ARCMIN, form="csv"))
                        lasts.append(last * 1e3)

                begun = time.perf_counter()
                threads = [threading.Thread(target=ask, args=(offset,)) for offset in range(clients)]
                for thread in threads:
                    thread.start()
                for thread in threads:
                    thread.join()
                wall, each = time.perf_counter() - begun, sorted(lasts)
                cpu = (server.cpu() - before) / len(each) * 1e3
                extra = {"requests/s": len(each) / wall}
                p95, median = each[math.ceil(0.95 * len(each)) - 1], statistics.median(each)
                name = f"cone 1′ csv, {clients} clients"
                self.tell(Figures(name, server.name, len(each), median, p95, median, cpu, 0, "none", extra))


WORKLOADS = ("cones", "facets", "bulk", "crossmatch", "intersects", "jobs", "crowd")


def upload(places: list[tuple[float, float]], number: int) -> bytes:
    """Write a VOTable of positions, half of them on observations."""
    random = np.random.default_rng(7)
    on = np.array([places[index % len(places)] for index in range(number // 2)])
    on += random.normal(0, 1 / 3600, on.shape)
    anywhere = np.stack(
        [random.uniform(0, 360, number - len(on)), np.degrees(np.arcsin(random.uniform(-1, 1, number - len(on))))],
        axis=1,
    )
    rows = "".join(
        f"<TR><TD>{index}</TD><TD>{ra % 360!r}</TD><TD>{dec!r}</TD></TR>"
        for index, (ra, dec) in enumerate(np.concatenate([on, anywhere]).tolist())
    )
    return (
        '<?xml version="1.0"?><VOTABLE version="1.3" xmlns="http://www.ivoa.net/xml/VOTable/v1.3"><RESOURCE><TABLE>'
        '<FIELD name="id" datatype="int"/><FIELD name="ra" datatype="double" unit="deg"/>'
        f'<FIELD name="dec" datatype="double" unit="deg"/><DATA><TABLEDATA>{rows}</TABLEDATA></DATA></TABLE></RESOURCE></VOTABLE>'
    ).encode()


class Served:
    """Our server on an archive, in a process of its own."""

    def __init__(self, home: Path) -> None:
        environment = os.environ | {"DEEPFIELD_HOME": str(home), "DEEPFIELD_LOG_LEVEL": "error"}
        command = [str(Path(sys.executable).with_name("deepfield")), "serve", "--port", "0"]
        self.process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)

    def __enter__(self) -> Server:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            if found := re.search(r"http://\S+", line):
                base = found.group().rstrip("/")
                break
        else:
            raise RuntimeError("the server did not start")
        answer_one = {"LANG": "ADQL", "QUERY": "SELECT TOP 1 obs_id FROM ivoa.ObsCore"}
        while httpx.get(f"{base}/tap/sync", params=answer_one, timeout=60, trust_env=False).status_code != 200:
            time.sleep(0.5)  # the replica of what answers ADQL is being built
        return Server("deepfield", f"{base}/tap", "ivoa.ObsCore", lambda: [self.process.pid])

    def __exit__(self, *_error: object) -> None:
        self.process.terminate()
        self.process.wait(timeout=30)


def export(server: Server, path: Path) -> None:
    """Write all rows as the peer is to hold them."""
    if path.exists():
        return
    request = {"data": {"LANG": "ADQL", "RESPONSEFORMAT": "parquet", "MAXREC": "100000000"}}
    request["data"]["QUERY"] = f"SELECT {EXPORTED} FROM {server.table}"
    _, _, body = timed(server, request)
    part = path.with_suffix(".part")
    part.write_bytes(body)
    part.rename(path)


def peer_pids() -> list[int]:
    command = os.environ.get("DEEPFIELD_BENCH_PEER_PIDS")
    if not command:
        return []
    told = subprocess.run(shlex.split(command), check=True, capture_output=True, text=True).stdout
    return [int(pid) for pid in re.findall(r"\d+", told)]


def report(figures: list[Figures]) -> Iterator[str]:
    """Write the table, our figures beside the peer's and the ratio of their CPU."""
    yield "| workload | server | n | rows | median ms | p95 | first byte | CPU ms | rows equal | more | CPU peer / ours |"
    yield "|---|---|--:|--:|--:|--:|--:|--:|---|---|--:|"
    ours = {each.workload: each.cpu for each in figures if each.server == "deepfield"}
    for each in figures:
        more = ", ".join(f"{value:,.0f} {name}" for name, value in each.extra.items())
        ratio = (
            f"{each.cpu / ours[each.workload]:.1f}" if each.server != "deepfield" and ours.get(each.workload) else ""
        )
        numbers = " | ".join(f"{value:,.1f}" for value in (each.median, each.p95, each.first_byte, each.cpu))
        yield f"| {each.workload} | {each.server} | {each.requests} | {each.rows:,} | {numbers} | {each.check} | {more} | {ratio} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--vs", help="TAP address of the peer")
    parser.add_argument("--vs-table", default="jwst.obs", help="its table")
    parser.add_argument("--observations", type=int, default=1_000_000)
    parser.add_argument("--only", help=f"some of {','.join(WORKLOADS)}")
    parser.add_argument("--quick", action="store_true", help="few repetitions, to see that everything runs")
    options = parser.parse_args()
    home = FOLDER / str(options.observations)
    prepare(home, options.observations)
    with Served(home.absolute()) as ours:
        servers = [ours]
        if options.vs:
            export(ours, home / "obscore.parquet")
            if command := os.environ.get("DEEPFIELD_BENCH_PEER"):
                subprocess.run([*shlex.split(command), str(home / "obscore.parquet")], check=True)
            servers.append(Server("peer", options.vs.rstrip("/"), options.vs_table, peer_pids))
        _, _, body = timed(
            ours, asked("SELECT TOP 5000 s_ra, s_dec FROM ivoa.ObsCore WHERE s_ra IS NOT NULL ORDER BY obs_id")
        )
        places = [(float(row["s_ra"]), float(row["s_dec"])) for row in rows_of(body, "csv")]
        bench = Bench(servers, places, quick=options.quick)
        for workload in options.only.split(",") if options.only else WORKLOADS:
            getattr(bench, workload)()
    found = {"machine": machine(), "load": os.getloadavg()[0], "figures": [vars(each) for each in bench.figures]}
    (FOLDER / "tap.json").write_text(json.dumps(found, indent=1), encoding="utf-8")
    print("\n".join(report(bench.figures)))


if __name__ == "__main__":
    main()
