"""The only door for facts: record what a document says, then work out what follows, in one transaction."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from epix_node.errors import DifferentContentError, TransitionError
from epix_node.exchange import recording
from epix_node.exchange.ingest import Refused
from epix_node.exchange.own import OwnRegister, Prepared, enter
from epix_node.exchange.recording import Number, Recorded
from epix_node.permit.facts import Source
from epix_node.permit.model import Permit
from epix_node.permit.reasons import Reason
from epix_node.permit.status import standing, void_standing
from epix_node.reconcile.alerts import after_alert
from epix_node.reconcile.chains import touched_by
from epix_node.reconcile.detectors.frd08 import may_speak_of
from epix_node.reconcile.extracting import mark_new
from epix_node.reconcile.follow import follow
from epix_node.reconcile.perspective import Perspective, revoked_keys
from epix_node.store import awaited, cases, documents, orphans, revocations, shipments
from epix_node.store.arrival import Arrival
from epix_node.store.awaited import Chain
from epix_node.store.database import Session
from epix_node.store.permit_checks import PermitCheck


def record_own(
    session: Session,
    perspective: Perspective,
    own: OwnRegister,
    prepared: Prepared,
    *,
    now: datetime,
    check: PermitCheck | None = None,
) -> Source:
    """Enter an own document into the own register and record it; returns its entry.

    ``check`` is what the rules said of an own permit, which is kept with it.

    Raises:
        DifferentContentError: it contradicts what is recorded; the caller's transaction must not commit then.
        TransitionError: its key was revoked since it was signed; as above.
    """
    arrival = replace(enter(session, own, prepared, now=now), check=check)
    if revocations.is_void(revoked_keys(perspective.keyring), arrival.signed_by, proven_at=arrival.source.at):
        raise TransitionError("the key that signed this was revoked in the meantime: try again")
    if _record(session, perspective, [arrival], now=now, is_made_now=True):
        raise DifferentContentError("another document was recorded under this key in the meantime")
    return arrival.source


def record_page(
    session: Session,
    perspective: Perspective,
    party: str,
    checked: Sequence[Arrival | Refused],
    *,
    now: datetime,
) -> int:
    """Record what was pulled from another Party, and put the rest into quarantine; returns how many were new.

    Documents that are held already change nothing, so a page may come twice.
    """
    held = documents.held(session, party, [c.source.document for c in checked if isinstance(c, Arrival)])
    fresh: dict[str, Arrival] = {}
    for one in checked:
        if isinstance(one, Refused):
            put_aside(session, party, one, now=now)
        elif one.source.document not in held:
            fresh.setdefault(one.source.document, one)
    refused = _record(session, perspective, list(fresh.values()), now=now)
    for arrival in refused:
        source = arrival.source
        put_aside(
            session,
            party,
            Refused(sha256=source.document, index=source.index, reason=Reason.CONTENT_DIFFERS.value, xml=arrival.xml),
            now=now,
        )
    documents.no_longer_wanted(session, party, fresh.keys())
    # Other bytes may have come in their place before.
    documents.leave_quarantine(session, party, fresh.keys() - {arrival.source.document for arrival in refused})
    return len(fresh) - len(refused)


def record_again(session: Session, perspective: Perspective, arrivals: Sequence[Arrival], *, now: datetime) -> set[str]:
    """Record documents that contradicted something which counts no more; returns the digests of those that now do."""
    refused = {arrival.source.document for arrival in _record(session, perspective, arrivals, now=now)}
    return {arrival.source.document for arrival in arrivals} - refused


def _record(
    session: Session,
    perspective: Perspective,
    arrivals: Sequence[Arrival],
    *,
    now: datetime,
    is_made_now: bool = False,
) -> list[Arrival]:
    """Record the documents and what follows from them; returns those that contradict what is recorded.

    ``is_made_now``: they were signed here a moment ago, so nobody else can have answered them.
    """
    recorded = recording.record(session, arrivals, revoked=revoked_keys(perspective.keyring), now=now)
    numbers = {(fact.key.issuer, fact.key.number) for fact in recorded.permits}
    spoken = cases.spoken_of(session, numbers) if numbers else set()
    quiet = [fact for fact in recorded.permits if (fact.key.issuer, fact.key.number) not in spoken]
    # Nothing happened yet under most permits that arrive: their cards need no look at anything else.
    cases.add_cards(
        session, [(fact, void_standing(fact.key) if fact.is_void else standing(fact, (), ())) for fact in quiet]
    )
    mark_new(session, perspective, quiet)
    touched = recorded.touched | spoken
    # But one that was dated back is a finding by itself (FRD-11), and so may be one for bred animals (FRD-08).
    allowed = perspective.ruleset.patterns.merge_delay
    touched |= {
        (fact.key.issuer, fact.key.number)
        for fact in quiet
        if (fact.timing is not None and fact.timing.delay > allowed) or may_speak_of(fact.permit)
    }
    for number in spoken:
        touched |= shipments.concerned(session, *number)
    for issuer in {fact.key.issuer for fact in quiet}:
        touched |= orphans.near(session, issuer, {fact.key.number for fact in quiet if fact.key.issuer == issuer})
    for alert in recorded.alerts:
        touched |= after_alert(session, perspective, alert, now=now)
    touched |= _came(session, perspective, arrivals)
    judged = touched_by(session, [fact.permit for fact in quiet])
    follow(session, perspective, touched, now=now, judged=judged)
    _look_for_the_rest(session, perspective, arrivals, recorded, now=now, is_made_now=is_made_now)
    return recorded.refused


def _look_for_the_rest(
    session: Session,
    perspective: Perspective,
    arrivals: Sequence[Arrival],
    recorded: Recorded,
    *,
    now: datetime,
    is_made_now: bool,
) -> None:
    """What is still missing of the new permits' chains is known (decision 4).

    Also a document that contradicts what is recorded came: it was believed, and nobody kept it back.
    """
    issued = {fact.source.document for fact in recorded.permits}
    chains: list[Chain] = []
    for arrival in arrivals:
        permit, source, header = arrival.document.body, arrival.source, arrival.document.header
        if not isinstance(permit, Permit) or source.document not in issued:
            continue
        holders = {perspective.keyring.speaker_for(code) for code in header.recipients} | {source.party}
        chains += [
            Chain(party=holder, permit_salt=header.permit_salt, key=permit.key)
            for holder in sorted(holder for holder in holders if holder is not None)
            if holder != perspective.party
        ]
    if chains:
        awaited.watch(session, chains, now=now, is_new=is_made_now)
        _came(session, perspective, arrivals)
    awaited.mark(session, recorded.again)


def _came(session: Session, perspective: Perspective, arrivals: Sequence[Arrival]) -> set[Number]:
    """These documents are withheld no more; returns the numbers of which silence may say something again."""
    touched: set[Number] = set()
    for party in {arrival.source.party for arrival in arrivals} - {perspective.party}:
        indexes = [a.source.index for a in arrivals if a.source.party == party and a.source.index is not None]
        touched |= {(key.issuer, key.number) for key in awaited.came(session, party, indexes)}
    return touched


def put_aside(session: Session, party: str, refused: Refused, *, now: datetime) -> None:
    """Keep a refused document in quarantine."""
    documents.no_longer_wanted(session, party, [refused.sha256])
    documents.quarantine(
        session,
        party=party,
        sha256=refused.sha256,
        reason=refused.reason,
        document=refused.xml,
        register_index=refused.index,
        now=now,
    )
