"""Real import records replayed between a few countries: what was used twice is found, and nothing that looks like it.

The whole replay, with a node and HTTP for every country, is part of ``make bench`` (``tests/bench/replay.py``).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from epix_node.acts.office import Office
from epix_node.acts.publish import publish
from epix_node.acts.report import report
from epix_node.exchange.sequencer import Sequencer
from epix_node.permit.event_json import confirmation_from_json
from epix_node.permit.finding import Finding, FindingClass, FindingState
from epix_node.permit.json import permit_from_json
from epix_node.permit.status import Status
from epix_node.rules.ruleset import load_ruleset
from epix_node.store import peers
from epix_node.store.last_signed import LastSigned
from epix_node.trust.keyring import Keyring
from tests.acts.conftest import START, World, make_keys, trusting
from tests.bench import shipments
from tests.bench.shipments import Consignment
from tests.stores import open_store

PARTIES = ("CL", "CM", "CN", "ES", "FR", "HK", "PY", "SG", "US")
"""Between them are 23 of the 29 permits with several importers, and numbers that two exporters gave."""

ORDINARY = 30
"""Permits without anything to see that are replayed beside the others."""

MAX_CLASS_A = 40

pytestmark = pytest.mark.skipif(
    not shipments.is_there(), reason="needs ../shared/data/trade-shipments, which lies beside the project's checkout"
)


@dataclass(frozen=True)
class Replay:
    """What was replayed, and what the offices hold afterwards."""

    consignments: Sequence[Consignment]
    world: World
    held: dict[str, dict[str, Finding]]

    def grave(self) -> dict[tuple[str, str], set[str]]:
        """The patterns of class A by permit, over all offices.

        Without those that a later record answered: goods that one country had confirmed and their destination not yet
        (FRD-12).
        """
        found: dict[tuple[str, str], set[str]] = defaultdict(set)
        for findings in self.held.values():
            for finding in findings.values():
                if finding.class_ is FindingClass.ALERT and finding.state is not FindingState.RESOLVED:
                    found[finding.subject.issuer, finding.subject.number].add(finding.pattern)
        return found


def choose() -> list[Consignment]:
    """Everything between these countries that has something to see, and some that has not; always the same."""
    here = [one for one in shipments.read_consignments() if {one.exporter, *one.importers} <= set(PARTIES)]
    exporters: dict[str, set[str]] = defaultdict(set)
    for one in here:
        exporters[one.number].add(one.exporter)
    special, ordinary = [], []
    for one in here:
        is_special = len(one.importers) > 1 or one.has_gap or len(exporters[one.number]) > 1
        (special if is_special else ordinary).append(one)
    shifted = [one for one in ordinary if any(len(arrival.years) > 1 for arrival in one.arrivals)]
    return [*special, *shifted[::8], *ordinary[:: len(ordinary) // ORDINARY]]


@pytest.fixture(scope="module")
def replay(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Replay]:
    """Permits are published and pulled, arrivals recorded and pulled, and findings have cooled off and been told."""
    consignments = choose()
    world = make_world(tmp_path_factory.mktemp("replay"))
    for one in consignments:
        publish(world[one.exporter], permit_from_json(one.permit()), now=world.now)
    world.meet(rounds=1)
    for one in consignments:
        for arrival in one.arrivals:
            body = confirmation_from_json(one.confirmation(arrival))
            report(world[arrival.importer], body, now=world.now)
    world.meet(rounds=1)
    world.wait(hours=25)
    world.meet(rounds=2)
    yield Replay(consignments, world, {party: world.findings(party) for party in PARTIES})
    world.close()


def make_world(directory: Path) -> World:
    keys = {party: make_keys(party) for party in PARTIES}
    keyring = Keyring({party: own.manifest for party, own in keys.items()})
    trust_list = trusting(keyring.manifests.values())
    offices = {}
    for party, own in keys.items():
        database = open_store(directory / f"{party}.sqlite")
        for other in PARTIES:
            if other != party:
                database.write_now(peers.meet, other, now=START)
        register = own.register()
        offices[party] = Office(
            database=database,
            own=register,
            sequencer=Sequencer(database, LastSigned(database), register),
            ruleset=load_ruleset(),
            keyring=lambda: keyring,
            trust_list=lambda: trust_list,
            timezone=ZoneInfo("UTC"),
        )
    return World(offices)


def test_a_permit_used_in_several_countries_is_found(replay: Replay) -> None:
    """Each is FRD-01 of class A, open, under one id at the issuer and at every country that imported under it."""
    several = [one for one in replay.consignments if len(one.importers) > 1]
    assert len(several) >= 20
    for one in several:
        (finding,) = [
            finding
            for finding in replay.held[one.exporter].values()
            if finding.pattern == "FRD-01" and (finding.subject.issuer, finding.subject.number) == one.key
        ]
        assert (finding.class_, finding.state) == (FindingClass.ALERT, FindingState.OPEN)
        assert all(finding.id in replay.held[importer] for importer in one.importers)


def test_nothing_else_is_a_grave_finding(replay: Replay) -> None:
    """Only permits with several importers, used again years later, or of Appendix I without an import permit."""
    explained = {
        one.key for one in replay.consignments if len(one.importers) > 1 or one.has_gap or one.lacks_import_permit
    }
    assert set(replay.grave()) <= explained
    assert sum(len(patterns) for patterns in replay.grave().values()) <= MAX_CLASS_A


def test_one_number_under_two_exporters_is_two_permits(replay: Replay) -> None:
    """Both are used, and neither is found."""
    exporters: dict[str, set[str]] = defaultdict(set)
    for one in replay.consignments:
        exporters[one.number].add(one.exporter)
    collisions = [one for one in replay.consignments if len(exporters[one.number]) > 1]
    assert collisions
    for one in collisions:
        assert replay.world.status(one.exporter, one.number, issuer=one.exporter).status is Status.USED
        assert one.key not in replay.grave()


def test_a_consignment_reported_in_two_years_is_one(replay: Replay) -> None:
    """Goods that arrive at the turn of a year are reported in both; the permit was used once."""
    shifted = [
        one
        for one in replay.consignments
        if len(one.importers) == 1 and not one.has_gap and len(one.arrivals[0].years) > 1
    ]
    assert shifted
    assert not {one.key for one in shifted} & set(replay.grave())


def test_every_permit_is_used_where_its_issuer_and_its_importer_look(replay: Replay) -> None:
    """What was confirmed at the destination is USED there, and at the issuer once it has pulled."""
    for one in replay.consignments:
        for party in (one.exporter, one.destination):
            assert replay.world.status(party, one.number, issuer=one.exporter).status is Status.USED


def test_quantities_add_up_exactly(replay: Replay) -> None:
    """Of a permit with one importer nothing remains, however many records made it up."""
    single = [one for one in replay.consignments if len(one.importers) == 1]
    assert any(len(one.rows) > len(one.permitted) for one in single)
    for one in single:
        answer = replay.world.status(one.exporter, one.number, issuer=one.exporter)
        assert [line["confirmed"] for line in answer.lines] == [line["permitted"] for line in answer.lines]
