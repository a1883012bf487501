"""Hostile and innocent histories between real offices: what arrives late, twice, corrected, or from the wrong Party."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from epix_node.acts import report, review
from epix_node.acts.office import Office
from epix_node.acts.publish import publish, replace_permit, withdraw
from epix_node.document.header import DocumentType
from epix_node.exchange.own import enter, prepare
from epix_node.permit.event import (
    Alert,
    AlertEvidence,
    Confirmation,
    Correction,
    PermitRef,
    Presentation,
    WithdrawalReason,
)
from epix_node.permit.event_json import confirmation_from_json, endorsement_from_json
from epix_node.permit.finding import Finding, FindingState, finding_id
from epix_node.permit.number import NumberRef
from epix_node.permit.status import Flag
from epix_node.store import documents, events
from epix_node.store.database import Session
from tests.reconcile.everything import reconcile_all

from .conftest import START, Keys, World, day, event_of, make_keys, open_world, permit_of

N = "26XA000001"
M = "26XA000002"
I = "26XB000777"  # noqa: E741  # an import permit
FORGED = "26XA999999"
OF_THE_DAY = {"type": "E", "issued_on": "2026-03-02"}


def line(block: str | None, quantity: str, **members: Any) -> dict[str, Any]:
    return {"block": block, "quantity": quantity, "unit": "NAR", **members}


def settle(world: World) -> None:
    """A day and an hour pass, and everybody hears of everything."""
    world.meet()
    world.wait(hours=25)
    world.meet()


def correct(world: World, party: str, supersedes: str, event_id: str, event: dict[str, Any] | None = None) -> Any:
    """Take an event back, or put another of its kind in its place."""
    readers = {"export-endorsement": endorsement_from_json, "import-confirmation": confirmation_from_json}
    return report.correct(
        world[party],
        event_id=event_id,
        supersedes=supersedes,
        read_event=None if event is None else lambda kind: readers[kind]({**event, "event_id": event_id}),
        now=world.now,
    )


def released(number: str = N, **members: Any) -> dict[str, Any]:
    return {"outcome": "released", **event_of(number, **members)}


def import_permit(world: World, number: str = I, **members: Any) -> None:
    country = {"exporter": {"name": "A", "address": "B", "country": "XA"}}
    importer = {"importer": {"name": "C", "address": "D", "country": "XB"}}
    world.publish("XB", type="I", number=number, **{**country, **importer, **members})


def take_back(world: World, number: str = N, party: str = "XA", reason: str = "stolen") -> None:
    withdraw(world[party], NumberRef(issuer=party, number=number), WithdrawalReason(reason), None, now=world.now)


def words(world: World, party: str, number: str = N, issuer: str = "XA", **more: Any) -> tuple[str, str]:
    answer = world.status(party, number, issuer, **more)
    return answer.status.value, answer.verdict.value


def one(world: World, party: str, pattern: str) -> Finding:
    (found,) = [f for f in world.findings(party).values() if f.pattern == pattern]
    return found


def pull_only(world: World, reader: str, writer: str) -> None:
    world.pull(world[reader], world[writer])


def same_everywhere(world: World, *parties: str) -> None:
    """These parties show the same live findings, and reconciling everything again changes nothing."""

    def shown(party: str) -> dict[str, tuple[Any, ...]]:
        return {
            f.id: (f.class_, f.state, f.summary, f.permits, f.parties, f.values, [e.document for e in f.evidence])
            for f in world.findings(party).values()
            if f.state is not FindingState.RESOLVED
        }  # fmt: skip

    before = {party: shown(party) for party in parties}
    assert len({repr(sorted(seen.items())) for seen in before.values()}) == 1, before
    for party in parties:
        office = world[party]
        office.database.write_now(reconcile_all, office.perspective(), now=world.now)
        assert shown(party) == before[party]


# --- Corrections -----------------------------------------------------------------------------------------------------


def test_an_event_and_its_correction_that_come_in_one_page_leave_nothing(world: World) -> None:
    """The issuer was away while the officer mistyped a quantity and took it back."""
    world.publish("XA")
    world.meet()
    world.confirm("XB", N, event_id="E-1", quantity="1000")
    correct(world, "XB", "E-1", "C-1")
    settle(world)
    assert [world.patterns(p) for p in world.offices] == [[], [], []]
    assert words(world, "XA") == words(world, "XB") == ("VALID", "VALID")


def test_a_correction_of_a_correction_is_the_last_word(world: World) -> None:
    """1000, then 100, then 10: one confirmation of ten, whether the issuer saw the steps or not."""
    world.publish("XA")
    world.meet()
    world.confirm("XB", N, event_id="E-1", quantity="1000")
    correct(world, "XB", "E-1", "C-1", released(quantity="100"))
    pull_only(world, "XA", "XB")
    correct(world, "XB", "C-1", "C-2", released(quantity="10"))
    settle(world)
    for party in ("XA", "XB"):
        assert world.patterns(party) == []
        assert [line["confirmed"] for line in world.status(party, N).lines] == ["10"]
    correct(world, "XB", "C-2", "C-3")
    settle(world)
    assert words(world, "XA") == words(world, "XB") == ("VALID", "VALID")


@pytest.mark.parametrize("meets_between", [False, True])
def test_a_correction_that_moves_an_event_to_another_permit_frees_the_first(
    world: World, *, meets_between: bool
) -> None:
    world.publish("XA")
    world.publish("XA", number=M, lines=[{"quantity": "5"}])
    world.meet()
    world.confirm("XB", N, event_id="E-1")
    if meets_between:
        world.meet()
    correct(world, "XB", "E-1", "C-1", released(M))
    settle(world)
    for party in ("XA", "XB"):
        assert (words(world, party, N)[0], words(world, party, M)[0]) == ("VALID", "USED")
        assert world.patterns(party) == [("FRD-04", "A", "open")]
        assert one(world, party, "FRD-04").subject.number == M
    correct(world, "XB", "C-1", "C-2", released(N))
    settle(world)
    for party in ("XA", "XB"):
        assert (words(world, party, N)[0], words(world, party, M)[0]) == ("USED", "VALID")
        assert not {p[0] for p in world.patterns(party)} - {"END-08"}  # the alert on the second permit was closed


def test_a_second_flight_continues_what_was_corrected_since_also_for_the_import_permit(world: World) -> None:
    """`continues` names an event id; the consignment stays one when that event is corrected, wherever it counts."""
    world.publish("XA")
    import_permit(world)
    world.meet()
    named = {"import_permit": {"issuer": "XB", "number": I}}
    world.confirm("XB", N, event_id="E-1", quantity="6", transport_document="AWB-1", **named)
    world.confirm("XB", N, event_id="E-2", quantity="4", transport_document="AWB-2", continues="E-1", **named)
    correct(world, "XB", "E-1", "C-1", released(quantity="5", transport_document="AWB-1", office="P-9", **named))
    correct(world, "XB", "C-1", "C-2", released(quantity="6", transport_document="AWB-1", office="P-9", **named))
    settle(world)
    assert [world.patterns(p) for p in world.offices] == [[], [], []]


def test_a_taken_back_endorsement_is_felt_by_the_import_permit_that_its_goods_used(world: World) -> None:
    """The goods of an expired import permit had left in time, until the endorsement turns out to be a mistake."""
    world.publish("XA")
    import_permit(world, valid_until="2026-03-04")
    world.endorse("XA", N, event_id="OUT")
    world.meet()
    world.wait(days=4)
    world.confirm("XB", N, date="2026-03-06", import_permit={"issuer": "XB", "number": I})
    settle(world)
    assert world.patterns("XB") == []
    correct(world, "XA", "OUT", "OUT-2")
    settle(world)
    assert world.patterns("XB") == [("FRD-14", "A", "open")]
    same_everywhere(world, "XB")


def test_a_correction_tells_type_and_date_of_the_permit_that_it_frees(world: World) -> None:
    """Protocol decision 3: its header is that of the document that it takes back."""
    world.publish("XA")
    world.publish("XA", type="R", number=N, lines=[{"last_reexport": None}])
    world.confirm("XA", N, event_id="E-1", permit={"type": "E", "issued_on": "2026-03-02"})
    taken_back = correct(world, "XA", "E-1", "C-1")
    again = correct(world, "XA", "E-1", "C-1")
    for told in (taken_back, again):
        assert (told.permit.type, told.permit.issued_on) == ("E", day("2026-03-02"))


def test_what_was_taken_back_before_the_alert_came_is_given_to_nobody(world: World) -> None:
    """XC must not build a finding on a confirmation of XB that exists no more."""
    importer = {"importer": {"name": "C", "address": "D", "country": "XC"}}
    world.publish("XA", **importer)
    world.meet()
    world.confirm("XC", N, quantity="5")
    wrong = world.confirm("XB", N, event_id="E-1", quantity="5")
    pull_only(world, "XA", "XB")
    pull_only(world, "XA", "XC")
    world.wait(hours=25)
    review.open_due(world["XA"], now=world.now)
    correct(world, "XB", "E-1", "C-1")
    world.meet(rounds=4)
    settle(world)
    for party in world.offices:
        assert not {p[0] for p in world.patterns(party)} - {"END-08"}, party  # an alert was closed by a correction
    assert world["XC"].database.read_now(documents.find, wrong.source.document) is None


@pytest.mark.parametrize("issuer_was_away", [False, True])
def test_that_a_correction_closed_an_alert_does_not_depend_on_when_it_was_pulled(
    world: World, *, issuer_was_away: bool
) -> None:
    """END-08 asks whether the facts had raised an alert by the time of the correction, not who had seen them."""
    world.publish("XA")
    world.meet()
    world.confirm("XB", N, event_id="E-1", quantity="100")
    if not issuer_was_away:
        world.meet()
    world.wait(hours=25)
    if not issuer_was_away:
        world.meet()
    correct(world, "XB", "E-1", "C-1", released(quantity="10"))
    settle(world)
    settle(world)
    assert world.patterns("XA") == world.patterns("XB") == [("END-08", "R", "open")]
    same_everywhere(world, "XA", "XB")


@pytest.mark.parametrize(("hours", "expected"), [(23, []), (24, ["END-08"])])
def test_a_forged_number_that_is_corrected_after_its_alert_opened_is_for_review(
    world: World, hours: int, expected: list[str]
) -> None:
    world.publish("XA")
    world.wait(days=3)
    world.meet()
    world.confirm("XB", FORGED, event_id="E-1", permit=OF_THE_DAY)
    world.wait(hours=hours)
    correct(world, "XB", "E-1", "C-1", released(N))
    settle(world)
    assert [p[0] for p in world.patterns("XA")] == expected


# --- Who uses what ---------------------------------------------------------------------------------------------------


def test_an_import_permit_used_for_two_consignments_is_found_at_home(world: World) -> None:
    """FRD-01 holds for the confirmations that name a single-use import permit (domain-rules.md 0.17)."""
    world.publish("XA")
    world.publish("XA", number=M)
    import_permit(world)
    world.meet()
    for number, office in ((N, "P-1"), (M, "P-2")):
        world.confirm("XB", number, office=office, quantity="1", import_permit={"issuer": "XB", "number": I})
    settle(world)
    assert world.patterns("XB") == [("FRD-01", "A", "open")]
    found = one(world, "XB", "FRD-01")
    assert (found.subject.issuer, found.subject.type, found.subject.number) == ("XB", "I", I)
    answer = world.status("XB", I, "XB")
    assert (answer.status.value, answer.lines[0]["confirmed"], answer.lines[0]["remaining"]) == ("USED", "2", "0")
    # The exporter's country was sent the import permit and the confirmations, so it sees the same (0.20).
    same_everywhere(world, "XA", "XB")


def test_a_reusable_import_permit_counts_down_to_used(world: World) -> None:
    world.publish("XA")
    world.publish("XA", number=M)
    import_permit(world, multi_use=True)
    world.meet()
    for number, quantity, expected in ((N, "6", ("PARTLY_USED", "4")), (M, "4", ("USED", "0"))):
        world.confirm("XB", number, quantity=quantity, import_permit={"issuer": "XB", "number": I})
        answer = world.status("XB", I, "XB")
        assert (answer.status.value, answer.lines[0]["remaining"]) == expected
    settle(world)
    assert world.patterns("XB") == []
    world.confirm("XB", M, quantity="1", import_permit={"issuer": "XB", "number": I})
    settle(world)
    assert ("FRD-04", "A", "open") in world.patterns("XB")


def test_an_export_permit_named_as_import_permit_by_mistake_is_not_used(world: World) -> None:
    world.publish("XA")
    world.publish("XA", number=M)
    world.meet()
    world.confirm("XB", N, import_permit={"issuer": "XA", "number": M})
    settle(world)
    for party in ("XA", "XB"):
        assert (words(world, party, N)[0], words(world, party, M)[0]) == ("USED", "VALID")
        assert world.patterns(party) == []


def test_a_withdrawn_permit_that_was_used_has_nothing_left(world: World) -> None:
    import_permit(world)
    world.confirm(
        "XB",
        N,
        lines=[{"block": "A", "quantity": "4", "unit": "NAR", "taxon": "Python regius"}],
        import_permit={"issuer": "XB", "number": I},
    )
    assert world.status("XB", I, "XB").lines[0]["remaining"] == "0"
    take_back(world, I, "XB", "lost")
    answer = world.status("XB", I, "XB")
    assert (answer.status.value, answer.lines[0]["remaining"]) == ("REVOKED", "0")


def test_a_destination_seizes_and_another_country_destroys(world: World) -> None:
    """Both arrivals count; the status is the destination's, and the finding is everybody's whose event is evidence."""
    world.publish("XA")
    world.meet()
    world.confirm("XB", N, outcome="seized", quantity="4")
    world.confirm("XC", N, outcome="destroyed", quantity="4")
    settle(world)
    settle(world)
    answer = world.status("XA", N)
    assert answer.status.value == "USED"
    assert {Flag.SEIZED, Flag.CONFIRMED_ELSEWHERE} <= set(answer.flags)
    assert world.patterns("XA") == world.patterns("XB") == world.patterns("XC") == [("FRD-01", "A", "open")]
    same_everywhere(world, "XA", "XB")


INNOCENT_ARRIVALS: dict[str, list[tuple[str, dict[str, Any]]]] = {
    "refused and then let in elsewhere": [("XC", {"outcome": "refused"}), ("XB", {})],
    "returned and let in": [("XB", {"outcome": "returned"}), ("XB", {"office": "P-2"})],
    "all lines refused": [
        ("XC", {"lines": [{"block": "A", "quantity": "10", "unit": "NAR", "outcome": "refused"}]}),
        ("XB", {}),
    ],
    "nothing let in": [("XC", {"outcome": "refused", "lines": []}), ("XB", {})],
    "two events without a document at one office": [("XB", {"quantity": "6"}), ("XB", {"quantity": "4"})],
    "house and master waybill": [
        ("XB", {"quantity": "6", "transport_document": "HOUSE 1"}),
        ("XB", {"quantity": "4", "transport_document": "house-1"}),
    ],
    "one Party, nothing but a refusal": [("XC", {"outcome": "refused"}), ("XC", {"outcome": "refused"})],
}


@pytest.mark.parametrize("arrivals", INNOCENT_ARRIVALS.values(), ids=INNOCENT_ARRIVALS)
def test_innocent_arrivals_find_nothing(world: World, arrivals: list[tuple[str, dict[str, Any]]]) -> None:
    world.publish("XA")
    world.meet()
    for party, members in arrivals:
        world.confirm(party, N, **members)
    settle(world)
    assert [world.patterns(p) for p in world.offices] == [[], [], []]


GUILTY_ARRIVALS: dict[str, tuple[list[tuple[str, dict[str, Any]]], list[tuple[str, str, str]]]] = {
    "a refused event with one line let in, and the rest elsewhere": (
        [
            (
                "XC",
                {"outcome": "refused", "lines": [line("A", "1", outcome="released")]},
            ),
            ("XB", {"quantity": "9"}),
        ],
        [("FRD-01", "A", "open")],
    ),
    "goods without a block": (
        [("XB", {"lines": [{"block": None, "quantity": "0.000001", "unit": "NAR"}]})],
        [("FRD-04", "A", "open")],
    ),
    "an unknown block": (
        [("XB", {"lines": [{"block": "Q", "quantity": "1", "unit": "NAR"}]})],
        [("FRD-04", "A", "open")],
    ),
    "the smallest excess": ([("XB", {"quantity": "10.000001"})], [("FRD-04", "A", "open")]),
    "the largest quantities that can be written": (
        [("XB", {"quantity": "4611686018427", "transport_document": "W"}) for _ in range(3)],
        [("FRD-04", "A", "open")],
    ),
    "two countries, different documents": (
        [("XB", {"quantity": "5", "transport_document": "1"}), ("XC", {"quantity": "5", "transport_document": "1"})],
        [("FRD-01", "A", "open")],
    ),
    "two documents, one office, one day": (
        [("XB", {"quantity": "5", "transport_document": "1"}), ("XB", {"quantity": "5", "transport_document": "2"})],
        [("FRD-01", "R", "open")],
    ),
}  # fmt: skip


@pytest.mark.parametrize(("arrivals", "expected"), GUILTY_ARRIVALS.values(), ids=GUILTY_ARRIVALS)
def test_what_may_not_happen_under_one_permit_is_found_at_the_issuer(
    world: World, arrivals: list[tuple[str, dict[str, Any]]], expected: list[tuple[str, str, str]]
) -> None:
    world.publish("XA")
    world.meet()
    for party, members in arrivals:
        world.confirm(party, N, **members)
    settle(world)
    settle(world)
    assert world.patterns("XA") == expected
    assert world.patterns("XB") == expected


# --- Arrival before the permit; withdrawal and replacement -----------------------------------------------------------


def test_an_event_that_was_there_before_the_permit_uses_it_when_it_comes(world: World) -> None:
    """Published within the promised time after the goods arrived: no forged number, and no status lost."""
    world.confirm("XB", N, permit=OF_THE_DAY)
    world.meet()
    assert words(world, "XB", N)[0] == "UNKNOWN"
    world.publish("XA")
    settle(world)
    assert words(world, "XA")[0] == words(world, "XB")[0] == "USED"
    assert [world.patterns(p) for p in world.offices] == [[], [], []]


def test_a_forged_number_that_is_published_late_after_all_is_resolved_everywhere(world: World) -> None:
    world.meet()
    world.confirm("XB", FORGED, permit=OF_THE_DAY)
    world.wait(hours=41)
    settle(world)
    assert world.patterns("XA") == world.patterns("XB") == [("FRD-05", "A", "open")]
    world.publish("XA", number=FORGED)
    settle(world)
    for party in ("XA", "XB"):
        assert [f.state for f in world.findings(party).values()] == [FindingState.RESOLVED]
        assert words(world, party, FORGED)[0] == "USED"


@pytest.mark.parametrize(
    ("days_later", "expected"),
    [(-1, []), (0, [("FRD-03", "R", "open")]), (1, [("FRD-03", "R", "open")]), (2, [("FRD-03", "A", "open")])],
)
def test_use_is_judged_by_its_distance_from_the_day_of_the_withdrawal(
    world: World, days_later: int, expected: list[tuple[str, str, str]]
) -> None:
    world.publish("XA")
    world.meet()
    world.wait(days=3)
    take_back(world)
    world.wait(days=3)
    world.confirm("XB", N, date=(day("2026-03-05") + timedelta(days=days_later)).isoformat())
    settle(world)
    assert world.patterns("XA") == world.patterns("XB") == expected
    assert words(world, "XA") == words(world, "XB") == ("REVOKED", "NOT_VALID")


def test_a_withdrawal_that_the_destination_hears_of_late_is_judged_alike(world: World) -> None:
    """XB confirms four days after the theft and learns of it only then."""
    world.publish("XA")
    world.meet()
    take_back(world)
    world.wait(days=4)
    world.confirm("XB", N, date="2026-03-06")
    assert world.patterns("XB") == []
    settle(world)
    assert world.patterns("XA") == world.patterns("XB") == [("FRD-03", "A", "open")]
    same_everywhere(world, "XA", "XB")


def test_in_a_chain_of_replacements_only_the_last_permit_is_good(world: World) -> None:
    world.publish("XA")
    chain = [N, M, "26XA000003"]
    for old, new in pairwise(chain):
        replace_permit(world["XA"], NumberRef(issuer="XA", number=old), permit_of(number=new), now=world.now)
    world.meet()
    world.wait(days=4)
    world.meet()
    for party in ("XA", "XB"):
        assert [words(world, party, number)[0] for number in chain] == ["REPLACED", "REPLACED", "VALID"]
    world.confirm("XB", N, date="2026-03-06")
    world.confirm("XB", chain[-1], date="2026-03-06")
    settle(world)
    assert world.patterns("XA") == world.patterns("XB") == [("FRD-03", "A", "open")]
    assert {ref.number for ref in one(world, "XA", "FRD-03").permits} == {N, M}


# --- Two permits with one number -------------------------------------------------------------------------------------


def test_an_event_of_a_number_that_becomes_ambiguous_belongs_to_the_permit_in_force(world: World) -> None:
    world.publish("XA", valid_until="2026-03-10")
    world.meet()
    world.confirm("XB", N)
    world.meet()
    assert words(world, "XA")[0] == "USED"
    world.wait(days=12)
    world.publish("XA", type="R", issued_on="2026-03-12", valid_until="2026-08-31")
    world.meet()
    for party in ("XA", "XB"):
        assert words(world, party, type="E")[0] == "USED"
        assert words(world, party, type="R")[0] == "VALID"
    assert world.patterns("XA") == world.patterns("XB") == []


def test_where_both_permits_were_in_force_the_event_belongs_to_none(world: World) -> None:
    """Contract 1: else it is an R item; here at least no permit is used by it."""
    world.publish("XA")
    world.meet()
    world.confirm("XB", N)
    world.publish("XA", type="R")
    settle(world)
    for party in ("XA", "XB"):
        assert words(world, party, type="E")[0] == words(world, party, type="R")[0] == "VALID"
        same_everywhere(world, party)


# --- Numbers that nobody issued --------------------------------------------------------------------------------------


EDGE = datetime.fromisoformat("2026-03-04T00:00:00Z")


@pytest.mark.parametrize(
    ("now", "expected"),
    [(EDGE - timedelta(seconds=1), "UNKNOWN"), (EDGE, "UNKNOWN"), (EDGE + timedelta(seconds=1), "NOT_ISSUED")],
)
def test_coverage_speaks_from_the_second_after_its_promise(world: World, now: datetime, expected: str) -> None:
    """End of the day of issue, and 24 hours: at the issuer and at the mirror that read it then."""
    world.now = now
    world.confirm("XB", FORGED, permit=OF_THE_DAY)
    world.meet()
    for party in ("XA", "XB"):
        assert words(world, party, FORGED, type="E", issued_on=day("2026-03-02"))[0] == expected
    assert bool(world.patterns("XA")) == (expected == "NOT_ISSUED")


NEVER_COVERED: dict[str, dict[str, Any]] = {
    "the day before coverage began": {"type": "E", "issued_on": day("2026-03-01")},
    "no date of issue": {"type": "E"},
    "a leap day of the past": {"type": "E", "issued_on": day("2024-02-29")},
    "the last day of the calendar": {"type": "E", "issued_on": day("9999-12-31")},
    "the first day of the calendar": {"type": "E", "issued_on": day("0001-01-01")},
}


@pytest.mark.parametrize("stated", NEVER_COVERED.values(), ids=NEVER_COVERED)
def test_what_no_coverage_speaks_of_is_unknown(world: World, stated: dict[str, Any]) -> None:
    world.wait(days=30)
    world.meet()
    for party in ("XA", "XB"):
        answer = world.status(party, FORGED, **stated)
        assert (answer.status.value, answer.verdict.value) == ("UNKNOWN", "UNKNOWN")
        assert "NOT_COVERED" in [reason.value for reason in answer.reasons]


def forge(world: World, neighbour: str, **members: Any) -> None:
    """Somebody uses `26XA00OO18` two days after the day of issue; `neighbour` is published before.

    Another permit is for XC, so that XB does not read the whole register and waits for the issuer's alert.
    """
    world.publish("XA", number=neighbour, **members)
    world.publish("XA", number="26XA555555", importer={"name": "C", "address": "D", "country": "XC"})
    world.meet()
    world.wait(days=3)
    world.meet()
    world.confirm("XB", "26XA00OO18", date="2026-03-04", permit=OF_THE_DAY)
    world.meet()


def test_a_neighbour_that_was_withdrawn_excuses_no_forgery(world: World) -> None:
    """Domain-rules.md 0.5: unused *and in force*."""
    world.publish("XA", number="26XA000018")
    take_back(world, "26XA000018")
    forge(world, "26XA000777")
    assert [p[:2] for p in world.patterns("XA")] == [("FRD-05", "A")]


def test_a_neighbour_that_is_withdrawn_later_ends_the_excuse_at_once(world: World) -> None:
    forge(world, "26XA000018")
    assert [p[:2] for p in world.patterns("XA")] == [("FRD-05", "R")]
    take_back(world, "26XA000018")
    # Withdrawn on the fifth, used on the fourth: it was in force then, so the excuse stands.
    assert [p[:2] for p in world.patterns("XA")] == [("FRD-05", "R")]
    same_everywhere(world, "XA")


def test_a_neighbour_that_is_used_after_all_is_no_excuse_any_more(world: World) -> None:
    forge(world, "26XA000018")
    world.confirm("XB", "26XA000018", date="2026-03-05")
    settle(world)
    assert world.patterns("XA") == world.patterns("XB") == [("FRD-05", "A", "open")]


def test_a_typing_error_becomes_a_forgery_after_72_hours_everywhere_under_one_id(world: World) -> None:
    forge(world, "26XA000018")
    settle(world)
    assert world.patterns("XA") == [("FRD-05", "R", "open")]
    assert world.patterns("XB") == []
    world.wait(hours=48)
    settle(world)
    assert world.patterns("XA") == world.patterns("XB") == [("FRD-05", "A", "open")]
    assert one(world, "XA", "FRD-05").id == one(world, "XB", "FRD-05").id


def test_a_forged_number_that_is_used_again_and_again_is_no_typing_error_again(world: World) -> None:
    """Each use would begin another 72 hours, and the forger would never be found."""
    forge(world, "26XA000018")
    for _ in range(3):
        world.wait(hours=60)
        world.confirm("XB", "26XA00OO18", date="2026-03-04", permit=OF_THE_DAY, transport_document="AWB")
        world.meet()
    assert [p[:2] for p in world.patterns("XA")] == [("FRD-05", "A")]


def test_the_issuer_dismisses_the_typing_error_and_the_forgery_is_alerted(world: World) -> None:
    forge(world, "26XA000018")
    settle(world)
    found = one(world, "XA", "FRD-05")
    review.decide(world["XA"], found.id, FindingState.DISMISSED, "not ours", client="ma", now=world.now)
    world.meet()
    assert world.patterns("XA") == world.patterns("XB") == [("FRD-05", "A", "open")]
    assert one(world, "XB", "FRD-05").id == found.id
    review.decide(world["XA"], found.id, FindingState.CONFIRMED, "forged", client="ma", now=world.now)
    world.meet()
    assert world.patterns("XA") == world.patterns("XB") == [("FRD-05", "A", "confirmed")]


# --- Alerts ----------------------------------------------------------------------------------------------------------


def reuse_at_home(world: World) -> Finding:
    """XB uses one permit twice; XA and XB hold the finding."""
    world.publish("XA")
    world.meet()
    world.confirm("XB", N, quantity="5", transport_document="1", office="P-1")
    world.confirm("XB", N, quantity="5", transport_document="2", office="P-2")
    settle(world)
    assert world.patterns("XA") == world.patterns("XB") == [("FRD-01", "A", "open")]
    return one(world, "XA", "FRD-01")


def alerts_of(world: World, party: str = "XA") -> int:
    def count(session: Session) -> int:
        listed, _ = documents.feed(session, party, codes=["XA", "XB", "XC"], start=0, size=10_000, limit=500)
        return sum(document.type == "alert" for document in listed)

    return world[party].database.read_now(count)


def test_new_evidence_of_an_alerted_finding_reaches_its_writer(world: World) -> None:
    """XC uses the permit too, long after XB was alerted: XC must hold the finding as well (contract 5)."""
    found = reuse_at_home(world)
    assert alerts_of(world) == 1
    world.confirm("XC", N, quantity="1")
    settle(world)
    assert world.patterns("XC")[0] == ("FRD-01", "A", "open")
    assert one(world, "XC", "FRD-01").id == found.id
    settle(world)
    assert len(one(world, "XB", "FRD-01").evidence) == len(one(world, "XA", "FRD-01").evidence)
    assert len(one(world, "XC", "FRD-01").evidence) == len(one(world, "XA", "FRD-01").evidence)
    sent = alerts_of(world)
    settle(world)
    assert alerts_of(world) == sent, "nothing new, nothing sent"


def test_who_was_alerted_hears_the_end_although_nothing_of_theirs_is_evidence_any_more(world: World) -> None:
    reuse_at_home(world)
    world.confirm("XC", N, event_id="WRONG", quantity="1")
    settle(world)
    assert ("FRD-01", "A", "open") in world.patterns("XC")
    correct(world, "XC", "WRONG", "RIGHT")
    settle(world)
    found = one(world, "XA", "FRD-01")
    assert "XC" not in found.parties
    review.decide(world["XA"], found.id, FindingState.CONFIRMED, "twice at XB", client="ma", now=world.now)
    settle(world)
    assert [p for p in world.patterns("XC") if p[0] == "FRD-01"] == [("FRD-01", "A", "confirmed")]


def test_a_finding_that_is_resolved_here_but_open_at_the_issuer_is_shown_as_the_issuer_says(world: World) -> None:
    """XB corrected its own second use; the issuer holds another country's, which XB cannot see."""
    world.publish("XA")
    world.meet()
    world.confirm("XB", N, quantity="5", office="P-1")
    world.confirm("XB", N, event_id="B-2", quantity="5", office="P-2")
    world.confirm("XC", N, quantity="5")
    correct(world, "XB", "B-2", "B-3")
    assert [f.state for f in world.findings("XB").values()] == [FindingState.RESOLVED]
    pull_only(world, "XA", "XB")
    pull_only(world, "XA", "XC")
    world.wait(hours=25)
    review.open_due(world["XA"], now=world.now)
    pull_only(world, "XB", "XA")
    assert ("FRD-01", "A", "open") in world.patterns("XB")


