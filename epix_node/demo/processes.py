"""The nodes of a demonstration as processes: started, waited for, and stopped again by their process ids.

A node that ends by itself is reported, nothing more: whoever tests from outside stops nodes and starts them again.
The processes stay in the demonstration's process group, so that what ends the group ends them.
"""

from __future__ import annotations

import asyncio
import os
import sys
from asyncio.subprocess import DEVNULL, STDOUT, Process, create_subprocess_exec
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import timedelta
from types import TracebackType
from typing import Self

from epix_node.demo.country import Country
from epix_node.errors import PeerUnreachableError
from epix_node.federation.national import NationalClient

READY_WITHIN = timedelta(seconds=60)
"""Longest wait for one node that starts alone."""

READY_WITHIN_EACH = timedelta(seconds=5)
"""What every node adds to that: they all start at once, and each loads the whole program."""

STOP_WITHIN = timedelta(seconds=15)
"""Longest wait for a node that was told to stop; then it is killed."""

_POLL = timedelta(milliseconds=50)
_LAST_LINES = 5
_LINE_CHARACTERS = 300
"""How much of each is shown: a line of the log may hold a whole traceback."""


class RunningNodes:
    """The countries' nodes, running inside ``async with``; ``warn`` takes one line about a node that ended.

    Raises on entering:
        PeerUnreachableError: a node ended while it started, or took too long; the others are stopped then.
    """

    def __init__(self, countries: Sequence[Country], *, warn: Callable[[str], None]) -> None:
        self._countries = countries
        self._warn = warn
        self._processes: dict[str, Process] = {}
        self._watchers: list[asyncio.Task[None]] = []
        self._stopping = False

    @property
    def pids(self) -> Mapping[str, int]:
        """The process id of each Party's node, as it was started."""
        return {party: process.pid for party, process in self._processes.items()}

    async def __aenter__(self) -> Self:
        try:
            for country in self._countries:
                self._processes[country.party] = await _start(country)
            for country in self._countries:
                await self._ready(country)
        except BaseException:
            await self._stop()
            raise
        self._watchers = [asyncio.create_task(self._watch(country)) for country in self._countries]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stop()

    async def _ready(self, country: Country) -> None:
        process = self._processes[country.party]
        within = READY_WITHIN + len(self._countries) * READY_WITHIN_EACH
        async with NationalClient(party=country.party, url=country.url) as client:
            try:
                async with asyncio.timeout(within.total_seconds()):
                    while not await client.answers("/readyz"):
                        if process.returncode is not None:
                            raise PeerUnreachableError(
                                f"the node of {country.party} ended with exit code {process.returncode} while it "
                                f"started{_last_words(country)}",
                                party=country.party,
                            )
                        await asyncio.sleep(_POLL.total_seconds())
            except TimeoutError as error:
                raise PeerUnreachableError(
                    f"the node of {country.party} is not ready after {within.seconds} s{_last_words(country)}",
                    party=country.party,
                ) from error

    async def _watch(self, country: Country) -> None:
        code = await self._processes[country.party].wait()
        if not self._stopping:
            self._warn(f"the node of {country.party} ended with exit code {code}; its log is {country.log}")

    async def _stop(self) -> None:
        """No node that was started here runs any more."""
        self._stopping = True
        running = [process for process in self._processes.values() if process.returncode is None]
        for process in running:
            with suppress(ProcessLookupError):
                process.terminate()
        with suppress(TimeoutError):
            async with asyncio.timeout(STOP_WITHIN.total_seconds()):
                await asyncio.gather(*(process.wait() for process in running))
        for process in running:
            if process.returncode is None:
                with suppress(ProcessLookupError):
                    process.kill()
                await process.wait()
        await asyncio.gather(*self._watchers)


def command_line(country: Country, *arguments: str) -> tuple[str, ...]:
    """``epix-node`` with these arguments, for the node of this country."""
    return (sys.executable, "-m", "epix_node", "--config", str(country.config), *arguments)


def environment() -> dict[str, str]:
    """The variables of such a process: settings of whoever runs the demonstration are not the countries' settings."""
    return {name: value for name, value in os.environ.items() if not name.startswith("EPIX_")}


async def _start(country: Country) -> Process:
    with country.log.open("ab") as log:
        return await create_subprocess_exec(
            *command_line(country, "serve"), stdin=DEVNULL, stdout=log, stderr=STDOUT, env=environment()
        )


def _last_words(country: Country) -> str:
    """The end of the log, for a message."""
    try:
        lines = country.log.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return ""
    return "".join(
        f"\n  {line}" for line in (f"{country.log}:", *(line[-_LINE_CHARACTERS:] for line in lines[-_LAST_LINES:]))
    )
