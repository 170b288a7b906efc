"""What every database must do for the catalogue."""

import threading
from datetime import UTC, datetime

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import insert, select
from sqlalchemy.exc import IntegrityError

from deepfield.catalogue.database import Database
from deepfield.catalogue.numbers import give_numbers, next_snapshot
from deepfield.catalogue.schema import METADATA, SOURCE_FILE
from deepfield.model.errors import ConfigurationError


def source(path, **changed):
    row = {"path": path, "size": 1, "mtime_ns": 2, "sha256": None, "status": "kept", "filename": None, "obs_id": None}
    return row | {"reason": None, "seen_at": datetime(2026, 4, 22, 14, 35, 23, 120, tzinfo=UTC)} | changed


def test_migrations_make_exactly_the_described_tables(database):
    with database.begin() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": True})
        differences = compare_metadata(context, METADATA)
    assert differences == []


def test_upgrading_twice_changes_nothing(database):
    database.upgrade()
    with database.begin() as connection:
        assert next_snapshot(connection) == 1


def test_a_block_that_fails_leaves_nothing_and_takes_no_snapshot_number(database):
    with pytest.raises(RuntimeError), database.begin() as connection:
        next_snapshot(connection)
        connection.execute(insert(SOURCE_FILE), [source("/a")])
        raise RuntimeError
    with database.begin() as connection:
        assert connection.execute(select(SOURCE_FILE)).all() == []
        assert next_snapshot(connection) == 1


def test_snapshot_numbers_of_concurrent_writers_are_in_order_and_without_gaps(database):
    taken = []

    def write():
        for _ in range(10):
            with database.begin() as connection:
                taken.append(next_snapshot(connection))

    threads = [threading.Thread(target=write) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert taken == sorted(taken)
    assert sorted(taken) == list(range(1, 41))


def test_a_name_keeps_its_number_and_no_number_is_given_twice(database):
    with database.begin() as connection:
        first = give_numbers(connection, "observation", ["b", "a"])
    with database.begin() as connection:
        again = give_numbers(connection, "observation", ["a", "c"])
        other = give_numbers(connection, "artifact", ["a"])
    assert again["a"] == first["a"]
    assert len({*first.values(), *again.values(), *other.values()}) == 4


def test_moments_return_in_utc_to_the_microsecond_and_refuse_to_be_naive(database):
    with database.begin() as connection:
        connection.execute(insert(SOURCE_FILE), [source("/a")])
    with database.read() as connection:
        assert connection.execute(select(SOURCE_FILE.c.seen_at)).scalar_one() == source("/a")["seen_at"]
    with pytest.raises(Exception, match="with its zone"), database.begin() as connection:
        connection.execute(insert(SOURCE_FILE), [source("/b", seen_at=datetime(2026, 1, 1))])


def test_sixty_four_bit_numbers_survive(database):
    with database.begin() as connection:
        connection.execute(insert(SOURCE_FILE), [source("/a", size=2**63 - 1)])
        assert connection.execute(select(SOURCE_FILE.c.size)).scalar_one() == 2**63 - 1


def test_a_reader_sees_one_state_while_a_writer_commits(database):
    with database.read() as reader:
        before = reader.execute(select(SOURCE_FILE)).all()
        with database.begin() as connection:
            connection.execute(insert(SOURCE_FILE), [source("/a")])
        assert reader.execute(select(SOURCE_FILE)).all() == before == []


def test_names_sort_by_code_point(database):
    names = ["/B", "/_", "/a", "/é"]
    with database.begin() as connection:
        connection.execute(insert(SOURCE_FILE), [source(name) for name in reversed(names)])
        ordered = connection.execute(select(SOURCE_FILE.c.path).order_by(SOURCE_FILE.c.path)).scalars().all()
    assert ordered == sorted(names)


def test_a_path_is_remembered_once(database):
    with pytest.raises(IntegrityError), database.begin() as connection:
        connection.execute(insert(SOURCE_FILE), [source("/a"), source("/a")])


@pytest.mark.parametrize("url", ["mysql://localhost/x", "nonsense", "sqlite://"])
def test_an_address_that_cannot_be_a_catalogue_is_refused_in_words(url):
    with pytest.raises(ConfigurationError, match="database_url"):
        Database(url)
