"""Commands about files: simulate, ingest, reindex, forget, read, check."""

import hashlib
import json
import os
import shutil
import sys
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import IO, TYPE_CHECKING, Annotated

import typer

from deepfield.access.principal import STAFF
from deepfield.cli import console
from deepfield.cli.environment import load_settings, open_archive
from deepfield.model.errors import InvalidValueError, StaleFileError

if TYPE_CHECKING:
    from deepfield.ingest.pipeline import Progress
    from deepfield.ingest.report import Entry
    from deepfield.services.delivery import Delivery

REFUSALS = 3
CHUNK = 1 << 20


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
    paths: Annotated[list[Path], typer.Argument(exists=True, help="Files and folders; folders with all below them")],
    report: Annotated[Path | None, typer.Option(help="Write what became of each file here, as JSON")] = None,
    workers: Annotated[int | None, typer.Option(min=1, help="Processes; the setting `workers` by default")] = None,
    release_table: Annotated[
        Path | None, typer.Option(exists=True, dir_okay=False, help="Release dates by programme and observation, TOML")
    ] = None,
    *,
    copy: Annotated[
        bool, typer.Option("--copy/--link", help="Copy the bytes into the store, or leave them in place")
    ] = False,
    verify: Annotated[bool, typer.Option("--verify", help="Read files again that look unchanged")] = False,
) -> None:
    """Bring files into the archive; what is there already stays as it is."""
    from deepfield.ingest.release import ReleaseTable

    table = None if release_table is None else ReleaseTable.from_toml(release_table)
    with open_archive(load_settings(), searchable=False) as archive, console.progress("Ingesting") as tell:
        result = archive.intake.ingest(
            paths, link=not copy, verify=verify, table=table, workers=workers, progress=named(tell)
        )
    if report is not None:
        report.write_text(json.dumps(result.to_json(), indent=1) + "\n", encoding="utf-8")
    console.show_report(result)
    if result.refused:
        raise typer.Exit(REFUSALS)


def named(tell: console.Tell) -> "Progress":
    """Tell the progress of an ingest by the names of its files."""

    def told(done: int, total: int, entry: "Entry | None") -> None:
        tell("" if entry is None else Path(entry.path).name, done, total)

    return told


def reindex(
    obs_ids: Annotated[list[str] | None, typer.Argument(metavar="[OBS]...", help="obs_ids; all by default")] = None,
) -> None:
    """Identify and assemble again what is stored, under the mission's tables of now; no file is read again."""
    with open_archive(load_settings(), searchable=False) as archive, console.progress("Reindexing") as tell:
        done = archive.intake.reindex(obs_ids or (), progress=tell)
    for obs_id, reason in sorted(done.left.items())[: console.MOST_NAMED]:
        typer.echo(f"left     {obs_id}: {reason}", err=True)
    stayed = f", {len(done.left)} could not be made again and stay as they were" if done.left else ""
    as_of = f" as of snapshot {done.snapshot}" if done.snapshot is not None else ""
    typer.echo(f"{len(done.changed)} of {done.total} observations changed{as_of}{stayed}")
    if done.left:
        raise typer.Exit(REFUSALS)


def forget(name: Annotated[str, typer.Argument(metavar="OBS|FILE", help="obs_id or file name")]) -> None:
    """Take an observation or a product out of the archive; its history stays, and linked files stay where they are."""
    with open_archive(load_settings(), searchable=False) as archive:
        forgotten = archive.intake.forget(name)
    removed = f", {forgotten.files_removed} copies and previews removed" if forgotten.files_removed else ""
    typer.echo(f"{name} is forgotten as of snapshot {forgotten.snapshot}{removed}")


def read(
    filename: Annotated[str, typer.Argument(help="File name of a product")],
    output: Annotated[Path, typer.Option("--output", "-o", help="File to write; - for standard output")],
) -> None:
    """Take a product home as archive staff, one under exclusive access too."""
    with open_archive(load_settings(), searchable=False) as archive:
        delivery = archive.delivery.find(filename, rule=STAFF.rule(at=datetime.now(UTC)))
        if str(output) == "-":
            _copy(delivery, sys.stdout.buffer)
            return
        part = output.with_name(f".{output.name}.{os.getpid()}.part")
        try:
            with part.open("wb") as sink:
                _copy(delivery, sink)
            part.replace(output)
        finally:
            part.unlink(missing_ok=True)


def _copy(delivery: "Delivery", sink: IO[bytes]) -> None:
    checksum = hashlib.sha256()
    with delivery.open() as source:
        while piece := source.read(CHUNK):
            checksum.update(piece)
            sink.write(piece)
    if checksum.hexdigest() != delivery.sha256:
        raise StaleFileError(delivery.filename, "has other bytes than were ingested: it has changed")


def check(
    *, deep: Annotated[bool, typer.Option("--deep", help="Read all bytes and compare their checksums")] = False
) -> None:
    """Compare the archive with the files it speaks of; fail if any is missing or changed."""
    with open_archive(load_settings(), searchable=False) as archive, console.progress("Checking") as tell:
        audited = archive.audit.check(deep=deep, progress=lambda done: tell("products", done, None))
    for finding in audited.findings:
        typer.echo(f"{finding.problem:<8} {finding.filename}: {finding.detail} ({finding.location})")
    typer.echo(f"{audited.products} products, {len(audited.findings)} not as they were ingested")
    if audited.findings:
        raise typer.Exit(1)


def simulate_once(folder: Path) -> None:
    """Simulate the small archive into a folder, whole or not at all, unless it is there."""
    if folder.exists():
        return
    part = folder.with_name(f"{folder.name}.part")
    if part.exists():
        shutil.rmtree(part)
    simulate(part)
    part.rename(folder)
