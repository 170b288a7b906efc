"""A query's tree resolved against the tables there are, and written in the engine's SQL."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from sqlglot import exp
from typing_extensions import override

from deepfield.model.errors import AdqlNameError, AdqlTypeError
from deepfield.query.adql import nodes
from deepfield.query.adql.expressions import Expressions
from deepfield.query.adql.meaning import FLAG, KIND_WORDS, Meaning, Value, quoted, widest
from deepfield.query.adql.names import Scope, closest_of, matches
from deepfield.query.adql.sources import AROUND, TAP_UPLOAD, Circumstances, Cone, Derived, End, Field, Published
from deepfield.query.lower import double_text
from deepfield.query.shapes import order_for

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from deepfield.catalogue.published import PublishedTable
    from deepfield.model.tables import Column
    from deepfield.query.adql.sources import Source

_OPERATORS: Final = {exp.Union: "UNION", exp.Except: "EXCEPT", exp.Intersect: "INTERSECT"}
_MOST_COLUMNS: Final = 1000
FEW_ROWS: Final = 50_000
"""Rows that may be held in memory at once."""
_VARIED_ORDER: Final = 8
"""Order of the cells where radii differ from row to row (13.7′)."""


@dataclass(slots=True)
class Written:
    """A query in the engine's SQL with the columns that it gives."""

    sql: str
    columns: list[Value]
    """Each with its name; its SQL is the column's name in the query."""
    most: int | None = None
    """How many rows it gives at most."""
    few: str | None = None
    """The same query with no more than ``FEW_ROWS`` + 1 rows, where few can be expected."""


@dataclass(slots=True)
class _Join:
    words: str
    """What stands before the right side: a comma or kind of join; empty for the first."""
    right: Source | list[_Join]
    on: Value | None = None
    side: str = ""


