"""``epix-node clients``: who may use the national API."""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Annotated

import typer

from epix_node.cli.invocation import Invocation, JsonOption
from epix_node.cli.terminal import Terminal

app = typer.Typer(help="Admit and remove clients of the national API.", no_args_is_help=True)

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


class ClientRole(StrEnum):
    """What a client may do (contract 4)."""

    AUTHORITY = "authority"
    CUSTOMS = "customs"
    AUDITOR = "auditor"


def _name(value: str) -> str:
    if not _NAME.fullmatch(value):
        raise typer.BadParameter("expected 1 to 64 letters, digits, dots, dashes and underscores")
    return value


NameArgument = Annotated[str, typer.Argument(metavar="NAME", callback=_name, help="Such as border-post-7.")]


@app.command()
def add(
    context: typer.Context,
    name: NameArgument,
    role: Annotated[ClientRole, typer.Option("--role", help="What the client may do.")],
    *,
    _json: JsonOption = False,
) -> None:
    """Admit a client. Its token is shown now and never again; only its hash is kept."""
    from epix_node.store import clients

    invocation = Invocation.of(context)
    with invocation.database() as (database, clock):
        token = database.write_now(clients.add, name, clients.Role(role.value), now=clock())

    def tell(terminal: Terminal) -> None:
        terminal.line(token)
        terminal.remark(f"client {name} ({role}) may use the national API with this token; it is not shown again")

    invocation.answer({"name": name, "role": role.value, "token": token}, tell)


@app.command(name="list")
def list_clients(context: typer.Context, *, _json: JsonOption = False) -> None:
    """List the clients with their roles."""
    from epix_node.store import clients

    invocation = Invocation.of(context)
    with invocation.database() as (database, _):
        everyone = database.read_now(clients.everyone)

    def tell(terminal: Terminal) -> None:
        rows = [(client.name, client.role.value) for client in everyone]
        terminal.table(("client", "role"), rows, empty="there is no client; admit one with `epix-node clients add`")

    invocation.answer({"clients": [{"name": one.name, "role": one.role.value} for one in everyone]}, tell)


@app.command()
def remove(context: typer.Context, name: NameArgument, *, _json: JsonOption = False) -> None:
    """Remove a client: its token works no more."""
    from epix_node.store import clients

    invocation = Invocation.of(context)
    with invocation.database() as (database, _):
        database.write_now(clients.remove, name)
    invocation.answer({"name": name, "removed": True}, lambda terminal: terminal.line(f"client {name} removed"))
