"""Compare what others say a log signed with what this node holds of it (C.4 item 10).

A claim is a checkpoint that its log signed: who shows it need not be believed. Three things can come of it:

    its root is that of the mirror at that size        nothing
    it is not                                          evidence: the log signed two histories
    the mirror is smaller                              a sighting, compared when the mirror has grown (``settled``)

A claim about the own register that is larger than it, or has another root, means that this node forgot entries that it
signed, or that somebody else has its key: then it must sign nothing more (C.4 item 8 (c)).

The comparison only reads; what came of it is written by ``keep``. In between a mirror may grow: a sighting that could
be compared by then is compared at the next pull.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

import structlog

from epix_node.errors import MalformedDocumentError, TrustError
from epix_node.federation import disputes
from epix_node.register.checkpoint import Checkpoint, parse_checkpoint_body
from epix_node.register.evidence import Conflict, conflict_of
from epix_node.register.note import Note, VerifierKey, format_note, parse_note, verify_note
from epix_node.register.proof import HashReader, tree_root
from epix_node.store import peers, register, sightings, witness
from epix_node.store.conflicts import Dispute
from epix_node.store.database import Session
from epix_node.store.sightings import Sighting
from epix_node.trust.manifest import Manifest

log = structlog.get_logger("epix_node.federation")


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """A checkpoint that the log of ``party`` signed, and who shows it. ``note`` has no line but the log's."""

    party: str
    checkpoint: Checkpoint
    key: VerifierKey
    note: bytes
    source: str


@dataclass(slots=True)
class Outcome:
    """What came of a comparison; nothing of it is written yet."""

    conflicts: list[tuple[Claim, Conflict]] = field(default_factory=list)
    contradictions: list[Claim] = field(default_factory=list)
    """Those that the mirrors do not begin with, though nobody can be shown that: one log signed with several keys."""
    sightings: list[Claim] = field(default_factory=list)
    agreed: list[Claim] = field(default_factory=list)
    """Those that the mirrors begin with."""
    settled: dict[str, int] = field(default_factory=dict)
    """By origin, the size up to which sightings were compared."""
    against_own: list[Claim] = field(default_factory=list)
    """Those that the own register cannot have signed as it is now."""

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to write."""
        return not (self.conflicts or self.contradictions or self.sightings or self.settled)


def claims_in(notes: Iterable[bytes], manifests: Mapping[str, Manifest], *, source: str) -> list[Claim]:
    """The claims that count: of logs in the trust list, signed by them, of trees with entries.

    Everything else is passed over, since it says something about the source alone.
    """
    by_origin = {manifest.log.origin: party for party, manifest in manifests.items()}
    claims: list[Claim] = []
    for data in notes:
        try:
            note = parse_note(data)
            party = by_origin.get(note.body.partition("\n")[0])
            if party is None:
                continue
            key = verify_note(note, manifests[party].log_keys)[0]
            checkpoint = parse_checkpoint_body(note.body)
        except (MalformedDocumentError, TrustError):
            continue
        if checkpoint.size > 0 and checkpoint.origin == manifests[party].log.origin:
            bare = by_log_alone(note, key)
            claims.append(Claim(party=party, checkpoint=checkpoint, key=key, note=bare, source=source))
    return claims


def by_log_alone(note: Note, key: VerifierKey) -> bytes:
    """The note with the first line of its log and no other: what a log signed, and short.

    Raises ``LookupError`` where this key has no line in it.
    """
    lines = [one for one in note.signatures if (one.name, one.key_id) == (key.name, key.key_id)]
    return format_note(Note(body=note.body, signatures=(lines[0],)))


def compared(session: Session, claims: Iterable[Claim], *, own: str, follows: Callable[[str], bool]) -> Outcome:
    """What comes of these claims; ``follows`` says of which Parties a mirror is kept."""
    outcome = Outcome()
    for claim in claims:
        if claim.party == own:
            if not _is_own_history(session, claim):
                outcome.against_own.append(claim)
            continue
        conflict = _with_mirror(session, claim) or _with_cosigned(session, claim)
        if conflict is not None:
            outcome.conflicts.append((claim, conflict))
        elif _contradicts_mirror(session, claim):
            outcome.contradictions.append(claim)
        elif claim.checkpoint.size <= _mirrored(session, claim):
            outcome.agreed.append(claim)
        elif follows(claim.party):
            outcome.sightings.append(claim)
    return outcome


def settled(session: Session, party: str, keys: Collection[VerifierKey]) -> Outcome:
    """What comes of the sightings of this Party's log, under one of its keys, that its mirror has grown past."""
    outcome = Outcome()
    held = register.state(session, party)
    if held is None:
        return outcome
    for seen in sightings.waiting(session, held.origin, up_to=held.checkpoint_size):
        outcome.settled[held.origin] = held.checkpoint_size
        try:
            key = verify_note(parse_note(seen.note), keys)[0]
        except (MalformedDocumentError, TrustError):
            continue  # it was kept under a key that the Party does not have any more
        claim = Claim(party=party, checkpoint=seen.checkpoint, key=key, note=seen.note, source=seen.source)
        conflict = _with_mirror(session, claim)
        if conflict is not None:
            outcome.conflicts.append((claim, conflict))
        elif _contradicts_mirror(session, claim):
            outcome.contradictions.append(claim)
    return outcome


