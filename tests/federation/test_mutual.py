"""What two Parties tell each other of their trade, as `peers show` and `GET /peers/{party}` print it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from epix_node.federation.mutual import observability
from tests.acts.conftest import World, make_keys, open_world


@pytest.fixture
def countries(tmp_path: Path) -> Iterator[World]:
    """XA, XB and XC, who trust one another."""
    made = open_world(tmp_path, map(make_keys, ("XA", "XB", "XC")))
    yield made
    made.close()


def test_a_peer_is_shown_with_what_it_confirms_and_endorses(countries: World) -> None:
    """Seventeen loads came and were confirmed; the eighteenth was never endorsed. Both sides count alike."""
    for serial in range(18):
        number = f"26XA{serial:06}"
        countries.publish("XA", number=number)
        if serial:
            countries.endorse("XA", number, transport_document="020-12345675")
    countries.meet(rounds=1)
    for serial in range(18):
        countries.confirm("XB", f"26XA{serial:06}", date="2026-03-02")
    countries.wait(days=300)
    countries.meet()
    nothing = {"expected": 0, "met": 0, "lower_bound": "0", "observable": False}
    shown = {
        party: countries[party].database.read_now(observability, countries[party], other, now=countries.now)
        for party, other in (("XA", "XB"), ("XB", "XA"))
    }
    assert shown["XA"] == shown["XB"]
    (pair,) = shown["XA"]
    assert (pair["issuer"], pair["destination"]) == ("XA", "XB")
    assert pair["confirm"] == {"expected": 17, "met": 17, "lower_bound": "0.815", "observable": True}
    assert pair["endorse"] == nothing, "what was due half a year ago says nothing of today"
    assert countries["XA"].database.read_now(observability, countries["XA"], "XC", now=countries.now) == []


def test_endorsements_are_counted_sixty_days_after_the_arrival(countries: World) -> None:
    for serial in range(18):
        countries.publish("XA", number=f"26XA{serial:06}")
        if serial:
            countries.endorse("XA", f"26XA{serial:06}", transport_document="020-12345675")
    countries.meet(rounds=1)
    for serial in range(18):
        countries.confirm("XB", f"26XA{serial:06}", date="2026-03-02")
    countries.wait(days=62)
    countries.meet()
    (pair,) = countries["XB"].database.read_now(observability, countries["XB"], "XA", now=countries.now)
    assert pair["endorse"] == {"expected": 18, "met": 17, "lower_bound": "0.742", "observable": False}
