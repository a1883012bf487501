"""`kill -9` of real `epix-node serve` processes at any moment, while the wire between them loses and repeats.

After a restart `register check` is clean, nothing that was acknowledged is missing, and no index is used twice.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientError, ClientSession, ClientTimeout
from aiohttp.test_utils import unused_port
from sqlmodel import select
from typer.testing import CliRunner

from epix_node.cli.main import app
from epix_node.config import Config, load_config
from epix_node.sandbox_clock import SharedClock
from epix_node.store import clients
from epix_node.store.clients import Role
from epix_node.store.database import Database
from epix_node.store.tables import DocumentRow
from tests.trusting import Secretariat
from tests.web.conftest import permit_json
from tests.wire import HOST, Fault, Link, Wire
from tests.world import START

TROUBLE = dict.fromkeys((Fault.LOSE_ANSWER, Fault.LOSE_QUESTION, Fault.TRUNCATE, Fault.REPEAT, Fault.OLDER), 0.04)
ACKNOWLEDGED_BETWEEN_DEATHS = 12
WRITERS = 4


@dataclass
class Process:
    """A node in a process of its own."""

    config: Config
    token: str
    port: int = field(default_factory=unused_port)
    running: asyncio.subprocess.Process | None = None

    @property
    def address(self) -> str:
        return f"http://{HOST}:{self.port}"

    async def start(self, http: ClientSession) -> None:
        settings = {"EPIX_SERVER__LISTEN": f"{HOST}:{self.port}"}
        self.running = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "epix_node", "--config", str(self.config.path), "serve"),
            env={**os.environ, **settings},
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
        )
        async with asyncio.timeout(60):
            while not await self._is_ready(http):
                assert self.running.returncode is None, "the node ended instead of starting"
                await asyncio.sleep(0.05)

    async def _is_ready(self, http: ClientSession) -> bool:
        try:
            async with http.get(f"{self.address}/healthz") as reply:
                return reply.status == 200
        except (ClientError, TimeoutError):
            return False

    async def kill(self) -> None:
        assert self.running is not None
        self.running.kill()
        await self.running.wait()

    async def end(self) -> None:
        assert self.running is not None
        if self.running.returncode is None:
            self.running.terminate()
            await self.running.wait()

    async def ask(self, http: ClientSession, path: str, body: Any) -> tuple[int, Any]:
        headers = {"Authorization": f"Bearer {self.token}"}
        async with http.post(f"{self.address}{path}", json=body, headers=headers) as reply:
            return reply.status, json.loads(await reply.read() or b"null")


@dataclass
class Acknowledged:
    """What XA said that it has published: by number, the index and the document."""

    permits: dict[str, tuple[int, str]] = field(default_factory=dict)
    enough: asyncio.Event = field(default_factory=asyncio.Event)
    wanted: int = 0

    def add(self, number: str, reply: dict[str, Any]) -> None:
        said = (reply["register_index"], reply["document"])
        assert self.permits.setdefault(number, said) == said, f"{number} was acknowledged twice, differently"
        if len(self.permits) >= self.wanted:
            self.enough.set()


@asynccontextmanager
async def two_processes(directory: Path, wire: Wire) -> AsyncIterator[dict[str, Process]]:
    clock = directory / "clock"
    SharedClock(clock).set(START)
    secretariat = Secretariat(directory / "secretariat", now=START)
    public = {party: unused_port() for party in ("XA", "XB")}
    configs = [
        secretariat.found(directory / party, party, f"http://{HOST}:{port}", clock=clock)
        for party, port in public.items()
    ]
    secretariat.tell(configs)
    made: dict[str, Process] = {}
    for config in configs:
        with closing(Database(config.store_url)) as database:
            token = database.write_now(clients.add, "authority", Role.AUTHORITY, now=START)
        made[config.party.code] = Process(load_config(config.path, {}), token)
    for party, process in made.items():
        wire.reaches(party, process.port)
        await wire.listen(party, public[party])
    try:
        yield made
    finally:
        for process in made.values():
            if process.running is not None and process.running.returncode is None:
                await process.kill()
        await wire.close()


async def write(http: ClientSession, process: Process, numbers: list[str], done: Acknowledged) -> None:
    """Publish until cancelled; what was not acknowledged is sent again, as a clerk would."""
    while True:
        number = numbers.pop()
        status, reply = 0, None
        while status not in {200, 201}:
            with suppress(ClientError, ConnectionError, TimeoutError):
                status, reply = await process.ask(http, "/api/v1/permits", permit_json(number))
            await asyncio.sleep(0)
        done.add(number, reply)


async def tick(http: ClientSession, processes: dict[str, Process]) -> None:
    while True:
        for process in processes.values():
            with suppress(ClientError, ConnectionError, TimeoutError):
                await process.ask(http, "/sandbox/v1/tick", {})


def documents_at(config: Config, party: str) -> dict[str, int | None]:
    with closing(Database(config.store_url)) as database:
        query = select(DocumentRow).where(DocumentRow.party == party)
        rows = database.read_now(lambda session: list(session.exec(query)))
    assert len({row.register_index for row in rows}) == len(rows)
    return {row.sha256: row.register_index for row in rows}


@pytest.mark.parametrize(
    ("seed", "deaths"), [(0, 2), *(pytest.param(seed, 8, marks=pytest.mark.hostile) for seed in range(1, 13))]
)
async def test_killed_processes_lose_nothing_that_they_acknowledged(tmp_path: Path, seed: int, deaths: int) -> None:
    """Four writers, ticks at both nodes, a wire that loses and repeats, and a death at any moment of it."""
    chance = random.Random(f"deaths {seed}")
    wire = Wire(seed)
    done = Acknowledged()
    numbers = [f"26XA{number:05}" for number in range(2000)]
    async with (
        ClientSession(timeout=ClientTimeout(total=60)) as http,
        two_processes(tmp_path, wire) as processes,
    ):
        for process in processes.values():
            await process.start(http)
        wire.links["XA", "XB"] = wire.links["XB", "XA"] = Link(TROUBLE)
        for death in range(deaths):
            done.wanted = len(done.permits) + chance.randint(1, ACKNOWLEDGED_BETWEEN_DEATHS)
            done.enough.clear()
            victim = processes["XA" if death % 2 == 0 else chance.choice(("XA", "XB"))]
            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(write(http, processes["XA"], numbers, done)) for _ in range(WRITERS)]
                tasks.append(group.create_task(tick(http, processes)))
                async with asyncio.timeout(60):
                    await done.enough.wait()
                await asyncio.sleep(chance.random() * 0.05)
                await victim.kill()
                for task in tasks:
                    task.cancel()
            wire.turn += 1
            await victim.start(http)
        wire.heal()
        for _ in range(2):
            for process in processes.values():
                status, reply = await process.ask(http, "/sandbox/v1/tick", {})
                assert status == 200, reply
        for process in processes.values():
            await process.end()
        for process in processes.values():
            checked = CliRunner().invoke(app, ["--config", str(process.config.path), "register", "check", "--json"])
            assert checked.exit_code == 0, checked.stdout
        own, theirs = (documents_at(process.config, "XA") for process in processes.values())
        assert {digest: index for index, digest in done.permits.values()}.items() <= own.items()
        assert theirs == own
        assert len(done.permits) >= deaths
