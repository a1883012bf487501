"""The ``epix-node`` command: its groups, and what becomes of an error.

A command raises; here every ``EpixError`` becomes a message on standard error, an exit code (``failures``) and, with
``--json``, an object on standard output. Anything else is a mistake in the program: exit 5, a short message, and the
traceback in the log. Command modules import what they need inside their functions, so that ``--help`` is quick.
"""

from __future__ import annotations

import errno
import logging
import sys
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from epix_node import __version__
from epix_node.cli import (
    clients,
    demo,
    doctor,
    events,
    federation,
    findings,
    init,
    keys,
    notify,
    peers,
    permits,
    pull,
    reference,
    register,
    report,
    rules,
    serve,
    simulate,
    status,
    store,
    verify,
)
from epix_node.cli.exits import ExitCode
from epix_node.cli.failures import exit_code, failure_json, failure_text
from epix_node.cli.invocation import Invocation
from epix_node.errors import EpixError

_QUIET = logging.WARNING
"""Level of the log of commands that come to an end by themselves; `serve` and `demo` set their own."""


class CommandTable(TyperGroup):
    """The top group; turns what its commands raise into exit codes."""

    def invoke(self, ctx: Any) -> Any:
        """Run the command; leaves with ``typer.Exit`` where it failed."""
        try:
            return super().invoke(ctx)
        except EpixError as error:
            _tell(ctx.obj, error)
            raise typer.Exit(exit_code(error)) from error
        except (typer.Exit, typer.Abort, typer.TyperException, EOFError):
            raise  # how typer says that a command ended, or was used wrongly
        except Exception as error:
            if isinstance(error, OSError) and error.errno == errno.EPIPE:
                raise  # whoever read our output has had enough; typer ends the program
            _tell_unexpected(ctx.obj, error)
            raise typer.Exit(ExitCode.UNEXPECTED) from error


app = typer.Typer(
    cls=CommandTable,
    name="epix-node",
    help="Publish, exchange, verify and reconcile CITES permits with the nodes of other Parties.",
    epilog=(
        "Exit codes: 0 done, or yes; 1 no; 2 usage or configuration; 3 own keys; 4 a peer could not be reached; "
        "5 unexpected; 6 cannot say."
    ),
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _print_version(*, value: bool) -> None:
    if value:
        typer.echo(f"epix-node {__version__}")
        raise typer.Exit


@app.callback()
def _start(
    context: typer.Context,
    config: Annotated[
        Path | None,
        typer.Option(
            "--config",
            metavar="PATH",
            help="The node's epix-node.toml. Otherwise EPIX_CONFIG names it, or it is ./config/epix-node.toml.",
        ),
    ] = None,
    *,
    _version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    from epix_node.logs import configure_logs

    context.obj = Invocation(config_path=config)
    configure_logs(sys.stderr, level=_QUIET)


for module in (init, serve, demo, verify, status, events, pull, findings, doctor):
    module.register(app)
for name, group in {
    "permits": permits.app,
    "keys": keys.app,
    "peers": peers.app,
    "federation": federation.app,
    "clients": clients.app,
    "notify": notify.app,
    "reference": reference.app,
    "register": register.app,
    "report": report.app,
    "rules": rules.app,
    "simulate": simulate.app,
    "store": store.app,
}.items():
    app.add_typer(group, name=name)


def _tell(invocation: object, error: EpixError) -> None:
    assert isinstance(invocation, Invocation)
    if invocation.json and not invocation.answered:
        invocation.terminal.answer(failure_json(error))
    invocation.terminal.remark(failure_text(error, label="epix-node"))


def _tell_unexpected(invocation: object, error: Exception) -> None:
    import structlog

    structlog.get_logger("epix_node.cli").error("command failed", exc_info=error)
    if isinstance(invocation, Invocation) and invocation.json and not invocation.answered:
        body = {"code": "UNEXPECTED", "message": "something unexpected happened; the log on standard error says more"}
        invocation.terminal.answer({"error": body})
    typer.echo(
        f"epix-node: unexpected: {type(error).__name__}. This is a mistake in the program, not in what you did; "
        "please report it with the log above.",
        err=True,
    )


def main() -> None:
    """Run the command line of this process and exit with its code."""
    app(prog_name="epix-node")
