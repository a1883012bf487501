"""The countries of a demonstration: who they are, and their nodes' directories, founded as ``epix-node init`` does.

Everything is made in this process, since a command per step would take longer than the demonstration. What stands on
disk afterwards is what ``init``, ``peers add`` and ``clients add`` leave there.
"""

from __future__ import annotations

import socket
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from epix_node.config import DEFAULT_PATH, Config
from epix_node.errors import ConfigError
from epix_node.founding import Plan, found_node
from epix_node.permit.codes import code_lists
from epix_node.store import clients, peers
from epix_node.store.database import Database, Session
from epix_node.trust.keyring import Keyring
from epix_node.trust.manifest import Manifest

HOST = "127.0.0.1"
"""A demonstration is on this machine alone."""

FICTIONAL = tuple(f"X{letter}" for letter in "ABCDEFGHIJKLMNOPQRSTUVWXYZ" if letter not in "KVX")
"""The 23 fictional countries (contract 1)."""

_NO_COUNTRIES = frozenset({"HS"})
"""Special codes that permits may carry and no country has."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Country:
    """One Party with its own node; ``tokens`` are those of its national clients, by role."""

    party: str
    url: str
    config: Path
    tokens: Mapping[str, str] = field(repr=False)

    @property
    def log(self) -> Path:
        """What its node prints."""
        return self.config.parent.parent / "node.log"


def choose_parties(number: int) -> tuple[str, ...]:
    """So many Party codes: the fictional countries first, then real ones in alphabetical order.

    Raises:
        ConfigError: fewer than one, or more than there are.
    """
    real = sorted(
        code
        for code, meaning in code_lists().countries.items()
        if len(code) == 2 and not code.startswith("X") and code not in _NO_COUNTRIES and meaning != "user-assigned"
    )
    codes = (*FICTIONAL, *real)
    if not 1 <= number <= len(codes):
        raise ConfigError(f"--parties {number}: expected 1 to {len(codes)}")
    return codes[:number]


def choose_ports(number: int, *, first: int | None) -> tuple[int, ...]:
    """So many ports of this machine that nobody listens on: any, or ``first`` and those after it.

    Raises:
        ConfigError: one of the wanted ports is taken.
    """
    wanted = [0] * number if first is None else list(range(first, first + number))
    if wanted[-1] > 65535:
        raise ConfigError(f"--port {first}: there are no {number} ports from there on")
    with ExitStack() as stack:
        ports = []
        for port in wanted:
            # All stay open until the last is chosen: otherwise the machine might give one of them twice.
            listener = stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_STREAM))
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                listener.bind((HOST, port))
            except OSError as error:
                raise ConfigError(f"port {port} of this machine cannot be used: {error.strerror}") from error
            ports.append(int(listener.getsockname()[1]))
    return tuple(ports)


def found_countries(
    directory: Path, parties: Sequence[str], ports: Sequence[int], *, now: datetime, clock: Path | None
) -> tuple[Country, ...]:
    """Each Party has a node of its own under ``directory``, knows all others and has three national clients.

    Coverage begins on the day of ``now`` (contract 4). Nothing runs yet.

    Raises:
        ConfigError: a directory is taken, or cannot be written.
    """
    founded = [
        found_node(
            directory / party,
            Plan(party=party, environment="sandbox", base_url=f"http://{HOST}:{port}", now=now, clock=clock),
        )
        for party, port in zip(parties, ports, strict=True)
    ]
    manifests = {manifest.party: manifest for _, manifest in founded}
    Keyring(manifests)  # raises where two of them could not stand side by side
    return tuple(_settle(config, manifest, manifests, now=now) for config, manifest in founded)


def _settle(config: Config, own: Manifest, manifests: Mapping[str, Manifest], *, now: datetime) -> Country:
    """Pin everybody else and admit the clients, in one transaction."""

    def work(session: Session) -> dict[str, str]:
        for party, manifest in manifests.items():
            if party != own.party:
                peers.pin(session, party, manifest.to_json(), now=now)
        return {role.value: clients.add(session, role.value, role, now=now) for role in clients.Role}

    database = Database(config.store_url)
    try:
        tokens = database.write_now(work)
    finally:
        database.close()
    return Country(party=own.party, url=config.server.base_url, config=config.home / DEFAULT_PATH, tokens=tokens)
