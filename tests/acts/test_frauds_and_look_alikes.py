"""Each deterministic fraud beside its innocent look-alikes, seen from every office (domain-rules.md 2.3, 2.4)."""

from __future__ import annotations

from typing import Any

import pytest

from epix_node.acts import report, review
from epix_node.acts.publish import withdraw
from epix_node.errors import ConflictError, DifferentContentError, NotFoundError, UnacceptableError
from epix_node.permit.compare import differences
from epix_node.permit.event import Presentation, WithdrawalReason
from epix_node.permit.event_json import confirmation_from_json
from epix_node.permit.finding import FindingState
from epix_node.permit.number import NumberRef
from epix_node.permit.status import Flag, Status
from epix_node.store import documents

from .conftest import World, day, event_of

N = "26XA000001"


def settle(world: World) -> None:
    """A day and an hour pass, and everybody hears of everything."""
    world.meet()
    world.wait(hours=25)
    world.meet()


def one_id(world: World, *parties: str) -> str:
    """The id under which exactly these parties show a finding."""
    shown = {party: set(world.findings(party)) for party in world.offices}
    (only,) = set.union(*shown.values())
    assert sorted(p for p, ids in shown.items() if only in ids) == sorted(parties)
    return only


def test_one_permit_used_in_two_countries_is_found_under_one_id(world: World) -> None:
    """FRD-01: the issuer derives it, and both importers hold it by the alert, even the one without the permit."""
    world.publish("XA")
    world.meet()
    world.endorse("XA", N)
    world.confirm("XB", N)
    world.confirm("XC", N)
    world.meet()
    assert world.patterns("XA") == [("FRD-01", "A", "pending"), ("FRD-04", "A", "pending")]
    settle(world)
    for party in ("XA", "XB", "XC"):
        assert ("FRD-01", "A", "open") in world.patterns(party), party
    assert world.findings("XA").keys() == world.findings("XB").keys() == world.findings("XC").keys()


def test_a_split_arrival_under_one_waybill_is_one_consignment(world: World) -> None:
    """Two flights, one air waybill: nothing to find."""
    world.publish("XA", lines=[{"quantity": "10"}])
    world.meet()
    for quantity, date in (("6", "2026-03-02"), ("4", "2026-03-02")):
        world.confirm("XB", N, quantity=quantity, date=date, transport_document="020-12345675")
    settle(world)
    assert [world.patterns(p) for p in world.offices] == [[], [], []]


def test_an_altered_paper_is_found_where_it_was_shown_and_at_the_issuer(world: World) -> None:
    """FRD-02: a recorded presentation with another quantity."""
    world.publish("XA")
    world.meet()
    permit = world["XB"].database.read_now(_held_permit)
    paper: dict[str, Any] = {"lines": [{"block": "A", "quantity": "100", "unit": "NAR"}]}
    body = Presentation(
        event_id="P-1",
        permit=confirmation_from_json({"outcome": "released", **event_of(N)}).permit,
        office="PORT",
        date=day("2026-03-02"),
        presented=paper,
        differences=differences(permit, paper),
    )
    report.report(world["XB"], body, now=world.now)
    assert world.claim("XB", N, presented=paper).verdict.value == "NOT_VALID"
    settle(world)
    one_id(world, "XA", "XB")
    assert world.patterns("XA") == world.patterns("XB") == [("FRD-02", "A", "open")]


def _held_permit(session: Any) -> Any:
    from epix_node.store import permits

    (fact,) = permits.numbered(session, "XA", N)
    return fact.permit


def test_a_stolen_permit_used_later_is_found(world: World) -> None:
    """FRD-03 is A from the second day after the withdrawal."""
    world.publish("XA")
    world.meet()
    withdraw(world["XA"], NumberRef(issuer="XA", number=N), WithdrawalReason.STOLEN, None, now=world.now)
    world.wait(days=5)
    world.confirm("XB", N, date="2026-03-06")
    settle(world)
    assert world.patterns("XA") == world.patterns("XB") == [("FRD-03", "A", "open")]


def test_goods_under_way_when_the_permit_was_withdrawn_are_for_review(world: World) -> None:
    """An endorsement on or before the day of the withdrawal makes it an R item (domain-rules.md 0.3)."""
    world.publish("XA")
    world.endorse("XA", N)
    withdraw(world["XA"], NumberRef(issuer="XA", number=N), WithdrawalReason.CANCELLED, None, now=world.now)
    world.wait(days=5)
    world.meet()
    world.confirm("XB", N, date="2026-03-06")
    settle(world)
    assert world.patterns("XA") == world.patterns("XB") == [("FRD-03", "R", "open")]


