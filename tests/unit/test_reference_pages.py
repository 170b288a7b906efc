"""The generated reference pages agree with the program."""

import importlib.util
from pathlib import Path

import pytest

GENERATOR = Path(__file__).parents[2] / "docs" / "generate.py"


@pytest.fixture(scope="module")
def pages() -> dict[Path, str]:
    spec = importlib.util.spec_from_file_location("generate", GENERATOR)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.written()


def test_every_generated_page_is_up_to_date(pages):
    stale = [path.name for path, text in pages.items() if not path.is_file() or path.read_text() != text]
    assert stale == [], "run `make reference`"


@pytest.mark.parametrize("name", ["settings", "commands", "columns", "errors", "routes", "formats"])
def test_nothing_on_a_page_lacks_its_meaning(pages, name):
    (text,) = (text for path, text in pages.items() if path.stem == name)
    assert [line for line in text.splitlines() if line.startswith("| `") and line.endswith("|  |")] == []
