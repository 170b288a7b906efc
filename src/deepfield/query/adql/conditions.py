"""Search conditions: predicates joined by AND, OR and NOT (ADQL 2.1 Appendix A, ``<search_condition>`` and below)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sqlglot import exp
from typing_extensions import override

from deepfield.query.adql import nodes
from deepfield.query.adql.cursor import MOST_NESTING
from deepfield.query.adql.values import CHARACTER, NO_QUERY, Values, balanced

if TYPE_CHECKING:
    from deepfield.query.adql.values import Value

_COMPARISONS: Final = {
    "=": exp.EQ,
    "<>": exp.NEQ,
    "!=": exp.NEQ,
    "<": exp.LT,
    "<=": exp.LTE,
    ">": exp.GT,
    ">=": exp.GTE,
}
_LIKES: Final = {"LIKE": exp.Like, "ILIKE": exp.ILike}
_PREDICATE: Final = "a comparison, BETWEEN, IN, LIKE or IS NULL"

_CONDITION: Final = 0
"""What a finished condition may be as a value: nothing. Conditions and values are told apart while they are read."""


class Conditions(Values):
    """Reads search conditions."""

    def table_subquery(self) -> exp.Expression:
        """Read a query in parentheses."""
        raise NotImplementedError

    @override
    def condition(self) -> exp.Expression:
        node, kinds = self._condition_or_value()
        return self._whole((node, kinds))

    def _condition_or_value(self) -> Value:
        """Read a search condition; or a value, where one stands alone, as in ``(a + b) > c`` behind the parenthesis."""
        first = self._conjunction()
        if first[1] != _CONDITION or self.kind != "OR":
            return first
        parts = [first[0]]
        while self.take("OR"):
            parts.append(self._whole(self._conjunction()))
        return balanced(exp.Or, parts), _CONDITION

    def _conjunction(self) -> Value:
        first = self._negation()
        if first[1] != _CONDITION or self.kind != "AND":
            return first
        parts = [first[0]]
        while self.take("AND"):
            parts.append(self._whole(self._negation()))
        return balanced(exp.And, parts), _CONDITION

    def _negation(self) -> Value:
        if not self.take("NOT"):
            return self._predicate()
        return exp.Not(this=self._whole(self._predicate())), _CONDITION

    def _whole(self, value: Value) -> exp.Expression:
        node, kinds = value
        if kinds != _CONDITION:
            is_test = isinstance(node, nodes.Contains | nodes.Intersects)
            raise self.error(f"= 1 or = 0 behind {node.sql_name()}(…)" if is_test else _PREDICATE)
        return node

    def _predicate(self) -> Value:
        if self.kind == "EXISTS" and self.after() == "(":
            self.advance()
            return exp.Exists(this=self.table_subquery().this), _CONDITION
        if self.kind == "(":
            first = self._condition_in_parentheses()
            if first[1] == _CONDITION:
                return first
            return self._comparison(self.value_from(first))
        return self._comparison(self.value())

    def _condition_in_parentheses(self) -> Value:
        self.expect("(")
        self.enter()
        if self.kind == "SELECT":
            raise self.error(NO_QUERY)
        node, kinds = self._condition_or_value()
        self.expect(")")
        self.leave()
        paren = exp.Paren(this=node)
        return paren, kinds if kinds == _CONDITION else kinds | CHARACTER

    def _comparison(self, value: Value) -> Value:
        """Read the rest of a predicate; the value alone where none follows."""
        node, kinds = value
        operator = _COMPARISONS.get(self.kind)
        if operator is not None:
            self.advance()
            return operator(this=node, expression=self.value()[0]), _CONDITION
        if self.kind == "IS":
            return self._null_predicate(node), _CONDITION
        negated = self.kind == "NOT"
        kind = self.after() if negated else self.kind
        if kind not in _OTHERS:
            if negated:
                raise self.error("BETWEEN, IN or LIKE behind NOT")
            return value
        start = self.start
        if negated:
            self.advance()
        self.advance()
        if kind in _LIKES:
            if not kinds & CHARACTER:
                raise self.error(f"a string before {kind}", at=start)
            found: exp.Expression = _LIKES[kind](this=node, expression=self.typed(CHARACTER))
        elif kind == "BETWEEN":
            low = self.value()[0]
            self.expect("AND")
            found = exp.Between(this=node, low=low, high=self.value()[0])
        else:
            found = self._membership(node)
        return (exp.Not(this=found) if negated else found), _CONDITION

    def _null_predicate(self, node: exp.Expression) -> exp.Expression:
        if not isinstance(node, exp.Column):
            raise self.error("a column before IS [NOT] NULL")
        self.advance()
        negated = self.take("NOT")
        self.expect("NULL")
        found = exp.Is(this=node, expression=exp.Null())
        return exp.Not(this=found) if negated else found

    def _membership(self, node: exp.Expression) -> exp.Expression:
        if self.kind != "(":
            raise self.error("a list of values or a query in parentheses")
        if self.opens_query():
            return exp.In(this=node, query=self.table_subquery())
        self.advance()
        self.enter()
        values = [self.value()[0]]
        while self.take(","):
            values.append(self.value()[0])
        self.expect_end_of_list()
        self.advance()
        self.leave()
        return exp.In(this=node, expressions=values)

    def opens_query(self) -> bool:
        """Whether the parenthesis here opens a query."""
        distance = 1
        while distance < MOST_NESTING and self.after(distance) == "(":
            distance += 1
        return self.after(distance) in ("SELECT", "WITH")


_OTHERS: Final = frozenset({*_LIKES, "BETWEEN", "IN"})
