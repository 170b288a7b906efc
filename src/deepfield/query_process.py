"""The process that answers ADQL: ``python -m deepfield.query_process SOCKET``, with its settings on standard input."""

from __future__ import annotations

import os
import signal
import socket
import sys

from deepfield.bootstrap import build_queries
from deepfield.config import Settings
from deepfield.log import set_up
from deepfield.query.engines.process import serve


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