def test_an_alerted_finding_that_is_corrected_is_resolved_everywhere(world: World) -> None:
    """What is left is that the goods arrived in XC alone, and everybody is told that, too."""
    world.publish("XA")
    world.meet()
    world.confirm("XB", N, event_id="E-1", quantity="100")
    world.confirm("XC", N, event_id="E-2", quantity="1")
    settle(world)
    settle(world)
    assert [p[0] for p in world.patterns("XC")] == ["FRD-01", "FRD-04"]
    correct(world, "XB", "E-1", "C-1")
    settle(world)
    for party in ("XA", "XB", "XC"):
        left = {f.pattern: f.state for f in world.findings(party).values() if f.pattern != "END-08"}
        resolved = {"FRD-01": FindingState.RESOLVED, "FRD-04": FindingState.RESOLVED}
        assert left == {**resolved, "FRD-12": FindingState.OPEN}, party


def test_an_alert_that_changes_class_is_told(world: World) -> None:
    """A at two offices becomes R when the second turns out to be the first office, and everybody shows R."""
    world.publish("XA")
    world.meet()
    world.confirm("XB", N, quantity="5", transport_document="1", office="P-1")
    world.confirm("XB", N, event_id="E-2", quantity="5", transport_document="2", office="P-2")
    settle(world)
    assert world.patterns("XB") == [("FRD-01", "A", "open")]
    correct(world, "XB", "E-2", "C-2", released(quantity="5", transport_document="2", office="P-1"))
    settle(world)
    assert world.patterns("XA") == world.patterns("XB") == [("END-08", "R", "open"), ("FRD-01", "R", "open")]
    assert alerts_of(world) == 2


