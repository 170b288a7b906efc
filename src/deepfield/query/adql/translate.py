"""ADQL text to what an engine runs: SQL, the columns of its result and the values it asks for."""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from deepfield.query.adql import parse
from deepfield.query.adql.resolve import Resolver

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from deepfield.model.tables import Column
    from deepfield.query.adql.sources import Circumstances
    from deepfield.query.adql.vocabulary import Version

_KEPT: Final = 256
_LONGEST_KEPT: Final = 8192


@dataclass(frozen=True, slots=True)
class Translation:
    """A query ready to run. The engine's columns stand in the order of ``columns``, under names of their own."""

    sql: str
    columns: tuple[Column, ...]
    parameters: frozenset[str]
    """Which of ``now``, ``base_url`` and ``authority`` the SQL asks for, each as ``$name``."""
    most: int | None
    """How many rows it gives at most, where that is known."""
    tables: tuple[str, ...]
    """The published tables that the query reads."""
    few: str | None = None
    """The same with no more than ``FEW_ROWS`` + 1 rows, where few can be expected."""


def translate(text: str, *, given: Circumstances, version: Version = "2.1", maxrec: int | None = None) -> Translation:
    """Translate a query. It gives at most one row more than ``maxrec``, which tells that there were more.

    Raises:
        AdqlSyntaxError: the grammar forbids a word.
        AdqlNameError: a table, column or function is not there, or a name could mean several.
        AdqlTypeError: a value has a type that cannot stand where it does.
    """
    resolver = Resolver(given)
    written = resolver.resolve(parse(text, version=version), most=None if maxrec is None else maxrec + 1)
    return Translation(
        written.sql,
        tuple(column.meaning.column(column.name or "") for column in written.columns),
        resolver.parameters,
        written.most,
        tuple(dict.fromkeys(source.table.qualified for source in resolver.published)),
        written.few,
    )


class Translator:
    """Translates queries and remembers the last ones. Safe to use from several threads."""

    def __init__(self) -> None:
        self._kept: OrderedDict[object, Translation] = OrderedDict()
        self._lock = threading.Lock()

    def translate(
        self, text: str, *, given: Circumstances, version: Version = "2.1", maxrec: int | None = None
    ) -> Translation:
        """Translate a query as ``translate`` does."""
        key = (text, version, maxrec, given.past, given.largest_field, _signature(given.uploads))
        with self._lock:
            found = self._kept.get(key)
            if found is not None:
                self._kept.move_to_end(key)
                return found
        made = translate(text, given=given, version=version, maxrec=maxrec)
        if len(text) <= _LONGEST_KEPT and not any(given.tables[name].feed.lake for name in made.tables):
            with self._lock:  # the rows of the lake depend on who asks
                self._kept[key] = made
                while len(self._kept) > _KEPT:
                    self._kept.popitem(last=False)
        return made


def _signature(uploads: Mapping[str, Sequence[Column]]) -> object:
    return tuple((name, tuple(columns)) for name, columns in uploads.items())
