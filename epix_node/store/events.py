"""What happened under permits, as indexes over the documents that say so."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Row, bindparam, insert, select, update

from epix_node.document.header import DocumentType
from epix_node.permit.event import (
    Alert,
    Confirmation,
    Correction,
    PermitRef,
    Presentation,
    Withdrawal,
)
from epix_node.permit.event_json import event_to_json
from epix_node.permit.facts import CorrectionFact, EventFact, Source, WithdrawalFact
from epix_node.permit.kept import kept_ref
from epix_node.permit.transport import plain_document
from epix_node.store.columns import table
from epix_node.store.database import Session
from epix_node.store.event_rows import RECORDABLE, Recordable, fact_of, is_plain, source_of, withdrawal_of
from epix_node.store.tables import EventLineRow, EventRow

_CORRECTABLE = frozenset({DocumentType.ENDORSEMENT.value, DocumentType.CONFIRMATION.value})
_EVENT = table(EventRow)
_INSERT = insert(_EVENT)
_INSERT_LINE = insert(table(EventLineRow))
_ONE = select(_EVENT).where(_EVENT.c.party == bindparam("by"), _EVENT.c.document == bindparam("digest"))
_SOME = select(_EVENT).where(
    _EVENT.c.party == bindparam("by"), _EVENT.c.document.in_(bindparam("digests", expanding=True))
)
_SUPERSEDE = (
    update(_EVENT)
    .where(_EVENT.c.party == bindparam("by"), _EVENT.c.document == bindparam("digest"))
    .values(superseded_by=bindparam("ended_by"))
)
_WITH_ID = select(_EVENT).where(
    _EVENT.c.party == bindparam("by"), _EVENT.c.event_id == bindparam("called"), ~_EVENT.c.is_void
)
_RECORDED = _WITH_ID.where(_EVENT.c.kind.in_(sorted(RECORDABLE)))
_CORRECTED = _WITH_ID.where(_EVENT.c.kind == DocumentType.CORRECTION.value)
_ABOUT = (
    select(_EVENT)
    .where(_EVENT.c.permit_issuer == bindparam("of"), _EVENT.c.permit_number.in_(bindparam("numbers", expanding=True)))
    .where(~_EVENT.c.is_void)
    .order_by(_EVENT.c.party, _EVENT.c.document)
)
_USING = (
    select(_EVENT)
    .where(_EVENT.c.import_issuer == bindparam("of"), _EVENT.c.import_number.in_(bindparam("numbers", expanding=True)))
    .where(_EVENT.c.superseded_by.is_(None), ~_EVENT.c.is_void)
    .order_by(_EVENT.c.party, _EVENT.c.document)
)
_NAMED = select(_EVENT.c.import_issuer, _EVENT.c.import_number).where(
    _EVENT.c.permit_issuer == bindparam("of"),
    _EVENT.c.permit_number == bindparam("numbered"),
    _EVENT.c.import_number.is_not(None),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedEvent:
    """An event as recorded, and whether a later document took it back."""

    fact: EventFact
    superseded_by: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What is told about one number, in an order that depends on nothing but the facts.

    ``events`` are those that stand, ``corrections`` the endorsements and confirmations that their writers took back and
    by what, ``withdrawals`` those of permits with the number, oldest first.
    """

    events: tuple[EventFact, ...] = ()
    corrections: tuple[CorrectionFact, ...] = ()
    withdrawals: tuple[WithdrawalFact, ...] = ()


def add(session: Session, body: Recordable, *, source: Source, issued: datetime, is_void: bool = False) -> None:
    """Record an endorsement, a confirmation or a presentation whose document is kept."""
    add_all(session, [(body, source, issued)], is_void=is_void)


def add_all(session: Session, items: Iterable[tuple[Recordable, Source, datetime]], *, is_void: bool = False) -> None:
    """Likewise several, each with its source and its time of issue, in two statements."""
    rows: list[dict[str, Any]] = []
    lines: list[dict[str, Any]] = []
    for body, source, issued in items:
        imported = body.import_permit if isinstance(body, Confirmation) else None
        transport = plain_document(body.transport_document) if isinstance(body, Confirmation) else None
        row = _row(
            source=source,
            issued=issued,
            is_void=is_void,
            event_id=body.event_id,
            ref=body.permit,
            imported=imported,
            transport=transport,
            turned_away=transport if isinstance(body, Confirmation) and body.turned_away else None,
            day=body.date.isoformat(),
            body=event_to_json(body),
            is_plain=is_plain(body),
        )
        rows.append(row)
        if isinstance(body, Presentation):
            continue
        outcome = body.outcome if isinstance(body, Confirmation) else None
        lines += [
            {
                "party": source.party,
                "document": source.document,
                "ordinal": ordinal,
                "block": line.block,
                "quantity": line.quantity.text,
                "unit": line.quantity.unit,
                "unit_class": line.quantity.unit_class.value,
                "micro": line.quantity.micro,
                "is_arrival": (decided.is_arrival if (decided := line.outcome or outcome) is not None else True),
                "taxon": line.taxon,
            }
            for ordinal, line in enumerate(body.lines)
        ]
    session.core.execute(_INSERT, rows)
    if lines:
        session.core.execute(_INSERT_LINE, lines)


