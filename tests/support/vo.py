"""An archive behind a real server with a worker beside it, as VO clients meet it."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from deepfield.bootstrap import Archive, build
from deepfield.config import Settings
from deepfield.web.app import create_app
from deepfield.worker import Worker
from support.serving import served


@dataclass(frozen=True)
class Service:
    """The running service: its archive, an HTTP client, and the address of TAP."""

    archive: Archive
    client: httpx.Client
    tap: str


@contextmanager
def running_service(home: Path, products: Path, **settings: object) -> Iterator[Service]:
    """Ingest these products and serve them, jobs included."""
    with build(Settings(home=home, workers=1, **settings)) as archive:
        archive.intake.ingest([products])
        archive.replica.catch_up()
        archive.follower.start()
        with served(create_app(archive)) as client, Worker(archive):
            yield Service(archive, client, f"{str(client.base_url).rstrip('/')}/tap")
