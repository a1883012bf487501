"""All detectors over one case: laws that hold for every pattern."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from epix_node.permit.event import Difference
from epix_node.permit.finding import FindingClass
from epix_node.reconcile import detect as module
from epix_node.reconcile.detect import DETECTORS, detect
from tests.reconcile.builders import (
    NUMBER,
    TIMBER,
    case,
    confirmed,
    dated_back,
    day,
    endorsed,
    goods,
    line,
    observation,
    permit,
    presented,
    ref,
    view,
    withdrawn,
)

AIR = "020-12345675"

_members = {
    "document": st.sampled_from([None, AIR, "AWB2"]),
    "office": st.sampled_from(["P", "Q"]),
}
_day = st.dates(day("03-01"), day("2027-02-01")).map(str)
_goods = st.builds(
    lambda amount, unit, block, taxon: goods(amount, unit, block=block, taxon=taxon),
    st.sampled_from(["0.1", "0.2", "3", "12", "13"]),
    st.sampled_from(["NAR", "KGM", "GRM"]),
    st.sampled_from(["A", "B", None]),
    st.sampled_from([None, None, None, "Python regius", "Python spp.", "Python sebae", "pythons 4 u"]),
)
_events = st.one_of(
    st.builds(lambda on, what, by, **m: endorsed(on, what, by=by, **m), _day, _goods, st.just("XA"), **_members),
    st.builds(
        lambda on, what, by, **m: confirmed(on, what, by=by, **m),
        _day,
        _goods,
        st.sampled_from(["XB", "XC"]),
        outcome=st.sampled_from(["released", "seized", "returned", "refused"]),
        basis=st.sampled_from([None, None, TIMBER, replace(TIMBER, kind="timber-change-of-destination")]),
        **_members,
    ),
    st.builds(lambda on, paper: presented(on, paper=paper), _day, st.sampled_from([{}, {"type": "R"}])),
)
_permits = st.builds(
    lambda number, withdrawn_on, multi_use: permit(
        line("A", "12", appendix="I"),
        line("B", "1", unit="KGM"),
        number=number,
        multi_use=multi_use,
        withdrawn=withdrawn(withdrawn_on) if withdrawn_on else None,
    ),
    st.just(NUMBER),
    st.none() | _day,
    st.booleans(),
)
_facts = st.tuples(_permits.map(lambda fact: [fact]) | st.just([]), st.lists(_events, max_size=7))


def seen():
    return view(observation=observation())


@given(_facts, st.randoms(use_true_random=False))
@settings(max_examples=100, deadline=None)
def test_the_order_of_the_facts_decides_nothing(facts, random):
    permits, events = facts
    shuffled = random.sample(events, len(events))
    assert detect(case(*permits, *shuffled), seen()) == detect(case(*permits, *events), seen())


@given(_facts)
@settings(max_examples=50, deadline=None)
def test_a_fact_that_comes_twice_changes_nothing(facts):
    permits, events = facts
    assert detect(case(*permits, *events, *events), seen()) == detect(case(*permits, *events), seen())


@given(_facts)
@settings(max_examples=50, deadline=None)
def test_a_fact_about_another_permit_changes_nothing(facts):
    """Not even about one with the same number, of another year: events that give the date of issue tell them apart."""
    permits, events = facts
    other = permit(line("A", "12"), issued_on=day("2025-03-01"), valid_until=day("2025-08-31"))
    use = confirmed("2025-04-20", goods("99"), by="XC", permit=ref(issued_on="2025-03-01"))
    if permits:
        alone = detect(case(*permits, *events), seen())
        beside = detect(case(*permits, other, *events, use), seen())
        assert [draft for draft in beside if draft.subject.year == 2026] == list(alone)
        assert [draft.pattern for draft in beside if draft.subject.year == 2025] == ["FRD-04", "FRD-12"]


@given(_facts)
@settings(max_examples=100, deadline=None)
def test_every_draft_keeps_the_contract(facts):
    """One draft for an id; evidence that the case holds, each once; every figure of the sentence is in the values."""
    permits, events = facts
    drafts = detect(case(*permits, *events), seen())
    assert len({draft.id for draft in drafts}) == len(drafts)
    held = {f.source.document for f in (*permits, *events)} | {
        f.withdrawal.source.document for f in permits if f.withdrawal
    }
    for draft in drafts:
        documents = [source.document for source in draft.evidence]
        assert documents
        assert set(documents) <= held
        assert len(set(documents)) == len(documents)
        assert draft.permits[0] == draft.subject
        assert "Exporter" not in draft.summary + str(draft.values)
        sentence = draft.summary
        for number in (draft.subject.number, *(named.number for named in draft.permits)):
            sentence = sentence.replace(number, "")
        told = " ".join((*draft.values, *draft.values.values()))
        missing = [figure for figure in re.findall(r"[0-9][0-9.-]*[0-9]|[0-9]", sentence) if figure not in told]
        assert not missing, (draft.summary, draft.values)


def test_each_pattern_has_its_detector_and_the_drafts_come_in_their_order():
    facts = [
        dated_back(permit(withdrawn=withdrawn("03-10"))),
        presented("03-20", paper={"type": "R"}),
        confirmed("2026-12-01", goods("13")),
        confirmed("2026-12-20", by="XC"),
    ]
    patterns = [f"FRD-{number:02}" for number in (1, 2, 3, 4, 5, 6, 7, 8, 9, 11, 12, 14, 15, 18, 19)]
    by_rule = ["VAL-13", "VAL-14", "APP-05", "FLD-01", "END-11"]
    assert list(DETECTORS) == [*patterns, *by_rule, "END-05"]
    assert [draft.pattern for draft in detect(case(*facts), seen())] == [
        "FRD-01",
        "FRD-02",
        "FRD-03",
        "FRD-04",
        "FRD-11",
        "FRD-14",
    ]


def test_the_id_depends_on_the_permit_and_the_pattern_only():
    """More evidence and another class are the same finding."""
    few = [permit(), confirmed("03-20", goods("6"), document="A1"), confirmed("03-21", goods("6"), document="A2")]
    (review,) = detect(case(*few), seen())
    (alert,) = [d for d in detect(case(*few, confirmed("03-22", by="XC")), seen()) if d.pattern == "FRD-01"]
    assert (review.class_, alert.class_) == ("R", "A")
    assert review.id == alert.id


INNOCENT = {
    "an ordinary trade": [permit(), endorsed("03-18", document=AIR), confirmed("03-20", document="HAWB7")],
    "transmitted again": [permit(), endorsed("03-18"), *[confirmed("03-20")] * 2],
    "less than permitted, in two flights": [
        permit(),
        endorsed("03-18", goods("10")),
        confirmed("03-20", goods("4"), document=AIR),
        confirmed("03-29", goods("4"), document=AIR),
    ],
    "unused, and expired": [permit()],
    "returned": [permit(), endorsed("03-18"), confirmed("03-20", outcome="returned")],
    "through a transit country": [
        permit(transit=("XC",)),
        endorsed("03-18"),
        confirmed("03-19", by="XC"),
        confirmed("03-20"),
    ],
    "a travelling exhibition": [
        permit(multi_use=True, importer=None),
        *(confirmed(f"0{month}-20", by=by) for month, by in ((3, "XB"), (4, "XC"), (5, "XB"))),
    ],
    "out in December, in in January": [
        permit(valid_until=day("2026-12-31")),
        endorsed("2026-12-30"),
        confirmed("2027-01-08"),
    ],
    "another name for the same species": [permit(), confirmed("03-20", goods(taxon="Boa regia"))],
    "the genus only": [permit(), endorsed("03-18"), confirmed("03-20", goods(taxon="Python spp."))],
    "sent back and received at home": [
        permit(),
        endorsed("03-18"),
        confirmed("03-20", outcome="returned"),
        confirmed("03-30", by="XA"),
    ],
    "seized for want of an import permit": [
        permit(line(appendix="I", sources=("W",))),
        confirmed("03-20", outcome="seized"),
    ],
    "used before it was withdrawn": [permit(withdrawn=withdrawn("04-10")), endorsed("03-18"), confirmed("03-20")],
    "a number that this node cannot know": [confirmed("03-20", permit=ref(issued_on="2025-03-01"))],
}


@pytest.mark.parametrize("facts", INNOCENT.values(), ids=INNOCENT)
def test_ordinary_trade_is_no_finding_of_any_pattern(facts):
    assert detect(case(*facts), seen()) == ()


@pytest.mark.parametrize("ends", ["0001-01-01", "9999-12-31"])
def test_dates_at_the_ends_of_the_calendar_are_dates(ends):
    """Events may lie in the past without limit, and other nodes may have other clocks."""
    events = [
        endorsed(ends, document=AIR, at=seen().now),
        confirmed(ends, at=seen().now),
        endorsed(ends, at=seen().now),
    ]
    for fact in (permit(), permit(valid_until=day(ends)), permit(withdrawn=withdrawn(ends))):
        detect(case(fact, *events, confirmed("9999-12-30", at=seen().now)), seen())
    detect(case(*events), seen())


def test_drafts_of_one_id_are_merged_under_the_strongest_class(monkeypatch):
    """No detector does this today; the merging must not depend on who speaks first."""
    event = presented("03-20", Difference(field="type", presented="R", registered="E", class_="A"))
    (alert,) = detect(case(permit(), event), seen())
    other = (confirmed("03-20").source,)
    review = replace(alert, class_=FindingClass.REVIEW, summary=f"Or {alert.summary}", evidence=other)
    for drafts in ((alert, review), (review, alert)):
        monkeypatch.setattr(module, "DETECTORS", {"FRD-02": lambda case, view, drafts=drafts: drafts})
        (merged,) = detect(case(), seen())
        assert (merged.class_, merged.summary) == ("A", alert.summary)
        assert merged.evidence == alert.evidence + review.evidence


def test_detection_is_a_function_of_now_only_where_a_pattern_says_so():
    """Of the patterns so far, only a likely typing error runs out."""
    facts = case(permit(withdrawn=withdrawn("03-10")), confirmed("2026-12-01", goods("13")), confirmed("2026-12-20"))
    assert detect(facts, seen()) == detect(facts, replace(seen(), now=seen().now + timedelta(days=999)))
