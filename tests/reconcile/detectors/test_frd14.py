"""FRD-14: a permit used after it had expired. It is valid until 31 August."""

from __future__ import annotations

import pytest

from epix_node.reconcile.detectors.frd14 import detect
from tests.reconcile.builders import (
    IMPORT_REF,
    TIMBER,
    case,
    confirmed,
    day,
    endorsed,
    import_case,
    import_permit,
    permit,
    view,
)

AIR = "020-12345675"
SCENARIOS = {
    "endorsed two days late": ("A", [permit(), endorsed("09-02")]),
    "imported late and never endorsed": ("A", [permit(), confirmed("09-01")]),
    "seized late and never endorsed": ("A", [permit(), confirmed("09-01", outcome="seized")]),
    "endorsed late and imported late": ("A", [permit(), endorsed("09-02"), confirmed("09-05")]),
    "multiple use": ("A", [permit(multi_use=True), confirmed("09-01")]),
    "legacy": ("A", [permit(legacy=True), confirmed("09-01")]),
    "exported in time, slower than any ship": ("R", [permit(), endorsed("08-20"), confirmed("2026-12-19")]),
    "exported in time, slower than any aeroplane": (
        "R",
        [permit(), endorsed("08-20", document=AIR), confirmed("09-20")],
    ),
    "endorsed on the last day": ("", [permit(), endorsed("08-31")]),
    "endorsed one day late": ("", [permit(), endorsed("09-01"), confirmed("09-20")]),
    "imported on the last day": ("", [permit(), confirmed("08-31")]),
    "exported in time, by ship": ("", [permit(), endorsed("08-20"), confirmed("2026-12-18")]),
    "exported in time, by air": ("", [permit(), endorsed("08-20", document=AIR), confirmed("09-19")]),
    "exported long before the last day, by air": (
        "",
        [permit(), endorsed("03-20", document=AIR), confirmed("08-30")],
    ),
    "exported in December, imported in January": (
        "",
        [permit(valid_until=day("2026-12-31")), endorsed("2026-12-20"), confirmed("2027-01-10")],
    ),
    "the later of two endorsements allows it": (
        "",
        [permit(), endorsed("05-01", document=AIR), endorsed("08-31", document="020-12345686"), confirmed("09-29")],
    ),
    "returned late": ("", [permit(), confirmed("09-20", outcome="returned")]),
    "refused late": ("", [permit(), confirmed("09-20", outcome="refused")]),
    "in transit late": ("", [permit(transit=("XC",)), confirmed("09-20", by="XC")]),
    "a timber exception": ("", [permit(), confirmed("09-20", basis=TIMBER)]),
    "no last day": ("", [permit(valid_until=None), confirmed("2030-01-01")]),
    "unused": ("", [permit()]),
}


@pytest.mark.parametrize(("expected", "facts"), SCENARIOS.values(), ids=SCENARIOS)
def test_the_class_depends_on_when_the_goods_left_and_arrived(expected, facts):
    assert "".join(draft.class_ for draft in detect(case(*facts), view())) == expected


def test_the_sentence_of_an_alert():
    (draft,) = detect(case(permit(), endorsed("09-02"), confirmed("09-05")), view())
    assert draft.summary == (
        "Export permit XA 26XA000123 was valid until 2026-08-31, but goods were endorsed for export after that: "
        "XA on 2026-09-02, and goods that had not left in time were imported: XB on 2026-09-05; nothing "
        "leaves after its last day (VAL-10): hold the goods, and ask for a permit that was valid."
    )


def test_the_sentence_of_a_review_gives_the_latest_arrival():
    (draft,) = detect(case(permit(), endorsed("08-20", document=AIR), confirmed("10-20")), view())
    assert draft.values["latest_arrival"] == "2026-09-19"
    assert draft.summary == (
        "Export permit XA 26XA000123 was valid until 2026-08-31; goods that had left in time (XA on 2026-08-20) were "
        "imported only after 2026-09-19, later than the journey takes: XB on 2026-10-20; ask where they were in "
        "between (VAL-10)."
    )


@pytest.mark.parametrize(
    ("goods", "expected"),
    [
        ((), ""),
        ((case(permit()),), "A"),
        ((case(permit(), endorsed("08-20")),), ""),
        ((case(permit(), endorsed("03-20")),), "R"),
    ],
    ids=["goods unknown here", "goods never endorsed", "goods left in time", "goods left long ago"],
)
def test_an_expired_import_permit_is_judged_by_when_its_goods_left(goods, expected):
    fact = import_permit(valid_until=day("08-31"))
    use = confirmed("09-20", import_permit=IMPORT_REF)
    found = detect(import_case(fact, uses=[use]), view(goods=goods))
    assert "".join(draft.class_ for draft in found) == expected
