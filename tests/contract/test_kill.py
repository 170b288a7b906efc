"""An ingest killed at any moment: a second run completes it, and nothing is lost, torn, doubled or left over."""

import os
import random
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from deepfield.catalogue.feed import Feed
from deepfield.replica import Replica
from support.files import write_association, write_catalogue, write_product
from support.intake import open_bench

EXPOSURES = [f"jw01234001001_02101_{n:05d}_nrca1" for n in range(1, 6)]
COMBINED = "jw01234-o001_t001_nircam_clear-f200w"
SUFFIXES = ("uncal", "rate", "cal")
FILES = 20
NUMBERS = {"obs_number", "plane_number", "artifact_number"}
WHEN = {"archived_at", "modified_at", "seq_from"}


@pytest.fixture(scope="module")
def tree(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tree")
    for value, name in enumerate(EXPOSURES):
        for suffix in SUFFIXES:
            write_product(folder / f"{name}_{suffix}.fits", value=value)
    members = [f"{name}_cal.fits" for name in EXPOSURES]
    write_association(folder / "jw01234-o001_20260101t000000_image3_00001_asn.json", COMBINED, members)
    write_product(folder / f"{COMBINED}_i2d.fits", DETECTOR="MULTIPLE")
    write_catalogue(folder / f"{COMBINED}_cat.ecsv", 50)
    write_catalogue(folder / "newer" / f"{COMBINED}_cat.ecsv", 70, date="2026-03-01T00:00:00.000")
    newer = folder / "newer" / f"{EXPOSURES[0]}_cal.fits"
    write_product(newer, value=100, date="2026-03-01T00:00:00", CAL_VER="3.0.0")
    return folder


def start(home, url, tree):
    command = [sys.executable, "-m", "support.ingest_process", home, url, tree]
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[1])}
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environment, text=True)
    assert process.stdout.readline() == "ready\n"
    return process


def assert_whole(bench):
    """What must hold after any kill."""
    current = "FROM {0} WHERE seq_to IS NULL"
    for table, key in (("observation", "obs_number"), ("plane", "plane_number"), ("artifact", "artifact_number")):
        doubled = f"SELECT {key} {current.format(table)} GROUP BY {key} HAVING count(*) > 1"
        assert bench.rows(doubled) == []
    missing = "SELECT filename FROM artifact a WHERE seq_to IS NULL AND NOT EXISTS (SELECT 1 FROM {0})"
    for other in (
        "observation o WHERE o.obs_number = a.obs_number AND o.seq_to IS NULL",
        "plane p WHERE p.obs_number = a.obs_number AND p.product_id = a.product_id AND p.seq_to IS NULL",
        "artifact_header h WHERE h.sha256 = a.sha256",
        "content c WHERE c.sha256 = a.sha256 AND c.seq_to IS NULL",
        "source_file s WHERE s.sha256 = a.sha256",
    ):
        assert bench.rows(missing.format(other)) == []
    read = {sha for (sha,) in bench.rows("SELECT sha256 FROM artifact WHERE suffix = 'cat'")}
    assert read <= bench.lake.contents()
    highest = bench.rows("SELECT max(seq_from) FROM observation")[0][0] or 0
    assert highest <= bench.rows("SELECT seq FROM snapshot")[0][0]
    for filename, location, size in bench.rows(
        "SELECT filename, location, content_length FROM artifact WHERE seq_to IS NULL"
    ):
        status = bench.store.stat(location)
        assert status is not None, filename
        assert status[0] == size, filename


def assert_complete(bench, tree, reference):
    assert_whole(bench)
    assert sorted(content(bench) - reference) == sorted(reference - content(bench)) == []
    referenced = {location for (location,) in bench.rows("SELECT location FROM artifact")}
    assert set(bench.store.locations()) == referenced
    pictured = {sha for (sha,) in bench.rows("SELECT sha256 FROM artifact WHERE has_preview")}
    assert {path.name.partition(".")[0] for path in bench.previews.rglob("*.png")} == pictured
    assert bench.lake.contents() == {sha for (sha,) in bench.rows("SELECT sha256 FROM artifact WHERE suffix = 'cat'")}
    assert set(bench.lake.folder.glob("*.parquet")) == set(bench.lake.files())
    assert [len(rows) for rows in sources(bench).values()] == [len(set(rows)) for rows in sources(bench).values()]
    assert sorted(len(rows) for rows in sources(bench).values()) == [50, 70]
    assert_replica_equal(bench)
    strays = [path for path in bench.home.rglob("*") if path.suffix in {".part", ".journal"}]
    assert strays == []


