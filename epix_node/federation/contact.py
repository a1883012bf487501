"""A peer that asks us something is there, whatever we thought of it: it is pulled from at the next poll (C.5)."""

from __future__ import annotations

import time
from datetime import timedelta

from epix_node.federation.turns import turns_of
from epix_node.store import peers
from epix_node.store.database import Database, Session

LOOK_EVERY = timedelta(seconds=10)
"""How often a peer that asks is looked up; that costs more than many of its questions."""


async def heard_from(database: Database, party: str) -> None:
    """This peer, whose request was authenticated just now, is left alone no longer."""
    heard, now = turns_of(database).heard, time.monotonic()
    if now - heard.get(party, float("-inf")) < LOOK_EVERY.total_seconds():
        return
    heard[party] = now
    state = await database.read(peers.state, party)
    if state is not None and (state.failures or state.backoff_until is not None):
        await database.write(reset, party)


def reset(session: Session, party: str) -> None:
    """Nothing keeps this peer from being asked; where it was never pulled from, there is nothing to do."""
    state = peers.state(session, party)
    if state is not None and (state.failures or state.backoff_until is not None):
        peers.note(session, party, failures=0, backoff_until=None)
