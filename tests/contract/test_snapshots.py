"""Snapshots are kept by name on every database."""

from datetime import UTC, datetime

import pytest

from deepfield.catalogue.numbers import next_snapshot
from deepfield.catalogue.outbox import Event, Outbox
from deepfield.catalogue.pins import Commit, Pins
from deepfield.model.errors import InvalidValueError, UnknownSnapshotError
from deepfield.services.snapshots import History, Snapshots
from support.observations import observation, save

NOW = datetime(2026, 4, 22, 14, 35, 23, 5, tzinfo=UTC)


@pytest.fixture
def snapshots(database):
    for name in ("jw01234001001_02101_00001_nrca1", "jw01234001001_02101_00002_nrca1"):
        save(database, observation(name))
    with database.begin() as connection:
        next_snapshot(connection)
    return Snapshots(database, Pins(), now=lambda: NOW)


def test_a_pin_names_a_snapshot_until_it_is_unpinned(snapshots):
    made = snapshots.pin("dr1", 1, note="first release")
    assert snapshots.pin("today").seq == 3
    assert (made.seq, made.pinned_at) == (1, NOW)
    assert [pin.name for pin in snapshots.history().pins] == ["dr1", "today"]
    assert snapshots.number("dr1") == 1
    snapshots.unpin("dr1")
    with pytest.raises(UnknownSnapshotError):
        snapshots.number("dr1")
    with pytest.raises(UnknownSnapshotError):
        snapshots.unpin("dr1")


def test_any_number_up_to_the_newest_is_a_snapshot(snapshots):
    assert [snapshots.number(text) for text in ("0", "2", "3")] == [0, 2, 3]
    for text in ("4", "-1", "", "99999999999999999999", "1.0", "nobody", "٣"):
        with pytest.raises(UnknownSnapshotError, match="the newest is 3"):
            snapshots.number(text)


def test_a_name_is_not_taken_twice_and_cannot_be_mistaken_for_a_number(snapshots):
    snapshots.pin("dr1", 1)
    for name, number in (("dr1", 2), ("12", 1), ("", 1), ("a b", 1), ("a" * 65, 1)):
        with pytest.raises(InvalidValueError):
            snapshots.pin(name, number)
    with pytest.raises(UnknownSnapshotError):
        snapshots.pin("dr2", 4)


def test_the_history_tells_the_last_commits_that_announced_something(database, snapshots):
    for number in (1, 2):
        with database.begin() as connection:
            events = [Event("archived", NOW, f"obs{n}", "1234", 2, ()) for n in range(number)]
            Outbox().add(connection, next_snapshot(connection), events)
    assert snapshots.history(1) == History(5, (Commit(5, NOW, 2),), ())
    assert [commit.seq for commit in snapshots.history().commits] == [5, 4]
