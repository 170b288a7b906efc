"""What becomes of files, one transaction at a time, without worker processes."""

from datetime import UTC, datetime, timedelta

import pytest
from astropy.io import fits

from deepfield.catalogue.outbox import Outbox
from deepfield.ingest.reading import Rules, read_file
from deepfield.ingest.release import ProgramRelease, ReleaseTable
from deepfield.ingest.rules import state
from deepfield.ingest.scan import scan
from deepfield.model.coverage import parse_region
from deepfield.model.errors import NotFoundError
from support.files import EXPOSURE, write_association, write_catalogue, write_product
from support.intake import open_bench

CAL = f"{EXPOSURE}_cal.fits"
COMBINED = "jw01234-o001_t001_nircam_clear-f200w"
NOW = datetime(2026, 6, 1, tzinfo=UTC)


@pytest.fixture
def file(bench, tmp_path):
    """Files every file under a path in one transaction; entries by file name."""
    journal = tmp_path / "journal"
    journal.touch()

    def file(*paths, at=NOW, copy=False):
        rules = Rules(bench.previews, bench.home / "lake", journal, str(bench.home / "store") if copy else None)
        readings = [read_file(rules, found) for found in scan(paths)]
        with bench.database.begin() as connection:
            filing = bench.archivist.file(connection, readings, at=at)
        return {entry.path.rpartition("/")[2]: entry for entry in filing.entries}

    return file


def events(bench, *kinds):
    with bench.database.read() as connection:
        rows = Outbox().after(connection, 0)
    return [row["document"] for row in rows if not kinds or row["type"] in kinds]


def artifact(bench, name=CAL):
    with bench.database.read() as connection:
        return bench.observations.artifact(connection, name)


def versions(bench, name=CAL):
    with bench.database.read() as connection:
        return [(row["version"], row["current"]) for row in bench.observations.versions(connection, name)]


def test_a_product_becomes_a_findable_observation(bench, file, tmp_path):
    entry = file(write_product(tmp_path / "in" / CAL))[CAL]
    assert (entry.status, entry.obs_id) == ("ingested", EXPOSURE)
    with bench.database.read() as connection:
        row = bench.observations.describe(connection, EXPOSURE)
        (product,) = bench.observations.products(connection, EXPOSURE)
        header = bench.observations.header(connection, product["sha256"])
    assert (row["instrument_name"], row["filters"], row["target_name"]) == ("NIRCAM", "F200W", "NGC 3324")
    assert (product["version"], product["linked"], product["location"]) == (1, True, str(tmp_path / "in" / CAL))
    assert ["CRDS_CTX", "jwst_1535.pmap", ""] in header["hdus"][0]["cards"]


def test_the_same_content_again_is_unchanged_and_takes_no_snapshot(bench, file, tmp_path):
    file(write_product(tmp_path / "in" / CAL))
    before = bench.rows("SELECT seq FROM snapshot")
    assert file(tmp_path / "in")[CAL].status == "unchanged"
    assert bench.rows("SELECT seq FROM snapshot") == before


def test_a_newer_version_supersedes_and_says_why(bench, file, tmp_path):
    file(write_product(tmp_path / "1" / CAL))
    newer = write_product(tmp_path / "2" / CAL, date="2026-03-01T00:00:00", CAL_VER="3.0.0", R_FLAT="crds://new.fits")
    entry = file(newer)[CAL]
    assert entry.status == "superseded"
    assert "calibration, reference_files" in entry.reason
    assert versions(bench) == [(2, True), (1, False)]
    (event,) = events(bench, "reprocessed")
    assert event["cause"] == ["calibration", "reference_files"]
    assert (event["old"]["CAL_VER"], event["new"]["CAL_VER"]) == ("2.0.1", "3.0.0")
    assert [listed["filename"] for listed in event["files"]] == [CAL]


def test_an_older_version_that_arrives_late_is_history(bench, file, tmp_path):
    file(write_product(tmp_path / "1" / CAL))
    entry = file(write_product(tmp_path / "2" / CAL, date="2025-03-01T00:00:00", CAL_VER="1.0.0"))[CAL]
    assert entry.status == "historical"
    assert versions(bench) == [(2, False), (1, True)]
    assert artifact(bench)["location"] == str(tmp_path / "1" / CAL)
    assert events(bench, "reprocessed") == []
    assert file(tmp_path / "2")[CAL].status == "unchanged"


def test_a_version_that_differs_in_nothing_but_bytes_is_told_as_content(bench, file, tmp_path):
    file(write_product(tmp_path / "1" / CAL))
    file(write_product(tmp_path / "2" / CAL, value=1.0))
    assert events(bench, "reprocessed")[0]["cause"] == ["content"]


