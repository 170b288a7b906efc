"""What the files of an observation say about a field: the first that says something, and who it was."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from deepfield.ingest.inheritance import Inheritance
from deepfield.ingest.times import parse_time

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from deepfield.ingest.blueprint import FileFacts
    from deepfield.missions.jwst.tables import Family, JwstTables
    from deepfield.products.header import Value

_NO_NAME = frozenset({"", "UNKNOWN", "N/A", "NONE", "NULL"})


@dataclass(slots=True)
class Testimony:
    """Reads fields out of the headers of several files, the best file first, and remembers where from."""

    files: Sequence[FileFacts]
    tables: JwstTables
    inherited: Inheritance = field(default_factory=Inheritance)
    """What stands where no file says anything of the observation as a whole."""
    origin: dict[str, str] = field(default_factory=dict)

    @property
    def family(self) -> Family | None:
        """The family of names of the best file."""
        best = self.files[0].family
        return next((family for family in self.tables.names.families if family.id == best), None)

    def value(self, name: str, files: Sequence[FileFacts] | None = None) -> Any:
        """Return a field of ``keywords.toml`` as the first file that has it says; None where none has.

        Without ``files`` it is a field of the observation, for which the members of a combination may speak.
        """
        source = self.tables.keywords[name]
        transform = TRANSFORMS[source.transform or "as_is"]
        for facts in self.files if files is None else files:
            for keyword in source.keywords:
                value = transform(facts.header.first(keyword))
                if value is not None:
                    if files is None:
                        self.origin[name] = f"{keyword} of {facts.filename}"
                    return value
        if files is None and name in self.inherited.fields:
            self.origin[name] = self.inherited.origin
            return self.inherited.fields[name]
        return None

    def number(self, name: str, files: Sequence[FileFacts] | None = None) -> float | None:
        """Return a field as a number; None where no file gives one."""
        value = self.value(name, files)
        return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None

    def text(self, name: str, files: Sequence[FileFacts] | None = None) -> str | None:
        value = self.value(name, files)
        return value if isinstance(value, str) else None

    def conflicts(self, *names: str) -> list[str]:
        """Return a sentence for each field on which the files disagree."""
        found: list[str] = []
        for name in names:
            said: dict[Any, str] = {}
            for facts in sorted(self.files, key=lambda facts: facts.filename):
                value = self.value(name, (facts,))
                if value is not None:
                    said.setdefault(value, facts.filename)
            if len(said) > 1:
                sides = ", ".join(f"{value} in {filename}" for value, filename in said.items())
                found.append(f"the files disagree on {'/'.join(self.tables.keywords[name].keywords)}: {sides}")
        return found


def _text(value: Value) -> str | None:
    if value is None or isinstance(value, bool):
        return None
    text = str(value).strip()
    return text or None


def _upper(value: Value) -> str | None:
    text = _text(value)
    return text.upper() if text else None


def _name(value: Value) -> str | None:
    text = _text(value)
    return None if text is None or text.upper() in _NO_NAME else text


def _number_text(value: Value) -> str | None:
    text = _text(value)
    return (str(int(text)) if text.isdigit() else text) if text else None


def _digits3(value: Value) -> str | None:
    text = _text(value)
    return text.zfill(3) if text and text.isdigit() else None


TRANSFORMS: Mapping[str, Callable[[Any], Any]] = {
    "as_is": lambda value: value,
    "text": _text,
    "upper": _upper,
    "name": _name,
    "number_text": _number_text,
    "digits3": _digits3,
    "datetime": parse_time,
}
