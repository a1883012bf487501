"""``epix-node verify``: the verdict on a signed document."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from epix_node.cli.invocation import (
    BorderOption,
    FileArgument,
    Invocation,
    JsonOption,
    end,
    new_request_id,
    policy_of,
    read_input,
    read_time,
)
from epix_node.cli.status import tell_answer, verdict_code
from epix_node.errors import MalformedDocumentError

_ZIP = b"PK\x03\x04"


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(verify)


def verify(
    context: typer.Context,
    file: FileArgument,
    at: Annotated[
        datetime | None,
        typer.Option("--at", parser=read_time, metavar="TIME", help="The moment to judge for; now if absent."),
    ] = None,
    purpose: BorderOption = None,
    *,
    _offline: Annotated[
        bool, typer.Option("--offline", help="Ask no other node. This release never does: it judges by what it holds.")
    ] = False,
    _json: JsonOption = False,
) -> None:
    """Give the verdict on a signed document: exit 0 VALID, 1 NOT_VALID, 6 UNKNOWN or INDETERMINATE.

    Exit 2 where FILE is no exchange document at all.
    """
    from epix_node.acts import look
    from epix_node.permit.answer import Purpose

    invocation = Invocation.of(context)
    with invocation.node() as node:
        document = _read(file, max_bytes=node.config.limits.document_bytes)
        answer = look.verdict_on_document(
            node.office,
            policy_of(node.config),
            document,
            purpose=Purpose(purpose.value) if purpose is not None else None,
            now=at if at is not None else node.clock(),
        )
    body = answer.to_json(request_id=new_request_id())
    invocation.answer(body, lambda terminal: tell_answer(terminal, body))
    end(verdict_code(answer.verdict))


def _read(file: Path, *, max_bytes: int) -> bytes:
    document = read_input(file, max_bytes=max_bytes)
    if document.startswith(_ZIP):
        raise MalformedDocumentError(
            f"{file} is an evidence bundle; this release reads the signed document itself, `permit.xml` inside of it",
            code="NOT_A_DOCUMENT",
        )
    return document