def test_a_moved_file_is_served_from_its_new_place(bench, file, tmp_path):
    old = write_product(tmp_path / "1" / CAL)
    file(old)
    (tmp_path / "2").mkdir()
    old.rename(tmp_path / "2" / CAL)
    assert file(tmp_path / "2")[CAL].status == "unchanged"
    assert (artifact(bench)["location"], versions(bench)) == (str(tmp_path / "2" / CAL), [(1, True)])


def test_a_second_copy_of_a_file_leaves_the_first_in_use(bench, file, tmp_path):
    file(write_product(tmp_path / "1" / CAL))
    file(write_product(tmp_path / "2" / CAL))
    assert artifact(bench)["location"] == str(tmp_path / "1" / CAL)


def test_a_bad_file_is_refused_and_stops_nobody(bench, file, tmp_path):
    write_product(tmp_path / "in" / CAL)
    (tmp_path / "in" / f"{EXPOSURE}_rate.fits").write_bytes(b"SIMPLE  = nonsense")
    (tmp_path / "in" / "empty.fits").touch()
    entries = file(tmp_path / "in")
    assert entries[CAL].status == "ingested"
    assert entries["empty.fits"].status == entries[f"{EXPOSURE}_rate.fits"].status == "refused"
    assert "empty" in entries["empty.fits"].reason


def test_files_that_arrive_one_by_one_make_the_same_observation(bench, file, tmp_path):
    names = [CAL, f"{EXPOSURE}_rate.fits", f"{EXPOSURE}_uncal.fits"]
    for name in reversed(names):
        file(write_product(tmp_path / "in" / name))
    with bench.database.read() as connection:
        planes = bench.observations.planes(connection, EXPOSURE)
        row = bench.observations.describe(connection, EXPOSURE)
    assert [plane["product_id"] for plane in planes] == ["uncal", "rate", "cal"]
    assert (row["n_products"], row["calib_level"], row["main_product"]) == (3, 2, CAL)


def test_an_association_is_listed_with_its_members_whichever_comes_first(bench, file, tmp_path):
    asn = "jw01234-o001_20260101t000000_image3_00001_asn.json"
    second = EXPOSURE.replace("00001_nrca1", "00002_nrca1")
    write_association(tmp_path / "asn" / asn, COMBINED, [f"{EXPOSURE}_cal.fits", f"{second}_cal.fits"])
    file(write_product(tmp_path / "1" / CAL))
    file(tmp_path / "asn")
    file(write_product(tmp_path / "2" / f"{second}_cal.fits"))
    file(write_product(tmp_path / "3" / f"{COMBINED}_i2d.fits", DETECTOR="MULTIPLE"))
    with bench.database.read() as connection:
        for member in (EXPOSURE, second):
            listed = {row["filename"]: row["relation"] for row in bench.observations.products(connection, member)}
            assert listed == {asn: "association", f"{member}_cal.fits": None}
            assert bench.observations.part_of(connection, member) == [COMBINED]
            assert bench.observations.describe(connection, member)["n_products"] == 2
        assert bench.observations.members(connection, COMBINED) == [EXPOSURE, second]


def test_exclusive_data_stay_exclusive_when_another_file_arrives_without_the_table(bench, file, tmp_path):
    release = datetime(2027, 1, 1, tzinfo=UTC)
    with bench.database.begin() as connection:
        assert state(connection, ReleaseTable({"1234": ProgramRelease(release=release)}))
    file(write_product(tmp_path / "1" / CAL))
    file(write_product(tmp_path / "2" / f"{EXPOSURE}_rate.fits"))
    assert artifact(bench)["data_release"] == artifact(bench, f"{EXPOSURE}_rate.fits")["data_release"] == release
    assert events(bench, "public_release") == []
    assert {event["data_rights"] for event in events(bench)} == {"EXCLUSIVE_ACCESS"}


def test_rules_that_change_reach_what_is_stored(bench, file, tmp_path):
    file(write_product(tmp_path / "1" / CAL))
    with bench.database.begin() as connection:
        state(connection, ReleaseTable({"1234": ProgramRelease(exclusive_months=12)}))
        bench.archivist.refile(connection, [EXPOSURE], at=NOW)
    assert artifact(bench)["data_release"] == datetime(2027, 1, 1, 1, tzinfo=UTC)
    with bench.database.begin() as connection:
        assert not state(connection, ReleaseTable({"1234": ProgramRelease(exclusive_months=12)}))