def add_withdrawal(
    session: Session, withdrawal: Withdrawal, *, source: Source, issued: datetime, is_void: bool = False
) -> None:
    """Record a withdrawal whose document is kept."""
    replaced_by = withdrawal.replaced_by.to_json() if withdrawal.replaced_by else None
    row = _row(
        source=source,
        issued=issued,
        is_void=is_void,
        event_id=None,
        ref=PermitRef(issuer=withdrawal.permit.issuer, number=withdrawal.permit.number, type=withdrawal.permit.type),
        imported=None,
        day=None,
        body={
            "permit": withdrawal.permit.to_json(),
            "reason": withdrawal.reason.value,
            "text": withdrawal.text,
            "replaced_by": replaced_by,
        },
    )
    session.core.execute(_INSERT, row)


def add_correction(
    session: Session, correction: Correction, *, source: Source, issued: datetime, is_void: bool = False
) -> None:
    """Record a correction whose document is kept; what it takes back is ended by ``supersede``."""
    row = _row(
        source=source,
        issued=issued,
        is_void=is_void,
        event_id=correction.event_id,
        ref=correction.permit,
        imported=None,
        day=None,
        body=event_to_json(correction),
    )
    session.core.execute(_INSERT, row)


def add_alert(session: Session, alert: Alert, *, source: Source, issued: datetime, is_void: bool = False) -> None:
    """Record an alert whose document is kept: which finding it is about, and which documents it names."""
    row = _row(
        source=source,
        issued=issued,
        is_void=is_void,
        event_id=None,
        ref=PermitRef(issuer=alert.subject.issuer, number=alert.subject.number),
        imported=None,
        day=None,
        body={"finding": alert.finding_id, "evidence": [piece.document for piece in alert.evidence]},
    )
    session.core.execute(_INSERT, row)


def alerted_evidence(session: Session, party: str, document: str) -> frozenset[str]:
    """The digests that this alert names as evidence."""
    row = _one(session, party, document)
    return frozenset() if row is None else frozenset(json.loads(row.body)["evidence"])


def _row(
    *,
    source: Source,
    issued: datetime,
    is_void: bool,
    event_id: str | None,
    ref: PermitRef,
    imported: PermitRef | None,
    day: str | None,
    body: dict[str, Any],
    transport: str | None = None,
    turned_away: str | None = None,
    is_plain: bool = False,
) -> dict[str, Any]:
    return {
        "party": source.party,
        "document": source.document,
        "kind": source.type,
        "event_id": event_id,
        "permit_issuer": ref.issuer,
        "permit_number": ref.number,
        "import_issuer": imported.issuer if imported else None,
        "import_number": imported.number if imported else None,
        "transport": transport,
        "turned_away": turned_away,
        "date": day,
        "register_index": source.index,
        "issued": issued,
        "at": source.at,
        "is_void": is_void,
        "is_plain": is_plain,
        "body": json.dumps(body, ensure_ascii=False, separators=(",", ":")),
    }


def _one(session: Session, party: str, document: str) -> Row[Any] | None:
    return session.core.execute(_ONE, {"by": party, "digest": document}).first()


def supersede(session: Session, party: str, document: str, *, by: str | None) -> None:
    """End an event: it is no fact any more; nothing happens where it is not held. None lets it stand again."""
    session.core.execute(_SUPERSEDE, {"by": party, "digest": document, "ended_by": by})


def import_permit_of(session: Session, party: str, document: str) -> set[tuple[str, str]]:
    """The (issuer, number) that a recorded confirmation names as import permit, if it names one."""
    row = _one(session, party, document)
    if row is None or row.import_issuer is None or row.import_number is None:
        return set()
    return {(row.import_issuer, row.import_number)}