def keep(session: Session, outcome: Outcome, *, now: datetime) -> list[Dispute]:
    """Everything that came of a comparison is kept; returns the evidence that is new here."""
    for origin, size in outcome.settled.items():
        sightings.settle(session, origin, up_to=size)
    for claim in outcome.sightings:
        seen = Sighting(checkpoint=claim.checkpoint, source=claim.source, note=claim.note, at=now)
        sightings.keep(session, seen)
    found = (
        disputes.convict(session, conflict, party=claim.party, source=claim.source, now=now)
        for claim, conflict in outcome.conflicts
    )
    new = [one for one in found if one is not None]
    for claim in outcome.contradictions:
        if peers.meet(session, claim.party, now=now).frozen is None:
            size, root = claim.checkpoint.size, claim.checkpoint.root.hex()
            reason = (
                f"two histories under two keys: {claim.source} shows root {root} of {size} entries, others are held"
            )
            peers.note(session, claim.party, frozen=reason, etag=None)
            log.error("peer frozen: its register contradicts itself", party=claim.party, reason=reason)
    return new


def _is_own_history(session: Session, claim: Claim) -> bool:
    """Whether the own entries, published or not, begin with this tree."""
    held = register.state(session, claim.party)
    checkpoint = claim.checkpoint
    if held is None or checkpoint.size > held.edge.size:
        return False
    hashes = register.StoredHashes(session, claim.party, checkpoint.size)
    return tree_root(hashes, checkpoint.size) == checkpoint.root


def _mirrored(session: Session, claim: Claim) -> int:
    held = register.state(session, claim.party)
    return held.checkpoint_size if held is not None else 0


def _with_mirror(session: Session, claim: Claim) -> Conflict | None:
    """Evidence, where the mirror reaches that far and begins with another tree."""
    held = register.state(session, claim.party)
    if held is None or held.checkpoint is None or not _contradicts_mirror(session, claim):
        return None
    return _conflict(claim, held.checkpoint, register.StoredHashes(session, claim.party, held.checkpoint_size))


def _contradicts_mirror(session: Session, claim: Claim) -> bool:
    """Whether the mirror reaches that far and begins with another tree."""
    held, checkpoint = register.state(session, claim.party), claim.checkpoint
    if held is None or held.checkpoint is None or checkpoint.size > held.checkpoint_size:
        return False
    if held.origin != checkpoint.origin:
        return False  # a successor's register: the mirror is not of this log
    hashes = register.StoredHashes(session, claim.party, held.checkpoint_size)
    return tree_root(hashes, checkpoint.size) != checkpoint.root


def _with_cosigned(session: Session, claim: Claim) -> Conflict | None:
    """Evidence, where this node cosigned another root for the same size; without tiles no other can be compared."""
    held, checkpoint = witness.cosigned(session, claim.checkpoint.origin), claim.checkpoint
    if held is None or held.checkpoint.size != checkpoint.size or held.checkpoint.root == checkpoint.root:
        return None
    return _conflict(claim, held.note, None)


def _conflict(claim: Claim, held: bytes, reader: HashReader | None) -> Conflict | None:
    try:
        return conflict_of(claim.note, held, log_key=claim.key, reader=reader)
    except TrustError:
        return None  # the log has another key since: no one key signed both
