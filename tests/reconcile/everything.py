"""Everything again in one transaction, number by number and without any filter: what a rebuild is compared with."""

from __future__ import annotations

from datetime import datetime

from epix_node.reconcile import observability, sums
from epix_node.reconcile.follow import follow
from epix_node.reconcile.perspective import Perspective
from epix_node.store import stretches
from epix_node.store.database import Session


def reconcile_all(session: Session, perspective: Perspective, *, now: datetime) -> int:
    """Everything again, with the same result; returns how many numbers were looked at."""
    numbers = [n for stretch in stretches.stretches(session) for n in stretches.numbers(session, stretch)]
    follow(session, perspective, numbers, now=now)
    follow(session, perspective, observability.settle(session, perspective, now=now), now=now)
    sums.settle_all(session, perspective, now=now)
    return len(numbers)
