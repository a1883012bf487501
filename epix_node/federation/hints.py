"""Tell other nodes that there is something new for them, so that they ask within seconds (decision 11).

What is new is read from the database, since another process may have written it: the documents under the published
checkpoint since the last look, and the own manifest. A document concerns the Parties that it is addressed to; a new
manifest, which may revoke a key, all of them. A hint is a courtesy: who does not get it asks by itself within a minute,
so that nobody waits for it, and no failure means anything.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from datetime import timedelta

import structlog

from epix_node.federation.client import PeerClient
from epix_node.federation.correspondence import ask_each
from epix_node.federation.visit import PullingNode
from epix_node.store import documents, register
from epix_node.store.database import Session

HINT_INTERVAL = timedelta(seconds=10)
"""One peer is hinted at most once in this time, and takes no more (C.2)."""

HINT_WITHIN = timedelta(seconds=5)
"""Longest wait for one peer."""

log = structlog.get_logger("epix_node.federation")


class Hints:
    """Who has not been told yet. What was there when this was made is news to nobody: peers poll."""

    def __init__(self, node: PullingNode, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._node = node
        self._monotonic = monotonic
        self._seen: tuple[int, int | None] | None = None
        """The size of the own register and the number of the own manifest, at the last look."""
        self._owed: set[str] = set()
        self._told_at: dict[str, float] = {}

    async def tell(self) -> int:
        """Every peer for which there is news was told, unless it was just told; returns how many took the hint."""
        size = await self._look()
        now = self._monotonic()
        due = {party for party in self._owed if now - self._told_at.get(party, float("-inf")) >= _INTERVAL_SECONDS}
        if not due:
            return 0
        self._owed -= due
        self._told_at |= dict.fromkeys(due, now)

        async def hint(client: PeerClient) -> bool:
            await client.hint(size)
            return True

        answers = await ask_each(self._node, sorted(due), hint, within=HINT_WITHIN)
        taken = sum(answer is True for answer in answers.values())
        log.debug("hinted", parties=sorted(due), taken=taken)
        return taken

    async def _look(self) -> int:
        """Note whom the news since the last look concerns; returns the size of the own register."""
        office = self._node.office
        keyring = office.keyring()
        others = set(keyring.parties) - {office.party}
        seq = keyring.manifests[office.party].seq if office.party in keyring.manifests else None
        before = self._seen
        size, codes = await office.database.read(_news, office.party, before[0] if before is not None else None)
        if before is not None:
            self._owed |= others if seq != before[1] else _speakers(codes, keyring.speaker_for) & others
        self._owed &= others
        self._seen = size, seq
        return size


_INTERVAL_SECONDS = HINT_INTERVAL.total_seconds()


def _news(session: Session, party: str, since: int | None) -> tuple[int, set[str]]:
    """The size of the own published register, and to which codes its documents from ``since`` on are addressed."""
    held = register.state(session, party)
    size = held.checkpoint_size if held is not None else 0
    if since is None or since >= size:
        return size, set()
    return size, documents.addressed(session, party, start=since, end=size)


def _speakers(codes: Iterable[str], speaker_for: Callable[[str], str | None]) -> set[str]:
    return {party for code in codes if (party := speaker_for(code)) is not None}
