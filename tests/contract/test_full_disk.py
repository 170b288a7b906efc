"""A real filesystem that is full in the middle of an ingest: a clear error, nothing torn, and the next run completes it."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits

from support.files import write_catalogue, write_product

COUNT = 12
COMBINED = "jw01234-o001_t001_nircam_clear-f200w"


@pytest.fixture(scope="module")
def tree(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tree")
    rng = np.random.default_rng(1)
    for number in range(COUNT):
        path = write_product(folder / f"jw01234001001_02101_{number + 1:05d}_nrca1_cal.fits", value=number)
        with fits.open(path) as opened:
            opened["SCI"].data = rng.normal(size=(300, 300)).astype(np.float32)
            opened.writeto(path, overwrite=True)
    write_catalogue(folder / f"{COMBINED}_cat.ecsv", 60_000)
    return folder


@pytest.mark.parametrize(("folder", "size"), [("store", "2m"), ("previews", "100k"), ("lake", "200k")])
def test_a_full_disk_is_an_error_that_names_the_file_and_leaves_nothing_torn(tree, tmp_path, folder, size):
    if subprocess.run(
        ["unshare", "-Urm", "mount", "-t", "tmpfs", "none", "/mnt"], check=False, capture_output=True
    ).returncode:
        pytest.skip("SKIPPED FOR WANT OF RIGHTS: a mount namespace with a tmpfs cannot be made here")
    command = ["unshare", "-Urm", sys.executable, "-m", "support.full_disk", tmp_path / "home", tree, folder, size]
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[1])}
    said = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)

    assert said.returncode == 0, said.stderr[-2000:]
    ended, state, again = said.stdout.splitlines()[-3:]
    assert "cannot be stored: its disk is full" in ended
    parts, torn, stored, whole = state.split()
    assert (parts, torn, whole) == ("0", "0", "True")
    assert int(stored) <= COUNT
    assert again == f"0 {COUNT + 1} True"
