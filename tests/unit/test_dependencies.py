"""Each dependency has its reason, and the lock files name no place on the network."""

import json
import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[2]


def names(requirements: list[str]) -> set[str]:
    return {re.split(r"[\[<>=!~ ;]", requirement)[0].lower() for requirement in requirements}


def test_every_dependency_is_justified_and_nothing_else_is_listed() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    groups = project["dependency-groups"]
    needed = names(project["project"]["dependencies"] + groups["build"] + groups["dev"])
    page = (ROOT / "docs/reference/dependencies.md").read_text()
    python, browser = page.split("## In the browser")

    assert set(re.findall(r"^\| (?!package)([\w-]+) \|", python.lower(), re.MULTILINE)) == needed
    for package in json.loads((ROOT / "frontend/package.json").read_text())["devDependencies"]:
        assert package.split("-")[-1] in browser, package


def test_lock_files_name_no_place_on_the_network() -> None:
    for lock in [*ROOT.glob("requirements*.lock"), ROOT / "frontend/package-lock.json"]:
        text = lock.read_text()
        assert '"resolved"' not in text
        assert not re.search(r"--(extra-)?index-url|--find-links|^-f ", text, re.MULTILINE)
        assert not re.search(r"https?://[^\s\"]*(pypi|npmjs|registry)", text), lock.name
