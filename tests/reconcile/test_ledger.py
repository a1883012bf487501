"""How each line of a permit stands."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from epix_node.permit.allowance import allowances
from epix_node.reconcile.detectors import frd01, frd04
from epix_node.reconcile.ledger import line_states
from tests.reconcile.builders import (
    IMPORT_REF,
    PARAMETERS,
    case,
    confirmed,
    endorsed,
    goods,
    import_case,
    import_permit,
    line,
    noon,
    permit,
    view,
    withdrawn,
)
from tests.reconcile.builders import day as on

MAHOGANY = line(quantity="10", unit="MTQ", taxon="Swietenia macrophylla", term="SAW")
EELS = line(quantity="1000", unit="NAR", taxon="Anguilla anguilla", term="LIV")
LOGS = line(quantity="10", unit="MTQ", taxon="Swietenia macrophylla", term="LOG")
SKINS = line(quantity="100", unit="NAR", taxon="Crocodylus niloticus", term="SKI")
TIGHT = line(quantity="100", unit="KGM", term="MEA")
FIRST = line(quantity="12", appendix="I")


_LEFT = endorsed("03-10")
UNCOUNTED = replace(_LEFT, body=replace(_LEFT.body, lines=()))


def stand(*facts, now="2026-06-01", uses=(), **observable):
    """The states of the lines of the first permit among the facts."""
    own = case(*facts, uses=uses)
    return line_states(own, own.permits[0], parameters=PARAMETERS, now=noon(on(now)), **observable)


def kg(amount):
    return goods(amount, "KGM")


def m3(amount):
    return goods(amount, "MTQ")


STATES = {
    # Nothing moved: normal, whatever becomes of the permit.
    "nothing happened yet": ("OPEN", "INFO", [permit()], {}),
    "within 60 days after the last day": ("OPEN", "INFO", [permit()], {"now": "2026-10-30"}),
    "later, unused permits are normal": ("EXPIRED_UNUSED", "INFO", [permit()], {"now": "2026-10-31"}),
    "a permit without a last day stays open": ("OPEN", "INFO", [permit(valid_until=None)], {"now": "2030-01-01"}),
    "withdrawn unused": ("EXPIRED_UNUSED", "INFO", [permit(withdrawn=withdrawn("03-10"))], {}),
    "endorsed as nothing": ("EXPIRED_UNUSED", "INFO", [permit(), endorsed("03-10", goods("0"))], {}),
    # It left.
    "under way": ("EXPORTED_AWAITING", "INFO", [permit(), endorsed("03-10")], {"confirm_observable": True}),
    "the last day of waiting": (
        *("EXPORTED_AWAITING", "INFO", [permit(), endorsed("03-10")]),
        {"now": "2026-10-30", "confirm_observable": True},
    ),
    "silence of one who reports": (
        *("NOT_CONFIRMED", "REFER", [permit(), endorsed("03-10")]),
        {"now": "2026-10-31", "confirm_observable": True},
    ),
    "silence of one who does not": (
        *("NOT_OBSERVABLE", "INFO", [permit(), endorsed("03-10")]),
        {"now": "2026-10-31", "confirm_observable": False},
    ),
    "silence of one of whom nothing is known": (
        *("NOT_OBSERVABLE", "INFO", [permit(), endorsed("03-10")]),
        {"now": "2026-10-31"},
    ),
    "by sea it may take longer than the permit lasts": (
        *("EXPORTED_AWAITING", "INFO", [permit(), endorsed("08-30", document="MSCU123")]),
        {"now": "2027-02-25", "confirm_observable": True},
    ),
    "by air it may not": (
        *("NOT_CONFIRMED", "REFER", [permit(), endorsed("08-30", document="020-12345675")]),
        {"now": "2027-02-25", "confirm_observable": True},
    ),
    "refused goods did not arrive, and nobody is silent": (
        *("TURNED_AWAY", "INFO", [permit(), endorsed("03-10"), confirmed("03-20", outcome="refused")]),
        {"now": "2026-12-31", "confirm_observable": True},
    ),
    "left, and nobody says how much": ("EXPORTED_AWAITING", "INFO", [permit(), UNCOUNTED], {}),
    "came, but nobody says how much left": ("INCOMPARABLE", "INFO", [permit(), UNCOUNTED, confirmed("03-20")], {}),
    # It arrived.
    "as much as left": ("MATCHED", "INFO", [permit(), endorsed("03-10"), confirmed("03-20")], {}),
    "less than permitted is normal": (
        *("MATCHED", "INFO", [permit(), endorsed("03-10", goods("3")), confirmed("03-20", goods("3"))]),
        {},
    ),
    "in other units of the class": (
        *("MATCHED", "INFO", [permit(TIGHT), endorsed("03-10", kg("100")), confirmed("03-20", goods("99000", "GRM"))]),
        {},
    ),
    "two in a hundred of dressed goods": (
        *("MATCHED", "INFO", [permit(TIGHT), endorsed("03-10", kg("100")), confirmed("03-20", kg("98"))]),
        {},
    ),
    "more than two in a hundred": (
        *("SHORT", "INFO", [permit(TIGHT), endorsed("03-10", kg("100")), confirmed("03-20", kg("97.9"))]),
        {},
    ),
    "a tenth of timber": (
        *("MATCHED", "INFO", [permit(LOGS), endorsed("03-10", m3("10")), confirmed("03-20", m3("9"))]),
        {},
    ),
    "four fifths": (
        *("SHORT", "INFO", [permit(TIGHT), endorsed("03-10", kg("100")), confirmed("03-20", kg("80"))]),
        {},
    ),
    "less than four fifths": (
        *("SHORT", "WARN", [permit(TIGHT), endorsed("03-10", kg("100")), confirmed("03-20", kg("79"))]),
        {},
    ),
    "less than half, Appendix II": (
        *("SHORT", "WARN", [permit(), endorsed("03-10"), confirmed("03-20", goods("5"))]),
        {},
    ),
    "less than half, Appendix I": (
        *("SHORT", "REFER", [permit(FIRST), endorsed("03-10"), confirmed("03-20", goods("5"))]),
        {},
    ),
    "half, Appendix I": (
        *("SHORT", "WARN", [permit(FIRST), endorsed("03-10"), confirmed("03-20", goods("6"))]),
        {},
    ),
    "none of it came": (
        *("SHORT", "REFER", [permit(FIRST), endorsed("03-10"), confirmed("03-20", goods("0"))]),
        {},
    ),
    "more than left": (
        *("OVER_IMPORT", "BLOCK", [permit(), endorsed("03-10", goods("6")), confirmed("03-20", goods("7"))]),
        {},
    ),
    "more than permitted left": (
        *("OVER_EXPORT", "BLOCK", [permit(), endorsed("03-10", goods("13")), confirmed("03-20", goods("13"))]),
        {},
    ),
    "more than permitted came, and nobody endorsed": (
        *("OVER_IMPORT", "BLOCK", [permit(), confirmed("03-20", goods("13"))]),
        {},
    ),
    "two consignments": (
        *("DOUBLE", "BLOCK", [permit(), confirmed("03-20", document="A"), confirmed("04-20", document="B")]),
        {},
    ),
    "perhaps parts of one": (
        *("DOUBLE", "REFER"),
        [permit(), *(confirmed("03-20", goods("6"), document=d) for d in "AB")],
        {},
    ),
    # Nobody endorsed.
    "not endorsed by one who endorses": (
        *("UNENDORSED_IMPORT", "REFER", [permit(), confirmed("03-20")]),
        {"endorse_observable": True},
    ),
    "an endorsement may come late": (
        *("UNENDORSED_IMPORT", "INFO", [permit(), confirmed("03-20")]),
        {"endorse_observable": True, "now": "2026-05-19"},
    ),
    "not endorsed by one who does not": ("UNENDORSED_IMPORT", "INFO", [permit(), confirmed("03-20")], {}),
    # Counted in different ways.
    "another unit, and no conversion": (
        *("INCOMPARABLE", "INFO", [permit(), endorsed("03-10"), confirmed("03-20", kg("4"))]),
        {},
    ),
    "timber by the density of its species": (
        *("MATCHED", "INFO", [permit(MAHOGANY), endorsed("03-10", m3("10")), confirmed("03-20", kg("7300"))]),
        {},
    ),
    "with a quarter's tolerance": (
        *("MATCHED", "INFO", [permit(MAHOGANY), endorsed("03-10", m3("10")), confirmed("03-20", kg("5475"))]),
        {},
    ),
    "less than that is short, never more than a warning": (
        *("SHORT", "WARN"),
        [permit(replace(MAHOGANY, appendix="I")), endorsed("03-10", m3("10")), confirmed("03-20", kg("730"))],
        {},
    ),
    "a conversion never says that there was too much": (
        *("INCOMPARABLE", "INFO", [permit(MAHOGANY), endorsed("03-10", m3("10")), confirmed("03-20", kg("73000"))]),
        {},
    ),
    "neither of what left": (
        *("INCOMPARABLE", "INFO"),
        [permit(MAHOGANY), endorsed("03-10", kg("73000")), confirmed("03-20", kg("73000"))],
        {},
    ),
    "sides of skins": (
        *("MATCHED", "INFO", [permit(SKINS), endorsed("03-10", goods("100")), confirmed("03-20", goods("200", "SID"))]),
        {},
    ),
    "eels are never weighed into animals": (
        *("INCOMPARABLE", "INFO", [permit(EELS), endorsed("03-10", goods("1000")), confirmed("03-20", kg("1"))]),
        {},
    ),
    "logs are no sawn wood": (
        *("INCOMPARABLE", "INFO"),
        [permit(LOGS), endorsed("03-10", m3("10")), confirmed("03-20", goods("6", "MTQ", term="SAW"))],
        {},
    ),
    "what the officer calls it changes no number": (
        *("MATCHED", "INFO", [permit(), endorsed("03-10"), confirmed("03-20", goods(term="BOD"))]),
        {},
    ),
    "a quantity that cannot be read": (
        *("INCOMPARABLE", "INFO", [permit(line(quantity=None)), endorsed("03-10"), confirmed("03-20")]),
        {},
    ),
    # Documents of multiple use.
    "of multiple use, in force": (
        *("OPEN", "INFO", [permit(multi_use=True), *(confirmed(d) for d in ("03-20", "04-20", "05-20"))]),
        {},
    ),
    "of multiple use, over": (
        *("MATCHED", "INFO", [permit(multi_use=True), confirmed("03-20"), confirmed("04-20")]),
        {"now": "2026-12-31"},
    ),
    "of multiple use, one consignment too large": (
        *("OVER_IMPORT", "BLOCK", [permit(multi_use=True), confirmed("03-20", goods("13"))]),
        {},
    ),
}


@pytest.mark.parametrize(("state", "severity", "facts", "given"), STATES.values(), ids=STATES)
def test_how_a_line_stands(state, severity, facts, given):
    (found,) = stand(*facts, **given)
    assert (found.state, found.severity) == (state, severity)


def test_each_line_stands_for_itself():
    """Two blocks, of which one left; the other was used by nobody and never will be."""
    lines = stand(permit(line("A"), line("B")), endorsed("03-10"), confirmed("03-20"))
    assert [(one.block, one.state) for one in lines] == [("A", "MATCHED"), ("B", "EXPIRED_UNUSED")]


def test_what_else_holds_is_told_beside_the_gravest():
    (found,) = stand(permit(), *(confirmed(d, document=d) for d in ("03-20", "04-20")))
    assert (found.state, found.also) == ("DOUBLE", ("OVER_IMPORT", "UNENDORSED_IMPORT"))


def test_amounts_are_told_in_the_permits_unit_with_what_they_rest_on():
    (found,) = stand(permit(MAHOGANY), endorsed("03-10", m3("10")), confirmed("03-20", kg("7000")))
    assert found.to_json() == {
        "block": "A",
        "state": "MATCHED",
        "severity": "INFO",
        "also": [],
        "permitted": "10",
        "endorsed": "10",
        "imported": "9.589041",
        "unit": "MTQ",
        "tolerance": "0.25",
        "conversions": ["CNV-18"],
    }


def test_what_cannot_be_added_is_told_as_no_amount():
    (found,) = stand(permit(), endorsed("03-10"), confirmed("03-20", kg("4")))
    assert (found.permitted, found.endorsed, found.imported) == ("12", "12", None)


IMPORTS = {
    "unused": ("OPEN", []),
    "used": ("MATCHED", [confirmed("03-20", goods(taxon="Python regius", term="LIV"), import_permit=IMPORT_REF)]),
    "used for less": ("MATCHED", [confirmed("03-20", goods("2", taxon="Python regius"), import_permit=IMPORT_REF)]),
    "used for more": (
        "OVER_IMPORT",
        [confirmed("03-20", goods("13", taxon="Python regius"), import_permit=IMPORT_REF)],
    ),
    "counted otherwise": (
        "INCOMPARABLE",
        [confirmed("03-20", goods("13", "KGM", taxon="Python regius"), import_permit=IMPORT_REF)],
    ),
}


@pytest.mark.parametrize(("state", "uses"), IMPORTS.values(), ids=IMPORTS)
def test_an_import_permit_is_compared_with_what_came_under_it(state, uses):
    own = import_case(import_permit(), uses=uses)
    (found,) = line_states(own, own.permits[0], parameters=PARAMETERS, now=noon(on("06-01")))
    assert found.state == state


def test_a_permit_that_counts_no_more_has_no_lines():
    void = replace(permit(), is_void=True)
    own = replace(case(), void=(void,))
    assert line_states(own, void, parameters=PARAMETERS, now=datetime(2026, 6, 1, tzinfo=UTC)) == ()


amounts = st.sampled_from(["0", "3", "6", "12", "13"]).map(goods) | st.just(goods("4", "KGM"))
blocks = st.sampled_from(["A", "B", None])
moved = st.builds(lambda g, b: goods(g.quantity.text, g.quantity.unit, block=b), amounts, blocks)
documents = st.sampled_from([None, "X", "Y"])
days = st.sampled_from(["03-10", "03-12", "04-20", "09-20"])
left = st.builds(
    lambda d, g, by, doc: endorsed(d, *g, by=by, document=doc),
    days,
    st.lists(moved, min_size=1, max_size=2),
    st.sampled_from(["XA", "XB"]),
    documents,
)
came = st.builds(
    lambda d, g, by, doc, outcome: confirmed(d, *g, by=by, document=doc, outcome=outcome),
    days,
    st.lists(moved, min_size=1, max_size=2),
    st.sampled_from(["XB", "XB", "XC", "XD"]),
    documents,
    st.sampled_from(["released", "released", "seized", "refused"]),
)


@given(
    facts=st.lists(left | came, max_size=5),
    multi_use=st.booleans(),
    transit=st.sampled_from([(), ("XC",)]),
    now=st.sampled_from(["2026-04-01", "2026-12-01"]),
    observable=st.sampled_from([None, False, True]),
)
@settings(max_examples=100, deadline=None)
def test_states_and_findings_say_the_same(facts, multi_use, transit, now, observable):
    """OVER_EXPORT and OVER_IMPORT where FRD-04 tells of that block, DOUBLE where FRD-01 tells of the permit."""
    fact = permit(line("A"), line("B"), multi_use=multi_use, transit=transit)
    own = case(fact, *facts)
    lines = line_states(
        own,
        fact,
        parameters=PARAMETERS,
        now=noon(on(now)),
        confirm_observable=observable,
        endorse_observable=observable,
    )
    assert [one.block for one in lines] == [line.block for line in fact.permit.lines]
    told = {key for draft in frd04.detect(own, view()) for key in draft.values}
    for allowance, one in zip(allowances(fact.permit), lines, strict=True):
        states = {one.state, *one.also}
        assert bool(states & {"OVER_EXPORT", "OVER_IMPORT"}) == (f"{allowance.label} moved" in told)
        assert ("DOUBLE" in states) == bool(frd01.detect(own, view()))
        assert (one.severity == "BLOCK") <= bool(states & {"OVER_EXPORT", "OVER_IMPORT", "DOUBLE"})
