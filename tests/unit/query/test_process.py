"""ADQL in a process of its own: streams, limits, aborts and deaths, with the real process."""

from __future__ import annotations

import os
import pickle
import signal
import threading
from datetime import UTC, datetime

import pyarrow as pa
import pytest

from deepfield.access.principal import ANONYMOUS
from deepfield.bootstrap import build
from deepfield.config import Settings
from deepfield.model.errors import (
    AdqlNameError,
    ArchiveError,
    EngineFailureError,
    InvalidQueryError,
    MemoryLimitError,
    TimeLimitError,
)
from deepfield.model.tables import Column
from deepfield.services.tables import Upload
from support.archive import PUBLIC, write_products

NOW = datetime(2026, 6, 1, tzinfo=UTC)
HOSTILE = (
    f"SELECT COUNT(*) FROM {', '.join(f'TAP_SCHEMA.columns AS t{n}' for n in range(6))} "
    f"WHERE {' + '.join(f'SIN(t{n}.column_index)' for n in range(6))} = 7"
)


@pytest.fixture(scope="module")
def archive(tmp_path_factory):
    folder = tmp_path_factory.mktemp("process")
    write_products(folder / "products")
    settings = Settings(home=folder / "home", workers=1, query_memory="300MB", query_scratch="50MB", replica_threads=1)
    with build(settings) as made:
        made.intake.ingest([folder / "products"])
        made.replica.catch_up()
        yield made


def ask(archive, adql, **given):
    return archive.tables.query(adql, rule=ANONYMOUS.rule(at=NOW), base_url="https://archive.example", **given)


def read(stream):
    return [row for batch in stream for row in zip(*(column.to_pylist() for column in batch.columns), strict=True)]


def test_rows_stream_with_their_columns_snapshot_and_overflow(archive):
    stream = ask(archive, "SELECT obs_id, calib_level FROM ivoa.ObsCore ORDER BY obs_id", maxrec=3)
    assert [column.name for column in stream.columns] == ["obs_id", "calib_level"]
    assert stream.snapshot == archive.replica.snapshot
    rows = read(stream)
    assert rows[0][0] == PUBLIC
    assert (len(rows), stream.overflow) == (3, True)
    whole = ask(archive, "SELECT obs_id FROM ivoa.ObsCore")
    assert len(read(whole)) == 8
    assert not whole.overflow


def test_an_answer_is_never_older_than_what_searches_see(archive):
    before = ask(archive, "SELECT COUNT(*) FROM ivoa.ObsCore").snapshot
    archive.intake.forget(PUBLIC)
    archive.replica.catch_up()
    stream = ask(archive, f"SELECT COUNT(*) FROM ivoa.ObsCore WHERE obs_id = '{PUBLIC}'")
    assert stream.snapshot > before
    assert read(stream) == [(0,)]
    assert read(ask(archive, f"SELECT COUNT(*) FROM ivoa.ObsCore WHERE obs_id = '{PUBLIC}'", snapshot=before)) == [(2,)]


def test_errors_come_back_with_their_facts(archive):
    with pytest.raises(AdqlNameError) as caught:
        ask(archive, "SELECT nothing FROM ivoa.ObsCore")
    assert (caught.value.value, caught.value.line, caught.value.column) == ("nothing", 1, 8)
    with pytest.raises(InvalidQueryError, match="whole number from 0"):
        ask(archive, "SELECT obs_id FROM ivoa.ObsCore", snapshot=10**6)


def test_uploads_travel_to_the_process(archive):
    upload = Upload((Column("n", "int64", ""),), pa.table({"n": range(100_000)}))
    stream = ask(archive, "SELECT n FROM TAP_UPLOAD.numbers WHERE n >= 99998", uploads={"numbers": upload})
    assert sorted(read(stream)) == [(99_998,), (99_999,)]