class Resolver:
    """Resolves one query."""

    def __init__(self, given: Circumstances) -> None:
        self.given = given
        self.published: list[Published] = []
        self._aliases: set[str] = set()
        self._common: dict[str, tuple[str, list[tuple[str, str, Meaning]]]] = {}
        self._uploads = list(given.uploads)

    @property
    def parameters(self) -> frozenset[str]:
        """The values that the SQL of this query asks for."""
        return frozenset().union(*(each.parameters for each in self.published))

    def resolve(self, tree: exp.Expression, *, most: int | None = None) -> Written:
        """Resolve a whole query, which gives at most ``most`` rows.

        Raises:
            AdqlNameError: a table, column or function is not there, or a name could mean several.
            AdqlTypeError: a value has a type, or a query a number of columns, that cannot stand there.
        """
        common = []
        with_ = tree.args.get("with_")
        for each in with_.expressions if with_ is not None else ():
            name = each.args["alias"].this
            written = self.query(each.this, None)
            alias = self._alias(name.name)
            self._common[_key(name)] = (quoted(alias), _columns(written))
            common.append(f"{quoted(alias)} AS ({written.sql})")
        written = self.query(tree, None, most=most)
        if common:
            written.sql = f"WITH {', '.join(common)} {written.sql}"
            written.few = None
        return written

    def query(self, tree: exp.Expression, parent: Scope | None, *, most: int | None = None) -> Written:
        """Resolve a query within the scope of the one around it."""
        if isinstance(tree, exp.Subquery):
            inner = self.query(tree.this, parent)
            return Written(f"({inner.sql})", inner.columns)
        if isinstance(tree, exp.SetOperation):
            return self._set_operation(tree, parent, most)
        return _Select(self, tree, parent).written(most)

    def _set_operation(self, tree: exp.Expression, parent: Scope | None, most: int | None) -> Written:
        left, right = self.query(tree.this, parent), self.query(tree.expression, parent)
        if len(left.columns) != len(right.columns):
            raise _wrong(
                tree.expression,
                f"as many columns as the query before it, {len(left.columns)}, not {len(right.columns)}",
            )
        columns = [
            self._united(one, two, tree.expression) for one, two in zip(left.columns, right.columns, strict=True)
        ]
        word = _OPERATORS[type(tree)] + ("" if tree.args.get("distinct") else " ALL")
        sql = f"{_operand(left.sql)} {word} {_operand(right.sql)}"
        order = tree.args.get("order")
        terms = [self._output(term, columns) for term in order.expressions] if order is not None else []
        return Written(sql + _tail(tree, terms, most), columns, _most(tree, most))

    def _united(self, left: Value, right: Value, place: exp.Expression) -> Value:
        kinds = {left.kind, right.kind} - {"null"}
        if len(kinds) > 1:
            raise _wrong(place, f"{KIND_WORDS[left.kind]} in column {left.name}, as in the query before it")
        meaning = right.meaning if left.kind == "null" else left.meaning
        if kinds == {"number"} and left.kind == right.kind:
            meaning = meaning.typed(widest([left.meaning.type, right.meaning.type]))
        if kinds == {"text"} and "unicode" in {left.meaning.type, right.meaning.type}:
            meaning = meaning.typed("unicode")
        return Value(left.sql, meaning, name=left.name)

    def _output(self, term: exp.Expression, columns: Sequence[Value]) -> str:
        """Return a term of ORDER BY that has to be a column of the result."""
        position = output_of(term.this, columns)
        if position is None:
            raise _wrong(term.this, "a column of the result, by name or number")
        return f"{position} {_direction(term)}"

    def table(self, node: exp.Expression) -> Source:
        """Return the table that a name in FROM means."""
        parts = [node.args[part] for part in ("catalog", "db", "this") if node.args.get(part) is not None]
        alias = node.args.get("alias")
        if len(parts) == 1 and (common := self._common.get(_key(parts[0]))) is not None:
            name = alias.this.name if alias is not None else parts[0].name
            return Derived(common[0], self._alias(name), frozenset({(name,)}), common[1])
        if len(parts) == 2 and matches(parts[0], TAP_UPLOAD):
            return self._upload(parts, alias)
        found = self._named(parts)
        if found is None:
            raise self._unknown(parts)
        table = found.table
        names = (alias.this.name,) if alias is not None else (table.schema, table.name)
        source = Published(found, self._alias(names[-1]), frozenset({names}), self.given)
        self.published.append(source)
        return source

    def derived(self, node: exp.Expression, parent: Scope | None) -> Source:
        """Return a subquery in FROM as a table."""
        written = self.query(node.this, parent)
        name = node.args["alias"].this.name
        return Derived(f"({written.sql})", self._alias(name), frozenset({(name,)}), _columns(written))

    def _upload(self, parts: Sequence[exp.Expression], alias: exp.Expression | None) -> Source:
        for number, (upload, columns) in enumerate(self.given.uploads.items()):
            if matches(parts[1], upload):
                names = (alias.this.name,) if alias is not None else (TAP_UPLOAD, upload)
                return Derived(
                    quoted(upload_name(number)),
                    self._alias(names[-1]),
                    frozenset({names}),
                    _upload_columns(tuple(columns)),
                )
        line, column = nodes.place(parts[0])
        closest = closest_of(parts[1].name, self._uploads)
        known = f"{TAP_UPLOAD}.{closest}" if closest else None
        expected = "a table uploaded with the query"
        raise AdqlNameError(f"{TAP_UPLOAD}.{parts[1].name}", expected, line=line, column=column, closest=known)

    def _named(self, parts: Sequence[exp.Expression]) -> PublishedTable | None:
        if len(parts) > 2:
            return None
        tables = self.given.tables.values()
        found = [each for each in tables if matches(parts[-1], each.table.name)]
        if len(parts) == 2:
            found = [each for each in found if matches(parts[0], each.table.schema)]
        return found[0] if len(found) == 1 else None

    def _unknown(self, parts: Sequence[exp.Expression]) -> AdqlNameError:
        line, column = nodes.place(parts[0])
        word = ".".join(part.name for part in parts)
        known = [*self.given.tables, *(f"{TAP_UPLOAD}.{name}" for name in self._uploads), *self._common]
        same = [name for name in known if name.lower().rsplit(".", 1)[-1] == parts[-1].name.lower()]
        closest = " or ".join(same) if same else closest_of(word, known)
        return AdqlNameError(word, "a table of this service", line=line, column=column, closest=closest)

    def _alias(self, wanted: str) -> str:
        """Return a name that no other table of the whole query has in the engine."""
        base = wanted.lower()
        alias, number = base, 1
        while alias in self._aliases:
            number += 1
            alias = f"{base}_{number}"
        self._aliases.add(alias)
        return alias


