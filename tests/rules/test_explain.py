"""The rules are told to people and to programs, and the page in `docs/` says what the program does."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from epix_node.errors import NotFoundError
from epix_node.rules import page
from epix_node.rules.explain import explain, list_to_json
from epix_node.rules.finding import Severity
from epix_node.rules.measure import IssuerMeasures, Measure, NationalMeasures
from tests.rules.builders import RULESET

PAGE = Path(__file__).parents[2] / "docs" / "rules.md"


@pytest.mark.parametrize("rule_id", RULESET.rules)
def test_a_rule_is_explained(rule_id: str) -> None:
    rule = RULESET.rules[rule_id]
    text = " ".join(explain(RULESET, rule_id).to_text().split())
    for part in (rule.title, rule.text, rule.citation, rule.severity_issue):
        assert part in text
    assert ("UNVERIFIED" in text) == rule.is_unverified


@pytest.mark.parametrize("rule_id", RULESET.elsewhere)
def test_a_rule_of_more_than_one_document_is_said_to_be_decided_elsewhere(rule_id: str) -> None:
    explanation = explain(RULESET, rule_id.lower())
    assert RULESET.elsewhere[rule_id] in explanation.to_text()
    assert explanation.to_json()["rule"] is None


def test_an_unknown_rule_names_its_nearest() -> None:
    with pytest.raises(NotFoundError, match=r"no rule VAL-1; did you mean VAL-1\d\?"):
        explain(RULESET, "VAL-1")


def test_a_pattern_of_reconciliation_is_not_mistaken_for_a_rule() -> None:
    with pytest.raises(NotFoundError, match=r"FRD-01 is no rule of a document.*epix-node findings"):
        explain(RULESET, "frd-01")


def test_national_measures_are_explained_with_their_reason() -> None:
    measure = Measure(reason="A treaty with XB.", severity_receipt=Severity.INFO, parameters={"months": 12})
    issuers = {"XB": IssuerMeasures(rules={"VAL-01": measure})}
    measured = RULESET.with_measures(NationalMeasures(issuers=issuers))
    explanation = explain(measured, "VAL-01")
    assert "Documents of XB" in explanation.to_text()
    assert "A treaty with XB." in explanation.to_text()
    assert explanation.to_json()["issuers"]["XB"]["parameters"] == {"months": 12}
    assert explain(measured, "VAL-02").to_json()["issuers"] == {}
    assert [rule["id"] for rule in list_to_json(measured)["issuers"]["XB"]["rules"]] == ["VAL-01"]


def test_the_list_of_rules_is_json() -> None:
    told = json.loads(json.dumps(list_to_json(RULESET)))
    assert {rule["id"] for rule in told["rules"]} == set(RULESET.rules)
    assert all(rule["unverified"] == (rule["evidence"] != "V") for rule in told["rules"])


def test_the_page_in_the_docs_is_the_one_that_the_ruleset_gives() -> None:
    """`python -m epix_node.rules.page > docs/rules.md` writes it anew."""
    assert PAGE.read_text(encoding="utf-8") == page.render(RULESET)


def test_the_page_names_every_rule() -> None:
    text = page.render(RULESET)
    assert all(f"### {rule_id}: " in text for rule_id in RULESET.rules)
    assert all(f"| {rule_id} |" in text for rule_id in RULESET.elsewhere)
