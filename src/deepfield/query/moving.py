"""Targets that move against the stars: found by the name of the body, wherever it stood."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from sqlglot import exp, parse_one

from deepfield.query.lower import column, literal
from deepfield.replica.texts import compact

if TYPE_CHECKING:
    from deepfield.query.engines.duckdb import Session

_PARENTHESES: Final = re.compile(r"\([^()]*\)")
_NUMBER: Final = re.compile(r"\s*\d{1,7}[\s-]+(?=[^\W\d_]{3})")
_NAMES: Final = "SELECT DISTINCT target_name, target_standard_name FROM observation AS o WHERE moving_target"


def body_key(name: str) -> str:
    """Return what two names of one body share: without number, parentheses, case and punctuation.

    ``134340 Pluto``, ``(134340) PLUTO`` and ``Pluto`` are one. A provisional designation keeps its year.
    """
    return compact(_NUMBER.sub("", _PARENTHESES.sub(" ", name), count=1)) or compact(name)


def find_bodies(session: Session) -> dict[str, str]:
    """Return the moving targets of the archive: by key, the name under which it holds each."""
    return {body_key(name): name for name in sorted(_all_names(session), reverse=True)}


def of_body(session: Session, key: str) -> exp.Expression:
    """Return the condition on observations of the moving target with this key."""
    names = [literal(name) for name in sorted(_names(session, key))]
    if not names:
        return exp.false()
    called = exp.or_(*(column(each).isin(*names) for each in ("target_name", "target_standard_name")))
    return exp.and_(column("moving_target"), exp.paren(called))


def _names(session: Session, key: str) -> set[str]:
    return {name for name in _all_names(session) if body_key(name) == key}


def _all_names(session: Session) -> set[str]:
    rows = session.run(parse_one(_NAMES, dialect="duckdb")).to_pylist()
    return {name for row in rows for name in row.values() if name is not None}
