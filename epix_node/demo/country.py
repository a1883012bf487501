"""The countries of a demonstration: who they are, and their nodes' directories, founded as ``epix-node init`` does.

Everything is made in this process, since a command per step would take longer than the demonstration. What stands on
disk afterwards is what ``init``, ``clients add`` and, at the Secretariat, ``federation create`` and ``admit`` leave.
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
from epix_node.identity.role import OwnRole, own_version
from epix_node.permit.codes import code_lists
from epix_node.store import clients
from epix_node.store.database import Database, Session
from epix_node.trust.repository import Repository
from epix_node.trust.request import Request

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


def found_trust_list(directory: Path, *, now: datetime) -> Repository:
    """The Secretariat has a trust list without Parties, and its keys.

    Raises:
        ConfigError, KeyMaterialError: the directory cannot be written.
    """
    repository = Repository.at(directory)
    repository.create("sandbox", now)
    return repository


def found_countries(
    directory: Path,
    parties: Sequence[str],
    ports: Sequence[int],
    *,
    secretariat: Repository,
    trust_list: str,
    now: datetime,
    clock: Path | None,
) -> tuple[Country, ...]:
    """Each Party has a node of its own under ``directory``, is in the trust list and has three national clients.

    Each has pinned the root and will ask for the rest at this address. Coverage begins on the day of ``now``
    (contract 4). Nothing runs yet.

    Raises:
        ConfigError: a directory is taken, or cannot be written.
        ConflictError, TrustError: two of them could not stand side by side.
    """
    countries = []
    for party, port in zip(parties, ports, strict=True):
        plan = Plan(
            party=party,
            environment="sandbox",
            base_url=f"http://{HOST}:{port}",
            now=now,
            clock=clock,
            trust_list=trust_list,
            root=secretariat.root(),
        )
        config, _ = found_node(directory / party, plan)
        countries.append(_settle(config, secretariat, now=now))
    return tuple(countries)


def _settle(config: Config, secretariat: Repository, *, now: datetime) -> Country:
    """Admit the Party to the trust list, and its clients to its node."""

    def work(session: Session) -> dict[str, str]:
        return {role.value: clients.add(session, role.value, role, now=now) for role in clients.Role}

    database = Database(config.store_url)
    try:
        version = database.read_now(own_version)
        tokens = database.write_now(work)
    finally:
        database.close()
    assert version is not None  # `found_node` signed the first one
    role = OwnRole.load(config).role
    secretariat.admit(Request.parse(Request.of(role, version).to_json()), now)
    return Country(
        party=config.party.code, url=config.server.base_url, config=config.home / DEFAULT_PATH, tokens=tokens
    )
