"""One archive of a few small files for all VO clients."""

import pytest

from support.archive import write_products
from support.vo import running_service


@pytest.fixture(scope="session")
def service(tmp_path_factory):
    products = tmp_path_factory.mktemp("vo-products")
    write_products(products)
    with running_service(tmp_path_factory.mktemp("vo-home"), products, upload_private=True) as service:
        yield service
