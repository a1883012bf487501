"""The only door for facts: record what a document says, then work out what follows, in one transaction.

``follow`` is the whole of reconciliation for one permit number: it folds the facts into status cards, lets the
detectors look, and brings the stored findings to what they say now. It depends on the facts, on the stored
first-seen times and on now, so recording facts in any order, or everything again, ends in the same findings.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from epix_node.errors import DifferentContentError, TransitionError
from epix_node.exchange import recording
from epix_node.exchange.ingest import Refused
from epix_node.exchange.own import OwnRegister, Prepared, enter
from epix_node.exchange.recording import Number, Recorded
from epix_node.permit.event import Alert, Confirmation
from epix_node.permit.facts import Case, EventFact, PermitFact, Source
from epix_node.permit.finding import AlertNotice, FindingClass, FindingState
from epix_node.permit.model import Permit
from epix_node.permit.reasons import Reason
from epix_node.permit.status import standing, void_standing
from epix_node.reconcile.detect import detect
from epix_node.reconcile.detectors import end11
from epix_node.reconcile.neighbours import neighbouring_numbers
from epix_node.reconcile.observation import observe
from epix_node.reconcile.settle import from_alert, resolved, settle
from epix_node.reconcile.view import View
from epix_node.rules.ruleset import Ruleset
from epix_node.store import awaited, cases, documents, findings, permits, revocations, shipments
from epix_node.store.arrival import Arrival
from epix_node.store.awaited import Chain
from epix_node.store.database import Session
from epix_node.store.permit_checks import PermitCheck
from epix_node.store.revocations import RevokedKey
from epix_node.trust.keyring import Keyring


@dataclass(frozen=True, slots=True, kw_only=True)
class Perspective:
    """From where a node looks at the facts: who it is, whom it trusts, by which rules it judges."""

    party: str
    codes: frozenset[str]
    ruleset: Ruleset
    keyring: Keyring
    customs_union: frozenset[str] = frozenset()


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


def revoked_keys(keyring: Keyring) -> dict[str, RevokedKey]:
    """The signing keys that the manifests revoke, by their id."""
    return {
        key.certificate_sha256: RevokedKey(kid=key.certificate_sha256, party=key.party, invalid_since=key.invalid_since)
        for key in keyring.revoked
    }


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
    touched = recorded.touched | spoken
    # But one that was dated back is a finding by itself (FRD-11).
    allowed = perspective.ruleset.patterns.merge_delay
    touched |= {
        (fact.key.issuer, fact.key.number) for fact in quiet if fact.timing is not None and fact.timing.delay > allowed
    }
    for number in spoken:
        touched |= shipments.concerned(session, *number)
    for issuer in {fact.key.issuer for fact in quiet}:
        orphans = cases.orphans_of(session, issuer)
        fresh = {fact.key.number for fact in quiet if fact.key.issuer == issuer} if orphans else set()
        touched |= {(issuer, orphan) for orphan in orphans if fresh & neighbouring_numbers(orphan)}
    for alert in recorded.alerts:
        touched |= after_alert(session, perspective, alert, now=now)
    follow(session, perspective, touched, now=now)
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
    """These documents came, and those that are still missing of the new permits' chains are known (decision 4).

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
    for party in {arrival.source.party for arrival in arrivals} - {perspective.party}:
        indexes = [a.source.index for a in arrivals if a.source.party == party and a.source.index is not None]
        awaited.came(session, party, indexes)
    awaited.mark(session, recorded.again)


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


def follow(session: Session, perspective: Perspective, touched: Iterable[Number], *, now: datetime) -> None:
    """Bring cards and findings of these numbers to what the facts say now."""
    waiting = sorted(set(touched))
    done: set[Number] = set()
    while waiting:
        issuer, number = waiting.pop(0)
        if (issuer, number) in done:
            continue
        done.add((issuer, number))
        case = _load(session, perspective, issuer, number)
        _put_cards(session, case)
        _put_findings(session, perspective, case, now=now)
        if case.permits or case.void:
            # A permit may explain an unknown number near to its own as a typing error, or stop doing so.
            waiting += [
                (issuer, orphan)
                for orphan in cases.orphans_of(session, issuer)
                if number in neighbouring_numbers(orphan)
            ]


