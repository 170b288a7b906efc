"""Fixtures that every kind of test shares."""

import fcntl
import os
import subprocess
from pathlib import Path

import pytest

from support.command import DEEPFIELD

ROOT = Path(__file__).parents[1]
REAL_DATA = Path(os.environ.get("DEEPFIELD_REAL_DATA", ROOT.parent / "shared" / "data" / "real"))


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of real JWST files; a test that asks for it skips loudly without."""
    if not REAL_DATA.is_dir():
        pytest.skip(f"SKIPPED FOR WANT OF REAL DATA: {REAL_DATA} is not a folder (set DEEPFIELD_REAL_DATA)")
    return REAL_DATA


@pytest.fixture(scope="session")
def shared_between_workers(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that all test processes of this run share."""
    base = tmp_path_factory.getbasetemp()
    shared = (base.parent if os.environ.get("PYTEST_XDIST_WORKER") else base) / "shared"
    shared.mkdir(exist_ok=True)
    return shared


@pytest.fixture(scope="session")
def simulated(shared_between_workers: Path) -> Path:
    """The small simulated archive, made once a run by the command that users run.

    ``DEEPFIELD_SIMULATED`` names one made before, to save the time.
    """
    if made := os.environ.get("DEEPFIELD_SIMULATED"):
        return Path(made)
    tree = shared_between_workers / "simulated"
    with (shared_between_workers / "simulated.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not tree.exists():
            part = tree.with_suffix(".part")
            subprocess.run([DEEPFIELD, "simulate", part, "--size", "small", "--seed", "1"], check=True, timeout=280)
            part.rename(tree)
    return tree
