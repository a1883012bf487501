"""VAL-13 and VAL-14: another last day, or another destination, for timber. The permit is for logs, until 31 August."""

from __future__ import annotations

from typing import Any

import pytest

from epix_node.permit.event import Basis
from epix_node.reconcile.detect import detect as detect_all
from epix_node.reconcile.detectors import val13, val14
from tests.reconcile.builders import case, confirmed, day, endorsed, goods, line, permit, view

LADING = "MSCU 1234567"


def logs(**members: Any):
    return line(**{"taxon": "Dalbergia latifolia", "term": "LOG", "unit": "MTQ", "appendix": "II", **members})


def timber(*lines: Any, **members: Any):
    return permit(*(lines or (logs(),)), **{"transport_document": LADING, **members})


def basis(kind: str, **members: Any) -> Basis:
    given = {"certified_by": "XB", "certified_on": day("08-20"), "bill_of_lading": LADING, **members}
    return Basis(kind=kind, **given)


def later(on: str = "10-10", *lines: Any, certified: str = "08-20", until: str | None = "2027-02-28", **members: Any):
    """A confirmation after the last day, under an extension."""
    extended = basis("timber-extension", certified_on=day(certified), new_valid_until=day(until) if until else None)
    return confirmed(on, *(lines or (goods(unit="MTQ"),)), basis=extended, **members)


EXTENDED = {
    "as it should be": ("", [timber(), later()]),
    "on the last of the six months": ("", [timber(), later("2027-02-28")]),
    "never invoked": ("", [timber(), confirmed("08-20")]),
    "refused": ("", [timber(), later("2027-03-20", outcome="refused")]),
    "used later than that": ("R", [timber(), later("2027-03-01")]),
    "extended by seven months": ("R", [timber(), later(until="2027-03-31")]),
    "no new last day": ("R", [timber(), later(until=None)]),
    "certified too late": ("R", [timber(), later(certified="09-01")]),
    "extended twice": ("R", [timber(), later(until="2026-11-30"), later("12-20", until="2027-02-28")]),
    "Appendix I": ("R", [timber(logs(appendix="I")), later()]),
    "no timber": ("R", [timber(logs(term="LIV")), later()]),
}


@pytest.mark.parametrize(("expected", "facts"), EXTENDED.values(), ids=EXTENDED)
def test_an_extension_holds_or_is_for_review(expected, facts):
    assert "".join(draft.class_ for draft in val13.detect(case(*facts), view())) == expected
    assert "FRD-14" not in [draft.pattern for draft in detect_all(case(*facts), view())]


def moved(*lines: Any, on: str = "06-10", certified: str = "06-01", lading: str | None = LADING, **members: Any):
    """A confirmation by a country that the permit does not name, under a change of destination."""
    change = basis("timber-change-of-destination", certified_on=day(certified), bill_of_lading=lading)
    given = {"by": "XC", "document": LADING, **members}
    return confirmed(on, *(lines or (goods(unit="MTQ"),)), basis=change, **given)


LEFT = endorsed("05-01", goods(unit="MTQ"))
MOVED = {
    "as it should be": ("", [timber(), LEFT, moved()]),
    "written in another way": ("", [timber(), LEFT, moved(lading="mscu-1234567")]),
    "in two parts": ("", [timber(), LEFT, moved(goods("5", "MTQ")), moved(goods("7", "MTQ"), on="06-11")]),
    "on the last of the six months": ("", [timber(valid_until=day("09-01")), LEFT, moved(on="09-01")]),
    "later than that": ("R", [timber(), LEFT, moved(on="09-02")]),
    "certified after the import": ("R", [timber(), LEFT, moved(certified="06-11")]),
    "less than had left": ("R", [timber(), LEFT, moved(goods("11", "MTQ"))]),
    "never endorsed": ("R", [timber(), moved()]),
    "weighed instead of measured": ("R", [timber(), LEFT, moved(goods("900", "KGM"))]),
    "goods on no line": ("R", [timber(), LEFT, moved(goods(unit="MTQ"), goods("1", "MTQ", block=None))]),
    "no bill of lading": ("R", [timber(), LEFT, moved(lading=None)]),
    "another bill of lading": ("R", [timber(), LEFT, moved(lading="X 1")]),
    "the permit names none": ("R", [timber(transport_document=None), LEFT, moved()]),
    "it arrived with another": ("R", [timber(), LEFT, moved(document="X 1")]),
    "Appendix I": ("R", [timber(logs(appendix="I")), LEFT, moved()]),
    "live animals": ("R", [timber(logs(term="LIV")), LEFT, moved()]),
}


@pytest.mark.parametrize(("expected", "facts"), MOVED.values(), ids=MOVED)
def test_a_change_of_destination_holds_or_is_for_review(expected, facts):
    assert "".join(draft.class_ for draft in val14.detect(case(*facts), view())) == expected
    assert {draft.pattern for draft in detect_all(case(*facts), view())}.isdisjoint({"FRD-12", "FRD-14"})


def test_the_sentence_says_what_fails():
    (draft,) = val14.detect(case(timber(), LEFT, moved(goods("11", "MTQ"), on="09-02")), view())
    assert draft.summary == (
        "Export permit XA 26XA000123 was accepted under the change of destination for timber (Res. Conf. 12.3, section "
        "on timber; XC on 2026-09-02), but its conditions are not met: the import of 2026-09-02 is later than "
        "2026-09-01 and of block A 11 MTQ arrived where 12 MTQ were endorsed; ask the importing authority for the "
        "certified change, and the issuer whether it agreed and received a copy."
    )
    assert LEFT.source in draft.evidence
