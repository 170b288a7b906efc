"""Reading tokens one by one, and saying what was expected where they end."""

from __future__ import annotations

from bisect import bisect_left
from difflib import get_close_matches
from operator import attrgetter
from typing import TYPE_CHECKING, Final

from sqlglot import exp

from deepfield.query.adql.nodes import COLUMN, LINE
from deepfield.query.adql.tokens import END, NAME, QUOTED, Source, Token, tokens

if TYPE_CHECKING:
    from collections.abc import Iterable

    from deepfield.query.adql.vocabulary import Vocabulary

MOST_NESTING: Final = 32
_LIKE: Final = 0.7
_STRUCTURE: Final = frozenset(
    {"FROM", "WHERE", "GROUP", "HAVING", "ORDER", "BY", "AND", "OR", "ON", "USING", "AS", "SELECT"}
)
"""Words that hardly anybody means as a name."""


class Cursor:
    """A place between two tokens. ``kind``, ``word`` and ``start`` are those of the next token."""

    def __init__(self, text: str, vocabulary: Vocabulary, extensions: frozenset[str]) -> None:
        self.source = Source(text)
        self.vocabulary, self.extensions = vocabulary, extensions
        self._tokens = tokens(self.source, vocabulary)
        self._next = 0
        self._nesting = 0
        self.kind, self.word, self.start = self._tokens[0]

    @property
    def modern(self) -> bool:
        """Whether the version is 2.1."""
        return self.vocabulary.version != "2.0"

    def advance(self) -> None:
        self._next += 1
        self.kind, self.word, self.start = self._tokens[self._next]

    @property
    def before(self) -> Token:
        """The token before the next one; at the beginning, the next one."""
        return self._tokens[max(self._next - 1, 0)]

    def after(self, distance: int = 1) -> str:
        """Return the kind of a token behind the next one."""
        place = self._next + distance
        return self._tokens[place].kind if place < len(self._tokens) else END

    def take(self, kind: str) -> bool:
        """Step over a token if it is of this kind."""
        if self.kind != kind:
            return False
        self.advance()
        return True

    def expect(self, kind: str) -> None:
        """Step over a token of this kind; AdqlSyntaxError if it is another."""
        if self.kind != kind:
            raise self.error(kind, among=(kind,))
        self.advance()

    def enter(self) -> None:
        """Go one level of parentheses deeper."""
        self._nesting += 1
        if self._nesting > MOST_NESTING:
            raise self.error(f"at most {MOST_NESTING} levels of parentheses")

    def leave(self) -> None:
        self._nesting -= 1

    def error(self, expected: str, *, among: Iterable[str] = (), at: int | None = None) -> Exception:
        """Return the error that something else was expected here, or where ``at`` says.

        ``among`` are the words that could stand there. If the word here resembles one of them, it is offered; if the
        name before does, which may have been read as an alias, the error is there.
        """
        if at is not None:
            token = self._tokens[bisect_left(self._tokens, at, key=attrgetter("start"))]
            return self.source.error(at, expected, word=token.text)
        for kind, word, start in reversed(self._tokens[max(self._next - 1, 0) : self._next + 1]):
            closest = get_close_matches(word.upper(), list(among), 1, _LIKE) if kind == NAME else []
            if closest:
                return self.source.error(start, expected, word=word, closest=closest[0])
        return self.source.error(self.start, expected, word=self.word or END)

    def late(self, feature: str) -> Exception:
        """Return the error that something exists since ADQL 2.1 only."""
        return self.error(f"a query of ADQL 2.0; {feature} came with ADQL 2.1")

    def unless_quoted(self) -> str:
        """Return the remark that the reserved word here could be a name in quotes, if one may be meant."""
        if self.kind not in self.vocabulary.reserved or self.kind in _STRUCTURE:
            return ""
        return f'; {self.kind} is a reserved word, as a name it is written "{self.word}"'

    def placed(self, node: exp.Expression, start: int) -> exp.Expression:
        """Let a node remember where it begins."""
        meta = node.meta
        meta[LINE], meta[COLUMN] = self.source.place(start)
        return node

    def identifier(self, what: str = NAME) -> exp.Identifier:
        """Read a name, regular or in double quotes."""
        if self.kind == NAME:
            node = exp.Identifier(this=self.word, quoted=False)
        elif self.kind == QUOTED:
            node = exp.Identifier(this=self.word[1:-1].replace('""', '"'), quoted=True)
        else:
            raise self.error(f"{what}{self.unless_quoted()}")
        self.placed(node, self.start)
        self.advance()
        return node
