"""Working ahead: in order, bounded, and stopped with whoever waits for it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator

import pytest

from epix_node.federation.visit import ahead


async def numbers(most: int, made: list[int], *, fails: bool = False) -> AsyncGenerator[int, None]:
    try:
        for number in range(most):
            made.append(number)
            yield number
        if fails:
            raise OSError("the wire broke")
    finally:
        made.append(-1)


async def turns() -> None:
    for _ in range(20):
        await asyncio.sleep(0)


async def test_everything_comes_in_order_and_the_source_is_closed() -> None:
    made: list[int] = []
    async with ahead(numbers(5, made)) as source:
        assert [one async for one in source] == [0, 1, 2, 3, 4]
    assert made == [0, 1, 2, 3, 4, -1]


async def test_no_more_than_said_is_made_in_advance() -> None:
    """One waits, and one is ready to: memory is bounded."""
    made: list[int] = []
    async with ahead(numbers(100, made)) as source:
        await anext(source)
        await turns()
        assert made == [0, 1, 2]
    assert made[-1] == -1


async def test_what_was_made_before_a_failure_comes_first() -> None:
    """A page that came before the wire broke is recorded."""
    taken: list[int] = []

    async def work() -> None:
        async with ahead(numbers(3, [], fails=True)) as source:
            async for one in source:
                taken.append(one)  # noqa: PERF401 # what was taken before the failure is what matters

    with pytest.raises(OSError, match="the wire broke"):
        await work()
    assert taken == [0, 1, 2]


async def test_a_failure_of_the_work_stops_the_source() -> None:
    made: list[int] = []

    async def work() -> None:
        async with ahead(numbers(100, made)) as source:
            async for _ in source:
                raise RuntimeError

    with pytest.raises(RuntimeError):
        await work()
    assert made[-1] == -1


async def test_one_may_stand_behind_another() -> None:
    """Fetching, verifying and recording at the same time."""

    async def doubled(source: AsyncGenerator[int, None]) -> AsyncGenerator[int, None]:
        async for one in source:
            yield 2 * one

    async with ahead(numbers(4, [])) as first, ahead(doubled(first)) as second:
        assert [one async for one in second] == [0, 2, 4, 6]


async def test_who_is_cancelled_leaves_nothing_running() -> None:
    made: list[int] = []

    async def work() -> None:
        async with ahead(numbers(100, made)) as source:
            async for _ in source:
                await asyncio.Event().wait()

    task = asyncio.create_task(work())
    await turns()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert made[-1] == -1
