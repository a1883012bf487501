"""All that this node holds about one permit: what ``permits show`` tells."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from epix_node.cli.invocation import new_request_id
from epix_node.cli.status import tell_answer
from epix_node.cli.terminal import Terminal
from epix_node.errors import AmbiguousNumberError, NotFoundError

if TYPE_CHECKING:
    from epix_node.acts.office import Office
    from epix_node.permit.answer import Policy
    from epix_node.permit.event_json import Event
    from epix_node.permit.facts import Case, PermitFact, Source
    from epix_node.permit.number import NumberRef


def dossier(office: Office, policy: Policy, ref: NumberRef, *, now: datetime) -> dict[str, Any]:
    """The permit, its status, its events and the findings about its number, with the members of contract 4.

    ``token`` is there where this node issued it.

    Raises:
        NotFoundError, AmbiguousNumberError: the number names no held permit, or several.
    """
    from epix_node.acts import look
    from epix_node.permit.event import PermitRef
    from epix_node.permit.json import permit_to_json
    from epix_node.store import cases, findings, permits

    case = office.database.read_now(cases.load, ref.issuer, ref.number)
    fact = _meant(case, ref)
    exact = PermitRef(issuer=ref.issuer, number=ref.number, type=fact.key.type, issued_on=fact.permit.issued_on)
    answer = look.status(office, policy, exact, purpose=None, now=now)
    events = [_event(event.source, event.body) for event in case.events_of(fact)]
    if fact.withdrawal is not None:
        events.append(_event(fact.withdrawal.source, fact.withdrawal.withdrawal))
    body: dict[str, Any] = {
        "permit": permit_to_json(fact.permit),
        "status": answer.to_json(request_id=new_request_id()),
        "events": events,
        "findings": [
            one.to_json(origin_of=office.origin_of)
            for one in office.database.read_now(findings.about, ref.issuer, ref.number)
        ],
        "document": fact.source.document,
        "register_index": fact.source.index,
    }
    token = office.database.read_now(permits.token, fact.key)
    if token is not None:
        body["token"] = token
    return body


def tell_dossier(terminal: Terminal, body: Mapping[str, Any]) -> None:
    """Tell it to people."""
    tell_answer(terminal, body["status"])
    permit = body["permit"]
    exporter, importer = permit["exporter"] or {}, permit["importer"] or {}
    terminal.facts(
        [
            ("issued on", permit["issued_on"]),
            ("exporter", ", ".join(filter(None, (exporter.get("name"), exporter.get("country"))))),
            ("importer", ", ".join(filter(None, (importer.get("name"), importer.get("country"))))),
            ("document", body["document"]),
            ("register index", body["register_index"]),
            ("token", body.get("token")),
        ]
    )
    if body["events"]:
        headings = ("event", "by", "kind", "date", "office", "outcome")
        rows = [
            (
                *(event.get("event_id"), event["party"], event["kind"], event.get("date"), event.get("office")),
                event.get("outcome") or event.get("reason"),
            )
            for event in body["events"]
        ]
        terminal.table(headings, rows, empty="no events")
    if body["findings"]:
        found = [(one["pattern"], one["class"], one["state"], one["summary"]) for one in body["findings"]]
        terminal.table(("pattern", "class", "state", "what was found"), found, empty="nothing was found")


def _meant(case: Case, ref: NumberRef) -> PermitFact:
    meant = [fact for fact in case.permits if ref.type in {None, fact.key.type} and ref.year in {None, fact.key.year}]
    if not meant:
        raise NotFoundError(f"this node holds no permit {ref.number} of {ref.issuer}")
    if len(meant) > 1:
        raise AmbiguousNumberError(
            f"{ref.issuer} has {len(meant)} permits numbered {ref.number}: say which with --type and --year",
            candidates=tuple(fact.key.to_json() for fact in meant),
        )
    return meant[0]


def _event(source: Source, event: Event) -> dict[str, Any]:
    from epix_node.permit.event_json import event_to_json

    return {
        "kind": source.type,
        "party": source.party,
        "document": source.document,
        "register_index": source.index,
        **event_to_json(event),
    }
