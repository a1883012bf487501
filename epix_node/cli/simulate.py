"""``epix-node simulate``: invented trade, for trying things out."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Annotated

import typer

from epix_node.cli.invocation import Invocation, JsonOption, read_day

app = typer.Typer(help="Invented trade, for trying things out and for measuring.", no_args_is_help=True)


@app.command("trade")
def trade(
    context: typer.Context,
    directory: Annotated[Path, typer.Option("--out", metavar="DIR", help="Where the files are written, anew.")],
    permits: Annotated[int, typer.Option("--permits", metavar="N", min=1, help="About how many permits.")] = 1_000,
    seed: Annotated[int, typer.Option("--seed", metavar="N", min=0, help="The same seed gives the same year.")] = 1,
    parties: Annotated[int, typer.Option("--parties", metavar="N", min=2, max=22, help="How many countries.")] = 6,
    start: Annotated[
        date | None, typer.Option("--start", parser=read_day, metavar="DATE", help="Its first day; 1 January 2026.")
    ] = None,
    fraud_rate: Annotated[
        int | None,
        typer.Option("--fraud-rate", metavar="N", min=0, max=10_000, help="Frauds in 10,000 used permits; 50."),
    ] = None,
    trap_rate: Annotated[
        int | None,
        typer.Option(
            "--trap-rate", metavar="N", min=0, max=10_000, help="Innocent look-alikes in 10,000 used permits; 300."
        ),
    ] = None,
    *,
    _json: JsonOption = False,
) -> None:
    """Invent a year of trade: permits.jsonl, events.jsonl, and what was really done in truth.jsonl.

    Everything in it is made up, and every rate is an assumption. The same options give the same bytes.
    """
    from epix_node.errors import InputError
    from epix_node.simulation.rates import Rates
    from epix_node.simulation.year import FILES, invent, write

    given = {"fraud": fraud_rate, "trap": trap_rate}
    rates = Rates(**{name: rate for name, rate in given.items() if rate is not None})
    year = invent(permits=permits, seed=seed, parties=parties, start=start or date(2026, 1, 1), rates=rates)
    try:
        write(year, directory)
    except OSError as error:
        raise InputError(f"{directory}: cannot be written: {error.strerror}") from error
    frauds = sum(truth.is_fraud for truth in year.truths)
    Invocation.of(context).answer(
        {
            "directory": str(directory),
            "files": list(FILES),
            "permits": year.permits,
            "acts": len(year.acts),
            "frauds": frauds,
            "traps": len(year.truths) - frauds,
        },
        lambda terminal: terminal.line(
            f"{year.permits} permits and {len(year.acts) - year.permits} events in {directory}: "
            f"{frauds} frauds, {len(year.truths) - frauds} innocent look-alikes (truth.jsonl says which)"
        ),
    )
