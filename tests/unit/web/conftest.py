"""A real archive of a few small files behind a real server."""

from dataclasses import dataclass

import httpx
import pytest
from astropy.io import fits

from deepfield.bootstrap import build
from deepfield.config import Settings
from deepfield.web.app import create_app
from support.archive import build_archive, write_products
from support.serving import served


@pytest.fixture(scope="session")
def products(tmp_path_factory):
    folder = tmp_path_factory.mktemp("products")
    write_products(folder)
    return folder


@pytest.fixture(scope="session")
def archive(products, tmp_path_factory):
    """A read-only archive for the whole session; a test that changes things builds its own by `build_archive`."""
    with build_archive(tmp_path_factory.mktemp("home"), products) as archive:
        yield archive


@pytest.fixture(scope="session")
def client(archive):
    with served(create_app(archive)) as client:
        yield client


PROGRAMMES = ("jw90419", "jw90633", "jw90781", "jw90876", "jw90930", "jw90812")
"""AMI and imaging with NIRISS (and its guide stars), NIRSpec, wavefront sensing with NIRCam, FGS, MIRI."""


@dataclass(frozen=True)
class EveryInstrument:
    """A served archive of simulated products of every instrument, with what their headers say by file name."""

    client: httpx.Client
    headers: dict[str, dict]


@pytest.fixture(scope="session")
def every_instrument(simulated, tmp_path_factory):
    folders = [simulated / name for name in PROGRAMMES]
    headers = {}
    for path in (path for folder in folders for path in folder.glob("*.fits")):
        with fits.open(path) as hdus:
            headers[path.name] = {**(hdus["SCI"].header if "SCI" in hdus else {}), **hdus[0].header}
    with build(Settings(home=tmp_path_factory.mktemp("every-instrument"), workers=2)) as archive:
        archive.intake.ingest(folders)
        archive.replica.catch_up()
        with served(create_app(archive)) as client:
            yield EveryInstrument(client, headers)
