"""``epix-node permits evidence``: what proves a permit, as one file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from epix_node.cli.invocation import (
    Invocation,
    IssuerArgument,
    JsonOption,
    NumberArgument,
    TypeOption,
    YearOption,
    policy_of,
    write_output,
)
from epix_node.cli.terminal import Terminal
from epix_node.errors import InputError


def evidence(
    context: typer.Context,
    issuer: IssuerArgument,
    number: NumberArgument,
    type_: TypeOption = None,
    year: YearOption = None,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out", metavar="FILE", help="Write there; - is standard output. Otherwise ISSUER-NUMBER.epix, here."
        ),
    ] = None,
    *,
    _json: JsonOption = False,
) -> None:
    """Write the evidence bundle of a permit that this node holds: document, register proofs and keys in one file.

    `epix-node verify FILE.epix --offline` checks it on any machine. While nothing new is known of the permit, the
    same bytes come out again.
    """
    from epix_node.acts.evidence import gather
    from epix_node.permit.number import NumberRef

    invocation = Invocation.of(context)
    is_stream = out is not None and str(out) == "-"
    if is_stream and invocation.json:
        raise InputError("--json and the bundle cannot both go to standard output: name a file with --out")
    ref = NumberRef(issuer=issuer, number=number, type=type_.value if type_ is not None else None, year=year)
    with invocation.node() as node:
        bundle = gather(node.office, policy_of(node.config), ref)
    if is_stream:
        typer.echo(bundle.data, nl=False)
        return
    file = out if out is not None else Path(bundle.file_name)
    write_output(file, bundle.data)
    answer = bundle.answer

    def tell(terminal: Terminal) -> None:
        terminal.line(file)
        terminal.facts(
            [
                ("permit", f"{answer.issuer} {answer.type} {answer.number} of {answer.year}"),
                ("bytes", len(bundle.data)),
                ("sha256", bundle.sha256),
                ("grade", answer.grade.value),
                ("as of", answer.as_of),
            ]
        )

    invocation.answer(
        {
            "file": str(file),
            "bytes": len(bundle.data),
            "sha256": bundle.sha256,
            "permit": {"issuer": answer.issuer, "type": answer.type, "number": answer.number, "year": answer.year},
            "grade": answer.grade.value,
            "verdict": answer.verdict.value,
        },
        tell,
    )