def revisit(session: Session, perspective: Perspective, *, now: datetime) -> None:
    """What time alone moves: pending findings open, unknown numbers become forged ones, typing errors run out."""
    due = findings.due_to_open(session, before=now - perspective.ruleset.patterns.cool_off)
    follow(session, perspective, [(f.subject.issuer, f.subject.number) for f in due if f.derived], now=now)
    follow(session, perspective, cases.orphans(session), now=now)


def reconcile_all(session: Session, perspective: Perspective, *, now: datetime) -> int:
    """Everything again, with the same result; returns how many numbers were looked at."""
    numbers = cases.numbers(session)
    follow(session, perspective, numbers, now=now)
    return len(numbers)


def _load(session: Session, perspective: Perspective, issuer: str, number: str) -> Case:
    """The case, with the codes for which each event's Party acts: a permit for a territory is used by its speaker."""
    case = cases.load(session, issuer, number)
    return replace(
        case,
        events=tuple(_with_codes(perspective.keyring, event) for event in case.events),
        uses=tuple(_with_codes(perspective.keyring, use) for use in case.uses),
        corrections=tuple(replace(c, event=_with_codes(perspective.keyring, c.event)) for c in case.corrections),
    )


def _with_codes(keyring: Keyring, event: EventFact) -> EventFact:
    manifest = keyring.manifests.get(event.party)
    return event if manifest is None else replace(event, codes=frozenset(manifest.issues_for))


def _put_cards(session: Session, case: Case) -> None:
    for fact in case.permits:
        folded = standing(fact, case.events_of(fact), case.uses_of(fact))
        cases.put_card(session, fact, folded)
    for fact in case.void:
        cases.put_card(session, fact, void_standing(fact.key))
    # Also where every event was taken back: what they had been is asked for END-08.
    is_spoken_of = bool(case.events or case.corrections)
    cases.mark_orphan(session, case.issuer, case.number, orphan=is_spoken_of and not case.permits)


def _put_findings(session: Session, perspective: Perspective, case: Case, *, now: datetime) -> None:
    drafts = {
        draft.id: draft
        for draft in detect(case, _view(session, perspective, case, now=now))
        # Within this node's customs union it is ordinary (contract 4): a national setting, for an R item only.
        if not (draft.pattern == end11.PATTERN and case.issuer in perspective.customs_union)
    }
    known = {finding.id: finding for finding in findings.about(session, case.issuer, case.number)}
    for finding_id, draft in sorted(drafts.items()):
        finding = settle(
            draft,
            previous=known.get(finding_id),
            decision=findings.decision(session, finding_id),
            now=now,
            parameters=perspective.ruleset.patterns,
        )
        if finding != known.get(finding_id):
            findings.put(session, finding)
    for finding_id, finding in sorted(known.items()):
        if finding_id in drafts or not finding.derived or finding.state is FindingState.RESOLVED:
            continue
        notice = findings.alert(session, finding_id)
        if notice is not None and notice.party != perspective.party:
            # Who cannot derive a finding shows the issuer's word on it (contract 5).
            told = replace(finding, derived=False, class_=notice.class_, state=notice.state)
            findings.put(session, told)
        else:
            findings.put(session, resolved(finding))


