"""What a parsed query looks like, and what a refused one says."""

import pytest
from sqlglot import exp

from deepfield.model.errors import AdqlSyntaxError, InvalidQueryError
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
