"""Commands that run until they are stopped: the server, the worker, the demo."""

import signal
import socket
import sys
import threading
from contextlib import ExitStack
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated, Never

import typer

from deepfield.cli import console
from deepfield.cli.environment import load_settings, open_archive
from deepfield.cli.files import named, simulate_once

if TYPE_CHECKING:
    from deepfield.bootstrap import Archive

Host = Annotated[str | None, typer.Option(help="Address to bind to; the setting `host` by default")]
Port = Annotated[
    int | None, typer.Option(min=0, max=65535, help="Port to bind to, 0 for a free one; the setting `port` by default")
]


def serve(
    host: Host = None,
    port: Port = None,
    *,
    no_worker: Annotated[bool, typer.Option("--no-worker", help="Leave periodic work to `deepfield worker`")] = False,
) -> None:
    """Serve the portal and its interface."""
    settings = load_settings()
    with open_archive(settings, searchable=True) as archive:
        _serve(archive, settings.host if host is None else host, settings.port if port is None else port, no_worker)


def worker() -> None:
    """Do the periodic work and the jobs of an archive, beside servers that run with --no-worker."""
    from deepfield.worker import Worker

    _set_up_log_and_signals()
    settings = load_settings()
    if settings.replica_file is None:  # the servers' is theirs
        settings = settings.model_copy(update={"replica_file": settings.root / "worker.duckdb"})
    with open_archive(settings, searchable=False) as archive, Worker(archive):
        typer.echo("The worker runs; stop it with Ctrl-C.")
        threading.Event().wait()


def demo(port: Port = None) -> None:
    """Simulate a small JWST archive, ingest it and serve it; a later start uses what is there."""
    settings = load_settings()
    home = settings.root / "demo"
    data = home / "data"
    simulate_once(data)
    own = settings.model_copy(update={"home": home, "database_url": None, "store_url": None, "replica_file": None})
    with open_archive(own, searchable=True) as archive:
        with console.progress("Ingesting") as tell:
            report = archive.intake.ingest([data], progress=named(tell))
        console.show_report(report)
        _serve(archive, settings.host, settings.port if port is None else port, no_worker=False)


def _serve(archive: "Archive", host: str, port: int, no_worker: bool) -> None:  # noqa: FBT001
    import uvicorn

    from deepfield.web.app import create_app
    from deepfield.worker import Repeated, Worker

    _set_up_log_and_signals()
    server = uvicorn.Server(
        uvicorn.Config(
            create_app(archive),
            log_config=None,
            access_log=False,
            lifespan="off",
            server_header=False,
            timeout_graceful_shutdown=5,
        )
    )
    with ExitStack() as stack:
        listener = stack.enter_context(_listen(host, port))
        archive.follower.start()
        archive.tables.start()
        stack.enter_context(Repeated("write_access_log", archive.access_log.flush, timedelta(seconds=1)))
        if not no_worker:
            stack.enter_context(Worker(archive))
        typer.echo(f"\n  Deepfield is at  {_address(listener)}\n  Stop it with Ctrl-C.\n")
        sys.stdout.flush()
        try:
            server.run(sockets=[listener])
        except KeyboardInterrupt:
            typer.echo("Stopped.")


def _listen(host: str, port: int) -> socket.socket:
    from deepfield.model.errors import ConfigurationError

    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        listener = socket.create_server((host, port), family=family, backlog=512)
    except (OSError, OverflowError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise ConfigurationError(f"cannot listen at {host} port {port}: {reason}; try --port 0") from None
    # asyncio does this only for sockets that name their protocol; without, each answer waits 40 ms for its second half
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listener


def _address(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}/" if ":" in host else f"http://{host}:{port}/"


def _set_up_log_and_signals() -> None:
    from deepfield import log

    settings = load_settings()
    log.set_up(form=settings.log_format, level=settings.log_level)
    signal.signal(signal.SIGTERM, _leave)


def _leave(_number: int, _frame: object) -> Never:
    raise SystemExit(0)