class _Select(Expressions):
    """Resolves one SELECT."""

    def __init__(self, resolver: Resolver, tree: exp.Expression, parent: Scope | None) -> None:
        super().__init__(Scope(parent), largest_field=resolver.given.largest_field)
        self._resolver, self._tree = resolver, tree
        self._cones: list[tuple[Cone, Callable[[str], None], frozenset[Source] | None]] = []

    @override
    def subquery(self, tree: exp.Expression, *, columns: int | None) -> tuple[str, Sequence[Value]]:
        written = self._resolver.query(tree, self.scope)
        if columns is not None and len(written.columns) != columns:
            raise _wrong(tree, f"a query of {columns} column{'s' if columns > 1 else ''}, not {len(written.columns)}")
        return written.sql, written.columns

    def written(self, most: int | None) -> Written:
        tree = self._tree
        joins = self._tables(tree.args["from_"].this, tree.args.get("joins") or ())
        where = tree.args.get("where")
        conditions: list[str] = []
        small = False
        if where is not None:
            condition = self.condition(where.this)
            if condition.aggregate:
                raise self.wrong(where.this, "a condition on rows; one on groups stands behind HAVING")
            for each in condition.conjuncts or (condition,):
                small = small or each.small
                if each.cone is not None:
                    self._cones.append((each.cone, conditions.append, None))
            conditions.append(condition.sql)
        groups = self._groups()
        items = self._items()
        having = tree.args.get("having")
        kept = self.condition(having.this) if having is not None else None
        order = tree.args.get("order")
        terms = [self._term(term, items) for term in order.expressions] if order is not None else []
        if groups or kept is not None or any(item.aggregate for item in items):
            self._check_groups(items, kept)
        self._plan()
        distinct = "DISTINCT " if tree.args.get("distinct") is not None else ""
        columns = _named(items)
        listed = ", ".join(f"{item.sql} AS {column.sql}" for item, column in zip(items, columns, strict=True))
        parts = [f"SELECT {distinct}{listed} FROM {_joined(joins)}"]
        if conditions:
            parts.append(f"WHERE {' AND '.join(conditions[::-1])}")
        if groups:
            parts.append(f"GROUP BY {', '.join(groups)}")
        if kept is not None:
            parts.append(f"HAVING {kept.sql}")
        rows, sql = _most(tree, most), " ".join(parts)
        few = sql + _tail(tree, terms, FEW_ROWS + 1) if small and (rows is None or rows > FEW_ROWS) else None
        return Written(sql + _tail(tree, terms, most), columns, rows, few)

    # FROM ----------------------------------------------------------------------------------------------------------

    def _tables(self, first: exp.Expression, others: Sequence[exp.Expression]) -> list[_Join]:
        """Return the joins of FROM; tables behind a comma are joined within their own item."""
        joins: list[_Join] = []
        group: list[exp.Expression] = [first]
        groups = [group]
        for join in others:
            if _is_comma(join):
                group = [join.this]
                groups.append(group)
            else:
                group.append(join)
        for each in groups:
            scope, found = self._group(each[0], each[1:])
            self.scope.take(scope)
            found[0].words = ", " if joins else ""
            joins += found
        return joins

    def _group(self, first: exp.Expression, others: Sequence[exp.Expression]) -> tuple[Scope, list[_Join]]:
        scope = Scope(self.scope.parent)
        joins = [_Join("", self._table(first, scope))]
        for join in others:
            right = Scope(self.scope.parent)
            made = _Join("", self._table(join.this, right), side=str(join.args.get("side") or ""))
            made.words = f" {made.side + ' ' if made.side else ''}JOIN "
            before = frozenset(scope.sources)
            common = self._common_columns(join, scope, right)
            scope.take(right)
            if common is not None:
                made.on = self._merged(common, scope, made.side)
            else:
                made.on = self._on(join.args["on"], scope)
            self._note_cones(made, before, frozenset(right.sources))
            joins.append(made)
        return scope, joins

    def _table(self, node: exp.Expression, scope: Scope) -> Source | list[_Join]:
        if isinstance(node, exp.Table):
            inner = node.args.get("joins")
            if inner:
                return self._nested(node, inner, scope)
            source = self._resolver.table(node)
        elif isinstance(node.this, exp.Table):  # a join in parentheses
            return self._nested(node.this, node.this.args.get("joins") or (), scope)
        else:
            source = self._resolver.derived(node, self.scope.parent)
        scope.add(source)
        return source

    def _nested(self, first: exp.Expression, others: Sequence[exp.Expression], scope: Scope) -> list[_Join]:
        bare = first.copy()
        bare.set("joins", None)
        inner, joins = self._group(bare, others)
        scope.take(inner)
        return joins

    def _on(self, node: exp.Expression, scope: Scope) -> Value:
        outer, self.scope = self.scope, scope
        try:
            found = self.condition(node)
        finally:
            self.scope = outer
        if found.aggregate:
            raise self.wrong(node, "a condition on rows")
        return found

    def _common_columns(self, join: exp.Expression, left: Scope, right: Scope) -> list[tuple[Field, Field]] | None:
        """Return the pairs of columns that USING or NATURAL make one."""
        using = join.args.get("using")
        if using:
            return [(_single(name, left), _single(name, right)) for name in using]
        if join.args.get("method") == "NATURAL":
            names = {each.name.lower(): each for each in right.visible}
            pairs = [(each, names[each.name.lower()]) for each in left.visible if each.name.lower() in names]
            if not pairs:
                raise self.wrong(join.this, "a table that has columns in common with those before it")
            return pairs
        return None

    def _merged(self, pairs: Sequence[tuple[Field, Field]], scope: Scope, side: str) -> Value:
        common, conditions = [], []
        for left, right in pairs:
            for each in (left, right):
                _use(each)
            sql = {"RIGHT": right.sql, "FULL": f"coalesce({left.sql}, {right.sql})"}.get(side, left.sql)
            common.append(Field(left.name, left.meaning, sql, merged=(left, right)))
            conditions.append(f"{left.sql} = {right.sql}")
        scope.merge(common)
        return Value(" AND ".join(conditions), FLAG)

    def _note_cones(self, join: _Join, left: frozenset[Source], right: frozenset[Source]) -> None:
        """Remember which conditions of a join may become equalities of cells, and whose rows may be repeated."""
        on = join.on
        if on is None or join.side == "FULL":
            return
        may_repeat = {"LEFT": right, "RIGHT": left}.get(join.side)
        for each in on.conjuncts or (on,):
            if each.cone is not None:
                self._cones.append((each.cone, lambda sql, on=on: _prefix(on, sql), may_repeat))  # type: ignore[misc]

    def _plan(self) -> None:
        """Turn conditions that two places be near each other into equalities of HEALPix cells.

        The rows of one table are repeated for each cell that their circle touches; a row of the other lies in one cell
        alone, so that no pair is met twice.
        """
        for cone, add, may_repeat in self._cones:
            for repeated, other in _ways(cone):
                (source,) = repeated.sources
                if source.around or (may_repeat is not None and source not in may_repeat):
                    continue
                if not cone.radius_sources <= repeated.sources:
                    continue
                order = _VARIED_ORDER if cone.largest is None else order_for(cone.largest)
                if order < 0:
                    continue
                radius = cone.radius if cone.largest is None else double_text(cone.largest)
                source.around = f"sky_cells({order}, {repeated.ra}, {repeated.dec}, {radius})"
                cell = (
                    f"({other.cell} >> {2 * (29 - order)})"
                    if other.cell is not None
                    else f"sky_cell({order}, {other.ra}, {other.dec})"
                )
                add(f"{cell} = {quoted(source.alias)}.{quoted(AROUND)}")
                break

    # Columns of the result -----------------------------------------------------------------------------------------

    def _items(self) -> list[Value]:
        items: list[Value] = []
        for node in self._tree.expressions:
            if isinstance(node, exp.Star):
                items += [self._of_field(each) for each in self.scope.visible]
            elif isinstance(node, exp.Column) and isinstance(node.this, exp.Star):
                items += self._all_of(node)
            elif isinstance(node, exp.Alias):
                item = self.value(node.this)
                item.name = node.args["alias"].name
                items.append(item)
            else:
                items.append(self.value(node))
            if len(items) > _MOST_COLUMNS:
                raise self.wrong(node, f"a result of at most {_MOST_COLUMNS} columns")
        return items

    def _all_of(self, node: exp.Expression) -> list[Value]:
        qualifier = [node.args[part] for part in ("catalog", "db", "table") if node.args.get(part) is not None]
        sources = self.scope.qualified(qualifier)
        if len(sources) != 1:
            line, column = nodes.place(node)
            known = [names[-1] for source in self.scope.sources for names in source.qualifiers]
            word = ".".join(part.name for part in qualifier)
            closest = closest_of(qualifier[-1].name, known)
            raise AdqlNameError(word, "one table of FROM", line=line, column=column, closest=closest)
        return [self._of_field(each) for each in sources[0].fields]

    def _of_field(self, field: Field) -> Value:
        _use(field)
        found = Value(field.sql, field.meaning, frozenset((field,)), field.sources, name=field.name)
        if self.grouped and found.sql in self.grouped:
            found.free = frozenset()
        return found

    def _groups(self) -> list[str]:
        group = self._tree.args.get("group")
        found: list[str] = []
        for node in group.expressions if group is not None else ():
            value = self._group_term(node)
            if value.aggregate:
                raise self.wrong(node, "a value of each row")
            found.append(value.sql)
            self.grouped[value.sql] = value
        return found

    def _group_term(self, node: exp.Expression) -> Value:
        """Return a term of GROUP BY: a value of the tables or, where no column has the name, an alias of the result."""
        grouped, self.grouped = self.grouped, {}
        try:
            return self.value(node)
        except AdqlNameError:
            aliases = [item for item in self._tree.expressions if isinstance(item, exp.Alias)]
            if isinstance(node, exp.Column) and len(node.parts) == 1:
                for item in aliases:
                    if matches(node.this, item.args["alias"].name):
                        return self.value(item.this)
            raise
        finally:
            self.grouped = grouped

    def _check_groups(self, items: Sequence[Value], kept: Value | None) -> None:
        for value in (*items, *((kept,) if kept is not None else ())):
            for field in value.free:
                expected = "a column of GROUP BY, or an aggregate of it"
                place = self._place_of(field)
                line, column = nodes.place(place) if place is not None else (1, 1)
                raise AdqlTypeError(field.name, expected, line=line, column=column)

    def _place_of(self, field: Field) -> exp.Expression | None:
        parts = [*self._tree.expressions, self._tree.args.get("having")]
        for part in parts:
            for column in part.find_all(exp.Column) if part is not None else ():
                if column.name.lower() == field.name.lower():
                    return column
        return None

    def _term(self, term: exp.Expression, items: Sequence[Value]) -> str:
        """Return a term of ORDER BY: a column of the result, or a value of the tables."""
        position = output_of(term.this, items)
        if position is None:
            value = self.value(term.this)
            if value.kind in {"shape", "array"}:
                raise self.wrong(term.this, f"a number, text or time to sort by; this is {KIND_WORDS[value.kind]}")
            position = next((str(n) for n, item in enumerate(items, 1) if item.sql == value.sql), None)
            if position is None and self._tree.args.get("distinct") is not None:
                raise self.wrong(term.this, "a column of the result, since DISTINCT sorts no others")
            if position is None and value.free and (self.grouped or any(item.aggregate for item in items)):
                raise self.wrong(term.this, "a column of GROUP BY, or an aggregate")
            position = position or value.sql
        return f"{position} {_direction(term)}"


