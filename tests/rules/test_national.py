"""A country may be stricter or milder, with a reason; patterns and structural rules are no national matter."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from epix_node.errors import ConfigError
from epix_node.rules.finding import Severity
from epix_node.rules.national import read_measures
from epix_node.rules.ruleset import Ruleset, Stage
from tests.rules.builders import EXAMPLE, RULESET, judge, permit


def under(tmp_path: Path, text: str) -> Ruleset:
    """The ruleset of this release under these measures."""
    path = tmp_path / "rules.toml"
    path.write_text(text, encoding="utf-8")
    return RULESET.with_measures(read_measures(path, RULESET))


MEASURES = """
[rules.FLD-16]
severity_issue = "BLOCK"
reason = "Our numbers follow the resolution."

[rules.VAL-01]
parameters = { months = 3 }
reason = "Export permits are short here."

[issuers.XB]
stamps = true

[issuers.XB.rules.VAL-01]
parameters = { months = 12 }
reason = "A treaty with XB."

[issuers.XC]
stamps = false
"""


def test_a_stricter_severity_refuses(tmp_path: Path) -> None:
    odd = permit(number="EX/1")
    (finding,) = [f for f in judge(odd, ruleset=under(tmp_path, MEASURES)).findings if f.rule == "FLD-16"]
    assert finding.severity is Severity.BLOCK
    assert finding.national
    assert finding.to_json()["national"] is True
    assert finding.message.endswith("(national measure: Our numbers follow the resolution.)")
    (ordinary,) = [f for f in judge(odd).findings if f.rule == "FLD-16"]
    assert (ordinary.severity, ordinary.national) == (Severity.WARN, False)


def test_what_a_measure_leaves_out_stays(tmp_path: Path) -> None:
    rule = under(tmp_path, MEASURES).rules["FLD-16"]
    assert rule.severity(Stage.RECEIPT) is Severity.WARN
    assert rule.parameters == RULESET.rules["FLD-16"].parameters


@pytest.mark.parametrize(("issuer", "breaks"), [("XA", True), ("XB", False), ("XC", True)])
def test_a_measure_for_an_issuer_goes_before_that_for_all(tmp_path: Path, issuer: str, *, breaks: bool) -> None:
    five_months = permit(issuer=issuer, valid_until=date(2026, 8, 1))
    found = judge(five_months, ruleset=under(tmp_path, MEASURES)).findings
    assert ("VAL-01" in {finding.rule for finding in found}) is breaks


@pytest.mark.parametrize(("issuer", "says"), [("XA", [Severity.NOT_CHECKED]), ("XB", [Severity.REFER]), ("XC", [])])
def test_who_uses_stamps_is_a_national_setting(tmp_path: Path, issuer: str, says: list[Severity]) -> None:
    found = judge(permit(issuer=issuer, security_stamp=None), ruleset=under(tmp_path, MEASURES)).findings
    assert [finding.severity for finding in found if finding.rule == "FLD-07"] == says


def test_the_ruleset_and_its_patterns_stay_as_they_are(tmp_path: Path) -> None:
    measured = under(tmp_path, MEASURES)
    assert measured.patterns == RULESET.patterns
    assert measured.id == RULESET.id
    assert RULESET.rules["VAL-01"].number("months") == 6
    assert judge(EXAMPLE).findings == judge(EXAMPLE, ruleset=under(tmp_path, "")).findings


REFUSED: dict[str, tuple[str, str]] = {
    # what the file holds: (text, what the error says)
    "an unknown rule": (
        '[rules.FLD-61]\nreason = "r"',
        r"rules.toml:1: rules.FLD-61: no such rule; did you mean FLD-\d\d\?",
    ),
    "a rule of reconciliation": ('[rules.END-03]\nreason = "r"', "decided elsewhere: .*FRD-04"),
    "an unknown setting": (
        '[rules.VAL-01]\nreason = "r"\nseverity = "WARN"',
        r"rules.toml:3: rules.VAL-01.severity: there is no such setting; did you mean severity_",
    ),
    "an unknown section": ('[rule.VAL-01]\nreason = "r"', r"there is no such setting; did you mean rules\?"),
    "an unknown setting of an issuer": ("[issuers.XB]\nstamp = true", r"did you mean stamps\?"),
    "no reason": ('[rules.VAL-01]\nseverity_issue = "WARN"', "rules.VAL-01: reason is missing"),
    "an empty reason": ('[rules.VAL-01]\nreason = ""', "rules.VAL-01.reason"),
    "a severity that there is not": ('[rules.VAL-01]\nreason = "r"\nseverity_issue = "STOP"', "severity_issue.*BLOCK"),
    "a severity that nobody may choose": (
        '[rules.VAL-01]\nreason = "r"\nseverity_issue = "NOT_CHECKED"',
        "rules.VAL-01.severity_issue",
    ),
    "a milder case that there is not": ('[rules.VAL-01]\nreason = "r"\nseverity_lesser = "WARN"', "no milder case"),
    "a structural rule": ('[rules.FLD-01]\nreason = "r"\nseverity_issue = "WARN"', "cannot be changed"),
    "a structural rule of one issuer": ('[issuers.XB.rules.QTY-01]\nreason = "r"', "cannot be changed"),
    "a pattern": ("[patterns]\ncool_off_hours = 1", "equal in all nodes"),
    "a pattern as if it were a rule": ('[rules.FRD-01]\nreason = "r"', "rules.FRD-01: .*equal in all nodes"),
    "an unknown parameter": (
        '[rules.VAL-01]\nreason = "r"\nparameters = { month = 7 }',
        r"no such parameter; did you mean months\?",
    ),
    "a parameter of another kind": (
        '[rules.VAL-01]\nreason = "r"\nparameters = { months = "seven" }',
        "expected a whole number, such as 6",
    ),
    "a parameter below 0": ('[rules.VAL-01]\nreason = "r"\nparameters = { months = -1 }', "expected 0 or more"),
    "a parameter that no rule takes": (
        '[rules.VAL-01]\nreason = "r"\nparameters = { months = 0.5 }',
        "0.5 is no number",
    ),
    "a pattern that is none": (
        "[rules.FLD-16]\nreason = 'r'\nparameters = { pattern = '(' }",
        "not a regular expression",
    ),
    "an issuer that there is not": ("[issuers.QL]\nstamps = true", "issuers.QL: no such country code"),
    "stamps in words": ('[issuers.XB]\nstamps = "yes"', "issuers.XB.stamps"),
    "no TOML": ("rules", "not TOML"),
}


@pytest.mark.parametrize(("text", "says"), REFUSED.values(), ids=REFUSED.keys())
def test_a_measure_that_cannot_be_is_an_error_that_says_why(tmp_path: Path, text: str, says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        under(tmp_path, text)


def test_all_problems_are_told_at_once(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as told:
        under(tmp_path, '[rules.NO-1]\nreason = "r"\n[rules.NO-2]\nreason = "r"')
    assert str(told.value).count("\n") == 1


def test_a_file_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"no\.toml: cannot be read"):
        read_measures(tmp_path / "no.toml", RULESET)