def test_more_than_was_permitted_is_recorded_and_found(world: World) -> None:
    """FRD-04: the fact is recorded; sums are exact in Python and in SQL."""
    world.publish("XA", lines=[{"quantity": "0.3", "unit": "KGM", "term": "MEA"}])
    world.meet()
    for quantity in ("0.1", "0.2"):
        world.confirm("XB", N, quantity=quantity, unit="KGM", transport_document="AWB1")
    settle(world)
    assert world.patterns("XB") == []
    assert world.status("XB", N).lines[0]["confirmed"] == "0.3"
    summed = world["XB"].database.point(
        "SELECT unit_class, sum(micro) FROM event_line WHERE is_arrival GROUP BY unit_class", ()
    )
    assert summed == ("GRM", 300_000_000)
    world.confirm("XB", N, quantity="50", unit="GRM", transport_document="AWB1")
    settle(world)
    assert world.patterns("XA") == world.patterns("XB") == [("FRD-04", "A", "open")]


def test_a_number_that_nobody_issued_is_unknown_first_and_forged_when_the_issuer_is_complete(world: World) -> None:
    """FRD-05 waits for the coverage: end of the day of issue plus 24 hours (contract 4)."""
    number = "26XA999999"
    world.meet()
    reported = world.confirm("XB", number, permit={"type": "E", "issued_on": "2026-03-02"})
    assert reported.created
    answer = world.status("XB", number, type="E", issued_on=day("2026-03-02"))
    assert (answer.status, [r.value for r in answer.reasons]) == (Status.UNKNOWN, ["NOT_COVERED"])
    world.meet()
    assert world.patterns("XA") == []
    world.wait(hours=41)
    world.meet()
    answer = world.status("XB", number, type="E", issued_on=day("2026-03-02"))
    assert (answer.status.value, answer.verdict.value) == ("NOT_ISSUED", "NOT_VALID")
    settle(world)
    one_id(world, "XA", "XB")
    assert world.patterns("XA") == world.patterns("XB") == [("FRD-05", "A", "open")]


def test_without_a_date_of_issue_nothing_is_called_forged(world: World) -> None:
    """A coverage with a beginning says nothing of a permit whose date of issue is not known."""
    world.confirm("XB", "26XA999999")
    world.meet()
    world.wait(days=30)
    settle(world)
    assert [world.patterns(p) for p in world.offices] == [[], [], []]
    assert world.status("XB", "26XA999999").status is Status.UNKNOWN


def test_a_mirror_does_not_call_another_countrys_permit_forged(world: World) -> None:
    """XC cannot read what was issued to XB: its own event about that permit is no finding of a forgery."""
    world.publish("XA")
    world.meet()
    world.confirm("XC", N, permit={"type": "E", "issued_on": "2026-03-02"})
    settle(world)
    world.wait(days=3)
    settle(world)
    answer = world.status("XC", N, type="E", issued_on=day("2026-03-02"))
    assert (answer.status.value, [r.value for r in answer.reasons]) == ("UNKNOWN", ["NOT_COVERED"])
    later = world.status("XC", "26XA777777", type="E", issued_on=day("2026-03-03"))
    assert later.status.value == "UNKNOWN", "the permit above may have been published for that day"
    assert {f.pattern for f in world.findings("XC").values()} <= {"FRD-01", "FRD-12"}


def test_a_typing_error_is_for_review_and_names_the_permit_that_was_meant(world: World) -> None:
    """FRD-05 of class R for 72 hours, gone when the officer corrects the number."""
    world.publish("XA", number="26XA000018")
    world.meet()
    world.wait(days=3)
    world.meet()
    world.confirm(
        "XB", "26XA00OO18", event_id="TYPO", date="2026-03-04", permit={"type": "E", "issued_on": "2026-03-02"}
    )
    world.meet()
    assert [p[:2] for p in world.patterns("XA")] == [("FRD-05", "R")]
    fixed = event_of("26XA000018", date="2026-03-04")
    del fixed["event_id"]
    report.correct(
        world["XB"],
        event_id="TYPO-2",
        supersedes="TYPO",
        read_event=lambda _: confirmation_from_json({"outcome": "released", "event_id": "TYPO-2", **fixed}),
        now=world.now,
    )
    settle(world)
    assert world.patterns("XA") == world.patterns("XB") == []
    assert {f.state for f in world.findings("XA").values()} == {FindingState.RESOLVED}
    assert world.status("XA", "26XA000018").status is Status.USED


