"""The facts of one file, exactly as the file says them."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from deepfield.model.observation import Part

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

Container: TypeAlias = Literal["fits", "asdf", "ecsv", "json", "csv", "other"]
Value: TypeAlias = str | int | float | bool | None

_UNTAKEN = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")

COMMENTARY = frozenset({"COMMENT", "HISTORY", ""})
"""Keywords that repeat and carry text only (FITS 4.0 §4.4.2.4)."""


@dataclass(frozen=True, slots=True)
class Card:
    """One header card. ``value`` is None where the card leaves it undefined."""

    keyword: str
    value: Value
    comment: str = ""


@dataclass(frozen=True, slots=True)
class Hdu:
    """One header-data unit: what it is, and the cards that are kept of it."""

    part: Part
    cards: tuple[Card, ...] = ()


@dataclass(frozen=True, slots=True)
class Header:
    """The facts of one file.

    For FITS every HDU is listed. All cards are kept of the primary HDU, of SCI and of extracted spectra; of the others
    only their shape.
    """

    filename: str
    """The name on disk, without folders."""
    container: Container
    compression: Literal["gzip"] | None = None
    hdus: tuple[Hdu, ...] = ()
    tree: Mapping[str, Any] = field(default_factory=dict)
    """The metadata of an ASDF tree as plain values (``meta`` without the WCS); empty without one."""
    document: Any = None
    """The content of an association, or columns and number of rows of a table; None for others."""
    notes: tuple[str, ...] = ()
    """Sentences on what was not as the standard asks."""
    _index: dict[str, dict[str, Value]] = field(init=False, repr=False, compare=False, default_factory=dict)

    def __post_init__(self) -> None:
        for hdu in self.hdus:
            if hdu.part.name not in self._index:
                values: dict[str, Value] = {}
                for card in hdu.cards:
                    values.setdefault(card.keyword, card.value)
                self._index[hdu.part.name] = values

    def get(self, keyword: str, *, hdu: str = "PRIMARY") -> Value:
        """Return the value of a keyword in the first HDU of a name; None where it is absent or undefined."""
        return self._index.get(hdu, {}).get(keyword)

    def first(self, *keywords: str) -> Value:
        """Return the first keyword with a value, looked for in the primary HDU and then in SCI."""
        for keyword in keywords:
            for hdu in ("PRIMARY", "SCI"):
                value = self.get(keyword, hdu=hdu)
                if value is not None:
                    return value
        return None

    def all_of(self, name: str) -> Iterator[Hdu]:
        """Yield every HDU of a name, in the order of the file."""
        return (hdu for hdu in self.hdus if hdu.part.name == name)

    def has(self, name: str) -> bool:
        """Tell whether there is an HDU of this name."""
        return name in self._index

    def to_json(self) -> dict[str, Any]:
        """Return plain values, for storing; ``from_json`` reads them back."""
        return {
            "filename": self.filename,
            "container": self.container,
            "compression": self.compression,
            "hdus": [_hdu_to_json(hdu) for hdu in self.hdus],
            "tree": self.tree,
            "document": self.document,
            "notes": list(self.notes),
        }

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Header:
        """Read what ``to_json`` wrote."""
        return cls(
            filename=document["filename"],
            container=document["container"],
            compression=document["compression"],
            hdus=tuple(_hdu_from_json(hdu) for hdu in document["hdus"]),
            tree=document["tree"],
            document=document["document"],
            notes=tuple(document["notes"]),
        )


def clean(value: Any) -> Any:
    """Return a value of JSON whose texts every database and encoding takes: no controls, no half characters."""
    if isinstance(value, str):
        return value if value.isprintable() else _UNTAKEN.sub("\N{REPLACEMENT CHARACTER}", value)
    if isinstance(value, list):
        return [clean(item) for item in value]
    if isinstance(value, dict):
        return {clean(key): clean(item) for key, item in value.items()}
    return value


def _hdu_to_json(hdu: Hdu) -> dict[str, Any]:
    part = hdu.part
    return {
        "number": part.number,
        "name": part.name,
        "version": part.version,
        "kind": part.kind,
        "shape": list(part.shape),
        "dtype": part.dtype,
        "columns": list(part.columns),
        "cards": [[card.keyword, card.value, card.comment] for card in hdu.cards],
    }


def _hdu_from_json(document: Mapping[str, Any]) -> Hdu:
    part = Part(
        number=document["number"],
        name=document["name"],
        version=document["version"],
        kind=document["kind"],
        shape=tuple(document["shape"]),
        dtype=document["dtype"],
        columns=tuple(document["columns"]),
    )
    cards: Sequence[Sequence[Any]] = document["cards"]
    return Hdu(part, tuple(Card(keyword, value, comment) for keyword, value, comment in cards))