def sources(bench):
    """The labels of the sources of each catalogue in the lake."""
    found = {}
    for file in bench.lake.files():
        for row in pq.read_table(file, columns=["sha256", "label"]).to_pylist():
            found.setdefault(row["sha256"], []).append(row["label"])
    return found


def follow(bench):
    """Let the replica of this home catch up, as a server's would between two kills."""
    replica = Replica(bench.home / "replica.duckdb", Feed(bench.database), memory="300MB", threads=1)
    replica.catch_up()
    return replica


def assert_replica_equal(bench):
    """The replica that followed holds every row version that the catalogue holds, and no other."""
    feed, replica = Feed(bench.database), follow(bench)
    try:
        with replica.cursor() as cursor:
            for table in feed.tables:
                batches = [batch for batch in feed.rows(table, 0, feed.snapshot()) if batch.num_rows]
                names = batches[0].schema.names if batches else []
                expected = sorted(repr([plain(row[name]) for name in names]) for b in batches for row in b.to_pylist())
                held = cursor.execute(f"SELECT {', '.join(names) or '*'} FROM {table}_all").fetchall()
                assert sorted(repr([plain(value) for value in row]) for row in held) == expected, table
    finally:
        replica.close()


def plain(value):
    return value.replace(tzinfo=None) if hasattr(value, "tzinfo") else value


def content(bench):
    """The current archive without what depends on when and in which order files came."""
    feed = Feed(bench.database)
    names = dict(bench.rows("SELECT number, name FROM identity"))
    rows = set()
    for table in feed.tables:
        for batch in feed.rows(table, 0, feed.snapshot()):
            for row in batch.to_pylist():
                if row["seq_to"] is None:
                    plain = {key: value for key, value in row.items() if key not in WHEN}
                    plain |= {key: names[row[key]] for key in NUMBERS & row.keys()}
                    plain.pop("version", None)
                    rows.add((table, repr(sorted(plain.items()))))
    return rows


@pytest.fixture(scope="module")
def reference(tree, tmp_path_factory):
    """What an ingest that nobody disturbs makes of the tree, and how long that takes."""
    bench = open_bench(tmp_path_factory.mktemp("reference"), files_per_commit=3)
    started = time.monotonic()
    report = bench.intake.ingest([tree], link=False)
    taken = time.monotonic() - started
    assert report.counts["ingested"] + report.counts["superseded"] + report.counts["historical"] == FILES
    assert report.refused == []
    assert_complete(bench, tree, content(bench))
    yield content(bench), taken
    bench.database.close()


def kill_often(home, url, tree, reference, *, kills, seed):
    expected, taken = reference
    moments = random.Random(seed)
    for _ in range(kills):
        process = start(home, url, tree)
        time.sleep(moments.uniform(0, taken * 1.1))
        process.send_signal(signal.SIGKILL)
        process.wait()
        process.stdout.close()
        bench = open_bench(home, url)
        assert_whole(bench)
        follow(bench).close()
        bench.database.close()
    bench = open_bench(home, url)
    again = bench.intake.ingest([tree], link=False)
    assert again.refused == []
    assert len(again.entries) == FILES
    assert_complete(bench, tree, expected)
    assert bench.intake.ingest([tree], link=False).counts["unchanged"] == FILES
    bench.database.close()


@pytest.mark.timeout(900)
def test_an_ingest_killed_several_times_is_completed_by_the_next(catalogue_url, tree, reference, tmp_path):
    kill_often(tmp_path / "home", catalogue_url, tree, reference, kills=5, seed=7)


@pytest.mark.prove
@pytest.mark.timeout(3600)
def test_thirty_ingests_killed_are_each_completed(catalogue_url, tree, reference, tmp_path):
    kill_often(
        tmp_path / "home", catalogue_url, tree, reference, kills=30, seed=int(os.environ.get("DEEPFIELD_SEED", "1"))
    )


@pytest.mark.timeout(900)
def test_two_ingests_at_once_both_succeed(catalogue_url, tree, reference, tmp_path):
    expected, _ = reference
    home = tmp_path / "home"
    open_bench(home, catalogue_url).database.close()
    processes = [start(home, catalogue_url, tree) for _ in range(2)]
    endings = []
    readers = [threading.Thread(target=lambda p=p: endings.append(p.communicate()[0])) for p in processes]
    for reader in readers:
        reader.start()
    for reader in readers:
        reader.join()
    assert endings == ["done\n", "done\n"]
    bench = open_bench(home, catalogue_url)
    assert_complete(bench, tree, expected)
    bench.database.close()
