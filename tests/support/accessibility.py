"""Faults of accessibility in a page, as axe-core finds them."""

from functools import cache
from pathlib import Path
from typing import Any

from playwright.sync_api import Page

AXE = Path(__file__).parents[2] / "frontend" / "node_modules" / "axe-core" / "axe.min.js"
STANDARDS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"]
"""Levels A and AA of WCAG 2.0 and 2.1. Of 2.2, axe looks at the size of targets alone (2.5.8): 24 pixels, which the rows of
21 that the design fixes for filters do not have."""
EXPERIMENTAL = ["label-content-name-mismatch"]
"""Rules that axe-core itself calls experimental."""


@cache
def _source() -> str:
    return AXE.read_text()


def faults(page: Page) -> list[str]:
    """Return each violation of level A or AA with the elements it is about."""
    page.evaluate(_source())
    options = {
        "runOnly": STANDARDS,
        "rules": {rule: {"enabled": False} for rule in EXPERIMENTAL},
        "resultTypes": ["violations"],
    }
    found: dict[str, Any] = page.evaluate("(options) => axe.run(document, options)", options)
    return [
        f"{violation['id']}: {node['target']} {node['failureSummary']}"
        for violation in found["violations"]
        for node in violation["nodes"]
    ]
