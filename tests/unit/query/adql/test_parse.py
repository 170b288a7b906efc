"""What a parsed query looks like, and what a refused one says."""

import json
import subprocess
import sys

import pytest
from sqlglot import exp

from deepfield.model.errors import AdqlSyntaxError, InvalidQueryError, InvalidValueError
from deepfield.query.adql import nodes, parse


def refused(text: str, version: str = "2.1", **options: object) -> AdqlSyntaxError:
    with pytest.raises(AdqlSyntaxError) as caught:
        parse(text, version=version, **options)
    return caught.value


def test_a_cone_has_geometry_nodes_with_degrees_in_place() -> None:
    tree = parse("SELECT obs_id FROM ivoa.ObsCore WHERE 1=CONTAINS(POINT('ICRS', s_ra, s_dec), CIRCLE(10.5, -3, 0.1))")
    contains = tree.find(nodes.Contains)
    assert isinstance(contains.this, nodes.Point)
    assert contains.this.args["coordsys"].this == "ICRS"
    circle = contains.expression
    assert circle.args["center"].args["lat"] == exp.Neg(this=exp.Literal.number("3"))
    assert circle.args["radius"] == exp.Literal.number("0.1")


def test_names_remember_their_quotes_and_where_they_began() -> None:
    tree = parse('SELECT t."b""c",\n  A FROM sch.t AS t')
    quoted, plain = tree.expressions
    assert (quoted.this.this, quoted.this.quoted, nodes.place(quoted)) == ('b"c', True, (1, 10))
    assert (plain.name, plain.this.quoted, nodes.place(plain)) == ("A", False, (2, 3))


def test_a_refusal_names_place_word_and_the_nearest_right_word() -> None:
    error = refused("SELECT a\nFRON t")
    assert isinstance(error, InvalidQueryError)
    assert (error.line, error.column, error.value, error.closest) == (2, 1, "FRON", "FROM")
    error = refused("SELECR a FROM t")
    assert (error.line, error.column, error.value, error.closest) == (1, 1, "SELECR", "SELECT")
    assert str(error) == "QUERY, line 1, column 1: 'SELECR' is not valid; expected SELECT; did you mean SELECT?"


def test_top_and_offset_are_limit_and_offset_of_their_select() -> None:
    tree = parse("SELECT DISTINCT TOP 5 a FROM t ORDER BY b DESC, 1 OFFSET 10")
    assert tree.args["limit"].expression == exp.Literal.number(5)
    assert tree.args["offset"].expression == exp.Literal.number(10)
    assert [each.args["desc"] for each in tree.args["order"].expressions] == [True, False]
    assert tree.sql("duckdb").endswith("LIMIT 5 OFFSET 10")


@pytest.mark.parametrize(
    ("text", "sql"),
    [
        ("SELECT a FROM t, u JOIN v USING (a)", "SELECT a FROM t, u JOIN v USING (a)"),
        ("SELECT a FROM t LEFT OUTER JOIN u ON t.a != u.a", "SELECT a FROM t LEFT JOIN u ON t.a <> u.a"),
        ("SELECT a FROM t NATURAL FULL JOIN u", "SELECT a FROM t NATURAL FULL JOIN u"),
        ("SELECT a FROM t JOIN u JOIN v ON b = c ON a = b", "SELECT a FROM t JOIN (u JOIN v ON b = c) ON a = b"),
        ("SELECT j.a FROM (t JOIN u USING (a)) j", "SELECT j.a FROM (SELECT * FROM (t JOIN u USING (a))) AS j"),
        (
            "SELECT a FROM t UNION SELECT a FROM u INTERSECT SELECT a FROM v",
            "SELECT a FROM t UNION SELECT a FROM u INTERSECT SELECT a FROM v",
        ),
        (
            "(SELECT a FROM t UNION ALL SELECT a FROM u) INTERSECT SELECT a FROM v",
            "(SELECT a FROM t UNION ALL SELECT a FROM u) INTERSECT SELECT a FROM v",
        ),
        (
            "SELECT TOP 1 a FROM t UNION SELECT TOP 2 a FROM u OFFSET 1",
            "(SELECT a FROM t LIMIT 1) UNION (SELECT a FROM u LIMIT 2) OFFSET 1",
        ),
        ("(SELECT TOP 3 a FROM t) OFFSET 1", "SELECT * FROM (SELECT a FROM t LIMIT 3) OFFSET 1"),
        ("((SELECT a FROM t)) OFFSET 1", "SELECT a FROM t OFFSET 1"),
        (
            "SELECT a FROM t WHERE NOT (a = 1 OR b = 2) AND c NOT IN (1, 2)",
            "SELECT a FROM t WHERE NOT (a = 1 OR b = 2) AND NOT c IN (1, 2)",
        ),
        ("SELECT a FROM t WHERE a = 1 OR b = 2 AND c = 3", "SELECT a FROM t WHERE a = 1 OR b = 2 AND c = 3"),
        ("SELECT a - b - c, a / b / c, a - (b - c) FROM t", "SELECT a - b - c, a / b / c, a - (b - c) FROM t"),
        ("SELECT 'a' 'b' || c, 0x1f FROM t", "SELECT 'ab' || c, 31 FROM t"),
        (
            "WITH x AS (SELECT a FROM t) SELECT COUNT(DISTINCT a), SUM(ALL b) FROM x",
            "WITH x AS (SELECT a FROM t) SELECT COUNT(DISTINCT a), SUM(b) FROM x",
        ),
        (
            "SELECT CAST(a AS DOUBLE PRECISION), CAST(b AS VARCHAR(5)), COALESCE(a, 1) FROM t",
            "SELECT CAST(a AS DOUBLE), CAST(b AS VARCHAR(5)), COALESCE(a, 1) FROM t",
        ),
    ],
)
def test_a_tree_says_as_sql_what_the_query_says(text: str, sql: str) -> None:
    assert parse(text).sql() == sql


