"""FRD-06 and FRD-07: more went on under certificates than had come. XA permitted ten skins of ball pythons for XB.

Every scenario is looked at twice: as the holder's node sees it, by the certificates' own documents, and as the country
of origin does, by the extracts that their issuers wrote. Both must say the same.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from epix_node.permit.facts import CorrectionFact, EventFact, PermitFact, Source
from epix_node.permit.model import Origin
from epix_node.reconcile.chains import MAX_DEPTH
from epix_node.reconcile.detectors import frd06, frd07
from epix_node.reconcile.hindsight import alarming
from tests.reconcile.builders import NUMBER, TIMBER, case, confirmed, day, endorsed, goods, line, noon, permit, view
from tests.reconcile.builders import withdrawn as taken_back
from tests.reconcile.chains import ORIGIN, Certificate, sold

OFTEN = {"quantity": "10", "term": "SKI"}
ORIGINAL = permit(line(**OFTEN))
CAME = [ORIGINAL, endorsed("03-10", goods("10")), confirmed("03-12", goods("10"))]
LEFT = [ORIGINAL, endorsed("03-10", goods("10"))]
LATER = view(now=noon(day("2027-06-01")))
THEN = view(now=noon(day("05-01")))


def drawing_on(number: str, issuer: str = "XB") -> Origin:
    return Origin(country=issuer, permit=number, date=day("04-01"))


def timber(quantity: str) -> PermitFact:
    return permit(line(quantity=quantity, unit="MTQ", taxon="Dalbergia latifolia", term="LOG"))


SAWN = {"unit": "MTQ", "taxon": "Dalbergia latifolia", "term": "SAW"}
TWO_LINES = permit(line("A", "6", term="SKI"), line("B", "4", term="SKI"))
MANY_USES = permit(line(**OFTEN), type="O", subtype="sample-collection", multi_use=True)
REPLACED = taken_back("04-05", "replaced", by="XB", successor="XB-NEW")
XC_FROM_XB = {"by": "XC", "to": "XD", "on": "05-01", "number": "XC-1"}

Scenario = tuple[str, list[PermitFact | EventFact], list[Certificate]]
SCENARIOS: dict[str, Scenario] = {
    # One holder.
    "all of it went on": ("", CAME, [sold("6"), sold("4", to="XD")]),
    "more than came": ("06A", CAME, [sold("9"), sold("6", to="XD")]),
    "in many small certificates": ("06A", CAME, [sold("1", number=f"XB-{n}") for n in range(12)]),
    "over two lines of one certificate": (
        "06A",
        CAME,
        [
            sold(
                lines=[
                    line("A", "8", term="SKI", origin=ORIGIN),
                    line("B", "8", term="SKI", origin=ORIGIN),
                ]
            )
        ],
    ),
    "the number in another spelling": (
        "06A",
        CAME,
        [sold("9"), sold("6", to="XD", origin=replace(ORIGIN, permit=f" No. {NUMBER.lower()} ", country="xa"))],
    ),
    "never endorsed, but arrived": ("06A", CAME, [sold("15", moved=False).came("04-10", goods("15"))]),
    "the holder names itself as the last re-exporter": (
        "06A",
        CAME,
        [sold("9", number="XB-1"), sold("6", to="XD", last=drawing_on("XB-1"))],
    ),
    "under a permit that was never used": ("06A", [ORIGINAL], [sold("15")]),
    "more than left, though more was permitted": (
        "06A",
        [ORIGINAL, endorsed("03-10", goods("5")), confirmed("03-12", goods("5"))],
        [sold("9")],
    ),
    "goods that were sent on twice, once beside the certificates that are seized": (
        "06A",
        CAME,
        [sold("9").came("04-10", goods("9"), outcome="seized"), sold("9", to="XD")],
    ),
    "grams and kilograms": (
        "06A",
        [permit(line(quantity="2", unit="KGM", term="MEA"))],
        [sold("4500", "GRM", term="MEA")],
    ),
    "a certificate that draws on a certificate of origin": (
        "06A",
        [permit(line(**OFTEN), type="O", subtype="captive-bred")],
        [sold("15")],
    ),
    "trap: as the permit says": ("", LEFT, [sold("10")]),
    "trap: the confirmation is late": ("", LEFT, [sold("6"), sold("4", to="XD")]),
    "trap: the endorsement and the confirmation are missing": ("", [ORIGINAL], [sold("10")]),
    "trap: half of the confirmations are late": ("06R", [*LEFT, confirmed("03-12", goods("5"))], [sold("10")]),
    "trap: confirmed in another unit": ("", [*LEFT, confirmed("03-12", goods("3", "KGM"))], [sold("10")]),
    "trap: confirmed on no line": ("", [ORIGINAL, confirmed("03-12", goods("4", block=None))], [sold("10")]),
    "trap: unused and expired": ("", CAME, [sold("10"), sold("10", to="XD", moved=False, until="04-20")]),
    "trap: unused and replaced": ("", CAME, [sold("10"), sold("10", to="XD", moved=False, withdrawn=REPLACED)]),
    "trap: unused and withdrawn": (
        "",
        CAME,
        [sold("10"), sold("10", to="XD", moved=False, withdrawn=taken_back("04-05", "cancelled", by="XB"))],
    ),
    "trap: endorsed, replaced, and endorsed again": (
        "",
        CAME,
        [sold("10", withdrawn=REPLACED), sold("10", number="XB-NEW", on="04-06")],
    ),
    "withdrawn, but arrived": (
        "06A",
        CAME,
        [sold("10", withdrawn=REPLACED).came("04-10", goods("10")), sold("10", number="XB-NEW", on="04-06")],
    ),
    "still to be used": ("06R", CAME, [sold("10"), sold("10", to="XD", moved=False)]),
    "trap: partly used": (
        "",
        CAME,
        [sold("10", moved=False).left("04-03", goods("5")), sold("5", to="XD")],
    ),
    "trap: refused, came back, and went elsewhere": (
        "",
        CAME,
        [sold("10").came("04-10", goods("10"), outcome="refused"), sold("10", to="XD", on="05-01")],
    ),
    "trap: returned in part": (
        "",
        CAME,
        [
            sold("10").came("04-10", goods("6"), goods("4", outcome="returned")),
            sold("4", to="XD", on="05-01"),
        ],
    ),
    "trap: came home": (
        "",
        CAME,
        [sold("10").came("04-20", goods("10"), to="XB"), sold("10", to="XD", on="05-01")],
    ),
    "trap: bought back": (
        "",
        CAME,
        [
            sold("10", number="XB-1").came("04-10", goods("10")),
            sold("10", by="XC", to="XB", on="04-20", last=drawing_on("XB-1")).came("04-28", goods("10")).at_depth(2),
            sold("10", to="XD", on="05-01"),
        ],
    ),
    "trap: one skin makes many straps": ("", CAME, [sold("300", term="LPS")]),
    "no skin makes thousands": ("06R", CAME, [sold("5000", term="LPS")]),
    "trap: logs and sawn wood": ("", [timber("10")], [sold("6", **SAWN)]),
    "more sawn wood than logs": ("06R", [timber("10")], [sold("20", **SAWN)]),
    "trap: units that cannot be compared": ("", CAME, [sold("500", "MTK")]),
    "trap: other goods": ("", CAME, [sold("50", "KGM", term="MEA")]),
    "trap: a synonym": ("", CAME, [sold("5"), sold("5", taxon="Python regius (Shaw, 1802)", to="XD")]),
    "trap: the genus": ("", CAME, [sold("5"), sold("5", taxon="Python spp.", to="XD")]),
    "trap: another species of another permit": ("", CAME, [sold("10"), sold("50", taxon="Boa constrictor")]),
    "trap: the same taxon on several lines": (
        "",
        [TWO_LINES, endorsed("03-10", goods("6"), goods("4", block="B"))],
        [sold("10")],
    ),
    "trap: lines from different origin permits": (
        "",
        CAME,
        [
            sold(
                lines=[
                    line("A", "10", term="SKI", origin=ORIGIN),
                    line("B", "90", term="SKI", origin=replace(ORIGIN, permit="26XA000999")),
                ]
            )
        ],
    ),
    "trap: stock from before": ("", CAME, [sold("90", origin=replace(ORIGIN, permit="24XA000001"))]),
    "trap: without any reference": ("", CAME, [sold("90", origin=None)]),
    "goods of another source may be of another stock": ("06R", CAME, [sold("10"), sold("9", to="XD", sources=("O",))]),
    "trap: a document of many uses": ("", [MANY_USES], [sold("90")]),
    "trap: the issuer's own": ("", CAME, [sold("90", by="XA")]),
    "trap: timber that was sold on the way": (
        "",
        [
            timber("10"),
            endorsed("03-10", goods("10", "MTQ")),
            confirmed("03-30", goods("10", "MTQ"), by="XC", basis=replace(TIMBER, kind="timber-change-of-destination")),
        ],
        [sold("10", by="XC", to="XD", **{**SAWN, "term": "LOG"})],
    ),
    "trap: within a customs union": ("", CAME, [sold("5", to="XC"), sold("5", by="XE", to="XD")]),
    # Several holders.
    "two countries": ("07A", CAME, [sold("9", to="XC"), sold("9", by="XD", to="XE")]),
    "three countries": ("07A", CAME, [sold("5"), sold("5", by="XD", to="XE"), sold("5", by="XE", to="XD")]),
    "to one another at the same time": ("07A", CAME, [sold("9", to="XD"), sold("9", by="XD", to="XB")]),
    "the next one sells before it can have them": (
        "07A",
        CAME,
        [sold("9", to="XD").came("06-01", goods("9")), sold("9", by="XD", to="XE", on="04-05")],
    ),
    "two countries, one of them with what it did not use yet": (
        "07R",
        CAME,
        [sold("9", to="XC"), sold("9", by="XD", to="XE", moved=False)],
    ),
    "one country alone sent on too much, another a little": (
        "06A",
        CAME,
        [sold("15"), sold("5", by="XD", to="XE")],
    ),
    "trap: one after another": (
        "",
        CAME,
        [
            sold("10", number="XB-1").came("04-20", goods("10")),
            sold("10", **XC_FROM_XB, last=drawing_on("XB-1")).came("05-20", goods("10")).at_depth(2),
        ],
    ),
    "trap: box 12a was left empty": (
        "",
        CAME,
        [sold("10").came("04-20", goods("10")), sold("10", by="XC", to="XD", on="05-01")],
    ),
    "trap: box 12a was left empty, and the confirmation is late": (
        "",
        CAME,
        [sold("10"), sold("10", by="XC", to="XD", on="05-01")],
    ),
    "trap: box 12a was left empty at the third country": (
        "",
        CAME,
        [
            sold("10", number="XB-1").came("04-20", goods("10")),
            sold("10", **XC_FROM_XB, last=drawing_on("XB-1")).came("05-20", goods("10")).at_depth(2),
            sold("10", by="XD", to="XE", on="06-01"),
        ],
    ),
    "trap: timber sold on the way by another, box 12a left empty": (
        "",
        CAME,
        [
            sold("10", to="XE").came("04-20", goods("10"), to="XC"),
            sold("10", by="XC", to="XD", on="05-01"),
        ],
    ),
    "perhaps by way of a country without a node": (
        "07R",
        CAME,
        [sold("9", to="XN"), sold("9", by="XD", to="XE", on="06-01")],
    ),
}


def said(facts: list[Any], certificates: list[Certificate], *, by: str, **members: Any) -> str:
    drawn = tuple(one.as_held() if by == "documents" else one.as_told() for one in certificates)
    seen = view(**{"now": THEN.now, "drawn": drawn, **members})
    drafts = [*frd06.detect(case(*facts), seen), *frd07.detect(case(*facts), seen)]
    return " ".join(f"{draft.pattern[-2:]}{draft.class_}" for draft in drafts)


@pytest.mark.parametrize("by", ["documents", "extracts"])
@pytest.mark.parametrize(("expected", "facts", "certificates"), SCENARIOS.values(), ids=SCENARIOS)
def test_no_more_goes_on_than_came(expected: str, facts: list[Any], certificates: list[Certificate], by: str) -> None:
    assert said(facts, certificates, by=by) == expected


def test_the_sentence_of_one_holder():
    """Its figures are all in ``values``, and its evidence is what was added up."""
    certificates = [sold("9", number="26XB000001"), sold("6", number="26XB000002", to="XD")]
    seen = view(now=THEN.now, drawn=tuple(one.as_held() for one in certificates))
    (draft,) = frd06.detect(case(*CAME), seen)
    assert draft.summary == (
        "Export permit XA 26XA000123: XB sent on 15 NAR of SKI Python regius under certificate XB 26XB000001 and "
        "certificate XB 26XB000002, that draw on it (Art. IV.5(a), boxes 12 and 12a), but no more than 10 NAR can have "
        "come, 5 NAR less; hold what comes under these certificates, and ask XB where the rest was acquired."
    )
    for figure in ("15 NAR of SKI Python regius", "10 NAR", "5 NAR", "certificate XB 26XB000001", "XB"):
        assert any(figure in value for value in draft.values.values())
    assert {source.document for source in draft.evidence} == {
        fact.source.document for fact in (*CAME, *(c.fact for c in certificates), *(c.events[0] for c in certificates))
    }
    assert [(ref.issuer, ref.number) for ref in draft.permits] == [
        ("XA", NUMBER),
        ("XB", "26XB000001"),
        ("XB", "26XB000002"),
    ]


def test_the_sentence_of_several_holders():
    certificates = [sold("9", number="26XB000001"), sold("9", by="XD", to="XE", number="26XD000001")]
    seen = view(now=THEN.now, drawn=tuple(one.as_told() for one in certificates))
    (draft,) = frd07.detect(case(*CAME), seen)
    assert "XB and XD together sent on 18 NAR of SKI Python regius under" in draft.summary
    assert draft.parties == ("XA", "XB", "XD")


def test_an_assumption_is_named():
    seen = view(now=THEN.now, drawn=(sold("5000", term="LPS").as_held(),))
    (draft,) = frd06.detect(case(*CAME), seen)
    assert "(assuming that at most 100 LPS of one SKI)" in draft.summary
    assert draft.values["assumptions"] == "at most 100 LPS of one SKI"


def test_the_same_subject_at_both_nodes():
    """Whether by documents or by extracts: one finding."""
    certificates = [sold("9"), sold("6", to="XD")]
    drafts = [
        frd06.detect(case(*CAME), view(now=THEN.now, drawn=tuple(drawn)))
        for drawn in ([c.as_held() for c in certificates], [c.as_told() for c in certificates])
    ]
    assert drafts[0][0].id == drafts[1][0].id
    assert drafts[0][0].summary == drafts[1][0].summary
    assert drafts[0][0].values == drafts[1][0].values


def test_nobody_is_accused_where_a_chain_is_too_long_to_follow():
    """What lies behind may have brought the goods back."""
    end = sold("1", by="XE", to="XD", last=drawing_on("XX-9")).at_depth(MAX_DEPTH)
    assert said(CAME, [sold("9"), sold("6", to="XD"), end], by="documents") == "06R"


def test_a_number_that_several_permits_bear_is_drawn_on_by_nobody():
    """XA gave the number twice in a year's time: box 12's date tells which one is meant."""
    other = permit(line(quantity="1000", term="SKI"), issued_on=day("2025-03-01"), valid_until=day("2025-08-31"))
    undated = replace(ORIGIN, date=None)
    assert said([*CAME, other], [sold("90", origin=undated)], by="documents") == ""
    assert said([*CAME, other], [sold("90")], by="documents") == "06A"
    assert said([*CAME, other], [sold("90", origin=replace(ORIGIN, date=day("2025-03-01")))], by="documents") == ""


def test_an_expired_certificate_is_no_worry_any_more():
    certificates = [sold("10"), sold("10", to="XD", moved=False)]
    assert said(CAME, certificates, by="extracts") == "06R"
    assert said(CAME, certificates, by="extracts", now=LATER.now) == ""


def test_a_permit_without_a_readable_quantity_has_no_balance():
    assert said([permit(line(quantity="many", term="SKI"))], [sold("90")], by="documents") == ""
    assert said([permit(line(quantity="10", term="SKI", taxon=None))], [sold("90")], by="documents") == ""


def test_the_certificates_are_looked_at_as_they_stood():
    """A correction that closes an alert is told (END-08): one that was open when it came, by what was known then."""
    wrong, right = endorsed("03-10", goods("1")), endorsed("05-20", goods("10"))
    by = Source(document="c" * 64, type="correction", party="XA", index=99, at=noon(day("05-20")))
    corrected = replace(case(ORIGINAL, right), corrections=(CorrectionFact(event=wrong, by=by),))
    for certificate, expected in ((sold("9"), {wrong.source.document}), (sold("9", on="06-01"), set())):
        for drawn in (certificate.as_held(), certificate.as_told()):
            seen = view(now=LATER.now, drawn=(drawn,))
            assert alarming(corrected, seen, frd06.detect, borne=()) == expected
