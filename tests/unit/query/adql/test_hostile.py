"""Input that nobody sends by accident: refused with a clear answer, or read in bounded time and depth."""

import re
from random import Random

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from sqlglot import exp

from deepfield.model.errors import AdqlSyntaxError
from deepfield.query.adql import parse
from deepfield.query.adql.tokens import Source, tokens
from deepfield.query.adql.vocabulary import vocabulary

HIGHEST = 128


def refused(text: str, version: str = "2.1") -> AdqlSyntaxError:
    with pytest.raises(AdqlSyntaxError) as caught:
        parse(text, version=version)
    return caught.value


def height(tree: exp.Expression) -> int:
    row, count = [tree], 0
    while row:
        count += 1
        row = [child for node in row for child in node.iter_expressions()]
    return count


@pytest.mark.parametrize(
    ("before", "core", "after"),
    [
        ("(", "a", ")"),
        ("(", "a = 1", ")"),
        ("ABS(", "a", ")"),
        ("f(", "a", ")"),
        ("COALESCE(", "a", ")"),
        ("CENTROID(", "a", ")"),
        ("CAST(", "a", " AS INTEGER)"),
        ("POINT(", "1", ", 2)"),
        ("NOT (", "a = 1", ")"),
        ("-(", "a", ")"),
        ("a IN (SELECT b FROM u WHERE ", "a = 1", ")"),
        ("EXISTS (SELECT b FROM u WHERE ", "a = 1", ")"),
        ("a IN (", "SELECT b FROM u", ")"),
    ],
)
@pytest.mark.parametrize("where", ["SELECT {} FROM t", "SELECT a FROM t WHERE {}", "SELECT a FROM t WHERE {} = 1"])
@pytest.mark.parametrize("times", [33, 3000])
def test_deep_nesting_is_refused_without_running_out_of_stack(before, core, after, where, times):
    assert refused(where.format(before * times + core + after * times))


@pytest.mark.parametrize("times", [40, 5_000])
def test_queries_within_queries_and_joins_within_joins_are_bounded(times):
    assert "levels of parentheses" in str(
        refused("SELECT a FROM " + "(SELECT a FROM " * times + "t" + ") AS x" * times)
    )
    assert refused("SELECT a FROM " + "(" * times + "t" + " JOIN u USING (a))" * times)
    assert refused("(" * times + "SELECT a FROM t" + ")" * times)
    assert refused("SELECT a FROM t" + " JOIN t" * times + " USING (a)" * times)


def test_what_is_nested_thirty_deep_is_read():
    for query in ("SELECT " + "(" * 30 + "a" + ")" * 30 + " FROM t", "(" * 30 + "SELECT a FROM t" + ")" * 30):
        assert parse(query).sql("duckdb")


def test_a_long_chain_of_conditions_is_no_deep_tree():
    for query in (
        "SELECT a FROM t WHERE " + " OR ".join(f"a={n}" for n in range(4_000)),
        "SELECT a FROM t WHERE " + " AND ".join(f"a<>{n}" for n in range(4_000)),
        "SELECT " + "||".join("a" for _ in range(10_000)) + " FROM t",
    ):
        tree = parse(query)
        assert height(tree) < 40
        assert len(tree.sql("duckdb")) >= len(query)


def test_a_long_list_is_read():
    tree = parse(f"SELECT a FROM t WHERE a IN ({','.join(map(str, range(10_000)))})")
    assert len(tree.find(exp.In).expressions) == 10_000


@pytest.mark.parametrize("chain", ["+1", "-1", "*a", "/2", " UNION SELECT a FROM t"])
def test_a_long_chain_that_makes_a_deep_tree_is_refused(chain):
    start = "SELECT a FROM t" if "UNION" in chain else "SELECT a FROM t WHERE 0=a"
    assert "one upon another" in str(refused(start + chain * 2_000))
    assert height(parse(start + chain * 50)) <= HIGHEST


def test_ten_megabytes_are_refused_by_their_length():
    error = refused("SELECT a FROM t WHERE a IN (" + "1," * 5_000_000 + "1)")
    assert "at most 262144 characters" in str(error)
    assert len(str(error)) < 300


