"""``epix-node init``: make a new node."""

from __future__ import annotations

import os
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from epix_node.cli.invocation import Invocation, JsonOption, read_input
from epix_node.cli.terminal import Terminal, secret_asker
from epix_node.errors import ConfigError
from epix_node.trust.passphrase import PASSPHRASE_VARIABLE

_MAX_ROOT_BYTES = 512_000
"""As ``trust.role_metadata`` takes."""


class Environment(StrEnum):
    """Where the node will work; nothing of one environment counts in another."""

    SANDBOX = "sandbox"
    UAT = "uat"
    PROD = "prod"


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(init)


def _passphrase(environment: Environment) -> str | None:
    """That of the environment, or what somebody types twice; None in the sandbox, and where nobody can be asked."""
    if given := os.environ.get(PASSPHRASE_VARIABLE):
        return given
    if environment is Environment.SANDBOX or secret_asker() is None:
        return None
    typed: str = typer.prompt("a passphrase for the new keys", hide_input=True, confirmation_prompt=True, err=True)
    return typed


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
    trust_list: Annotated[
        str | None, typer.Option("--trust-list", metavar="URL", help="Where the Secretariat publishes the trust list.")
    ] = None,
    root: Annotated[
        Path | None, typer.Option("--root", metavar="FILE", help="Its root, compared with the printed fingerprint.")
    ] = None,
    store: Annotated[
        str | None,
        typer.Option(
            "--store",
            metavar="URL",
            help="Its database: sqlite:///PATH, or postgresql+psycopg://USER@HOST:PORT/NAME, which exists and is "
            "empty. A file in DIR if absent.",
        ),
    ] = None,
    passphrase_file: Annotated[
        Path | None,
        typer.Option(
            "--passphrase-file",
            metavar="FILE",
            help=f"What encrypts the keys, in its first line; the node reads it there too. Otherwise "
            f"{PASSPHRASE_VARIABLE}, or you are asked; the sandbox makes one up.",
        ),
    ] = None,
    *,
    _json: JsonOption = False,
) -> None:
    """Make a node in DIR: configuration, keys, certificate and database. Overwrites nothing."""
    from epix_node.clock import utc_now
    from epix_node.founding import DEFAULT_BASE_URL, Plan, found_node
    from epix_node.trust.manifest import grouped
    from epix_node.trust.trust_list import bootstrap

    invocation = Invocation.of(context)
    if base_url is None:
        if environment is not Environment.SANDBOX:
            raise ConfigError(f"--base-url is missing: a node of {environment} needs its own https address")
        base_url = DEFAULT_BASE_URL
    plan = Plan(
        party=party,
        environment=environment.value,
        base_url=base_url,
        now=utc_now(),
        name=name,
        trust_list=trust_list,
        root=read_input(root, max_bytes=_MAX_ROOT_BYTES) if root is not None else None,
        store=store,
        passphrase_file=passphrase_file,
        passphrase=_passphrase(environment) if passphrase_file is None else None,
    )
    config, manifest = found_node(directory, plan)
    fingerprints = dict(manifest.key_fingerprints())
    if plan.root is not None:
        fingerprints["root of the trust list"] = grouped(bootstrap(plan.root, plan.environment).fingerprint())

    def tell(terminal: Terminal) -> None:
        terminal.line(f"made a node of {party} ({environment}) in {config.home}")
        terminal.facts(
            [
                ("configuration", config.path),
                ("keys", config.keys_directory),
                ("database", config.store_place),
                ("listens on", config.server.listen),
                ("reached at", config.server.base_url),
            ]
        )
        if plan.root is not None:
            terminal.line("compare this fingerprint with the Secretariat's printed one:")
            terminal.line(f"  root  {fingerprints['root of the trust list']}")
        if environment is Environment.SANDBOX and config.passphrase_file == config.key_files.passphrase:
            terminal.remark(f"the keys' passphrase is in {config.passphrase_file}, beside them: good for trials only")
        with_config = f"epix-node --config {config.path}"
        terminal.line("next:")
        terminal.line(f"  {with_config} federation request --out {party}.json")
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
