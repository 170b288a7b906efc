"""The process that answers ADQL: ``python -m deepfield.query_process SOCKET``, with its settings on standard input.

It wires for itself the little that it needs, so that a process that died is replaced in a second or two.
"""

from __future__ import annotations

import os
import signal
import socket
import sys
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING

from deepfield.catalogue.database import Database
from deepfield.catalogue.feed import Feed
from deepfield.catalogue.published import load_published
from deepfield.catalogue.schema import load_tables
from deepfield.config import Settings
from deepfield.log import set_up
from deepfield.query.adql.sources import LakeFiles
from deepfield.query.engines.adql import AdqlEngine, prepare
from deepfield.query.engines.process import serve
from deepfield.replica import Follower, Replica
from deepfield.services.describe import describe

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from deepfield.lake import LakeTable


@contextmanager
def build_queries(settings: Settings) -> Iterator[AdqlEngine]:
    """Open what answers ADQL, following the catalogue until the end of the block."""
    database = Database(settings.catalogue_url)
    published = load_published()
    replica = Replica(
        settings.queries_path,
        Feed(database),
        memory=settings.query_memory,
        threads=settings.replica_threads,
        keep_datasets=True,
        prepare=prepare(
            describe(published),
            readable=(str(settings.root), str(settings.lake_path), str(settings.queries_path.parent)),
            scratch=settings.query_scratch,
        ),
    )
    follower = Follower(replica)
    follower.start()

    def lake(name: str) -> LakeFiles:
        table = _lake_table(settings.lake_path / name, name)
        return LakeFiles(table.table, table.files())

    try:
        yield AdqlEngine(replica, published, lake, authority=settings.authority)
    finally:
        replica.abandon()
        follower.stop()
        replica.close()
        database.close()


@cache
def _lake_table(folder: Path, name: str) -> LakeTable:
    from deepfield.lake import LakeTable

    return LakeTable(folder, load_tables()[name])


def main() -> None:
    """Serve until the server closes its end of the socket."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a terminal's goes to the server as well, which then says when
    control = socket.socket(fileno=int(sys.argv[1]))
    settings = Settings.model_validate_json(sys.stdin.read())
    set_up(form=settings.log_format, level=settings.log_level)
    with build_queries(settings) as engine:
        serve(engine, control)
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)  # without the interpreter's end, at which DuckDB's functions complain


if __name__ == "__main__":
    main()
