"""Headers in, observation out: ``NAME.headers.toml`` beside ``NAME.observation.json``."""

from __future__ import annotations

import json
import tomllib
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from deepfield.ingest.assemble import assemble
from deepfield.ingest.blueprint import FileFacts, identify
from deepfield.ingest.release import ProgramRelease, ReleaseTable
from deepfield.model.observation import Part
from deepfield.products.header import Card, Hdu, Header

if TYPE_CHECKING:
    from collections.abc import Callable

FOLDER = Path(__file__).with_name("observations")
CASES = sorted(path.name.removesuffix(".headers.toml") for path in FOLDER.glob("*.headers.toml"))
RELEASES = ReleaseTable({"1234": ProgramRelease(exclusive_months=12)})


@pytest.mark.parametrize("case", CASES)
def test_headers_become_the_observation_they_describe(case: str, golden: Callable[[Path, str], None]) -> None:
    document = tomllib.loads((FOLDER / f"{case}.headers.toml").read_text("utf-8"))
    files = [facts_of(filename, content) for filename, content in document["files"].items()]

    observation = assemble(document["obs_id"], files, release=RELEASES)

    assert {facts.obs_id for facts in files} == {document["obs_id"]}
    assert assemble(document["obs_id"], files[::-1], release=RELEASES) == observation
    golden(FOLDER / f"{case}.observation.json", as_text(observation))


def facts_of(filename: str, content: dict[str, Any]) -> FileFacts:
    if "document" in content:
        header = Header(filename, "json", document=content["document"])
    elif content.get("rows") is not None:
        header = Header(
            filename, "ecsv", document={"format": "ecsv", "columns": [], "rows": content["rows"], "meta": {}}
        )
    else:
        header = Header(
            filename, "fits", hdus=tuple(hdu_of(n, name, keys) for n, (name, keys) in enumerate(content.items()))
        )
    return identify(header, size=1000 + len(filename), sha256="0" * 64)


def hdu_of(number: int, name: str, keywords: dict[str, Any]) -> Hdu:
    shape = tuple(keywords.get("shape", ()))
    kind = "primary" if number == 0 else "table" if "columns" in keywords else "image"
    part = Part(number, name, 1, kind, shape, "float32" if kind == "image" else "", tuple(keywords.get("columns", ())))
    cards = tuple(Card(key, value, "") for key, value in keywords.items() if key not in {"shape", "columns"})
    return Hdu(part, cards)


def as_text(observation: Any) -> str:
    def plain(value: Any) -> Any:
        return value.isoformat() if isinstance(value, datetime) else str(value)

    return json.dumps(pruned(asdict(observation)), indent=1, ensure_ascii=False, default=plain) + "\n"


def pruned(value: Any) -> Any:
    """Leave out what is empty, so that the file shows what was found."""
    if isinstance(value, dict):
        return {
            key: pruned(item) for key, item in value.items() if item not in (None, (), [], {}, "") and key != "parts"
        }
    if isinstance(value, list | tuple):
        return [pruned(item) for item in value]
    if isinstance(value, float):
        return float(f"{value:.12g}")  # the last digits differ between processors
    return value
