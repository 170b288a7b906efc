"""The replica follows the catalogue through commits, damage, deletion and change of layout."""

from __future__ import annotations

import threading
import time
from random import Random

import duckdb
import pytest

from deepfield.catalogue.database import Database
from deepfield.catalogue.feed import Feed
from deepfield.model.errors import ConfigurationError, RebuildingError
from deepfield.replica import Follower, Replica, layout
from support.searching import make_archive, versions
from support.synthetic import commit, observation


@pytest.fixture
def database(tmp_path):
    database = Database(f"sqlite:///{tmp_path / 'catalogue.sqlite'}")
    database.upgrade()
    random = Random(7)
    commit(database, [observation(number, random) for number in range(1, 201)])
    yield database
    database.close()


@pytest.fixture
def replica(database, tmp_path):
    replica = Replica(tmp_path / "replica.duckdb", Feed(database), memory="300MB", threads=1)
    yield replica
    replica.close()


def count(replica, table="observation"):
    with replica.cursor() as cursor:
        return cursor.execute(f"SELECT count(*) FROM {table}").fetchall()[0][0]


def revise(database, numbers, seed=11):
    rows = [observation(number, Random(seed + number)) for number in numbers]
    return commit(database, rows, ended=versions(database, rows))


def test_a_new_replica_answers_nothing_until_it_is_built(replica):
    with pytest.raises(RebuildingError), replica.cursor():
        pass
    assert replica.catch_up() == 1
    assert count(replica) == 200
    assert replica.progress is None


def test_it_keeps_every_version_and_shows_the_current_ones(replica, database):
    replica.catch_up()
    seq = revise(database, range(1, 51))
    assert replica.catch_up() == seq == replica.snapshot
    assert (count(replica), count(replica, "observation_all")) == (200, 250)


def test_steps_or_one_leap_or_a_rebuild_end_in_the_same_rows(database, tmp_path):
    stepping = Replica(tmp_path / "stepping.duckdb", Feed(database), memory="300MB", threads=1)
    stepping.catch_up()
    leaping = Replica(tmp_path / "leaping.duckdb", Feed(database), memory="300MB", threads=1)
    leaping.catch_up()
    for numbers in (range(1, 30), range(20, 60), range(201, 260)):
        revise(database, numbers) if numbers[0] < 201 else commit(
            database, [observation(number, Random(number)) for number in numbers]
        )
        stepping.catch_up()
    leaping.catch_up()
    rebuilt = Replica(tmp_path / "rebuilt.duckdb", Feed(database), memory="300MB", threads=1)
    rebuilt.catch_up()
    contents = []
    for each in (stepping, leaping, rebuilt):
        with each.cursor() as cursor:
            contents.append(cursor.execute("SELECT * FROM observation_all ORDER BY obs_number, seq_from").fetchall())
        each.close()
    assert contents[0] == contents[1] == contents[2]
    assert len(contents[0]) == 200 + 29 + 40 + 59


def test_a_reader_sees_one_snapshot_while_commits_are_applied(replica, database):
    replica.catch_up()
    with replica.cursor() as cursor:
        before = cursor.execute("SELECT max(seq_from), count(*) FROM observation").fetchall()
        revise(database, range(1, 100))
        replica.catch_up()
        assert cursor.execute("SELECT max(seq_from), count(*) FROM observation").fetchall() == before
    with replica.cursor() as cursor:
        assert cursor.execute("SELECT max(seq_from), count(*) FROM observation").fetchall() == [(2, 200)]


def test_it_opens_where_it_stopped(replica, database):
    replica.catch_up()
    replica.close()
    again = Replica(replica.path, Feed(database), memory="300MB", threads=1)
    assert (again.snapshot, count(again)) == (1, 200)
    again.close()


def test_a_build_sorts_observations_along_the_sky(replica):
    replica.catch_up()
    with replica.cursor() as cursor:
        indices = [
            row[0] for row in cursor.execute("SELECT healpix FROM observation WHERE healpix IS NOT NULL").fetchall()
        ]
    assert indices == sorted(indices)


