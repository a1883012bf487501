"""REGISTER_DISPUTED: what is said of the permits of a Party whose register contradicted itself (C.5 step 2, C.4.10)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

import pytest

from epix_node.permit.event import PermitRef
from epix_node.reconcile.observation import observe
from epix_node.store import conflicts, peers
from epix_node.store.conflicts import Dispute
from tests.acts.conftest import World

NUMBER = "26XA000001"


def frozen(world: World) -> None:
    world["XB"].database.write_now(peers.note, "XA", frozen="two checkpoints of size 1")


def convicted(world: World, *, origin: str | None = None) -> None:
    found = Dispute(
        id="1",
        party="XA",
        origin=origin or world["XA"].own.origin,
        evidence=b"{}",
        source="XC",
        found_at=world.now,
    )
    world["XB"].database.write_now(conflicts.keep, found)


@pytest.mark.parametrize("happened", [frozen, convicted])
def test_nothing_is_certain_about_permits_of_a_disputed_register(world: World, happened: Callable[[World], None]):
    """A held permit keeps its status, and absence proves nothing; other nodes do not know of it yet."""
    world.publish("XA")
    world.meet()
    world.wait(days=3)
    world.meet()
    unknown = PermitRef(issuer="XA", number="26XA999999", type="E", issued_on=date(2026, 3, 2))
    missing = {"issuer": "XA", "number": unknown.number, "type": "E", "issued_on": unknown.issued_on}
    before = world.status("XB", **missing)
    assert (before.status.value, before.verdict.value) == ("NOT_ISSUED", "NOT_VALID")
    happened(world)
    held, absent = world.status("XB", NUMBER), world.status("XB", **missing)
    assert (held.status.value, held.verdict.value) == ("VALID", "INDETERMINATE")
    assert absent.verdict.value == "INDETERMINATE"
    for answer in (held, absent, world.claim("XB", NUMBER)):
        assert "REGISTER_DISPUTED" in {flag.value for flag in answer.flags}
        assert "REGISTER_DISPUTED" in {reason.value for reason in answer.reasons}
    assert world.status("XA", NUMBER).verdict.value == "VALID"
    office = world["XB"]
    seen = office.database.read_now(observe, office.keyring(), "XB", "XA", [unknown], now=world.now)
    assert seen is not None
    assert seen.disputed  # FRD-05 concludes nothing from it


def test_evidence_about_a_log_that_was_given_up_says_nothing_of_its_successor(world: World):
    """Evidence is about one log, by its origin."""
    world.publish("XA")
    world.meet()
    convicted(world, origin="an.older.log")
    assert world.status("XB", NUMBER).verdict.value == "VALID"
