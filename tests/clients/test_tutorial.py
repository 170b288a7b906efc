"""The tutorial works as it is written: every command of it is run, in order, in one shell."""

import os
import re
import shutil
import socket
import subprocess
from pathlib import Path

from support.command import DEEPFIELD

TUTORIAL = Path(__file__).parents[2] / "docs/tutorials/first-discovery.md"
PREPARED = ("make setup", "export PATH=", "deepfield simulate")
"""Begins commands whose work has been done for all tests: the environment and the simulated archive."""


def commands(page: str) -> list[str]:
    blocks = re.findall(r"^```console\n(.*?)^```", page, re.MULTILINE | re.DOTALL)
    return [command for block in blocks for command in re.split(r"^\$ ", block, flags=re.MULTILINE) if command]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def test_every_command_of_the_tutorial_works(simulated: Path, tmp_path: Path) -> None:
    shutil.copytree(simulated, tmp_path / "first-files", copy_function=os.link)
    told = commands(TUTORIAL.read_text())
    script = "".join(command for command in told if not command.startswith(PREPARED))
    script = script.replace("8000", str(free_port()))
    environment = {**os.environ, "PATH": f"{DEEPFIELD.parent}:{os.environ['PATH']}"}
    environment["DEEPFIELD_HOME"] = str(tmp_path / "first-archive")

    run = subprocess.run(
        ["bash", "-e", "-c", script],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
    )

    assert run.returncode == 0, run.stdout[-2000:] + run.stderr[-4000:]
    assert "jw90117-o001_t001_nircam_clear-f444w_i2d.fits: OK" in run.stdout
    assert '"jw90117-o001_t001_nircam_clear-f444w"' in run.stdout
    assert list(tmp_path.iterdir()) == []
