"""Numbers that somebody may have meant."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from epix_node.permit.number import MAX_NUMBER_CHARACTERS, normalised
from epix_node.reconcile.neighbours import neighbouring_numbers

OWN = "26XA000123"


@pytest.mark.parametrize(
    "meant",
    ["26XA000124", "26XA00123", "26XA0000123", "6XA000123", "26XA-000123", "26XAO00123", "26XAOOO123", "26XA000I23"],
)
def test_one_error_away_is_a_neighbour(meant):
    """One character other, less or more; a look-alike once or throughout."""
    assert meant in neighbouring_numbers(OWN)


@pytest.mark.parametrize("other", [OWN, "26XA000145", "26XA000132", "26XB000124", ""])
def test_the_number_itself_and_two_errors_are_not(other):
    assert other not in neighbouring_numbers(OWN)


numbers = st.text("ABOI018 -/", min_size=1, max_size=12).map(normalised).filter(bool)


@given(numbers)
@settings(max_examples=50, deadline=None)
def test_neighbours_are_normalised_numbers_that_a_permit_can_have(number):
    found = neighbouring_numbers(number)
    assert number not in found
    assert all(n == normalised(n) and 0 < len(n) <= MAX_NUMBER_CHARACTERS for n in found)


def test_the_longest_number_has_few_enough_neighbours_to_ask_for():
    """SQLite takes 32,766 values in one statement."""
    assert len(neighbouring_numbers("8" * MAX_NUMBER_CHARACTERS)) < 6_000
