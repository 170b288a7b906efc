"""How a paper acknowledges and cites data of the mission: an operator's wording, checked when it is read."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from deepfield.model.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_PLACES: Final[Mapping[str, frozenset[str]]] = {
    "acknowledgement": frozenset({"programs", "address", "snapshot"}),
    "availability": frozenset({"programs", "address", "snapshot"}),
    "facility": frozenset(),
    "proposal": frozenset({"program"}),
}
_PLACE: Final = re.compile(r"\{([^{}]*)\}")
_DOI: Final = re.compile(r"10\.\d{4,9}/\S+")


@dataclass(frozen=True, slots=True)
class CitationWords:
    """The wording, with places to fill by ``filled``."""

    acknowledgement: str
    availability: str
    facility: str
    proposal: str
    doi: Mapping[str, str]
    """Digital object identifier by programme."""
    instruments: Mapping[str, str]
    """How papers spell an instrument."""

    @classmethod
    def of(cls, documents: Sequence[tuple[str, Mapping[str, Any]]]) -> CitationWords:
        """Read the wording, each document overruling those before it.

        Raises:
            ConfigurationError: a document says something that cannot be right, with where and what would be.
        """
        words: dict[str, str] = {}
        doi: dict[str, str] = {}
        instruments: dict[str, str] = {}
        for file, document in documents:
            for name, value in document.items():
                if name == "doi":
                    doi |= {program.lstrip("0"): _doi(file, program, one) for program, one in value.items()}
                elif name == "instruments":
                    instruments |= value
                else:
                    words[name] = _words(file, name, value)
        return cls(**words, doi=doi, instruments=instruments)


def filled(words: str, facts: Mapping[str, str]) -> str:
    """Return words with their places filled."""
    return _PLACE.sub(lambda found: facts[found[1]], words)


def _words(file: str, name: str, value: object) -> str:
    if name not in _PLACES:
        raise ConfigurationError(f"{file}: {name} is not known; expected one of {', '.join(_PLACES)}, doi, instruments")
    if not isinstance(value, str):
        raise ConfigurationError(f"{file}: {name} is {value!r}, not a text")
    for place in _PLACE.findall(value):
        if place not in _PLACES[name]:
            known = ", ".join(f"{{{each}}}" for each in sorted(_PLACES[name])) or "none"
            raise ConfigurationError(f"{file}: {name} has the place {{{place}}}; there are: {known}")
    return value


def _doi(file: str, program: str, value: object) -> str:
    if not isinstance(value, str) or not _DOI.fullmatch(value):
        raise ConfigurationError(f"{file}: doi.{program} is {value!r}, not an identifier such as 10.17909/abcd-1234")
    return value
