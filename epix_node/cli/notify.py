"""``epix-node notify``: whether those who are told of findings can be told."""

from __future__ import annotations

import asyncio

import typer

from epix_node.cli.exits import ExitCode
from epix_node.cli.invocation import Invocation, JsonOption, end
from epix_node.cli.terminal import Terminal
from epix_node.errors import ConfigError

app = typer.Typer(help="Who is told, by webhook and e-mail, that a finding of class A opened.", no_args_is_help=True)


@app.callback()
def _group() -> None:
    """Keep the group a group while it has one command."""


@app.command("test")
def try_out(context: typer.Context, *, _json: JsonOption = False) -> None:
    """Send a test notice to the webhook and to the e-mail addresses of [notify]: exit 4 if one was not taken.

    It is a finding of the pattern TEST about no permit. Nothing is stored, and nothing that waits is sent.
    """
    from epix_node.notices import deliver

    invocation = Invocation.of(context)
    with invocation.node() as node:
        tried = asyncio.run(deliver.try_out(node))
        if not tried:
            raise ConfigError(
                f"{node.config.path}: [notify] names nobody; set webhook_url and webhook_secret_file, or email_to, "
                "email_from and smtp_server"
            )

    def tell(terminal: Terminal) -> None:
        rows = [(one.channel.value, one.place, "not taken" if one.problem else "taken", one.problem) for one in tried]
        terminal.table(("channel", "receiver", "notice", "problem"), rows, empty="")

    sent = [{"channel": one.channel.value, "receiver": one.place, "problem": one.problem} for one in tried]
    invocation.answer({"sent": sent}, tell)
    end(ExitCode.UNREACHABLE if any(one.problem for one in tried) else ExitCode.OK)
