"""Numbers that somebody may have meant."""

from __future__ import annotations

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from epix_node.permit.neighbours import is_near, neighbouring_numbers, shapes_of_meant, shapes_of_mistyped
from epix_node.permit.number import MAX_NUMBER_CHARACTERS, normalised

OWN = "26XA000123"
LOOKS = {"O": "0", "0": "O", "I": "1", "1": "I", "B": "8", "8": "B"}
TYPED = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-/. "


def one_error_away(number: str) -> set[str]:
    """The rule itself, without any thought: every error is made, and what comes out is normalised."""
    found = {number.replace(one, other) for one, other in LOOKS.items()}
    for place in range(len(number) + 1):
        before, after = number[:place], number[place:]
        found |= {before + other + after for other in TYPED}
        if after:
            found |= {before + after[1:], *(before + other + after[1:] for other in TYPED)}
    return {n for n in map(normalised, found) if n and n != number and len(n) <= MAX_NUMBER_CHARACTERS}


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


numbers = (
    st.one_of(
        st.text("ABOI018 -/", min_size=1, max_size=9),
        st.text("NO.° 26", min_size=1, max_size=7),
        st.text("E\u0301ÁNÜ 0O_", min_size=1, max_size=6),
    )
    .map(normalised)
    .filter(bool)
)


@given(number=numbers, other=numbers, place=st.integers(0, 400))
@settings(max_examples=60, deadline=None)
@example(number="XNO.26", other="26", place=0)
@example(number="N0.26", other="26", place=0)
@example(number="A B C", other="A C", place=0)
@example(number="A", other="B", place=0)
@example(number="8" * MAX_NUMBER_CHARACTERS, other="B" * MAX_NUMBER_CHARACTERS, place=0)
def test_listing_comparing_and_looking_up_agree(number, other, place):
    """Whichever way it is asked, a number is near to what one error makes of it, and to nothing else."""
    near = one_error_away(number)
    assert neighbouring_numbers(number) == near
    some = sorted(near)[place % len(near) :][:5]
    for candidate in [number, other, normalised(number[1:] + number[:1]) or number, *some]:
        assert is_near(number, candidate) == (candidate in near)
        if candidate in near:
            assert shapes_of_mistyped(number) & shapes_of_meant(candidate)


def test_the_longest_number_has_few_enough_neighbours_to_ask_for():
    """SQLite takes 32,766 values in one statement."""
    mixed = ("8B1I0O-/" * MAX_NUMBER_CHARACTERS)[:MAX_NUMBER_CHARACTERS]
    assert len(neighbouring_numbers(mixed)) < 6_000
    assert len(shapes_of_mistyped(mixed)) < 250
