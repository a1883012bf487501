"""``epix-node serve``: run the node."""

from __future__ import annotations

import sys

import typer

from epix_node.cli.invocation import Invocation
from epix_node.cli.terminal import secret_asker


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(serve)


def serve(context: typer.Context) -> None:
    """Run the node: HTTP, register, pulls and jobs, until SIGINT or SIGTERM."""
    from epix_node.logs import configure_logs
    from epix_node.web.app import serve as serve_node

    config = Invocation.of(context).config()
    configure_logs(sys.stderr)
    serve_node(config, ask=secret_asker())
