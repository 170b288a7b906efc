"""Neither the demo nor the server needs any other host: the journey passes in a network that has only a loopback."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from support.command import DEEPFIELD

JOURNEY = Path(__file__).with_name("journey.py")


@pytest.mark.timeout(1200)  # the simulated archive may have to be made first
def test_the_demo_journey_passes_without_a_network(simulated, tmp_path):
    alone = ["unshare", "--net", *([] if os.geteuid() == 0 else ["--map-root-user"])]
    if subprocess.run([*alone, "ip", "link", "set", "lo", "up"], check=False, capture_output=True).returncode:
        pytest.skip("SKIPPED: this machine allows no network namespaces (unshare --net)")
    home = tmp_path / "home"
    shutil.copytree(simulated, home / "demo" / "data", copy_function=os.link)
    told = subprocess.run(
        [*alone, "sh", "-c", 'ip link set lo up && exec "$@"', "sh", sys.executable, JOURNEY, DEEPFIELD],
        env=os.environ | {"DEEPFIELD_HOME": str(home)},
        check=True,
        capture_output=True,
        text=True,
        timeout=500,
    )
    story = json.loads(told.stdout)
    assert "the server ended with 0" in told.stderr
    assert story["network"] is False
    assert story["health"]["status"] == "ok"
    assert story["ready_after"] < 20
    assert story["total"] >= 10
    assert story["intact"]
    assert story["size"][0] == story["size"][1]
    assert story["preview"] == b"\x89PNG".hex()
    assert story["refusal"] == [403, "exclusive_access"]
