"""What may be concluded from a document that is not held (ADR 16).

The issuer's own node sees its register whole, unless it lost something: then it concludes nothing until everything that
was signed is back, and after that no more than a mirror about the time of what stays lost. A mirror sees what is
addressed to it, and of everything else only commitments that tell neither what happened nor to which permit. A permit
that a mirror lacks may have been issued to another country, or for multiple use, and calling it forged could ruin an
honest trader.

So a mirror concludes something only where the permit cannot be hidden: the issuer promises to publish such permits
within a time (coverage), the mirror is known beyond that time (watermark), and there is no entry of that time whose
document this node does not hold. Elsewhere the answer is UNKNOWN, and the issuer, who holds the same event, says
what it is in an alert. A permit of which an extract is held was issued, whatever else is known (decision 3).
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, datetime, time, timedelta

from epix_node.permit.event import PermitRef
from epix_node.reconcile.view import Observation
from epix_node.store import extracts, lost, peers, register
from epix_node.store.database import Session
from epix_node.trust.keyring import Keyring

ZONES = timedelta(days=1)
"""A calendar day begins up to 14 hours before its day in UTC; a permit is not published before its date of issue."""


def observe(
    session: Session, keyring: Keyring, party: str, issuer: str, refs: Collection[PermitRef], *, now: datetime
) -> Observation | None:
    """What a finding of the node ``party`` may conclude from the absence of these permits; ``None``: nothing."""
    speaker = keyring.speaker_for(issuer)
    if speaker is None or any(_may_be_hidden(session, keyring, party, speaker, ref) for ref in refs):
        return None
    if any(extracts.is_issued(session, issuer, number) for number in {ref.number for ref in refs}):
        return None  # its issuer told of it
    return Observation(
        coverage=keyring.coverage(speaker),
        watermark=_watermark(session, party, speaker, now=now),
        disputed=peers.is_disputed(session, speaker, origin=keyring.origin(speaker)),
    )


def is_known_absent(session: Session, keyring: Keyring, party: str, ref: PermitRef, *, now: datetime) -> bool:
    """Whether a permit that is not held was never issued (contract 4, NOT_ISSUED)."""
    speaker = keyring.speaker_for(ref.issuer)
    if speaker is None:
        return False
    watermark = _watermark(session, party, speaker, now=now)
    promise = keyring.coverage(speaker).covers(ref.type, ref.issued_on)
    if promise is None or watermark is None:
        return False
    if ref.issued_on is not None and watermark <= promise.complete_at(ref.issued_on):
        return False
    if _may_be_hidden(session, keyring, party, speaker, ref):
        return False
    return not extracts.is_issued(session, ref.issuer, ref.number)


def _may_be_hidden(session: Session, keyring: Keyring, party: str, speaker: str, ref: PermitRef) -> bool:
    """Whether such a permit could be behind an entry that this node cannot open, or that was lost with a register."""
    if _is_before_successor(keyring, speaker, ref):
        return True
    if speaker == party:
        held = register.state(session, party)
        if held is not None and held.halted is not None:
            return True  # the permit may be behind an entry that is not even back
        if lost.first(session, party) is None:
            return False
    promise = keyring.coverage(speaker).covers(ref.type, ref.issued_on)
    if ref.issued_on is None or promise is None:
        return register.holds_unread(session, speaker, since=None, until=None)
    try:
        since = datetime.combine(ref.issued_on, time.min, tzinfo=UTC) - ZONES
    except OverflowError:  # the first day of the calendar
        since = None
    return register.holds_unread(session, speaker, since=since, until=promise.complete_at(ref.issued_on))


def _is_before_successor(keyring: Keyring, speaker: str, ref: PermitRef) -> bool:
    """Whether it would have been in a register that had to end: nobody knows all that was in that."""
    manifest = keyring.manifests.get(speaker)
    if manifest is None or not manifest.log.former:
        return False
    return ref.issued_on is None or ref.issued_on <= (manifest.log.former[-1].ended + ZONES).date()


def _watermark(session: Session, party: str, speaker: str, *, now: datetime) -> datetime | None:
    """Up to when the register is known: the own one up to now, a mirror up to its newest verified cosignature."""
    if speaker == party:
        return now
    held = register.state(session, speaker)
    return held.cosigned_at if held is not None and held.checkpoint_size == held.edge.size else None
