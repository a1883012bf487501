"""The acts lane: one act at a time, finished or not begun."""

from __future__ import annotations

import asyncio
import threading
from dataclasses import dataclass, field
from datetime import UTC, datetime

import pytest

from epix_node.errors import StoreError
from epix_node.web.lane import Lane

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


async def test_acts_run_one_after_another_in_one_thread():
    """However many are asked for at once; what an act raises comes to whoever asked for it."""
    lane = Lane()
    running, most, threads = 0, 0, set()

    def act(number: int) -> int:
        nonlocal running, most
        running += 1
        most = max(most, running)
        threads.add(threading.get_ident())
        running -= 1
        if number == 7:
            raise ValueError(number)
        return number

    done = await asyncio.gather(*(lane.run(act, n) for n in range(20)), return_exceptions=True)
    assert (most, len(threads)) == (1, 1)
    assert threads != {threading.get_ident()}
    assert [one for one in done if not isinstance(one, ValueError)] == [n for n in range(20) if n != 7]
    lane.close()


async def test_an_act_that_has_begun_is_finished_although_nobody_waits():
    """Cancelling the caller takes nothing back."""
    lane = Lane()
    begun, go_on, finished = threading.Event(), threading.Event(), threading.Event()

    def act() -> None:
        begun.set()
        go_on.wait(5)
        finished.set()

    task = asyncio.create_task(lane.run(act))
    await asyncio.to_thread(begun.wait, 5)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    go_on.set()
    lane.close()
    assert finished.is_set()


@dataclass(frozen=True)
class EnteringOffice:
    """What the lane uses of an office; ``covered`` says how many entries each signed checkpoint was over."""

    entries: list[int] = field(default_factory=list)
    covered: list[int] = field(default_factory=list)
    fails: list[str] = field(default_factory=list)
    sign_later: object = None

    @property
    def sequencer(self) -> EnteringOffice:
        return self

    def publish(self, *, now: datetime) -> None:
        assert now == NOW
        if self.fails:
            raise StoreError(self.fails.pop())
        self.covered.append(len(self.entries))


def entered(office: EnteringOffice, number: int, *, then: Exception | None = None) -> int:
    office.entries.append(number)
    office.sign_later(NOW)
    if then is not None:
        raise then
    return number


async def test_acts_that_wait_at_the_same_time_share_one_signature():
    """Those that come while one is at work enter before it is signed; each is answered once it is covered."""
    lane, office = Lane(), EnteringOffice()
    held = threading.Event()
    first = asyncio.create_task(lane.run(held.wait, 5))
    others = [asyncio.create_task(lane.enter(entered, office, n)) for n in range(8)]
    await asyncio.sleep(0)
    held.set()
    assert await asyncio.gather(*others) == list(range(8))
    assert office.covered == [8]
    assert await lane.enter(entered, office, 8) == 8
    assert office.covered == [8, 9]
    await first
    lane.close()


async def test_an_act_that_enters_nothing_asks_for_no_signature():
    """The same permit published again, for example."""
    lane, office = Lane(), EnteringOffice()
    assert await lane.enter(lambda office, number: number, office, 1) == 1
    assert office.covered == []
    lane.close()


async def test_what_an_act_entered_is_covered_although_the_act_failed_later():
    """Otherwise the entry would wait for whoever signs next."""
    lane, office = Lane(), EnteringOffice()
    with pytest.raises(ValueError, match="later"):
        await lane.enter(entered, office, 1, then=ValueError("later"))
    await lane.run(int)
    assert office.covered == [1]
    lane.close()


async def test_nobody_is_told_of_an_entry_that_could_not_be_signed():
    """The next act signs for it, too."""
    lane, office = Lane(), EnteringOffice(fails=["disk full"])
    with pytest.raises(StoreError, match="disk full"):
        await lane.enter(entered, office, 1)
    assert await lane.enter(entered, office, 2) == 2
    assert office.covered == [2]
    lane.close()
