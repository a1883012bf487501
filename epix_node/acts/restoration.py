"""What the own register lost comes back, and what was accepted meanwhile gets its numbers (C.4 item 8 (c)).

    keep        entries that are vouched for by a checkpoint of ours stand in their places again
    yield_from  what stood there and nobody signed makes room for them
    take_back   documents that belong to entries are recorded again
    count_chains, number   the register goes on

Every function is idempotent, and works on a halted register only: a crash between two of them, or within one, leaves
a register that is still halted, and the next attempt goes on there.

Not here: why it was halted and whether it may go on (``recovery``), and fetching (``federation.rebuilding``).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import structlog

from epix_node.acts.office import Office
from epix_node.acts.recovery import where
from epix_node.exchange.ingest import Refused
from epix_node.exchange.numbering import number_pending
from epix_node.permit.event import Confirmation, Correction, Endorsement, Presentation
from epix_node.permit.facts import Source
from epix_node.permit.model import Permit
from epix_node.permit.reasons import Reason
from epix_node.reconcile.follow import follow
from epix_node.reconcile.record import record_page
from epix_node.register.merkle import leaf_hash
from epix_node.register.standstill import Cause
from epix_node.store import chains, documents, events, former, lost, pending, permits, register, shipments
from epix_node.store.arrival import Arrival
from epix_node.store.database import Session

CHAINS_AT_ONCE = 2000
"""PermitSalts counted again in one transaction: about a tenth of a second."""

log = structlog.get_logger("epix_node.recovery")


def keep(session: Session, office: Office, start: int, leaves: Sequence[bytes]) -> bool:
    """These entries stand in the own register again; false where it is not halted or does not end at ``start``.

    The caller has verified them against a checkpoint that the own log key signed.
    """
    held = register.state(session, office.party)
    if held is None or held.halted is None or held.edge.size != start:
        return False
    register.append(session, office.party, start, leaves)
    lost.note(session, office.party, start, start + len(leaves))
    if former.number_again(session, office.party, start=start, end=start + len(leaves)):
        lost.forget_found(session, office.party)
    edge = held.edge.extended(leaf_hash(leaf) for leaf in leaves)
    register.put_edge(session, office.party, office.own.origin, edge)
    return True


def yield_from(session: Session, office: Office, start: int) -> int:
    """Entries from ``start`` on, which nobody signed, leave their places: others hold what stands there instead.

    Their documents come first of all that wait for a number; returns how many those are.
    """
    held = register.state(session, office.party)
    if held is None or held.halted is None or held.edge.size <= start:
        return 0
    digests = documents.numbered_from(session, office.party, start)
    pending.put_first(session, office.party, digests)
    register.drop_from(session, office.party, start)
    lost.drop_from(session, office.party, start)
    register.put_edge(session, office.party, office.own.origin, register.edge_of(session, office.party, start))
    return len(digests)


def take_back(session: Session, office: Office, checked: Sequence[Arrival | Refused], *, now: datetime) -> int:
    """Own documents that came back are recorded, each at its entry; returns how many were new.

    What was accepted meanwhile under the same permit key or event id gives way, since others hold what the register
    says: most often it is the same permit, entered a second time.
    """
    for arrival in checked:
        rival = _rival(session, office, arrival) if isinstance(arrival, Arrival) else None
        if rival is not None:
            pending.displace(session, office.party, rival, reason=Reason.CONTENT_DIFFERS.value, now=now)
            log.warning("a document that waited gave way to the one in the register", document=rival)
    recorded = record_page(session, office.perspective(), office.party, checked, now=now)
    lost.forget_found(session, office.party)
    return recorded


def count_chains(office: Office) -> None:
    """The next ``c`` of every PermitSalt that this node holds is what the entries say (decision 4)."""
    after: bytes | None = b""
    while after is not None:
        after = office.database.write_now(chains.recount, office.party, after=after, limit=CHAINS_AT_ONCE)


def number(office: Office, *, now: datetime) -> int:
    """Everything that waited has its number, signing goes on, and a checkpoint covers all; returns how many waited.

    The caller considered first, and what it found out was to sign.
    """
    numbered = 0
    while True:
        count, is_done = office.database.write_now(_number_some, office, now=now)
        numbered += count
        if is_done:
            break
    held = office.sequencer.publish(now=now)
    if held.halted is None:
        log.info("the register signs again", size=held.checkpoint_size, numbered=numbered)
    return numbered


def _rival(session: Session, office: Office, arrival: Arrival) -> str | None:
    """The digest of the document that waits for its number and says what this one had said before."""
    body, party = arrival.document.body, office.party
    source: Source | None = None
    if isinstance(body, Permit):
        held = permits.find(session, body.key)
        source = held.source if held is not None else None
    elif isinstance(body, Endorsement | Confirmation | Presentation):
        event = events.by_event_id(session, party, body.event_id)
        source = event.fact.source if event is not None else None
    elif isinstance(body, Correction):
        correction = events.correction(session, party, body.event_id)
        source = correction[1] if correction is not None else None
    if source is None or source.party != party or source.index is not None:
        return None
    return source.document if source.document != arrival.source.document else None


def _number_some(session: Session, office: Office, *, now: datetime) -> tuple[int, bool]:
    """Some of what waits has numbers, and what rests on them follows; with nothing left, signing may go on."""
    numbered = number_pending(session, office.own, now=now)
    if not numbered:
        standing = where(session, office)
        if standing.why is not None and standing.record_agrees and standing.why.cause is not Cause.TWO_HISTORIES:
            register.halt(session, office.party, office.own.origin, None)
        return 0, True
    touched = set(numbered.values())
    for issuer, number_ in set(touched):
        touched |= shipments.concerned(session, issuer, number_)
    follow(session, office.perspective(), sorted(touched), now=now)
    return len(numbered), False