def test_a_small_region_with_more_rows_than_expected_gives_all_of_them(archive):
    ((ra, dec),) = read(ask(archive, "SELECT TOP 1 s_ra, s_dec FROM ivoa.ObsCore WHERE s_ra IS NOT NULL"))
    query = (
        "SELECT TOP 60000 a.obs_id FROM ivoa.ObsCore AS a, TAP_SCHEMA.columns AS b, TAP_SCHEMA.columns AS c "
        f"WHERE 1 = CONTAINS(POINT(a.s_ra, a.s_dec), CIRCLE({ra}, {dec}, 0.01))"
    )
    assert len(read(ask(archive, query))) == 60_000


def test_a_query_that_takes_too_long_is_stopped_and_others_go_on(archive):
    with pytest.raises(TimeLimitError):
        ask(archive, HOSTILE, seconds=0.5)
    assert read(ask(archive, "SELECT COUNT(*) FROM TAP_SCHEMA.schemas")) == [(5,)]


def test_a_query_that_needs_too_much_memory_is_refused(archive):
    tables = ", ".join(f"TAP_SCHEMA.columns AS t{n}" for n in range(3))
    query = f"SELECT t0.description, t1.description, t2.description FROM {tables} ORDER BY t0.utype, t1.unit, t2.ucd, t1.description"
    with pytest.raises((MemoryLimitError, TimeLimitError)) as caught:
        read(ask(archive, query, seconds=60))
    assert isinstance(caught.value, MemoryLimitError)
    assert read(ask(archive, "SELECT COUNT(*) FROM TAP_SCHEMA.schemas")) == [(5,)]


def test_a_query_stops_at_once_when_it_is_told_to_before_its_first_row(archive):
    stops = []
    begun = threading.Event()

    def started(stop):
        stops.append(stop)
        begun.set()

    caught = []

    def wait():
        try:
            ask(archive, HOSTILE, seconds=100, started=started)
        except ArchiveError as error:
            caught.append(error)

    asking = threading.Thread(target=wait)
    asking.start()
    assert begun.wait(30)
    stops[0]()
    asking.join(30)
    assert not asking.is_alive()
    assert caught


def test_a_stream_that_nobody_wants_any_more_stops_its_query(archive):
    tables = ", ".join(f"TAP_SCHEMA.columns AS t{n}" for n in range(4))
    stream = ask(archive, f"SELECT t0.description FROM {tables}", seconds=300)
    next(iter(stream))
    stream.close()
    assert read(ask(archive, "SELECT COUNT(*) FROM TAP_SCHEMA.schemas")) == [(5,)]


def test_a_process_that_is_killed_fails_its_queries_alone_and_is_replaced(archive):
    tables = ", ".join(f"TAP_SCHEMA.columns AS t{n}" for n in range(4))
    stream = ask(archive, f"SELECT t0.description FROM {tables}", seconds=300)
    rows = iter(stream)
    next(rows)
    killed = archive.tables.process
    os.kill(killed, signal.SIGKILL)
    with pytest.raises(EngineFailureError, match="ask again"):
        list(rows)
    assert read(ask(archive, "SELECT COUNT(*) FROM TAP_SCHEMA.schemas")) == [(5,)]
    assert archive.tables.process != killed


def test_rows_of_every_table_are_counted(archive):
    counts = archive.tables.counts(NOW)
    assert set(counts) == set(archive.tables.published)
    assert counts["TAP_SCHEMA.schemas"] == 5
    assert counts["ivoa.ObsPlan"] == 0
    assert counts["jwst.products"] == counts["caom2.Artifact"] > 0


@pytest.mark.parametrize(
    "error", [AdqlNameError("x", "y", line=2, column=3, closest="z"), TimeLimitError(3.0), MemoryLimitError()]
)
def test_errors_survive_the_way_between_processes(error):
    again = pickle.loads(pickle.dumps(error))
    assert type(again) is type(error)
    assert (str(again), vars(again)) == (str(error), vars(error))
