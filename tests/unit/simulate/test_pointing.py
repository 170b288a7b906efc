"""The geometry comes from the SIAF without a question to the network."""

from __future__ import annotations

import subprocess
import sys

import pytest

from deepfield.simulate import pointing
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


@pytest.mark.parametrize(
    ("instrument", "name", "whole"),
    [
        ("NIRCAM", "NRCB1_SUB160P", "NRCB1_FULL"),
        ("NIRCAM", "NRCA5_MASK335R", "NRCA5_FULL"),
        ("NIRISS", "NIS_AMI1", "NIS_CEN"),
        ("FGS", "FGS1_SUB8LL", "FGS1_FULL"),
        ("MIRI", "MIRIM_MASK1140", "MIRIM_FULL"),
    ],
)
def test_a_subarray_begins_where_pysiaf_has_its_corner_in_the_science_frame(instrument, name, whole):
    found = aperture(instrument, name)
    siaf = pointing._siaf(instrument)
    x, y = siaf[whole].det_to_sci(*siaf[name].corners("det"))
    assert found.corner == (round(min(x) + 0.5), round(min(y) + 0.5))
    assert found.size == (siaf[name].XSciSize, siaf[name].YSciSize)
    assert found.full == (siaf[whole].XDetSize, siaf[whole].YDetSize)


def test_the_interferometers_subarray_begins_where_headers_of_the_mission_say():
    assert aperture("NIRISS", "NIS_AMI1").corner == (1045, 1)


def test_apertures_without_pixels_have_corners():
    assert len(aperture("MIRI", "MIRIFU_CHANNEL1A").vertices) == 4
