"""Header cards of FITS 4.0 §4: eighty characters into keyword, value and comment."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING

from deepfield.products.header import COMMENTARY, Card

if TYPE_CHECKING:
    from collections.abc import Iterator

    from deepfield.products.header import Value

CARD = 80
_LARGEST = 1 << 63
"""Whole numbers from here on are no 64-bit integers; nothing that describes a product is one."""

_STRING = re.compile(r" *'((?:[^']|'')*)' *(?:/(.*))?$")
_OTHER = re.compile(r" *([^/]*?) *(?:/(.*))?$")
_INTEGER = re.compile(r"[+-]?\d+$")
_REAL = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[ED][+-]?\d+)?$", re.IGNORECASE)
_COMPLEX = re.compile(r"\(.*,.*\)$")
_HIERARCH = re.compile(r"HIERARCH +([^=]+?) *=(.*)$")


def parse_cards(block: bytes) -> tuple[list[Card], list[str]]:
    """Read the cards of one header, up to END; return them and a sentence for each that breaks the standard.

    A card that breaks the standard is kept with its text as value. Long strings (CONTINUE) are put together.
    """
    text = block.decode("latin-1")
    cards: list[Card] = []
    notes: list[str] = []
    for image in _images(text):
        if image.startswith("CONTINUE") and cards and isinstance(cards[-1].value, str):
            _continue(cards, image)
            continue
        card = _card(image)
        if card is None:
            notes.append(f"the card {image.rstrip()[:40]!r} is not as FITS asks and is kept as text")
            card = Card(image[:8].strip(), _printable(image[8:].strip(" =")), "")
        cards.append(card)
    return cards, notes


def _images(text: str) -> Iterator[str]:
    for start in range(0, len(text), CARD):
        image = text[start : start + CARD]
        if image[:8] == "END     ":
            return
        if image.strip(" \x00"):
            yield image


def _card(image: str) -> Card | None:
    keyword = image[:8].rstrip()
    if image[8:10] == "= " and keyword not in COMMENTARY:
        return _valued(keyword, image[10:])
    if keyword in COMMENTARY:
        return Card(keyword, _printable(image[8:].rstrip()), "")
    match = _HIERARCH.match(image)
    if match:
        return _valued(match[1].upper(), match[2])
    if image[8:9] == "=":  # no blank after the equals sign, as some writers do
        return _valued(keyword, image[9:])
    return None


def _valued(keyword: str, text: str) -> Card | None:
    match = _STRING.match(text)
    if match:
        value = match[1].replace("''", "'").rstrip()
        if not _is_printable(value):
            return None
        return Card(keyword, value, _comment(match[2]))
    match = _OTHER.match(text)
    if match is None:
        return None
    known, value = _plain(match[1])
    return Card(keyword, value, _comment(match[2])) if known else None


def _plain(token: str) -> tuple[bool, Value]:
    """Tell whether a token is a value of FITS, and which."""
    if not token:
        return True, None
    if token in {"T", "F"}:
        return True, token == "T"  # noqa: S105 (the logical value of FITS)
    if _INTEGER.match(token):
        number = int(token)
        return (True, number) if abs(number) < _LARGEST else (False, None)
    if _REAL.match(token):
        value = float(token.upper().replace("D", "E"))
        return (True, value) if math.isfinite(value) else (False, None)
    if _COMPLEX.match(token):
        return True, token
    return False, None


def _continue(cards: list[Card], image: str) -> None:
    match = _STRING.match(image[8:])
    previous = cards[-1]
    if match and isinstance(previous.value, str):
        text = previous.value.removesuffix("&") + _printable(match[1].replace("''", "'").rstrip())
        cards[-1] = Card(previous.keyword, text, (previous.comment + " " + _comment(match[2])).strip())


def _comment(text: str | None) -> str:
    return _printable(text.strip()) if text else ""


def _is_printable(text: str) -> bool:
    return text.isascii() and text.isprintable()


def _printable(text: str) -> str:
    return text if _is_printable(text) else "".join(char if " " <= char <= "~" else "?" for char in text)
