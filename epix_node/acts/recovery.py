"""Whether the own register knows all that it signed, and why it signs nothing where it does not (C.4 item 8 (c)).

    suspect   somebody shows a checkpoint of ours that the entries held do not explain: nothing is signed any more
    consider  what others answered is compared with what is held, and decided upon (``register.standstill``)

A larger checkpoint of ours goes into the last-signed record as soon as it is seen: from then on nothing below it is
signed, whoever is silent the next time, and whatever is restored.

Not here: asking (``federation.recovery``), and how what was lost comes back (``restoration``).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import structlog

from epix_node.acts.office import Office
from epix_node.clock import format_time
from epix_node.errors import MalformedDocumentError, TrustError
from epix_node.register.checkpoint import Checkpoint, VerifiedCheckpoint, parse_checkpoint_body, verify_checkpoint
from epix_node.register.note import Note, format_note, parse_note
from epix_node.register.proof import tree_root
from epix_node.register.standstill import Cause, Decision, Held, Shown, Standstill, Step, decide, parse_standstill
from epix_node.store import register
from epix_node.store.database import Session
from epix_node.store.last_signed import Signed

RECORD = "the last-signed record"
"""Who shows the checkpoint that this node itself wrote down."""

log = structlog.get_logger("epix_node.recovery")


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """A checkpoint of the own register that the own log key signed, and who showed it."""

    source: str
    verified: VerifiedCheckpoint

    @property
    def checkpoint(self) -> Checkpoint:
        """What it says."""
        return self.verified.checkpoint


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """Where the own register stands.

    ``signed`` is how many of its ``entries`` are known to have been signed as they are; ``roots`` has the root at both
    sizes. ``record`` is what the last-signed record says, where there is one; ``is_record_lost``: there should be one,
    and it is gone or behind the database.
    """

    entries: int
    signed: int
    roots: Mapping[int, bytes]
    why: Standstill | None
    record: Shown | None
    is_record_lost: bool

    @property
    def record_agrees(self) -> bool:
        """Whether the entries have all that was signed, as far as this node wrote it down."""
        return self.record is None or bool(self.record.agrees)


def standstill(office: Office) -> Standstill | None:
    """Why nothing is signed now; None where nothing keeps the register from being signed."""
    held = office.database.read_now(register.state, office.party)
    return None if held is None or held.halted is None else parse_standstill(held.halted)


def claim_of(office: Office, note: bytes, *, source: str) -> Claim | None:
    """The claim in this note; None where it is none that the own log key signed, and so says nothing."""
    own = office.own
    try:
        verified = verify_checkpoint(note, origin=own.origin, log_key=own.log_key, cosigner_key=own.cosigner_key)
    except (MalformedDocumentError, TrustError):
        return None
    return Claim(source=source, verified=verified)


def suspect(office: Office, note: bytes, *, source: str) -> bool:
    """Nothing is signed any more if ``note`` is a checkpoint of ours that the entries held do not explain.

    Returns whether it is. What can be known from the note alone; whoever shows it need not be trusted.
    """
    claim = claim_of(office, note, source=source)
    if claim is None or office.database.read_now(agrees, office.party, claim.checkpoint):
        return False
    _never_below(office, [claim])
    return office.database.write_now(_halt_for, office, claim)


def consider(office: Office, claims: Sequence[Claim], *, is_quorum: bool, now: datetime) -> Decision:
    """What follows from what others showed; the register is halted accordingly, and never released here.

    ``is_quorum``: enough other Parties answered.
    """
    _never_below(office, claims)
    decision = office.database.write_now(_consider, office, claims, is_quorum=is_quorum, now=now)
    if decision.step is Step.SIGN:
        _complete_record(office)
    return decision


def agrees(session: Session, party: str, checkpoint: Checkpoint) -> bool | None:
    """Whether the entries held have this root at this size; None where they do not reach so far."""
    held = register.state(session, party)
    size = held.edge.size if held is not None else 0
    if checkpoint.size > size:
        return None
    return tree_root(register.StoredHashes(session, party, size), checkpoint.size) == checkpoint.root


def _halt_for(session: Session, office: Office, claim: Claim) -> bool:
    explained = agrees(session, office.party, claim.checkpoint)
    if explained:
        return False
    held = register.state(session, office.party)
    if held is None or held.halted is None:
        entries = held.edge.size if held is not None else 0
        _halt(session, office, _behind(entries, claim.source, claim.checkpoint.size, agrees=explained))
    return True


def where(session: Session, office: Office) -> Standing:
    """Where the own register stands, by its database and by the last-signed record."""
    party = office.party
    record = office.sequencer.record.read(office.own.origin)
    held = register.state(session, party)
    entries = held.edge.size if held is not None else 0
    covered = held.checkpoint_size if held is not None else 0
    shown: Shown | None = None
    signed, is_behind = covered, record is None or record.size < covered
    if record is not None:
        written = Checkpoint(origin=record.origin, size=record.size, root=record.root)
        shown = Shown(source=RECORD, size=record.size, agrees=agrees(session, party, written))
        signed = max(covered, record.size) if shown.agrees else covered
    return Standing(
        entries=entries,
        signed=signed,
        roots={size: tree_root(register.StoredHashes(session, party, entries), size) for size in {entries, signed}},
        why=parse_standstill(held.halted) if held is not None and held.halted is not None else None,
        record=shown,
        is_record_lost=held is not None and held.is_sealed and is_behind,
    )


def _consider(session: Session, office: Office, claims: Sequence[Claim], *, is_quorum: bool, now: datetime) -> Decision:
    standing = where(session, office)
    why = standing.why
    if why is not None and why.cause is Cause.TWO_HISTORIES:
        return Decision(step=Step.STOP)
    shown = [
        Shown(source=one.source, size=one.checkpoint.size, agrees=agrees(session, office.party, one.checkpoint))
        for one in claims
    ]
    if standing.record is not None:
        shown.append(standing.record)
    is_in_doubt = why is not None or standing.is_record_lost
    held = Held(entries=standing.entries, signed=standing.signed, is_in_doubt=is_in_doubt)
    decision = decide(held, shown, is_quorum=is_quorum)
    because = decision.because
    if decision.step is Step.WAIT and why is None:
        seen = f"the last-signed record was found gone or old at {format_time(now.replace(microsecond=0))}"
        _halt(session, office, Standstill(cause=Cause.RESTORED, seen=seen))
    elif decision.step is Step.STOP and because is not None:
        seen = f"{because.source} shows a signed checkpoint of size {because.size} that contradicts the entries here"
        _halt(session, office, Standstill(cause=Cause.TWO_HISTORIES, seen=seen))
    elif because is not None and (why is None or why.cause is not Cause.RECOVERY):
        _halt(session, office, _behind(standing.entries, because.source, because.size, agrees=because.agrees))
    return decision


def two_histories(office: Office, claim: Claim, *, size: int) -> None:
    """What we signed up to ``size`` is not the beginning of what this claim covers: nothing is signed any more."""
    seen = (
        f"{claim.source} shows a signed checkpoint of size {claim.checkpoint.size}, which does not begin with the "
        f"{size} entries that were signed here"
    )
    office.database.write_now(_halt, office, Standstill(cause=Cause.TWO_HISTORIES, seen=seen))


def _behind(entries: int, source: str, size: int, *, agrees: bool | None) -> Standstill:
    what = "other entries than are" if agrees is False else "more than the"
    seen = f"{source} shows that {size} entries of this register were signed, {what} {entries} held here"
    return Standstill(cause=Cause.RECOVERY, seen=seen)


def _halt(session: Session, office: Office, why: Standstill) -> None:
    register.halt(session, office.party, office.own.origin, why.text)
    log.error("nothing is signed any more", register=office.own.origin, reason=why.text)


def _never_below(office: Office, claims: Sequence[Claim]) -> None:
    """The largest of these checkpoints is in the last-signed record, unless a larger one is."""
    if not claims:
        return
    largest = max(claims, key=lambda claim: claim.checkpoint.size).verified
    checkpoint, record = largest.checkpoint, office.sequencer.record
    # Only what this node signed: other lines would be published with it, and leave no room for those of witnesses.
    read, keys = parse_note(largest.note), (office.own.log_key, office.own.cosigner_key)
    lines = tuple(line for line in read.signatures if any((line.name, line.key_id) == (k.name, k.key_id) for k in keys))
    note = format_note(Note(body=read.body, signatures=lines))
    after = Signed(origin=checkpoint.origin, size=checkpoint.size, root=checkpoint.root, note=note)
    while (before := record.read(checkpoint.origin)) is None or before.size < checkpoint.size:
        if record.swap(before, after):
            return


def _complete_record(office: Office) -> None:
    """The record is not behind the checkpoint in the database, which everybody who answered agrees with."""
    record = office.sequencer.record.read(office.own.origin)
    held = office.database.read_now(register.state, office.party)
    if held is None or held.checkpoint is None or (record is not None and record.size >= held.checkpoint_size):
        return
    checkpoint = parse_checkpoint_body(parse_note(held.checkpoint).body)
    after = Signed(origin=checkpoint.origin, size=checkpoint.size, root=checkpoint.root, note=held.checkpoint)
    office.sequencer.record.swap(record, after)
