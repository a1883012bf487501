"""What happened under permits, as indexes over the documents that say so."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam
from sqlalchemy import select as select_rows
from sqlmodel import col, insert, select, update

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
from epix_node.permit.transport import plain_document
from epix_node.store.columns import table
from epix_node.store.database import Session
from epix_node.store.event_rows import RECORDABLE, Recordable, fact_of, is_plain, ref_of, source_of, withdrawal_of
from epix_node.store.tables import EventLineRow, EventRow

_CORRECTABLE = frozenset({DocumentType.ENDORSEMENT.value, DocumentType.CONFIRMATION.value})
_EVENT = table(EventRow)
_ABOUT = (
    select_rows(_EVENT)
    .where(_EVENT.c.permit_issuer == bindparam("of"), _EVENT.c.permit_number == bindparam("numbered"))
    .where(~_EVENT.c.is_void)
    .order_by(_EVENT.c.party, _EVENT.c.document)
)


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedEvent:
    """An event as recorded, and whether a later document took it back."""

    fact: EventFact
    superseded_by: str | None


def add(session: Session, body: Recordable, *, source: Source, issued: datetime, is_void: bool = False) -> None:
    """Record an endorsement, a confirmation or a presentation whose document is kept."""
    imported = body.import_permit if isinstance(body, Confirmation) else None
    transport = plain_document(body.transport_document) if isinstance(body, Confirmation) else None
    _insert(
        session,
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
    if isinstance(body, Presentation) or not body.lines:
        return
    outcome = body.outcome if isinstance(body, Confirmation) else None
    session.execute(
        insert(EventLineRow),
        [
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
        ],
    )


def add_withdrawal(
    session: Session, withdrawal: Withdrawal, *, source: Source, issued: datetime, is_void: bool = False
) -> None:
    """Record a withdrawal whose document is kept."""
    replaced_by = withdrawal.replaced_by.to_json() if withdrawal.replaced_by else None
    _insert(
        session,
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


def add_correction(
    session: Session, correction: Correction, *, source: Source, issued: datetime, is_void: bool = False
) -> None:
    """Record a correction whose document is kept; what it takes back is ended by ``supersede``."""
    _insert(
        session,
        source=source,
        issued=issued,
        is_void=is_void,
        event_id=correction.event_id,
        ref=correction.permit,
        imported=None,
        day=None,
        body=event_to_json(correction),
    )


def add_alert(session: Session, alert: Alert, *, source: Source, issued: datetime, is_void: bool = False) -> None:
    """Record an alert whose document is kept: which finding it is about, and which documents it names."""
    _insert(
        session,
        source=source,
        issued=issued,
        is_void=is_void,
        event_id=None,
        ref=PermitRef(issuer=alert.subject.issuer, number=alert.subject.number),
        imported=None,
        day=None,
        body={"finding": alert.finding_id, "evidence": [piece.document for piece in alert.evidence]},
    )


def alerted_evidence(session: Session, party: str, document: str) -> frozenset[str]:
    """The digests that this alert names as evidence."""
    row = session.get(EventRow, (party, document))
    return frozenset() if row is None else frozenset(json.loads(row.body)["evidence"])


def _insert(
    session: Session,
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
) -> None:
    session.execute(
        insert(EventRow).values(
            party=source.party,
            document=source.document,
            kind=source.type,
            event_id=event_id,
            permit_issuer=ref.issuer,
            permit_number=ref.number,
            import_issuer=imported.issuer if imported else None,
            import_number=imported.number if imported else None,
            transport=transport,
            turned_away=turned_away,
            date=day,
            register_index=source.index,
            issued=issued,
            at=source.at,
            is_void=is_void,
            is_plain=is_plain,
            body=json.dumps(body, ensure_ascii=False, separators=(",", ":")),
        )
    )


def supersede(session: Session, party: str, document: str, *, by: str | None) -> None:
    """End an event: it is no fact any more; nothing happens where it is not held. None lets it stand again."""
    session.execute(
        update(EventRow)
        .where(col(EventRow.party) == party, col(EventRow.document) == document)
        .values(superseded_by=by)
    )


def import_permit_of(session: Session, party: str, document: str) -> set[tuple[str, str]]:
    """The (issuer, number) that a recorded confirmation names as import permit, if it names one."""
    row = session.get(EventRow, (party, document))
    if row is None or row.import_issuer is None or row.import_number is None:
        return set()
    return {(row.import_issuer, row.import_number)}


def import_permits_named(session: Session, issuer: str, number: str) -> set[tuple[str, str]]:
    """The (issuer, number) of every import permit that a confirmation about this number names."""
    query = select(EventRow.import_issuer, EventRow.import_number).where(
        EventRow.permit_issuer == issuer, EventRow.permit_number == number, col(EventRow.import_number).is_not(None)
    )
    return {(i, n) for i, n in session.exec(query) if i is not None and n is not None}


def by_event_id(session: Session, party: str, event_id: str) -> RecordedEvent | None:
    """The endorsement, confirmation or presentation that this Party recorded under this event id."""
    query = select(EventRow).where(
        EventRow.party == party,
        EventRow.event_id == event_id,
        col(EventRow.kind).in_(sorted(RECORDABLE)),
        ~col(EventRow.is_void),
    )
    row = session.exec(query).first()
    return None if row is None else RecordedEvent(fact=fact_of(row), superseded_by=row.superseded_by)


def correction(session: Session, party: str, event_id: str) -> tuple[Correction, Source, str | None] | None:
    """The correction that this Party recorded under this event id, and what took it back since."""
    query = select(EventRow).where(
        EventRow.party == party,
        EventRow.event_id == event_id,
        EventRow.kind == DocumentType.CORRECTION.value,
        ~col(EventRow.is_void),
    )
    row = session.exec(query).first()
    if row is None:
        return None
    body = json.loads(row.body)
    made = Correction(event_id=event_id, supersedes=body["supersedes"], permit=ref_of(body["permit"]))
    return made, source_of(row), row.superseded_by


def id_is_taken(session: Session, party: str, event_id: str) -> bool:
    """Whether any document of this Party bears this event id."""
    query = select(EventRow.document).where(
        EventRow.party == party, EventRow.event_id == event_id, ~col(EventRow.is_void)
    )
    return session.exec(query).first() is not None


def about(session: Session, issuer: str, number: str) -> tuple[EventFact, ...]:
    """The facts that speak of this number, in an order that depends on nothing but the facts.

    Where an event continues one that was corrected since, it continues the correction's new event.
    """
    rows = session.core.execute(_ABOUT, {"of": issuer, "numbered": number})
    return tuple(
        _continuing(session, fact_of(row)) for row in rows if row.superseded_by is None and row.kind in RECORDABLE
    )


def corrections(session: Session, issuer: str, number: str) -> tuple[CorrectionFact, ...]:
    """The endorsements and confirmations about this number that their writers took back, and by what."""
    found = []
    for row in session.core.execute(_ABOUT, {"of": issuer, "numbered": number}):
        if row.superseded_by is None or row.kind not in _CORRECTABLE:
            continue
        ended = session.get(EventRow, (row.party, row.superseded_by))
        if ended is not None:
            found.append(CorrectionFact(event=fact_of(row), by=source_of(ended)))
    return tuple(found)


def using(session: Session, issuer: str, number: str) -> tuple[EventFact, ...]:
    """The confirmations that name this number as their import permit; ``continues`` as in ``about``."""
    query = select(EventRow).where(
        EventRow.import_issuer == issuer,
        EventRow.import_number == number,
        col(EventRow.superseded_by).is_(None),
        ~col(EventRow.is_void),
    )
    rows = session.exec(query.order_by(col(EventRow.party), col(EventRow.document)))
    return tuple(_continuing(session, fact_of(row)) for row in rows)


def _continuing(session: Session, fact: EventFact) -> EventFact:
    body = fact.body
    if isinstance(body, Presentation) or body.continues is None:
        return fact
    return replace(fact, body=replace(body, continues=_latest(session, fact.party, body.continues)))


def _latest(session: Session, party: str, event_id: str) -> str:
    """The event id under which an event stands now: its latest correction's, whatever number that is about."""
    passed = {event_id}
    while (recorded := by_event_id(session, party, event_id)) is not None and recorded.superseded_by is not None:
        row = session.get(EventRow, (party, recorded.superseded_by))
        if row is None or row.event_id is None or row.event_id in passed:
            break
        event_id = row.event_id
        passed.add(event_id)
    return event_id


def withdrawals(session: Session, issuer: str, number: str) -> tuple[WithdrawalFact, ...]:
    """The withdrawals of permits with this number, oldest first."""
    query = select(EventRow).where(
        EventRow.permit_issuer == issuer,
        EventRow.permit_number == number,
        EventRow.kind == DocumentType.WITHDRAWAL.value,
        ~col(EventRow.is_void),
    )
    return tuple(
        WithdrawalFact(source=source_of(row), withdrawal=withdrawal_of(row.body), issued=row.issued)
        for row in session.exec(query.order_by(col(EventRow.issued), col(EventRow.document)))
    )