def alert_about(finding: Finding, **members: Any) -> Alert:
    given: dict[str, Any] = {
        "finding_id": finding.id,
        "pattern": finding.pattern,
        "class_": finding.class_.value,
        "state": "resolved",
        "ruleset": finding.ruleset,
        "opened": START,
        "summary": "There is nothing to see here.",
        "permits": finding.permits,
        "values": (),
        "evidence": (),
        "subject": finding.subject,
        **members,
    }
    return Alert(**given)


def slip_in(world: World, party: str, alert: Alert, *recipients: str) -> str:
    """Write a lying alert into the register of a Party, past its own door; returns its digest."""
    office = world[party]
    prepared = prepare(
        office.own,
        alert,
        type_=DocumentType.ALERT,
        subject=alert.subject,
        recipients=recipients,
        now=world.now,
    )

    def work(session: Session) -> None:
        documents.add(session, [enter(session, office.own, prepared, now=world.now)], received_at=world.now)

    office.database.write_now(work)
    return prepared.sha256


def lies(finding: Finding) -> dict[str, Alert]:
    own = NumberRef(issuer="XC", number="26XC000001", type="E", year=2026)
    return {
        "about the issuer's permit": alert_about(finding),
        "about a permit of the liar, with the id of the issuer's finding": alert_about(finding, subject=own),
    }


