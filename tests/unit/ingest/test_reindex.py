"""What changed tables of an operator, or changed rules of ours, do to what is stored."""

import shutil

import pytest

from deepfield.catalogue.feed import Feed
from deepfield.catalogue.outbox import Outbox
from deepfield.ingest import draft as drafts
from deepfield.ingest.blueprint import identify
from deepfield.model.errors import UnknownObservationError
from support.files import EXPOSURE, write_association, write_product
from support.intake import open_bench
from support.tables import override

CAL, RATE = f"{EXPOSURE}_cal.fits", f"{EXPOSURE}_rate.fits"
OTHER = EXPOSURE.replace("00001_nrca1", "00002_nrca1")
BAND = {"instrument": "NIRCAM", "element": "F200W"}
RECOMMENDED = {"exposure_type": "NRC_IMAGE"}


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    folder = tmp_path_factory.mktemp("data")
    for name in (CAL, RATE, f"{OTHER}_cal.fits"):
        write_product(folder / name)
    product = "jw01234-o001_t001_nircam_clear-f200w"
    write_product(folder / f"{product}_i2d.fits", DETECTOR="MULTIPLE")
    association = folder / "jw01234-o001_20260101t000000_image3_00001_asn.json"
    write_association(association, product, [CAL, f"{OTHER}_cal.fits"])
    return folder


@pytest.fixture(scope="module")
def ingested(data):
    """The home of an archive of that data, ingested under the mission's own tables."""
    bench = open_bench(data.with_name(f"{data.name}-home"))
    bench.intake.ingest([data])
    bench.database.close()
    return bench.home


@pytest.fixture
def archive(ingested, tmp_path):
    """Opens a copy of that archive under tables."""
    opened = []
    shutil.copytree(ingested, tmp_path / "home")

    def archive(tables=None):
        opened.append(bench := open_bench(tmp_path / "home", tables=tables))
        return bench

    yield archive
    for bench in opened:
        bench.database.close()


def snapshot(bench):
    return bench.rows("SELECT seq FROM snapshot")[0][0]


def groups(bench, obs_id=EXPOSURE):
    with bench.database.read() as connection:
        rows = bench.observations.products(connection, obs_id, linked=False)
    return {row["filename"]: row["product_group"] for row in rows}


def described(bench, obs_id=EXPOSURE):
    with bench.database.read() as connection:
        return bench.observations.describe(connection, obs_id)


def test_an_archive_whose_tables_did_not_change_stays_as_it_is(archive):
    bench = archive()
    before = snapshot(bench), bench.rows("SELECT * FROM observation"), bench.rows("SELECT * FROM event")
    done = bench.intake.reindex()
    assert (done.total, done.changed, done.left, done.snapshot) == (3, frozenset(), {}, None)
    assert (snapshot(bench), bench.rows("SELECT * FROM observation"), bench.rows("SELECT * FROM event")) == before


def test_another_recommended_set_reaches_what_is_stored_once(archive, tmp_path):
    bench = archive(override(tmp_path / "tables", "recommended.tsv", RECOMMENDED, stage_2b="-", stage_2a="rate"))
    assert groups(bench)[CAL] == "Minimum Recommended Products"
    before = snapshot(bench)
    done = bench.intake.reindex()
    assert (done.changed, done.snapshot) == ({EXPOSURE, OTHER}, before + 1)
    assert groups(bench) == {CAL: None, RATE: "Minimum Recommended Products"}
    assert bench.intake.reindex().snapshot is None


def test_another_band_moves_the_wavelengths_and_its_row_tells_the_feed(archive, tmp_path):
    bench = archive(override(tmp_path / "tables", "bands.tsv", BAND, lower_um="1.5"))
    before = snapshot(bench)
    assert bench.intake.reindex().total == 3
    assert described(bench)["em_min"] == pytest.approx(1.5e-6)
    told = [
        row for batch in Feed(bench.database).rows("observation", before, snapshot(bench)) for row in batch.to_pylist()
    ]
    assert [row["em_min"] for row in told if row["seq_to"] is None] == pytest.approx([1.5e-6] * 3)
    assert [row["obs_id"] for row in told if row["seq_to"] is not None].count(EXPOSURE) == 1


def test_another_type_of_product_makes_a_new_row_and_no_new_version(archive, tmp_path):
    bench = archive(override(tmp_path / "tables", "suffixes.tsv", {"suffix": "rate"}, product_type="AUXILIARY"))
    bench.intake.reindex([EXPOSURE])
    rows = bench.rows(f"SELECT version, product_type, seq_to FROM artifact WHERE filename = '{RATE}' ORDER BY seq_from")
    assert [row[:2] for row in rows] == [(1, "SCIENCE"), (1, "AUXILIARY")]
    assert rows[0][2] == snapshot(bench)


def test_new_files_are_read_and_assembled_under_the_tables_of_the_operator(data, tmp_path):
    tables = override(tmp_path / "tables", "suffixes.tsv", {"suffix": "rate"}, product_type="AUXILIARY")
    override(tables, "recommended.tsv", RECOMMENDED, stage_2b="-")
    bench = open_bench(tmp_path / "home", tables=tables)
    bench.intake.ingest([data / CAL, data / RATE])
    assert groups(bench) == {CAL: None, RATE: None}
    assert bench.rows(f"SELECT product_type FROM artifact WHERE filename = '{RATE}'") == [("AUXILIARY",)]
    bench.database.close()