def test_events_of_a_first_public_observation(bench, file, tmp_path):
    file(write_product(tmp_path / "1" / CAL))
    assert sorted(event["type"] for event in events(bench)) == ["archived", "first_archived", "public_release"]
    file(write_product(tmp_path / "2" / f"{EXPOSURE}_rate.fits"), at=NOW + timedelta(days=1))
    assert sorted(event["type"] for event in events(bench))[:2] == ["archived", "archived"]
    assert len(events(bench)) == 4


def test_forgetting_a_file_leaves_the_others(bench, file, tmp_path):
    file(write_product(tmp_path / "in" / CAL), write_product(tmp_path / "in" / f"{EXPOSURE}_rate.fits"))
    done = bench.intake.forget(CAL)
    assert done.obs_ids == (EXPOSURE,)
    with bench.database.read() as connection:
        assert bench.observations.describe(connection, EXPOSURE)["main_product"] == f"{EXPOSURE}_rate.fits"
    (event,) = events(bench, "withdrawn")
    assert [listed["filename"] for listed in event["files"]] == [CAL]
    assert versions(bench) == [(1, False)]
    assert (tmp_path / "in" / CAL).exists()


def test_forgetting_an_observation_takes_its_links_and_copies_and_keeps_its_history(bench, file, tmp_path):
    asn = "jw01234-o001_20260101t000000_image3_00001_asn.json"
    write_association(tmp_path / "in" / asn, COMBINED, [CAL])
    write_product(tmp_path / "in" / CAL, value=1.0)
    write_product(tmp_path / "in" / f"{COMBINED}_i2d.fits", DETECTOR="MULTIPLE")
    file(tmp_path / "in", copy=True)
    assert len(list(bench.store.locations())) == 3
    bench.intake.forget(COMBINED)
    assert [location.rpartition("/")[2] for location in bench.store.locations()] == [CAL]
    with bench.database.read() as connection:
        assert bench.observations.describe(connection, EXPOSURE)["n_products"] == 1
        assert bench.observations.describe(connection, COMBINED, snapshot=1)["obs_id"] == COMBINED
    with pytest.raises(NotFoundError, match=COMBINED):
        bench.intake.forget(COMBINED)


def test_what_was_forgotten_can_come_back_under_its_number_and_version(bench, file, tmp_path):
    file(write_product(tmp_path / "in" / CAL))
    number = artifact(bench)["artifact_number"]
    bench.intake.forget(EXPOSURE)
    entry = file(tmp_path / "in")[CAL]
    assert (entry.status, entry.reason) == ("ingested", "back after it was withdrawn")
    assert (artifact(bench)["artifact_number"], versions(bench)) == (number, [(1, True)])


def union_tree(folder):
    """Three exposures in a row, and of their combination a source catalogue and its association alone."""
    names = [f"jw01234001001_02101_{n:05d}_nrca1" for n in (1, 2, 3)]
    for place, name in enumerate(names):
        path = write_product(folder / f"{name}_cal.fits", value=place)
        west, east = 10.0 + place * 0.05, 10.1 + place * 0.05
        with fits.open(path, mode="update") as opened:
            opened["SCI"].header["S_REGION"] = f"POLYGON ICRS {west} -1 {east} -1 {east} 1 {west} 1"
    write_catalogue(folder / f"{COMBINED}_cat.ecsv", 3)
    members = [f"{name}_cal.fits" for name in names]
    write_association(folder / "jw01234-o001_20260101t000000_image3_00001_asn.json", COMBINED, members)
    return names


@pytest.mark.parametrize("order", [["cal", "cat", "asn"], ["cat", "asn", "cal"], ["asn", "cal", "cat"]])
def test_a_combination_without_a_region_gets_the_union_of_its_members_in_whatever_order_they_come(tmp_path, order):
    names = union_tree(tmp_path / "tree")
    bench = open_bench(tmp_path / "home")
    for kind in order:
        bench.intake.ingest(sorted((tmp_path / "tree").glob(f"*_{kind}.*")))

    def found():
        query = f"SELECT s_region, origin, s_ra FROM observation WHERE obs_id = '{COMBINED}' AND seq_to IS NULL"
        ((region, origin, ra),) = bench.rows(query)
        return None if region is None else parse_region(region), origin, ra

    region, origin, ra = found()
    assert "union of the footprints of 3 members" in origin
    assert region.area() == pytest.approx(0.2 * 2, rel=0.001)
    assert ra == pytest.approx(10.1)
    bench.intake.reindex()
    assert found() == (region, origin, ra)

    bench.intake.forget(names[2])
    region, origin, _ = found()
    assert "union of the footprints of 2 members" in origin
    assert region.area() == pytest.approx(0.15 * 2, rel=0.001)
    bench.database.close()