@pytest.mark.parametrize(
    "lie", ["about the issuer's permit", "about a permit of the liar, with the id of the issuer's finding"]
)
@pytest.mark.parametrize("reader", ["XA", "XB"])
def test_an_alert_by_a_party_that_does_not_speak_for_the_issuer_is_quarantined(
    world: World, lie: str, reader: str
) -> None:
    """Protocol decision 3: KEY_WRONG_PARTY, whether the header says so or only the id in the body."""
    found = reuse_at_home(world)
    digest = slip_in(world, "XC", lies(found)[lie], "XA", "XB")
    before = world.findings(reader)
    world.meet()
    held = world[reader].database.read_now(documents.quarantined, "XC")
    assert [(sha256, reason) for _, sha256, reason, _ in held] == [(digest, "KEY_WRONG_PARTY")]
    assert world.findings(reader) == before
    assert world.patterns(reader) == [("FRD-01", "A", "open")]


def test_an_alert_about_a_finding_that_this_node_derives_itself_changes_nothing_of_it(world: World) -> None:
    """The issuer says "dismissed"; the destination holds the documents and sees what they say."""
    found = reuse_at_home(world)
    review.decide(world["XA"], found.id, FindingState.DISMISSED, "we trust them", client="ma", now=world.now)
    world.meet()
    assert world.patterns("XA") == [("FRD-01", "A", "dismissed")]
    assert world.patterns("XB") == [("FRD-01", "A", "open")]
    assert one(world, "XB", "FRD-01").derived


