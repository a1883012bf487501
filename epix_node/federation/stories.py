"""Ask the issuer about a permit of multiple use, which no feed lists (protocol decision 3).

Two moments. An officer shows the token of a permit that is not held here (``ask_issuer``): if its issuer's node knows
it, its documents are recorded, and the officer is answered from the own store as for any other permit. And a mirror
shows an entry in the chain of a held permit of multiple use, whose document nobody will send (``take_missing``).

Of an answer only the documents are believed, and each of them as one from a feed: by its signature, and by what the
mirrored entry at its index commits to. An issuer that cannot be asked, or does not know the permit, leaves things as
they are: UNKNOWN.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import timedelta

import structlog

from epix_node.document.salts import encode_salt
from epix_node.errors import MalformedDocumentError, NotFoundError, PeerError
from epix_node.exchange import ingest
from epix_node.exchange.ingest import Listed, Refused
from epix_node.federation import mirror
from epix_node.federation.client import Identity, PeerClient, answer_keys
from epix_node.federation.patience import patience_of
from epix_node.federation.pull import pull
from epix_node.federation.story_messages import MAX_HELD, StatusQuestion, StoryAnswer, StoryPiece, parse_answer
from epix_node.federation.visit import PullingNode
from epix_node.permit.event import PermitRef
from epix_node.register.entry import parse_leaf
from epix_node.store import awaited, peers, permits, register, stories
from epix_node.store.arrival import Arrival
from epix_node.store.database import Session

ANSWER_WITHIN = timedelta(seconds=8)
"""How long an officer waits for another country's node (``domain-rules.md`` 4.1: hubs answer within five seconds)."""

log = structlog.get_logger("epix_node.federation")


async def ask_issuer(node: PullingNode, ref: PermitRef, *, token: str) -> bool:
    """Whether the issuer knows a permit with this number and token, whose documents are held here from now on.

    Nothing is asked of an issuer whose register is not followed, or disputed, or who failed lately: nothing that it
    told could be checked. Raises nothing that the peer or the network can cause.
    """
    party = node.office.keyring().speaker_for(ref.issuer)
    if party is None or party == node.office.party or not node.config.federation.follows(party):
        return False
    question = StatusQuestion(issuer=ref.issuer, number=ref.number, token=token)
    return await _asked(node, party, question)


async def take_missing(node: PullingNode, party: str) -> None:
    """The documents of this Party's permits of multiple use whose entries its mirror shows were asked for."""
    for issuer, number, salt, held in await node.office.database.read(_missing, party):
        question = StatusQuestion(issuer=issuer, number=number, salt=encode_salt(salt), held=tuple(held[:MAX_HELD]))
        if not await _asked(node, party, question):
            return


async def _asked(node: PullingNode, party: str, question: StatusQuestion) -> bool:
    state = await node.office.database.read(peers.state, party)
    if state is not None and (state.frozen is not None or state.failures):
        return False
    try:
        async with asyncio.timeout(ANSWER_WITHIN.total_seconds()):
            answer = await _answer(node, party, question)
            return answer is not None and await _take(node, party, question, answer)
    except (TimeoutError, PeerError, NotFoundError, MalformedDocumentError, ValueError) as error:
        log.info("a permit was asked for in vain", party=party, problem=type(error).__name__)
        return False


async def _answer(node: PullingNode, party: str, question: StatusQuestion) -> StoryAnswer | None:
    """What the Party's node tells, at the first of its base URLs; None where it knows of no such permit."""
    keyring = node.office.keyring()
    base = next(iter(keyring.base_urls(party)), None)
    if base is None:
        return None
    identity = Identity(party=node.office.party, key_id=node.transport_kid, private_key=node.transport_key)
    async with PeerClient(
        base,
        party,
        identity,
        answer_key=answer_keys(keyring, party, at=node.clock()),
        private_addresses=node.config.federation.private_addresses,
        patience=patience_of(node.config),
    ) as client:
        answer = parse_answer(await client.story(question.to_bytes()))
    return answer if answer.permit is not None else None


async def _take(node: PullingNode, party: str, question: StatusQuestion, answer: StoryAnswer) -> bool:
    """The documents that came are recorded; returns whether a permit with this number is held."""
    database = node.office.database
    given = [(piece, xml) for piece in answer.pieces if (xml := piece.bytes_given()) is not None]
    listed = await database.read(_listed, given)
    if any(piece.party == party and piece.document not in {one.sha256 for _, one in listed} for piece, _ in given):
        # The permit may be younger than the mirror.
        await pull(node, party)
        listed = await database.read(_listed, given)
    perspective, now = node.office.perspective(), node.clock()
    for writer in [party, *sorted({of for of, _ in listed} - {party})]:
        theirs = [one for of, one in listed if of == writer]
        if not theirs or writer == node.office.party:
            continue
        checked = await asyncio.to_thread(_checked, node, writer, theirs, question)
        await database.write(mirror.record_page, perspective, writer, checked, (), move=None, now=now)
    held = await database.read(permits.numbered, question.issuer, question.number)
    return bool(held)


def _listed(session: Session, given: Sequence[tuple[StoryPiece, bytes]]) -> list[tuple[str, Listed]]:
    """Those of the documents whose entries are in the verified part of a mirror, each with its entry."""
    found: list[tuple[str, Listed]] = []
    for piece, xml in given:
        held, index = register.state(session, piece.party), piece.register_.index
        if held is None or index is None or index >= held.checkpoint_size:
            continue
        leaf = register.leaf(session, piece.party, index)
        if leaf is not None:
            found.append((piece.party, Listed(sha256=piece.document, index=index, leaf=parse_leaf(leaf), xml=xml)))
    return found


def _checked(
    node: PullingNode, writer: str, listed: Sequence[Listed], question: StatusQuestion
) -> list[Arrival | Refused]:
    """What is to be believed and is about the permit that was asked for; the rest is left out.

    A refused document is not put into quarantine: nobody's register lists it for this node.
    """
    office, now = node.office, node.clock()
    believed: list[Arrival | Refused] = []
    for one in listed:
        checked = ingest.check(
            one, party=writer, environment=node.config.party.environment, trust=office.keyring(), now=now
        )
        if isinstance(checked, Refused):
            log.warning("a document of a status answer was refused", party=writer, reason=checked.reason)
            continue
        header = checked.document.header
        if (header.permit_issuer, header.permit_number) == (question.issuer, question.number):
            believed.append(checked)
    return office.examiner(now=now).examine(believed)


def _missing(session: Session, party: str) -> list[tuple[str, str, bytes, list[str]]]:
    """Number, PermitSalt and held documents of each held permit of multiple use that lacks some in this register."""
    asked: list[tuple[str, str, bytes, list[str]]] = []
    for key in awaited.lacking_in(session, party):
        for permit in stories.claimable(session, key.issuer, key.number):
            if permit.key == key and permit.multi_use:
                held = stories.documents_of(session, permit, is_alone=False)
                asked.append((key.issuer, key.number, permit.permit_salt, [one.document for one in held]))
    return asked
