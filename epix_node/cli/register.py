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
from epix_node.cli.key_changes import DraftOption, keep_draft, made_json, tell_draft
from epix_node.cli.open_keys import RoleKeysOption, open_keys
from epix_node.cli.secretariat_keys import YesOption, require_yes
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

    It needs no network and no node. Where there is one, its trust list says whose register it is. Without one, and
    without --log-key, nobody says whose key signed: exit 6.
    """
    from epix_node.cli.evidence import Case, judged

    invocation = Invocation.of(context)
    case: Case = judged(invocation, file, log_key=log_key)
    invocation.answer(case.to_json(), case.tell)
    end(case.exit_code)


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


@app.command()
def succeed(
    context: typer.Context,
    reason: Annotated[
        str, typer.Option("--reason", metavar="TEXT", help="Why it cannot go on. Published; no names of persons.")
    ],
    role_keys: RoleKeysOption = None,
    out: DraftOption = None,
    *,
    yes: YesOption = False,
    _json: JsonOption = False,
) -> None:
    """Begin another register in the place of the own one, which can never go on. It cannot be taken back.

    For a register that has shown two histories, or whose last entries nobody has any more. First leave the node
    running for as long as anybody may still bring back what is missing. All documents that this node holds are entered
    again when it starts; what others hold of the old register stays proven there.
    """
    from epix_node.identity import rotation, successor
    from epix_node.store.last_signed import LastSigned

    invocation = Invocation.of(context)
    with open_keys(invocation, role_keys) as opened, closing(LastSigned(opened.database)) as record:
        end = successor.ended(opened.database, record, opened.manifest, reason=reason, now=opened.now)
        if not invocation.json:
            invocation.terminal.remark(f"{end.origin} ends for ever; {end.size} entries of it are known to be signed")
            invocation.terminal.remark("a new register begins, under a new name and key; everybody sees that, and why")
            invocation.terminal.remark(
                "all documents held here are entered into it; what is lost here and held by others stays theirs alone"
            )
            invocation.terminal.remark(
                "who did not receive a document before sees it as entered late; nobody calls a permit forged "
                "because it is missing, for the time up to now"
            )
        require_yes(invocation, "end this register for ever?", yes=yes)
        change = successor.succeeded(opened.box, opened.manifest, end)
        made = rotation.make(opened.database, opened.own, change, now=opened.now)
        draft = keep_draft(made, out)

    def tell(terminal: Terminal) -> None:
        if draft is None:
            terminal.line(f"{made.manifest.log.origin} takes its place, by manifest {made.manifest.seq}")
            terminal.line("start the node again: it enters its documents and goes on; peers follow at their next visit")
        tell_draft(terminal, made, draft)

    body = {"ended": end.origin, "size": end.size, "origin": made.manifest.log.origin}
    invocation.answer({**body, **made_json(made, draft)}, tell)


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
