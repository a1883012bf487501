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
    assert load_ruleset(CURRENT_RULESET).rules == ruleset.rules


def test_another_ruleset_is_unknown() -> None:
    with pytest.raises(RuntimeError, match="conf-1"):
        load_ruleset("conf-1")


def test_the_rules_of_this_release_are_there() -> None:
    expected = {f"FLD-{number:02}" for number in range(1, 13)} | {"FLD-14", "VAL-01", "VAL-02", "VAL-03"}
    assert set(load_ruleset().rules) == expected | {"QTY-01", "QTY-02", "PTY-02", "RXP-01", "STP-01"}


@pytest.mark.parametrize("rule", load_ruleset().rules.values(), ids=lambda rule: rule.id)
def test_every_rule_says_what_it_rests_on(rule: Rule) -> None:
    assert rule.title
    assert rule.citation
    assert rule.evidence in Evidence


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
