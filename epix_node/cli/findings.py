"""``epix-node findings`` and ``reconcile``: what was found, and looking again."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from epix_node.cli.exits import ExitCode
from epix_node.cli.invocation import Invocation, IssuerOption, JsonOption, end, read_number, read_time
from epix_node.cli.terminal import Terminal

if TYPE_CHECKING:
    from epix_node.node import Node
    from epix_node.permit.finding import Finding
    from epix_node.reconcile.rebuild import Progress
    from epix_node.store.findings import FindingFilter

_PAGE = 500
"""How many findings are read at once."""


class Class(StrEnum):
    """Finding classes, the gravest first (contract 1)."""

    ALERT = "A"
    REVIEW = "R"
    STATISTICS = "S"


class State(StrEnum):
    """Where a finding stands (contract 5)."""

    PENDING = "pending"
    OPEN = "open"
    CONFIRMED = "confirmed"
    DISMISSED = "dismissed"
    DUPLICATE = "duplicate"
    RESOLVED = "resolved"


_SETTLED = frozenset({State.DISMISSED, State.DUPLICATE, State.RESOLVED})
"""States that are no reason to fail."""


def register(app: typer.Typer) -> None:
    """Add both commands."""
    app.command()(reconcile)
    app.command()(findings)


def reconcile(
    context: typer.Context,
    *,
    full: Annotated[
        bool, typer.Option("--full", help="Look again at every number that anything could be found about.")
    ] = False,
    rewrite: Annotated[
        bool,
        typer.Option(
            "--rewrite",
            help="With --full: at every number there is, and write anew what is kept beside the facts; much slower.",
        ),
    ] = False,
    _json: JsonOption = False,
) -> None:
    """Bring the findings to what facts and time say now, and send the alerts that are owed.

    It does so by itself, fact by fact. Doing all of it again gives the same result: after a restore, say, or a new
    release. It may run while the node serves, and may be stopped at any time and done again.
    """
    from epix_node.acts.review import open_due
    from epix_node.reconcile.rebuild import rebuild
    from epix_node.store.findings import counts

    invocation = Invocation.of(context)
    if rewrite and not full:
        raise typer.BadParameter("it goes with --full", param_hint="--rewrite")
    with invocation.node() as node:
        now = node.clock()
        looked_at = None
        if full:
            with _progress() as tell_progress:
                looked_at = rebuild(
                    node.database, node.office.perspective(), now=now, rewrite=rewrite, tell=tell_progress
                )
        alerts = open_due(node.office, now=now)
        found = node.database.read_now(counts)

    def tell(terminal: Terminal) -> None:
        terminal.facts(
            [
                ("permit numbers looked at", looked_at),
                ("alerts sent", alerts),
                *((f"open, class {class_}", found[class_]) for class_ in Class),
                ("pending", found["pending"]),
            ]
        )

    invocation.answer({"numbers": looked_at, "alerts": alerts, "findings": found}, tell)


@contextmanager
def _progress() -> Iterator[Callable[[Progress], None]]:
    """Shows how far it is, on standard error, where that is a terminal."""
    if not sys.stderr.isatty():
        yield lambda _: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, TaskProgressColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bar

    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    # Standard output is the answer, which must not come out among remarks.
    with Bar(*columns, console=Console(stderr=True), transient=True, redirect_stdout=False) as shown:
        task = shown.add_task("permit numbers", total=None)
        yield lambda so_far: shown.update(task, completed=so_far.done, total=so_far.stretches)


def findings(
    context: typer.Context,
    pattern: Annotated[str | None, typer.Option("--pattern", metavar="ID", help="Such as FRD-01.")] = None,
    class_: Annotated[Class | None, typer.Option("--class", help="A alert, R review, S statistics.")] = None,
    state: Annotated[State | None, typer.Option("--state", help="All states if absent.")] = None,
    since: Annotated[
        datetime | None,
        typer.Option("--since", parser=read_time, metavar="TIME", help="First seen at this time or later."),
    ] = None,
    issuer: IssuerOption = None,
    number: Annotated[
        str | None, typer.Option("--number", metavar="NUMBER", help="About this number.", callback=read_number)
    ] = None,
    fail_on: Annotated[
        Class | None,
        typer.Option(
            "--fail-on",
            help="Exit 1 if one of this class or a graver one is listed that is not dismissed, duplicate or resolved.",
        ),
    ] = None,
    *,
    _json: JsonOption = False,
) -> None:
    """List what was found about permits, by the time it was first seen."""
    from epix_node.store.findings import FindingFilter

    invocation = Invocation.of(context)
    wanted = FindingFilter(
        pattern=pattern.upper() if pattern is not None else None,
        class_=class_.value if class_ is not None else None,
        state=state.value if state is not None else None,
        issuer=issuer,
        number=number,
        since=since,
    )
    with invocation.node() as node:
        found = _all(node, wanted)
        told = [one.to_json(origin_of=node.office.origin_of) for one in found]

    def tell(terminal: Terminal) -> None:
        rows = [
            (
                *(one.pattern, one.class_.value, one.state.value),
                f"{one.subject.issuer} {one.subject.number}",
                *(one.first_seen, one.summary, one.id[:12]),
            )
            for one in found
        ]
        headings = ("pattern", "class", "state", "permit", "first seen", "what was found", "id")
        terminal.table(headings, rows, empty="nothing was found")

    invocation.answer({"findings": told, "next": None}, tell)
    if fail_on is not None:
        order = list(Class)
        counts = order[: order.index(fail_on) + 1]
        failing = [one for one in found if one.class_.value in counts and one.state.value not in _SETTLED]
        end(ExitCode.NEGATIVE if failing else ExitCode.OK)


def _all(node: Node, wanted: FindingFilter) -> list[Finding]:
    from epix_node.store.findings import page

    found: list[Finding] = []
    cursor: str | None = None
    while True:
        more, cursor = node.database.read_now(page, wanted, cursor=cursor, limit=_PAGE)
        found += more
        if cursor is None:
            return found