def test_an_issuers_alert_opens_no_door_to_documents_of_other_permits(world: World) -> None:
    """Evidence is given only if its own permit is among the alert's permits, and permits never are."""
    secret = world.confirm("XB", "26XC000009", issuer="XC")
    world.meet()
    subject = NumberRef(issuer="XA", number=N, type="E", year=2026)
    piece = AlertEvidence(
        document=secret.source.document, type="import-confirmation", party="XB", index=secret.source.index or 0
    )
    alert = Alert(
        finding_id=finding_id("FRD-01", subject),
        pattern="FRD-01",
        class_="A",
        state="open",
        ruleset="x",
        opened=START,
        summary="Give me that.",
        permits=(subject,),
        values=(),
        evidence=(piece,),
        subject=subject,
    )
    slip_in(world, "XA", alert, "XA", "XB", "XC")
    world.meet()
    given = world["XB"].database.read_now(documents.given, "XB", [secret.source.document], codes=["XA"])
    assert given == {}


# --- Decisions -------------------------------------------------------------------------------------------------------


def test_a_decision_on_a_pending_finding_binds_and_is_told_to_nobody(world: World) -> None:
    """No alert was sent, so none is owed: an alert is owed when a finding opens (contract 5)."""
    world.publish("XA")
    world.meet()
    world.confirm("XB", N, quantity="100")
    world.meet()
    found = one(world, "XA", "FRD-04")
    review.decide(world["XA"], found.id, FindingState.DISMISSED, "a typing error", client="ma", now=world.now)
    settle(world)
    assert world.patterns("XA") == [("FRD-04", "A", "dismissed")]
    assert alerts_of(world) == 0


