"""Bring another Party's register into this node.

A Party's register is an append-only log of entries without gaps, and we hold a mirror of it. For each entry its feed
says whether it concerns us, and which document it commits to. One pull is five steps, each a question to the peer
and then one transaction (C.5); before them the peer is asked whether its manifest is a newer one (C.1):

    1  the checkpoint, if it is new to us. The peer's log key signed it, for its origin; its cosignature says when.
    2  the entries between our mirror and the checkpoint, in bundles, at most 16 to a transaction. When the mirror has
       the checkpoint's size it must have its root: then the checkpoint counts (LOGGED), and the register only grew.
    3  the feed, from the cursor up to the checkpoint that counts, page by page. The documents of a page are fetched in
       batches, checked one by one outside any transaction, and recorded *together with the cursor* that passes them.
    4  what is still wanted: documents that were listed and not given, and the evidence that alerts name.
    5  that it went well, or how it went wrong and when to try again.

A crash at any point means only that a question is asked again: entries without a checkpoint do not count and are
continued, a page whose cursor did not move is asked for again, and recording is idempotent by digest. Two processes
that pull from one peer at once do no harm either (``mirror.Overtaken``).

Whom to believe what. The checkpoint for its signature; entries for the root; of the feed, that these documents
concern us, and nothing else: each document must carry a good signature and be what the mirrored entry at its index
commits to. A document that is not goes to quarantine with its reason and holds up nothing. A checkpoint that is
smaller than the one we hold is noted and ignored, since the peer may be coming back from a backup. One that
contradicts what we hold freezes the peer: nothing is taken from it until a person has looked.

A dead or slow peer delays nobody: one pull per peer at a time, eight in all, and each is given up unless it completes
a step within two minutes. How long a failing peer is left alone is in ``backoff``; it is kept in the database, in
machine time, since it is about the network and not about permits (contract 7).

Not here: the steps themselves (``visit``) and their transactions (``mirror``), whether a document is to be believed
(``exchange.ingest``), what follows from it (``reconcile``), and when pulls happen (``jobs``). Comparing checkpoints
with other nodes comes with the register issue.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from weakref import WeakKeyDictionary

import structlog
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from epix_node.acts.revocation import heed_revocations
from epix_node.clock import format_time
from epix_node.errors import (
    InputError,
    NotFoundError,
    PeerError,
    PeerProtocolError,
    PeerRefusedError,
    PeerUnreachableError,
    TrustError,
)
from epix_node.federation import trust
from epix_node.federation.backoff import Backoff, after_failure
from epix_node.federation.client import Identity, PeerClient, answer_keys
from epix_node.federation.mirror import Overtaken
from epix_node.federation.visit import Brought, PullingNode, Visit
from epix_node.store import peers
from epix_node.store.database import Database, Session
from epix_node.store.peers import PeerState
from epix_node.trust.signed_version import SignedVersion

MAX_IN_FLIGHT = 8
"""Peers pulled from at once (C.5)."""

STEP_TIMEOUT = timedelta(seconds=120)
"""A pull that completes no step for so long is given up (C.5); one that goes on may take its time."""

_ATTEMPTS = 3
"""How often a pull begins again when another process pulls from the same peer; after that the other has done it."""

_MAX_PROBLEM_CHARACTERS = 300
_NO_FAILURES = frozenset({"CLOCK_SKEW", "HTTP_404", "HTTP_409", "HTTP_410", "HTTP_422"})
"""Refusals that do not count as failures (decision 8, C.5)."""

log = structlog.get_logger("epix_node.federation")


@dataclass(frozen=True, slots=True, kw_only=True)
class PullResult:
    """What came from one peer. ``documents`` is None where the pull did not reach its end; ``problem`` says why."""

    party: str
    documents: int | None
    quarantined: int = 0
    leaves: int = 0
    problem: str | None = None


def followed(node: PullingNode) -> tuple[str, ...]:
    """The peers that this node pulls from: all in its trust list, or those of ``[federation] follow``."""
    return tuple(
        party
        for party in node.office.keyring().parties
        if party != node.office.party and node.config.federation.follows(party)
    )


async def pull_all(
    node: PullingNode, parties: Collection[str] | None = None, *, ignore_backoff: bool = False
) -> dict[str, PullResult]:
    """Pull from these peers, by default from all that this node follows, at the same time."""
    chosen = followed(node) if parties is None else tuple(parties)
    results = await asyncio.gather(*(pull(node, party, ignore_backoff=ignore_backoff) for party in chosen))
    return {result.party: result for result in results}


async def pull(node: PullingNode, party: str, *, ignore_backoff: bool = False) -> PullResult:
    """Bring everything new of this peer here; what goes wrong with the peer is in the result, not raised.

    A peer that failed is not asked before its time, unless ``ignore_backoff``; a frozen one never is.

    Raises:
        NotFoundError: no such peer.
    """
    turns = _TURNS.setdefault(node.office.database, _Turns())
    async with turns.of(party), turns.slots:
        if party == node.office.party or not node.office.keyring().base_urls(party):
            raise NotFoundError(f"there is no peer {party}")
        state = await node.office.database.read(peers.state, party)
        if state is None:
            state = await node.office.database.write(peers.meet, party, now=node.clock())
        if state.frozen is not None:
            return PullResult(party=party, documents=None, problem=f"frozen: {state.frozen}")
        if state.backoff_until is not None and not ignore_backoff and not _backoff(state).is_due(node.clock()):
            until = format_time(state.backoff_until.replace(microsecond=0))
            return PullResult(party=party, documents=None, problem=f"left alone until {until}: {state.last_error}")
        return await _Pull(node, party, verifying=turns.verifying).run()


class _Turns:
    """Whose turn it is within one process: one pull per peer, eight in all, one thread that verifies.

    Two verifying threads are slower than one (``architecture.md`` 1.1).
    """

    def __init__(self) -> None:
        self.slots = asyncio.Semaphore(MAX_IN_FLIGHT)
        self.verifying = asyncio.Lock()
        self._peers: dict[str, asyncio.Lock] = {}

    def of(self, party: str) -> asyncio.Lock:
        return self._peers.setdefault(party, asyncio.Lock())


_TURNS: WeakKeyDictionary[Database, _Turns] = WeakKeyDictionary()
"""By database, since that is what the pulls of one node share; gone with it."""


class _Pull:
    """One pull: a visit, its time limit, and what becomes of it."""

    def __init__(self, node: PullingNode, party: str, *, verifying: asyncio.Lock) -> None:
        self._node = node
        self._party = party
        self._verifying = verifying
        self._brought = Brought()
        self._retry_after: timedelta | None = None
        self._clock_ahead: timedelta | None = None
        self._refusal: str | None = None
        """Why the peer's newest manifest was not taken."""
        self._deadline = asyncio.timeout(None)

    async def run(self) -> PullResult:
        database = self._node.office.database
        try:
            async with asyncio.timeout(STEP_TIMEOUT.total_seconds()) as self._deadline:
                await self._somewhere()
        except TimeoutError:
            message = f"{self._party} completed no step within {STEP_TIMEOUT.seconds} s"
            return await self._failed(PeerUnreachableError(message, party=self._party))
        except PeerError as error:
            return await self._failed(error)
        rollback, refusal = self._brought.rollback, self._refusal
        before = await database.write(
            _note_answer,
            self._party,
            rollback,
            refusal=refusal,
            clock_ahead=self._clock_ahead,
            now=self._node.clock(),
        )
        if before.failures:
            log.info("peer recovered", party=self._party, failures=before.failures)
        if rollback is not None and before.last_error != rollback:
            log.warning("peer came back with less", party=self._party, problem=rollback)
        elif refusal is not None and before.last_error != refusal:
            log.warning("newer manifest of a peer refused", party=self._party, problem=refusal)
        return self._result(self._brought.documents, rollback or refusal)

    async def _somewhere(self) -> None:
        """Visit the peer at the first of its base URLs where it answers."""
        bases = self._node.office.keyring().base_urls(self._party)
        for base in bases:
            try:
                await self._at(base)
            except PeerUnreachableError:
                if base == bases[-1]:
                    raise
            else:
                return

    async def _at(self, base: str) -> None:
        node = self._node
        identity = Identity(party=node.office.party, key_id=node.transport_kid, private_key=node.transport_key)
        async with PeerClient(
            base,
            self._party,
            identity,
            answer_key=self._answer_key,
            private_addresses=node.config.federation.private_addresses,
        ) as client:
            visit = Visit(
                node=node,
                party=self._party,
                client=client,
                verifying=self._verifying,
                brought=self._brought,
                step_completed=self._step_completed,
            )
            try:
                await self._newer_manifest(client)
                for _ in range(_ATTEMPTS):
                    try:
                        await visit.run()
                    except Overtaken:
                        log.debug("another pull of this peer was quicker", party=self._party)
                    else:
                        return
            finally:
                self._retry_after = client.retry_after
                self._clock_ahead = client.clock_ahead

    def _answer_key(self, key_id: str) -> Ed25519PublicKey | None:
        """As the keyring is when the answer comes: the visit may have brought newer keys."""
        return answer_keys(self._node.office.keyring(), self._party, at=self._node.clock())(key_id)

    async def _newer_manifest(self, client: PeerClient) -> None:
        """A newer version of the peer's role is taken from the peer itself, so that it needs nobody's help (C.1)."""
        known = self._node.office.trust_list()
        entry = known.parties.get(self._party) if known is not None else None
        if known is None:
            return
        held = SignedVersion(role=entry.role, manifest_file=entry.manifest_file).party_file() if entry else None
        try:
            file = await client.party_file(held)
            if file is None:
                return
            if await self._node.office.database.write(trust.take, self._party, file, now=self._node.clock_itself()):
                log.info("trust changed", parties=[self._party], source="the Party's own node")
                await asyncio.to_thread(heed_revocations, self._node.office, now=self._node.clock())
        except (TrustError, InputError, PeerRefusedError, PeerProtocolError) as error:
            # The register and the documents are judged under the keys that are held.
            self._refusal = str(error)[:_MAX_PROBLEM_CHARACTERS]

    def _step_completed(self) -> None:
        self._deadline.reschedule(asyncio.get_running_loop().time() + STEP_TIMEOUT.total_seconds())

    async def _failed(self, error: PeerError) -> PullResult:
        counts = not (isinstance(error, PeerRefusedError) and error.code in _NO_FAILURES)
        problem = str(error)[:_MAX_PROBLEM_CHARACTERS]
        before = await self._node.office.database.write(
            _note_failure,
            self._party,
            problem,
            counts=counts,
            retry_after=self._retry_after,
            now=self._node.clock(),
        )
        if counts and before.failures == 0:
            log.warning("peer started failing", party=self._party, code=error.code, problem=problem)
        return self._result(None, problem)

    def _result(self, documents: int | None, problem: str | None) -> PullResult:
        return PullResult(
            party=self._party,
            documents=documents,
            quarantined=self._brought.quarantined,
            leaves=self._brought.leaves,
            problem=problem,
        )


def _backoff(state: PeerState) -> Backoff:
    return Backoff(failures=state.failures, until=state.backoff_until)


def _note_answer(
    session: Session,
    party: str,
    problem: str | None,
    *,
    refusal: str | None,
    clock_ahead: timedelta | None,
    now: datetime,
) -> PeerState:
    """The peer answered; returns how it stood before. A suspected rollback is no success, but no failure either."""
    before = _state(session, party)
    peers.note(session, party, failures=0, backoff_until=None, last_error=problem or refusal, clock_ahead=clock_ahead)
    if problem is None:
        peers.note(session, party, last_success=now)
    return before


def _note_failure(
    session: Session, party: str, problem: str, *, counts: bool, retry_after: timedelta | None, now: datetime
) -> PeerState:
    """The failure is remembered, with the time before which the peer is left alone; returns how it stood before."""
    before = _state(session, party)
    peers.note(session, party, last_error=problem)
    if counts:
        after = after_failure(_backoff(before), now=now, random=random.random, retry_after=retry_after)
        peers.note(session, party, failures=after.failures, backoff_until=after.until)
    return before


def _state(session: Session, party: str) -> PeerState:
    state = peers.state(session, party)
    if state is None:
        raise NotFoundError(f"{party} is no peer any more")
    return state
