"""Ends what hangs: the job, and where that is not enough the process, so that whoever supervises it starts it again.

A scheduler runs a job no second time while the first run hangs, and has no way to stop it: pulling would end for ever
and nobody would see it (C.5). So every run has a pulse that its progress beats, and a thread compares the pulses with
the time. It is a thread since an event loop that is blocked runs no task that could say so; the loop has a pulse, too.

    4 minutes without a beat    the run is cancelled
    5 minutes, or cancelled     the process ends with exit code 5. Nothing is lost by that: what was acknowledged is
    a second time in a row      committed, and everything else is asked for again.

A process that was itself stopped for a while, such as by SIGSTOP, gives every run another chance.
"""

from __future__ import annotations

import asyncio
import faulthandler
import os
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import timedelta

import structlog

CANCEL_AFTER = timedelta(minutes=4)
END_AFTER = timedelta(minutes=5)
"""C.5: five minutes without progress."""

LOOK_EVERY = timedelta(seconds=15)

EXIT_CODE = 5
"""Contract 2: anything unexpected."""

_OWN_STOP = 4 * LOOK_EVERY
"""Who looks so late did not run itself."""

_LOOP = "event loop"

log = structlog.get_logger("epix_node.jobs")


class Pulse:
    """One run of a job; any thread may beat."""

    def __init__(self, name: str, task: asyncio.Task[None] | None, monotonic: Callable[[], float]) -> None:
        self.name = name
        self.task = task
        self.is_cancelled = False
        self._monotonic = monotonic
        self.at = monotonic()

    def beat(self) -> None:
        """There was progress."""
        self.at = self._monotonic()


_CURRENT: ContextVar[Pulse | None] = ContextVar("pulse", default=None)


def beat() -> None:
    """The job that runs this, in whatever thread, made progress; nothing where no job runs it."""
    pulse = _CURRENT.get()
    if pulse is not None:
        pulse.beat()


class Watchdog:
    """Watches the runs of one event loop, in a thread between ``start`` and ``stop``."""

    def __init__(
        self, *, monotonic: Callable[[], float] = time.monotonic, end: Callable[[], None] | None = None
    ) -> None:
        self._monotonic = monotonic
        self._end = end or end_process
        self._pulses: set[Pulse] = set()
        self._cancelled: Counter[str] = Counter()
        """How often in a row a job had to be cancelled."""
        self._stopped = threading.Event()
        self._looked_at = monotonic()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """The running loop and everything that it runs under ``watching`` is watched."""
        self._loop = asyncio.get_running_loop()
        self._pulses.add(Pulse(_LOOP, None, self._monotonic))
        self._looked_at = self._monotonic()
        self._thread = threading.Thread(target=self._watch, name="watchdog", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Nothing is watched any more."""
        self._stopped.set()
        if self._thread is not None:
            self._thread.join()

    @contextmanager
    def watching(self, name: str) -> Iterator[Pulse]:
        """The current task is a run of this job until the block ends."""
        pulse = Pulse(name, asyncio.current_task(), self._monotonic)
        token = _CURRENT.set(pulse)
        self._pulses.add(pulse)
        try:
            yield pulse
        finally:
            self._pulses.discard(pulse)
            _CURRENT.reset(token)
            if not pulse.is_cancelled:
                self._cancelled.pop(name, None)

    def look(self) -> None:
        """Whatever hangs now was cancelled, or the process ended."""
        now = self._monotonic()
        was_stopped = now - self._looked_at > _OWN_STOP.total_seconds()
        self._looked_at = now
        for pulse in tuple(self._pulses):
            if was_stopped:
                pulse.beat()
            silent = now - pulse.at
            if silent >= END_AFTER.total_seconds():
                log.critical("nothing moves: the process ends", job=pulse.name, silent_s=round(silent))
                self._end()
                return
            if silent >= CANCEL_AFTER.total_seconds() and pulse.task is not None and not pulse.is_cancelled:
                self._cancel(pulse, silent)
            if pulse.name == _LOOP and self._loop is not None:
                self._loop.call_soon_threadsafe(pulse.beat)

    def _cancel(self, pulse: Pulse, silent: float) -> None:
        self._cancelled[pulse.name] += 1
        if self._cancelled[pulse.name] > 1:
            # A thread that hangs cannot be cancelled, and may hold what every later run waits for.
            log.critical("a job hangs again: the process ends", job=pulse.name)
            self._end()
            return
        log.error("job cancelled: it made no progress", job=pulse.name, silent_s=round(silent))
        pulse.is_cancelled = True
        if pulse.task is not None:
            pulse.task.get_loop().call_soon_threadsafe(pulse.task.cancel)

    def _watch(self) -> None:
        while not self._stopped.wait(LOOK_EVERY.total_seconds()):
            try:
                self.look()
            except RuntimeError:  # the loop was closed meanwhile: there is nothing to watch any more
                return


def end_process() -> None:
    """The process ends now, with the stack of every thread on standard error for whoever looks for the reason."""
    faulthandler.dump_traceback(file=sys.stderr, all_threads=True)
    sys.stderr.flush()
    os._exit(EXIT_CODE)
