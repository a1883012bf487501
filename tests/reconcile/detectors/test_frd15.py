"""FRD-15: another permit for goods that were turned away under the one for twelve ball pythons."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from epix_node.reconcile.detectors.frd15 import detect
from tests.reconcile.builders import case, confirmed, day, goods, line, noon, permit, presented, ref, view, withdrawn

BOX = "020-12345675"
SECOND = "26XA000456"
REFUSED = confirmed("03-20", document=BOX, outcome="refused")


def second(on: str = "03-22", *lines: Any, **members: Any):
    """A confirmation of the same shipment under another permit."""
    return confirmed(on, *lines, **{"document": "020 1234 5675", "permit": ref(SECOND), **members})


def other(*facts: Any, number: str = SECOND):
    return case(*facts, number=number)


def held(*lines: Any, **members: Any):
    return permit(*lines, number=SECOND, **members)


PARTLY = confirmed("03-20", goods("10"), goods("2", outcome="refused"), document=BOX, outcome="partly-released")
PARROT = line(taxon="Ara macao")
SCENARIOS = {
    "shown again and let in": ("R", [permit(), REFUSED], [held(), second()]),
    "shown again and refused again": ("R", [permit(), REFUSED], [held(), second(outcome="refused")]),
    "returned first": (
        "R",
        [permit(), confirmed("03-20", document=BOX, outcome="returned")],
        [held(), second()],
    ),
    "part of it refused": ("R", [permit(), PARTLY], [held(), second("03-22", goods("2"))]),
    "the same day, later in the register": (
        "R",
        [permit(), REFUSED],
        [held(), second("03-20", at=noon(day("03-20")) + timedelta(hours=1))],
    ),
    "under a permit that is not held": ("R", [permit(), REFUSED], [second()]),
    "under a permit for the genus": ("R", [permit(), REFUSED], [held(line(taxon="Python spp.")), second()]),
    "on the last day": ("R", [permit(), REFUSED], [held(), second("04-19")]),
    "a month later": ("", [permit(), REFUSED], [held(), second("04-20")]),
    "before it was refused": ("", [permit(), REFUSED], [held(), second("03-19")]),
    "trap: one waybill, two permits, two species": ("", [permit(), REFUSED], [held(PARROT), second()]),
    "another species by what was found": ("", [permit(), REFUSED], [second("03-22", goods(taxon="Ara macao"))]),
    "seized, not turned away": (
        "",
        [permit(), confirmed("03-20", document=BOX, outcome="seized")],
        [held(), second()],
    ),
    "another waybill": ("", [permit(), REFUSED], [held(), second(document="020-999")]),
    "no waybill": (
        "",
        [permit(), confirmed("03-20", outcome="refused", document="N/A")],
        [held(), second(document="n/a")],
    ),
    "another country": ("", [permit(), REFUSED], [held(), second(by="XC")]),
    "turned away in transit": (
        "",
        [permit(transit=("XC",)), confirmed("03-20", document=BOX, outcome="refused", by="XC")],
        [held(), second(by="XC")],
    ),
    "trap: its replacement": (
        "",
        [permit(withdrawn=withdrawn("03-21", "replaced", successor=SECOND)), REFUSED],
        [held(), second()],
    ),
    "trap: a permit that says that it replaces it": (
        "",
        [permit(), REFUSED],
        [held(replaces="26 XA-000123".replace(" ", "").replace("-", "")), second()],
    ),
}


@pytest.mark.parametrize(("expected", "facts", "beside"), SCENARIOS.values(), ids=SCENARIOS)
def test_goods_that_were_turned_away_do_not_come_back_under_another_permit(expected, facts, beside):
    seen = view(shown_for=(other(*beside),))
    assert "".join(draft.class_ for draft in detect(case(*facts), seen)) == expected


def test_without_other_permits_there_is_nothing_to_find():
    assert detect(case(permit(), REFUSED), view()) == ()


def test_the_sentence_names_both_permits():
    (draft,) = detect(case(permit(), REFUSED), view(shown_for=(other(held(), second()),)))
    assert draft.summary == (
        "Goods under Export permit XA 26XA000123 were turned away (XB on 2026-03-20), and another permit was shown for "
        "the same shipment 02012345675 after that: XA 26XA000456 (XB on 2026-03-22); each consignment has a permit of "
        "its own (Art. VI.5), so find out why one needed two."
    )
    assert [named.number for named in draft.permits] == ["26XA000123", SECOND]


def test_the_order_of_the_other_permits_decides_nothing():
    others = [
        other(held(), second()),
        other(confirmed("03-23", document=BOX, permit=ref("26XA000789")), number="26XA000789"),
    ]
    facts = case(permit(), REFUSED)
    expected = detect(facts, view(shown_for=tuple(others)))
    assert detect(facts, view(shown_for=tuple(reversed(others)))) == expected != ()


THREE = (presented("03-20", by="XB"), presented("03-29", by="XC"), presented("04-18", by="XD"))
SHOWN = {
    "by three countries": ("R", [permit(), *THREE]),
    "by two": ("", [permit(), *THREE[:2]]),
    "three times by two": ("", [permit(), *THREE[:2], presented("04-01", by="XC")]),
    "three in more than thirty days": ("", [permit(), *THREE[:2], presented("04-20", by="XD")]),
    "three later in thirty days": ("R", [permit(), presented("03-02", by="XE"), *THREE]),
    "trap: two of them on the declared route": ("", [permit(transit=("XC", "XD")), *THREE]),
    "the issuer itself": ("", [permit(), *THREE[:2], presented("04-01", by="XA")]),
    "trap: a document of multiple use": ("", [permit(multi_use=True), *THREE]),
}


@pytest.mark.parametrize(("expected", "facts"), SHOWN.values(), ids=SHOWN)
def test_one_paper_is_not_shown_in_many_countries(expected, facts):
    """Three that are not declared for transit, within thirty days (domain-rules.md 2.4)."""
    assert "".join(draft.class_ for draft in detect(case(*facts), view())) == expected


def test_the_sentence_names_who_was_shown_the_paper():
    """And every number of it is in the values."""
    (draft,) = detect(case(permit(), *THREE), view())
    assert draft.summary == (
        "Export permit XA 26XA000123 was shown in 3 countries within 30 days (XB on 2026-03-20, XC on 2026-03-29 and "
        "XD on 2026-04-18), which is more than its declared route explains; it covers one consignment (Art. VI.5): ask "
        "the countries which goods came with it, and look for copies."
    )
    assert (draft.values["countries"], draft.values["within_days"]) == ("3", "30")
