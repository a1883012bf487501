"""``epix-node init``: make a new node."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from epix_node.cli.invocation import Invocation, JsonOption
from epix_node.cli.terminal import Terminal
from epix_node.errors import ConfigError


class Environment(StrEnum):
    """Where the node will work; nothing of one environment counts in another."""

    SANDBOX = "sandbox"
    UAT = "uat"
    PROD = "prod"


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(init)


def init(
    context: typer.Context,
    party: Annotated[
        str, typer.Option("--party", metavar="CODE", help="Two capital letters; XA to XZ are fictional (sandbox).")
    ],
    directory: Annotated[Path, typer.Option("--dir", metavar="DIR", help="Where the node is to be.")],
    base_url: Annotated[
        str | None,
        typer.Option(
            "--base-url", metavar="URL", help="Address for other nodes. In the sandbox http://127.0.0.1:8080 if absent."
        ),
    ] = None,
    environment: Annotated[
        Environment, typer.Option("--environment", help="Elsewhere than in the sandbox the base URL is https.")
    ] = Environment.SANDBOX,
    name: Annotated[
        str | None, typer.Option("--name", metavar="TEXT", help="Name of the authority, for the certificate.")
    ] = None,
    *,
    _json: JsonOption = False,
) -> None:
    """Make a node in DIR: configuration, keys, certificate and database. Overwrites nothing."""
    from epix_node.clock import utc_now
    from epix_node.founding import DEFAULT_BASE_URL, Plan, found_node

    invocation = Invocation.of(context)
    if base_url is None:
        if environment is not Environment.SANDBOX:
            raise ConfigError(f"--base-url is missing: a node of {environment} needs its own https address")
        base_url = DEFAULT_BASE_URL
    plan = Plan(party=party, environment=environment.value, base_url=base_url, now=utc_now(), name=name)
    config, manifest = found_node(directory, plan)
    fingerprints = dict(manifest.key_fingerprints())

    def tell(terminal: Terminal) -> None:
        terminal.line(f"made a node of {party} ({environment}) in {config.home}")
        terminal.facts(
            [
                ("configuration", config.path),
                ("keys", config.keys_directory),
                ("database", config.store_path),
                ("listens on", config.server.listen),
                ("reached at", config.server.base_url),
            ]
        )
        with_config = f"epix-node --config {config.path}"
        terminal.line("next:")
        terminal.line(f"  {with_config} clients add desk --role authority")
        terminal.line(f"  {with_config} serve")

    invocation.answer(
        {
            "party": party,
            "environment": environment.value,
            "directory": str(config.home),
            "config": str(config.path),
            "base_url": config.server.base_url,
            "listen": config.server.listen,
            "fingerprints": fingerprints,
        },
        tell,
    )
