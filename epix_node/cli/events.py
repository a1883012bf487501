"""``epix-node endorse`` and ``confirm``: report what left and what arrived."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from epix_node.cli.batch import Inputs, Outcome, json_inputs, require_json, work_through
from epix_node.cli.invocation import (
    FilesArgument,
    Invocation,
    JsonOption,
    end,
    new_request_id,
    policy_of,
    read_input,
)
from epix_node.cli.register_number import told

if TYPE_CHECKING:
    from epix_node.acts.report import Reported
    from epix_node.node import Node
    from epix_node.permit.event import Confirmation, Endorsement


def register(app: typer.Typer) -> None:
    """Add both commands."""
    app.command()(endorse)
    app.command()(confirm)


def endorse(context: typer.Context, files: FilesArgument, *, _json: JsonOption = False) -> None:
    """Report goods that left under a permit (box 14): JSON with one endorsement or a list.

    The same event id with the same content again changes nothing. Nothing about the permit is a reason to refuse.
    """
    from epix_node.permit.event_json import endorsement_from_json

    _report(Invocation.of(context), files, endorsement_from_json, doing="endorsing")


def confirm(context: typer.Context, files: FilesArgument, *, _json: JsonOption = False) -> None:
    """Report goods that arrived under a permit: JSON with one confirmation or a list.

    The same event id with the same content again changes nothing. Nothing about the permit is a reason to refuse.
    """
    from epix_node.permit.event_json import confirmation_from_json

    _report(Invocation.of(context), files, confirmation_from_json, doing="confirming")


def _report(
    invocation: Invocation,
    files: Sequence[Path],
    read: Callable[[object], Endorsement | Confirmation],
    *,
    doing: str,
) -> None:
    from epix_node.acts import report as acts
    from epix_node.permit.event_json import split_proof
    from epix_node.permit.strict_json import load_json

    with invocation.node() as node:

        def from_json(value: object) -> Endorsement | Confirmation:
            members, _ = split_proof(value)  # whoever may run this command sees every permit and needs no proof
            return read(members)

        def open_file(path: Path) -> Inputs[Endorsement | Confirmation]:
            data = read_input(path, max_bytes=node.config.limits.json_bytes)
            require_json(data, path, also=" with one event or a list of events")
            return json_inputs(load_json(data), from_json)

        def act(event: Endorsement | Confirmation) -> Outcome:
            return _outcome(node, acts.report(node.office, event, now=node.clock()))

        code = work_through(invocation, files, open_file=open_file, act=act, doing=doing)
    end(code)


def _outcome(node: Node, reported: Reported) -> Outcome:
    status = _status(node, reported)
    recorded = "recorded" if reported.created else "was recorded before with the same content"
    said = status.get("status") or status["error"]["message"]
    lines: list[tuple[object, ...]] = [
        (reported.event_id, recorded),
        ("  permit        ", reported.permit.issuer, reported.permit.number, said),
        ("  document      ", reported.source.document),
        ("  register index", told(reported.source.index)),
        *(("  found", one.pattern, f"class {one.class_}", f"({one.state}):", one.summary) for one in reported.findings),
    ]
    return Outcome(
        json={
            "event_id": reported.event_id,
            "document": reported.source.document,
            "register_index": reported.source.index,
            "status": status,
            "findings": [one.to_json(origin_of=node.office.origin_of) for one in reported.findings],
            "created": reported.created,
        },
        lines=lines,
    )


def _status(node: Node, reported: Reported) -> dict[str, Any]:
    from epix_node.acts import look
    from epix_node.cli.failures import failure_json
    from epix_node.errors import AmbiguousNumberError

    try:
        answer = look.status(node.office, policy_of(node.config), reported.permit, purpose=None, now=node.clock())
    except AmbiguousNumberError as error:  # a second permit with the number came after the event was recorded
        return failure_json(error)
    return answer.to_json(request_id=new_request_id())
