"""Searches a Deepfield: rows of observations, and lists of targets to search for at once."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

PAGE: Final = "1000"


@dataclass(frozen=True, slots=True)
class TargetList:
    """A list of targets as the archive keeps it."""

    id: str
    """What ``search(targets=…)`` takes."""
    name: str
    targets: tuple[Mapping[str, Any], ...]
    """One for each line: ``line``, ``text``, ``label``, ``status``, ``ra``, ``dec`` (ICRS degrees), ``reason`` …"""

    @property
    def unresolved(self) -> tuple[Mapping[str, Any], ...]:
        """The lines that are not searched, each with its reason."""
        return tuple(target for target in self.targets if target["status"] != "resolved")

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> TargetList:
        return cls(document["id"], document["name"], tuple(document["targets"]))


def search(ask: Callable[..., Any], parameters: Mapping[str, str]) -> list[dict[str, Any]]:
    """Return every row that a search finds."""
    rows: list[dict[str, Any]] = []
    after: dict[str, str] = {}
    while True:
        page = ask("POST", "/api/v1/observations", data={"limit": PAGE, **parameters, **after}).json()
        names = page["columns"]
        rows += (
            dict(zip(names, values, strict=True)) for values in zip(*(page["data"][n] for n in names), strict=True)
        )
        if page["next"] is None or "limit" in parameters:
            return rows
        after = {"after": page["next"]}


def send_targets(ask: Callable[..., Any], targets: Iterable[str] | str | Path, name: str) -> TargetList:
    """Send a file, a text or lines; the content tells what it is."""
    match targets:
        case Path():
            content, name = targets.read_bytes(), targets.name
        case str():
            content = targets.encode()
        case _:
            content = "\n".join(targets).encode()
    return TargetList.of(ask("POST", f"/api/v1/targets?name={quote(name)}", data=content).json())


def targets(ask: Callable[..., Any], link: str) -> TargetList:
    """Return a list by its identifier or link."""
    list_id = re.split(r"[/=]", link.rstrip("/"))[-1]
    return TargetList.of(ask("GET", f"/api/v1/targets/{quote(list_id, safe='')}").json())
