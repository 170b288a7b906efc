"""Programs of others, unmodified, each in an environment of its own that the Makefile makes from its lock file."""

import os
import subprocess
from pathlib import Path

import pytest

ENVIRONMENTS = Path(__file__).parents[2] / ".clients"


def client_python(name: str) -> Path:
    """The Python of a client's environment; skips loudly where it was not made."""
    python = ENVIRONMENTS / name / "bin" / "python"
    if not python.exists():
        pytest.skip(f"SKIPPED FOR WANT OF A CLIENT: run `make .stamps/client-{name}`")
    return python


def run_client(name: str, script: Path, *arguments: str, folder: Path, **environment: str) -> str:
    """Run a script in a client's environment and in a folder; return what it prints, or fail with what it says."""
    done = subprocess.run(
        [client_python(name), "-W", "ignore", script, *arguments],
        cwd=folder,
        env={"PATH": os.environ["PATH"], "HOME": str(folder), "NO_PROXY": "*"} | environment,
        capture_output=True,
        text=True,
        timeout=250,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-6000:]
    return done.stdout