def test_a_permit_used_after_its_last_day_is_found(world: World) -> None:
    """FRD-14: imported after expiry without an endorsement in time; in time it is no finding."""
    world.publish("XA", valid_until="2026-03-10")
    world.publish("XA", number="26XA000002", valid_until="2026-03-10")
    world.endorse("XA", "26XA000002", date="2026-03-02")
    world.meet()
    world.wait(days=20)
    world.meet()
    in_time = world.status("XB", "26XA000002")
    assert (in_time.status, in_time.verdict.value) == (Status.EXPIRED, "VALID")
    assert Flag.EXPORTED_IN_TIME in in_time.flags
    assert world.status("XB", N).verdict.value == "NOT_VALID"
    world.confirm("XB", N, date="2026-03-20")
    world.confirm("XB", "26XA000002", date="2026-03-20")
    settle(world)
    assert world.patterns("XA") == world.patterns("XB") == [("FRD-14", "A", "open")]


def test_a_certificate_of_multiple_use_may_cross_often(world: World) -> None:
    """END-02: crossings are no re-use, and other nodes do not know the document."""
    world.publish("XA", type="O", subtype="musical-instrument", multi_use=True, valid_until="2028-03-01", purpose="P")
    world.meet()
    for date in ("2026-03-02", "2026-03-02"):
        world.confirm("XB", N, date=date, quantity="1", transport_document=None)
        world.confirm("XC", N, date=date, quantity="1")
    settle(world)
    assert [world.patterns(p) for p in world.offices] == [[], [], []]
    assert world.status("XA", N).status is Status.PARTLY_USED
    assert world.status("XB", N, type="O", issued_on=day("2026-03-02")).status is Status.UNKNOWN


def test_the_same_message_twice_is_one_event(world: World) -> None:
    """Same id, same content: one event. Same id, other content: a conflict. A future date: refused."""
    world.publish("XA")
    first = world.confirm("XB", N, event_id="E-1")
    again = world.confirm("XB", " no. 26xa000001", event_id="E-1", quantity="10.0")
    assert (first.created, again.created) == (True, False)
    assert first.source == again.source
    with pytest.raises(DifferentContentError):
        world.confirm("XB", N, event_id="E-1", quantity="9")
    with pytest.raises(UnacceptableError):
        world.confirm("XB", N, date="2026-03-03")


def test_a_correction_takes_an_event_back_everywhere(world: World) -> None:
    """The corrected event is no fact any more, at the writer and at the issuer; correcting it again is refused."""
    world.publish("XA")
    world.meet()
    world.confirm("XB", N, event_id="E-1", quantity="100")
    world.meet()
    assert [p[0] for p in world.patterns("XA")] == ["FRD-04"]
    taken_back = report.correct(world["XB"], event_id="C-1", supersedes="E-1", read_event=None, now=world.now)
    again = report.correct(world["XB"], event_id="C-1", supersedes="E-1", read_event=None, now=world.now)
    assert (taken_back.created, again.created) == (True, False)
    with pytest.raises(ConflictError) as refusal:
        report.correct(world["XB"], event_id="C-2", supersedes="E-1", read_event=None, now=world.now)
    assert refusal.value.code == "SUPERSEDED"
    with pytest.raises(NotFoundError):
        report.correct(world["XB"], event_id="C-3", supersedes="NONE", read_event=None, now=world.now)
    settle(world)
    for party in ("XA", "XB"):
        assert world.patterns(party) == []
        assert world.status(party, N).status is Status.VALID


def test_a_decision_binds_until_new_evidence_comes(world: World) -> None:
    """Dismissed here and, by the alert, at the importer; another document opens it again."""
    world.publish("XA")
    world.meet()
    world.confirm("XB", N, quantity="100", transport_document="AWB")
    settle(world)
    (finding_id,) = world.findings("XA")
    review.decide(world["XA"], finding_id, FindingState.DISMISSED, "weighed twice", client="ma", now=world.now)
    world.meet()
    assert world.patterns("XA") == [("FRD-04", "A", "dismissed")]
    world.confirm("XB", N, quantity="5", transport_document="AWB")
    settle(world)
    assert world.patterns("XA") == [("FRD-04", "A", "open")]


def test_evidence_travels_to_those_whose_events_are_evidence(world: World) -> None:
    """The alert gives XB the confirmation of XC, and with the permit it holds, XB derives the same finding."""
    world.publish("XA")
    world.meet()
    world.confirm("XB", N)
    other = world.confirm("XC", N)
    settle(world)
    world.meet()
    assert world["XB"].database.read_now(documents.find, other.source.document) is not None
    finding = next(f for f in world.findings("XB").values() if f.pattern == "FRD-01")
    assert finding.derived
    assert finding.state is FindingState.OPEN