def _view(session: Session, perspective: Perspective, case: Case, *, now: datetime) -> View:
    goods = {(use.body.permit.issuer, use.body.permit.number) for use in case.uses}
    view = View(
        parameters=perspective.ruleset.patterns,
        ruleset_id=perspective.ruleset.id,
        now=now,
        goods=tuple(_load(session, perspective, issuer, number) for issuer, number in sorted(goods)),
        shown_for=_shown_for(session, perspective, case),
    )
    spoken = [event.body.permit for event in case.events or [c.event for c in case.corrections]]
    if case.permits or not spoken:
        return view
    observation = observe(session, perspective.keyring, perspective.party, case.issuer, spoken, now=now)
    if observation is None:  # nothing follows from absence here, so nothing needs to explain it
        return view
    near = permits.with_numbers(session, case.issuer, neighbouring_numbers(case.number))
    # Whole cases: a neighbour that was taken back, or confirmed as an import permit, excuses nothing.
    neighbours = [cases.load(session, *number) for number in sorted({(n.key.issuer, n.key.number) for n in near})]
    return replace(
        view,
        observation=observation,
        neighbours=tuple(fact for neighbour in neighbours for fact in neighbour.permits),
        neighbour_confirmed=frozenset(
            fact.key for neighbour in neighbours for fact in neighbour.permits if _is_confirmed(neighbour, fact)
        ),
        neighbour_dismissed=_dismissed(session, perspective, case),
    )


def _shown_for(session: Session, perspective: Perspective, case: Case) -> tuple[Case, ...]:
    """The cases of other permits that were seen with a shipment of which goods of this case were turned away."""
    if not any(isinstance(event.body, Confirmation) and event.body.turned_away for event in case.events):
        return ()
    beside = shipments.shown_for(session, case.issuer, case.number)
    return tuple(_load(session, perspective, issuer, number) for issuer, number in sorted(beside))


def _is_confirmed(case: Case, fact: PermitFact) -> bool:
    return any(isinstance(event.body, Confirmation) for event in (*case.events_of(fact), *case.uses_of(fact)))


def _dismissed(session: Session, perspective: Perspective, case: Case) -> bool:
    """Whether the issuer ever said that the unknown number is no typing error (``domain-rules.md`` 0.5)."""
    for finding in findings.about(session, case.issuer, case.number):
        if finding.pattern != "FRD-05":
            continue
        if case.issuer in perspective.codes and findings.was_dismissed_for_review(session, finding.id):
            return True
        notice = findings.alert(session, finding.id)
        if notice is not None and notice.party != perspective.party:
            return notice.class_ is FindingClass.ALERT
    return False


def after_alert(session: Session, perspective: Perspective, arrival: Arrival, *, now: datetime) -> set[Number]:
    """Keep what an alert says, give its evidence on, and ask for what it names (protocol decision 3)."""
    alert, source = arrival.document.body, arrival.source
    assert isinstance(alert, Alert)
    findings.put_alert(
        session,
        alert.finding_id,
        AlertNotice(
            party=source.party,
            document=source.document,
            class_=FindingClass(alert.class_),
            state=FindingState(alert.state),
            at=source.at,
        ),
    )
    spoken_of = {(permit.issuer, permit.number) for permit in alert.permits}
    for piece in alert.evidence:
        if piece.party == perspective.party:
            own = documents.find(session, piece.document, party=perspective.party)
            if own is None or own.type == "permit" or (own.permit_issuer, own.permit_number) not in spoken_of:
                continue
            # What was taken back since is given to nobody any more: its correction would not follow it there.
            if documents.superseding(session, perspective.party, own.sha256) is None:
                documents.grant(session, own.sha256, codes=arrival.document.header.recipients)
        elif piece.type != "permit" and source.party != perspective.party:
            documents.want(session, party=piece.party, sha256=piece.document, register_index=piece.index, now=now)
    held = findings.find(session, alert.finding_id)
    # Who cannot derive it, or not any more, shows the issuer's word: the issuer may hold more (contract 5).
    if held is None or not held.derived or held.state is FindingState.RESOLVED:
        first_seen = held.first_seen if held else now
        findings.put(session, from_alert(alert, first_seen=first_seen, at=source.at))
    return {(alert.subject.issuer, alert.subject.number)}