@pytest.mark.parametrize("damage", ["truncated", "rubbish", "empty", "deleted", "another database"])
def test_a_damaged_file_is_built_anew(replica, database, damage):
    replica.catch_up()
    replica.close()
    content = replica.path.read_bytes()
    if damage == "truncated":
        replica.path.write_bytes(content[: len(content) // 3])
    elif damage == "rubbish":
        replica.path.write_bytes(b"no database at all " * 1000)
    elif damage == "empty":
        replica.path.write_bytes(b"")
    else:
        replica.path.unlink()
    if damage == "another database":
        duckdb.connect(str(replica.path)).execute("CREATE TABLE t (x int)").close()
    again = Replica(replica.path, Feed(database), memory="300MB", threads=1)
    assert again.catch_up() == 1
    assert count(again) == 200
    again.close()


def test_a_file_of_another_layout_is_built_anew(replica, database, monkeypatch):
    replica.catch_up()
    replica.close()
    monkeypatch.setattr(layout, "FORMAT", layout.FORMAT + 1)
    again = Replica(replica.path, Feed(database), memory="300MB", threads=1)
    assert not again.ready
    again.catch_up()
    assert count(again) == 200
    again.close()


def test_a_file_ahead_of_its_catalogue_is_built_anew(replica, tmp_path):
    replica.catch_up()
    replica.close()
    empty = Database(f"sqlite:///{tmp_path / 'other.sqlite'}")
    empty.upgrade()
    again = Replica(replica.path, Feed(empty), memory="300MB", threads=1)
    assert again.catch_up() == 0
    assert count(again) == 0
    again.close()
    empty.close()


def test_a_file_deleted_while_it_is_open_is_built_anew_and_answers_meanwhile(replica, database):
    replica.catch_up()
    replica.path.unlink()
    assert count(replica) == 200
    revise(database, [1])
    assert replica.catch_up() == 2
    assert replica.path.exists()
    assert count(replica, "observation_all") == 201


def test_what_a_reader_found_damaged_is_built_anew(replica):
    replica.catch_up()
    inode = replica.path.stat().st_ino
    replica.distrust()
    replica.catch_up()
    assert replica.path.stat().st_ino != inode
    assert count(replica) == 200


def test_a_file_of_another_process_is_left_alone(replica, database, tmp_path):
    replica.catch_up()
    script = (
        f"import duckdb, sys; c = duckdb.connect({str(replica.path)!r}); print('open', flush=True); sys.stdin.read()"
    )
    replica.close()
    import subprocess
    import sys

    with subprocess.Popen([sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdout.readline() == b"open\n"
        with pytest.raises(ConfigurationError, match="another process"):
            Replica(replica.path, Feed(database), memory="300MB", threads=1)
        other.stdin.close()
    assert replica.path.exists()


class SlowFeed:
    """A feed that waits before each batch until it is told to go on."""

    def __init__(self, feed):
        self._feed, self.tables = feed, feed.tables
        self.go_on, self.waiting = threading.Event(), threading.Event()

    def snapshot(self):
        return self._feed.snapshot()

    def count(self, table):
        return self._feed.count(table)

    def rows(self, table, after, until):
        for batch in self._feed.rows(table, after, until):
            self.waiting.set()
            assert self.go_on.wait(20)
            yield batch


def test_a_follower_builds_and_follows_and_tells_how_far_it_is(database, tmp_path):
    feed = SlowFeed(Feed(database))
    replica = Replica(tmp_path / "followed.duckdb", feed, memory="300MB", threads=1)
    follower = Follower(replica, interval=0.02)
    follower.start()
    assert feed.waiting.wait(20)
    assert follower.state.state == "rebuilding"
    assert follower.state.percent is not None
    feed.go_on.set()
    until(lambda: follower.state.state == "ready")
    revise(database, [5])
    follower.wake()
    until(lambda: follower.state.snapshot == 2)
    replica.path.unlink()
    until(replica.path.exists)
    follower.stop()
    replica.close()


def test_a_follower_stops_in_the_middle_of_a_build(database, tmp_path):
    feed = SlowFeed(Feed(database))
    replica = Replica(tmp_path / "followed.duckdb", feed, memory="300MB", threads=1)
    follower = Follower(replica, interval=0.02)
    follower.start()
    assert feed.waiting.wait(20)
    stopping = threading.Thread(target=follower.stop)
    stopping.start()
    until(lambda: replica.abandoned)
    feed.go_on.set()
    stopping.join(20)
    assert not stopping.is_alive()
    assert not replica.ready
    replica.close()


def test_a_follower_says_why_it_fails_and_recovers(database, tmp_path):
    feed = SlowFeed(Feed(database))
    feed.go_on.set()
    broken = [True]
    true_snapshot = feed.snapshot

    def snapshot():
        if broken[0]:
            raise OSError("no database")
        return true_snapshot()

    feed.snapshot = snapshot
    replica = Replica(tmp_path / "followed.duckdb", feed, memory="300MB", threads=1)
    follower = Follower(replica, interval=0.01)
    follower.start()
    until(lambda: follower.state.error == "no database")
    broken[0] = False
    follower.wake()
    until(lambda: follower.state.state == "ready")
    assert follower.state.error is None
    follower.stop()
    replica.close()


def until(holds, seconds=20.0):
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, "waited too long"
        time.sleep(0.01)


def test_readers_never_see_half_a_commit_while_one_writes_and_one_rebuilds(tmp_path):
    """Each commit revises the same rows, so every snapshot has the same number of them, all of one commit."""
    archive = make_archive(tmp_path, 40)
    torn, stop = [], threading.Event()

    def read():
        while not stop.is_set():
            with archive.replica.cursor() as cursor:
                found = cursor.execute(
                    "SELECT count(*), (SELECT snapshot FROM replica_state), max(seq_from) FROM observation"
                ).fetchall()[0]
                if found[0] != 40 or found[2] > found[1]:
                    torn.append(found)

    readers = [threading.Thread(target=read) for _ in range(2)]
    for reader in readers:
        reader.start()
    for attempt in range(6):
        revise(archive.database, range(1, 41), seed=attempt * 1000)
        archive.replica.rebuild() if attempt == 3 else archive.replica.catch_up()
    stop.set()
    for reader in readers:
        reader.join()
    archive.close()
    assert torn == []
