"""Runs a script whose addresses of MAST are fixed, and lets it ask another archive instead.

::

    python -m deepfield.client.redirect http://archive.example:8000 script.py …

What goes out through ``requests`` or ``urllib`` to ``mast.stsci.edu`` or its resolver goes to the archive.
"""

from __future__ import annotations

import runpy
import sys
import urllib.request
from typing import Any, Final
from urllib.parse import urlsplit, urlunsplit

import requests

from deepfield.client.settings import checked_server

HOSTS: Final = frozenset({"mast.stsci.edu", "mastresolver.stsci.edu", "catalogs.mast.stsci.edu", "auth.mast.stsci.edu"})


def redirected(url: str, server: str) -> str:
    """Return the address at ``server`` for one of MAST, any other as it is."""
    parts = urlsplit(url)
    if parts.hostname not in HOSTS:
        return url
    ours = urlsplit(server)
    return urlunsplit((ours.scheme, ours.netloc, ours.path.rstrip("/") + parts.path, parts.query, parts.fragment))


def install(server: str) -> None:
    """Redirect whatever this process asks of MAST from now on."""
    send, opened = requests.Session.send, urllib.request.OpenerDirector.open

    def sent(self: requests.Session, request: requests.PreparedRequest, **options: Any) -> requests.Response:
        if request.url is not None:
            request.url = redirected(request.url, server)
        return send(self, request, **options)

    def open_redirected(self: Any, fullurl: Any, *args: Any, **options: Any) -> Any:
        if isinstance(fullurl, str):
            fullurl = redirected(fullurl, server)
        else:
            fullurl.full_url = redirected(fullurl.full_url, server)
        return opened(self, fullurl, *args, **options)

    requests.Session.send = sent
    urllib.request.OpenerDirector.open = open_redirected  # type: ignore[method-assign]


def main() -> None:
    """Run a script redirected."""
    if len(sys.argv) < 3:
        sys.exit("usage: python -m deepfield.client.redirect SERVER SCRIPT [ARGUMENTS]")
    _, server, script, *arguments = sys.argv
    install(checked_server(server))
    sys.argv = [script, *arguments]
    runpy.run_path(script, run_name="__main__")


if __name__ == "__main__":
    main()
