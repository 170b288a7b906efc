"""What words and functions each version of ADQL has, as the tables beside this module say."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any, Literal, get_args

from deepfield.model.errors import InvalidValueError

if TYPE_CHECKING:
    from collections.abc import Mapping

Version = Literal["2.0", "2.1"]


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """The words of one version of ADQL, all in upper case."""

    version: Version
    reserved: frozenset[str]
    """Words that are names only in double quotes."""
    functions: Mapping[str, Signature]
    """The functions with plain argument lists, by name."""


@dataclass(frozen=True, slots=True)
class Signature:
    """What a function takes: kinds of arguments (``numeric``, ``string``, ``integer``, ``digits``)."""

    arguments: tuple[str, ...]
    required: int
    is_string: bool


@lru_cache
def vocabulary(version: Version) -> Vocabulary:
    """Return the words of a version; InvalidValueError if ADQL has none of this number."""
    if version not in get_args(Version):
        raise InvalidValueError("version", version, "2.0 or 2.1, a version of ADQL")
    words, functions = _table("words.toml"), _table("functions.toml")
    reserved = {*words["sql"].split(), *words["adql"].split()}
    late: set[str] = set()
    if version == "2.0":
        late.update(functions["since_2_1"]["names"])
    else:
        reserved.update(words["since_2_1"].split())
    signatures = {
        name: _signature(arguments, is_string=group == "string")
        for group in ("numeric", "string")
        for name, arguments in functions[group].items()
        if name not in late
    }
    return Vocabulary(version, frozenset(reserved), signatures)


def _signature(arguments: list[str], *, is_string: bool) -> Signature:
    required = sum(not argument.endswith("?") for argument in arguments)
    return Signature(tuple(argument.rstrip("?") for argument in arguments), required, is_string)


def _table(name: str) -> dict[str, Any]:
    return tomllib.loads(files(__package__).joinpath(name).read_text(encoding="utf-8"))
