"""Facts that show only what matters; the rest is an ordinary permit of XA for XB, twelve ball pythons."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import count
from typing import Any

from epix_node.permit.event import (
    Basis,
    Confirmation,
    Difference,
    Endorsement,
    EventLine,
    Outcome,
    PermitRef,
    Presentation,
    Withdrawal,
    WithdrawalReason,
)
from epix_node.permit.facts import Case, EventFact, PermitFact, Source, WithdrawalFact
from epix_node.permit.model import Line, Permit, TradeParty
from epix_node.permit.number import PermitKey
from epix_node.permit.quantity import Quantity
from epix_node.permit.timing import Timing
from epix_node.reconcile.view import Observation, View
from epix_node.rules.ruleset import load_ruleset
from epix_node.trust.coverage import Coverage, CoverageItem

NUMBER = "26XA000123"
PYTHON = "Python regius"
PARAMETERS = load_ruleset().patterns
NOW = datetime(2027, 6, 1, tzinfo=UTC)
_serial = count()


def day(text: str) -> date:
    """`"03-20"` is a day of 2026."""
    return date.fromisoformat(text if len(text) > 5 else f"2026-{text}")


def source(kind: str, party: str, at: datetime) -> Source:
    index = next(_serial)
    digest = hashlib.sha256(f"{kind} {index}".encode()).hexdigest()
    return Source(document=digest, type=kind, party=party, index=index, at=at)


def noon(on: date) -> datetime:
    return datetime(on.year, on.month, on.day, 12, tzinfo=UTC)


def line(block: str | None = "A", quantity: str | None = "12", unit: str = "NAR", **members: Any) -> Line:
    """A line of a permit."""
    return Line(**{"block": block, "quantity": quantity, "unit": unit, "taxon": PYTHON, "term": "LIV", **members})


def permit(*lines: Line, withdrawn: WithdrawalFact | None = None, **members: Any) -> PermitFact:
    given: dict[str, Any] = {
        "type": "E",
        "number": NUMBER,
        "issuer": "XA",
        "issued_on": day("03-01"),
        "valid_until": day("08-31"),
        "exporter": TradeParty(name="Ann Exporter", country="XA"),
        "importer": TradeParty(name="Bob Importer", country="XB"),
        **members,
    }
    body = Permit(lines=lines or (line(),), **given)
    return PermitFact(source=source("permit", body.issuer, noon(day("03-01"))), permit=body, withdrawal=withdrawn)


def dated_back(fact: PermitFact, **times: Any) -> PermitFact:
    """The permit, signed three days before its register took it; `times` are those of `Timing`."""
    at = fact.source.at
    return replace(fact, timing=Timing(**{"signed_at": at - timedelta(days=3), "accepted_at": at, **times}))


def import_permit(*lines: Line, **members: Any) -> PermitFact:
    """XB's import permit 26XB000777 for the same goods, valid for a year."""
    given = {"type": "I", "number": "26XB000777", "issuer": "XB", "valid_until": day("2027-02-28"), **members}
    return permit(*lines, **given)


def withdrawn(on: str, reason: str = "stolen", *, by: str = "XA", successor: str | None = None) -> WithdrawalFact:
    key = PermitKey(issuer=by, type="E", number=NUMBER, year=2026)
    issued = noon(day(on))
    return WithdrawalFact(
        source=source("withdrawal", by, issued),
        withdrawal=Withdrawal(
            permit=key,
            reason=WithdrawalReason(reason),
            replaced_by=replace(key, number=successor) if successor else None,
        ),
        issued=issued,
    )


def ref(number: str = NUMBER, *, issuer: str = "XA", kind: str | None = "E", issued_on: str | None = "03-01"):
    return PermitRef(issuer=issuer, number=number, type=kind, issued_on=day(issued_on) if issued_on else None)


IMPORT_REF = ref("26XB000777", issuer="XB", kind="I")


def goods(quantity: str = "12", unit: str = "NAR", *, block: str | None = "A", **members: Any) -> EventLine:
    """A line of an event."""
    outcome = members.pop("outcome", None)
    return EventLine(
        block=block,
        quantity=Quantity.parse(quantity, unit),
        outcome=Outcome(outcome) if outcome else None,
        **members,
    )


def _event(kind: type, name: str, party: str, on: str, members: dict[str, Any], lines: Iterable[EventLine]):
    at = members.pop("at", None) or noon(day(on))
    body = {
        "event_id": f"{party}-{next(_serial)}",
        "permit": ref(),
        "office": f"{party}-1",
        "date": day(on),
        **members,
    }
    return EventFact(source=source(name, party, at), body=kind(lines=tuple(lines), **body))


def endorsed(on: str, *lines: EventLine, by: str = "XA", document: str | None = None, **members: Any) -> EventFact:
    members = {"transport_document": document, **members}
    return _event(Endorsement, "export-endorsement", by, on, members, lines or (goods(),))


def confirmed(
    on: str,
    *lines: EventLine,
    by: str = "XB",
    document: str | None = None,
    outcome: str = "released",
    **members: Any,
) -> EventFact:
    members = {"transport_document": document, "outcome": Outcome(outcome), **members}
    return _event(Confirmation, "import-confirmation", by, on, members, lines or (goods(),))


def presented(on: str, *differences: Difference, by: str = "XB", paper: dict[str, Any] | None = None, **members: Any):
    at = noon(day(on))
    body = {"event_id": f"{by}-{next(_serial)}", "permit": ref(), "office": f"{by}-1", "date": day(on), **members}
    return EventFact(
        source=source("presentation", by, at),
        body=Presentation(presented=paper or {}, differences=differences, **body),
    )


TIMBER = Basis(kind="timber-extension", certified_by="XB", certified_on=day("08-30"))


def case(*facts: PermitFact | EventFact, uses: Iterable[EventFact] = (), number: str = NUMBER, issuer: str = "XA"):
    return Case(
        issuer=issuer,
        number=number,
        permits=tuple(f for f in facts if isinstance(f, PermitFact)),
        events=tuple(f for f in facts if isinstance(f, EventFact)),
        uses=tuple(uses),
    )


def import_case(*facts: PermitFact | EventFact, uses: Iterable[EventFact] = ()) -> Case:
    return case(*facts, uses=uses, number="26XB000777", issuer="XB")


def view(**members: Any) -> View:
    return View(**{"parameters": PARAMETERS, "ruleset_id": "test", "now": NOW, **members})


def observation(**members: Any) -> Observation:
    """XA covers everything that it issues in 2026, within a day, and was read up to the end of 2027."""
    item = CoverageItem(types=frozenset("ERIO"), issued_from=day("01-01"), published_within=timedelta(hours=24))
    given = {"coverage": Coverage(items=(item,)), "watermark": datetime(2027, 12, 31, tzinfo=UTC), **members}
    return Observation(**given)
