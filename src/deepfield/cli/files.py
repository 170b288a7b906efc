"""Commands about files: simulate, ingest, forget, read, check."""

import shutil
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from deepfield.bootstrap import Archive, build, load_settings
from deepfield.cli import console
from deepfield.model.errors import InvalidValueError

REFUSALS = 3


class Size(StrEnum):
    """How large a simulated archive is."""

    small = "small"
    medium = "medium"


def simulate(
    folder: Annotated[Path, typer.Argument(help="Folder to write; it must be empty or not exist")],
    size: Annotated[Size, typer.Option(help="small: under 300 MB; medium: full detectors")] = Size.small,
    seed: Annotated[int, typer.Option(min=0, help="The same seed writes the same archive")] = 1,
    mosaic: Annotated[int | None, typer.Option(min=64, help="Add an i2d mosaic of this many pixels a side")] = None,
    *,
    force: Annotated[bool, typer.Option("--force", help="Write into a folder that holds something")] = False,
) -> None:
    """Write a small, physically plausible JWST archive."""
    from deepfield import simulate as simulation

    if not force and folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise InvalidValueError("folder", str(folder), "an empty folder or none; --force writes into it all the same")
    with console.progress("Simulating") as tell:
        summary = simulation.simulate(folder, size=size.value, seed=seed, mosaic=mosaic, progress=tell)
    typer.echo(
        f"{summary.files} files of {summary.observations} observations in {summary.programmes} programmes, "
        f"{console.size(summary.size)}, in {folder}"
    )


def ingest(
    paths: Annotated[list[Path], typer.Argument(help="Files and folders; folders with all below them")],
    report: Annotated[Path | None, typer.Option(help="Write what became of each file here, as JSON")] = None,
    workers: Annotated[int | None, typer.Option(min=1, help="Processes; the setting `workers` by default")] = None,
    release_table: Annotated[Path | None, typer.Option(help="Release dates by programme and observation, TOML")] = None,
    *,
    copy: Annotated[
        bool, typer.Option("--copy/--link", help="Copy the bytes into the store, or leave them in place")
    ] = False,
    verify: Annotated[bool, typer.Option("--verify", help="Read files again that look unchanged")] = False,
) -> None:
    """Bring files into the archive; what is there already stays as it is."""
    with build(load_settings()) as archive:
        refused = ingest_paths(
            archive, paths, report=report, copy=copy, workers=workers, release_table=release_table, verify=verify
        )
    if refused:
        raise typer.Exit(REFUSALS)


def ingest_paths(
    archive: Archive,
    paths: Sequence[Path],
    *,
    report: Path | None = None,
    copy: bool = False,
    workers: int | None = None,
    release_table: Path | None = None,
    verify: bool = False,
) -> int:
    """Ingest with progress and a summary; return how many files were refused."""
    raise NotImplementedError


def forget(name: Annotated[str, typer.Argument(metavar="OBS|FILE", help="obs_id or file name")]) -> None:
    """Remove an observation or a product from the archive; its history stays, its bytes do where they are linked."""
    raise NotImplementedError


def read(
    filename: Annotated[str, typer.Argument(help="File name of a product")],
    output: Annotated[Path, typer.Option("--output", "-o", help="File to write; - for standard output")],
) -> None:
    """Take a product home as archive staff, one under exclusive access too."""
    raise NotImplementedError


def check(
    *, deep: Annotated[bool, typer.Option("--deep", help="Read all bytes and compare their checksums")] = False
) -> None:
    """Compare the archive with the files it speaks of."""
    raise NotImplementedError


def simulate_once(folder: Path) -> None:
    """Simulate the small archive into a folder, whole or not at all, unless it is there."""
    if folder.exists():
        return
    part = folder.with_name(f"{folder.name}.part")
    if part.exists():
        shutil.rmtree(part)
    simulate(part)
    part.rename(folder)
