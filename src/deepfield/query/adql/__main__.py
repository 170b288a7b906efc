"""Checks ADQL line by line: ``python -m deepfield.query.adql``.

Reads JSON objects ``{"id", "query", "adql_version"}``, one a line, and answers each with
``{"id", "ok", "message", "line", "column"}``; the last three are null where they say nothing. The grammar alone
decides, tables and columns are not looked up. A line that is no such object is answered too, with ``ok`` false.
"""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any, Final

from deepfield.model.errors import AdqlError, InvalidValueError
from deepfield.query.adql import parse

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_LONGEST_LINE: Final = 16 * 2**20


def answer(line: bytes) -> dict[str, Any]:
    """Return what there is to say about the query of one line."""
    found: dict[str, Any] = {"id": None, "ok": False, "message": None, "line": None, "column": None}
    try:
        asked = _asked(line)
        found["id"] = asked["id"]
        parse(_text(asked, "query"), version=_text(asked, "adql_version"))
    except AdqlError as error:
        found.update(message=str(error), line=error.line, column=error.column)
    except InvalidValueError as error:
        found["message"] = str(error)
    else:
        found["ok"] = True
    return found


def _asked(line: bytes) -> dict[str, Any]:
    if len(line) > _LONGEST_LINE:
        raise InvalidValueError("line", f"{line[:20].decode(errors='replace')}…", f"at most {_LONGEST_LINE} bytes")
    try:
        asked = json.loads(line)
    except (ValueError, RecursionError):
        asked = None
    if not isinstance(asked, dict) or not isinstance(asked.setdefault("id", None), str | int | None):
        shown = line[:60].decode(errors="replace")
        raise InvalidValueError("line", shown, "a JSON object with id (a string or whole number), query, adql_version")
    asked.setdefault("adql_version", "2.1")
    return asked


def _text(asked: dict[str, Any], name: str) -> Any:
    value = asked.get(name)
    if not isinstance(value, str):
        raise InvalidValueError(name, value, "a string")
    return value


def _lines() -> Iterator[bytes]:
    """Read lines; of one that is too long, the beginning stands for all of it."""
    while line := sys.stdin.buffer.readline(_LONGEST_LINE + 1):
        part = line
        while len(part) > _LONGEST_LINE and not part.endswith(b"\n"):
            part = sys.stdin.buffer.readline(_LONGEST_LINE + 1)
        yield line


def main(lines: Iterable[bytes]) -> None:
    for line in lines:
        sys.stdout.write(json.dumps(answer(line)) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main(_lines())
