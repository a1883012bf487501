"""R items that no fraud pattern covers: somebody has to look, and the node says so (contract 1, 4, 5)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from epix_node.acts import report
from epix_node.permit.event_json import confirmation_from_json
from epix_node.permit.status import Flag, Status

from .conftest import World, event_of

N = "26XA000001"


def settle(world: World) -> None:
    world.meet()
    world.wait(hours=25)
    world.meet()


def correct(world: World, supersedes: str, **members: Any) -> None:
    body = {"outcome": "released", **event_of(N, **members), "event_id": f"C-{supersedes}"}
    report.correct(
        world["XB"],
        event_id=f"C-{supersedes}",
        supersedes=supersedes,
        read_event=lambda _: confirmation_from_json(body),
        now=world.now,
    )


def test_a_use_that_became_ambiguous_is_shown_at_both_nodes(world: World) -> None:
    """A second permit under the number was in force as well: nobody can say which was used, and FLD-01 says so."""
    world.publish("XA")
    world.meet()
    world.confirm("XB", N)
    world.meet()
    assert world.status("XA", N).status is Status.USED
    world.publish("XA", type="R", purpose="T")
    settle(world)
    assert world.patterns("XA") == world.patterns("XB") == [("FLD-01", "R", "open")]
    (finding,) = world.findings("XB").values()
    assert finding.subject.type is None
    assert "cannot be told" in finding.summary


def test_an_endorsement_elsewhere_is_for_review_but_within_a_union(world: World) -> None:
    """END-11, and no status moves; a node whose union holds the issuer has nothing to review."""
    world.publish("XA")
    world.meet()
    world.offices["XB"] = replace(world["XB"], customs_union=frozenset({"XA"}))
    world.endorse("XB", N)
    settle(world)
    assert world.patterns("XA") == [("END-11", "R", "open")]
    assert world.patterns("XB") == []
    for party in ("XA", "XB"):
        answer = world.status(party, N)
        assert answer.status is Status.VALID
        assert Flag.ENDORSED_ELSEWHERE in answer.flags


def test_a_correction_within_a_week_needs_no_review_and_a_later_one_does(world: World) -> None:
    """END-08 from the eighth day on."""
    world.publish("XA")
    world.meet()
    world.confirm("XB", N, event_id="E-1")
    world.wait(days=7)
    correct(world, "E-1", quantity="9")
    settle(world)
    assert world.patterns("XA") == world.patterns("XB") == []
    world.wait(days=7)
    correct(world, "C-E-1", quantity="8")
    settle(world)
    assert world.patterns("XA") == world.patterns("XB") == [("END-08", "R", "open")]


def test_a_correction_that_closes_an_open_alert_is_for_review(world: World) -> None:
    """Taking back what had raised an alert is recorded, resolves the alert, and somebody should look."""
    world.publish("XA")
    world.meet()
    world.confirm("XB", N, event_id="E-1", quantity="100")
    settle(world)
    assert world.patterns("XA") == [("FRD-04", "A", "open")]
    correct(world, "E-1", quantity="10")
    settle(world)
    settle(world)
    for party in ("XA", "XB"):
        assert world.patterns(party) == [("END-08", "R", "open")]
        states = {f.pattern: f.state.value for f in world.findings(party).values()}
        assert states["FRD-04"] == "resolved"
