"""Ask the witnesses to cosign the own register's newest checkpoint (decision 10, C.4 item 7; c2sp.org/tlog-witness).

A checkpoint is published with the own signature alone; the lines of witnesses are added as they come, and where they
are enough, its entries are WITNESSED. Nothing waits for that: a witness that does not answer lowers grades and is left
alone for a while.

A witness that cosigned something which the own register does not lead to has evidence that this node forgot entries, or
that its key is used elsewhere. Its word is not taken for that: it shows what it cosigned, and the own log key must have
signed it (``acts.recovery``).
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from weakref import WeakKeyDictionary

import structlog

from epix_node.acts import recovery
from epix_node.errors import MalformedDocumentError, PeerError, PeerProtocolError, PeerRefusedError, TrustError
from epix_node.federation import comparison
from epix_node.federation.client import PeerClient
from epix_node.federation.correspondence import ask, ask_each, asking
from epix_node.federation.silence import Silence
from epix_node.federation.visit import PullingNode
from epix_node.register.cosignature import Cosignature, merged, valid_cosignatures
from epix_node.register.note import Note, NoteSignature, VerifierKey, format_note, parse_note
from epix_node.register.policy import WitnessPolicy
from epix_node.register.witness import AddCheckpoint
from epix_node.store import peers, register
from epix_node.store.database import Database, Session

ANSWER_WITHIN = timedelta(seconds=10)
"""Longest wait for one witness."""

MAX_DIFFERENCE = timedelta(minutes=5)
"""How far the time of a cosignature that was just made may lie from this node's clock (C.5, "Clock")."""

_TRIES = 3
"""Requests to one witness for one checkpoint: it may say which size it holds, and be at another by the next."""

log = structlog.get_logger("epix_node.federation")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Missing:
    """The newest published checkpoint, and the Parties whose cosignature it lacks, with their keys."""

    size: int
    note: bytes
    witnesses: dict[str, VerifierKey]


class _Memory:
    """What this process knows of its witnesses; a restart costs each of them one request more."""

    def __init__(self) -> None:
        self.sizes: dict[str, int] = {}
        """What each cosigned last, as far as is known."""
        self.silence = Silence()
        self.gathering = asyncio.Lock()


_MEMORY: WeakKeyDictionary[Database, _Memory] = WeakKeyDictionary()


async def gather(node: PullingNode, *, ignore_backoff: bool = False) -> int:
    """The witnesses that can be reached have cosigned the newest checkpoint; returns how many lines that brought.

    Where they are enough for the own policy, the checkpoint counts as witnessed, also while slower ones are waited for.
    Returns 0 where nothing is missing.
    """
    database = node.office.database
    memory = _MEMORY.setdefault(database, _Memory())
    async with memory.gathering:  # two at once would only send everything twice
        missing = await database.read(_missing, node)
        if missing is None:
            return 0
        due: Iterable[str] = missing.witnesses
        if not ignore_backoff:
            due = memory.silence.due(due, await database.read(peers.states), now=node.clock())
        kept, waiting = 0, []
        async with asking(node, due, _submitting(node, memory, missing), within=ANSWER_WITHIN) as answers:
            async for party, answer in answers:
                if isinstance(answer, PeerError):
                    await _failed(node, memory, party, answer)
                elif answer is not None:
                    memory.silence.answered(party)
                    memory.sizes[party] = missing.size
                    waiting.append(answer.line)
                    # One by one up to what could be the quorum; what comes later changes no grade, and comes in one.
                    if kept < node.office.witnesses.quorum:
                        await database.write(_keep, node, missing, waiting)
                        kept, waiting = kept + len(waiting), []
        if waiting:
            await database.write(_keep, node, missing, waiting)
        return kept + len(waiting)


async def gather_everywhere(node: PullingNode) -> None:
    """All nodes on the shared clock that answer have gathered what was missing, at its time now (contract 7)."""
    others = [party for party in node.office.keyring().parties if party != node.office.party]
    await gather(node, ignore_backoff=True)
    await ask_each(node, others, PeerClient.gather, within=ANSWER_WITHIN)


def _missing(session: Session, node: PullingNode) -> _Missing | None:
    """What is to be asked for; None where everybody has cosigned, nothing is published, or nothing may be signed."""
    office = node.office
    held = register.state(session, office.party)
    if held is None or held.checkpoint is None or held.checkpoint_size == 0 or held.halted is not None:
        return None
    note = parse_note(held.checkpoint)
    wanted = witness_keys(node)
    has = {line.key_id for line in note.signatures if any(line.name == key.name for key in wanted.values())}
    lacking = {party: key for party, key in wanted.items() if key.key_id not in has}
    return _Missing(size=held.checkpoint_size, note=held.checkpoint, witnesses=lacking) if lacking else None


