"""Runs an application in a real server: in a thread of the test, or as users start it, in a process."""

import json
import os
import re
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.request import urlopen

import httpx
import uvicorn

from support.command import DEEPFIELD


@contextmanager
def served(app) -> Iterator[httpx.Client]:
    """Serve an application at a free port; yield a client for it."""
    config = uvicorn.Config(app, log_config=None, access_log=False, lifespan="off", server_header=False)
    server = uvicorn.Server(config)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        port = listener.getsockname()[1]
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=30, trust_env=False) as client:
            yield client
        server.should_exit = True
        thread.join(timeout=10)


@contextmanager
def serving_process(home: Path) -> Iterator[str]:
    """Start a server of a home as a user does, on a free port; yield its address once it answers searches."""
    log = home / "server.log"
    environment = {**os.environ, "DEEPFIELD_HOME": str(home)}
    with log.open("w") as output:
        server = subprocess.Popen([DEEPFIELD, "serve", "--port", "0"], env=environment, stdout=output, stderr=output)
    try:
        yield _address_of(server, log)
    finally:
        server.terminate()
        server.wait(20)


def _address_of(server: "subprocess.Popen[bytes]", log: Path) -> str:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and server.poll() is None:
        if (found := re.search(r"http://127\.0\.0\.1:\d+", log.read_text())) and _is_searchable(found.group()):
            return found.group()
        time.sleep(0.1)
    raise AssertionError(f"the server did not start:\n{log.read_text()}")


def _is_searchable(address: str) -> bool:
    try:
        with urlopen(f"{address}/health", timeout=5) as answer:
            return json.load(answer)["status"] == "ok"
    except OSError:
        return False
