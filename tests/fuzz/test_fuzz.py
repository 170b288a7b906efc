"""Coverage-guided fuzzing: minutes under ``make prove``, a few thousand inputs of a fixed seed otherwise."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from deepfield.formats import Document, find_format
from support.exotic import exotic_stream

HERE = Path(__file__).parent
HARNESSES = sorted(path.stem for path in HERE.glob("*.py") if path.stem != "test_fuzz")
SECONDS = int(os.environ.get("DEEPFIELD_FUZZ_SECONDS", "300"))


def fuzz(harness: str, folder: Path, *options: str) -> None:
    """Run a harness in a process of its own."""
    pytest.importorskip("atheris", reason="SKIPPED FOR WANT OF ATHERIS: pip install atheris")
    command = [
        sys.executable,
        HERE / f"{harness}.py",
        folder,
        f"-dict={HERE / harness}.dict",
        "-max_len=4096",
        *options,
    ]
    done = subprocess.run(command, cwd=folder, stderr=subprocess.STDOUT, stdout=subprocess.PIPE, text=True, check=False)
    assert done.returncode == 0, done.stdout[-3000:]


def queries() -> list[bytes]:
    """The queries that golden tests know."""
    texts = [HERE.parent / "golden" / "adql" / f"{name}.adql" for name in ("accepted", "refused")]
    return [block.encode() for path in texts for block in path.read_text("utf-8").split("\n\n")]


def documents() -> list[bytes]:
    """A table of every type in each serialization, as this archive writes it."""
    forms = [find_format(name) for name in ("votable", "votable-binary", "votable-binary2")]
    return [b"".join(form.write(exotic_stream(), Document())) for form in forms]


SEEDS = {"adql": queries, "votable": documents}


@pytest.fixture
def seeds(harness: str, tmp_path: Path) -> Path:
    folder = tmp_path / "seeds"
    folder.mkdir()
    for number, content in enumerate(SEEDS[harness]()):
        (folder / str(number)).write_bytes(content)
    return folder


@pytest.mark.parametrize("harness", HARNESSES)
def test_a_few_thousand_inputs_break_nothing(harness, seeds):
    fuzz(harness, seeds, "-runs=3000", "-seed=1")


@pytest.mark.prove
@pytest.mark.timeout(7200)
@pytest.mark.parametrize("harness", HARNESSES)
def test_minutes_of_inputs_break_nothing(harness, seeds):
    fuzz(harness, seeds, f"-max_total_time={SECONDS}")
