"""Export quotas, as far as one document shows what is drawn on them."""

from __future__ import annotations

from datetime import date

import pytest

from epix_node.permit.model import Origin, Permit, Quota
from epix_node.rules.ruleset import Stage
from tests.rules.builders import judge
from tests.rules.shelves import catalogue
from tests.rules.specimen_cases import goods, trade

PYTHON = goods("Python regius", quantity="40")

DRAWN: dict[str, tuple[Permit, str | None]] = {
    # the quota: GH, Python regius, 2026, 100 live from the wild
    "within it, and box 11a empty": (trade(PYTHON), "NOT_CHECKED"),
    "all of it": (trade({**PYTHON, "quantity": "100", "quota": Quota(used="100", annual="100")}), None),
    "one more": (trade({**PYTHON, "quantity": "101"}), "BLOCK"),
    "two lines, together one more": (trade({**PYTHON, "quantity": "60"}, {**PYTHON, "quantity": "41"}), "BLOCK"),
    "two lines, of two taxa": (trade(PYTHON, goods("Panthera tigris", "I", "C", quantity="61")), "NOT_CHECKED"),
    "box 11a counts this document": (trade({**PYTHON, "quota": Quota(used="100", annual="100")}), None),
    "box 11a is above it": (trade({**PYTHON, "quota": Quota(used="101", annual="200")}), "BLOCK"),
    "box 11a is no number": (trade({**PYTHON, "quota": Quota(used="many", annual="100")}), "NOT_CHECKED"),
    "box 11a without a unit has that of box 11": (
        trade({**PYTHON, "unit": "KGM", "quota": Quota(used="1", annual="100")}),
        "NOT_CHECKED",
    ),
    "by weight": (trade({**PYTHON, "unit": "KGM"}), "NOT_CHECKED"),
    "pairs are two": (trade({**PYTHON, "quantity": "51", "unit": "PAI"}), "BLOCK"),
    "skins": (trade({**PYTHON, "term": "SKI", "quantity": "500"}), None),
    "bred": (trade({**PYTHON, "sources": ("C",), "quantity": "500"}), None),
    "confiscated": (trade({**PYTHON, "sources": ("I", "W"), "quantity": "500"}), None),
    "pre-Convention": (trade({**PYTHON, "sources": ("O", "W"), "quantity": "500"}), None),
    "another origin": (trade({**PYTHON, "origin": Origin(country="TG"), "quantity": "500"}), None),
    "a re-export": (trade({**PYTHON, "origin": Origin(country="GH"), "quantity": "500"}, type="R", leaves="CM"), None),
    "an import permit": (trade({**PYTHON, "quantity": "500"}, type="I"), None),
    "another year": (trade({**PYTHON, "quantity": "500"}, issued_on=date(2025, 12, 31)), "NOT_CHECKED"),
    "another country": (trade({**PYTHON, "quantity": "500"}, leaves="TG"), "NOT_CHECKED"),
    "another taxon of the country": (trade(goods("Psittacus erithacus", "I", quantity="500")), None),
    "a fictional country": (trade({**PYTHON, "quantity": "500"}, leaves="XA"), "NOT_CHECKED"),
    "a quota of zero": (trade(goods("Python sebae", quantity="1", term="SKI")), "BLOCK"),
}


@pytest.mark.parametrize(("permit", "expected"), DRAWN.values(), ids=DRAWN.keys())
def test_one_document_shows_when_it_is_above_the_quota(permit: Permit, expected: str | None) -> None:
    own = [f.severity.value for f in judge(permit, catalogue=catalogue()).findings if f.rule == "QUO-01"]
    assert own == ([] if expected is None else [expected])
    elsewhere = judge(permit, catalogue=catalogue(), stage=Stage.RECEIPT).findings
    foreign = [f.severity.value for f in elsewhere if f.rule == "QUO-03"]
    assert foreign == ([] if expected is None else ["REFER" if expected == "BLOCK" else expected])
    assert "QUO-01" not in {f.rule for f in elsewhere}


BOX: dict[str, tuple[Quota | None, str | None]] = {
    "empty": (None, "REFER"),
    "only the quota": (Quota(annual="100"), "REFER"),
    "only the total": (Quota(used="40"), "REFER"),
    "both": (Quota(used="40", annual="100"), None),
}


@pytest.mark.parametrize(("quota", "expected"), BOX.values(), ids=BOX.keys())
def test_box_11a_states_the_total_and_the_quota(quota: Quota | None, expected: str | None) -> None:
    found = judge(trade({**PYTHON, "quota": quota}), catalogue=catalogue()).findings
    assert next((f.severity.value for f in found if f.rule == "FLD-13"), None) == expected


WORDS: dict[str, tuple[Quota, str | None]] = {
    "less": (Quota(used="99", annual="100", unit="KGM"), None),
    "all": (Quota(used="100", annual="100"), None),
    "more": (Quota(used="100.5", annual="100", unit="KGM"), "BLOCK"),
    "more than nothing": (Quota(used="1", annual="0"), "BLOCK"),
    "no number": (Quota(used="many", annual="100"), None),
    "no such unit": (Quota(used="100", annual="1", unit="KIL"), None),
}


@pytest.mark.parametrize(("quota", "expected"), WORDS.values(), ids=WORDS.keys())
def test_box_11a_is_compared_with_itself(quota: Quota, expected: str | None) -> None:
    found = judge(trade({**PYTHON, "quota": quota}), catalogue=catalogue()).findings
    assert next((f.severity.value for f in found if f.rule == "QUO-02"), None) == expected
