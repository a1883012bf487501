"""The acts lane: one thread in which acts run, one after another.

An act parses, checks, signs, verifies and writes: CPU work under the interpreter's lock, and a single writer at its
end. Two verifying threads were slower than one (``measurements.md`` 1), so there is never more than one.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


class Lane:
    """Open until ``close``."""

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="acts-lane")

    async def run(self, function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """What ``function`` returns or raises. Cancelling the caller does not stop an act that has begun."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._thread, lambda: function(*args, **kwargs))

    def close(self) -> None:
        """The act in progress is finished; those that wait are not begun."""
        self._thread.shutdown(wait=True, cancel_futures=True)
