"""What the national handlers share while the application runs: the acts lane, and point reads with their caches.

The caches hold who a token belongs to and how far each issuer's register is known. Both are dropped as soon as any
other connection commits anything, in this process or another (``PointReader.version``), so a removed client is out
with the next request.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from typing import NamedTuple

from aiohttp import web

from epix_node.clock import Clock
from epix_node.node import Node
from epix_node.permit.answer import Freshness, Grade, ImportAfterExpiry, Policy, Watermark
from epix_node.store.answers import PointReader, RegisterMark
from epix_node.store.clients import Client
from epix_node.web.lane import Lane

MAX_ISSUERS = 1000
"""How many issuers' watermarks are kept; there are some 250 codes, but anybody can ask for nonsense."""


_MINUTE = timedelta(minutes=1)
_NEVER = datetime(1, 1, 1, tzinfo=UTC)


class Horizon(NamedTuple):
    """How far this node sees an issuer's register. ``time`` of the own one is whenever the question is asked."""

    authoritative: bool
    origin: str | None
    size: int | None
    time: datetime | None
    trusted: tuple[datetime, datetime] | None = None
    """Before the first moment the keys of the issuer's Party are FRESH, before the second STALE; None: EXPIRED."""
    disputed: bool = False
    """Whether the register contradicted itself (``store.peers.is_disputed``)."""

    def watermark(self, now: datetime) -> Watermark:
        """As an answer states it."""
        return Watermark(origin=self.origin, size=self.size, time=now if self.authoritative else self.time)

    def mirror(self, policy: Policy, now: datetime) -> Freshness:
        """How fresh what is known of the register is."""
        if self.authoritative or self.origin is None:
            return Freshness.FRESH
        return policy.freshness(self.time, now=now)

    def trust(self, now: datetime) -> Freshness:
        """How sure the keys are; ``now`` is not before the clock floor. The same as ``acts.look.trust_in``."""
        if self.authoritative:
            return Freshness.FRESH
        if self.trusted is None or now >= self.trusted[1]:
            return Freshness.EXPIRED
        return Freshness.FRESH if now < self.trusted[0] else Freshness.STALE


class Desk:
    """One per application. Everything but ``lane.run`` is called in the event loop."""

    def __init__(self, node: Node, reader: PointReader, lane: Lane) -> None:
        self.node = node
        self.office = node.office
        self.policy = policy_of(node)
        self.lane = lane
        self.reader = reader
        self._clock: Clock = node.clock
        self._version: object = None
        self._minute = (_NEVER, _NEVER, _NEVER.date())
        self.clients: dict[str, Client] = {}
        """Callers by their header ``Authorization``, as ``access`` found them."""
        self._innocent: set[str] = set()
        self._horizons: dict[str, Horizon] = {}
        self._marks: dict[str, RegisterMark | None] = {}

    def now(self) -> datetime:
        """The node's time; read once per request."""
        return self._clock()

    def today(self, now: datetime) -> date:
        """The calendar day in the answering node's zone (contract 1)."""
        begins, ends, day = self._minute
        if not begins <= now < ends:
            # Days begin, and clocks are put forward and back, on a whole minute.
            begins, day = now.replace(second=0, microsecond=0), self.office.today(now)
            self._minute = (begins, begins + _MINUTE, day)
        return day

    def refresh(self) -> None:
        """Drop what was cached if anything was committed since."""
        version = self.reader.version()
        if version != self._version:
            self._version = version
            self.clients.clear()
            self._innocent.clear()
            self._horizons.clear()
            self._marks.clear()

    def wrong_proofs(self, client: str, *, issuer: str, number: str, now: datetime) -> tuple[int, int]:
        """How many wrong proofs the client showed within the hour: for this number, and in all."""
        self.refresh()
        if client in self._innocent:  # time alone adds none
            return 0, 0
        counted = self.reader.wrong_proofs(client, issuer=issuer, number=number, now=now)
        if counted == (0, 0):
            self._innocent.add(client)
        return counted

    def horizon(self, issuer: str) -> Horizon:
        """How far the issuer's register is known here; the same as ``acts.look.watermark_of``."""
        self.refresh()  # there may have been a commit since the caller was admitted, and the caller's own was one
        known = self._horizons.get(issuer)
        if known is None:
            if len(self._horizons) >= MAX_ISSUERS:
                self._horizons.clear()
            known = self._horizons[issuer] = self._look_out(issuer)
        return known

    def grade(self, party: str, index: int | None) -> Grade:
        """How well the entry of this Party's register is proved; the same as ``acts.look.grade_of``."""
        mark = self._mark(party)
        if mark is None:
            return Grade.UNLOGGED
        return Grade.of(index, witnessed=mark.witnessed_size, logged=mark.checkpoint_size)

    def _mark(self, party: str) -> RegisterMark | None:
        """How far this Party's register is held, as of the last ``refresh``."""
        if party not in self._marks:
            self._marks[party] = self.reader.register(party)
        return self._marks[party]

    def _look_out(self, issuer: str) -> Horizon:
        keyring = self.office.keyring()
        party = keyring.speaker_for(issuer)
        if party is None:
            return Horizon(authoritative=False, origin=None, size=None, time=None)
        known = self.office.trust_list()
        trusted = known.party_ends(party) if known is not None else None
        mark, origin = self._mark(party), keyring.origin(party)
        disputed = self.reader.is_disputed(party, origin)
        if party == self.office.party:
            size = mark.size if mark is not None else 0
            return Horizon(authoritative=True, origin=self.office.own.origin, size=size, time=None, disputed=disputed)
        if mark is None:
            return Horizon(authoritative=False, origin=origin, size=0, time=None, trusted=trusted, disputed=disputed)
        return Horizon(
            authoritative=False,
            origin=mark.origin,
            size=mark.checkpoint_size,
            time=mark.cosigned_at,
            trusted=trusted,
            disputed=disputed,
        )


DESK = web.AppKey("desk", Desk)


@contextmanager
def open_desk(node: Node) -> Iterator[Desk]:
    """The desk, until the block ends; an act in progress is finished first."""
    reader = PointReader(node.database.point_reader())
    lane = Lane()
    try:
        yield Desk(node, reader, lane)
    finally:
        lane.close()
        reader.close()


def policy_of(node: Node) -> Policy:
    """The settings that an answer depends on."""
    config = node.config
    return Policy(
        import_after_expiry=ImportAfterExpiry(config.party.import_after_expiry),
        mirror_fresh=config.freshness.mirror_fresh,
        mirror_stale=config.freshness.mirror_stale,
        max_merge_delay=config.freshness.max_merge_delay,
    )