def test_a_decision_is_reopened_by_evidence_and_binds_again_when_that_is_taken_back(world: World) -> None:
    world.publish("XA")
    world.meet()
    world.confirm("XB", N, quantity="100", transport_document="W")
    settle(world)
    found = one(world, "XA", "FRD-04")
    review.decide(world["XA"], found.id, FindingState.CONFIRMED, "weighed", client="ma", now=world.now)
    world.confirm("XB", N, event_id="MORE", quantity="1", transport_document="W")
    world.meet()
    assert world.patterns("XA") == [("FRD-04", "A", "open")]
    correct(world, "XB", "MORE", "LESS")
    world.meet()
    assert world.patterns("XA") == [("FRD-04", "A", "confirmed")]


# --- Genuine paper in the wrong place --------------------------------------------------------------------------------


def test_a_genuine_document_for_another_country_is_not_called_forged(world: World) -> None:
    """XC sees a permit for XB, signed by its issuer: it was never sent here, so its absence proves nothing."""
    made = world.publish("XA")
    xml = world.document("XA", made.source.document)
    world.wait(days=3)
    world.meet()
    answer = world.verdict("XC", xml)
    assert (answer.signature, answer.status.value, answer.verdict.value) == ("VALID", "UNKNOWN", "UNKNOWN")
    assert answer.grade.value == "LOGGED"  # the mirror has its entry, as that of every document
    assert {"NOT_COVERED", "NOT_WITNESSED"} == {reason.value for reason in answer.reasons}


