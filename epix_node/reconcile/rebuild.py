"""Everything again, with the same result (ADR 34): for after a restore, a new release, or because somebody asks.

Only the numbers that cannot be quiet are followed (``store.suspects``); of all others no detector has anything to say,
and nothing is on record that could be resolved. With ``rewrite`` every number is followed, which also writes anew what
is kept beside the facts: cards, accounts, how events were matched. The result is the same as long as that is right.

It goes from stretch to stretch and page to page, each page in a transaction of its own, so that other writers wait for
a second at most, and memory does not grow with the store. Where it is ended on the way every number is either as it was
or as it should be, and doing it again does the rest. Facts that are recorded meanwhile are followed by whoever records
them.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

from epix_node.exchange.recording import Number
from epix_node.reconcile import observability, sums
from epix_node.reconcile.follow import follow
from epix_node.reconcile.page import load_page
from epix_node.reconcile.perspective import Perspective
from epix_node.store import stretches, suspects
from epix_node.store.database import Database, Session
from epix_node.store.stretches import Stretch
from epix_node.store.suspects import Limits

PAGE = 200
"""Numbers that are followed in one transaction."""

_READERS = 2
"""Threads that look for suspects, while those that were found are followed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far it has come: stretches done of all, and how many numbers were followed in them."""

    done: int
    stretches: int
    followed: int


def rebuild(
    database: Database,
    perspective: Perspective,
    *,
    now: datetime,
    rewrite: bool = False,
    tell: Callable[[Progress], None] = lambda _: None,
) -> int:
    """Bring all findings to what facts and time say now; returns how many numbers were followed.

    ``tell`` hears of each stretch of numbers that is done.
    """
    every = database.read_now(_stretches)
    limits = Limits(merge_delay=perspective.ruleset.patterns.merge_delay, today=now.astimezone(UTC).date())
    followed = 0
    with _found(database, every, limits, rewrite=rewrite) as found:
        for done, numbers in enumerate(found, start=1):
            for start in range(0, len(numbers), PAGE):
                database.write_now(_follow_page, perspective, numbers[start : start + PAGE], now)
            followed += len(numbers) + database.write_now(_settle_silences, perspective, now)
            tell(Progress(done=done, stretches=len(every), followed=followed))
    database.write_now(sums.settle_all, perspective, now=now)
    return followed


def _stretches(session: Session) -> list[Stretch]:
    return list(stretches.stretches(session))


@contextmanager
def _found(
    database: Database, every: Sequence[Stretch], limits: Limits, *, rewrite: bool
) -> Iterator[Iterator[list[Number]]]:
    """The numbers to be followed, stretch by stretch; those of the next are looked for in the meantime."""

    def look(stretch: Stretch) -> list[Number]:
        if rewrite:
            return database.read_now(stretches.numbers, stretch)
        return database.read_now(suspects.suspects, stretch, limits)

    def each(readers: ThreadPoolExecutor) -> Iterator[list[Number]]:
        ahead: deque[Future[list[Number]]] = deque()
        for stretch in every:
            ahead.append(readers.submit(look, stretch))
            if len(ahead) > _READERS:
                yield ahead.popleft().result()
        while ahead:
            yield ahead.popleft().result()

    readers = ThreadPoolExecutor(max_workers=_READERS, thread_name_prefix="suspects")
    try:
        yield each(readers)
    finally:
        readers.shutdown(wait=True, cancel_futures=True)


def _follow_page(session: Session, perspective: Perspective, numbers: Sequence[Number], now: datetime) -> None:
    page = load_page(session, perspective, numbers)
    follow(session, perspective, numbers, now=now, page=page)


def _settle_silences(session: Session, perspective: Perspective, now: datetime) -> int:
    """In one transaction with what follows from it, as at every round; returns how many numbers were followed."""
    numbers = sorted(observability.settle(session, perspective, now=now))
    follow(session, perspective, numbers, now=now)
    return len(numbers)
