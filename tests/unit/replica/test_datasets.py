"""Datasets: kept up commit by commit, they are what a replica built anew has."""

from __future__ import annotations

from random import Random

from deepfield.catalogue.database import Database
from deepfield.catalogue.feed import Feed
from deepfield.catalogue.schema import SNAPSHOT, TABLES
from deepfield.catalogue.versions import begin_rows, end_rows
from deepfield.replica import Replica
from support.asking import file, plane_of, product_of
from support.synthetic import observation


def revise(database, table, rows, **changes):
    """End the current rows and begin changed ones in one commit."""
    key = {"observation": "obs_number", "plane": "plane_number", "artifact": "artifact_number"}[table]
    with database.begin() as connection:
        seq = connection.execute(SNAPSHOT.select()).one().seq + 1
        connection.execute(SNAPSHOT.update().values(seq=seq))
        current = connection.execute(TABLES[table].select().where(TABLES[table].c.seq_to.is_(None))).mappings()
        wanted = {row[key] for row in rows}
        ended = [dict(row) for row in current if row[key] in wanted]
        end_rows(connection, TABLES[table], ended, seq)
        if changes:
            begin_rows(connection, TABLES[table], [{**row, **changes} for row in rows], seq)
    return seq


def contents(replica):
    with replica.cursor() as cursor:
        rows = cursor.execute("SELECT * FROM dataset_all ORDER BY ALL").to_arrow_table()
    return rows.select(sorted(rows.column_names))


def test_datasets_kept_up_are_those_of_a_replica_built_anew(tmp_path):
    random = Random(7)
    database = Database(f"sqlite:///{tmp_path / 'catalogue.sqlite'}")
    database.upgrade()
    replica = Replica(tmp_path / "kept.duckdb", Feed(database), threads=1, keep_datasets=True)
    rows = [observation(number, random) for number in range(1, 41)]
    file(database, rows[:20])
    replica.catch_up()
    file(database, rows[20:])
    replica.catch_up()
    revise(database, "observation", rows[3:9], target_name="renamed")
    replica.catch_up()
    revise(database, "artifact", [product_of(row) for row in rows[5:12]], content_length=99)
    revise(database, "plane", [plane_of(row) for row in rows[10:13]], calib_level=3, s_ra=1.5, s_dec=2.5)
    revise(database, "plane", [plane_of(row) for row in rows[30:32]])
    replica.catch_up()
    anew = Replica(tmp_path / "anew.duckdb", Feed(database), threads=1, keep_datasets=True)
    anew.catch_up()
    try:
        assert contents(replica).equals(contents(anew))
        with replica.cursor() as cursor:
            current = "SELECT count(*), count(*) FILTER (target_name = 'renamed'), count(*) FILTER (content_length = 99) FROM dataset_all WHERE seq_to IS NULL"
            assert cursor.execute(current).fetchall() == [(38, 6, 7)]
            assert cursor.execute(
                "SELECT count(*) FROM dataset_all WHERE seq_from <= 1 AND (seq_to IS NULL OR seq_to > 1)"
            ).fetchall() == [(20,)]
            moved = "SELECT DISTINCT healpix = (SELECT any_value(healpix) FROM plane_all WHERE s_ra = 1.5), outline IS NULL FROM dataset_all WHERE s_ra = 1.5"
            assert cursor.execute(moved).fetchall()[0][0]
    finally:
        replica.close()
        anew.close()
        database.close()