@pytest.mark.parametrize("reader", ["XA", "XB"])
def test_a_signed_document_in_no_register_is_not_issued(world: World, reader: str) -> None:
    """A stolen signing key is not enough: who would have been sent the permit does not hold it."""
    office = world["XA"]
    permit = permit_of(number=FORGED)
    key = permit.key
    prepared = prepare(
        office.own,
        permit,
        type_=DocumentType.PERMIT,
        subject=NumberRef(issuer="XA", number=key.number, type="E", year=key.year),
        recipients=["XB"],
        now=world.now,
    )
    world.wait(days=3)
    world.meet()
    answer = world.verdict(reader, prepared.xml)
    assert (answer.signature, answer.status.value, answer.verdict.value) == ("VALID", "NOT_ISSUED", "NOT_VALID")


def test_papers_that_all_say_something_else_make_one_short_sentence(world: World) -> None:
    """A flood of presentations must not make an alert that nobody can sign."""
    world.publish("XA")
    world.meet()
    ref = confirmation_from_json(released()).permit
    for n in range(12):
        body = Presentation(
            event_id=f"P-{n}",
            permit=ref,
            office="P",
            date=day("2026-03-02"),
            presented={"security_stamp": f"{n:02}" * 40},
        )
        report.report(world["XB"], body, now=world.now)
    settle(world)
    found = one(world, "XB", "FRD-02")
    assert found.values["differs.security_stamp"].endswith("; 7 more")
    assert len(found.evidence) == 13


# --- Territories -----------------------------------------------------------------------------------------------------


@pytest.fixture
def territories(tmp_path: Path, keys_of: Callable[[str], Keys]) -> Iterator[World]:
    """XB speaks for its territory XQ, too."""
    made = open_world(tmp_path, [keys_of("XA"), make_keys("XB", "XQ"), keys_of("XC")])
    yield made
    made.close()


def test_the_node_that_speaks_for_a_territory_confirms_for_it(territories: World) -> None:
    """Contract 1: a manifest lists the codes that a Party speaks for; the Party of destination moves the status."""
    world = territories
    world.publish("XA", importer={"name": "C", "address": "D", "country": "XQ"})
    world.meet()
    assert words(world, "XB") == ("VALID", "VALID")
    world.endorse("XA", N)
    world.confirm("XB", N)
    settle(world)
    for party in ("XA", "XB"):
        answer = world.status(party, N)
        assert (answer.status.value, answer.flags) == ("USED", ())
        assert world.patterns(party) == []


def test_the_permits_of_a_territory_are_endorsed_by_its_speaker(territories: World) -> None:
    world = territories
    to_xa = {
        "exporter": {"name": "C", "address": "D", "country": "XQ"},
        "importer": {"name": "A", "address": "B", "country": "XA"},
    }
    made = permit_of("XQ", number="26XQ000001", **to_xa)
    publish(world["XB"], made, now=world.now)
    world.endorse("XB", "26XQ000001", issuer="XQ")
    world.meet()
    answer = world.status("XA", "26XQ000001", "XQ")
    assert (answer.status.value, answer.flags) == ("EXPORTED", ())


def test_a_territory_that_is_on_the_way_imports_nothing(territories: World) -> None:
    """XQ is a declared transit country; XB, which speaks for it, saw the goods pass."""
    world = territories
    world.publish("XA", importer={"name": "C", "address": "D", "country": "XC"}, transit=["XQ"])
    world.meet()
    world.confirm("XB", N)
    world.confirm("XC", N)
    settle(world)
    assert world.patterns("XA") == world.patterns("XC") == []
    assert Flag.CONFIRMED_ELSEWHERE in world.status("XA", N).flags


def test_a_typing_error_of_a_territorys_speaker_is_one(territories: World) -> None:
    world = territories
    world.publish("XA", number="26XA000018", importer={"name": "C", "address": "D", "country": "XQ"})
    world.wait(days=3)
    world.meet()
    world.confirm("XB", "26XA00OO18", date="2026-03-04", permit=OF_THE_DAY)
    world.meet()
    assert [p[:2] for p in world.patterns("XA")] == [("FRD-05", "R")]


# --- A register that contradicts itself ------------------------------------------------------------------------------


def twice(world: World, first: Confirmation, second: Confirmation) -> None:
    """XB's register holds two confirmations with one event id, of the same or of another kind."""
    office = world["XB"]
    for body in (first, second):
        prepared = prepare(
            office.own,
            body,
            type_=DocumentType.CONFIRMATION if isinstance(body, Confirmation) else DocumentType.ENDORSEMENT,
            subject=body.permit.ref,
            recipients=["XA"],
            now=world.now,
            event_id=body.event_id,
        )

        def work(session: Session, prepared: Any = prepared) -> None:
            documents.add(session, [enter(session, office.own, prepared, now=world.now)], received_at=world.now)

        office.database.write_now(work)


def goods_event(office: Office, **members: Any) -> Any:
    assert office
    return confirmation_from_json(released(event_id="SAME", **members))


