"""Being a witness of other logs: cosign a checkpoint that grew out of the one cosigned last (c2sp.org/tlog-witness).

The log of any Party in the trust list is witnessed, but not the own one. The comparison with what was cosigned last and
the writing of what is cosigned now are one write transaction, committed before anything is answered, so that no two
requests at once, and no crash, ever let this node cosign two histories (C.4 item 7).

A cosignature says when: a node that cannot tell the time, or whose log is known to lie, gets or gives none.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from http import HTTPStatus

import structlog

from epix_node.acts.office import Office
from epix_node.federation.clock_offset import measured
from epix_node.register.checkpoint import Checkpoint
from epix_node.register.note import Note, NoteSignature, VerifierKey, format_note, format_signature_line, parse_note
from epix_node.register.witness import AddCheckpoint, Refusal, claimed_by_its_log, decide, parse_add_checkpoint
from epix_node.store import peers, witness
from epix_node.store.database import Session
from epix_node.store.witness import Cosigned
from epix_node.trust.manifest import Manifest

MAX_CLOCK_OFFSET = timedelta(seconds=60)
"""A machine whose clock is further off than this does not say what time it is (C.5, "Clock")."""

log = structlog.get_logger("epix_node.federation")


@dataclass(frozen=True, slots=True, kw_only=True)
class Submission:
    """A checkpoint that its log signed, and the Party whose log that is."""

    party: str
    checkpoint: Checkpoint
    key: VerifierKey
    note: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What is answered: ``lines`` of cosignatures, or a refusal. ``submitted`` is None for what no log signed."""

    lines: bytes = b""
    refusal: Refusal | None = None
    submitted: Submission | None = None


def log_of_origin(manifests: Mapping[str, Manifest], origin: str) -> tuple[str, VerifierKey] | None:
    """The Party whose register has this origin line, and the key that signs it now."""
    for party, manifest in manifests.items():
        if manifest.log.origin == origin:
            return party, manifest.log_keys[0]
    return None


def cosign(office: Office, body: bytes, *, now: datetime) -> Answer:
    """This node's cosignature on the checkpoint in this request, kept before it is given; or why there is none.

    Raises:
        MalformedDocumentError: the body is no request to cosign: answer 400.
    """
    request = parse_add_checkpoint(body)
    others = {party: one for party, one in office.keyring().manifests.items() if party != office.party}
    found: list[tuple[str, VerifierKey]] = []

    def key_of(origin: str) -> VerifierKey | None:
        log_ = log_of_origin(others, origin)
        if log_ is None:
            return None
        found.append(log_)
        return log_[1]

    claimed = claimed_by_its_log(request, key_of=key_of)
    if isinstance(claimed, Refusal):
        return Answer(refusal=claimed)
    party, key = found[0]
    submitted = Submission(party=party, checkpoint=claimed, key=key, note=request.checkpoint)
    refusal = _unfit(office) or office.database.read_now(_refusal, request, submitted)
    if refusal is not None:  # seen without the writer, whose turn anybody could take with a checkpoint that is public
        return Answer(refusal=refusal, submitted=submitted)
    taken = office.database.write_now(_take, office, request, submitted, now=now)
    if isinstance(taken, Refusal):
        return Answer(refusal=taken, submitted=submitted)
    return Answer(lines=format_signature_line(taken).encode(), submitted=submitted)


def _unfit(office: Office) -> Refusal | None:
    """Why this machine may not say what time it is."""
    offset = measured(office.database.read_now(peers.states))
    if offset is None or abs(offset.ahead) <= MAX_CLOCK_OFFSET:
        return None
    seconds = abs(offset.ahead) // timedelta(seconds=1)
    return Refusal(
        status=HTTPStatus.SERVICE_UNAVAILABLE,
        detail=f"this machine's clock is {seconds} s off the median of {offset.peers} peers: it cosigns nothing",
    )


def _refusal(session: Session, request: AddCheckpoint, submitted: Submission) -> Refusal | None:
    """Why this checkpoint may not follow the one cosigned last."""
    standing = peers.state(session, submitted.party)
    if standing is not None and standing.frozen is not None:
        return Refusal(
            status=HTTPStatus.FORBIDDEN, detail="this register contradicted itself, and people have to look at it"
        )
    held = witness.cosigned(session, submitted.checkpoint.origin)
    return decide(request, held=held.checkpoint if held is not None else None, verified=submitted.checkpoint)


def _take(
    session: Session, office: Office, request: AddCheckpoint, submitted: Submission, *, now: datetime
) -> NoteSignature | Refusal:
    """The checkpoint is the one cosigned last, in one write transaction, and this is the line; or why it cannot be."""
    refusal = _refusal(session, request, submitted)
    if refusal is not None:
        return refusal
    checkpoint, key = submitted.checkpoint, submitted.key
    note = parse_note(request.checkpoint)
    by_log = next(line for line in note.signatures if (line.name, line.key_id) == (key.name, key.key_id))
    line = office.own.cosigner.sign(note.body, at=now)
    # What the log's own Party and everybody else may see of it: the log's line and this one.
    shown = format_note(Note(body=note.body, signatures=(by_log, line)))
    witness.keep(session, Cosigned(checkpoint=checkpoint, note=shown, at=now))
    return line