def output_of(node: exp.Expression, columns: Sequence[Value]) -> str | None:
    """Return the number of the column of a result that a term of ORDER BY names, by name or number.

    Raises:
        AdqlTypeError: the result has no such number.
    """
    if isinstance(node, exp.Literal) and not node.is_string:
        if not node.this.isdigit() or not 1 <= int(node.this) <= len(columns):
            raise _wrong(node, f"the number of a column of the result, from 1 to {len(columns)}")
        return str(int(node.this))
    if isinstance(node, exp.Column) and len(node.parts) == 1:
        found = [number for number, column in enumerate(columns, 1) if matches(node.this, column.name or "")]
        if found:
            return str(found[0])
    return None


def upload_name(number: int) -> str:
    """Return the name under which the engine knows an upload; its columns are ``c0``, ``c1`` …."""
    return f"upload_{number}"


def _upload_columns(columns: Sequence[Column]) -> list[tuple[str, str, Meaning]]:
    return [(column.name.strip('"'), f"c{number}", Meaning.of(column)) for number, column in enumerate(columns)]


def _columns(written: Written) -> list[tuple[str, str, Meaning]]:
    return [(column.name or "", _unquoted(column.sql), column.meaning) for column in written.columns]


def _unquoted(sql: str) -> str:
    return sql[1:-1].replace('""', '"')


