"""What each node has seen of every register, told to every other (C.4 item 10).

A log that shows one history to one Party and another to the next is caught as soon as two of them compare. So each
pull also asks the peer for the newest checkpoints that it holds of every log, and compares them with the mirrors here
(``comparison``). Gossip is believed for nothing but the logs' own signatures in it: a peer that forges, repeats or
makes up notes achieves nothing, and whatever it sends is bounded (``messages``).
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from contextlib import suppress
from hashlib import sha256
from weakref import WeakKeyDictionary

import structlog

from epix_node.acts import recovery
from epix_node.acts.office import Office
from epix_node.errors import MalformedDocumentError, PeerProtocolError, PeerRefusedError
from epix_node.federation import comparison, disputes, reports
from epix_node.federation.client import PeerClient
from epix_node.federation.comparison import Claim, Outcome, by_log_alone
from epix_node.federation.messages import MAX_GOSSIP_NOTES
from epix_node.federation.visit import PullingNode
from epix_node.register.note import VerifierKey, parse_note
from epix_node.store import register, sightings, witness
from epix_node.store.conflicts import Dispute
from epix_node.store.database import Database, Session

log = structlog.get_logger("epix_node.federation")

MAX_REMEMBERED = 4096
"""Checkpoints that are remembered to agree with the mirrors: the same ones come from every peer."""


class _Memory:
    """What need not be compared again, in this process; forgetting it costs one comparison."""

    def __init__(self) -> None:
        self.tags: dict[str, str | None] = {}
        """By Party, the tag of the gossip that was compared last."""
        self.agreed: dict[bytes, None] = {}
        """SHA-256 of the bodies that the mirrors begin with, the newest last. Who signed them does not matter then."""

    def news_in(self, notes: Iterable[bytes]) -> list[bytes]:
        return [note for note in notes if _body_hash(note) not in self.agreed]

    def remember(self, note: bytes) -> None:
        self.agreed[_body_hash(note)] = None
        while len(self.agreed) > MAX_REMEMBERED:
            del self.agreed[next(iter(self.agreed))]


_MEMORY: WeakKeyDictionary[Database, _Memory] = WeakKeyDictionary()


def newest_notes(session: Session, office: Office) -> tuple[bytes, ...]:
    """What this node has seen of every log in the trust list: its mirror, and what is larger than that.

    Both are given where they differ: the mirror is what others can compare with theirs at once. Only the log's own line
    is in a note; cosignatures are the log's to give.
    """
    seen = {one.checkpoint.origin: one for one in witness.everything(session, _origins(office))}
    sighted = sightings.largest(session)
    notes: list[bytes] = []
    for party, manifest in office.keyring().manifests.items():
        origin, keys = manifest.log.origin, manifest.log_keys
        held = register.state(session, party)
        size = 0
        if held is not None and held.checkpoint is not None and held.origin == origin:
            size = held.checkpoint_size
            notes.extend(_bare(held.checkpoint, keys))
        others = [one for one in (seen.get(origin), sighted.get(origin)) if one is not None]
        largest = max(others, key=lambda one: one.checkpoint.size, default=None)
        if largest is not None and largest.checkpoint.size > size:
            notes.extend(_bare(largest.note, keys))
    return tuple(notes[:MAX_GOSSIP_NOTES])


async def compare(node: PullingNode, party: str, client: PeerClient) -> None:
    """What this peer has seen of every log was compared with what this node holds; what came of it is kept.

    Where that is evidence, the peer has it, too: with one comparison both know.
    Sightings of the peer's own log that its mirror has grown past are compared, too. A peer that has no gossip, or
    sends what is none, is asked again at the next pull and nothing else.

    Raises:
        PeerUnreachableError: the peer does not answer.
    """
    office = node.office
    manifests = office.keyring().manifests
    memory = _memory(office)
    claims: list[Claim] = []
    tag = memory.tags.get(party)
    try:
        told = await client.gossip(tag)
        if told is not None:
            tag = told.etag
            news = memory.news_in(told.notes)
            claims = await asyncio.to_thread(comparison.claims_in, news, manifests, source=party)
    except (PeerRefusedError, PeerProtocolError) as error:
        log.debug("no gossip", party=party, problem=str(error))
    found = await take(node, claims, settle=party)
    memory.tags[party] = tag
    await reports.show(node, client, found)


async def take(node: PullingNode, claims: list[Claim], *, settle: str | None = None) -> list[Dispute]:
    """These claims, and the sightings of the Party ``settle``, were compared, and what came of it is kept.

    Returns the evidence that is new here.
    """
    office = node.office
    outcomes = await office.database.read(_outcomes, node, claims, settle)
    found: list[Dispute] = []
    for outcome in outcomes:
        for claim in outcome.agreed:
            _memory(office).remember(claim.note)
        if not outcome.is_empty:
            found += await office.database.write(comparison.keep, outcome, now=node.clock())
        for claim in outcome.against_own:
            await asyncio.to_thread(recovery.suspect, office, claim.note, source=claim.source)
    for dispute in found:
        disputes.tell(dispute)
    return found


def _outcomes(session: Session, node: PullingNode, claims: list[Claim], settle: str | None) -> list[Outcome]:
    outcomes = [comparison.compared(session, claims, own=node.office.party, follows=node.config.federation.follows)]
    if settle is not None:
        manifest = node.office.keyring().manifests.get(settle)
        outcomes.append(comparison.settled(session, settle, manifest.log_keys if manifest is not None else ()))
    return outcomes


def _memory(office: Office) -> _Memory:
    return _MEMORY.setdefault(office.database, _Memory())


def _body_hash(note: bytes) -> bytes:
    return sha256(note.rpartition(b"\n\n")[0]).digest()


def _origins(office: Office) -> list[str]:
    return [manifest.log.origin for manifest in office.keyring().manifests.values()]


def _bare(note_bytes: bytes, keys: Iterable[VerifierKey]) -> list[bytes]:
    """The note with its log's line alone, by the newest key that signed it; nothing where none did."""
    for key in keys:
        with suppress(MalformedDocumentError, LookupError):
            return [by_log_alone(parse_note(note_bytes), key)]
    return []
