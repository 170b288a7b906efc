"""Queries: SELECT and its clauses, joins, set operations, WITH (ADQL 2.1 Appendix A, ``<query_specification>``)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sqlglot import exp
from typing_extensions import override

from deepfield.query.adql.conditions import Conditions
from deepfield.query.adql.tokens import END, NAME, QUOTED
from deepfield.query.adql.values import column

if TYPE_CHECKING:
    from collections.abc import Sequence

_SIDES: Final = frozenset({"LEFT", "RIGHT", "FULL"})
_JOINS: Final = frozenset({*_SIDES, "NATURAL", "INNER", "JOIN"})
_CLAUSES: Final = ("WHERE", "GROUP", "HAVING", "ORDER", "JOIN", "NATURAL", "INNER", "LEFT", "RIGHT", "FULL")
_SUMS: Final = {"UNION": exp.Union, "EXCEPT": exp.Except}
_ORDERING: Final = ("order", "limit", "offset")
_HIGHEST: Final = 128
_CLAUSES_STAND: Final = "clauses stand in the order WHERE, GROUP BY, HAVING, ORDER BY, OFFSET"
_OPERAND: Final = "before UNION, EXCEPT and INTERSECT, a query with an order of its own stands in parentheses"
_ADVICE: Final = {
    "LIMIT": "ADQL limits rows by TOP, behind SELECT",
    "FETCH": "ADQL limits rows by TOP, behind SELECT",
    "CROSS": "ADQL joins all rows with all rows by a comma",
    "MINUS": "ADQL takes one query from another by EXCEPT",
    "OFFSET": "OFFSET came with ADQL 2.1 and stands last",
    ";": "one query is read at a time",
    **dict.fromkeys(("WHERE", "GROUP", "HAVING", "ORDER"), _CLAUSES_STAND),
    **dict.fromkeys(("UNION", "EXCEPT", "INTERSECT"), _OPERAND),
}


class Queries(Conditions):
    """Reads a whole query."""

    def query(self) -> exp.Expression:
        """Read the text to its end; one semicolon may stand there."""
        tables = self._common_tables() if self.kind == "WITH" else None
        node = self._select_expression()
        self.take(";")
        if self.kind != END:
            raise self._instead()
        if tables is not None:
            node.set("with_", tables)
        self._bound(node)
        return node

    def _instead(self) -> Exception:
        """Return the error that the query does not end here, with what to write for what SQL has and ADQL has not."""
        if (advice := _ADVICE.get(self.word.upper())) is not None:
            return self.error(f"{END}; {advice}", among=_CLAUSES)
        before = self.before
        if before.kind in (NAME, ";") and (advice := _ADVICE.get(before.text.upper())) is not None:
            read_as_name = before.kind == NAME
            return self.error(f"{END}; {advice}", at=before.start if read_as_name else None)
        return self.error(END, among=_CLAUSES)

    def _bound(self, tree: exp.Expression) -> None:
        """Refuse a tree too high for what walks it recursively; a query of few tokens cannot be."""
        if len(self._tokens) <= _HIGHEST:
            return
        row, height = [tree], 0
        while row:
            height += 1
            if height > _HIGHEST:
                raise self.error("a query with fewer operations one upon another; parentheses can balance them", at=0)
            row = [child for node in row for child in node.iter_expressions()]

    def _common_tables(self) -> exp.Expression:
        if not self.modern:
            raise self.late("WITH")
        self.advance()
        found = [self._common_table()]
        while self.take(","):
            found.append(self._common_table())
        return exp.With(expressions=found)

    def _common_table(self) -> exp.Expression:
        name = self.identifier("a name for the query")
        self.expect("AS")
        self.expect("(")
        self.enter()
        node = self._select_expression()
        self.expect(")")
        self.leave()
        return exp.CTE(this=node, alias=exp.TableAlias(this=name))

    def _select_expression(self) -> exp.Expression:
        """Read selects joined by set operators, their order and offset."""
        node = self._set_expression()
        order = self._order() if self.kind == "ORDER" else None
        offset = self._offset() if self.kind == "OFFSET" else None
        if isinstance(node, exp.Subquery):
            node = _without_parentheses(node, kept=order is not None or offset is not None)
        if order is not None:
            node.set("order", order)
        if offset is not None:
            node.set("offset", offset)
        return node

    def _set_expression(self) -> exp.Expression:
        node = self._set_term()
        while self.kind in _SUMS:
            operator, rest = self._set_operator()
            node = operator(this=_operand(node), expression=_operand(self._set_term()), **rest)
        return node

    def _set_term(self) -> exp.Expression:
        node = self._set_primary()
        while self.kind == "INTERSECT":
            operator, rest = self._set_operator()
            node = operator(this=_operand(node), expression=_operand(self._set_primary()), **rest)
        return node

    def _set_operator(self) -> tuple[type[exp.Expression], dict[str, bool]]:
        if not self.modern:
            raise self.late(self.kind)
        operator = _SUMS.get(self.kind, exp.Intersect)
        self.advance()
        return operator, {"distinct": not self.take("ALL")}

    def _set_primary(self) -> exp.Expression:
        if self.kind != "(" or not self.modern:
            return self._select()
        self.advance()
        self.enter()
        node = self._select_expression()
        self.expect(")")
        self.leave()
        return exp.Subquery(this=node)

    def _select(self) -> exp.Expression:
        if self.kind != "SELECT":
            remark = "; WITH stands at the beginning of the whole query only" if self.kind == "WITH" else ""
            raise self.error(f"SELECT{remark}", among=("SELECT", "WITH"))
        self.advance()
        parts: dict[str, object] = {}
        if self.take("DISTINCT"):
            parts["distinct"] = exp.Distinct()
        else:
            self.take("ALL")
        if self.take("TOP"):
            parts["limit"] = self._limit()
        parts["expressions"] = self._select_list()
        if self.kind != "FROM":
            raise self.error("FROM, or a comma and another column", among=("FROM",))
        self.advance()
        tables, joins = self._tables()
        parts["from_"] = exp.From(this=tables)
        if joins:
            parts["joins"] = joins
        if self.take("WHERE"):
            parts["where"] = exp.Where(this=self.condition())
        if self.kind == "GROUP":
            parts["group"] = self._group()
        if self.take("HAVING"):
            parts["having"] = exp.Having(this=self.condition())
        if not self.modern and self.kind == "ORDER":
            parts["order"] = self._order()
        return exp.Select(**parts)

    def _limit(self) -> exp.Expression:
        node = exp.Limit(expression=self.digits("a number of rows behind TOP"))
        if self.kind in ("DISTINCT", "ALL"):
            raise self.error(f"a column; {self.kind} stands before TOP")
        return node

    def _select_list(self) -> list[exp.Expression]:
        found = [self._select_item()]
        while self.take(","):
            found.append(self._select_item())
        return found

    def _select_item(self) -> exp.Expression:
        if self.kind == "*":
            node = self.placed(exp.Star(), self.start)
            self.advance()
            return node
        star = self._all_of_a_table() if self.kind in (NAME, QUOTED) else None
        if star is not None:
            return star
        node = self.value()[0]
        if self.take("AS"):
            return exp.Alias(this=node, alias=self.identifier("a name for the column"))
        if self.kind in (NAME, QUOTED):
            return exp.Alias(this=node, alias=self.identifier())
        return node

    def _all_of_a_table(self) -> exp.Expression | None:
        """Read ``table.*``, if that is what stands here."""
        distance = 1
        while self.after(distance) == "." and self.after(distance + 1) in (NAME, QUOTED):
            distance += 2
        if self.after(distance) != "." or self.after(distance + 1) != "*":
            return None
        parts = [self.identifier()]
        while self.after() != "*":
            if len(parts) == 3:
                raise self.error("a table with at most 3 parts")
            self.advance()
            parts.append(self.identifier())
        self.advance()
        self.advance()
        return column([*parts, exp.Star()])

    def _tables(self) -> tuple[exp.Expression, list[exp.Expression]]:
        """Read the tables of FROM: the first, and the others as joins; a comma is a join without kind or condition."""
        first, joins = self._joined(self._table())
        while self.take(","):
            table, others = self._joined(self._table())
            joins += [exp.Join(this=table), *others]
        return first, joins

    def _joined(self, first: exp.Expression) -> tuple[exp.Expression, list[exp.Expression]]:
        joins = []
        while self.kind in _JOINS:
            joins.append(self._join())
        return first, joins

    def _join(self) -> exp.Expression:
        parts: dict[str, object] = {}
        natural = self.take("NATURAL")
        if natural:
            parts["method"] = "NATURAL"
        if self.kind in _SIDES:
            parts["side"] = self.kind
            self.advance()
            self.take("OUTER")
        elif self.take("INNER"):
            parts["kind"] = "INNER"
        self.expect("JOIN")
        parts["this"] = self._right_side(natural=natural)
        if natural:
            if self.kind in ("ON", "USING"):
                raise self.error(f"no {self.kind}, since a NATURAL join has its columns in common")
        elif self.take("ON"):
            parts["on"] = self.condition()
        elif self.take("USING"):
            parts["using"] = self._using()
        else:
            raise self.error("ON or USING behind the joined table", among=("ON", "USING"))
        return exp.Join(**parts)

    def _right_side(self, *, natural: bool) -> exp.Expression:
        """Read the table that is joined; joins inside it that come before its own condition belong to it."""
        table = self._table()
        if natural or self.kind not in _JOINS:
            return table
        self.enter()
        joins = []
        while self.kind in _JOINS:
            joins.append(self._join())
        self.leave()
        return _nested(table, joins)

    def _using(self) -> list[exp.Expression]:
        self.expect("(")
        names: list[exp.Expression] = [self.identifier("the name of a column")]
        while self.take(","):
            names.append(self.identifier("the name of a column"))
        if self.kind == ".":
            raise self.error("a column name alone, without a table")
        self.expect(")")
        return names

    def _table(self) -> exp.Expression:
        """Read a table with its alias, a query with its alias, or a join in parentheses."""
        if self.kind == "(":
            return self._table_in_parentheses()
        if self.kind not in (NAME, QUOTED) and self.kind not in self.vocabulary.reserved:
            raise self.error("a table")
        parts = self.path(3, "a table")
        node = exp.Table(**dict(zip(("this", "db", "catalog"), reversed(parts), strict=False)))
        alias = self._alias()
        if alias is not None:
            node.set("alias", alias)
        return node

    def _table_in_parentheses(self) -> exp.Expression:
        if self.opens_query() and self._is_query():
            node = self.table_subquery()
            alias = self._alias()
            if alias is None:
                raise self.error("a name for the query in parentheses: (SELECT …) AS name")
            node.set("alias", alias)
            return node
        node = self._joined_table()
        alias = self._alias()
        return node if alias is None else _as_query(node, alias)

    def _is_query(self) -> bool:
        """Whether what stands in the parentheses here is a query, and not a join that begins with one."""
        if self.after() != "(":
            return True
        distance, depth = 1, 1
        while depth:
            kind = self.after(distance)
            if kind == END:
                return True
            depth += (kind == "(") - (kind == ")")
            distance += 1
            if depth == 1 and kind == ")":
                following = self.after(distance)
                return following in (")", "UNION", "EXCEPT", "INTERSECT", "ORDER", "OFFSET", END)
        return True

    def _joined_table(self) -> exp.Expression:
        """Read a join in parentheses."""
        self.expect("(")
        self.enter()
        first, joins = self._joined(self._table())
        if not joins and not (isinstance(first, exp.Subquery) and isinstance(first.this, exp.Table)):
            raise self.error("a join, or no parentheses", among=_JOINS)
        self.expect(")")
        self.leave()
        return _nested(first, joins) if joins else first

    def _alias(self) -> exp.Expression | None:
        if self.take("AS"):
            return exp.TableAlias(this=self.identifier("a name for the table"))
        if self.kind in (NAME, QUOTED):
            return exp.TableAlias(this=self.identifier())
        return None

    @override
    def table_subquery(self) -> exp.Expression:
        self.expect("(")
        self.enter()
        node = self._select_expression()
        self.expect(")")
        self.leave()
        return exp.Subquery(this=node)

    def _group(self) -> exp.Expression:
        self.advance()
        self.expect("BY")
        terms = [self._group_term()]
        while self.take(","):
            terms.append(self._group_term())
        return exp.Group(expressions=terms)

    def _group_term(self) -> exp.Expression:
        if self.modern:
            return self.value()[0]
        return self.column()

    def _order(self) -> exp.Expression:
        self.advance()
        self.expect("BY")
        terms = [self._order_term()]
        while self.take(","):
            terms.append(self._order_term())
        return exp.Order(expressions=terms)

    def _order_term(self) -> exp.Expression:
        if self.modern:
            node = self.value()[0]
        elif self.kind in (NAME, QUOTED):
            node = exp.Column(this=self.identifier())
            if self.kind == ".":
                raise self.error("a column of the result or its number, without a table (ADQL 2.0)")
        else:
            node = self.digits("a column of the result or its number")
        descending = self.take("DESC")
        if not descending:
            self.take("ASC")
        return exp.Ordered(this=node, desc=descending)

    def _offset(self) -> exp.Expression:
        self.advance()
        return exp.Offset(expression=self.digits("a number of rows behind OFFSET"))


def _operand(node: exp.Expression) -> exp.Expression:
    """Return an operand of a set operator, in parentheses where its own TOP, order or offset would be lost."""
    return exp.Subquery(this=node) if any(node.args.get(part) for part in _ORDERING) else node


def _without_parentheses(node: exp.Expression, *, kept: bool) -> exp.Expression:
    """Return a query without its parentheses; where its own order or limit must be ``kept`` apart, as a table."""
    inner = node.this
    if not kept or not any(inner.args.get(part) for part in _ORDERING):
        return inner.pop()
    return exp.Select(expressions=[exp.Star()], from_=exp.From(this=node))


def _nested(first: exp.Expression, joins: Sequence[exp.Expression]) -> exp.Expression:
    """Return a join in parentheses."""
    first.set("joins", [*(first.args.get("joins") or ()), *joins])
    return exp.Subquery(this=first)


def _as_query(join: exp.Expression, alias: exp.Expression) -> exp.Expression:
    """Return a join in parentheses that has an alias as the query that it stands for: all of its columns."""
    query = exp.Select(expressions=[exp.Star()], from_=exp.From(this=join))
    return exp.Subquery(this=query, alias=alias)
