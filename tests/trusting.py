"""A Secretariat for tests about other things: nodes that trust one another through a real trust list.

The repository is read from disk instead of over the network; nothing else differs from what a node does.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import closing
from datetime import datetime
from pathlib import Path

from epix_node.config import Config, load_config
from epix_node.demo.country import Country, found_countries, found_trust_list
from epix_node.federation.trust import refresh_stored
from epix_node.founding import Plan, found_node
from epix_node.identity.role import OwnRole, own_version
from epix_node.store import trust as trust_store
from epix_node.store.database import Database
from epix_node.trust.repository import Repository
from epix_node.trust.request import Request
from epix_node.trust.trust_list import bootstrap

NOWHERE = "http://127.0.0.1:1/tuf"
"""Nobody answers at this address: the list stays as it was read from disk."""


def found_and_told(
    directory: Path, parties: Sequence[str], ports: Sequence[int], *, now: datetime, clock: Path | None
) -> tuple[Country, ...]:
    """The countries of a demonstration without its Secretariat: each holds the trust list from the beginning."""
    repository = found_trust_list(directory / "secretariat", now=now)
    countries = found_countries(
        directory, parties, ports, secretariat=repository, trust_list=NOWHERE, now=now, clock=clock
    )
    for country in countries:
        config = load_config(country.config, {})
        with closing(Database(config.store_url)) as database:
            _refresh(database, country.party, repository, now=now)
    return countries


def _refresh(database: Database, party: str, repository: Repository, *, now: datetime) -> None:
    if database.read_now(trust_store.held).trust_list is None:
        database.write_now(trust_store.keep_list, bootstrap(repository.root(), "sandbox").to_bytes(), now=now)
    refreshed = refresh_stored(database, party, repository.files.fetch, now)
    assert refreshed.failure is None
    assert not refreshed.problems


class Secretariat:
    """Admits nodes and lets them refresh. ``url`` is where they will ask once they run."""

    def __init__(self, directory: Path, *, now: datetime, url: str = NOWHERE) -> None:
        self.now = now
        self.url = url
        self.repository = Repository.at(directory)
        self.root = self.repository.create("sandbox", now)

    def found(self, directory: Path, party: str, base_url: str, *, clock: Path | None = None) -> Config:
        """A new node, which has pinned the root and is admitted."""
        plan = Plan(
            party=party,
            environment="sandbox",
            base_url=base_url,
            now=self.now,
            clock=clock,
            trust_list=self.url,
            root=self.root,
        )
        config, _ = found_node(directory, plan)
        self.admit(config)
        return config

    def admit(self, config: Config) -> None:
        """The node of this configuration is in the list, with its newest version."""
        role = OwnRole.load(config).role
        with closing(Database(config.store_url)) as database:
            version = database.read_now(own_version)
        assert version is not None
        self.repository.admit(Request.parse(Request.of(role, version).to_json()), self.now)

    def tell(self, configs: Iterable[Config]) -> None:
        """These nodes hold the list as it is now."""
        for config in configs:
            with closing(Database(config.store_url)) as database:
                self.refresh(database, config.party.code)

    def refresh(self, database: Database, party: str) -> None:
        """The node with this database holds the list as it is now."""
        _refresh(database, party, self.repository, now=self.now)
