"""The geometry comes from the SIAF without a question to the network."""

from __future__ import annotations

import subprocess
import sys

from deepfield.simulate.pointing import aperture

ASK = """
import socket
def refuse(*args, **kwargs):
    print("asked for", args[0], flush=True)
    raise OSError("no network")
socket.getaddrinfo = socket.socket.connect = refuse
from deepfield.simulate.pointing import aperture
print(aperture("NIRCAM", "NRCB5_FULL").database)
"""


def test_looking_an_aperture_up_contacts_no_host():
    done = subprocess.run([sys.executable, "-c", ASK], check=True, capture_output=True, text=True)
    assert done.stdout.startswith("PRDOPSSOC-")
    assert not done.stderr


def test_a_subarray_knows_its_corner_and_size_on_the_detector():
    found = aperture("NIRCAM", "NRCB1_SUB160P")
    assert (found.corner, found.size) == ((1803, 121), (160, 160))
    assert found.full == (2048, 2048)


def test_apertures_without_pixels_have_corners():
    assert len(aperture("MIRI", "MIRIFU_CHANNEL1A").vertices) == 4
