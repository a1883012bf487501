"""The transactions of a pull: each takes a peer's mirror from one sound state to the next, or changes nothing.

A pull reads, asks the peer, and comes back here with what it got. In between, another process may have pulled from
the same peer; every function therefore looks again at where the mirror stands and raises ``Overtaken`` where that is
not where its caller began. So no lock is needed for the mirror to be right, only for it not to be fetched twice.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from epix_node.errors import TrustError
from epix_node.exchange import mirrored
from epix_node.exchange.ingest import Listed, Refused
from epix_node.federation import disputes
from epix_node.reconcile import record
from epix_node.reconcile.perspective import Perspective
from epix_node.register.checkpoint import VerifiedCheckpoint, parse_checkpoint_body
from epix_node.register.entry import parse_leaf
from epix_node.register.evidence import Conflict, conflict_of
from epix_node.register.merkle import RightEdge
from epix_node.register.note import VerifierKey, parse_note
from epix_node.register.proof import tree_root
from epix_node.store import awaited, conflicts, documents, former, peers, register
from epix_node.store.arrival import Arrival
from epix_node.store.database import Session
from epix_node.store.peers import PeerState
from epix_node.store.register import RegisterState
from epix_node.trust.manifest import LogEntry


class Overtaken(Exception):
    """Another pull moved this mirror meanwhile; begin again from where it stands now."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One entry of a peer's register, checked to be a leaf of that register."""

    data: bytes
    leaf_hash: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Mentioned:
    """A document that a register is said to list at this index, by its feed or by an alert."""

    sha256: str
    index: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """What one page brought. ``quarantined``: documents of which nothing was in quarantine before."""

    documents: int
    quarantined: int


def standing(session: Session, party: str) -> tuple[PeerState | None, RegisterState | None]:
    """Where pulling from this peer stands, and how much of its register is held."""
    return peers.state(session, party), register.state(session, party)


def held_root(held: RegisterState) -> bytes | None:
    """The root of the newest verified checkpoint; None where there is none yet."""
    if held.checkpoint is None:
        return None
    return parse_checkpoint_body(parse_note(held.checkpoint).body).root


def take_time(
    session: Session,
    party: str,
    verified: VerifiedCheckpoint,
    *,
    etag: str | None,
    witnessed_at: datetime | None,
    now: datetime,
) -> None:
    """The held checkpoint was cosigned again: its newer time is the watermark (decision 5), its witnesses count."""
    held = register.state(session, party)
    if held is None or held.checkpoint_size != verified.checkpoint.size:
        raise Overtaken
    if verified.cosigned_at is not None and (held.cosigned_at is None or verified.cosigned_at >= held.cosigned_at):
        register.put_state(session, replace(held, checkpoint=verified.note, cosigned_at=verified.cosigned_at))
    _prove(session, party, verified, witnessed_at=witnessed_at, now=now)
    peers.note(session, party, etag=etag)


def _prove(
    session: Session, party: str, verified: VerifiedCheckpoint, *, witnessed_at: datetime | None, now: datetime
) -> None:
    """From now on this node can prove how old the entries are, whatever becomes of the keys (decision 7)."""
    size = verified.checkpoint.size
    register.prove(session, party, size, at=now, witnessed_at=witnessed_at)
    if witnessed_at is not None:
        register.put_witnessed(session, party, verified.note, size)


def follow(session: Session, party: str, entry: LogEntry) -> str | None:
    """The mirror begins anew where the Party had to begin another register; returns the origin of the one that ended.

    What was mirrored is kept as it is (``store.former``). Where the old register is known to have signed two histories,
    the Party stays frozen until people have looked: nobody clears itself by beginning anew. Nothing happens where the
    mirror is of the newest register, or of one that the Party never wrote.
    """
    held = register.state(session, party)
    if held is None or held.origin not in entry.origins[:-1]:
        return None
    forget_unverified(session, party)
    former.set_aside(session, party)
    peers.note(session, party, etag=None, last_error=None)
    if not any(dispute.origin == held.origin for dispute in conflicts.everything(session, party)):
        peers.note(session, party, frozen=None)
    peers.advance(session, party, next_index=0)
    return held.origin


def forget_unverified(session: Session, party: str) -> None:
    """The mirror ends with its newest verified checkpoint again."""
    held = register.state(session, party)
    if held is not None and held.edge.size > held.checkpoint_size:
        register.drop_from(session, party, held.checkpoint_size)
        register.put_state(session, replace(held, edge=register.edge_of(session, party, held.checkpoint_size)))


