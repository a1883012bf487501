"""No rule without a permit that breaks it and one that it must pass over; and what holds for the findings of all."""

from __future__ import annotations

import pytest

from epix_node.rules.finding import RulesBrokenError, Severity, refuse_blocked
from tests.rules import document_cases, specimen_cases
from tests.rules.builders import RULESET, Case, judge

FIRES = {**document_cases.FIRES, **specimen_cases.FIRES}
SILENT = {**document_cases.SILENT, **specimen_cases.SILENT}
ALL = {**FIRES, **SILENT}
SECRETS = ("Hook Reptiles Ltd", "7 Jetty Street", "Liddell Pets SA", "12 Mirror Lane")


@pytest.mark.parametrize("rule_id", RULESET.rules)
def test_every_rule_is_seen_to_fire_and_to_be_silent(rule_id: str) -> None:
    assert rule_id in {case.rule for case in FIRES.values()}, "no permit that breaks it"
    assert rule_id in {case.rule for case in SILENT.values()}, "no permit that it must pass over"


def test_no_case_hides_another() -> None:
    assert len(ALL) == sum(
        len(table) for module in (document_cases, specimen_cases) for table in (module.FIRES, module.SILENT)
    )


@pytest.mark.parametrize("case", FIRES.values(), ids=FIRES.keys())
def test_a_broken_rule_is_found_where_it_is_broken(case: Case) -> None:
    assert (case.says, case.path) in [(finding.severity, finding.path) for finding in case.found()]


@pytest.mark.parametrize("case", SILENT.values(), ids=SILENT.keys())
def test_a_rule_that_is_kept_says_nothing(case: Case) -> None:
    assert case.found() == []


@pytest.mark.parametrize("case", ALL.values(), ids=ALL.keys())
def test_findings_are_fit_to_be_shown(case: Case) -> None:
    """A rule is "not checked" at most once for a permit, and nobody's name or address is told (domain-rules.md 4.5)."""
    found = judge(case.permit, ruleset=case.ruleset, **case.circumstances).findings
    unknown = [finding.rule for finding in found if finding.severity is Severity.NOT_CHECKED]
    assert len(unknown) == len(set(unknown))
    shown = " ".join(text for one in found for text in (one.message, one.value or "", one.expected or ""))
    assert [secret for secret in SECRETS if secret in shown] == []


@pytest.mark.parametrize("case", FIRES.values(), ids=FIRES.keys())
def test_a_legacy_document_is_refused_only_for_what_addresses_and_counts_it(case: Case) -> None:
    """What box 11a says, or which other documents are named, is no part of that."""
    blocking = [finding for finding in case.found() if finding.severity is Severity.BLOCK]
    beside = "/quota/" in (case.path or "") or "/references/" in (case.path or "")
    if blocking and RULESET.rules[case.rule].structural and not beside:
        with pytest.raises(RulesBrokenError):
            refuse_blocked(blocking, legacy=True)
    else:
        refuse_blocked(blocking, legacy=True)
