"""What may be concluded from a document that is not held.

The issuer's own node sees its register whole. A mirror sees what is addressed to it, and of everything else only
commitments that tell neither what happened nor to which permit. A permit that a mirror lacks may therefore have been
issued to another country, and calling it forged could ruin an honest trader. Two readers ask, with two rules:

- *Findings* (FRD-05) accuse. A mirror derives one only while it can open every entry of the issuer's register;
  otherwise it waits for the issuer, who holds the same event and says it in an alert (ADR 16).
- *Status answers* at a border are about goods that come here. A single-use export permit or re-export certificate
  for this country would have been addressed to this node, so its absence is NOT_ISSUED as contract 4 defines it. A
  signed document that is addressed to others says itself why it is not held here.
  Documents that may be of multiple use are given to nobody (protocol decision 3): for them, and where the type is not
  said, a mirror needs the whole register, too.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from epix_node.permit.event import PermitRef
from epix_node.permit.model import PermitType
from epix_node.reconcile.view import Observation
from epix_node.store import peers, register
from epix_node.store.database import Session
from epix_node.trust.coverage import Coverage
from epix_node.trust.keyring import Keyring

ADDRESSED_TO_DESTINATION: Collection[str] = frozenset({PermitType.EXPORT.value, PermitType.REEXPORT.value})


def observe(session: Session, keyring: Keyring, party: str, issuer: str, *, now: datetime) -> Observation | None:
    """What a finding of the node ``party`` may conclude from absence at this issuer; ``None``: nothing."""
    speaker = keyring.speaker_for(issuer)
    if speaker is None or (speaker != party and not register.is_wholly_read(session, speaker)):
        return None
    peer = peers.state(session, speaker)
    return Observation(
        coverage=keyring.coverage(speaker),
        watermark=_watermark(session, party, speaker, now=now),
        disputed=peer is not None and peer.frozen is not None,
    )


def is_known_absent(
    session: Session, keyring: Keyring, party: str, ref: PermitRef, *, now: datetime, addressed: bool = True
) -> bool:
    """Whether a permit that is not held was never issued (contract 4, NOT_ISSUED).

    ``addressed`` is false where the question itself says that the permit is for another country.
    """
    speaker = keyring.speaker_for(ref.issuer)
    if speaker is None:
        return False
    watermark = _watermark(session, party, speaker, now=now)
    if not _is_complete(keyring.coverage(speaker), watermark, ref):
        return False
    was_sent_here = addressed and ref.type in ADDRESSED_TO_DESTINATION
    return speaker == party or was_sent_here or register.is_wholly_read(session, speaker)


def _is_complete(coverage: Coverage | None, watermark: datetime | None, ref: PermitRef) -> bool:
    if coverage is None or watermark is None:
        return False
    promise = coverage.covers(ref.type, ref.issued_on)
    if promise is None:
        return False
    return ref.issued_on is None or watermark > promise.complete_at(ref.issued_on)


def _watermark(session: Session, party: str, speaker: str, *, now: datetime) -> datetime | None:
    """Up to when the register is known: the own one up to now, a mirror up to its newest verified cosignature."""
    if speaker == party:
        return now
    held = register.state(session, speaker)
    return held.cosigned_at if held is not None and held.checkpoint_size == held.edge.size else None