def append(
    session: Session,
    party: str,
    entries: Sequence[Entry],
    *,
    start: int,
    target: VerifiedCheckpoint,
    etag: str | None,
    witnessed_at: datetime | None,
    codes: Collection[str],
    now: datetime,
) -> str | None:
    """Keep entries ``start``, ``start + 1``, …, which the target's tiles vouch for; at its size, the target counts.

    ``codes`` are those that the Party speaks for: permits addressed to them have chains in its register (decision 4).
    Returns None, or why it does not count: then the mirror ends with its newest verified checkpoint again. That blames
    nobody: what was kept towards another checkpoint, which nobody stands by any more, does not lead to this one.
    """
    checkpoint = target.checkpoint
    held = register.state(session, party) or RegisterState(
        party=party,
        origin=checkpoint.origin,
        edge=RightEdge.empty(),
        checkpoint_size=0,
        checkpoint=None,
        cosigned_at=None,
    )
    if held.edge.size != start or held.checkpoint_size > checkpoint.size:
        raise Overtaken
    register.append(session, party, start, [entry.data for entry in entries])
    edge = held.edge.extended(entry.leaf_hash for entry in entries)
    if edge.size < checkpoint.size:
        register.put_state(session, replace(held, edge=edge))
        return None
    if edge.root() != checkpoint.root:
        register.put_state(session, replace(held, edge=edge))
        forget_unverified(session, party)
        return f"a checkpoint of {checkpoint.size} entries to which those kept before do not lead; they are forgotten"
    times = [moment for moment in (held.cosigned_at, target.cosigned_at) if moment is not None]
    register.put_state(
        session,
        replace(
            held,
            edge=edge,
            checkpoint_size=checkpoint.size,
            checkpoint=target.note,
            cosigned_at=max(times, default=None),
        ),
    )
    _prove(session, party, target, witnessed_at=witnessed_at, now=now)
    mirrored.grown(
        session,
        party,
        codes=codes,
        start=held.checkpoint_size,
        end=checkpoint.size,
        still_smaller_at=held.cosigned_at,
        now=now,
    )
    # Only now: with the tag of a checkpoint that was not reached, a crash would leave us satisfied with 304.
    peers.note(session, party, etag=etag)
    return None


def contradiction(
    session: Session, party: str, smaller: VerifiedCheckpoint, *, log_key: VerifierKey | None
) -> Conflict | None:
    """The evidence in a checkpoint that is smaller than the one held and that the mirror does not begin with."""
    held, checkpoint = register.state(session, party), smaller.checkpoint
    if held is None or held.checkpoint is None or log_key is None or not 0 < checkpoint.size < held.checkpoint_size:
        return None
    hashes = register.StoredHashes(session, party, held.checkpoint_size)
    if tree_root(hashes, checkpoint.size) == checkpoint.root:
        return None
    try:
        return conflict_of(held.checkpoint, smaller.note, log_key=log_key, reader=hashes)
    except TrustError:
        return None  # the log changed its key in between: nobody could check the two by one key


def freeze(session: Session, party: str, reason: str, *, conflict: Conflict | None, now: datetime) -> None:
    """Nothing is pulled from this peer until a person has looked (C.5 step 2); what convicts its log is kept."""
    if conflict is not None:
        disputes.record(session, disputes.dispute_of(conflict, party=party, source=party, now=now), reason=reason)
    peers.note(session, party, frozen=reason, etag=None)


def leaves_of_missing(
    session: Session, party: str, mentioned: Iterable[Mentioned], *, below: int
) -> list[tuple[Mentioned, bytes]]:
    """Those mentioned below this index whose documents are not held, each with the mirrored leaf at its index."""
    wanted = [one for one in mentioned if one.index < below]
    held = documents.held(session, party, [one.sha256 for one in wanted])
    return [
        (one, data)
        for one in wanted
        if one.sha256 not in held and (data := register.leaf(session, party, one.index)) is not None
    ]


def wanted(session: Session, party: str) -> list[Mentioned]:
    """The documents to ask this peer for again."""
    return [Mentioned(sha256=sha256, index=index) for sha256, index in documents.wanted(session, party).items()]


def omitted(session: Session, party: str) -> list[int]:
    """The entries whose documents we should have and were never told of (decision 4); not those refused before."""
    lacking = awaited.lacking_entries(session, party)
    if not lacking:
        return []
    known = {*documents.aside_at(session, party), *documents.wanted(session, party).values()}
    return sorted(lacking - known)


def refused_for(session: Session, party: str, reason: str) -> list[Listed]:
    """The documents of this peer that were refused for this reason, as they came."""
    return [
        Listed(sha256=sha256, index=index, leaf=parse_leaf(data), xml=xml)
        for sha256, index, xml in documents.quarantined_for(session, party, reason)
        if (data := register.leaf(session, party, index)) is not None
    ]


def record_page(
    session: Session,
    perspective: Perspective,
    party: str,
    checked: Sequence[Arrival | Refused],
    withheld: Sequence[Mentioned],
    *,
    move: tuple[int, int] | None,
    now: datetime,
) -> Recorded:
    """Record what came, remember what was listed and did not come, and move the cursor, all or nothing.

    A document in whose place other bytes came did not come: whoever stands between can do that, and must not achieve
    that it is never asked for again. ``move`` is from where to where the feed cursor moves; None leaves it.
    """
    if move is not None:
        peer = peers.state(session, party)
        if peer is None or peer.next_index != move[0]:
            raise Overtaken
    refused = [one for one in checked if isinstance(one, Refused)]
    replaced = [one for one in refused if one.is_replaced]
    known = documents.aside(session, party, [one.sha256 for one in refused])
    recorded = record.record_page(session, perspective, party, checked, now=now)
    still_wanted = [Mentioned(sha256=one.sha256, index=one.index) for one in replaced if one.index is not None]
    for one_withheld in (*withheld, *still_wanted):
        documents.want(session, party=party, sha256=one_withheld.sha256, register_index=one_withheld.index, now=now)
    if move is not None:
        peers.advance(session, party, next_index=move[1])
    return Recorded(documents=recorded, quarantined=len(checked) - recorded - len(known))
