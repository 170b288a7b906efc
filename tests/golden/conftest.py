"""Golden pairs: what goes in and what must come out, in files that a person can read."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update-golden", action="store_true", help="rewrite what golden tests expect")


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Callable[[Path, str], None]:
    """Compare a text with a golden file, or write it there under ``pytest tests/golden --update-golden``."""

    def check(path: Path, text: str) -> None:
        if request.config.getoption("--update-golden", default=False):
            path.write_text(text, "utf-8")
        assert path.is_file(), f"no golden file {path}; look at the output and run with --update-golden"
        assert text == path.read_text("utf-8")

    return check