def import_permits_named(session: Session, issuer: str, number: str) -> set[tuple[str, str]]:
    """The (issuer, number) of every import permit that a confirmation about this number names."""
    return {(i, n) for i, n in session.core.execute(_NAMED, {"of": issuer, "numbered": number})}


def by_event_id(session: Session, party: str, event_id: str) -> RecordedEvent | None:
    """The endorsement, confirmation or presentation that this Party recorded under this event id."""
    row = session.core.execute(_RECORDED, {"by": party, "called": event_id}).first()
    return None if row is None else RecordedEvent(fact=fact_of(row), superseded_by=row.superseded_by)


def correction(session: Session, party: str, event_id: str) -> tuple[Correction, Source, str | None] | None:
    """The correction that this Party recorded under this event id, and what took it back since."""
    row = session.core.execute(_CORRECTED, {"by": party, "called": event_id}).first()
    if row is None:
        return None
    body = json.loads(row.body)
    made = Correction(event_id=event_id, supersedes=body["supersedes"], permit=kept_ref(body["permit"]))
    return made, source_of(row), row.superseded_by


def id_is_taken(session: Session, party: str, event_id: str) -> bool:
    """Whether any document of this Party bears this event id."""
    return session.core.execute(_WITH_ID, {"by": party, "called": event_id}).first() is not None


def about(session: Session, issuer: str, numbers: Collection[str]) -> dict[str, Told]:
    """What is told about these numbers of an issuer, some hundreds at most; those of which nothing is are left out.

    Where an event continues one that was corrected since, it continues the correction's new event.
    """
    rows: dict[str, list[Row[Any]]] = {}
    ended: dict[str, set[str]] = {}
    for row in session.core.execute(_ABOUT, {"of": issuer, "numbers": list(numbers)}).all():
        rows.setdefault(row.permit_number, []).append(row)
        if row.superseded_by is not None and row.kind in _CORRECTABLE:
            ended.setdefault(row.party, set()).add(row.superseded_by)
    by = {
        (party, row.document): source_of(row)
        for party, documents in ended.items()
        for row in session.core.execute(_SOME, {"by": party, "digests": sorted(documents)})
    }
    return {number: _told(session, told, by) for number, told in rows.items()}


def _told(session: Session, rows: Sequence[Row[Any]], by: Mapping[tuple[str, str], Source]) -> Told:
    events: list[EventFact] = []
    corrections: list[CorrectionFact] = []
    withdrawals: list[WithdrawalFact] = []
    for row in rows:
        if row.kind == DocumentType.WITHDRAWAL.value:
            fact = WithdrawalFact(source=source_of(row), withdrawal=withdrawal_of(row.body), issued=row.issued)
            withdrawals.append(fact)
        elif row.kind not in RECORDABLE:
            continue
        elif row.superseded_by is None:
            events.append(_continuing(session, fact_of(row)))
        elif row.kind in _CORRECTABLE and (ended := by.get((row.party, row.superseded_by))) is not None:
            corrections.append(CorrectionFact(event=fact_of(row), by=ended))
    return Told(
        events=tuple(events),
        corrections=tuple(corrections),
        withdrawals=tuple(sorted(withdrawals, key=lambda fact: (fact.issued, fact.source.document))),
    )


def using(session: Session, issuer: str, numbers: Collection[str]) -> dict[str, tuple[EventFact, ...]]:
    """The confirmations that name these numbers as their import permit; order and ``continues`` as in ``about``."""
    found: dict[str, list[EventFact]] = {}
    for row in session.core.execute(_USING, {"of": issuer, "numbers": list(numbers)}).all():
        found.setdefault(row.import_number, []).append(_continuing(session, fact_of(row)))
    return {number: tuple(uses) for number, uses in found.items()}


def _continuing(session: Session, fact: EventFact) -> EventFact:
    body = fact.body
    if isinstance(body, Presentation) or body.continues is None:
        return fact
    return replace(fact, body=replace(body, continues=_latest(session, fact.party, body.continues)))


def _latest(session: Session, party: str, event_id: str) -> str:
    """The event id under which an event stands now: its latest correction's, whatever number that is about."""
    passed = {event_id}
    while (recorded := by_event_id(session, party, event_id)) is not None and recorded.superseded_by is not None:
        row = _one(session, party, recorded.superseded_by)
        if row is None or row.event_id is None or row.event_id in passed:
            break
        event_id = row.event_id
        passed.add(event_id)
    return event_id
