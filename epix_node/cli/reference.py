"""``epix-node reference``: load species, suspensions, quotas and the like, and see how old they are.

A running node uses what was loaded from the next permit on; it need not be restarted.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from epix_node.cli.invocation import Invocation, JsonOption, read_day
from epix_node.cli.judgement import age_text
from epix_node.cli.terminal import Terminal
from epix_node.errors import InputError, UnacceptableError

if TYPE_CHECKING:
    from epix_node.reference.edition import Edition
    from epix_node.reference.load_report import LoadReport

app = typer.Typer(
    help="Reference data that rules look into: species, suspensions, quotas, and how old they are.",
    no_args_is_help=True,
)


class Data(StrEnum):
    """What can be loaded. The module of ``reference.loading`` of the same name says which files it takes."""

    SPECIES = "species"
    SUSPENSIONS = "suspensions"
    QUOTAS = "quotas"
    RESERVATIONS = "reservations"
    OPERATIONS = "operations"
    PAIRS = "pairs"
    OWNERSHIP = "ownership"


NEEDED = frozenset({Data.SPECIES, Data.SUSPENSIONS, Data.QUOTAS, Data.RESERVATIONS, Data.OPERATIONS})
"""What a node should have loaded. Of the others, what comes with this release will do."""


@app.command()
def load(
    context: typer.Context,
    data: Annotated[Data, typer.Argument(metavar="DATA", help=f"What it is: {', '.join(Data)}.", show_default=False)],
    file: Annotated[Path, typer.Argument(metavar="FILE", help="CSV as the portals of CITES give it.")],
    as_of: Annotated[
        date | None,
        typer.Option("--as-of", parser=read_day, metavar="DATE", help="Of which day the data are."),
    ] = None,
    *,
    _json: JsonOption = False,
) -> None:
    """Load a file of reference data, in place of what was loaded of its kind before.

    All of it is loaded or nothing. What was not understood is told: how often, why, and the first rows.
    """
    from epix_node.node import catalogue_of, clock_of

    invocation = Invocation.of(context)
    config = invocation.config()
    now = clock_of(config)()
    before = {one.data: one for one in catalogue_of(config)().editions() if one.loaded_at is not None}
    if not file.is_file():
        raise InputError(f"{file} cannot be read: no such file", code="NOT_READABLE")
    with _waiting(f"loading {file.name}"):
        try:
            report = _load(data, file, config.reference_file, as_of=as_of, now=now)
        except OSError as error:
            raise InputError(f"{error.filename or file}: {error.strerror}", code="NOT_READABLE") from error
        except UnacceptableError as error:
            # Of which day the data are: the command line lacks it. That is no negative answer (contract 2).
            raise InputError(str(error), code=error.code) from error
    today = now.astimezone(config.party.zone).date()
    replaced = before.get(report.edition.data)
    body = {**report.to_json(today), "replaced": replaced.to_json(today) if replaced is not None else None}
    invocation.answer(body, lambda terminal: _tell_report(terminal, report, replaced, today))


@app.command(name="list")
def list_editions(context: typer.Context, *, _json: JsonOption = False) -> None:
    """List the reference data that rules look into, and how old they are."""
    from epix_node.clock import format_time, utc_now
    from epix_node.node import catalogue_of, clock_of
    from epix_node.reference.catalogue import builtin

    invocation = Invocation.of(context)
    if invocation.has_config():
        config = invocation.config()
        catalogue, today = catalogue_of(config)(), clock_of(config)().astimezone(config.party.zone).date()
    else:
        catalogue, today = builtin(), utc_now().date()
    editions = catalogue.editions()
    listed = [
        {
            **edition.to_json(today),
            "rows": edition.rows,
            "sha256": edition.sha256,
            "loaded_at": format_time(edition.loaded_at) if edition.loaded_at is not None else None,
        }
        for edition in editions
    ]
    absent = sorted(NEEDED - {edition.data for edition in editions})

    def tell(terminal: Terminal) -> None:
        rows = [
            (one.data, one.as_of, age_text(one.age(today).days), one.rows, one.source, one.loaded_at)
            for one in editions
        ]
        terminal.table(("data", "as of", "age", "rows", "source", "loaded at"), rows, empty="nothing is loaded")
        if absent:
            terminal.remark(f"not loaded: {', '.join(absent)}; rules that need them say that they were not checked")

    invocation.answer({"reference": listed}, tell)


def _load(data: Data, file: Path, shelf: Path, *, as_of: date | None, now: datetime) -> LoadReport:
    """The loader of these data. Raises as it does."""
    if data is Data.SPECIES:
        from epix_node.reference.loading.species import load_species

        return load_species(shelf, file, as_of=as_of, now=now)
    from epix_node.reference.loading import operations, ownership, pairs, quotas, reservations, suspensions

    loaders = {
        Data.SUSPENSIONS: suspensions.load,
        Data.QUOTAS: quotas.load,
        Data.RESERVATIONS: reservations.load,
        Data.OPERATIONS: operations.load,
        Data.PAIRS: pairs.load,
        Data.OWNERSHIP: ownership.load,
    }
    return loaders[data](file, shelf, as_of=as_of, now=now)


def _tell_report(terminal: Terminal, report: LoadReport, replaced: Edition | None, today: date) -> None:
    edition = report.edition
    terminal.line(f"{edition.data} of {edition.as_of} ({age_text(edition.age(today).days)}) from {edition.source}")
    terminal.facts([("taken", report.taken), ("refused", report.refused)])
    if replaced is not None:
        terminal.line(f"in place of {replaced.rows} rows of {replaced.as_of} from {replaced.source}")
        if report.taken < replaced.rows // 2:
            fewer = "much less than before: does the file hold only a part? Loading the other file again brings it back"
            terminal.remark(fewer)
    if report.reasons:
        terminal.line("not understood:")
        terminal.lines((f"  {count} ×", reason) for reason, count in report.reasons.items())
        terminal.line("the first of them:")
        terminal.lines((f"  row {one.row}:", one.reason) for one in report.examples)


@contextmanager
def _waiting(doing: str) -> Iterator[None]:
    """Something moves on standard error, where that is a terminal: nobody knows how long it takes."""
    if not sys.stderr.isatty():
        yield
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True, redirect_stdout=False) as progress:
        progress.add_task(doing, total=None)
        yield
