"""Report what happened at the border: endorsements, confirmations, presentations, and their corrections.

Reports are facts. Nothing about the permit is a reason to refuse one: not held, withdrawn, expired, too much. Only
a report that cannot be is refused: a date in the future, an event id used for other content, a number that fits
several permits without saying which.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime

from epix_node.acts.office import Office
from epix_node.document.header import DocumentType
from epix_node.errors import (
    AmbiguousNumberError,
    ConflictError,
    DifferentContentError,
    NotFoundError,
    UnacceptableError,
)
from epix_node.exchange import audience
from epix_node.exchange.own import Prepared, prepare
from epix_node.permit.event import Confirmation, Correction, Endorsement, PermitRef, Presentation
from epix_node.permit.event_json import same_event
from epix_node.permit.facts import Source, permits_meant
from epix_node.permit.finding import Finding
from epix_node.reconcile.record import record_own
from epix_node.store import documents, events, findings, permits
from epix_node.store.database import Session

Report = Endorsement | Confirmation | Presentation

_TYPES: dict[type[Report], DocumentType] = {
    Endorsement: DocumentType.ENDORSEMENT,
    Confirmation: DocumentType.CONFIRMATION,
    Presentation: DocumentType.PRESENTATION,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Reported:
    """A report that is in the own register, and the findings about its permit now."""

    event_id: str
    source: Source
    permit: PermitRef
    findings: tuple[Finding, ...]
    created: bool


def report(office: Office, body: Report, *, tell_apart: bool = True, now: datetime) -> Reported:
    """Sign the report and enter it into the register; the same event id with the same content changes nothing.

    Without ``tell_apart`` a number that fits several permits is recorded as it is: customs who proved none of them
    must not learn that there are several (contract 4, "What customs see").

    Raises:
        UnacceptableError: its date is later than today in this office's zone.
        AmbiguousNumberError: several held permits fit; only with ``tell_apart``.
        DifferentContentError: the event id was used for other content.
    """
    _require_possible(office, body, now=now)
    if (earlier := office.database.read_now(_reported_before, office, body)) is not None:
        office.covered(earlier.source, now=now)
        return earlier
    held = office.database.read_now(_permit_document, body.permit, tell_apart=tell_apart)
    prepared = _prepare(office, body, held, now=now)

    def work(session: Session) -> Reported:
        if (earlier := _reported_before(session, office, body)) is not None:
            return earlier
        source = record_own(session, office.perspective(), office.own, prepared, now=now)
        return _reported(session, body.event_id, source, body.permit, created=True)

    return office.write(now, work)


def correct(
    office: Office,
    *,
    event_id: str,
    supersedes: str,
    read_event: Callable[[str], Endorsement | Confirmation] | None,
    now: datetime,
) -> Reported:
    """Take back an event of this node, or put another in its place; the same correction again changes nothing.

    ``read_event`` makes the new event from the kind of the old one (a document type); ``None`` takes the old one back
    without a new one.

    Raises:
        NotFoundError: no such event.
        ConflictError: ``SUPERSEDED``, it was corrected before; ``DIFFERENT_CONTENT``, the id was used otherwise.
    """
    earlier = office.database.read_now(_corrected_before, office, event_id, supersedes, read_event)
    if earlier is not None:
        office.covered(earlier.source, now=now)
        return earlier
    taken_back, target = office.database.read_now(_target, office, event_id, supersedes)
    new = read_event(target.type) if read_event is not None else None
    if new is not None:
        _require_possible(office, new, now=now)
        new = replace(new, event_id=event_id)
    correction = prepare(
        office.own,
        Correction(event_id=event_id, supersedes=supersedes, permit=taken_back),
        type_=DocumentType.CORRECTION,
        subject=taken_back.ref,  # the header is that of the superseded document (decision 3)
        recipients=office.database.read_now(documents.audience_of, target.sha256, party=office.party),
        now=now,
        permit_salt=target.permit_salt,
        event_id=event_id,
        supersedes=target.sha256,
    )
    prepared = None
    if new is not None:
        held = office.database.read_now(_permit_document, new.permit)
        own_salt = held.permit_salt if held is not None else None
        if own_salt is None and (new.permit.issuer, new.permit.number) == (taken_back.issuer, taken_back.number):
            own_salt = target.permit_salt  # who did not hold the permit keeps its own salt for corrections (decision 4)
        prepared = _prepare(office, new, held, now=now, supersedes=target.sha256, permit_salt=own_salt)

    def work(session: Session) -> Reported:
        _target(session, office, event_id, supersedes)  # nobody corrected it since we looked
        source = record_own(session, office.perspective(), office.own, correction, now=now)
        ref = taken_back
        if prepared is not None and new is not None:
            source = record_own(session, office.perspective(), office.own, prepared, now=now)
            ref = new.permit
        return _reported(session, event_id, source, ref, created=True)

    return office.write(now, work)


def _require_possible(office: Office, body: Report, *, now: datetime) -> None:
    today = office.today(now)
    if body.date > today:
        raise UnacceptableError(f"date {body.date.isoformat()} lies in the future; today is {today.isoformat()}")


def _prepare(
    office: Office,
    body: Report,
    held: documents.HeldDocument | None,
    *,
    now: datetime,
    supersedes: str | None = None,
    permit_salt: bytes | None = None,
) -> Prepared:
    subject = body.permit.ref  # as the officer named it: who holds another permit of this number must see that
    known = held.recipients if held is not None else ()
    if isinstance(body, Presentation):
        recipients = audience.of_presentation(subject.issuer, writer=office.codes)
        salt = None  # a presentation is in no chain: not every holder of the permit receives it
    else:
        recipients = audience.of_event(subject.issuer, known, writer=office.codes)
        salt = permit_salt or (held.permit_salt if held is not None else None)
    return prepare(
        office.own,
        body,
        type_=_TYPES[type(body)],
        subject=subject,
        recipients=recipients,
        now=now,
        permit_salt=salt,
        event_id=body.event_id,
        supersedes=supersedes,
    )


def _permit_document(session: Session, ref: PermitRef, *, tell_apart: bool = True) -> documents.HeldDocument | None:
    """The document of the held permit that a new report is about."""
    meant = permits_meant(permits.numbered(session, ref.issuer, ref.number), ref)
    if len(meant) > 1 and not tell_apart:
        return None
    if len(meant) > 1:
        raise AmbiguousNumberError(
            f"{len(meant)} permits of {ref.issuer} are numbered {ref.number}: give type and issued_on",
            candidates=tuple(fact.key.to_json() for fact in meant),
        )
    if not meant:
        return None
    return documents.find(session, meant[0].source.document, party=meant[0].source.party)


def _reported_before(session: Session, office: Office, body: Report) -> Reported | None:
    earlier = events.by_event_id(session, office.party, body.event_id)
    if earlier is None:
        if events.id_is_taken(session, office.party, body.event_id):
            raise DifferentContentError(f"event id {body.event_id} was used for a correction")
        return None
    if type(earlier.fact.body) is not type(body) or not same_event(earlier.fact.body, body):
        raise DifferentContentError(f"event id {body.event_id} was used for other content")
    return _reported(session, body.event_id, earlier.fact.source, body.permit, created=False)


def _corrected_before(
    session: Session,
    office: Office,
    event_id: str,
    supersedes: str,
    read_event: Callable[[str], Endorsement | Confirmation] | None,
) -> Reported | None:
    earlier = events.correction(session, office.party, event_id)
    if earlier is None:
        if events.id_is_taken(session, office.party, event_id):
            raise DifferentContentError(f"event id {event_id} was used for other content")
        return None
    correction, source, _ = earlier
    new = events.by_event_id(session, office.party, event_id)
    same = correction.supersedes == supersedes and (new is None) == (read_event is None)
    if same and new is not None and read_event is not None:
        given = replace(read_event(new.fact.source.type), event_id=event_id)
        same = not isinstance(new.fact.body, Presentation) and same_event(new.fact.body, given)
    if not same:
        raise DifferentContentError(f"event id {event_id} was used for other content")
    if new is not None:
        return _reported(session, event_id, new.fact.source, new.fact.body.permit, created=False)
    return _reported(session, event_id, source, correction.permit, created=False)


def _target(
    session: Session, office: Office, event_id: str, supersedes: str
) -> tuple[PermitRef, documents.HeldDocument]:
    """The document of this node that the event id ``supersedes`` names, while nothing took it back, and its permit."""
    recorded = events.by_event_id(session, office.party, supersedes)
    if recorded is None:
        if events.correction(session, office.party, supersedes) is not None:
            raise ConflictError(f"{supersedes} took an event back; there is nothing left to correct", code="SUPERSEDED")
        raise NotFoundError(f"this node recorded no event {supersedes}")
    if recorded.superseded_by is not None:
        raise ConflictError(f"event {supersedes} was corrected before", code="SUPERSEDED")
    if events.id_is_taken(session, office.party, event_id):
        raise DifferentContentError(f"event id {event_id} was used for other content")
    held = documents.find(session, recorded.fact.source.document, party=office.party)
    assert held is not None
    return recorded.fact.body.permit, held


def _reported(session: Session, event_id: str, source: Source, ref: PermitRef, *, created: bool) -> Reported:
    return Reported(
        event_id=event_id,
        source=source,
        permit=ref,
        findings=findings.about(session, ref.issuer, ref.number),
        created=created,
    )
