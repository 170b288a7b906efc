"""The VO faces of an archive of a few small files, behind a real server with a worker beside it."""

import pytest

from support.vo import running_service


@pytest.fixture(scope="session")
def service(products, tmp_path_factory):
    with running_service(tmp_path_factory.mktemp("vo"), products, upload_private=True, jobs_waiting=5) as service:
        yield service


@pytest.fixture(scope="session")
def tap(service):
    return service.tap


@pytest.fixture(scope="session")
def http(service):
    return service.client
