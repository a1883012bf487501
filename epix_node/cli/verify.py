"""``epix-node verify``: the verdict on a signed document or an evidence bundle."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from epix_node.cli.bundle_verdict import verify_bundle
from epix_node.cli.exits import ExitCode
from epix_node.cli.invocation import (
    Border,
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
from epix_node.cli.terminal import Terminal
from epix_node.errors import InputError, MalformedDocumentError

_ZIP = b"PK\x03\x04"


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(verify)


def verify(
    context: typer.Context,
    file: FileArgument,
    at: Annotated[
        datetime | None,
        typer.Option(
            "--at",
            parser=read_time,
            metavar="TIME",
            help="The moment to judge for. If absent: now; with --offline, for a bundle, when it was made.",
        ),
    ] = None,
    purpose: BorderOption = None,
    root: Annotated[
        Path | None,
        typer.Option(
            "--root", metavar="FILE", help="Judge a bundle by this root of the trust list alone, without any node."
        ),
    ] = None,
    *,
    offline: Annotated[
        bool,
        typer.Option(
            "--offline",
            help="Judge a bundle by nothing but itself and a root: --root, or that of the configuration if there is "
            "one. A document is judged by what this node holds; no other node is ever asked.",
        ),
    ] = False,
    _json: JsonOption = False,
) -> None:
    """Give the verdict on a signed document or on an evidence bundle (`permits evidence`).

    Exit 0 VALID, 1 NOT_VALID, 6 UNKNOWN or INDETERMINATE; 2 where FILE is neither. A bundle is never VALID without a
    root from elsewhere.
    """
    from epix_node.evidence.archive import MAX_ARCHIVE_BYTES

    invocation = Invocation.of(context)
    data = read_input(file, max_bytes=MAX_ARCHIVE_BYTES)
    if data.startswith(_ZIP):
        code = verify_bundle(invocation, data, at=at, border=purpose, root=root, offline=offline)
    elif root is not None:
        raise InputError("--root is for an evidence bundle; a document alone does not bring the keys that signed it")
    else:
        code = _verify_document(invocation, file, data, at=at, border=purpose)
    end(code)


def _verify_document(
    invocation: Invocation, file: Path, data: bytes, *, at: datetime | None, border: Border | None
) -> ExitCode:
    from epix_node.acts import look
    from epix_node.permit.answer import Purpose

    with invocation.node() as node:
        limit = node.config.limits.document_bytes
        if len(data) > limit:
            raise MalformedDocumentError(f"{file} has more than {limit} bytes", code="TOO_LARGE")
        answer = look.verdict_on_document(
            node.office,
            policy_of(node.config),
            data,
            purpose=Purpose(border.value) if border is not None else None,
            now=at if at is not None else node.clock(),
        )
        trust = node.office.trust_list()
    body = answer.to_json(request_id=new_request_id())

    def tell(terminal: Terminal) -> None:
        tell_answer(terminal, body)
        said = "this node's own keys alone" if trust is None else f"this node's trust list of {trust.refreshed_at}"
        terminal.facts([("judged by", f"{said}; no other node was asked")])

    invocation.answer(body, tell)
    return verdict_code(answer.verdict)