@pytest.mark.parametrize(
    ("text", "line", "column", "word"),
    [
        ("SELECT \0 FROM t", 1, 8, "\0"),
        ("SELECT 'a\0b' FROM t", 1, 10, "\0"),
        ("SELECT a\nFROM t \ud800", 2, 8, "\ud800"),
        ("SELECT '\udfff' FROM t", 1, 9, "\udfff"),
        ("\ufeffSELECT a FROM t", 1, 1, "\ufeff"),
        ("SELECT\u00a0a FROM t", 1, 7, "\u00a0"),
        ("SELECT \u0430 FROM t", 1, 8, "\u0430"),  # a Cyrillic a
        ("SELECT obs_\u0456d FROM t", 1, 8, "obs_\u0456d"),
        ("SELECT \uff11 FROM t", 1, 8, "\uff11"),  # a full-width 1
        ("SELECT TOP \u00b2 a FROM t", 1, 12, "\u00b2"),
        ("SELECT a\u2212b FROM t", 1, 9, "\u2212"),  # a minus sign, not a hyphen
        ("SELECT a FROM t WHERE b = \u2019x\u2019", 1, 27, "\u2019"),
        ("SELECT a\u2028FROM t", 1, 9, "\u2028"),
        ("SELECT a FROM t\x1b[2J", 1, 16, "\x1b"),
        ("SELECT 'a", 1, 8, "'"),
        ("SELECT " + "x" * 500 + " y z", 1, 511, "z"),
    ],
)
def test_strange_characters_are_named_where_they_are(text, line, column, word):
    error = refused(text)
    assert (error.line, error.column, error.value) == (line, column, word)
    assert str(error).isprintable()


@pytest.mark.parametrize(
    "number", ["9" * 400, "1e309", "1E" + "9" * 5000, "." + "9" * 10 + "e400", "0x" + "F" * 16, "0x" + "f" * 100_000]
)
def test_numbers_too_large_for_any_engine_are_refused(number):
    assert refused(f"SELECT {number} FROM t").column == 8


@pytest.mark.parametrize("text", ["SELECT TOP {} a FROM t", "SELECT a FROM t OFFSET {}", "SELECT RAND({}) FROM t"])
def test_row_numbers_have_at_most_63_bits(text):
    assert parse(text.format(2**63 - 1))
    assert "63 bits" in str(refused(text.format(2**63)))
    assert "63 bits" in str(refused(text.format("0" * 30 + "9" * 30)))


def test_small_numbers_keep_their_spelling():
    tree = parse("SELECT 1e-400, 0." + "0" * 300 + "1, 00012, 5., .5 FROM t")
    assert [each.this for each in tree.expressions][2:] == ["00012", "5.", ".5"]


def test_long_words_are_shortened_in_the_answer():
    assert len(str(refused(f"SELECT a FROM t WHERE {'x' * 100_000} {'y' * 100_000}"))) < 300


# Anything at all

WORDS = "SELECT FROM WHERE GROUP BY HAVING ORDER OFFSET TOP DISTINCT ALL AS JOIN LEFT RIGHT FULL OUTER INNER NATURAL ON USING UNION EXCEPT INTERSECT WITH AND OR NOT IN BETWEEN LIKE ILIKE IS NULL EXISTS CASE WHEN THEN ELSE END CAST COALESCE COUNT AVG POINT CIRCLE BOX POLYGON REGION CONTAINS INTERSECTS AREA CENTROID COORD1 COORDSYS DISTANCE IN_UNIT ABS ROUND MOD PI RAND LOWER VARCHAR DOUBLE PRECISION DESC ASC"
TOKENS = f"{WORDS} ( ) , . * + - / = < > <> != <= >= || ; a t f \"b\" 1 2.5 0x1F 's' -- \n".split(" ")
soup = st.lists(st.sampled_from(TOKENS), max_size=40).map(" ".join)
versions = st.sampled_from(["2.0", "2.1"])


def answers(text: str, version: str) -> None:
    """Assert that a text is read or refused in good order."""
    error = None
    try:
        tree = parse(text, version=version, extensions=frozenset({"case"}))
    except AdqlSyntaxError as refusal:
        error = refusal
    if error is not None:
        lines = text.split("\n")
        assert 1 <= error.line <= len(lines)
        assert 1 <= error.column <= len(lines[error.line - 1]) + 1
        assert str(error).isprintable()
    else:
        assert isinstance(tree, exp.Query)
        assert tree.copy() == tree
        assert tree.sql()


@given(st.text(), versions)
@example("\r", "2.1")
@settings(max_examples=150, deadline=None)
def test_any_text_is_read_or_refused(text, version):
    answers(text, version)


@given(soup, versions)
@settings(max_examples=150, deadline=None)
def test_any_row_of_words_is_read_or_refused(text, version):
    answers(text, version)


# Queries made from the grammar, by another hand than the parser's

