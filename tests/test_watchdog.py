"""What hangs is ended: first the run of the job, then the process. The clock is moved; nobody waits."""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from epix_node.jobs import Jobs
from epix_node.watchdog import CANCEL_AFTER, END_AFTER, LOOK_EVERY, Watchdog, beat
from tests.world import World, found_countries


class Time:
    """A clock that the test moves, a watchdog that goes by it, and how often it ended the process."""

    def __init__(self) -> None:
        self.now = 0.0
        self.ended = 0
        self.watchdog = Watchdog(monotonic=lambda: self.now, end=self._end)

    def _end(self) -> None:
        self.ended += 1

    def pass_by(self, span: timedelta) -> None:
        """The time goes by, and the watchdog looks as often as it does."""
        until = self.now + span.total_seconds()
        while self.now < until:
            self.now += LOOK_EVERY.total_seconds()
            self.watchdog.look()


@pytest.fixture
def time() -> Time:
    return Time()


async def hang() -> None:
    await asyncio.Event().wait()


async def started(time: Time, name: str, work: Callable[[], Awaitable[None]]) -> asyncio.Task[None]:
    """A run of this job that is under way."""

    async def run() -> None:
        with time.watchdog.watching(name):
            await work()

    task = asyncio.create_task(run())
    await asyncio.sleep(0)
    return task


async def test_a_run_that_hangs_is_cancelled(time: Time) -> None:
    """After four minutes without progress, and the process goes on."""
    task = await started(time, "pull:XA", hang)
    time.pass_by(CANCEL_AFTER - LOOK_EVERY)
    await asyncio.sleep(0)
    assert not task.done()
    with capture_logs() as logs:
        time.pass_by(LOOK_EVERY)
    with pytest.raises(asyncio.CancelledError):
        await task
    assert [(line["event"], line["job"]) for line in logs] == [("job cancelled: it made no progress", "pull:XA")]
    time.pass_by(END_AFTER)
    assert time.ended == 0


async def test_a_run_that_goes_on_may_take_hours(time: Time) -> None:
    """Only progress counts, from whatever thread it comes."""
    beats = asyncio.Event()

    async def work() -> None:
        while True:
            await beats.wait()
            beats.clear()
            contextvars.copy_context().run(beat)

    task = await started(time, "pull:XA", work)
    for _ in range(60):
        time.pass_by(CANCEL_AFTER - LOOK_EVERY)
        beats.set()
        await asyncio.sleep(0)
        await asyncio.sleep(0)
    assert not task.done()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_a_run_that_cannot_be_cancelled_ends_the_process(time: Time) -> None:
    """Five minutes without progress (C.5): whoever supervises the node starts it again."""
    over = asyncio.Event()

    async def stubborn() -> None:
        while not over.is_set():
            try:
                await over.wait()
            except asyncio.CancelledError:
                continue

    task = await started(time, "pull:XA", stubborn)
    time.pass_by(END_AFTER - LOOK_EVERY)
    await asyncio.sleep(0)
    assert time.ended == 0
    time.pass_by(LOOK_EVERY)
    assert time.ended == 1
    over.set()
    await task


async def test_a_job_that_hangs_again_ends_the_process(time: Time) -> None:
    """A thread that hangs cannot be cancelled, and may hold what all later runs wait for."""
    for _ in range(2):
        task = await started(time, "revisit", hang)
        time.pass_by(CANCEL_AFTER)
        if time.ended == 0:
            with pytest.raises(asyncio.CancelledError):
                await task
    assert time.ended == 1
    task.cancel()


async def test_a_run_that_went_well_is_a_new_beginning(time: Time) -> None:
    """Two that hang weeks apart are no reason to end the process."""

    async def work() -> None:
        pass

    for _ in range(3):
        task = await started(time, "revisit", hang)
        time.pass_by(CANCEL_AFTER)
        with pytest.raises(asyncio.CancelledError):
            await task
        await (await started(time, "revisit", work))
    assert time.ended == 0


async def test_a_process_that_was_stopped_itself_gives_another_chance(time: Time) -> None:
    """SIGSTOP, or a machine that slept: nobody could have made progress."""
    task = await started(time, "pull:XA", hang)
    time.now += timedelta(hours=3).total_seconds()
    time.watchdog.look()
    await asyncio.sleep(0)
    assert not task.done()
    assert time.ended == 0
    task.cancel()


async def test_an_event_loop_that_is_blocked_ends_the_process(time: Time) -> None:
    """No task of a loop can say that the loop hangs; the watchdog is a thread."""
    time.watchdog.start()
    try:
        time.pass_by(CANCEL_AFTER)
        await asyncio.sleep(0)  # the loop still turns
        time.pass_by(CANCEL_AFTER)
        assert time.ended == 0
        await asyncio.sleep(0)
        time.pass_by(END_AFTER)  # in one go: the loop does not turn meanwhile
        assert time.ended > 0
    finally:
        time.watchdog.stop()


def test_progress_of_nobody_is_no_error() -> None:
    """A pull from the command line beats, too."""
    beat()


async def test_a_hung_pull_is_cancelled_and_comes_again(tmp_path: Path, time: Time) -> None:
    """The scheduler sees a run that ended; the next one goes its way."""
    world = World(tmp_path / "world", found_countries(tmp_path / "founded"))
    jobs = Jobs(world["XB"].node)
    jobs._watchdog = time.watchdog
    try:
        running = asyncio.create_task(jobs._owned("pull:XA", hang))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        time.pass_by(CANCEL_AFTER)
        await running
        assert not jobs._in_flight
        ended: list[str] = []

        async def work() -> None:
            ended.append("pull:XA")

        await jobs._owned("pull:XA", work)
        assert ended == ["pull:XA"]
        assert time.ended == 0
    finally:
        await world.close()
