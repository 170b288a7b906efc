"""Reads the files that the mission's tables lie in, and says of a wrong one which file, which row and what is right."""

from __future__ import annotations

import csv
import tomllib
from dataclasses import dataclass
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, Final

from deepfield.model.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from importlib.resources.abc import Traversable
    from pathlib import Path

NONE: Final = "-"
"""How a table writes that there is nothing."""


@dataclass(frozen=True, slots=True)
class Row:
    """A row of a table, with its place. Every method raises ConfigurationError where a cell cannot be right."""

    file: str
    line: int
    cells: Mapping[str, str]

    def text(self, column: str) -> str:
        """Return a cell that may not be empty."""
        value = self.cells[column].strip()
        if not value:
            raise self.wrong(column, "a value, or - where there is none")
        return value

    def optional(self, column: str) -> str | None:
        """Return a cell; None for ``-``."""
        value = self.text(column)
        return None if value == NONE else value

    def items(self, column: str, *, known: Collection[str] | None = None) -> tuple[str, ...]:
        """Return the values of a cell, which are separated by commas and all known; none for ``-``."""
        value = self.optional(column)
        found = tuple(value.split(",")) if value else ()
        if known is not None and (strange := [item for item in found if item not in known]):
            raise self.wrong(column, f"known values{closest(strange[0], known)}", value=strange[0])
        return found

    def choice(self, column: str, allowed: Collection[str]) -> str:
        """Return a cell that holds one of these values."""
        value = self.text(column)
        if value not in allowed:
            raise self.wrong(column, f"one of {', '.join(sorted(allowed))}")
        return value

    def known(self, column: str, names: Collection[str]) -> str:
        """Return a cell that names something, of very many; the error proposes the closest."""
        value = self.text(column)
        if value not in names:
            raise self.wrong(column, f"a known name{closest(value, names)}")
        return value

    def number(self, column: str) -> float:
        """Return a cell as a positive number."""
        try:
            value = float(self.text(column))
        except ValueError:
            value = 0.0
        if not 0 < value < float("inf"):
            raise self.wrong(column, "a positive number")
        return value

    def whole(self, column: str, *, below: int) -> int:
        """Return a cell as a whole number from 0 on."""
        value = self.text(column)
        if not (value.isascii() and value.isdigit() and int(value) < below):
            raise self.wrong(column, f"a whole number below {below}")
        return int(value)

    def wrong(self, column: str, expected: str, *, value: str | None = None) -> ConfigurationError:
        """Return the error that a cell cannot be right."""
        stated = self.cells[column] if value is None else value
        return ConfigurationError(f"{self.file}, line {self.line}: {column} is {stated!r}; expected {expected}")


def closest(name: str, names: Collection[str]) -> str:
    """Write the question whether the closest of these names was meant; nothing where none is close."""
    found = get_close_matches(name, sorted(names), n=1, cutoff=0.6)
    return f"; did you mean {found[0]!r}?" if found else ""


def read_rows(folders: Sequence[Path | Traversable], name: str) -> list[Row]:
    """Return the rows of the tables of this name, in the order of folders; the first gives the columns of all.

    Raises:
        ConfigurationError: a file is no such table.
    """
    rows: list[Row] = []
    columns: tuple[str, ...] = ()
    for folder in folders:
        file = folder / name
        if not file.is_file():
            continue
        lines = [
            (number, line)
            for number, line in enumerate(_text_of(file).splitlines(), 1)
            if line.strip() and not line.startswith("#")
        ]
        head = _cells(lines[0][1]) if lines else list(columns)
        columns = columns or tuple(head)
        _compare(str(file), head, columns)
        for number, line in lines[1:]:
            cells = _cells(line)
            if len(cells) != len(head):
                raise ConfigurationError(
                    f"{file}, line {number} has {len(cells)} cells; expected {len(head)}, separated by tabs: "
                    f"{', '.join(head)}"
                )
            rows.append(Row(str(file), number, dict(zip(head, cells, strict=True))))
    return rows


def read_documents(folders: Sequence[Path | Traversable], name: str) -> list[tuple[str, dict[str, Any]]]:
    """Return each TOML file of this name with where it lies, in the order of folders.

    Raises:
        ConfigurationError: a file is not TOML.
    """
    documents: list[tuple[str, dict[str, Any]]] = []
    for folder in folders:
        file = folder / name
        if file.is_file():
            try:
                documents.append((str(file), tomllib.loads(_text_of(file))))
            except tomllib.TOMLDecodeError as error:
                raise ConfigurationError(f"{file} is not TOML: {error}") from None
    return documents


def check_folder(folder: Path, names: Collection[str]) -> None:
    """Make sure that a folder of tables is one, and that every table in it has a name that is read.

    Raises:
        ConfigurationError: it is not there, or a table in it would be passed over.
    """
    try:
        found = sorted(file.name for file in folder.iterdir() if file.suffix in {".tsv", ".toml"})
    except OSError as error:
        raise ConfigurationError(f"the folder of tables {folder} cannot be read: {error.strerror}") from None
    for name in found:
        if name not in names:
            hint = closest(name, names) or f"; tables are {', '.join(sorted(names))}"
            raise ConfigurationError(f"{folder / name} is no table of the mission{hint}")


def _text_of(file: Path | Traversable) -> str:
    try:
        return file.read_text("utf-8").removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        raise ConfigurationError(f"{file} is not UTF-8 text: byte {error.start} is wrong") from None
    except OSError as error:
        raise ConfigurationError(f"{file} cannot be read: {error.strerror}") from None


def _cells(line: str) -> list[str]:
    return next(csv.reader([line], delimiter="\t", quoting=csv.QUOTE_NONE))


def _compare(file: str, head: Sequence[str], columns: Sequence[str]) -> None:
    if missing := sorted(set(columns) - set(head)):
        raise ConfigurationError(f"{file} lacks the columns {', '.join(missing)}; expected {', '.join(columns)}")
    if strange := sorted(set(head) - set(columns)):
        raise ConfigurationError(f"{file} has the unknown columns {', '.join(strange)}; expected {', '.join(columns)}")
