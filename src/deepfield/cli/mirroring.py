"""The command that keeps a copy of what another archive holds: mirror."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Final

import typer

from deepfield.cli import console
from deepfield.cli.environment import load_settings, open_archive
from deepfield.cli.files import REFUSALS, named
from deepfield.cli.transfer import Several

if TYPE_CHECKING:
    from deepfield.client.mirror import Mirror, Plan
    from deepfield.client.upstream import Offered
    from deepfield.config import Settings
    from deepfield.ingest.release import ReleaseTable

MAST: Final = "https://mast.stsci.edu"
NOBODY_KNOWS: Final = datetime(2999, 1, 1, tzinfo=UTC)
"""The release of data that are not public at the source, which does not say until when."""
GB: Final = 10**9
Moment = Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"], help="UTC")]


def mirror(
    *,
    programme: Several = None,
    instrument: Several = None,
    where: Annotated[
        list[str] | None,
        typer.Option(
            "--filter",
            help="Any column of the MAST API: name=value,value, name=low..high or name=NGC*; repeat for more",
        ),
    ] = None,
    target: Annotated[str | None, typer.Option(help="A name, or right ascension and declination in degrees")] = None,
    radius: Annotated[float, typer.Option(help="Around the target, degrees")] = 0.2,
    released_after: Moment = None,
    released_before: Moment = None,
    source: Annotated[str, typer.Option(help="Address of the archive: MAST or a Deepfield")] = MAST,
    suffix: Several = None,
    extension: Several = None,
    product_type: Several = None,
    calib_level: Several = None,
    group: Several = None,
    everything: Annotated[bool, typer.Option("--all", help="Not only the recommended products")] = False,
    workers: Annotated[int, typer.Option(min=1, max=16, help="Transfers at once")] = 4,
    rate: Annotated[float, typer.Option(min=0.01, help="Most requests a second")] = 10.0,
    tries: Annotated[int, typer.Option(min=1, help="Failures in a row after which a file is given up")] = 8,
    quota: Annotated[
        float | None, typer.Option(min=0, help="Most that all copies of this archive may take, GB")
    ] = None,
    token: Annotated[
        str | None, typer.Option(envvar="MAST_API_TOKEN", help="Token of the source for data before their release")
    ] = None,
    verify: Annotated[bool, typer.Option("--verify", help="Read the copies that are here again")] = False,
    no_ingest: Annotated[bool, typer.Option("--no-ingest", help="Leave the files for a later ingest")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="List what would be fetched, with sizes")] = False,
) -> None:
    """Copy programmes or queries from MAST or another Deepfield, and ingest them; run again, only what changed there.

    Resumed where it broke off, verified, and refused ahead where the disk cannot take it. Data that are not public at
    the source are copied with a token only, and stay as closed here as they are there. Exit code 1: a file failed.
    """
    from deepfield.client import Client
    from deepfield.client.mirror import Mirror
    from deepfield.client.upstream import Scope, filter_of, released

    listed = [{"paramName": "proposal_id", "values": _values(programme)}] if programme else []
    listed += [{"paramName": "instrument_name", "values": _values(instrument)}] if instrument else []
    filters = [*listed, *map(filter_of, where or ())]
    if released_after or released_before:
        filters.append(released(*(at and at.replace(tzinfo=UTC) for at in (released_after, released_before))))
    narrowed = (
        ("suffix", suffix), ("extension", extension), ("product_type", product_type), ("calib_level", calib_level),
        ("group", group),
    )  # fmt: skip
    only = {name: tuple(_values(values)) for name, values in narrowed if values}
    scope = Scope(tuple(filters), target, radius, everything, only)
    settings = load_settings()
    client = Client(source, token=token, workers=workers, tries=tries, speaks="mast", rate=rate, patience=tries)
    with Mirror.open(client, settings.root) as copies:
        plan = copies.plan(scope, verify=verify, workers=workers)
        _show(plan)
        if dry_run:
            for step in plan.steps:
                size = "" if step.remote.size is None else step.remote.size
                typer.echo(f"{step.reason}\t{size}\t{step.remote.path}")
            return
        most = None if quota is None else int(quota * GB)
        copies.require_space(plan, reserve=settings.disk_reserve_mb << 20, quota=most)
        failed = _fetch(copies, plan)
        refused = 0 if no_ingest else _ingest(settings, copies, plan)
    if failed:
        typer.echo("run the same command again to go on", err=True)
        raise typer.Exit(1)
    if refused:
        raise typer.Exit(REFUSALS)


def _show(plan: "Plan") -> None:
    for copy in plan.retired:
        typer.echo(f"retired   {copy.path}: the source no longer has it; the copy stays", err=True)
    for copy in plan.left:
        typer.echo(f"left      {copy.path}: no longer of this selection; the copy stays", err=True)
    said = (
        f"{plan.offered.observations} observations, {len(plan.offered.offers)} files; {len(plan.kept)} as they are here"
    )
    fetched = f"{len(plan.steps)} to fetch, {console.size(plan.size)}"
    closed = f", {len(plan.exclusive)} not public and left out" if plan.exclusive else ""
    typer.echo(f"{said}, {fetched}{closed}", err=True)


def _fetch(copies: "Mirror", plan: "Plan") -> int:
    failed = 0
    with console.transfer(plan.size) as tell:
        for step, outcome in copies.run(plan, tell=tell):
            if outcome.state != "failed":
                typer.echo(f"{step.reason:<8}  {outcome.path} ({outcome.state})")
            elif outcome.denied:
                typer.echo(f"denied    {outcome.path}: {outcome.reason}", err=True)
            else:
                failed += 1
                typer.echo(f"failed    {outcome.path}: {outcome.reason}", err=True)
    return failed


def _ingest(settings: "Settings", copies: "Mirror", plan: "Plan") -> int:
    if not copies.files.exists():
        return 0
    with open_archive(settings, searchable=False) as archive, console.progress("Ingesting") as tell:
        report = archive.intake.ingest([copies.files], table=_releases(plan.offered), progress=named(tell))
    console.show_report(report)
    return len(report.refused)


def _releases(offered: "Offered") -> "ReleaseTable":
    """Return the source's release dates as rules; the last of a programme holds for what has none of its own here."""
    from deepfield.ingest.release import ProgramRelease, ReleaseTable

    observations = {name: moment or NOBODY_KNOWS for name, moment in offered.releases.items()}
    programs: dict[str, ProgramRelease] = {}
    for name in sorted(offered.closed, key=observations.__getitem__):
        programs[offered.closed[name]] = ProgramRelease(release=observations[name])
    return ReleaseTable(programs, observations)


def _values(texts: list[str] | None) -> list[str]:
    return [value.strip() for text in texts or () for value in text.split(",") if value.strip()]
