"""The end of exclusive access is announced once, when it comes."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select

from deepfield.catalogue.database import Database
from deepfield.catalogue.observations import Observations
from deepfield.catalogue.outbox import Outbox
from deepfield.catalogue.schema import EVENT
from deepfield.services.releases import Releases
from support.observations import ARCHIVED, observation, save

RELEASE = ARCHIVED + timedelta(days=30)


@pytest.fixture
def database(tmp_path):
    database = Database(f"sqlite:///{tmp_path}/catalogue.sqlite")
    database.upgrade()
    save(
        database,
        observation("jw01234001001_02101_00001_nrca1", data_release=RELEASE),
        observation("jw01234001001_02101_00002_nrca1", data_release=ARCHIVED - timedelta(days=1)),
        observation("jw01234001001_02101_00003_nrca1", data_release=None),
    )
    yield database
    database.close()


@pytest.fixture
def releases(database):
    return Releases(database, Observations(), Outbox())


def announced(database):
    with database.read() as connection:
        query = select(EVENT.c.obs_id, EVENT.c.time).where(EVENT.c.type == "public_release")
        return [tuple(row) for row in connection.execute(query)]


def test_nothing_is_announced_before_its_time(releases, database):
    assert releases.announce(RELEASE - timedelta(seconds=1)) == 0
    assert announced(database) == []


def test_a_release_is_announced_once_however_often_one_looks(releases, database):
    assert [releases.announce(RELEASE), releases.announce(RELEASE + timedelta(hours=1))] == [1, 0]
    assert announced(database) == [("jw01234001001_02101_00001_nrca1", RELEASE)]


def test_a_release_that_passed_while_nobody_looked_is_announced_later(releases):
    assert releases.announce(datetime(2030, 1, 1, tzinfo=UTC)) == 1


def test_a_release_of_many_is_announced_in_steps(database):
    names = [f"jw01234002001_02101_{at:05}_nrca1" for at in range(1, 8)]
    save(database, *(observation(name, data_release=RELEASE) for name in names))
    releases = Releases(database, Observations(), Outbox(), batch=3)
    assert releases.announce(RELEASE) == 8
    assert sorted(name for name, _ in announced(database)) == ["jw01234001001_02101_00001_nrca1", *names]
    with database.read() as connection:
        snapshots = connection.execute(select(EVENT.c.seq).where(EVENT.c.type == "public_release").distinct()).all()
    assert len(snapshots) == 3
