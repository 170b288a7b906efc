"""Commands for those who use an archive: get, client-config."""

import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from deepfield.cli import console
from deepfield.model.errors import InvalidValueError

if TYPE_CHECKING:
    from deepfield.client import Wanted

LEFT_OUT = 3


class Layout(StrEnum):
    """Folders of downloaded files."""

    observation = "observation"
    programme = "programme"
    flat = "flat"


class Speaks(StrEnum):
    """Which interface an archive is asked by."""

    auto = "auto"
    deepfield = "deepfield"
    mast = "mast"


Server = Annotated[
    str, typer.Option("--from", envvar="DEEPFIELD_FROM", help="Address of the archive: a Deepfield or MAST")
]
Several = Annotated[list[str] | None, typer.Option(help="Only these; comma-separated or repeated")]


def get(
    names: Annotated[
        list[str] | None,
        typer.Argument(help="Observations, files, mast: URIs; @FILE reads them from a file, @- from stdin"),
    ] = None,
    *,
    server: Server = "http://127.0.0.1:8000",
    search: Annotated[
        list[str] | None, typer.Option(help="A search as the portal's address has it: 'instrument_name=NIRCAM'")
    ] = None,
    basket: Annotated[str | None, typer.Option(help="Link or identifier of a shared basket")] = None,
    to: Annotated[Path, typer.Option(help="Folder for the files")] = Path(),
    layout: Annotated[Layout, typer.Option(help="Folders of the files below it")] = Layout.observation,
    suffix: Several = None,
    extension: Several = None,
    product_type: Several = None,
    calib_level: Several = None,
    detector: Several = None,
    workers: Annotated[int, typer.Option(min=1, max=16, help="Transfers at once")] = 4,
    tries: Annotated[int, typer.Option(min=1, help="Failures in a row after which a file is given up")] = 6,
    speaks: Annotated[Speaks, typer.Option(help="Interface of the archive; asked of it by default")] = Speaks.auto,
    token: Annotated[
        str | None, typer.Option(envvar="MAST_API_TOKEN", help="Token for data before their release")
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="Not only the recommended products")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="List what would be fetched")] = False,
) -> None:
    """Download products: resumed where they broke off, verified, several at once.

    Run it again to go on: whole files are kept. Exit code 3: something had to be left out.
    """
    from deepfield.client import Client, Wanted

    client = Client(
        server, token=token, workers=workers, tries=tries, speaks=None if speaks is Speaks.auto else speaks.value
    )
    only = {
        name: tuple(value for text in values for value in text.split(",") if value)
        for name, values in (
            ("suffix", suffix), ("extension", extension), ("product_type", product_type),
            ("calib_level", calib_level), ("detector", detector),
        )
        if values
    }  # fmt: skip
    shared = client.shared(basket) if basket else Wanted()
    products, observations = _sorted_names(names or [])
    wanted = Wanted(
        (*shared.products, *products),
        (*shared.observations, *observations),
        (*shared.searches, *(search or [])),
        everything or shared.everything,
        only,
        layout.value,
    )
    _download(client, wanted, to, dry_run=dry_run)


def client_config(
    server: Annotated[str, typer.Argument(help="Address of the archive, as its users reach it")],
    folder: Annotated[Path | None, typer.Option(help="Folder of astropy's settings; astropy's own by default")] = None,
    *,
    resolver: Annotated[
        bool,
        typer.Option("--resolver/--no-resolver", help="Also let the archive answer for astroquery's name resolver"),
    ] = True,
    install: Annotated[bool, typer.Option("--install", help="Write astroquery.cfg instead of printing")] = False,
) -> None:
    """Print, or install, what clients of MAST (astroquery, the jwst pipeline, stpsf) need to ask this archive.

    For scripts whose addresses are fixed: python -m deepfield.client.redirect SERVER SCRIPT
    """
    from deepfield.client import settings

    server, folder = settings.checked_server(server), (folder or settings.default_folder()).absolute()
    if not install:
        typer.echo(settings.printed(server, folder, resolver=resolver), nl=False)
        return
    path = settings.install(server, folder)
    typer.echo(f"{path} is written; set these as well:")
    for name, value in settings.variables(server, folder, resolver=resolver).items():
        typer.echo(f"export {name}={value}")


def _download(client: object, wanted: "Wanted", to: Path, *, dry_run: bool) -> None:
    from deepfield.client import Client

    assert isinstance(client, Client)
    if not (wanted.products or wanted.observations or wanted.searches):
        raise InvalidValueError("names", "nothing", "an observation, a file, --search or --basket")
    listing = client.listing(wanted)
    for gone in listing.unavailable:
        typer.echo(f"left out  {gone.name}: {gone.reason}", err=True)
    if dry_run:
        for remote in listing.remotes:
            typer.echo(f"{remote.size if remote.size is not None else ''}\t{remote.sha256 or ''}\t{remote.path}")
        raise typer.Exit(LEFT_OUT if listing.unavailable else 0)
    failed = 0
    with console.transfer(listing.size) as tell:
        for outcome in client.transfers.fetch(listing.remotes, to, tell=tell):
            if outcome.state == "failed":
                failed += 1
                typer.echo(f"failed    {outcome.path}: {outcome.reason}", err=True)
            else:
                typer.echo(f"{outcome.state:<10}{outcome.path}")
    done = len(listing.remotes) - failed
    typer.echo(f"{done} of {len(listing.remotes)} files, {console.size(listing.size)}, in {to.absolute()}", err=True)
    if failed:
        typer.echo("run the same command again to go on", err=True)
        raise typer.Exit(1)
    if listing.unavailable:
        raise typer.Exit(LEFT_OUT)


def _sorted_names(names: list[str]) -> tuple[list[str], list[str]]:
    """Tell files from observations; ``@FILE`` stands for the names in a file, one a line."""
    listed: list[str] = []
    for name in names:
        if name.startswith("@"):
            text = sys.stdin.read() if name == "@-" else Path(name[1:]).read_text(encoding="utf-8")
            listed += [line.strip() for line in text.splitlines() if line.strip() and not line.startswith("#")]
        else:
            listed.append(name)
    files = [name for name in listed if name.startswith("mast:") or "." in name]
    return files, [name for name in listed if name not in files]
