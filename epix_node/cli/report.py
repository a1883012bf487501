"""``epix-node report``: reports for others, from what this node holds."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from epix_node.cli.invocation import Invocation, JsonOption, read_day, write_output
from epix_node.cli.terminal import Terminal
from epix_node.errors import InputError

if TYPE_CHECKING:
    from epix_node.permit.rejection import RejectedReport

app = typer.Typer(help="Reports for others, as files.", no_args_is_help=True)

COLUMNS = (
    *("what", "issuer", "type", "number", "year", "issued_on", "block", "taxon", "term", "quantity", "unit"),
    *("office", "date", "sentence", "rules", "reasons", "evidence"),
)
"""Of the CSV file: a row for each line of goods of each entry."""


@app.callback()
def _group() -> None:
    """Keep the group a group while it has one command."""


@app.command()
def rejected(
    context: typer.Context,
    since: Annotated[
        date | None, typer.Option("--since", parser=read_day, metavar="DATE", help="On this day or later.")
    ] = None,
    until: Annotated[
        date | None, typer.Option("--until", parser=read_day, metavar="DATE", help="On this day or earlier.")
    ] = None,
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="Where the files go; made if need be.")] = Path(),
    *,
    with_documents: Annotated[
        bool,
        typer.Option("--with-documents", help="Also copy the signed documents there. They name persons and firms."),
    ] = False,
    _json: JsonOption = False,
) -> None:
    """Write which permits were rejected, and why, for the Secretariat: as CSV and as JSON.

    Those with which the own offices refused, seized or returned goods, those whose paper differed from the register,
    and those that a finding of class A is about which concerns this Party. Without the documents it names nobody.
    """
    from epix_node.acts import rejected as acts

    invocation = Invocation.of(context)
    if since is not None and until is not None and until < since:
        raise InputError(f"--until {until} is before --since {since}")
    with invocation.node() as node:
        report = acts.rejected(node.office, since=since, until=until, now=node.clock())
        documents = dict(acts.copies(node.office, report)) if with_documents else {}
    files = _write(out, report, documents)

    def tell(terminal: Terminal) -> None:
        rows = [
            (
                *(one.day, one.what, f"{one.permit.issuer} {one.permit.number}", one.office),
                *(sorted({reason.rule for reason in one.reasons}), one.sentence),
            )
            for one in report.entries
        ]
        headings = ("date", "what", "permit", "office", "rules", "what happened")
        terminal.table(headings, rows, empty="nothing was rejected")
        terminal.lines([(file,) for file in files])

    invocation.answer({**report.to_json(), "files": [str(file) for file in files]}, tell)


def _write(directory: Path, report: RejectedReport, documents: dict[str, bytes]) -> list[Path]:
    try:
        directory.mkdir(parents=True, exist_ok=True)
        if documents:
            (directory / "documents").mkdir(exist_ok=True)
    except OSError as error:
        raise InputError(f"--out: {directory} cannot be made: {error.strerror}", code="NOT_WRITABLE") from error
    days = "-to-".join(day.isoformat() if day is not None else "any" for day in (report.since, report.until))
    stem = f"rejected-{report.party}-{days}"
    written = {
        directory / f"{stem}.json": json.dumps(report.to_json(), indent=2, ensure_ascii=False).encode() + b"\n",
        directory / f"{stem}.csv": _table(report.to_json()["rejected"]).encode(),
        **{directory / "documents" / f"{digest}.xml": data for digest, data in sorted(documents.items())},
    }
    for path, data in written.items():
        write_output(path, data)
    return list(written)


def _table(entries: list[dict[str, Any]]) -> str:
    from epix_node.permit.csv.cells import guarded

    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\r\n")  # RFC 4180
    rows.writerow(COLUMNS)
    for entry in entries:
        for row in _rows(entry):
            rows.writerow([guarded(str(cell)) if cell is not None else "" for cell in row])
    return text.getvalue()


def _rows(entry: dict[str, Any]) -> Iterator[tuple[object, ...]]:
    permit, reasons = entry["permit"], entry["reasons"]
    evidence = [
        f"{one['document']} {one['register']['origin']}#{one['register']['index']}"
        if one["register"]["index"] is not None
        else one["document"]
        for one in entry["evidence"]
    ]
    for goods in entry["goods"] or [{}]:
        yield (
            entry["what"],
            *(permit[name] for name in ("issuer", "type", "number", "year")),
            entry["issued_on"],
            *(goods.get(name) for name in ("block", "taxon", "term", "quantity", "unit")),
            *(entry[name] for name in ("office", "date", "sentence")),
            "; ".join(dict.fromkeys(one["rule"] for one in reasons)),
            " ".join(dict.fromkeys(one["sentence"] for one in reasons)),
            "; ".join(evidence),
        )
