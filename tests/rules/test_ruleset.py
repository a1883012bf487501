"""A ruleset is data with a version, and everything in it has a type."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest

from epix_node.permit.codes import code_lists
from epix_node.permit.quantity import UnitClass
from epix_node.rules.finding import Severity
from epix_node.rules.ruleset import CURRENT_RULESET, Evidence, Rule, Stage, load_ruleset


def test_the_current_ruleset_names_its_version() -> None:
    ruleset = load_ruleset()
    assert ruleset.id == CURRENT_RULESET == "conf-12.3-revCoP19"
    assert load_ruleset(CURRENT_RULESET) is ruleset


def test_another_ruleset_is_unknown() -> None:
    with pytest.raises(RuntimeError, match="conf-1"):
        load_ruleset("conf-1")


def numbered(family: str, last: int) -> set[str]:
    return {f"{family}-{number:02}" for number in range(1, last + 1)}


DOMAIN_RULES = set().union(
    *(
        numbered(family, last)
        for family, last in {
            "VAL": 15, "FLD": 18, "QTY": 7, "SRC": 9, "APP": 9, "PUR": 4, "PRE": 3, "IFS": 4, "SUS": 2, "QUO": 3,
            "PTY": 2, "TRN": 1, "RXP": 6, "END": 12, "DOC": 6, "RET": 4, "STP": 3, "ANN": 3, "SMP": 6,
        }.items()
    )
)  # fmt: skip
"""Every id of domain-rules.md 1."""


def test_every_rule_of_the_domain_is_checked_or_said_to_be_decided_elsewhere() -> None:
    """So that nobody looks in vain for one."""
    ruleset = load_ruleset()
    assert set(ruleset.rules) | set(ruleset.elsewhere) == DOMAIN_RULES
    assert not set(ruleset.rules) & set(ruleset.elsewhere)


@pytest.mark.parametrize("rule", load_ruleset().rules.values(), ids=lambda rule: rule.id)
def test_every_rule_says_what_it_rests_on(rule: Rule) -> None:
    assert rule.title
    assert rule.text.endswith(".")
    assert rule.citation
    assert rule.evidence in Evidence
    assert rule.is_unverified == (rule.evidence is not Evidence.VERIFIED)
    assert rule.id.partition("-")[0] in load_ruleset().families


@pytest.mark.parametrize("rule", load_ruleset().rules.values(), ids=lambda rule: rule.id)
def test_a_milder_case_is_said_in_words(rule: Rule) -> None:
    assert (rule.severity_lesser is None) == (rule.lesser is None)


def test_what_addresses_and_counts_a_permit_is_structural() -> None:
    structural = {rule.id for rule in load_ruleset().rules.values() if rule.structural}
    assert structural == {"FLD-01", "FLD-12", "FLD-14", "QTY-01", "STP-01"}


def test_a_rule_without_a_milder_case_has_none() -> None:
    rules = load_ruleset().rules
    assert rules["PTY-02"].severity(Stage.ISSUE, lesser=True) is Severity.REFER
    with pytest.raises(RuntimeError):
        rules["FLD-01"].severity(Stage.ISSUE, lesser=True)


def test_live_terms_are_terms() -> None:
    assert load_ruleset().live_terms <= code_lists().terms.keys()


def test_the_parameters_of_the_patterns_carry_their_units() -> None:
    patterns = load_ruleset().patterns
    assert patterns.cool_off == timedelta(hours=24)
    assert patterns.typing_error == timedelta(hours=72)
    assert patterns.same_consignment == timedelta(days=3)
    assert patterns.expired_grace == patterns.in_time_grace == timedelta(days=1)
    assert (patterns.transit_max_air, patterns.transit_max_sea) == (timedelta(days=30), timedelta(days=120))
    assert patterns.tolerance_of(UnitClass.VOLUME) == Decimal("0.10")
    assert patterns.tolerance_of(UnitClass.MASS) == Decimal("0.02")
    assert patterns.tolerance_of(UnitClass.COUNT) == patterns.tolerance_of(UnitClass.SKINS) == 0


def test_a_ruleset_cannot_be_changed() -> None:
    with pytest.raises(TypeError):
        load_ruleset().rules["FLD-01"] = load_ruleset().rules["FLD-02"]  # type: ignore[index]
