"""``epix-node register``: the own register and the mirrors of others."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Annotated

import typer

from epix_node.cli.exits import ExitCode
from epix_node.cli.invocation import FileArgument, Invocation, JsonOption, end, write_output
from epix_node.cli.terminal import Terminal
from epix_node.errors import NotFoundError

app = typer.Typer(help="Check the registers that this node holds, and judge what others show.", no_args_is_help=True)


@app.command()
def check(context: typer.Context, *, _json: JsonOption = False) -> None:
    """Derive every leaf, tile and root again and compare: exit 1 where something differs.

    The node may run meanwhile.
    """
    from epix_node.exchange.audit import audit_all
    from epix_node.store.last_signed import LastSigned

    invocation = Invocation.of(context)
    party = invocation.config().party.code
    with (
        invocation.database() as (database, clock),
        closing(LastSigned(database)) as record,
        _progress() as progress,
    ):
        audits = audit_all(database, record, party, now=clock(), progress=progress)
    is_clean = not any(audit.problems for audit in audits)

    def tell(terminal: Terminal) -> None:
        rows = [
            ("OK" if not one.problems else "FAIL", one.party, one.entries, one.documents, one.origin) for one in audits
        ]
        terminal.table(("", "party", "entries", "documents", "origin"), rows, empty="no register is held yet")
        for one in audits:
            terminal.lines((f"{one.party}:", problem) for problem in one.problems)

    body = [
        {
            "party": one.party,
            "origin": one.origin,
            "entries": one.entries,
            "documents": one.documents,
            "roots": one.roots,
            "problems": list(one.problems),
        }
        for one in audits
    ]
    invocation.answer({"ok": is_clean, "registers": body}, tell)
    end(ExitCode.OK if is_clean else ExitCode.NEGATIVE)


@app.command()
def judge(
    context: typer.Context,
    file: FileArgument,
    log_key: Annotated[
        str | None,
        typer.Option("--log-key", metavar="VKEY", help="Judge by this key of the log, whatever a trust list says."),
    ] = None,
    *,
    _json: JsonOption = False,
) -> None:
    """Judge evidence that a register has two histories: exit 0 where it proves that, 1 where it does not.

    It needs no network and no node. Where there is one, its trust list says whose register it is.
    """
    from epix_node.cli.evidence import Case, judged

    invocation = Invocation.of(context)
    case: Case = judged(invocation, file, log_key=log_key)
    invocation.answer(case.to_json(), case.tell)
    end(ExitCode.OK if case.is_proven else ExitCode.NEGATIVE)


@app.command()
def evidence(
    context: typer.Context,
    conflict_id: Annotated[str, typer.Argument(metavar="ID", help="As `epix-node peers show PARTY` gives it.")],
    out: Annotated[Path, typer.Option("--out", metavar="FILE", help="Where it goes; - is standard output.")] = Path(
        "-"
    ),
    *,
    _json: JsonOption = False,
) -> None:
    """Give out the evidence that a register has two histories, for whoever wants to judge it."""
    from epix_node.store import conflicts

    invocation = Invocation.of(context)
    with invocation.database() as (database, _):
        found = database.read_now(conflicts.find, conflict_id)
    if found is None:
        raise NotFoundError(f"there is no evidence {conflict_id} here; `epix-node peers show PARTY` lists it")
    if str(out) == "-":
        typer.echo(found.evidence, nl=False)
        return
    write_output(out, found.evidence)
    body = {"id": found.id, "party": found.party, "origin": found.origin, "file": str(out)}
    invocation.answer(body, lambda terminal: terminal.line(out, "has the evidence against", found.party))


@contextmanager
def _progress() -> Iterator[Callable[[int, int], None]]:
    """Shows how far it is, on standard error, where that is a terminal."""
    if not sys.stderr.isatty():
        from epix_node.exchange.audit import without_progress

        yield without_progress
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True, redirect_stdout=False) as shown:
        task = shown.add_task("entries", total=None)
        yield lambda done, total: shown.update(task, completed=done, total=total)
