"""What a check says as a whole. Each rule is tried in `test_every_rule.py`."""

from __future__ import annotations

from datetime import date

import pytest

from epix_node.permit.model import Line
from epix_node.rules.finding import RulesBrokenError, Severity, refuse_blocked
from epix_node.rules.ruleset import Stage
from epix_node.rules.validity import months_later, working_days_later
from tests.rules.builders import EXAMPLE, LINE, RULESET, judge, permit, reexport


@pytest.mark.parametrize("stage", Stage)
def test_the_permit_of_the_contract_breaks_no_rule(stage: Stage) -> None:
    found = judge(EXAMPLE, stage=stage, entered_on=EXAMPLE.issued_on).findings
    assert [finding.rule for finding in found if finding.severity is not Severity.NOT_CHECKED] == []


def test_a_sound_re_export_breaks_no_rule() -> None:
    found = judge(reexport()).findings
    assert [finding.rule for finding in found if finding.severity is not Severity.NOT_CHECKED] == []


@pytest.mark.parametrize("unit", ["MYG", "PCS", "SHP"])
def test_a_historical_unit_never_refuses(unit: str) -> None:
    found = judge(permit(line={"unit": unit, "quantity": "5"})).findings
    assert "QTY-02" in {finding.rule for finding in found if finding.severity is Severity.REFER}
    refuse_blocked(found)


@pytest.mark.parametrize("number", ["FR1202501030-R", "08CA00153/CWHQ", "11222-11334", "0001/IV/SATS-LN/2009", "1"])
def test_an_unusual_number_never_refuses(number: str) -> None:
    refuse_blocked(judge(permit(number=number)).findings)


def test_each_line_has_a_block_of_its_own() -> None:
    """Endorsements and confirmations count by block."""
    found = judge(permit(lines=(LINE, LINE))).findings
    assert [finding.path for finding in found if finding.rule == "FLD-12"] == ["/lines/0/block", "/lines/1/block"]


def test_a_line_that_holds_nothing_is_refused_box_by_box() -> None:
    found = judge(permit(lines=(Line(),))).findings
    blocking = {finding.rule for finding in found if finding.severity is Severity.BLOCK}
    assert {"FLD-09", "FLD-10", "FLD-11", "FLD-12", "QTY-01"} <= blocking


def test_only_a_block_refuses() -> None:
    refuse_blocked(judge(permit(special_conditions=None, line={"unit": "BOX"})).findings)
    with pytest.raises(RulesBrokenError, match="FLD-06") as refusal:
        judge(permit(purpose=None, special_conditions=None)).refuse_blocked()
    assert refusal.value.code == "RULES_BROKEN"
    assert {"FLD-05", "FLD-06"} <= {finding.rule for finding in refusal.value.findings}


def test_a_finding_prints_what_the_reader_needs() -> None:
    (finding,) = [finding for finding in judge(permit(purpose="A")).findings if finding.rule == "FLD-06"]
    assert finding.to_json() == {
        "rule": "FLD-06",
        "severity": "BLOCK",
        "message": "no such purpose code",
        "box": "5a",
        "path": "/purpose",
        "value": "A",
        "expected": "B, E, G, H, L, M, N, P, Q, S, T, Z",
        "citation": "Res. Conf. 12.3, Annex 1; 50 CFR 23.23",
        "unverified": True,
        "national": False,
        "reference": None,
    }


def test_a_finding_shows_the_age_of_the_data_that_it_rests_on() -> None:
    judgement = judge(permit(line={"unit": "KGM"}))
    (finding,) = [finding for finding in judgement.findings if finding.rule == "QTY-04"]
    (edition,) = [edition for edition in judgement.editions if edition.data == "species"]
    assert finding.to_json()["reference"] == {
        "data": "species",
        "as_of": edition.as_of.isoformat(),
        "age_days": edition.age(judgement.checked_on).days,
    }
    told = judgement.to_json()
    assert told["ruleset"] == RULESET.id
    assert edition.to_json(judgement.checked_on) in told["reference"]


def test_a_long_value_is_cut() -> None:
    (finding,) = [finding for finding in judge(permit(number="1" * 500)).findings if finding.rule == "FLD-01"]
    assert finding.value is not None
    assert len(finding.value) == 80


@pytest.mark.parametrize(
    ("day", "months", "later"),
    [
        (date(2026, 3, 1), 6, date(2026, 9, 1)),
        (date(2025, 8, 31), 6, date(2026, 2, 28)),
        (date(2023, 8, 31), 6, date(2024, 2, 29)),
        (date(2026, 12, 15), 12, date(2027, 12, 15)),
        (date(2024, 2, 29), 12, date(2025, 2, 28)),
        (date(2026, 6, 30), 6, date(2026, 12, 30)),
        (date(9999, 11, 1), 6, date.max),
    ],
)
def test_months_are_calendar_months(day: date, months: int, later: date) -> None:
    assert months_later(day, months) == later


@pytest.mark.parametrize(
    ("day", "days", "weekend", "later"),
    [
        (date(2026, 3, 2), 3, {"saturday", "sunday"}, date(2026, 3, 5)),
        (date(2026, 3, 6), 3, {"saturday", "sunday"}, date(2026, 3, 11)),
        (date(2026, 3, 7), 1, {"saturday", "sunday"}, date(2026, 3, 9)),
        (date(2026, 3, 5), 1, {"friday", "saturday"}, date(2026, 3, 8)),
        (date(2026, 3, 6), 0, {"saturday", "sunday"}, date(2026, 3, 6)),
        (date(2026, 3, 6), 2, set(), date(2026, 3, 8)),
        (date(9999, 12, 30), 9, set(), date.max),
    ],
)
def test_working_days_pass_over_the_weekend(day: date, days: int, weekend: set[str], later: date) -> None:
    assert working_days_later(day, days, weekend=frozenset(weekend)) == later


def test_where_every_day_is_weekend_nobody_is_late() -> None:
    every = frozenset({"monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"})
    assert working_days_later(date(2026, 3, 2), 1, weekend=every) == date.max
