"""``epix-node status``: what this node knows of a permit, by its number."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import TYPE_CHECKING, Annotated, Any

import typer

from epix_node.cli.exits import ExitCode
from epix_node.cli.invocation import (
    BorderOption,
    Invocation,
    IssuerArgument,
    JsonOption,
    NumberArgument,
    TypeOption,
    end,
    new_request_id,
    policy_of,
    read_day,
)
from epix_node.cli.terminal import Terminal

if TYPE_CHECKING:
    from epix_node.permit.answer import VerdictWord


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(status)


def status(
    context: typer.Context,
    issuer: IssuerArgument,
    number: NumberArgument,
    type_: TypeOption = None,
    issued_on: Annotated[
        date | None,
        typer.Option("--issued-on", parser=read_day, metavar="DATE", help="Date of issue, where it is known."),
    ] = None,
    purpose: BorderOption = None,
    *,
    _json: JsonOption = False,
) -> None:
    """Say whether a permit is good: exit 0 VALID, 1 NOT_VALID, 6 UNKNOWN or INDETERMINATE."""
    from epix_node.acts import look
    from epix_node.acts.recovery import standstill
    from epix_node.permit.answer import Purpose
    from epix_node.permit.event import PermitRef

    invocation = Invocation.of(context)
    with invocation.node() as node:
        ref = PermitRef(
            issuer=issuer,
            number=number,
            type=type_.value if type_ is not None else None,
            issued_on=issued_on,
        )
        answer = look.status(
            node.office,
            policy_of(node.config),
            ref,
            purpose=Purpose(purpose.value) if purpose is not None else None,
            now=node.clock(),
        )
        why = standstill(node.office) if issuer in node.office.codes else None
    body = answer.to_json(request_id=new_request_id())

    def tell(terminal: Terminal) -> None:
        tell_answer(terminal, body)
        if why is not None:
            terminal.remark(f"the register signs nothing now: {why.told}. What to do: {why.advice}")

    invocation.answer(body, tell)
    end(verdict_code(answer.verdict))


def verdict_code(verdict: VerdictWord) -> ExitCode:
    """The exit code that says this verdict (contract 2)."""
    from epix_node.permit.answer import VerdictWord

    match verdict:
        case VerdictWord.VALID:
            return ExitCode.OK
        case VerdictWord.NOT_VALID:
            return ExitCode.NEGATIVE
        case VerdictWord.UNKNOWN | VerdictWord.INDETERMINATE:
            return ExitCode.CANNOT_SAY


def tell_answer(terminal: Terminal, body: Mapping[str, Any]) -> None:
    """Tell a status answer or a verdict to people."""
    terminal.line(body["verdict"])
    named = [body["issuer"], body["type"], body["number"], f"of {body['year']}" if body["year"] else None]
    watermark = body["watermark"]
    replaced_by = body.get("replaced_by")
    terminal.facts(
        [
            ("permit", " ".join(word for word in named if word)),
            ("status", body["status"]),
            ("flags", body["flags"]),
            ("reasons", body["reasons"]),
            ("valid from", body["valid_from"]),
            ("valid until", body["valid_until"]),
            ("replaced by", f"{replaced_by['issuer']} {replaced_by['number']}" if replaced_by else None),
            ("signature", body["signature"]),
            ("grade", body["grade"]),
            ("source", f"{body['source']}, {body['freshness']}"),
            ("register", f"{watermark['origin']} at {watermark['size']}" if watermark["origin"] else None),
            ("as of", watermark["time"]),
        ]
    )
    if body["lines"]:
        headings = ("block", "taxon", "term", "unit", "permitted", "endorsed", "confirmed", "remaining")
        rows = [[line[heading] for heading in headings] for line in body["lines"]]
        terminal.table(headings, rows, empty="no lines")
    for difference in body.get("differences") or ():
        terminal.line(
            f"differs ({difference['class']}): {difference['field']} is {difference['presented']}, "
            f"registered {difference['registered']}"
        )
