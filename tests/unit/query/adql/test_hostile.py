"""Queries that ask for much are refused or bounded, whatever they are made of."""

from __future__ import annotations

import threading
from contextlib import suppress

import pytest

from deepfield.model.errors import AdqlError, ArchiveError, TimeLimitError


@pytest.mark.parametrize(
    "query",
    [
        "SELECT " + "(" * 200 + "1" + ")" * 200 + " FROM ivoa.ObsCore",
        "SELECT obs_id FROM " + "(SELECT obs_id FROM " * 60 + "ivoa.ObsCore" + "".join(f") AS t{n}" for n in range(60)),
        "SELECT obs_id FROM ivoa.ObsCore WHERE " + "NOT (" * 150 + "s_ra > 1" + ")" * 150,
        "SELECT obs_id FROM ivoa.ObsCore WHERE obs_id IN ("
        + "SELECT obs_id FROM ivoa.ObsCore WHERE obs_id IN (" * 80
        + "'x'"
        + ")" * 81,
        "SELECT " + ", ".join(["*"] * 3000) + " FROM ivoa.ObsCore",
        "SELECT obs_id FROM ivoa.ObsCore WHERE " + " OR ".join(f"s_ra = {n}.5" for n in range(3000)),
        "SELECT obs_id FROM ivoa.ObsCore WHERE s_ra IN (" + ", ".join(f"{n}.5" for n in range(20_000)) + ")",
        "SELECT 1 FROM " + ", ".join(f"TAP_SCHEMA.schemas AS s{n}" for n in range(30)),
        "SELECT CENTROID(POLYGON("
        + ", ".join(f"{n / 100}, {(n % 7) / 10}" for n in range(4000))
        + ")) FROM TAP_SCHEMA.schemas",
    ],
    ids=["brackets", "subqueries", "negations", "memberships", "stars", "alternatives", "values", "tables", "vertices"],
)
def test_a_query_of_monstrous_size_is_refused_or_answered_in_bounded_time(archive, query):
    with suppress(ArchiveError):
        assert bounded(archive, query) <= 1001


def bounded(archive, query):
    """Ask with the time limit that a server has."""
    from deepfield.access.principal import ANONYMOUS
    from deepfield.query.engines.adql import Question
    from support.synthetic import NOW

    question = Question(query, rule=ANONYMOUS.rule(at=NOW), base_url="", maxrec=1000, seconds=1.0)
    with archive.engine.answer(question) as answer:
        timer = threading.Timer(1.0, answer.cancel)
        timer.start()
        try:
            return sum(batch.num_rows for batch in answer.batches())
        finally:
            timer.cancel()


def test_a_join_of_everything_with_everything_stops_when_it_is_told_to(archive):
    tables = ", ".join(f"ivoa.ObsCore AS t{n}" for n in range(5))
    sums = " + ".join(f"SIN(t{n}.t_min)" for n in range(5))
    with pytest.raises(TimeLimitError):
        bounded(archive, f"SELECT COUNT(*) FROM {tables} WHERE {sums} = 6")


@pytest.mark.parametrize("radius", ["u.reach", "90", "180"])
def test_a_crossmatch_within_any_radius_is_answered(archive, radius):
    told = archive.ask(
        f"SELECT COUNT(*) FROM ivoa.ObsCore AS o, ivoa.ObsCore AS p WHERE DISTANCE(o.s_ra, o.s_dec, p.s_ra, p.s_dec) < {radius}".replace(
            "u.reach", "o.s_fov"
        )
    )
    assert told.rows[0][0] > 0


def test_nonsense_is_an_error_of_adql(archive):
    for nonsense in (
        "",
        ";",
        "SELECT",
        "DROP TABLE x",
        "SELECT * FROM",
        "\x00",
        "SELECT '\ud800' FROM ivoa.ObsCore",
        "SELECT 1e999 FROM ivoa.ObsCore",
    ):
        with pytest.raises(AdqlError):
            archive.ask(nonsense)