def _named(items: Sequence[Value]) -> list[Value]:
    """Return the columns of a query: each has a name for people and one of its own in the engine."""
    taken: set[str] = set()
    columns = []
    for number, item in enumerate(items, 1):
        name = item.name or f"column_{number}"
        inner, again = name.lower(), 1
        while inner in taken:
            again += 1
            inner = f"{name.lower()}_{again}"
        taken.add(inner)
        columns.append(Value(quoted(inner), item.meaning, name=name))
    return columns


def _joined(joins: Sequence[_Join]) -> str:
    parts = []
    for join in joins:
        right = f"({_joined(join.right)})" if isinstance(join.right, list) else join.right.sql()
        on = f" ON {join.on.sql}" if join.on is not None else ""
        parts.append(f"{join.words}{right}{on}")
    return "".join(parts)


def _ways(cone: Cone) -> list[tuple[End, End]]:
    """Return which place of a cone may be repeated and which found by its cell, the best first."""
    if len(cone.first.sources) != 1 or len(cone.second.sources) != 1 or cone.first.sources == cone.second.sources:
        return []
    ways = [(cone.first, cone.second), (cone.second, cone.first)]
    return sorted(ways, key=lambda way: (way[1].cell is None, way[0].cell is not None))


def _prefix(on: Value, sql: str) -> None:
    on.sql = f"{sql} AND {on.sql}"


