"""FRD-01: one permit, several consignments."""

from __future__ import annotations

import pytest

from epix_node.reconcile.detectors.frd01 import detect
from tests.reconcile.builders import (
    IMPORT_REF,
    case,
    confirmed,
    endorsed,
    goods,
    import_case,
    import_permit,
    line,
    permit,
    ref,
    view,
    withdrawn,
)


def classes(found):
    return "".join(draft.class_ for draft in found)


SIX = goods("6")
FIRES = {
    "two countries import": ("A", [permit(), confirmed("03-20"), confirmed("03-22", by="XC")]),
    "two countries import under one transport document": (
        "A",
        [permit(), confirmed("03-20", document="AWB1"), confirmed("03-20", by="XC", document="AWB1")],
    ),
    "the other country seizes": ("A", [permit(), confirmed("03-20"), confirmed("03-22", by="XC", outcome="seized")]),
    "one country imports twice": ("A", [permit(), confirmed("03-20"), confirmed("04-20")]),
    "twice within three days but more than permitted": (
        "A",
        [permit(), confirmed("03-20", document="AWB1"), confirmed("03-22", document="AWB2")],
    ),
    "twice within the tolerance of the unit, which does not count here": (
        "A",
        [
            permit(line(quantity="10", unit="KGM")),
            confirmed("03-20", goods("5", "KGM"), document="AWB1"),
            confirmed("03-21", goods("5.1", "KGM"), document="AWB2"),
        ],
    ),
    "twice within three days at two offices": (
        "A",
        [permit(), confirmed("03-20", SIX, document="AWB1"), confirmed("03-21", SIX, document="AWB2", office="XB-2")],
    ),
    "twice four days apart, little each": ("A", [permit(), confirmed("03-20", SIX), confirmed("03-24", SIX)]),
    "goods on no line in one of two": (
        "A",
        [
            permit(),
            confirmed("03-20", SIX, document="AWB1"),
            confirmed("03-21", goods("1", block=None), document="AWB2"),
        ],
    ),
    "three consignments of which two are far apart": (
        "A",
        [permit(), *(confirmed(day, goods("1"), document=day) for day in ("03-20", "03-22", "03-24"))],
    ),
    "endorsed twice": ("A", [permit(), endorsed("03-20"), endorsed("04-20")]),
    "a declared transit country that is the destination imports": (
        "A",
        [permit(transit=("XB",)), confirmed("03-20"), confirmed("03-22", by="XC")],
    ),
    "withdrawn permits too": (
        "A",
        [permit(withdrawn=withdrawn("03-10")), confirmed("03-20"), confirmed("03-22", by="XC")],
    ),
    "twice within three days, together not more than permitted": (
        "R",
        [permit(), confirmed("03-20", SIX, document="AWB1"), confirmed("03-23", SIX, document="AWB2")],
    ),
    "endorsed twice within three days": (
        "R",
        [permit(), endorsed("03-20", SIX, document="AWB1"), endorsed("03-21", SIX, document="AWB2")],
    ),
    "twice within three days, in units that cannot be added": (
        "R",
        [permit(), confirmed("03-20", document="AWB1"), confirmed("03-21", goods("40", "KGM"), document="AWB2")],
    ),
}


@pytest.mark.parametrize(("class_", "facts"), FIRES.values(), ids=FIRES)
def test_it_fires(class_, facts):
    assert classes(detect(case(*facts), view())) == class_


INNOCENT = {
    "unused": [permit()],
    "one consignment out and in": [permit(), endorsed("03-18"), confirmed("03-20")],
    "export and import side quote different documents": [
        permit(),
        endorsed("03-18", document="MAWB1"),
        confirmed("03-20", document="HAWB2"),
    ],
    "transmitted twice": [permit(), confirmed("03-20"), confirmed("03-20")],
    "a split arrival under one air waybill": [
        permit(),
        confirmed("03-20", SIX, document="020-12345675"),
        confirmed("04-02", SIX, document="02012345675", office="XB-2"),
    ],
    "no documents, three days, one office": [permit(), confirmed("03-20", SIX), confirmed("03-23", SIX)],
    "held goods are released": [
        permit(),
        confirmed("03-20", document="AWB1", event_id="held", outcome="partly-released"),
        confirmed("06-20", document="AWB2", continues="held"),
    ],
    "a document of multiple use": [permit(multi_use=True), confirmed("03-20"), confirmed("05-22", by="XC")],
    "returned by one country, then imported by another": [
        permit(),
        confirmed("03-20", by="XC", outcome="returned"),
        confirmed("04-20"),
    ],
    "refused twice": [permit(), confirmed("03-20", outcome="refused"), confirmed("05-20", outcome="refused")],
    "every line returned": [permit(), confirmed("03-20", goods(outcome="returned"), by="XC"), confirmed("04-20")],
    "a transit country confirms": [permit(transit=("XC",)), confirmed("03-18", by="XC"), confirmed("03-20")],
    "transit customs endorse again": [permit(transit=("XC",)), endorsed("03-18"), endorsed("03-19", by="XC")],
    "nothing was let in, and then it was": [permit(), confirmed("03-20", outcome="refused"), confirmed("05-20")],
    "a confirmation of no permit held": [confirmed("03-20"), confirmed("03-22", by="XC")],
    "the replacement is used instead of the old one": [
        permit(withdrawn=withdrawn("03-10", "replaced", successor="26XA000124")),
        confirmed("03-05"),
    ],
}


