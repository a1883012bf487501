"""What follows from a bundle, for somebody who trusts a root and holds nothing else.

The status is folded from the documents of the bundle by the same functions as at a node, and the verdict is concluded
from it by the same rules (contract 4). What a bundle cannot show lowers the verdict to INDETERMINATE, and no further: a
document without a proof, an event that cannot be believed, and a root that nobody vouched for.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from epix_node.document.model import ExchangeDocument
from epix_node.errors import ConflictError, EpixError, MalformedDocumentError, TrustError
from epix_node.evidence.bundle import Bundle
from epix_node.evidence.testimony import PolicyAbout, Standpoint, Testimony, quorum_of, testify
from epix_node.permit.answer import (
    Answer,
    Basis,
    Freshness,
    Policy,
    Purpose,
    VerdictWord,
    Watermark,
    conclude,
)
from epix_node.permit.event import Confirmation, Endorsement, Presentation, Withdrawal
from epix_node.permit.facts import Case, EventFact, PermitFact, WithdrawalFact
from epix_node.permit.model import Permit, PermitType
from epix_node.permit.reasons import Reason
from epix_node.permit.status import Standing, Status, standing
from epix_node.signing.verdict import SignatureState
from epix_node.trust.excerpt import newest_of
from epix_node.trust.keyring import Keyring
from epix_node.trust.trust_list import TrustList

_CLOCKS_DIFFER = timedelta(minutes=5)
"""How much later than the moment asked for a register may have taken a permit that was there then (C.4 item 9)."""

_AGREED = ("issuer", "type", "number", "year", "valid_from", "valid_until")
"""Members of ``verdict.json`` that follow from the documents alone, so that maker and reader must find the same."""

_SETTLED = frozenset({Status.REVOKED, Status.REPLACED, Status.REFUSED, Status.USED})
"""Statuses that no date alters."""

_HEEDED = (Reason.REGISTER_DISPUTED, Reason.ENTRY_WITHHELD)
"""Of what the maker said: reasons to doubt that no document of a bundle can show."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reader:
    """Who judges, and by what; everything has the value of somebody who has nothing but a root."""

    root: bytes | None = field(default=None, repr=False)
    """The root that the reader trusts; None where there is none, and then nothing can be said for sure."""
    known: TrustList | None = field(default=None, repr=False)
    """What the reader knows of the trust list under this root anyhow: it may be newer than the bundle."""
    policy_about: PolicyAbout = field(default_factory=quorum_of)
    policy: Policy = field(default_factory=Policy)
    timezone: ZoneInfo = field(default_factory=lambda: ZoneInfo("UTC"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """The verdict, and what it rests on."""

    answer: Answer
    permit: Testimony
    events: tuple[Testimony, ...]
    is_pinned: bool
    """Whether the trust chain leads to a root that the reader trusts."""
    trust_problem: EpixError | None
    """Why the trust chain of the bundle leads nowhere, where it does not."""
    trust_list: TrustList | None = field(repr=False)
    """What counted; None where nothing could be verified."""
    made_at: datetime | None
    """The newest time that anybody signed in the bundle."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Trust:
    """What counts of the trust list, and how far the bundle's own part of it verified."""

    known: TrustList | None = None
    signed_at: datetime | None = None
    """When the newest of the bundle's own part was signed."""
    unverified: frozenset[str] = frozenset()
    """Parties whose files in the bundle the list does not vouch for."""
    problem: EpixError | None = None


def judge(bundle: Bundle, reader: Reader, *, at: datetime | None = None, purpose: Purpose | None = None) -> Judgement:
    """The verdict as of ``at``; of None, as of the newest time that anybody signed in the bundle.

    Raises:
        MalformedDocumentError: one of the documents is no exchange document at all.
    """
    trust = _trust(bundle, reader)
    known = trust.known
    standpoint = Standpoint(
        keyring=Keyring(known.manifests if known is not None else {}),
        environment=known.environment if known is not None else "",
        policy_about=reader.policy_about,
        at=at or trust.signed_at or datetime.now(UTC),
    )
    permit = testify(bundle.permit, standpoint)
    events = tuple(testify(exhibit, standpoint) for exhibit in bundle.events)
    times = [trust.signed_at, *(one.signed_at for one in (permit, *events))]
    made_at = max((moment for moment in times if moment is not None), default=None)
    is_pinned = reader.root is not None and known is not None
    answer = _answer(
        reader, permit, events, known, is_pinned=is_pinned, at=at or made_at or standpoint.at, purpose=purpose
    )
    return Judgement(
        answer=_lowered(answer, _doubts(bundle, trust, permit, events, answer, at=at)),
        permit=permit,
        events=events,
        is_pinned=is_pinned,
        trust_problem=trust.problem,
        trust_list=known,
        made_at=made_at,
    )


def _trust(bundle: Bundle, reader: Reader) -> _Trust:
    root = reader.root
    if root is None and bundle.trust.roots:
        root = bundle.trust.roots[0]  # consistent in itself, at most: the judgement says so
    if root is None:
        return _Trust(problem=TrustError("there is no root", code="TRUST_LIST_INCOMPLETE"))
    try:
        own = bundle.trust.verified(root)
        together = newest_of(own, reader.known)
        Keyring(together.manifests)  # two Parties with one key or code: neither list says that, and both may
    except (TrustError, MalformedDocumentError, ConflictError) as error:
        return _Trust(known=reader.known, problem=error)
    unverified = frozenset(bundle.trust.parties) - set(own.parties)
    return _Trust(known=together, signed_at=own.refreshed_at, unverified=unverified)


def _answer(
    reader: Reader,
    permit: Testimony,
    events: tuple[Testimony, ...],
    trust_list: TrustList | None,
    *,
    is_pinned: bool,
    at: datetime,
    purpose: Purpose | None,
) -> Answer:
    found = _standing(permit, events, trust_list)
    day = at.astimezone(reader.timezone).date()
    trust = _freshness(trust_list, permit.party, at) if is_pinned else Freshness.EXPIRED
    mirror = reader.policy.freshness(permit.signed_at, now=at) if permit.is_proven else Freshness.FRESH
    signature, signature_reasons = permit.signature, permit.reasons
    if not is_pinned and permit.document is not None:
        # Whoever forges a permit can forge a root: nobody that the reader knows gave this key to this Party.
        signature, signature_reasons = SignatureState.UNTRUSTED, (Reason.KEY_UNKNOWN, *permit.reasons)
    basis = Basis(
        status=found.status_on(day) if found is not None else Status.UNKNOWN,
        flags=found.flags_on(day) if found is not None else (),
        signature=signature.value,
        signature_reasons=signature_reasons,
        mirror=mirror,
        trust=trust,
        grade=permit.grade,
        backdated=permit.merge_delay > reader.policy.max_merge_delay,
        wants_witnesses=True,
    )
    verdict, reasons = conclude(basis, purpose=purpose or Purpose.IMPORT, policy=reader.policy)
    if not is_pinned and signature is not SignatureState.INVALID:
        verdict = VerdictWord.INDETERMINATE  # what speaks against the permit may be as forged as what speaks for it
    header = permit.document.header if permit.document is not None else None
    return Answer(
        status=basis.status,
        flags=basis.flags,
        issuer=header.permit_issuer if header is not None else None,
        type=header.permit_type if header is not None else None,
        number=header.permit_number if header is not None else None,
        year=header.permit_year if header is not None else None,
        valid_from=found.valid_from if found is not None else None,
        valid_until=found.valid_until if found is not None else None,
        replaced_by=found.replaced_by if found is not None else None,
        lines=tuple(line.to_json() for line in found.lines) if found is not None else (),
        authoritative=False,
        as_of=at,
        watermark=_watermark(permit),
        freshness=basis.freshness,
        grade=permit.grade,
        signature=signature.value,
        verdict=verdict,
        reasons=reasons,
        differences=(),
    )


def _lowered(answer: Answer, doubts: Iterable[Reason]) -> Answer:
    """The same with these reasons; where there are any, nothing is VALID any more."""
    doubts = tuple(doubts)
    reasons = tuple(dict.fromkeys([*answer.reasons, *doubts]))
    unsure = bool(doubts) and answer.verdict is VerdictWord.VALID
    return replace(answer, reasons=reasons, verdict=VerdictWord.INDETERMINATE if unsure else answer.verdict)


def _doubts(
    bundle: Bundle,
    trust: _Trust,
    permit: Testimony,
    events: tuple[Testimony, ...],
    answer: Answer,
    *,
    at: datetime | None,
) -> Iterable[Reason]:
    """Why the bundle does not show what it seems to show; ``at`` is the moment that somebody asked for."""
    if trust.problem is not None:
        yield _reason(trust.problem)
    elif trust.unverified:
        yield Reason.KEY_UNKNOWN
    if permit.document is None:
        return
    if not isinstance(permit.document.body, Permit):
        yield Reason.CONTENT_MISMATCH  # a genuine document, but of another kind
    if not permit.is_proven:
        yield Reason.NOT_IN_REGISTER  # C.3: "no proof, no trade"
    elif at is not None and permit.leaf is not None and permit.leaf.at > at + _CLOCKS_DIFFER:
        yield Reason.NOT_IN_REGISTER  # not yet: whoever let the goods pass at that moment had no such permit
    for event in events:
        if not event.is_proven:
            yield from event.reasons or (Reason.NOT_IN_REGISTER,)
    if len(_attached(permit, events)) != len(events):
        yield Reason.CONTENT_MISMATCH  # an event of another permit, or one twice
    if not _is_agreed(bundle, answer):
        yield Reason.CONTENT_DIFFERS  # the maker saw documents that are not in the bundle, or somebody changed it
    said = bundle.verdict.get("reasons")
    if isinstance(said, list):
        yield from (reason for reason in _HEEDED if reason.value in said)


def _is_agreed(bundle: Bundle, answer: Answer) -> bool:
    """Whether ``verdict.json`` says of the permit what the documents say."""
    theirs, ours = bundle.verdict, answer.to_json(request_id="")
    if any(theirs.get(name) != ours[name] for name in _AGREED):
        return False
    settled = answer.status if answer.status in _SETTLED else None
    if (theirs.get("status") if theirs.get("status") in {one.value for one in _SETTLED} else None) != settled:
        return False
    # What was used of an import permit follows from the export permits that came with it, which are not here.
    return answer.type == PermitType.IMPORT or theirs.get("lines") == ours["lines"]


def _reason(error: EpixError) -> Reason:
    return Reason(error.code) if error.code in set(Reason) else Reason.KEY_UNKNOWN


def _freshness(trust_list: TrustList | None, party: str | None, at: datetime) -> Freshness:
    if trust_list is None or party is None:
        return Freshness.EXPIRED
    return Freshness(trust_list.party_freshness(party, at).value)


def _watermark(permit: Testimony) -> Watermark:
    checkpoint = permit.checkpoint
    if checkpoint is None:
        return Watermark(origin=None, size=None, time=None)
    return Watermark(origin=checkpoint.origin, size=checkpoint.size, time=permit.signed_at)


def _standing(permit: Testimony, events: tuple[Testimony, ...], trust_list: TrustList | None) -> Standing | None:
    """What the believed documents say of the permit."""
    case = _case(permit, events, trust_list)
    if case is None:
        return None
    (fact,) = case.permits
    return standing(fact, case.events_of(fact), case.uses_of(fact))


def _attached(permit: Testimony, events: tuple[Testimony, ...]) -> set[str]:
    """The digests of the believed events that are about this permit; of the others all count as about it."""
    unread = {event.sha256 for event in events if event.document is None}
    case = _case(permit, events, None)
    if case is None:
        return unread
    (fact,) = case.permits
    found = {event.source.document for event in (*case.events_of(fact), *case.uses_of(fact))}
    if fact.withdrawal is not None:
        found.add(fact.withdrawal.source.document)
    return found | unread


def _case(permit: Testimony, events: tuple[Testimony, ...], trust_list: TrustList | None) -> Case | None:
    """The believed documents as facts, without those that another of them takes back; None without a permit."""
    if permit.document is None or not isinstance(permit.document.body, Permit):
        return None
    body = permit.document.body
    believed = [(event, event.document) for event in events if event.document is not None]
    ended = {document.header.supersedes for _, document in believed}
    facts: list[EventFact] = []
    withdrawals: list[WithdrawalFact] = []
    for event, document in believed:
        if event.sha256 in ended:
            continue
        match document.body:
            case Endorsement() | Confirmation() | Presentation() as what:
                codes = _codes(trust_list, document)
                facts.append(EventFact(source=event.source, body=what, codes=codes))
            case Withdrawal() as what if what.permit == body.key:
                withdrawals.append(WithdrawalFact(source=event.source, withdrawal=what, issued=document.header.issued))
            case _:
                continue
    withdrawals.sort(key=lambda one: (one.source.at, one.source.document))
    fact = PermitFact(source=permit.source, permit=body, withdrawal=withdrawals[0] if withdrawals else None)
    named = (body.issuer, permit.document.header.permit_number or "")
    return Case(
        issuer=named[0],
        number=named[1],
        permits=(fact,),
        events=tuple(e for e in facts if (e.body.permit.issuer, e.body.permit.number) == named),
        uses=tuple(e for e in facts if _uses(e) == named),
    )


def _uses(event: EventFact) -> tuple[str, str] | None:
    body = event.body
    if not isinstance(body, Confirmation) or body.import_permit is None:
        return None
    return body.import_permit.issuer, body.import_permit.number


def _codes(trust_list: TrustList | None, document: ExchangeDocument) -> frozenset[str]:
    manifest = trust_list.manifests.get(document.header.party) if trust_list is not None else None
    return frozenset(manifest.issues_for) if manifest is not None else frozenset()
