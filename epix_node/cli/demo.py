"""``epix-node demo``: a federation on this machine."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from epix_node.cli.invocation import Invocation, JsonOption, read_time


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(demo)


def demo(
    context: typer.Context,
    directory: Annotated[
        Path | None, typer.Option("--dir", metavar="DIR", help="Where the nodes are made; a temporary one if absent.")
    ] = None,
    parties: Annotated[int, typer.Option("--parties", metavar="N", min=1, help="How many countries.")] = 3,
    clock: Annotated[
        datetime | None,
        typer.Option(
            "--clock",
            parser=read_time,
            metavar="TIME",
            help="All nodes share one clock that starts here and is moved by requests to /sandbox/v1/tick.",
        ),
    ] = None,
    port: Annotated[
        int | None, typer.Option("--port", metavar="N", min=1, max=65535, help="First port; any free ones if absent.")
    ] = None,
    *,
    hold: Annotated[bool, typer.Option("--hold", help="Keep the nodes running until SIGINT or SIGTERM.")] = False,
    empty: Annotated[bool, typer.Option("--empty", help="Leave the story out.")] = False,
    _json: JsonOption = False,
) -> None:
    """Play a federation of N countries and a Secretariat: permits, borders, keys, frauds, and what each node found.

    Exit 0 only if exactly the expected findings and answers appear.
    """
    from epix_node.demo.command import run_demo

    raise typer.Exit(
        run_demo(
            directory,
            hold=hold,
            empty=empty,
            parties=parties,
            clock=clock,
            port=port,
            echo=typer.echo,
            as_json=Invocation.of(context).json,
        )
    )