def _is_comma(join: exp.Expression) -> bool:
    return not any(join.args.get(part) for part in ("kind", "side", "method", "on", "using"))


def _single(name: exp.Expression, scope: Scope) -> Field:
    found = scope.named(name)
    if len(found) == 1:
        return found[0]
    line, column = nodes.place(name)
    expected = "a column of both tables" if not found else "a name that only one column on each side has"
    closest = None if found else closest_of(name.name, [each.name for each in scope.visible])
    raise AdqlNameError(name.name, expected, line=line, column=column, closest=closest)


def _use(field: Field) -> None:
    for each in field.merged or (field,):
        if each.merged:
            _use(each)
        elif isinstance(each.source, Published):
            each.source.use(each)


def _key(identifier: exp.Expression) -> str:
    return str(identifier.name) if identifier.args.get("quoted") else str(identifier.name).lower()


def _operand(sql: str) -> str:
    return sql if sql.startswith("(") and sql.endswith(")") and _is_wrapped(sql) else f"({sql})"


def _is_wrapped(sql: str) -> bool:
    """Tell whether the first parenthesis closes at the end."""
    depth = 0
    for place, sign in enumerate(sql):
        depth += (sign == "(") - (sign == ")")
        if depth == 0:
            return place == len(sql) - 1
    return False


def _direction(term: exp.Expression) -> str:
    return "DESC NULLS LAST" if term.args.get("desc") else "ASC NULLS LAST"


def _tail(tree: exp.Expression, terms: Sequence[str], most: int | None) -> str:
    """Return order, limit and offset; ``most`` is the most rows that anybody wants."""
    parts = [f" ORDER BY {', '.join(terms)}"] if terms else []
    offset = tree.args.get("offset")
    if (rows := _most(tree, most)) is not None:
        parts.append(f" LIMIT {rows}")
    if offset is not None:
        parts.append(f" OFFSET {int(offset.expression.this)}")
    return "".join(parts)


def _most(tree: exp.Expression, most: int | None) -> int | None:
    """Return the lesser of TOP and what anybody wants."""
    limit = tree.args.get("limit")
    rows = [int(limit.expression.this)] if limit is not None else []
    rows += [most] if most is not None else []
    return min(rows) if rows else None


def _wrong(node: exp.Expression, expected: str) -> AdqlTypeError:
    line, column = nodes.place(node)
    word = node.name if isinstance(node, exp.Column | exp.Literal) else type(node).__name__.upper()
    return AdqlTypeError(word, expected, line=line, column=column)
