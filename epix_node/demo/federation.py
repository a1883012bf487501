"""A federation on one machine: founded, started, pulled once all around, and taken down again (contract 7).

The Secretariat runs in this process and publishes the trust list; every node is a process of its own. ``demo.json``
tells others how to reach them and is there, whole, once everything is ready.
"""

from __future__ import annotations

import json
import os
import secrets
import tempfile
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from epix_node.clock import utc_now
from epix_node.demo.country import HOST, Country, choose_parties, choose_ports, found_countries, found_trust_list
from epix_node.demo.processes import RunningNodes
from epix_node.errors import ConfigError
from epix_node.identity.role import API_PATH
from epix_node.sandbox_clock import SharedClock
from epix_node.web.published_trust import PublishedTrust
from epix_node.web.secretariat import Member, Secretariat, make_secretariat, run_secretariat

CLOCK_FILE = "clock"
DEMO_FILE = "demo.json"
SECRETARIAT = "secretariat"
"""The directory of the trust list and its keys."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Federation:
    """What runs: the countries with their nodes' process ids, and the Secretariat."""

    directory: Path
    countries: tuple[Country, ...]
    pids: Mapping[str, int]
    secretariat: str
    token: str = field(repr=False)

    def write_description(self) -> Path:
        """``demo.json`` is there, mode 0600, whole; returns its path."""
        path = self.directory / DEMO_FILE
        description = {
            "secretariat": {"url": self.secretariat, "tokens": {"authority": self.token}},
            "parties": {
                country.party: {
                    "url": country.url,
                    "config": str(country.config),
                    "pid": self.pids[country.party],
                    "tokens": dict(country.tokens),
                }
                for country in self.countries
            },
        }
        # mkstemp creates with 0600, whatever the umask: the file holds tokens.
        descriptor, temporary = tempfile.mkstemp(dir=self.directory, prefix=f".{DEMO_FILE}.")
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(json.dumps(description, indent=2) + "\n")
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).replace(path)
        return path


@asynccontextmanager
async def running_federation(
    directory: Path,
    *,
    parties: int,
    clock: datetime | None,
    first_port: int | None,
    warn: Callable[[str], None],
) -> AsyncIterator[Federation]:
    """So many countries in this directory, all running, each having pulled from every other.

    ``clock`` starts the steerable clock; without one the nodes run on the machine's and do their jobs by themselves.
    ``first_port`` is the first node's; the others and then the Secretariat follow. Everything that was started is
    stopped when the block ends; the files stay.

    Raises:
        ConfigError: the directory is not empty, or a port cannot be used.
        PeerError: a node does not start, or not answer.
    """
    codes = choose_parties(parties)
    *ports, own_port = choose_ports(parties + 1, first=first_port)
    directory = _empty(directory)
    shared = SharedClock(directory / CLOCK_FILE) if clock is not None else None
    if shared is not None and clock is not None:
        shared.set(clock)
    begins = clock or utc_now()
    address = f"http://{HOST}:{own_port}"
    repository = found_trust_list(directory / SECRETARIAT, now=begins)
    countries = found_countries(
        directory,
        codes,
        ports,
        secretariat=repository,
        trust_list=f"{address}/tuf",
        now=begins,
        clock=shared.path if shared is not None else None,
    )
    token = secrets.token_urlsafe(32)
    secretariat = Secretariat(
        [Member(party=country.party, url=country.url, token=country.tokens["authority"]) for country in countries],
        clock=shared,
        trust=PublishedTrust(
            repository,
            bases={country.party: f"{country.url}{API_PATH}" for country in countries},
            clock=shared if shared is not None else utc_now,
        ),
    )
    app = make_secretariat(secretariat, token=token)
    try:
        async with RunningNodes(countries, warn=warn) as nodes, run_secretariat(app, host=HOST, port=own_port):
            await secretariat.tick(None)
            yield Federation(
                directory=directory,
                countries=countries,
                pids=nodes.pids,
                secretariat=address,
                token=token,
            )
    finally:
        await secretariat.close()


def _empty(directory: Path) -> Path:
    """The directory, absolute, there and empty."""
    directory = directory.absolute()
    try:
        directory.mkdir(parents=True, exist_ok=True)
        if any(directory.iterdir()):
            raise ConfigError(f"{directory} is not empty; the demonstration needs a directory of its own")
    except OSError as error:
        raise ConfigError(f"{directory}: cannot be used: {error.strerror}") from error
    return directory
