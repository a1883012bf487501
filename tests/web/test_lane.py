"""The acts lane: one act at a time, finished or not begun."""

from __future__ import annotations

import asyncio
import threading

import pytest

from epix_node.web.lane import Lane


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
