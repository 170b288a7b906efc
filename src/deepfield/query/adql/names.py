"""Which column or table a name means: whatever the case, exactly where it is delimited."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING, Final

from deepfield.model.errors import AdqlNameError
from deepfield.query.adql import nodes

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from sqlglot import exp

    from deepfield.query.adql.sources import Field, Source

_MOST_LISTED: Final = 3


class Scope:
    """The tables of one SELECT, within those of the queries around it."""

    def __init__(self, parent: Scope | None = None) -> None:
        self.parent = parent
        self.sources: list[Source] = []
        self.visible: list[Field] = []
        """The columns of ``*``, in their order."""
        self._behind: set[Field] = set()
        """Columns that a NATURAL or USING join put behind a common one."""

    def add(self, source: Source) -> None:
        """Let a table be seen."""
        self.sources.append(source)
        self.visible += source.fields

    def take(self, other: Scope) -> None:
        """Let all tables of another scope be seen behind those of this one."""
        self.sources += other.sources
        self.visible += other.visible
        self._behind |= other._behind

    def merge(self, common: Sequence[Field]) -> None:
        """Put columns that are one from now on before all others, and behind them what they are made of."""
        gone = {each for merged in common for each in merged.merged}
        self._behind |= gone
        self.visible = [*common, *(each for each in self.visible if each not in gone)]

    def find(self, node: exp.Expression) -> tuple[Field, bool]:
        """Return the column that a name means, and whether it belongs to a table of this SELECT.

        Raises:
            AdqlNameError: there is none, or there are several.
        """
        scope: Scope | None = self
        while scope is not None:
            found = scope.matching(node)
            if len(found) > 1:
                raise ambiguous(node, found)
            if found:
                return found[0], scope is self
            scope = scope.parent
        raise self._unknown(node)

    def named(self, identifier: exp.Expression) -> list[Field]:
        """Return the visible columns of a name."""
        return [each for each in self.visible if matches(identifier, each.name)]

    def qualified(self, parts: Sequence[exp.Expression]) -> list[Source]:
        """Return the tables that a qualifier, from schema to table, may mean."""
        found: list[Source] = []
        for source in self.sources:
            for names in source.qualifiers:
                if len(parts) <= len(names) and all(
                    matches(part, name) for part, name in zip(reversed(parts), reversed(names), strict=False)
                ):
                    found.append(source)
                    break
        return found

    def matching(self, node: exp.Expression) -> list[Field]:
        """Return the columns of this SELECT that a name may mean."""
        identifier = node.this
        qualifier = [node.args[part] for part in ("catalog", "db", "table") if node.args.get(part) is not None]
        folded = identifier.name.lower()
        if qualifier:
            sources: Iterable[Source] = self.qualified(qualifier)
            return [
                each for source in sources for each in source.index.get(folded, ()) if matches(identifier, each.name)
            ]
        if self._behind:
            return self.named(identifier)
        return [
            each for source in self.sources for each in source.index.get(folded, ()) if matches(identifier, each.name)
        ]

    def _unknown(self, node: exp.Expression) -> AdqlNameError:
        identifier = node.this
        line, column = nodes.place(node.parts[0])
        qualifier = [node.args[part] for part in ("catalog", "db", "table") if node.args.get(part) is not None]
        word = ".".join(part.name for part in (*qualifier, identifier))
        scopes = list(self._outwards())
        if qualifier:
            sources = [source for scope in scopes for source in scope.qualified(qualifier)]
            if not sources:
                known = [name[-1] for scope in scopes for source in scope.sources for name in source.qualifiers]
                wanted = ".".join(part.name for part in qualifier)
                closest = closest_of(qualifier[-1].name, known)
                return AdqlNameError(wanted, "a table of FROM", line=line, column=column, closest=closest)
            names = [each.name for source in sources for each in source.fields]
        else:
            names = [each.name for scope in scopes for each in scope.visible]
        expected = "a column of the tables in FROM"
        same = [name for name in names if name.lower() == identifier.name.lower()]
        closest = (
            f'"{same[0]}", since names in double quotes have a case' if same else closest_of(identifier.name, names)
        )
        return AdqlNameError(word, expected, line=line, column=column, closest=closest)

    def _outwards(self) -> Iterable[Scope]:
        scope: Scope | None = self
        while scope is not None:
            yield scope
            scope = scope.parent


def matches(identifier: exp.Expression, name: str) -> bool:
    """Tell whether an identifier means a name: exactly where it is delimited, else whatever the case."""
    if identifier.args.get("quoted"):
        return bool(identifier.name == name)
    return bool(identifier.name.lower() == name.lower())


def closest_of(name: str, known: Iterable[str]) -> str | None:
    """Return the known name that is most like one, in the case in which it is known."""
    by_folded = {each.lower(): each for each in known}
    found = get_close_matches(name.lower(), by_folded, n=1)
    return by_folded[found[0]] if found else None


def ambiguous(node: exp.Expression, found: Sequence[Field]) -> AdqlNameError:
    """Return the error for a name that several columns have."""
    line, column = nodes.place(node.parts[0])
    owners = [each.source.alias for each in found if each.source is not None][:_MOST_LISTED]
    name = node.this.name
    qualified = " or ".join(f"{owner}.{name}" for owner in owners)
    return AdqlNameError(name, f"a name that only one table has: {qualified}", line=line, column=column)
