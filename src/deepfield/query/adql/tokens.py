"""ADQL text as tokens, by one regular expression that never goes back."""

from __future__ import annotations

import re
from bisect import bisect_right
from typing import TYPE_CHECKING, Final, NamedTuple

from deepfield.model.errors import AdqlSyntaxError

if TYPE_CHECKING:
    from deepfield.query.adql.vocabulary import Vocabulary

NAME: Final = "a name"
QUOTED: Final = "a name in double quotes"
STRING: Final = "a string"
NUMBER: Final = "a number"
END: Final = "the end of the query"

_MOST_CHARACTERS: Final = 262_144
_TOKEN: Final = re.compile(
    r"""[ \t\r\n]++|--[^\r\n]*+
    |(?P<word>[A-Za-z][A-Za-z0-9_]*+)
    |(?P<number>(?:0[xX][0-9A-Fa-f]++|(?:[0-9]++(?:\.[0-9]*+)?+|\.[0-9]++)(?:[eE][+-]?[0-9]++)?+)(?![A-Za-z0-9_]))
    |(?P<string>'[^']*+(?:''[^']*+)*+')
    |(?P<quoted>"(?!"(?!"))[^"]*+(?:""[^"]*+)*+")
    |(?P<sign><>|!=|<=|>=|\|\||[-+*(),.=<>;]|/(?!\*))
    |(?P<other>.)""",
    re.VERBOSE | re.DOTALL,
)
_RUN: Final = re.compile(r"[\w.]+")
_LONGEST_WORD: Final = 60
_OTHERS: Final = {
    "'": "the closing ' of the string that begins here",
    '"': 'a name and its closing "',
    "%": "MOD(x, y) for a remainder",
    "_": "a name that begins with a letter, or stands in double quotes",
    "/": "a comment that begins with --",
    "#": "a comment that begins with --",
    "[": "names in double quotes, not in brackets",
    "`": "names in double quotes, not in backquotes",
    "&": "an operator of ADQL, which has none on bits",
    "|": "|| to join strings",
    "^": "POWER(x, y)",
    "!": "!= or <>",
    "?": "a value; a query has no parameters",
    ":": "CAST(x AS type) for a type, and values in place of parameters",
    "@": "a value; a query has no variables",
    "]": "names in double quotes, not in brackets",
    "\\": "a character of ADQL; a quote in a string is doubled",
    "~": "an operator of ADQL, which has none on bits",
    "‘": "straight quotes '…' around a string",
    "’": "straight quotes '…' around a string",
    "“": 'straight quotes "…" around a name',
    "”": 'straight quotes "…" around a name',
    "\u00a0": "an ordinary space (this one is U+00A0)",
    "−": "the minus sign of the keyboard (this one is U+2212)",
}


class Token(NamedTuple):
    """A token: its kind is a reserved word in upper case, a sign, or one of the names of this module."""

    kind: str
    text: str
    start: int


class Source:
    """The text of a query, which knows its lines."""

    def __init__(self, text: str) -> None:
        """Take the text; AdqlSyntaxError where it is too long or holds what no text holds."""
        self.text = text
        self._lines: list[int] | None = None
        if len(text) > _MOST_CHARACTERS:
            raise self.error(0, f"at most {_MOST_CHARACTERS} characters, not {len(text)}; upload long lists as a table")
        if "\0" in text:
            raise self.error(text.index("\0"), "text without NUL characters")
        try:
            text.encode()
        except UnicodeEncodeError as error:
            raise self.error(error.start, "text without lone surrogates") from None

    def place(self, start: int) -> tuple[int, int]:
        """Return line and column of a character, both from 1."""
        if self._lines is None:
            self._lines = [0, *(match.end() for match in re.finditer("\n", self.text))]
        line = bisect_right(self._lines, start)
        return line, start - self._lines[line - 1] + 1

    def error(self, start: int, expected: str, *, word: str | None = None, closest: str | None = None) -> Exception:
        """Return the error that something else stands at a character than may."""
        line, column = self.place(start)
        if word is None:
            run = _RUN.match(self.text, start)
            word = run.group() if run else self.text[start : start + 1]
        if len(word) > _LONGEST_WORD:
            word = word[:_LONGEST_WORD] + "…"
        return AdqlSyntaxError(word or END, expected, line=line, column=column, closest=closest)


def tokens(source: Source, vocabulary: Vocabulary) -> list[Token]:
    """Return the tokens of a text, the last one of kind ``END``; AdqlSyntaxError where a character belongs to none."""
    found: list[Token] = []
    reserved, text = vocabulary.reserved, source.text
    append = found.append
    for match in _TOKEN.finditer(text):
        group = match.lastgroup
        if group is None:
            continue
        word, start = match.group(), match.start()
        if group == "word":
            upper = word.upper()
            append(Token(upper if upper in reserved else NAME, word, start))
        elif group == "sign":
            append(Token(word, word, start))
        elif group == "number":
            append(Token(NUMBER, word, start))
        elif group == "string":
            append(Token(STRING, word, start))
        elif group == "quoted":
            append(Token(QUOTED, word, start))
        else:
            raise _stranger(source, start)
    append(Token(END, "", len(text)))
    return found


def _stranger(source: Source, start: int) -> Exception:
    character = source.text[start]
    if character.isalnum():
        while start and (source.text[start - 1].isalnum() or source.text[start - 1] == "_"):
            start -= 1
        if source.text[start].isdigit():
            return source.error(start, "a number, or a name that begins with a letter")
        return source.error(start, "a name of the letters A to Z, digits and _, or one in double quotes")
    expected = _OTHERS.get(character, "a character of ADQL")
    return source.error(start, expected, word=None if character == "_" else character)
