"""The command line. Commands are as thin as routes.

Exit codes: 0 done, 1 failed, 2 usage, 3 done but files were refused or observations left as they were.
"""

import sys
from typing import Any

import typer
from typer.core import TyperGroup
from typing_extensions import override

from deepfield.cli import about, accounts, files, mirroring, server, snapshots, transfer
from deepfield.model.errors import ArchiveError


class Commands(TyperGroup):
    """Tells an error of ours in one sentence on stderr, without a traceback, and exits with 1."""

    @override
    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except ArchiveError as error:
            sys.stderr.write(f"deepfield: {error}\n")
        except OSError as error:
            if error.filename is None:
                raise
            sys.stderr.write(f"deepfield: {error.filename}: {error.strerror}\n")
        except KeyboardInterrupt:
            sys.stderr.write("deepfield: interrupted\n")
        raise typer.Exit(1)


app = typer.Typer(
    cls=Commands,
    name="deepfield",
    help="A discovery portal and archive for JWST data that anyone can run.",
    epilog="Exit codes: 0 done, 1 failed, 2 usage, 3 done but files were refused or observations left as they were.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
for command in (
    server.demo,
    files.simulate,
    files.ingest,
    files.reindex,
    files.forget,
    files.read,
    files.check,
    server.serve,
    server.worker,
    transfer.get,
    mirroring.mirror,
    transfer.client_config,
    about.config,
    about.openapi,
    about.version,
):
    app.command()(command)
app.add_typer(snapshots.app, name="snapshot")
app.add_typer(accounts.user, name="user")
app.add_typer(accounts.token, name="token")
