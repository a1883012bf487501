"""A revocation may come before, between or after the documents that it ends: cards and findings are the same.

The histories of `test_any_order`, each document signed by one of two keys of its Party and proven when its register
took it. Some keys are revoked, some in two steps, the second with an earlier time.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from random import Random
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from epix_node.reconcile.follow import revisit
from epix_node.reconcile.revocation import settle
from epix_node.store import revocations
from epix_node.store.arrival import Arrival
from epix_node.store.database import Database
from epix_node.store.revocations import RevokedKey
from tests.acts.conftest import START
from tests.reconcile.everything import reconcile_all
from tests.reconcile.test_any_order import (
    END,
    PERSPECTIVE,
    STEPS,
    _everything,
    deliver,
    history,
    seen,
    shuffled,
    store,
)

KIDS = [f"{party}{n}" for party in ("XA", "XB", "XC") for n in (0, 1)]
HOURS = st.integers(0, 24 * 14)
REVOCATIONS = st.lists(
    st.builds(
        lambda kid, hours: RevokedKey(
            kid=kid, party=kid[:2], invalid_since=None if hours is None else START + timedelta(hours=hours)
        ),
        st.sampled_from(KIDS),
        st.one_of(HOURS, HOURS, HOURS, st.none()),
    ),
    min_size=1,
    max_size=4,
)


def signed(told: Sequence[Arrival], random: Random) -> list[Arrival]:
    """Each document by one of its Party's two keys, and provably as old as its entry."""
    return [replace(a, signed_by=f"{a.source.party}{random.randint(0, 1)}", proven_at=a.source.at) for a in told]


def revoke(database: Database, key: RevokedKey) -> None:
    database.write_now(revocations.note, [key])
    settle(database, PERSPECTIVE, now=END)


@settings(max_examples=8, deadline=None)
@given(
    steps=st.lists(STEPS, min_size=4, max_size=14),
    revoked=REVOCATIONS,
    random=st.randoms(use_true_random=False),
)
def test_the_order_of_documents_and_revocations_changes_nothing(
    steps: list[tuple[str, Any, Any]], revoked: list[RevokedKey], random: Random
) -> None:
    """Known from the start; known at the end; and anywhere in between, page by page."""
    told = signed(history([("permit", 0, None), ("permit", 3, None), *steps]), random)
    with store() as first, store() as last, store() as mixed:
        for key in revoked:
            revoke(first, key)
        for arrival in told:
            deliver(first, [arrival], arrival.source.at)
        first.write_now(revisit, PERSPECTIVE, now=END)
        expected = seen(first)

        for arrival in told:
            deliver(last, [arrival], arrival.source.at)
        for key in random.sample(revoked, len(revoked)):
            revoke(last, key)
        last.write_now(revisit, PERSPECTIVE, now=END)
        assert seen(last) == expected

        things: list[Any] = [*shuffled(told, random), *revoked]
        for thing in random.sample(things, len(things)):
            if isinstance(thing, RevokedKey):
                revoke(mixed, thing)
            else:
                deliver(mixed, thing, END)
        mixed.write_now(revisit, PERSPECTIVE, now=END)
        assert seen(mixed) == expected

        before = mixed.read_now(_everything)
        mixed.write_now(reconcile_all, PERSPECTIVE, now=END)
        assert mixed.read_now(_everything) == before
        for key in revoked:
            revoke(mixed, key)
        assert mixed.read_now(_everything) == before
