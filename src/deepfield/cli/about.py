"""Commands that say something about this installation."""

import typer
from rich.console import Console
from rich.table import Table

from deepfield.cli.environment import load_settings
from deepfield.config import explain, unknown_variables


def version() -> None:
    """Print the version."""
    from deepfield import __version__

    typer.echo(f"deepfield {__version__}")


def config() -> None:
    """List every setting with its value and where that came from."""
    lines = [
        (line.name, "" if line.value is None else str(line.value), line.source) for line in explain(load_settings())
    ]
    console = Console(soft_wrap=True)
    if console.is_terminal:
        table = Table("setting", "value", "source")
        for line in lines:
            table.add_row(*line)
        console.print(table)
    else:
        for line in lines:
            typer.echo("\t".join(line))
    for name, closest in unknown_variables():
        hint = f"; did you mean {closest}?" if closest else ""
        typer.echo(f"deepfield: {name} in the environment is not a setting{hint}", err=True)


def openapi() -> None:
    """Print the OpenAPI document of the HTTP interface."""
    from deepfield.web.openapi import document

    typer.echo(document(), nl=False)
