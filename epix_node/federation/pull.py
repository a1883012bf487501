"""Bring another Party's register into this node.

A Party's register is an append-only log of entries without gaps, and we hold a mirror of it. For each entry its feed
says whether it concerns us, and which document it commits to. One pull is six steps, each a question to the peer
and then one transaction (C.5); before them the peer is asked whether its manifest is a newer one (C.1):

    1  the checkpoint, if it is new to us. The peer's log key signed it, for its origin; its cosignatures say when, and
       whether a quorum of witnesses saw it (WITNESSED).
    2  the tiles, which show that the register only grew since the checkpoint we hold, and then the entries, in bundles
       that the tiles vouch for. When the mirror has the checkpoint's size, the checkpoint counts (LOGGED).
    3  what the peer holds of other Parties' registers, compared with our mirrors (C.4 item 10).
    4  the feed, from the cursor up to the checkpoint that counts, page by page. The documents of a page are fetched in
       batches, checked one by one outside any transaction, and recorded *together with the cursor* that passes them.
    5  what is still wanted: documents that were listed and not given, and the evidence that alerts name.
    6  that it went well, or how it went wrong and when to try again.

A crash at any point means only that a question is asked again: entries without a checkpoint do not count and are
continued, a page whose cursor did not move is asked for again, and recording is idempotent by digest. Two processes
that pull from one peer at once do no harm either (``mirror.Overtaken``).

Whom to believe what. The checkpoint for its signature; tiles and entries for the root; of the feed, that these
documents concern us, and nothing else: each document must carry a good signature and be what the mirrored entry at its
index commits to. A document that is not goes to quarantine with its reason and holds up nothing. A checkpoint that is
smaller than the one we hold is noted and ignored, since the peer may be coming back from a backup. One that
contradicts what we hold freezes the peer: nothing is taken from it until a person has looked.

A dead or slow peer delays nobody: one pull per peer at a time, eight in all, and each is given up unless it completes
a step within two minutes. Where no connection could be made, or a proxy says that nobody is behind it, the pull is
tried again after 2, 5 and 10 seconds; how long a failing peer is left alone then is in ``backoff``. That is kept in the
database, in machine time, since it is about the network and not about permits (contract 7). A peer that asks us
something is there: it is left alone no longer.

Not here: the steps themselves (``register_visit``, ``gossip``, ``document_visit``) and their transactions (``mirror``),
whether a document is to be believed (``exchange.ingest``), what follows from it (``reconcile``), and when pulls happen
(``jobs``).
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Callable, Collection
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta

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
from epix_node.federation import gossip, mirror, trust
from epix_node.federation.backoff import Alarm, Backoff, Circuit, after_failure, alarm_of
from epix_node.federation.client import NOT_CONNECTED, Identity, PeerClient, answer_keys
from epix_node.federation.document_visit import take_documents
from epix_node.federation.mirror import Overtaken
from epix_node.federation.patience import Patience, patience_of
from epix_node.federation.register_visit import take_register
from epix_node.federation.turns import Turns, sleep, turns_of
from epix_node.federation.visit import Brought, PullingNode, Visit
from epix_node.store import peers
from epix_node.store.database import Session
from epix_node.store.peers import PeerState
from epix_node.trust.signed_version import SignedVersion

_ATTEMPTS = 3
"""How often a pull begins again when another process pulls from the same peer; after that the other has done it."""

_MAX_PROBLEM_CHARACTERS = 300
_NO_FAILURES = frozenset({"CLOCK_SKEW", "HTTP_404", "HTTP_409", "HTTP_410", "HTTP_422"})
"""Refusals that do not count as failures (decision 8, C.5)."""

_PASSING = frozenset({NOT_CONNECTED, "HTTP_502", "HTTP_503", "HTTP_504"})
"""Troubles that a few seconds may end: a node or its proxy that is being started again (C.5)."""

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
    node: PullingNode,
    parties: Collection[str] | None = None,
    *,
    ignore_backoff: bool = False,
    progress: Callable[[], None] = lambda: None,
) -> dict[str, PullResult]:
    """Pull from these peers, by default from all that this node follows, at the same time.

    Whatever goes wrong with one of them, a mistake of ours included, is in its result and keeps nobody from the others.
    """
    chosen = followed(node) if parties is None else tuple(parties)

    async def one(party: str) -> PullResult:
        try:
            return await pull(node, party, ignore_backoff=ignore_backoff, progress=progress)
        except NotFoundError as error:  # removed meanwhile
            return PullResult(party=party, documents=None, problem=str(error))
        except Exception as error:  # the last line of defence of the others' pulls; a person reads why
            log.exception("pull failed", party=party)
            return PullResult(party=party, documents=None, problem=f"unexpected: {type(error).__name__}")

    return {result.party: result for result in await asyncio.gather(*map(one, chosen))}


async def pull(
    node: PullingNode,
    party: str,
    *,
    ignore_backoff: bool = False,
    progress: Callable[[], None] = lambda: None,
) -> PullResult:
    """Bring everything new of this peer here; what goes wrong with the peer is in the result, not raised.

    A peer that failed is not asked before its time, unless ``ignore_backoff``; a frozen one for its manifest alone. Who
    ignores it waits for the answer, so that nothing is tried again either. ``progress`` is called after every step.

    Raises:
        NotFoundError: no such peer.
    """
    turns = turns_of(node.office.database)
    async with turns.of(party), turns.slots:
        if party == node.office.party or not node.office.keyring().base_urls(party):
            raise NotFoundError(f"there is no peer {party}")
        state = await node.office.database.read(peers.state, party)
        if state is None:
            state = await node.office.database.write(peers.meet, party, now=node.clock())
        patience = patience_of(node.config)
        if state.frozen is not None:
            await _Pull(node, party, turns, patience, progress).look_for_successor()
            state = await node.office.database.read(peers.state, party) or state
        if state.frozen is not None:
            return PullResult(party=party, documents=None, problem=f"frozen: {state.frozen}")
        now, backoff = node.clock(), _backoff(state)
        if state.backoff_until is not None and not ignore_backoff and not backoff.is_due(now):
            until = format_time(state.backoff_until.replace(microsecond=0))
            return PullResult(party=party, documents=None, problem=f"left alone until {until}: {state.last_error}")
        # Half-open is one probe (C.5): a peer that failed for long is asked once and no more.
        is_once = ignore_backoff or backoff.circuit(now) is Circuit.HALF_OPEN
        pulling = _Pull(node, party, turns, patience, progress)
        return await pulling.run(retries=() if is_once else patience.retries)


class _Pull:
    """One pull: a visit, its time limit, and what becomes of it. It is the visit's ``Pace``."""

    def __init__(
        self, node: PullingNode, party: str, turns: Turns, patience: Patience, progress: Callable[[], None]
    ) -> None:
        self._node = node
        self._party = party
        self._turns = turns
        self._patience = patience
        self._progress = progress
        self._brought = Brought()
        self._retry_after: timedelta | None = None
        self._clock_ahead: timedelta | None = None
        self._refusal: str | None = None
        """Why the peer's newest manifest was not taken."""
        self._deadline = asyncio.timeout(None)

    async def run(self, *, retries: Collection[timedelta]) -> PullResult:
        """Visit the peer, again after each of these pauses while there is only a passing trouble."""
        try:
            async with asyncio.timeout(self._patience.step.total_seconds()) as self._deadline:
                await self._persistently(retries)
        except TimeoutError:
            message = f"{self._party} completed no step within {self._patience.step.seconds} s"
            return await self._failed(PeerUnreachableError(message, party=self._party))
        except PeerError as error:
            return await self._failed(error)
        rollback, refusal = self._brought.rollback, self._refusal
        before = await self._node.office.database.write(
            _note_answer,
            self._party,
            rollback,
            refusal=refusal,
            clock_ahead=self._clock_ahead,
            now=self._node.clock(),
        )
        self._turns.alarms.pop(self._party, None)
        if before.failures:
            log.info("peer recovered", party=self._party, failures=before.failures)
        if rollback is not None and before.last_error != rollback:
            log.warning("peer came back with less", party=self._party, problem=rollback)
        elif refusal is not None and before.last_error != refusal:
            log.warning("newer manifest of a peer refused", party=self._party, problem=refusal)
        return self._result(self._brought.documents, rollback or refusal)

    async def look_for_successor(self) -> None:
        """A frozen peer is asked for nothing but its newest manifest, which may name another register.

        Raises nothing that the peer or the network can cause.
        """
        try:
            async with asyncio.timeout(self._patience.step.total_seconds()):
                await self._somewhere(only_manifest=True)
        except (TimeoutError, PeerError) as error:
            log.debug("a frozen peer does not answer", party=self._party, problem=type(error).__name__)

    def step_completed(self) -> None:
        """As ``Pace`` says."""
        limit = asyncio.get_running_loop().time() + self._patience.step.total_seconds()
        self._deadline.reschedule(limit)
        self._progress()

    @asynccontextmanager
    async def catching_up(self) -> AsyncIterator[None]:
        """As ``Pace`` says."""
        self._deadline.reschedule(None)
        async with self._turns.catching_up(apart=self._patience.between_catch_ups):
            self.step_completed()
            yield

    async def _persistently(self, retries: Collection[timedelta]) -> None:
        for pause in retries:
            try:
                await self._somewhere()
            except PeerUnreachableError as error:
                if error.code not in _PASSING or self._retry_after is not None:
                    raise
            else:
                return
            await sleep(pause.total_seconds())
        await self._somewhere()

    async def _somewhere(self, *, only_manifest: bool = False) -> None:
        """Visit the peer at the first of its base URLs where it answers."""
        bases = self._node.office.keyring().base_urls(self._party)
        for base in bases:
            try:
                await self._at(base, only_manifest=only_manifest)
            except PeerUnreachableError:
                if base == bases[-1]:
                    raise
            else:
                return

    async def _at(self, base: str, *, only_manifest: bool) -> None:
        node = self._node
        identity = Identity(party=node.office.party, key_id=node.transport_kid, private_key=node.transport_key)
        async with PeerClient(
            base,
            self._party,
            identity,
            answer_key=self._answer_key,
            private_addresses=node.config.federation.private_addresses,
            patience=self._patience,
        ) as client:
            visit = Visit(
                node=node,
                party=self._party,
                client=client,
                verifying=self._turns.verifying,
                brought=self._brought,
                pace=self,
            )
            try:
                await self._newer_manifest(client)
                await self._follow_register()
                if only_manifest:
                    return
                for _ in range(_ATTEMPTS):
                    try:
                        await self._everything(visit)
                    except Overtaken:
                        log.debug("another pull of this peer was quicker", party=self._party)
                    else:
                        return
            finally:
                self._retry_after = client.retry_after
                self._clock_ahead = client.clock_ahead

    async def _everything(self, visit: Visit) -> None:
        """Everything that the peer has for us is here."""
        await take_register(visit)
        await gossip.compare(self._node, self._party, visit.client)
        if self._brought.rollback is None and not await self._is_frozen():
            await take_documents(visit)

    async def _is_frozen(self) -> bool:
        """Whether what others hold of this peer's register just convicted it."""
        state = await self._node.office.database.read(peers.state, self._party)
        return state is not None and state.frozen is not None

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

    async def _follow_register(self) -> None:
        """Where the Party's manifest names a successor of the register that is mirrored here, that is mirrored."""
        manifest = self._node.office.keyring().manifests.get(self._party)
        if manifest is None or not manifest.log.former:
            return
        ended = await self._node.office.database.write(mirror.follow, self._party, manifest.log)
        if ended is not None:
            log.warning("a peer began another register", party=self._party, ended=ended, register=manifest.log.origin)

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
        if counts:
            self._raise_alarm(before, problem)
        return self._result(None, problem)

    def _raise_alarm(self, state: PeerState, problem: str) -> None:
        """Said once at each level (C.5): a peer is never given up, but people should know."""
        level = alarm_of(state.silent_since, failures=state.failures + 1, now=self._node.clock())
        if level is None or self._turns.alarms.get(self._party) is level:
            return
        self._turns.alarms[self._party] = level
        say = log.error if level is Alarm.PAGE else log.warning
        say("peer does not answer", party=self._party, alarm=level.value, problem=problem)

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