@pytest.mark.parametrize("kinds", ["two confirmations", "a confirmation and an endorsement", "three of them"])
def test_an_event_id_that_a_party_used_twice_spoils_nothing_else(world: World, kinds: str) -> None:
    """The first counts, the other is quarantined, and the page goes on (protocol C.6, contract 5)."""
    world.publish("XA")
    first = goods_event(world["XB"], quantity="5")
    other = goods_event(world["XB"], quantity="6")
    endorsement = endorsement_from_json({**event_of(N), "event_id": "SAME"})
    twice(world, first, other if kinds == "two confirmations" else endorsement)
    if kinds == "three of them":
        twice(world, other, other)
    world.confirm("XB", M, event_id="NEXT")
    world.meet()
    quarantined = world["XA"].database.read_now(documents.quarantined, "XB")
    assert {reason for _, _, reason, _ in quarantined} == {"CONTENT_DIFFERS"}
    assert len(quarantined) == (3 if kinds == "three of them" else 1)
    assert world.status("XA", N).lines[0]["confirmed"] == "5"
    assert world["XA"].database.read_now(events.by_event_id, "XB", "NEXT") is not None


def test_a_correction_id_that_a_party_used_twice_spoils_nothing_else(world: World) -> None:
    world.publish("XA")
    world.meet()
    office = world["XB"]
    told = [world.confirm("XB", N, event_id=f"E-{n}", quantity="1", transport_document="W") for n in range(2)]
    for n, reported in enumerate(told):
        body = replace(correction_of(f"E-{n}"), permit=reported.permit)
        prepared = prepare(
            office.own,
            body,
            type_=DocumentType.CORRECTION,
            subject=body.permit.ref,
            recipients=["XA"],
            now=world.now,
            event_id=body.event_id,
            supersedes=reported.source.document,
        )

        def work(session: Session, prepared: Any = prepared) -> None:
            documents.add(session, [enter(session, office.own, prepared, now=world.now)], received_at=world.now)

        office.database.write_now(work)
    world.confirm("XB", M, event_id="NEXT")
    pull_only(world, "XA", "XB")
    assert len(world["XA"].database.read_now(documents.quarantined, "XB")) == 1
    assert world.status("XA", N).lines[0]["confirmed"] == "1"
    assert world["XA"].database.read_now(events.by_event_id, "XB", "NEXT") is not None


def correction_of(event_id: str) -> Any:
    return Correction(event_id="TWICE", supersedes=event_id, permit=PermitRef(issuer="XA", number=N))


# --- Any order, any delay --------------------------------------------------------------------------------------------

ARRIVAL = st.tuples(
    st.just("confirm"),
    st.sampled_from(["XB", "XB", "XC"]),
    st.fixed_dictionaries(
        {
            "number": st.sampled_from([N, N, N, M, FORGED]),
            "quantity": st.sampled_from(["4", "6", "11"]),
            "office": st.sampled_from(["P-1", "P-2"]),
            "transport_document": st.sampled_from([None, "W-1", "W-2"]),
            "outcome": st.sampled_from(["released", "released", "seized", "refused"]),
            "import_permit": st.sampled_from([None, {"issuer": "XB", "number": I}]),
        }
    ),
)
ACTS = st.one_of(
    ARRIVAL,
    ARRIVAL,
    st.tuples(st.just("endorse"), st.just("XA"), st.sampled_from([N, M])),
    st.tuples(st.just("withdraw"), st.just("XA"), st.sampled_from([N, M])),
    st.tuples(st.just("correct"), st.integers(0, 5), st.none() | st.sampled_from([N, M])),
    st.tuples(st.just("wait"), st.integers(1, 30), st.none()),
)


def play(world: World, acts: list[tuple[str, Any, Any]], after_each: Callable[[World], None]) -> None:
    """Do these acts, and after each of them whatever exchange there is; at the end everybody hears of everything."""
    world.publish("XA")
    world.publish("XA", number=M, importer={"name": "C", "address": "D", "country": "XC"})
    import_permit(world)
    told: list[tuple[str, str, bool]] = []
    for place, (what, which, more) in enumerate(acts):
        event_id = f"E-{place}"
        if what == "confirm":
            members = {name: value for name, value in more.items() if name != "number"}
            world.confirm(which, more["number"], event_id=event_id, permit=OF_THE_DAY, **members)
            told.append((which, event_id, True))
        elif what == "endorse":
            world.endorse(which, more, event_id=event_id)
            told.append((which, event_id, False))
        elif what == "withdraw":
            take_back(world, more)
        elif what == "correct" and told:
            party, old, is_arrival = told.pop(which % len(told))
            body = None if more is None else released(more) if is_arrival else event_of(more)
            correct(world, party, old, event_id, body)
            if body is not None:
                told.append((party, event_id, is_arrival))
        elif what == "wait":
            world.wait(hours=which)
        after_each(world)
    world.meet(rounds=3)
    world.wait(days=5)
    world.meet(rounds=5)


def live(world: World, party: str) -> list[tuple[Any, ...]]:
    """What a node shows, but for when it saw it first and for what the registers' own course decides."""
    return sorted(
        (f.pattern, f.id, f.class_.value, f.state.value, f.summary, f.permits, f.parties, sorted(f.values.items()))
        for f in world.findings(party).values()
        if f.state is not FindingState.RESOLVED
    )


@settings(max_examples=3, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(acts=st.lists(ACTS, min_size=2, max_size=7), random=st.randoms(use_true_random=False))
def test_delay_and_order_of_exchange_decide_nothing_at_any_node(
    keys_of: Callable[[str], Keys], acts: list[tuple[str, Any, Any]], random: Random
) -> None:
    """Three offices that meet after every act, and three that hardly ever do, end with the same findings."""

    def always(world: World) -> None:
        world.meet(rounds=1)

    def hardly(world: World) -> None:
        if random.random() < 0.4:
            reader, writer = random.sample(sorted(world.offices), 2)
            pull_only(world, reader, writer)
        if random.random() < 0.2:
            office = random.choice(list(world.offices.values()))
            review.open_due(office, now=world.now)

    shown = []
    for exchange in (always, hardly):
        with tempfile.TemporaryDirectory() as directory:
            world = open_world(Path(directory), map(keys_of, ("XA", "XB", "XC")))
            play(world, acts, exchange)
            shown.append({party: live(world, party) for party in world.offices})
            for party in world.offices:
                same_everywhere(world, party)
            world.close()
    assert shown[0] == shown[1]
