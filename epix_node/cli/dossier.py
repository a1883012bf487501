"""All that this node holds about one permit: what ``permits show`` tells."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from epix_node.cli.invocation import new_request_id
from epix_node.cli.judgement import edition_lines, judgement_lines
from epix_node.cli.status import tell_answer
from epix_node.cli.terminal import Terminal
from epix_node.clock import format_time
from epix_node.errors import AmbiguousNumberError, NotFoundError

if TYPE_CHECKING:
    from epix_node.acts.office import Office
    from epix_node.permit.answer import Policy
    from epix_node.permit.event_json import Event
    from epix_node.permit.facts import Case, PermitFact, Source
    from epix_node.permit.model import Permit
    from epix_node.permit.number import NumberRef
    from epix_node.store.database import Database


_RUNGS = {1: "document", 2: "key", 3: "number alone", 4: "near number", 5: "like goods"}
"""How sure it is that an event is about the permit (``reconcile.matching``)."""


def dossier(office: Office, policy: Policy, ref: NumberRef, *, now: datetime) -> dict[str, Any]:
    """The permit, its status, its events and the findings about its number, with the members of contract 4.

    ``token`` is there where this node issued it.

    Raises:
        NotFoundError, AmbiguousNumberError: the number names no held permit, or several.
    """
    from epix_node.acts import look
    from epix_node.permit.event import PermitRef
    from epix_node.permit.json import permit_to_json
    from epix_node.reconcile.lines import lines_of
    from epix_node.store import cases, findings, permit_checks, permits, void_events

    case = office.database.read_now(cases.load, ref.issuer, ref.number)
    fact = _meant(case, ref)
    exact = PermitRef(issuer=ref.issuer, number=ref.number, type=fact.key.type, issued_on=fact.permit.issued_on)
    answer = look.status(office, policy, exact, purpose=None, now=now)
    events = [
        {**_event(event.source, event.body), "matched": event.match.to_json() if event.match is not None else None}
        for event in case.events_of(fact)
    ]
    if fact.withdrawal is not None:
        events.append(_event(fact.withdrawal.source, fact.withdrawal.withdrawal))
    check = office.database.read_now(permit_checks.find, fact.key)
    body: dict[str, Any] = {
        "permit": permit_to_json(fact.permit),
        "status": answer.to_json(request_id=new_request_id()),
        "events": events,
        "findings": [
            one.to_json(origin_of=office.origin_of)
            for one in office.database.read_now(findings.about, ref.issuer, ref.number)
        ],
        "checks": check.to_json() if check is not None else None,
        "reconciliation": [
            line.to_json() for line in office.database.read_now(lines_of, office.perspective(), fact.key, now=now)
        ],
        "document": fact.source.document,
        "register_index": fact.source.index,
        "entered_at": format_time(fact.source.at),
        "void": [
            {"kind": one.type, "party": one.party, "document": one.document, "register_index": one.index}
            for one in office.database.read_now(void_events.about, ref.issuer, ref.number)
        ],
    }
    token = office.database.read_now(permits.token, fact.key)
    if token is not None:
        body["token"] = token
    return body


def held_permit(database: Database, ref: NumberRef) -> Permit:
    """The permit that the number names.

    Raises:
        NotFoundError, AmbiguousNumberError: as ``dossier``.
    """
    from epix_node.store import cases

    return _meant(database.read_now(cases.load, ref.issuer, ref.number), ref).permit


def tell_dossier(terminal: Terminal, body: Mapping[str, Any]) -> None:
    """Tell it to people."""
    tell_answer(terminal, body["status"])
    if body["status"]["signature"] == "REVOKED_KEY":
        terminal.line(
            "the key that signed it was revoked, and this node cannot prove that it is older than that: it counts no "
            "more; its issuer can publish the same permit again, under a new key"
        )
    permit = body["permit"]
    exporter, importer = permit["exporter"] or {}, permit["importer"] or {}
    terminal.facts(
        [
            ("issued on", permit["issued_on"]),
            ("exporter", ", ".join(filter(None, (exporter.get("name"), exporter.get("country"))))),
            ("importer", ", ".join(filter(None, (importer.get("name"), importer.get("country"))))),
            ("document", body["document"]),
            ("register index", body["register_index"]),
            ("entered at", _entered(body)),
            ("token", body.get("token")),
        ]
    )
    if body["events"]:
        headings = ("event", "by", "kind", "date", "office", "outcome", "matched by")
        rows = [
            (
                *(event.get("event_id"), event["party"], event["kind"], event.get("date"), event.get("office")),
                event.get("outcome") or event.get("reason"),
                _RUNGS.get(event["matched"]["rung"]) if event.get("matched") else None,
            )
            for event in body["events"]
        ]
        terminal.table(headings, rows, empty="no events")
    if body["reconciliation"]:
        _tell_lines(terminal, body["reconciliation"])
    if body["void"]:
        terminal.line("signed with a key that was revoked, and not provably older; they count no more:")
        void = [(one["kind"], one["party"], one["register_index"], one["document"]) for one in body["void"]]
        terminal.table(("kind", "by", "register index", "document"), void, empty="none")
    if body["findings"]:
        found = [(one["pattern"], one["class"], one["state"], one["summary"]) for one in body["findings"]]
        terminal.table(("pattern", "class", "state", "what was found"), found, empty="nothing was found")
    if body["checks"] is not None:
        _tell_check(terminal, body["checks"])


def _tell_lines(terminal: Terminal, lines: Sequence[Mapping[str, Any]]) -> None:
    rows = [
        (
            *(line["block"], ", ".join([line["state"], *line["also"]]), line["severity"]),
            *(line["permitted"], line["endorsed"], line["imported"], line["unit"], " ".join(line["conversions"])),
        )
        for line in lines
    ]
    headings = ("block", "stands", "severity", "permitted", "endorsed", "imported", "unit", "converted by")
    terminal.table(headings, rows, empty="no lines")


def _entered(body: Mapping[str, Any]) -> str:
    """When the register took the permit, which is all that it proves of a legacy document's age."""
    entered: str = body["entered_at"]
    if "LEGACY" in body["status"]["flags"]:
        return f"{entered} (issued before the coverage began; the register proves it from then on)"
    return entered


def _tell_check(terminal: Terminal, check: Mapping[str, Any]) -> None:
    stage = "on issue" if check["stage"] == "issue" else "on arrival"
    terminal.line(f"checked {stage}, {check['checked_at']}, by {check['ruleset']}:")
    told = [*judgement_lines(check["findings"]), *edition_lines(check["reference"])]
    terminal.lines(told or [("  nothing to say",)])


def _meant(case: Case, ref: NumberRef) -> PermitFact:
    held = (*case.permits, *case.void)
    meant = [fact for fact in held if ref.type in {None, fact.key.type} and ref.year in {None, fact.key.year}]
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
