"""The report of rejected permits, which the Secretariat asks Parties for since it confirms permits no more (2.1, S15).

In it is every permit with which an office of this Party let goods not in (refused, seized, returned), every one whose
paper said something else than the register, and every one that a standing finding of class A is about which concerns
this Party. Each entry says what happened, why (the patterns and rules that name it, with their sentences), and which
documents of which registers prove it.

It names no persons: not what the paper said, only which fields of it differ. The signed documents do, and are given
with the report only to whom they may be given.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from epix_node.acts.office import Office
from epix_node.permit.compare import differences
from epix_node.permit.event import Confirmation, EventLine, Outcome, Presentation
from epix_node.permit.facts import EventFact, PermitFact, permit_meant
from epix_node.permit.finding import Finding, FindingClass, FindingState
from epix_node.permit.number import NumberRef
from epix_node.permit.rejection import DIFFERS, FOUND, REJECTED, Goods, Reason, RejectedReport, Rejection
from epix_node.reconcile.sentence import listed
from epix_node.store import documents, findings, permit_checks, permits, rejections
from epix_node.store.database import Session
from epix_node.store.findings import FindingFilter

_TOLD_SEVERITIES = ("BLOCK", "REFER")
_STANDING = (FindingState.OPEN, FindingState.CONFIRMED)
_AT_ONCE = 500


def rejected(office: Office, *, since: date | None, until: date | None, now: datetime) -> RejectedReport:
    """What this Party rejected on these days, by day, issuer and number; days of findings are those of their opening.

    Both days count as well; without one, there is no beginning or no end.
    """
    entries = office.database.read_now(_entries, office, since, until)
    parties = {source.party for entry in entries for source in entry.evidence}
    return RejectedReport(
        party=office.party,
        since=since,
        until=until,
        made_at=now.replace(microsecond=0),
        entries=entries,
        origins={party: office.origin_of(party) for party in parties},
    )


def copies(office: Office, report: RejectedReport) -> Iterator[tuple[str, bytes]]:
    """The signed documents that the report names, as far as this node holds them: digest and bytes, each once."""
    named = {(source.party, source.document) for entry in report.entries for source in entry.evidence}
    for party, document in sorted(named):
        held = office.database.read_now(documents.find, document, party=party)
        if held is not None:
            yield document, held.xml


def _entries(session: Session, office: Office, since: date | None, until: date | None) -> tuple[Rejection, ...]:
    events = rejections.remarkable(session, office.party, since=since, until=until)
    alarming = _alarming(session, office, since, until)
    numbers = {(event.body.permit.issuer, event.body.permit.number) for event in events}
    held = _held(session, numbers | {(one.subject.issuer, one.subject.number) for one in alarming})
    standing = _standing(session, numbers)
    found: list[Rejection] = []
    for event in events:
        ref = event.body.permit
        of_number = held.get((ref.issuer, ref.number), ())
        fact = permit_meant(of_number, ref, on=event.body.date)
        about = standing.get((ref.issuer, ref.number), ())
        found += _of_event(session, event, fact, [one for one in about if _rests_on(one, event)])
    told = {reason.finding for entry in found for reason in entry.reasons}
    found += [
        _of_finding(one, held.get((one.subject.issuer, one.subject.number), ()), office)
        for one in alarming
        if one.id not in told
    ]
    return tuple(sorted(found, key=lambda one: (one.day, one.permit.issuer, one.permit.number, one.what)))


def _alarming(session: Session, office: Office, since: date | None, until: date | None) -> list[Finding]:
    """The standing findings of class A that concern this Party and opened on these days."""
    zone = office.timezone
    begins = datetime.combine(since, time(), zone) if since is not None else datetime.min.replace(tzinfo=UTC)
    ends = datetime.combine(until + timedelta(days=1), time(), zone) if until is not None else None
    concerned = {office.party, *office.codes}
    found: list[Finding] = []
    for state in _STANDING:
        wanted, cursor = FindingFilter(class_=FindingClass.ALERT.value, state=state.value), None
        while True:
            page, cursor = findings.page(session, wanted, cursor=cursor, limit=_AT_ONCE)
            found += [one for one in page if concerned.intersection(one.parties) and one.opened is not None]
            if cursor is None:
                break
    return [one for one in found if one.opened and begins <= one.opened and (ends is None or one.opened < ends)]


def _held(session: Session, numbers: Iterable[tuple[str, str]]) -> dict[tuple[str, str], tuple[PermitFact, ...]]:
    """The permits with these numbers; also those that count no more, which are what was rejected."""
    found: dict[tuple[str, str], tuple[PermitFact, ...]] = {}
    for issuer, of_issuer in _by_issuer(numbers).items():
        for fact in permits.with_numbers(session, issuer, of_issuer):
            key = (issuer, fact.key.number)
            found[key] = (*found.get(key, ()), fact)
    return found


def _standing(session: Session, numbers: Iterable[tuple[str, str]]) -> dict[tuple[str, str], tuple[Finding, ...]]:
    found: dict[tuple[str, str], tuple[Finding, ...]] = {}
    for issuer, of_issuer in _by_issuer(numbers).items():
        for start in range(0, len(of_issuer), _AT_ONCE):
            chunk = findings.about_all(session, issuer, of_issuer[start : start + _AT_ONCE])
            for number, about in chunk.items():
                found[issuer, number] = tuple(one for one in about if one.state in _STANDING)
    return found


def _by_issuer(numbers: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for issuer, number in sorted(numbers):
        found.setdefault(issuer, []).append(number)
    return found


def _rests_on(finding: Finding, event: EventFact) -> bool:
    return any(source.document == event.source.document for source in finding.evidence)


def _of_event(
    session: Session, event: EventFact, fact: PermitFact | None, about: Sequence[Finding]
) -> Iterator[Rejection]:
    """An entry for each way in which the event turned something away, and one where the paper differed."""
    body = event.body
    reasons = (*(_reason(one) for one in about), *_checked(session, fact))
    evidence = (event.source, *([fact.source] if fact is not None else []))
    common: dict[str, Any] = {
        "permit": _key(fact, body.permit.ref),
        "issued_on": fact.permit.issued_on if fact is not None else body.permit.issued_on,
        "office": body.office,
        "day": body.date,
        "reasons": reasons,
        "evidence": evidence,
    }
    named = _named(common["permit"])
    for outcome in REJECTED if isinstance(body, Confirmation) else ():
        assert isinstance(body, Confirmation)
        lines = [line for line in body.lines if (line.outcome or body.outcome) is outcome]
        if lines or body.outcome is outcome:
            sentence = f"{named}: {body.office} {_DEEDS[outcome]} on {body.date}."
            yield Rejection(what=outcome.value, sentence=sentence, goods=_goods(fact, lines), **common)
    fields = _differing(event, fact)
    if fields:
        sentence = f"{named}: {body.office} read a paper on {body.date} that differs in {listed(fields)}."
        yield Rejection(what=DIFFERS, sentence=sentence, goods=_goods(fact, ()), **common)


_DEEDS = {
    Outcome.REFUSED: "refused the goods",
    Outcome.SEIZED: "seized the goods",
    Outcome.RETURNED: "sent the goods back",
}


def _of_finding(finding: Finding, held: tuple[PermitFact, ...], office: Office) -> Rejection:
    fits = [
        fact
        for fact in held
        if finding.subject.type in {None, fact.key.type} and finding.subject.year in {None, fact.key.year}
    ]
    fact = fits[0] if len(fits) == 1 else None
    assert finding.opened is not None  # it would not be in the list
    return Rejection(
        what=FOUND,
        permit=_key(fact, finding.subject),
        issued_on=fact.permit.issued_on if fact is not None else None,
        office=None,
        day=finding.opened.astimezone(office.timezone).date(),
        sentence=f"{_named(finding.subject)}: a finding of class A stands; it is {finding.state.value}.",
        goods=_goods(fact, ()),
        reasons=(_reason(finding),),
        evidence=finding.evidence,
    )


def _reason(finding: Finding) -> Reason:
    return Reason(rule=finding.pattern, weight=finding.class_.value, sentence=finding.summary, finding=finding.id)


def _checked(session: Session, fact: PermitFact | None) -> tuple[Reason, ...]:
    """What the rules said of the permit when it was recorded, as far as it is grave."""
    check = permit_checks.find(session, fact.key) if fact is not None else None
    return tuple(
        Reason(rule=one["rule"], weight=one["severity"], sentence=one["message"])
        for one in (check.findings if check is not None else ())
        if one["severity"] in _TOLD_SEVERITIES
    )


def _differing(event: EventFact, fact: PermitFact | None) -> list[str]:
    """The fields in which the paper differs from the register; what stands there may be a name, and is not told."""
    body = event.body
    if isinstance(body, Presentation):
        return sorted({one.field for one in body.differences})
    if body.presented is None or fact is None:
        return []
    return sorted({one.field for one in differences(fact.permit, body.presented)})


def _goods(fact: PermitFact | None, lines: Sequence[EventLine]) -> tuple[Goods, ...]:
    """What was counted, with what the permit says of its block; the permit's lines where nothing was counted."""
    of_block = {line.block: line for line in fact.permit.lines} if fact is not None else {}
    if not lines:
        permitted = fact.permit.lines if fact is not None else ()
        return tuple(
            Goods(block=one.block, taxon=one.taxon, term=one.term, quantity=one.quantity, unit=one.unit)
            for one in permitted
        )
    counted = []
    for line in lines:
        permitted_line = of_block.get(line.block)
        counted.append(
            Goods(
                block=line.block,
                taxon=line.taxon or (permitted_line.taxon if permitted_line is not None else None),
                term=line.term or (permitted_line.term if permitted_line is not None else None),
                quantity=line.quantity.text,
                unit=line.quantity.unit,
            )
        )
    return tuple(counted)


def _key(fact: PermitFact | None, ref: NumberRef) -> NumberRef:
    if fact is None:
        return ref
    key = fact.key
    return NumberRef(issuer=key.issuer, number=key.number, type=key.type, year=key.year)


def _named(ref: NumberRef) -> str:
    kind = f" {ref.type}" if ref.type is not None else ""
    return f"Permit {ref.issuer}{kind} {ref.number}"
