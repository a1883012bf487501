"""The permits of the real import records that look odd: what was used twice is found, what only looks so is not."""

from __future__ import annotations

from collections import defaultdict

import pytest

from tests.bench import outcomes, shipments
from tests.bench.outcomes import Outcome, Told

pytestmark = pytest.mark.skipif(
    not outcomes.is_there(), reason="needs ../shared/data/trade-shipments, which lies beside the project's checkout"
)


@pytest.fixture(scope="module")
def told() -> list[Told]:
    return outcomes.tell_all()


def test_each_of_the_334_numbers_has_an_outcome_and_a_reason(told: list[Told]) -> None:
    assert len(told) == 334
    assert all(one.reasons and all(reason.endswith(".") for reason in one.reasons) for one in told)


def test_the_candidates_for_reuse_are_found(told: list[Told]) -> None:
    """A permit of one exporter that several countries imported under, or that was used again years later."""
    several = defaultdict(bool)
    for one in shipments.read_consignments():
        several[one.number] |= len(one.importers) > 1
    assert [one.number for one in told if several[one.number] and one.outcome is not Outcome.REUSED] == []
    assert sum(several[one.number] for one in told) > 20


def test_one_number_of_several_exporters_is_never_a_finding_by_itself(told: list[Told]) -> None:
    """They are permits of their own: what is found is found of one of them alone."""
    collisions = [one for one in told if len(one.exporters) > 1]
    assert len(collisions) == sum("multi_exporter" in one.flags for one in told) > 50
    reused = {one.number for one in shipments.read_consignments() if len(one.importers) > 1 or one.has_gap}
    assert [one.number for one in collisions if one.outcome is not Outcome.QUIET and one.number not in reused] == []


def test_several_import_permits_equal_lines_and_two_years_are_nothing(told: list[Told]) -> None:
    """But for Appendix-I goods of which the records name no import permit (Art. III.3)."""
    harmless = {"multi_import_permit", "identical_lines"}
    bare = {one.number for one in shipments.read_consignments() if one.lacks_import_permit}
    found = [one for one in told if one.flags <= harmless and one.outcome is not Outcome.QUIET]
    assert {(one.number in bare, one.patterns) for one in found} <= {(True, ("APP-05 A",))}
