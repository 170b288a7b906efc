"""Whole ingests, with worker processes."""

import os
import shutil
import time
from pathlib import Path

import pytest

from deepfield.ingest.release import ReleaseTable
from deepfield.ingest.report import STATUSES
from deepfield.model.errors import ConfigurationError, StorageError
from support.files import EXPOSURE, write_product
from support.intake import open_bench

CAL = f"{EXPOSURE}_cal.fits"
RATE = f"{EXPOSURE}_rate.fits"


def statuses(report):
    return {Path(entry.path).name: entry.status for entry in report.entries}


@pytest.fixture
def tree(tmp_path):
    """Two products, two files that are none, a release table and a link that leads nowhere."""
    folder = tmp_path / "tree"
    write_product(folder / "b" / CAL)
    write_product(folder / "a" / RATE)
    (folder / "notes.txt").write_text("not a product")
    (folder / "a" / f"{EXPOSURE}_uncal.fits").write_bytes((folder / "a" / RATE).read_bytes()[:4000])
    (folder / "gone.fits").symlink_to(tmp_path / "nothing")
    (folder / "release.toml").write_text('[programs."1234"]\nexclusive_months = 12\n')
    return folder


def test_every_file_is_reported_once_and_a_second_run_reads_no_product_again(bench, tree):
    told = []
    report = bench.intake.ingest([tree], progress=lambda done, total, entry: told.append((done, total)))
    assert statuses(report) == {
        CAL: "ingested",
        RATE: "ingested",
        "notes.txt": "refused",
        f"{EXPOSURE}_uncal.fits": "refused",
        "gone.fits": "refused",
        "release.toml": "kept",
    }
    assert told == [(done, 6) for done in range(7)]
    document = report.to_json()
    assert [file["path"] for file in document["files"]] == sorted(entry.path for entry in report.entries)
    assert {key: document["summary"][key] for key in STATUSES} == report.counts
    assert all(file["reason"] for file in document["files"] if file["status"] == "refused")
    again = bench.intake.ingest([tree])
    assert set(statuses(again).values()) == {"unchanged", "refused"}
    assert again.counts["unchanged"] == 3
    assert again.commits == 0


def test_release_tables_of_the_tree_hold_for_later_ingests_and_reach_older_products(bench, tree, tmp_path):
    bench.intake.ingest([tree])
    released = bench.rows("SELECT DISTINCT data_release FROM artifact WHERE seq_to IS NULL")
    assert released == [("2027-01-01T01:00:00.000000Z",)]
    bench.intake.ingest([write_product(tmp_path / "other" / f"{EXPOSURE}_uncal.fits")])
    assert bench.rows("SELECT DISTINCT data_release FROM artifact WHERE seq_to IS NULL") == released
    (tree / "release.toml").write_text('[programs."1234"]\nexclusive_months = 0\n')
    bench.intake.ingest([tree])
    assert bench.rows("SELECT DISTINCT data_release FROM artifact WHERE seq_to IS NULL") == [
        ("2026-01-01T01:00:00.000000Z",)
    ]
    assert ("public_release",) in bench.rows("SELECT type FROM event")


def test_the_archives_own_release_table_overrules_that_of_a_tree(bench, tree):
    (bench.home / "release.toml").write_text('[programs."1234"]\nrelease = 2030-01-01T00:00:00Z\n')
    bench.intake.ingest([tree / "b", tree / "release.toml"])
    assert bench.rows("SELECT data_release FROM artifact") == [("2030-01-01T00:00:00.000000Z",)]


def test_a_release_table_that_cannot_be_read_stops_before_anything_is_published(bench, tree):
    (tree / "release.toml").write_text("[programs]\n1234 = 'soon'")
    with pytest.raises(ConfigurationError, match="release"):
        bench.intake.ingest([tree])
    assert bench.rows("SELECT * FROM artifact") == []


def test_copied_bytes_outlive_the_tree_and_linked_ones_are_missed(bench, tree, tmp_path):
    linked = write_product(tmp_path / "linked" / f"{EXPOSURE}_uncal.fits", value=3.0)
    bench.intake.ingest([tree / "a" / RATE, tree / "b" / CAL], link=False)
    bench.intake.ingest([linked])
    shutil.rmtree(tree)
    assert bench.audit.check(deep=True).findings == ()
    linked.write_bytes(linked.read_bytes() + b"\0" * 2880)
    (finding,) = bench.audit.check().findings
    assert (finding.filename, finding.problem) == (linked.name, "changed")
    linked.unlink()
    assert bench.audit.check().findings[0].problem == "missing"


