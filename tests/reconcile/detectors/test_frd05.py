"""FRD-05: a number that its issuer never issued."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from epix_node.permit.model import TradeParty
from epix_node.reconcile.detectors.frd05 import detect
from epix_node.trust.coverage import Coverage, CoverageItem
from tests.reconcile.builders import (
    PARAMETERS,
    case,
    confirmed,
    endorsed,
    goods,
    line,
    noon,
    observation,
    permit,
    presented,
    ref,
    view,
    withdrawn,
)
from tests.reconcile.builders import day as on

FORGED = "26XA000124"
SOON = noon(on("03-21"))


def forged(*events):
    return case(*events, number=FORGED)


def at_border(day="03-20", *lines, **members):
    return confirmed(day, *lines, permit=ref(FORGED, **members.pop("ref", {})), **members)


def seen(**members):
    return view(**{"observation": observation(), "now": SOON, **members})


ALERTS = {
    "confirmed": [at_border()],
    "seized": [at_border(outcome="seized")],
    "endorsed": [endorsed("03-20", permit=ref(FORGED))],
    "shown only": [presented("03-20", permit=ref(FORGED))],
    "one of two events is covered": [at_border(), at_border(ref={"issued_on": None})],
    "no type given, and all types covered": [at_border(ref={"kind": None})],
}


@pytest.mark.parametrize("events", ALERTS.values(), ids=ALERTS)
def test_a_number_that_a_complete_register_lacks_is_an_alert(events):
    (draft,) = detect(forged(*events), seen())
    assert draft.class_ == "A"
    assert (draft.subject.type, draft.subject.year) == (None, None)


def test_the_sentence_and_the_parties():
    (draft,) = detect(forged(at_border()), seen())
    assert draft.summary == (
        "XA has issued no permit 26XA000124, but it was used: confirmed by XB on 2026-03-20; each permit has a number "
        "of the authority that granted it (Art. VI.3): hold the goods and the paper, and ask XA."
    )
    assert draft.parties == ("XA", "XB")
    assert [e.type for e in draft.evidence] == ["import-confirmation"]


def test_only_events_that_the_coverage_speaks_of_are_evidence():
    covered, uncovered = at_border(), at_border(by="XC", ref={"issued_on": "2025-03-01"})
    (draft,) = detect(forged(covered, uncovered), seen())
    assert draft.evidence == (covered.source,)


UNKNOWN = {
    "no observation": (None, {}),
    "the issuer publishes no coverage": (observation(coverage=None), {}),
    "never read": (observation(watermark=None), {}),
    "read only up to the end of that day": (observation(watermark=datetime(2026, 3, 2, tzinfo=UTC)), {}),
    "read exactly as far as promised": (observation(watermark=datetime(2026, 3, 3, tzinfo=UTC)), {}),
    "disputed": (observation(disputed=True), {}),
    "issued before the coverage": (observation(), {"issued_on": "2025-03-01"}),
    "no date of issue, and the coverage has a beginning": (observation(), {"issued_on": None}),
    "another type": (
        observation(
            coverage=Coverage(
                items=(CoverageItem(types=frozenset("I"), issued_from=None, published_within=timedelta()),)
            )
        ),
        {},
    ),
}


@pytest.mark.parametrize(("what_was_seen", "reference"), UNKNOWN.values(), ids=UNKNOWN)
def test_absence_proves_nothing_where_the_register_may_be_incomplete(what_was_seen, reference):
    assert detect(forged(at_border(ref=reference)), seen(observation=what_was_seen)) == ()


def test_a_moment_after_the_promise_the_register_is_complete():
    late = observation(watermark=datetime(2026, 3, 3, 0, 0, 1, tzinfo=UTC))
    assert detect(forged(at_border()), seen(observation=late))


def test_without_a_date_of_issue_a_coverage_without_beginning_speaks_of_the_day_of_use():
    ever = CoverageItem(types=frozenset("ERIO"), issued_from=None, published_within=timedelta())
    event = at_border(ref={"issued_on": None})

    def found(watermark):
        return detect(
            forged(event), seen(observation=observation(coverage=Coverage(items=(ever,)), watermark=watermark))
        )

    assert not found(datetime(2026, 3, 20, 12, tzinfo=UTC))
    assert found(datetime(2026, 3, 21, 12, tzinfo=UTC))


def test_a_permit_that_is_held_after_all_ends_it():
    """Late publication, or another type or year of the number: some permit has it."""
    assert detect(forged(at_border(), permit(number=FORGED)), seen()) == ()


def test_a_corrected_event_ends_it():
    """The correction names the right permit, so no event is about this number any more."""
    assert detect(forged(), seen()) == ()


NEIGHBOUR = permit()
FITS = {
    "confirmed at the destination": [at_border()],
    "endorsed at home": [endorsed("03-20", permit=ref(FORGED))],
    "both": [endorsed("03-19", permit=ref(FORGED)), at_border()],
    "shown at the destination": [presented("03-20", permit=ref(FORGED))],
    "with taxon": [at_border("03-20", goods(taxon="Python regius"))],
    "paper with the same goods": [
        presented(
            "03-20", permit=ref(FORGED), paper={"lines": [{"block": "A", "taxon": "python regius", "unit": "NAR"}]}
        )
    ],
    "on the last day": [at_border("08-31", at=SOON)],
}


@pytest.mark.parametrize("events", FITS.values(), ids=FITS)
def test_a_neighbour_that_fits_makes_it_a_likely_typing_error(events):
    (draft,) = detect(forged(*events), seen(neighbours=(NEIGHBOUR,)))
    assert draft.class_ == "R"
    assert "; probably 26XA000123 was meant: ask the office to look at the paper again" in draft.summary
    assert [(p.number, p.type, p.year) for p in draft.permits] == [(FORGED, None, None), ("26XA000123", "E", 2026)]


MISFITS = {
    "another type": [permit(type="R")],
    "another destination": [permit(importer=TradeParty(country="XC"))],
    "another taxon": [permit(line(taxon="Boa constrictor"))],
    "another unit": [permit(line(unit="KGM"))],
    "no such block": [permit(line("B"))],
    "not yet in force": [permit(valid_from=on("03-21"))],
    "expired": [permit(valid_until=on("03-19"))],
    "withdrawn": [permit(withdrawn=withdrawn("03-15"))],
    "another issuer's": [permit(issuer="XC")],
    "no neighbour at all": [],
}


@pytest.mark.parametrize("neighbours", MISFITS.values(), ids=MISFITS)
def test_a_neighbour_that_does_not_fit_is_no_excuse(neighbours):
    event = at_border("03-20", goods(taxon="Python regius"))
    (draft,) = detect(forged(event), seen(neighbours=tuple(neighbours)))
    assert draft.class_ == "A"


def test_a_neighbour_that_was_confirmed_is_no_excuse():
    (draft,) = detect(
        forged(at_border()), seen(neighbours=(NEIGHBOUR,), neighbour_confirmed=frozenset({NEIGHBOUR.key}))
    )
    assert draft.class_ == "A"


def test_one_neighbour_must_fit_all_events():
    """Two countries cannot both have meant the one consignment of the neighbour."""
    (draft,) = detect(forged(at_border(), at_border(by="XC")), seen(neighbours=(NEIGHBOUR,)))
    assert draft.class_ == "A"


def test_a_neighbour_of_multiple_use_fits_any_destination():
    neighbour = permit(importer=None, multi_use=True)
    (draft,) = detect(forged(at_border(by="XC")), seen(neighbours=(neighbour,)))
    assert draft.class_ == "R"


def test_all_neighbours_that_fit_are_named():
    (draft,) = detect(forged(at_border()), seen(neighbours=(permit(number="26XA000125"), NEIGHBOUR)))
    assert draft.values["probably"] == "26XA000123 and 26XA000125"


def test_the_issuer_dismisses_the_typing_error_and_it_is_an_alert():
    (draft,) = detect(forged(at_border()), seen(neighbours=(NEIGHBOUR,), neighbour_dismissed=True))
    assert draft.class_ == "A"


@pytest.mark.parametrize(("waited", "expected"), [(timedelta(hours=71, minutes=59), "R"), (timedelta(hours=72), "A")])
def test_a_typing_error_that_nobody_corrects_is_an_alert_after_72_hours(waited, expected):
    """Counted from the earliest use: using the forged number again does not make a typing error of it again."""
    events = at_border(at=noon(on("03-20"))), at_border(at=noon(on("03-22")))
    now = noon(on("03-20")) + waited
    (draft,) = detect(forged(*events), seen(neighbours=(NEIGHBOUR,), now=now))
    assert draft.class_ == expected
    assert PARAMETERS.typing_error == timedelta(hours=72)