def test_only_the_observations_named_are_made_again_and_an_unknown_one_stops_all(archive, tmp_path):
    bench = archive(override(tmp_path / "tables", "bands.tsv", BAND, lower_um="1.5"))
    with pytest.raises(UnknownObservationError, match="jw09999"):
        bench.intake.reindex([EXPOSURE, "jw09999"])
    done = bench.intake.reindex([OTHER])
    assert (done.total, done.changed) == (1, {OTHER})
    assert described(bench)["em_min"] != described(bench, OTHER)["em_min"]


def test_a_reindex_that_was_stopped_goes_on_where_it_was(archive, tmp_path, monkeypatch):
    bench = archive(override(tmp_path / "tables", "bands.tsv", BAND, lower_um="1.5"))
    monkeypatch.setattr("deepfield.services.intake.REINDEX_BATCH", 1)

    def stop(_name, done, _total):
        if done == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        bench.intake.reindex(progress=stop)
    done = bench.intake.reindex()
    assert (done.total, len(done.changed)) == (3, 1)
    found = [row[0] for row in bench.rows("SELECT em_min FROM observation WHERE seq_to IS NULL")]
    assert found == pytest.approx([1.5e-6] * 3)


@pytest.fixture
def identified(monkeypatch):
    """Lets a change of code identify stored files otherwise."""
    from dataclasses import replace

    def identified(name, **changes):
        def otherwise(header, **given):
            facts = identify(header, **given)
            return replace(facts, **changes) if facts.filename == name else facts

        monkeypatch.setattr(drafts, "identify", otherwise)

    return identified


def events(bench, after):
    with bench.database.read() as connection:
        return [(row["type"], row["obs_id"]) for row in Outbox().after(connection, after)]


def test_a_product_that_belongs_elsewhere_now_moves_there(archive, identified):
    bench = archive()
    identified(RATE, obs_id=OTHER)
    done = bench.intake.reindex([EXPOSURE])
    assert (done.changed, done.left) == ({EXPOSURE, OTHER}, {})
    assert (set(groups(bench)), set(groups(bench, OTHER))) == ({CAL}, {RATE, f"{OTHER}_cal.fits"})
    assert bench.intake.reindex().snapshot is None


def test_an_observation_that_all_products_leave_is_withdrawn_and_the_new_one_announced(archive, identified):
    bench = archive()
    new = OTHER.replace("00002", "00003")
    identified(f"{OTHER}_cal.fits", obs_id=new)
    last = snapshot(bench)
    assert bench.intake.reindex().changed >= {OTHER, new}
    assert set(groups(bench, new)) == {f"{OTHER}_cal.fits"}
    with pytest.raises(UnknownObservationError):
        groups(bench, OTHER)
    assert {("withdrawn", OTHER), ("archived", new)} <= set(events(bench, last))


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"verdict": "refused", "obs_id": None, "reason": "it is a stray"}, "no product any more: it is a stray"),
        ({"filename": "other.fits"}, "known as other.fits"),
        ({"product_id": "no plane"}, "cannot be assembled"),
    ],
)
def test_an_observation_that_cannot_be_made_again_stays_and_is_named(archive, identified, changes, says):
    bench = archive()
    before = snapshot(bench), groups(bench)
    identified(RATE, **changes)
    done = bench.intake.reindex()
    assert set(done.left) == {EXPOSURE}
    assert says in done.left[EXPOSURE]
    assert (snapshot(bench), groups(bench)) == before


def test_a_product_stays_where_it_is_if_where_it_belongs_cannot_be_made(archive, identified):
    bench = archive()
    identified(RATE, obs_id=OTHER, product_id="no plane")
    done = bench.intake.reindex()
    assert set(done.left) == {EXPOSURE, OTHER}
    assert set(groups(bench)) == {CAL, RATE}


def test_keywords_that_were_never_kept_are_filled_in_and_change_nothing_else(archive):
    bench = archive()
    columns = "artifact_number, file_set, stage, filter, effexptm, program"
    before = bench.rows(f"SELECT {columns} FROM keyword ORDER BY 1"), bench.rows("SELECT * FROM observation")
    assert {row[2:] for row in before[0]} == {
        ("2b", "F200W", 100.0, "1234"), ("2a", "F200W", 100.0, "1234"), ("3", "F200W", 100.0, "1234"),
    }  # fmt: skip
    assert {row[1] for row in before[0]} >= {EXPOSURE.rpartition("_")[0]}
    with bench.database.begin() as connection:
        connection.exec_driver_sql("DELETE FROM keyword")
    assert bench.intake.reindex().changed == frozenset()
    assert (bench.rows(f"SELECT {columns} FROM keyword ORDER BY 1"), bench.rows("SELECT * FROM observation")) == before


def test_keywords_end_with_their_file(archive):
    bench = archive()
    bench.intake.forget(CAL)
    current = "SELECT DISTINCT stage FROM keyword JOIN artifact USING (artifact_number) WHERE filename = '{}' AND keyword.seq_to IS NULL"
    assert bench.rows(current.format(CAL)) == []
    assert bench.rows(current.format(RATE)) == [("2a",)]
    bench.intake.forget(EXPOSURE)
    assert bench.rows(current.format(RATE)) == []
