"""What clients of MAST need to be told so that they ask another archive instead: a file and four variables."""

from __future__ import annotations

import configparser
import io
import os
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from deepfield.model.errors import InvalidValueError

if TYPE_CHECKING:
    from collections.abc import Mapping

CONFIG: Final = "astroquery.cfg"


def checked_server(server: str) -> str:
    """Return the address of an archive as clients of MAST have to be given it.

    Raises:
        InvalidValueError: it is no address, or holds the letters ``mast``, which astroquery replaces in it.
    """
    parts = urlsplit(server)
    if parts.scheme not in {"http", "https"} or not parts.netloc or parts.query or parts.fragment:
        raise InvalidValueError("server", server, "an address such as http://archive.example:8000")
    if "mast" in server:
        raise InvalidValueError("server", server, "an address without the letters 'mast': astroquery replaces them")
    return server.rstrip("/")


def astroquery_settings(server: str) -> Mapping[str, str]:
    """Return section ``mast`` of ``astroquery.cfg``. Data sets in the cloud are off: they bypass the archive."""
    return {"server": server, "catalogs_server": server, "enable_cloud_dataset": "False"}


def variables(server: str, folder: Path, *, resolver: bool) -> Mapping[str, str]:
    """Return the variables that clients read, by name.

    ``resolver`` also sends the name resolver of astroquery here, whose address is fixed, by taking the archive for a
    proxy of plain http. It answers for the resolver alone and refuses every other host.
    """
    found = {"ASTROPY_CONFIG_DIR": str(folder), "ENG_BASE_URL": server}
    if resolver:
        found |= {"http_proxy": server, "no_proxy": urlsplit(server).hostname or ""}
    return found


def printed(server: str, folder: Path, *, resolver: bool) -> str:
    """Return everything as lines for a shell."""
    text = io.StringIO()
    _parser({}, astroquery_settings(server)).write(text)
    exports = "\n".join(
        f"export {name}={shlex.quote(v)}" for name, v in variables(server, folder, resolver=resolver).items()
    )
    quoted = shlex.quote(str(folder))
    return (
        f"# Clients of MAST ask {server} after these lines.\n"
        f"mkdir -p {quoted}\ncat > {quoted}/{CONFIG} <<'END'\n{text.getvalue().strip()}\nEND\n{exports}\n"
        "# For data before their release: export MAST_API_TOKEN=<a token of your account page>\n"
    )


def default_folder() -> Path:
    """Return where astropy looks for settings."""
    return Path(os.environ.get("ASTROPY_CONFIG_DIR") or Path.home() / ".astropy" / "config")


def install(server: str, folder: Path) -> Path:
    """Write section ``mast`` into ``astroquery.cfg`` of this folder, leaving everything else in it; return the file."""
    path = folder / CONFIG
    folder.mkdir(parents=True, exist_ok=True)
    before = configparser.RawConfigParser(strict=False)
    before.optionxform = str  # type: ignore[assignment,method-assign]  # names keep their case
    if path.exists():
        before.read(path)
    kept = {name: dict(before[name]) for name in before.sections()}
    part = path.with_name(f"{CONFIG}.part")
    with part.open("w") as sink:
        _parser(kept, astroquery_settings(server)).write(sink)
    part.replace(path)
    return path


def _parser(kept: Mapping[str, Mapping[str, str]], mast: Mapping[str, str]) -> configparser.RawConfigParser:
    parser = configparser.RawConfigParser()
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read_dict({**kept, "mast": {**kept.get("mast", {}), **mast}})
    return parser