@pytest.mark.parametrize(
    ("text", "node"),
    [
        ("MOD(a, 2)", nodes.Mathematical),
        ("log10(a)", nodes.Mathematical),
        ("cot(a)", nodes.Mathematical),
        ("ivo_hasword(a, 'x')", nodes.UserFunction),
        ("IN_UNIT(a, 'deg')", nodes.InUnit),
        ("AREA(a)", nodes.Area),
        ("CAST(a AS POINT)", nodes.GeometryCast),
        ("REGION('CIRCLE 1 2 3')", nodes.Region),
        ("DISTANCE(1, 2, 3, 4)", nodes.Distance),
        ("POLYGON(1, 2, 3, 4, 5, 6)", nodes.Polygon),
        ("UPPER(a)", exp.Upper),
    ],
)
def test_a_function_is_its_own_node_and_knows_its_place(text: str, node: type) -> None:
    tree = parse(f"SELECT\n  {text}\nFROM t")
    assert type(tree.expressions[0]) is node
    assert nodes.place(tree.expressions[0]) == (2, 3)


def test_distance_of_four_numbers_is_that_of_two_points() -> None:
    four, two = (parse(f"SELECT DISTANCE({each}) FROM t") for each in ("1, 2, 3, 4", "POINT(1, 2), POINT(3, 4)"))
    assert four == two


def test_case_is_read_where_it_is_asked_for() -> None:
    text = "SELECT CASE WHEN a = 1 AND b = 2 THEN 'x' ELSE 'y' END, CASE a WHEN 1 THEN 2 END FROM t"
    assert refused(text).value == "CASE"
    assert parse(text, extensions=frozenset({"case"})).sql() == text


@pytest.mark.parametrize("word", ["WITH x AS", "UNION", "COALESCE", "CAST", "LOWER"])
def test_adql_2_0_says_what_came_later(word: str) -> None:
    query = {
        "WITH x AS": "WITH x AS (SELECT a FROM t) SELECT a FROM x",
        "UNION": "SELECT a FROM t UNION SELECT a FROM u",
    }.get(word, f"SELECT {word}(a AS CHAR) FROM t")
    error = refused(query, "2.0")
    assert "came with ADQL 2.1" in str(error)
    assert error.value == word.split(maxsplit=1)[0]


def test_there_is_no_other_version() -> None:
    with pytest.raises(InvalidValueError, match=r"2\.0 or 2\.1"):
        parse("SELECT a FROM t", version="3.0")


def test_the_command_answers_every_line_at_once() -> None:
    lines = [
        '{"id": 1, "query": "SELECT a FROM t", "adql_version": "2.0"}',
        '{"id": "b", "query": "SELECT a\\nFROM t LIMIT 5"}',
        "no JSON",
        "",
        "[" * 100_000,
        '{"id": 3, "query": "SELECT \\ud800 FROM t"}',
        '{"id": 4, "query": ["SELECT"]}',
        '{"id": 5, "query": "SELECT a FROM t", "adql_version": ["2.1"]}',
        '{"id": 6, "query": "' + "x" * 300_000 + '"}',
    ]
    command = subprocess.Popen(
        [sys.executable, "-m", "deepfield.query.adql"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    with command:
        answers = []
        for line in lines:
            command.stdin.write(line + "\n")
            command.stdin.flush()
            answers.append(json.loads(command.stdout.readline()))
        command.stdin.close()
    assert command.returncode == 0
    assert [(each["id"], each["ok"]) for each in answers[:2]] == [(1, True), ("b", False)]
    assert (answers[1]["line"], answers[1]["column"]) == (2, 8)
    assert "TOP" in answers[1]["message"]
    assert not any(each["ok"] for each in answers[1:])
    assert all(each["message"] for each in answers[1:])
