"""What the change feed must tell on every database."""

import dataclasses
import itertools
from datetime import timedelta

import pyarrow as pa
import pytest

from deepfield.catalogue.feed import Feed
from deepfield.catalogue.numbers import next_snapshot
from deepfield.catalogue.observations import Observations
from deepfield.catalogue.schema import VERSIONED, load_tables
from deepfield.model.errors import InvalidValueError
from support.observations import ARCHIVED, artifact, observation, save, with_files

NAMES = [f"jw01234001001_02101_0000{n}_nrca1" for n in range(4)]


def read(feed, table, after, until):
    batches = list(feed.rows(table, after, until))
    return pa.Table.from_batches(batches, schema=feed.schema(table)).to_pylist()


def applied(feed, table, steps):
    """What a copy holds that reads the feed in these steps."""
    key = (*load_tables()[table].key, "seq_from")
    copy = {}
    for after, until in itertools.pairwise(steps):
        copy |= {tuple(row[name] for name in key): row for row in read(feed, table, after, until)}
    return copy


@pytest.fixture
def feed(database):
    """Five commits: two observations, a third, a new version of the first, a withdrawal, a return."""
    save(database, observation(NAMES[0]), observation(NAMES[1]))
    save(database, observation(NAMES[2], target=dataclasses.replace(observation().target, name=None)))
    newer = with_files(observation(NAMES[0]), artifact(f"{NAMES[0]}_cal.fits", content="newer", created=None))
    save(database, newer, at=ARCHIVED + timedelta(seconds=1), version=2)
    with database.begin() as connection:
        store = Observations()
        number = store.describe(connection, NAMES[1])["obs_number"]
        store.withdraw(connection, next_snapshot(connection), number)
    save(database, observation(NAMES[1]))
    return Feed(database)


def test_rows_carry_every_column_with_its_type_and_value(feed):
    (row,) = [row for row in read(feed, "observation", 0, 2) if row["obs_id"] == NAMES[2]]
    assert row["target_name"] is None
    assert row["archived_at"] == ARCHIVED
    assert row["moving_target"] is False
    assert row["proposal_title"] == 'Stars, "classified"\nby eye'
    assert row["notes"] == '["one","two"]'
    assert (row["seq_from"], row["seq_to"]) == (2, None)
    (product,) = [row for row in read(feed, "artifact", 0, 3) if row["version"] == 2]
    assert (product["created"], product["content_length"]) == (None, 2**33 + 5)
    (plane,) = read(feed, "plane", 1, 2)
    assert (plane["t_min"], plane["em_max"], plane["em_xel"]) == (61000.25, 2.1e-6, None)


@pytest.mark.parametrize("table", VERSIONED)
def test_every_way_of_stepping_gives_the_same_copy(feed, table):
    until = feed.snapshot()
    whole = applied(feed, table, [0, until])
    assert applied(feed, table, range(until + 1)) == whole
    assert applied(feed, table, [0, 2, 4, until]) == whole
    assert len(whole) == feed.count(table)


def test_a_row_reads_as_it_stood_at_the_end_of_the_step(feed):
    rows = {row["obs_id"]: row for row in read(feed, "observation", 0, 2)}
    assert rows[NAMES[0]]["seq_to"] is None
    ended = [row for row in read(feed, "observation", 2, 4) if row["seq_to"]]
    assert sorted((row["obs_id"], row["seq_to"]) for row in ended) == [(NAMES[0], 3), (NAMES[1], 4)]


def test_a_step_without_changes_is_empty(feed):
    assert read(feed, "observation", 5, 9) == []


def test_an_empty_string_is_no_null(database):
    save(database, observation(NAMES[3], [artifact(f"{NAMES[3]}_cal.fits", description="", extension="")]))
    (row,) = read(Feed(database), "artifact", 0, 1)
    assert (row["description"], row["extension"]) == ("", "")


def test_tables_without_versions_are_not_in_the_feed(feed):
    assert feed.tables == (
        "artifact",
        "content",
        "keyword",
        "observation",
        "part",
        "plan",
        "plane",
        "product_link",
        "reference_file",
    )
    with pytest.raises(InvalidValueError, match="event"):
        next(feed.rows("event", 0, 1))
