"""FRD-08: wild animals sold as bred in captivity; the sums over many permits are in ``test_sums``."""

from __future__ import annotations

from dataclasses import replace

import pytest

from epix_node.permit.model import Origin, TradeParty
from epix_node.reconcile.detectors.frd08 import detect
from tests.reconcile.builders import case, confirmed, endorsed, goods, line, permit, view, withdrawn

FISH = {"taxon": "Scleropages formosus", "appendix": "I", "sources": ("D",), "quantity": "3"}


def fish(**members):
    return line(**{**FISH, **members})


def sale(*lines, **members):
    return permit(*lines or (fish(),), **{"purpose": "T", **members})


def found(*facts):
    return [(draft.class_.value, draft.values["why"]) for draft in detect(case(*facts), view())]


ALERTS = {
    "no number": (fish(), "box 12b names no operation"),
    "an empty number": (fish(operation_number="  "), "box 12b names no operation"),
    "no number of the register": (
        fish(operation_number="XA 77/2026"),
        "the operation number XA 77/2026 is none of the register",
    ),
    "one digit too many": (
        fish(operation_number="A-XA-5011"),
        "the operation number A-XA-5011 is none of the register",
    ),
    "an operation in another country": (
        fish(operation_number="A-XB-501"),
        "the operation A-XB-501 is in XB and not in XA",
    ),
    "an operation where they do not come from": (
        fish(operation_number="A-XA-501", origin=Origin(country="XC")),
        "the operation A-XA-501 is in XA and not in XC",
    ),
    "a species of which only the genus is known": (
        fish(taxon="Psittacus timneh"),
        "box 12b names no operation",
    ),
    "a second code beside D": (fish(sources=("D", "F")), "box 12b names no operation"),
}


@pytest.mark.parametrize(("odd", "why"), ALERTS.values(), ids=ALERTS)
def test_a_registered_operation_that_cannot_be_is_an_alert(odd, why):
    assert found(sale(odd)) == [("A", why)]


def test_the_sentence_says_what_to_do_and_its_evidence_is_the_permit_and_what_moved():
    fact, left = sale(), endorsed("03-20", goods("3"))
    (draft,) = detect(case(fact, left), view())
    assert draft.summary == (
        "Export permit XA 26XA000123 is for trade in animals of Appendix I that are said to be bred in captivity, "
        "3 NAR Scleropages formosus LIV, but box 12b names no operation: those that are bred for trade come from an "
        "operation in the Secretariat's register (SRC-07, Res. Conf. 12.10); hold the goods until XA names the "
        "operation that bred them."
    )
    assert draft.evidence == (fact.source, left.source)
    assert draft.subject.type == "E"


REVIEWS = {
    "source C in trade": sale(fish(sources=("C",))),
    "a paper from before, entered late": sale(legacy=True),
}


@pytest.mark.parametrize("fact", REVIEWS.values(), ids=REVIEWS)
def test_what_may_have_a_reason_is_to_be_reviewed(fact):
    assert [class_ for class_, _ in found(fact)] == ["R"]


def test_of_two_lines_the_register_failure_is_told():
    (draft,) = detect(case(sale(fish(sources=("C",)), fish(block="B", quantity="2"))), view())
    assert (draft.class_, draft.values["goods"]) == ("A", "2 NAR Scleropages formosus LIV")


SILENT = {
    "a well-formed number of the right country": sale(fish(operation_number="A-XA-501")),
    "the same, written in another way": sale(fish(operation_number=" a–xa–501 ")),
    "an operation of the territory's Party": sale(
        fish(operation_number="A-GB-501"), issuer="GI", exporter=TradeParty(country="GI")
    ),
    "an operation in the country of origin": sale(fish(operation_number="A-XC-501", origin=Origin(country="XC"))),
    "a purpose that is no trade": sale(purpose="B"),
    "no purpose": sale(purpose=None),
    "Appendix II, as who has a reservation states it": sale(fish(appendix="II")),
    "no Appendix": sale(fish(appendix=None)),
    "a species that was in Appendix II on that day": sale(fish(taxon="Python regius")),
    "a species that the release does not know": sale(fish(taxon="Pythonella incognita")),
    "a name for several species": sale(fish(taxon="Scleropages spp.")),
    "no name": sale(fish(taxon=None)),
    "a plant": sale(fish(taxon="Aquilaria malaccensis")),
    "a cactus of Appendix I of which only the genus is known": sale(fish(taxon="Ariocarpus agavoides")),
    "a plant of Appendix I": sale(fish(taxon="Dalbergia nigra")),
    "wild animals, which others judge": sale(fish(sources=("W",))),
    "pre-Convention animals": sale(fish(sources=("O", "D"))),
    "confiscated animals": sale(fish(sources=("I", "D"))),
    "a re-export": sale(type="R"),
    "goods that were exported before": sale(fish(last_reexport=Origin(country="XC"))),
    "an import permit": sale(type="I"),
    "a document of multiple use": sale(multi_use=True),
    "withdrawn before anything moved": sale(withdrawn=withdrawn("03-10", "cancelled")),
}


@pytest.mark.parametrize("fact", SILENT.values(), ids=SILENT)
def test_what_is_no_failure_of_the_register_is_no_finding(fact):
    assert found(fact) == []


def test_a_withdrawn_permit_under_which_they_left_is_no_excuse():
    assert found(sale(withdrawn=withdrawn("03-10")), endorsed("03-05", goods("3")))
    assert not found(sale(withdrawn=withdrawn("03-10")), confirmed("03-05", goods("3"), outcome="refused"))
    assert not found(sale(withdrawn=withdrawn("03-10")), endorsed("03-05", goods("0")))


def test_what_was_in_appendix_two_on_the_day_of_issue_is_no_failure():
    """African grey parrots are in Appendix I since 2017."""
    parrot = fish(taxon="Psittacus erithacus")
    assert found(sale(parrot))
    assert found(replace(sale(), permit=replace(sale(parrot).permit, issued_on=sale().permit.issued_on)))
    old = sale(parrot).permit
    assert not found(replace(sale(), permit=replace(old, issued_on=old.issued_on.replace(year=2015))))