@pytest.mark.parametrize("facts", INNOCENT.values(), ids=INNOCENT)
def test_it_does_not_fire(facts):
    assert detect(case(*facts), view()) == ()


def test_the_sentence_tells_an_officer_what_was_recorded_where():
    facts = case(permit(), confirmed("03-20"), confirmed("03-22", by="XC"))
    (draft,) = detect(facts, view())
    assert draft.summary == (
        "Export permit XA 26XA000123 covers one consignment (Art. VI.5), but 2 were confirmed: "
        "XB on 2026-03-20 and XC on 2026-03-22; hold what is not released yet, and compare the papers that were shown."
    )
    assert draft.values["confirmed"] == "2: XB on 2026-03-20 and XC on 2026-03-22"
    assert draft.values["rule"] == "Art. VI.5"
    assert draft.values["line.A"] == "Python regius LIV 12 NAR"
    assert draft.parties == ("XA", "XB", "XC")
    assert [e.type for e in draft.evidence] == ["permit", "import-confirmation", "import-confirmation"]


def test_two_consignments_that_fall_on_one_day_are_both_told():
    (draft,) = detect(case(permit(), confirmed("03-20", document="A1"), confirmed("03-20", document="A2")), view())
    assert "but 2 were confirmed: XB on 2026-03-20 and XB on 2026-03-20;" in draft.summary


def test_the_evidence_is_every_event_of_the_consignments_concerned():
    """The single endorsement belongs to no reuse, so it is left out."""
    facts = [
        permit(),
        endorsed("03-10"),
        confirmed("03-20", SIX),
        confirmed("03-21", SIX),
        confirmed("05-20"),
    ]
    (draft,) = detect(case(*facts), view())
    assert {e.document for e in draft.evidence} == {f.source.document for f in facts if f is not facts[1]}


def test_a_single_use_import_permit_serves_one_consignment():
    """Its uses are about export permits, each with its own number, and the finding names those as well."""
    uses = [
        confirmed("03-20", import_permit=IMPORT_REF),
        confirmed("05-20", permit=ref("26XA000124"), import_permit=IMPORT_REF),
    ]
    (draft,) = detect(import_case(import_permit(), uses=uses), view())
    assert draft.class_ == "A"
    assert draft.summary.startswith("Import permit XB 26XB000777 covers one consignment (Art. VI.5), but 2 were ")
    assert {p.number for p in draft.permits} == {"26XB000777", "26XA000123", "26XA000124"}


@pytest.mark.parametrize(
    "uses",
    [
        [confirmed("03-20", import_permit=IMPORT_REF)],
        [
            confirmed("03-20", import_permit=IMPORT_REF, document="AWB1"),
            confirmed("03-20", permit=ref("26XA000124"), import_permit=IMPORT_REF, document="AWB1"),
        ],
    ],
    ids=["one arrival", "one arrival under two export permits"],
)
def test_one_consignment_under_an_import_permit_is_no_reuse(uses):
    assert detect(import_case(import_permit(), uses=uses), view()) == ()


def test_a_reusable_import_permit_is_used_again():
    uses = [confirmed("03-20", import_permit=IMPORT_REF), confirmed("05-20", import_permit=IMPORT_REF)]
    assert detect(import_case(import_permit(multi_use=True), uses=uses), view()) == ()


def test_long_lists_are_cut_in_the_sentence_and_whole_in_the_evidence():
    arrivals = [confirmed(f"{month:02}-20") for month in range(3, 11)]
    (draft,) = detect(case(permit(), *arrivals), view())
    assert "8 were confirmed" in draft.summary
    assert "and 3 more; hold" in draft.summary
    assert len(draft.evidence) == 9
