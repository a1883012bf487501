"""Servers as processes of their own, whose CPU time can be read, and the requests that they are measured with."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import aiohttp

from epix_node.demo.country import HOST, Country

READY_SECONDS = 60
STOP_SECONDS = 15
AT_ONCE = 16
"""Requests under way at one time."""

_TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """A server process at an address."""

    pid: int
    url: str

    def cpu(self) -> float:
        """CPU-seconds that the process has used, all threads, user and system; in steps of a clock tick."""
        # The second field is the program's name in brackets, which may hold anything.
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / _TICKS_PER_SECOND


@dataclass(frozen=True, slots=True, kw_only=True)
class Spent:
    """What some requests cost."""

    requests: int
    cpu: float
    """CPU-seconds of the server."""
    wall: float

    @property
    def cpu_each(self) -> float:
        """CPU-seconds for each of them."""
        return self.cpu / self.requests


@contextmanager
def node_server(country: Country) -> Iterator[Server]:
    """The country's node as ``epix-node serve`` runs it."""
    with _running([sys.executable, "-m", "epix_node", "--config", str(country.config), "serve"], country.url) as server:
        yield server


@contextmanager
def bare_server(port: int) -> Iterator[Server]:
    """The bare aiohttp handler."""
    with _running([sys.executable, "-m", "tests.bench.bare", str(port)], f"http://{HOST}:{port}") as server:
        yield server


@contextmanager
def _running(command: list[str], url: str) -> Iterator[Server]:
    # Settings of whoever runs the benchmark are not this server's settings.
    environment = {name: value for name, value in os.environ.items() if not name.startswith("EPIX_")}
    with tempfile.TemporaryFile() as log:  # a file, as in operation: writing the log is part of the work
        process = subprocess.Popen(command, env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        try:
            _wait_until_ready(process, url, log)
            yield Server(pid=process.pid, url=url)
        finally:
            process.terminate()
            try:
                process.wait(timeout=STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _wait_until_ready(process: subprocess.Popen[bytes], url: str, log: IO[bytes]) -> None:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    until = time.monotonic() + READY_SECONDS
    while time.monotonic() < until:
        try:
            with opener.open(f"{url}/readyz", timeout=5):
                return
        except OSError:
            if process.poll() is not None:
                break
        time.sleep(0.05)
    log.seek(0)
    said = log.read().decode(errors="replace").strip().splitlines()
    raise RuntimeError(f"{url} is not ready: {' / '.join(said[-5:]) or 'it said nothing'}")


def requests(server: Server, token: str, path: str, bodies: Iterable[bytes], *, expected: int) -> Spent:
    """Post all of these JSON bodies, ``AT_ONCE`` at a time, and say what it cost the server."""
    return asyncio.run(_requests(server, token, path, list(bodies), expected))


async def _requests(server: Server, token: str, path: str, bodies: list[bytes], expected: int) -> Spent:
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    answers: Counter[str] = Counter()
    left = iter(bodies)
    connector = aiohttp.TCPConnector(limit=AT_ONCE)
    timeout = aiohttp.ClientTimeout(total=600)
    async with aiohttp.ClientSession(server.url, headers=headers, connector=connector, timeout=timeout) as session:

        async def caller() -> None:
            for body in left:
                async with session.post(path, data=body) as reply:
                    answer = await reply.text()
                    # What an unexpected answer says is worth reading; the others only have to be many.
                    answers["" if reply.status == expected else f"{reply.status} {answer[:200]}"] += 1

        cpu, began = server.cpu(), time.perf_counter()
        await asyncio.gather(*(caller() for _ in range(AT_ONCE)))
        spent = Spent(requests=len(bodies), cpu=server.cpu() - cpu, wall=time.perf_counter() - began)
    if answers[""] != len(bodies):
        others = [answer for answer, _ in answers.most_common() if answer]
        raise RuntimeError(f"{path}: {answers['']} of {len(bodies)} answers had status {expected}, not {others[:3]}")
    return spent