def witness_keys(node: PullingNode) -> dict[str, VerifierKey]:
    """The Parties that may witness the own register, by the policy of this node, with the keys they cosign with."""
    office = node.office
    counted = {key.public for key in office.witness_policy(office.party).keys}
    keys: dict[str, VerifierKey] = {}
    for party, manifest in office.keyring().manifests.items():
        key = manifest.cosigner_keys[0]
        if party != office.party and key.public in counted:
            keys[party] = key
    return keys


def _submitting(
    node: PullingNode, memory: _Memory, missing: _Missing
) -> Callable[[PeerClient], Awaitable[Cosignature | None]]:
    """The question to one witness: its cosignature, or None where it is at a larger checkpoint already."""

    async def submit(client: PeerClient) -> Cosignature | None:
        old = memory.sizes.get(client.party, 0)
        for _ in range(_TRIES):
            if old > missing.size:
                shown = await _look_at(node, client)
                if shown >= old:
                    return None
                # Not believed, and not remembered: otherwise it would never be asked again.
                raise PeerProtocolError(
                    f"{client.party} says that it cosigned {old} entries, and shows {shown}", party=client.party
                )
            request = await node.office.database.read(_request, node.office.party, old, missing)
            answer = await client.add_checkpoint(request)
            if not isinstance(answer, int):
                return _verified(node, client.party, missing, answer)
            old = memory.sizes[client.party] = answer
        return None

    return submit


def _request(session: Session, party: str, old: int, missing: _Missing) -> AddCheckpoint:
    hashes = register.StoredHashes(session, party, missing.size)
    return AddCheckpoint.of(hashes, old_size=old, new_size=missing.size, checkpoint=missing.note)


def _verified(node: PullingNode, party: str, missing: _Missing, lines: Iterable[NoteSignature]) -> Cosignature | None:
    """The cosignature by this witness among the lines; lines by other keys count for nothing."""
    key, body = missing.witnesses[party], parse_note(missing.note).body
    own = tuple(line for line in lines if (line.name, line.key_id) == (key.name, key.key_id))
    if not own:
        log.warning("a witness answered without its cosignature", party=party)
        return None
    try:
        found = valid_cosignatures(Note(body=body, signatures=own), (key,))[0]
    except (TrustError, MalformedDocumentError) as error:
        log.warning("a witness answered with a wrong cosignature", party=party, problem=str(error))
        return None
    if abs(found.at - node.clock()) > MAX_DIFFERENCE:
        # Earlier, too: what is signed after the quorum has cosigned it looks dated back (``permit.timing``).
        log.warning("a witness cosigned at another time than now", party=party, at=found.at.isoformat())
        return None
    return found


async def _failed(node: PullingNode, memory: _Memory, party: str, error: PeerError) -> None:
    """The witness is left alone for a while; one that refuses, as for another history, is asked what it holds."""
    memory.sizes.pop(party, None)
    if memory.silence.failed(party, now=node.clock()):
        log.info("a witness does not cosign", party=party, code=error.code, problem=str(error))
    if isinstance(error, PeerRefusedError):
        try:
            await ask(node, party, lambda client: _look_at(node, client), within=ANSWER_WITHIN)
        except PeerError as failure:
            log.info("a witness does not show what it cosigned", party=party, problem=str(failure))


async def _look_at(node: PullingNode, client: PeerClient) -> int:
    """What the witness cosigned last was compared with the own register; signing stops where it does not lead there.

    Returns the size of the checkpoint of ours that it shows; 0 for none.
    """
    office = node.office
    note = await client.monitored(office.own.origin)
    if note is None:
        return 0
    own = {office.party: office.keyring().manifests[office.party]}
    claims = comparison.claims_in((note,), own, source=client.party)
    outcome = await office.database.read(comparison.compared, claims, own=office.party, follows=lambda _: False)
    for claim in outcome.against_own:
        await asyncio.to_thread(recovery.suspect, office, claim.note, source=claim.source)
    return max((claim.checkpoint.size for claim in claims), default=0)


def _keep(session: Session, node: PullingNode, missing: _Missing, lines: Sequence[NoteSignature]) -> None:
    """The lines stand in the own checkpoint, unless it has grown since; where they are enough, it is witnessed."""
    office = node.office
    held = register.state(session, office.party)
    if held is None or held.checkpoint is None or held.cosigned_at is None:
        return
    note = parse_note(missing.note)
    for known in (held.checkpoint, held.witnessed):
        if known is not None and (other := parse_note(known)).body == note.body:
            note = merged(note, other.signatures)
    note = merged(note, lines)
    size = missing.size
    if parse_note(held.checkpoint).body == note.body:
        register.put_checkpoint(
            session, office.party, office.own.origin, format_note(note), size=size, cosigned_at=held.cosigned_at
        )
    if _is_enough(note, office.witness_policy(office.party)):
        register.put_witnessed(session, office.party, format_note(note), size)


def _is_enough(note: Note, policy: WitnessPolicy) -> bool:
    return policy.satisfied_by([one.key for one in valid_cosignatures(note, policy.keys)])
