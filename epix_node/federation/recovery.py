"""Find back to the own register after a restore or a loss: ask others, decide, rebuild, go on (C.4 item 8 (c)).

A node that starts asks every other Party what it knows of this node's register: the checkpoint that it cosigned last
as a witness, and the one of its mirror. Both are signed by our own log key, so nobody who answers needs to be trusted,
and all that silence can do is make a node that lost something wait. What follows is decided in ``register.standstill``.

    1  ask     all at once, five seconds in all at the start
    2  decide  sign, wait for more answers, rebuild, or stop for good
    3  rebuild entries from the mirrors that reach further than we do, then documents from whoever has them
    4  go on   every chain counted, every document that waited numbered, and the next checkpoint signed

Every step is resumed where it was left: while the register is halted, all of this is tried every ten seconds. What a
Party that is silent now still holds comes when it answers again (``fetch_lost``).
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from hashlib import sha256
from weakref import WeakKeyDictionary

import structlog

from epix_node.acts import recovery as acts
from epix_node.acts import restoration, succession
from epix_node.acts.recovery import Claim, claim_of
from epix_node.errors import PeerError, PeerProtocolError, PeerRefusedError
from epix_node.federation.client import Identity, PeerClient, answer_keys
from epix_node.federation.patience import Patience, patience_of
from epix_node.federation.rebuilding import fetch_documents, fetch_entries
from epix_node.federation.visit import PullingNode
from epix_node.register.standstill import Decision, Step
from epix_node.store import lost
from epix_node.store.database import Database
from epix_node.trust.manifest import Manifest

ASK_AT_START = timedelta(seconds=5)
"""How long a node that starts waits for others, in all, before it listens."""

ASK = timedelta(seconds=10)
"""How long it waits later."""

TRY_AGAIN = timedelta(seconds=10)
"""How often a halted register is looked at again."""

MAX_AT_ONCE = 32
"""Parties asked at the same time."""

log = structlog.get_logger("epix_node.recovery")


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    """What other Parties said of the own register. ``mirrors``: by Party, the checkpoint that its mirror reaches.

    ``answered`` said all that they know, if only that it is nothing, and signed how far their mirrors reach.
    """

    asked: tuple[str, ...]
    answered: frozenset[str]
    claims: tuple[Claim, ...]
    mirrors: dict[str, Claim]


@dataclass(slots=True)
class _Search:
    """Which Parties are still to be asked for documents that are lost here; None: nobody looked yet.

    ``under`` is the own manifest that what they gave was judged by: another one may believe more of it.
    """

    left: set[str] | None = None
    under: Manifest | None = None
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)


_SEARCHES: WeakKeyDictionary[Database, _Search] = WeakKeyDictionary()
"""By database, since that is what a process recovers; gone with it."""


async def at_start(node: PullingNode) -> None:
    """What the own register was known to have signed is known here, as far as anybody answered within five seconds.

    Call it before anything is accepted. A register that lost something is halted then, and ``go_on`` mends it.
    """
    await asyncio.to_thread(succession.go_on, node.office, now=node.clock())
    answers = await ask(node, within=ASK_AT_START)
    decision = await _decided(node, answers)
    if decision.step is Step.SIGN and acts.standstill(node.office) is not None:
        await _resume(node, answers)


async def go_on(node: PullingNode) -> bool:
    """Recovery is as far as it can be now; whether the register may sign. Costs one look where nothing is wrong."""
    office = node.office
    if await asyncio.to_thread(acts.standstill, office) is None:
        return True
    async with _search(node).turn:
        await asyncio.to_thread(succession.go_on, office, now=node.clock())
        answers = await ask(node, within=ASK)
        decision = await _decided(node, answers)
        if decision.step is Step.REBUILD:
            await _rebuild(node, answers)
            decision = await _decided(node, answers)
        if decision.step is Step.SIGN:
            await _resume(node, answers)
    return await asyncio.to_thread(acts.standstill, office) is None


async def fetch_lost(node: PullingNode) -> int:
    """Own documents that were lost came back from Parties that had not been asked for them yet; returns how many."""
    search, office = _search(node), node.office
    manifest = office.keyring().manifests[office.party]
    if search.left is not None and not search.left and search.under == manifest:
        return 0
    async with search.turn:
        if search.left is None or search.under != manifest:
            is_whole = await office.database.read(lost.first, office.party) is None
            search.left, search.under = set() if is_whole else set(_others(node)), manifest
        fetched = 0
        for party in sorted(search.left):
            fetched += await _documents_from(node, party)
        if fetched:
            await asyncio.to_thread(restoration.count_chains, office)
            log.info("own documents came back", documents=fetched)
        return fetched


async def ask(node: PullingNode, *, within: timedelta) -> Answers:
    """What all other Parties say of the own register, as far as they say it in time."""
    others = _others(node)
    slots = asyncio.Semaphore(MAX_AT_ONCE)
    patience = replace(patience_of(node.config), connect=within, first_answer=within, read=within)

    async def one(party: str) -> tuple[list[Claim], Claim | None]:
        async with slots:
            return await _ask_one(node, party, patience)

    tasks = {party: asyncio.create_task(one(party)) for party in others}
    if tasks:
        await asyncio.wait(tasks.values(), timeout=within.total_seconds())
    claims: list[Claim] = []
    mirrors: dict[str, Claim] = {}
    answered: set[str] = set()
    for party, task in tasks.items():
        if not task.done():
            task.cancel()
            continue
        if isinstance(task.exception(), PeerError):
            continue
        shown, mirrored = task.result()
        answered.add(party)
        claims += shown
        if mirrored is not None:
            mirrors[party] = mirrored
    await asyncio.gather(*tasks.values(), return_exceptions=True)
    return Answers(asked=others, answered=frozenset(answered), claims=tuple(claims), mirrors=mirrors)


def is_quorum(node: PullingNode, answers: Answers) -> bool:
    """Whether enough other Parties answered: all, or as many as must cosign a checkpoint (C.4 item 8 (c)).

    A node that belongs to a federation and does not know yet who else does has asked nobody.
    """
    office = node.office
    known = office.trust_list()
    if known is not None and known.expires is None:
        return False
    if answers.answered.issuperset(answers.asked):
        return True
    manifests = office.keyring().manifests
    keys = {key for party in answers.answered for key in manifests[party].cosigner_keys}
    return office.witness_policy(office.party).satisfied_by(keys)


async def _decided(node: PullingNode, answers: Answers) -> Decision:
    return await asyncio.to_thread(
        acts.consider, node.office, answers.claims, is_quorum=is_quorum(node, answers), now=node.clock()
    )


async def _rebuild(node: PullingNode, answers: Answers) -> None:
    """The entries are those of the mirror that reaches furthest, of those that could be read."""
    by_reach = sorted(answers.mirrors.items(), key=lambda item: (-item[1].checkpoint.size, item[0]))
    for party, claim in by_reach:
        if await node.office.database.read(acts.agrees, node.office.party, claim.checkpoint):
            continue  # we have all that this mirror has
        try:
            async with _mirror_at(node, party) as client:
                if await fetch_entries(node, client, claim):
                    log.info("entries came back", source=party, size=claim.checkpoint.size)
                    return
        except PeerError as error:
            log.warning("a mirror of our register could not be read", party=party, problem=str(error))


async def _resume(node: PullingNode, answers: Answers) -> None:
    """What others have of our documents is here, what waited is numbered, and the register signs."""
    office, search = node.office, _search(node)
    search.left = set(_others(node)) if await office.database.read(lost.first, office.party) is not None else set()
    search.under = office.keyring().manifests[office.party]
    for party in sorted(search.left & answers.answered):
        await _documents_from(node, party)
    await asyncio.to_thread(restoration.count_chains, office)
    await asyncio.to_thread(restoration.number, office, now=node.clock())
    missing = await office.database.read(lost.count, office.party)
    if missing:
        first = await office.database.read(lost.indexes, office.party, limit=20)
        log.warning("own documents are lost unless somebody still brings them", entries=missing, first=first)


async def _documents_from(node: PullingNode, party: str) -> int:
    """The own documents that this Party has are here; it is not asked again. 0 where it did not answer."""
    search = _search(node)
    try:
        async with _mirror_at(node, party) as client:
            fetched = await fetch_documents(node, client)
    except PeerRefusedError:
        fetched = 0  # it has no mirror of our register
    except PeerError as error:
        log.warning("own documents could not be fetched", party=party, problem=str(error))
        return 0
    if search.left is not None:
        search.left.discard(party)
    return fetched


async def _ask_one(node: PullingNode, party: str, patience: Patience) -> tuple[list[Claim], Claim | None]:
    """What this Party cosigned last of our register, and how far its mirror of it reaches."""
    office = node.office
    shown: list[Claim] = []
    async with _client(node, party, "", patience) as client:
        note = await client.monitored(office.own.origin, is_signed=True)
        claim = claim_of(office, note, source=party) if note is not None else None
        if claim is not None:
            shown.append(claim)
    mirrored = None
    async with _client(node, party, mirror_prefix(office.own.origin), patience) as client:
        # Signed, and an answer to this very question: nobody in between can make the mirror smaller, or none at all.
        page = await client.feed(0, 1)
        if (page.party, page.env) != (office.party, node.config.party.environment):
            raise PeerProtocolError(f"{party} tells of a register that was not asked for", party=party)
        try:
            fetched = await client.checkpoint(None)
        except PeerRefusedError:
            fetched = None
        if fetched is not None and (mirrored := claim_of(office, fetched.note, source=party)) is not None:
            shown.append(mirrored)
    if page.size > (mirrored.checkpoint.size if mirrored is not None else 0):
        raise PeerProtocolError(f"{party} mirrors {page.size} entries of our register and shows fewer", party=party)
    return shown, mirrored


@asynccontextmanager
async def _mirror_at(node: PullingNode, party: str) -> AsyncIterator[PeerClient]:
    async with _client(node, party, mirror_prefix(node.office.own.origin), patience_of(node.config)) as client:
        yield client


def _client(node: PullingNode, party: str, prefix: str, patience: Patience) -> PeerClient:
    keyring = node.office.keyring()
    return PeerClient(
        keyring.base_urls(party)[0] + prefix,
        party,
        Identity(party=node.office.party, key_id=node.transport_kid, private_key=node.transport_key),
        answer_key=answer_keys(keyring, party, at=node.clock()),
        private_addresses=node.config.federation.private_addresses,
        patience=patience,
    )


def mirror_prefix(origin: str) -> str:
    """Below another node's federation API: where its mirror of this log is, with the paths of a log."""
    return f"mirror/{sha256(origin.encode()).hexdigest()}/"


def _others(node: PullingNode) -> tuple[str, ...]:
    keyring = node.office.keyring()
    return tuple(party for party in keyring.parties if party != node.office.party and keyring.base_urls(party))


def _search(node: PullingNode) -> _Search:
    return _SEARCHES.setdefault(node.office.database, _Search())
