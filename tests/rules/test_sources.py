"""Sources, and the countries in which a taxon lives."""

from __future__ import annotations

import pytest

from epix_node.permit.model import Origin, Permit, PermitType
from epix_node.rules.ruleset import Stage
from tests.rules.builders import judge
from tests.rules.shelves import catalogue
from tests.rules.specimen_cases import goods, trade

TIGER = goods("Panthera tigris", "I")

RANGE: dict[str, tuple[Permit, str | None]] = {
    # a tiger lives in IN, RU and TH
    "of India": (trade(TIGER, leaves="IN"), None),
    "of Kenya": (trade(TIGER, leaves="KE"), "BLOCK"),
    "ranched in Kenya": (trade({**TIGER, "sources": ("R",)}, leaves="KE"), "BLOCK"),
    "of unknown source in Kenya": (trade({**TIGER, "sources": ("U",)}, leaves="KE"), "BLOCK"),
    "bred in Kenya": (trade({**TIGER, "sources": ("C",)}, leaves="KE"), None),
    "from India by way of Kenya": (trade({**TIGER, "origin": Origin(country="IN")}, leaves="KE", type="R"), None),
    "from Kenya by way of India": (trade({**TIGER, "origin": Origin(country="KE")}, leaves="IN", type="R"), "BLOCK"),
    "a re-export without an origin": (trade(TIGER, leaves="KE", type="R"), "NOT_CHECKED"),
    "an import permit without an origin": (trade(TIGER, leaves="KE", type="I"), "BLOCK"),
    "an import of what was re-exported": (
        trade({**TIGER, "last_reexport": Origin(country="KE")}, leaves="KE", type="I"),
        "NOT_CHECKED",
    ),
    "of an unknown country": (trade({**TIGER, "origin": Origin(country="XX")}, leaves="KE"), "NOT_CHECKED"),
    "of the high seas": (trade({**TIGER, "origin": Origin(country="HS")}, leaves="KE"), "NOT_CHECKED"),
    "of the European Union": (trade({**TIGER, "origin": Origin(country="EU")}, leaves="KE"), "NOT_CHECKED"),
    "of a State that was": (trade({**TIGER, "origin": Origin(country="SU")}, leaves="KE"), "NOT_CHECKED"),
    "of a fictional country": (trade(TIGER, leaves="XA"), "NOT_CHECKED"),
    "of a taxon whose range is not known": (trade(goods("Snarkus snarkus"), leaves="KE"), "NOT_CHECKED"),
    "by genus": (trade(goods("Panthera"), leaves="KE"), None),
}


@pytest.mark.parametrize(("permit", "expected"), RANGE.values(), ids=RANGE.keys())
def test_wild_goods_come_from_where_the_taxon_lives(permit: Permit, expected: str | None) -> None:
    found = judge(permit, catalogue=catalogue()).findings
    assert [f.severity.value for f in found if f.rule == "SRC-08"] == ([] if expected is None else [expected])
    received = judge(permit, catalogue=catalogue(), stage=Stage.RECEIPT).findings
    elsewhere = [f.severity.value for f in received if f.rule == "SRC-08"]
    assert elsewhere == ([] if expected is None else ["REFER" if expected == "BLOCK" else expected])


def test_a_blank_box_12_of_an_import_permit_stands_for_the_exporting_country() -> None:
    permit = trade(TIGER, leaves="IN", type=PermitType.IMPORT)
    assert "SRC-08" not in {finding.rule for finding in judge(permit, catalogue=catalogue()).findings}


@pytest.mark.parametrize("kingdom", ["Animalia", "Plantae"])
@pytest.mark.parametrize("source", "WRDACFXIOUY")
def test_sources_that_no_rule_of_a_kingdom_names_pass(kingdom: str, source: str) -> None:
    taxon = "Panthera tigris" if kingdom == "Animalia" else "Paphiopedilum delenatii"
    wrong = {"Animalia": "AY", "Plantae": "CFR"}[kingdom]
    found = {finding.rule for finding in judge(trade(goods(taxon, "I", source)), catalogue=catalogue()).findings}
    assert bool(found & {"SRC-01", "SRC-02"}) == (source in wrong)
