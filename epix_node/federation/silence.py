"""Who did not answer outside of a pull, and how long they are left alone: the memory of one process.

A node that pulling reached since is there again, however long it would have been left alone otherwise (C.5, "Reset").
"""

from __future__ import annotations

import random
from collections.abc import Iterable
from datetime import datetime

from epix_node.federation.backoff import Backoff, after_failure
from epix_node.store.peers import PeerState


class Silence:
    """Back-off by Party. Used in the event loop only."""

    def __init__(self) -> None:
        self._silent: dict[str, tuple[Backoff, datetime]] = {}

    def due(self, parties: Iterable[str], states: Iterable[PeerState], *, now: datetime) -> list[str]:
        """Those of these Parties that may be asked now; ``states`` say when each was pulled from last."""
        reached = {state.party: state.last_success for state in states}
        return [party for party in parties if self._is_due(party, reached.get(party), now=now)]

    def _is_due(self, party: str, reached: datetime | None, *, now: datetime) -> bool:
        backoff, failed_at = self._silent.get(party, (None, None))
        if backoff is None or failed_at is None or backoff.is_due(now):
            return True
        return reached is not None and reached > failed_at

    def failed(self, party: str, *, now: datetime) -> bool:
        """This Party did not answer; whether that is the first time since it last did."""
        before, _ = self._silent.get(party, (Backoff(), now))
        self._silent[party] = (after_failure(before, now=now, random=random.random), now)
        return before.failures == 0

    def answered(self, party: str) -> None:
        """This Party is there."""
        self._silent.pop(party, None)