def test_altered_copies_are_found_by_a_deep_check(bench, tree):
    bench.intake.ingest([tree / "b" / CAL], link=False)
    (location,) = bench.store.locations()
    path = bench.store.local_path(location)
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.chmod(0o644)
    path.write_bytes(content)
    assert bench.audit.check().findings == ()
    assert bench.audit.check(deep=True).findings[0].problem == "altered"


def test_a_linked_product_can_be_copied_later(bench, tree):
    bench.intake.ingest([tree / "b"])
    report = bench.intake.ingest([tree / "b"], link=False)
    assert statuses(report) == {CAL: "unchanged"}
    assert bench.rows("SELECT linked, version FROM artifact WHERE seq_to IS NULL") == [(0, 1)]


def test_a_touched_file_is_recognised_by_its_content(bench, tree):
    bench.intake.ingest([tree / "b"])
    os.utime(tree / "b" / CAL, ns=(1, time.time_ns()))
    assert statuses(bench.intake.ingest([tree / "b"])) == {CAL: "unchanged"}
    assert bench.audit.check().findings == ()


def test_content_changed_behind_size_and_time_is_found_when_asked_to_verify(bench, tree):
    path = tree / "b" / CAL
    bench.intake.ingest([path])
    before = path.stat()
    write_product(path, value=9.0)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert statuses(bench.intake.ingest([path])) == {CAL: "unchanged"}
    assert statuses(bench.intake.ingest([path], verify=True)) == {CAL: "superseded"}


def test_a_store_that_takes_nothing_stops_the_ingest_with_its_reason(bench, tree):
    (bench.home / "store").write_text("in the way")
    with pytest.raises(StorageError, match="cannot be stored"):
        bench.intake.ingest([tree / "b"], link=False)
    assert bench.rows("SELECT * FROM artifact") == []


def test_two_versions_in_one_tree_end_with_the_newer_one(bench, tree, tmp_path):
    write_product(tree / "c" / CAL, date="2026-05-01T00:00:00", CAL_VER="3.0.0")
    report = bench.intake.ingest([tree / "b", tree / "c"])
    assert sorted(entry.status for entry in report.entries) in (["historical", "ingested"], ["ingested", "superseded"])
    assert bench.rows("SELECT location FROM artifact WHERE seq_to IS NULL") == [(str(tree / "c" / CAL),)]


def test_an_older_version_arrives_beside_a_file_that_changes_the_current_one(tmp_path):
    bench = open_bench(tmp_path / "home")
    rate = f"{EXPOSURE}_rate.fits"
    write_product(tmp_path / "new" / rate, date="2026-05-01T00:00:00")
    bench.intake.ingest([tmp_path / "new"], table=ReleaseTable())
    write_product(tmp_path / "old" / rate, date="2026-01-01T00:00:00", value=1.0)
    write_product(tmp_path / "old" / CAL)  # the rate file is no recommended product any more

    report = bench.intake.ingest([tmp_path / "old"], table=ReleaseTable())

    assert sorted(entry.status for entry in report.entries) == ["historical", "ingested"]
    current = "SELECT version, product_group FROM artifact WHERE seq_to IS NULL AND filename = "
    assert bench.rows(f"{current}'{rate}'") == [(1, None)]
    assert bench.rows(f"SELECT count(*) FROM artifact WHERE filename = '{rate}' AND version = 2") == [(1,)]
    bench.database.close()


def test_previews_of_an_ingest_that_died_are_removed_by_the_next(tmp_path, tree):
    bench = open_bench(tmp_path / "home")
    stray = bench.previews / "ab" / f"{'ab' * 32}.png"
    stray.parent.mkdir(parents=True)
    stray.touch()
    (bench.home / "journals").mkdir()
    (bench.home / "journals" / "0.journal").write_text(f"{'ab' * 32}\t\ncut short")
    bench.intake.ingest([tree / "notes.txt"], table=ReleaseTable())
    assert not stray.exists()
    assert [path.name for path in (bench.home / "journals").iterdir()] == ["lock"]
    bench.database.close()
