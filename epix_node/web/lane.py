"""The acts lane: one thread in which acts run, one after another.

An act parses, checks, signs, verifies and writes: CPU work under the interpreter's lock, and a single writer at its
end. Two verifying threads were slower than one (``measurements.md`` 1), so there is never more than one.

An act that enters something into the register is answered once a signed checkpoint covers it (ADR 25). It goes to the
end of the lane for that, and whoever stood there already enters first: so acts that come at once share one signature,
and a lone one waits for nobody.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime
from typing import Concatenate, ParamSpec, TypeVar

from epix_node.acts.office import Office

P = ParamSpec("P")
T = TypeVar("T")


class Lane:
    """Open until ``close``."""

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="acts-lane")
        # Counted in the lane's own thread alone: acts that entered something, and those of them that are covered.
        self._entered = 0
        self._covered = 0

    async def run(self, function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """What ``function`` returns or raises. Cancelling the caller does not stop an act that has begun."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._thread, lambda: function(*args, **kwargs))

    async def enter(
        self, act: Callable[Concatenate[Office, P], T], office: Office, /, *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """As ``run``; what the act entered into the register is in a signed checkpoint, which it may share.

        Raises:
            StoreError: also where the act was committed and only the checkpoint failed (``Office.write``).
        """
        times: list[datetime] = []
        covering: list[Future[None]] = []

        def work() -> T:
            try:
                return act(replace(office, sign_later=times.append), *args, **kwargs)
            finally:
                # From here and not from the caller, who may have gone away; and also for an act that failed later on.
                if times:
                    self._entered += 1
                    covering.append(self._last_of_all(office, self._entered, max(times)))

        done = await self.run(work)
        for one in covering:
            await asyncio.shield(asyncio.wrap_future(one))  # a caller who goes away must not call it off
        return done

    def _last_of_all(self, office: Office, number: int, now: datetime) -> Future[None]:
        """Act ``number`` is covered after everything that waits in the lane by now."""
        try:
            return self._thread.submit(self._cover, office, number, now)
        except RuntimeError:  # the lane is being closed, and nobody comes after this act
            self._cover(office, number, now)
            done: Future[None] = Future()
            done.set_result(None)
            return done

    def _cover(self, office: Office, number: int, now: datetime) -> None:
        if number > self._covered:
            entered = self._entered
            office.sequencer.publish(now=now)
            self._covered = entered

    def close(self) -> None:
        """The act in progress is finished; those that wait are not begun.

        What was entered and not covered by then is nobody's answer yet; the next start covers it.
        """
        self._thread.shutdown(wait=True, cancel_futures=True)
