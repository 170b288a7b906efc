"""A real archive of a few small files behind a real server."""

import pytest

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
