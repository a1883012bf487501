"""``epix-node doctor``: what would stop this node from working, and what to do about it.

Each check is a sentence with a state: OK, WARN (it works, but look), FAIL (it does not work). One check that cannot be
made does not keep the others from being made.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

import typer

from epix_node.cli.diagnosis import Check, State, fail, ok
from epix_node.cli.exits import ExitCode
from epix_node.cli.invocation import Invocation, JsonOption, end
from epix_node.cli.machine_checks import addresses, clock, database, disk, keys
from epix_node.cli.node_checks import inside
from epix_node.cli.partner_checks import peers_reached, receivers_reached
from epix_node.cli.terminal import Terminal
from epix_node.errors import ConfigError, EpixError


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(doctor)


def doctor(
    context: typer.Context,
    *,
    reach: Annotated[
        bool,
        typer.Option("--reach", help="Also ask each peer for its checkpoint, and connect to those who get notices."),
    ] = False,
    _json: JsonOption = False,
) -> None:
    """Say what would stop this node from working, and what to do about it: exit 1 where something would."""
    invocation = Invocation.of(context)
    checks = list(_diagnosis(invocation, reach=reach))

    def tell(terminal: Terminal) -> None:
        terminal.table(
            ("", "what", "is so", "advice"),
            [(check.state.value, check.name, check.message, check.advice) for check in checks],
            empty="nothing was checked",
        )

    failed = any(check.state is State.FAIL for check in checks)
    body = [
        {"name": check.name, "state": check.state.value, "message": check.message, "advice": check.advice}
        for check in checks
    ]
    invocation.answer({"ok": not failed, "checks": body}, tell)
    end(ExitCode.NEGATIVE if failed else ExitCode.OK)


def _diagnosis(invocation: Invocation, *, reach: bool) -> Iterator[Check]:
    try:
        config = invocation.config()
    except ConfigError as error:
        yield fail("configuration", str(error), "mend the setting, or make a node with `epix-node init`")
        return
    yield ok("configuration", str(config.path))
    needed = [*keys(config), *database(config), *clock(config)]
    yield from needed
    yield from disk(config)
    yield from addresses(config)
    if any(check.state is State.FAIL for check in needed):
        return  # the node cannot be opened, for the reasons that were told
    try:
        with invocation.node() as node:
            yield from inside(node)
            if reach:
                yield from peers_reached(node)
                yield from receivers_reached(node)
    except EpixError as error:
        advice = "mend the configuration" if isinstance(error, ConfigError) else "do what it says"
        yield fail("node", str(error), advice)