MADE = {
    "name": ["a", "b", "s_ra", 't."c"', "sch.t.d", '"odd "" one"'],
    "number": ["1", "2.5", ".5", "3e-4", "0x1F"],
    "string": ["'x'", "''", "'it''s'", "'a' 'b'"],
    "character": ["{string}", "{name}", "{string} || {name}", "LOWER({character})", "f({value}, {value})"],
    "numeric": [
        "{number}",
        "{name}",
        "{name} + ({numeric})",
        "{name} * {number} - {name} / ({numeric})",
        "-{name}",
        "ABS({numeric})",
        "MOD({numeric}, {numeric})",
        "ROUND({numeric}, -2)",
        "AREA({geometry})",
        "CONTAINS({geometry}, {geometry})",
        "DISTANCE({numeric}, {numeric}, {numeric}, {numeric})",
        "COUNT(DISTINCT {name})",
        "CAST({numeric} AS DOUBLE PRECISION)",
        "IN_UNIT({numeric}, 'deg')",
        "COALESCE({numeric}, {numeric})",
    ],
    "point": ["POINT({numeric}, {numeric})", "CENTROID({geometry})", "f_point({value})"],
    "geometry": [
        "{name}",
        "{point}",
        "POINT('ICRS', {numeric}, {numeric})",
        "CIRCLE({point}, {numeric})",
        "BOX({numeric}, {numeric}, {numeric}, {numeric})",
        "POLYGON({point}, {point}, {point})",
        "POLYGON('ICRS', {number}, {number}, {numeric}, {number}, {number}, {number})",
    ],
    "value": ["{numeric}", "{character}", "{geometry}", "NULL"],
    "condition": [
        "{value} = {value}",
        "{numeric} <> {numeric}",
        "{numeric} BETWEEN {numeric} AND {numeric}",
        "{numeric} NOT IN ({numeric}, {numeric})",
        "{name} IN ({query})",
        "{character} NOT ILIKE {string}",
        "{name} IS NOT NULL",
        "NOT EXISTS ({query})",
        "({condition} AND {condition})",
        "{condition} OR NOT ({condition})",
    ],
    "table": [
        "t",
        "sch.t AS x",
        'cat.sch."T" y',
        "({query}) AS q",
        "t LEFT OUTER JOIN u ON {condition}",
        "(t NATURAL JOIN ({query}) q)",
        "t JOIN u USING (a, b) FULL JOIN v USING (a)",
    ],
    "start": ["", "ALL", "DISTINCT", "TOP 5", "DISTINCT TOP 0"],
    "columns": ["*", "{value}", "t.*, {value}", "{value} AS z, {columns}"],
    "end": [
        "",
        "WHERE {condition}",
        "GROUP BY {name}, {numeric} HAVING {condition}",
        "WHERE {condition} GROUP BY {name}",
    ],
    "select": ["SELECT {start} {columns} FROM {table}, {table} {end}", "SELECT {start} {columns} FROM {table} {end}"],
    "query": [
        "{select}",
        "{select}",
        "{select} UNION ALL {select}",
        "({query}) EXCEPT {select}",
        "{select} ORDER BY {value} DESC, 1 OFFSET 3",
    ],
    "text": ["{query}", "WITH v AS ({query}) {query}", "-- remark\n{query};"],
}
"""What each part of a query may be; what stands first is the simplest."""


def made(random: Random, part: str = "text", depth: int = 6) -> str:
    """Return a text of a part of the grammar; the deeper, the simpler."""
    form = random.choice(MADE[part][: None if depth > 0 else 1])
    return re.sub(r"{(\w+)}", lambda match: made(random, match[1], depth - 1), form)


def changed(random: Random, text: str) -> str:
    """Return a text with a word lost, doubled or become another."""
    words = [token.text for token in tokens(Source(text), vocabulary("2.1"))[:-1]]
    place = random.randrange(len(words))
    words[place : place + 1] = random.choice([[], words[place : place + 1] * 2, [random.choice(TOKENS)]])
    return " ".join(words)


@pytest.mark.parametrize("seed", range(4))
def test_queries_made_from_the_grammar_are_read(seed):
    random = Random(seed)
    for _ in range(60):
        text = made(random)
        assert isinstance(parse(text), exp.Query), text


@pytest.mark.parametrize("seed", range(4))
def test_a_query_with_one_word_changed_is_read_or_refused(seed):
    random = Random(seed)
    for _ in range(60):
        answers(changed(random, made(random)), random.choice(["2.0", "2.1"]))


@pytest.mark.prove
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("seed", range(100, 108))
def test_many_queries_made_from_the_grammar(seed):
    random = Random(seed)
    for _ in range(5_000):
        text = made(random)
        assert isinstance(parse(text), exp.Query), text
        answers(changed(random, text), random.choice(["2.0", "2.1"]))


@pytest.mark.prove
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("texts", [st.text(), soup])
def test_many_texts_are_read_or_refused(texts):
    @given(texts, versions)
    @settings(max_examples=30_000, deadline=None, suppress_health_check=[HealthCheck.too_slow])
    def check(text, version):
        answers(text, version)

    check()
