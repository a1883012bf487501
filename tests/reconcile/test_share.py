"""How sure a share is, without rounding."""

from __future__ import annotations

from fractions import Fraction
from math import isclose, sqrt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from epix_node.reconcile.share import Share
from epix_node.rules.ruleset import load_ruleset

PARAMETERS = load_ruleset().patterns.observability
Z = PARAMETERS.z


def wilson(expected: int, met: int) -> float:
    n, p, z = expected, met / expected, 1.96
    return (p + z * z / (2 * n) - z * sqrt(p * (1 - p) / n + z * z / (4 * n * n))) / (1 + z * z / n)


@given(st.integers(1, 3000), st.data())
def test_the_bound_is_wilsons(expected: int, data: st.DataObject) -> None:
    """The textbook's formula in floating point says the same to the last thousandth."""
    met = data.draw(st.integers(0, expected))
    bound = float(Share(expected=expected, met=met).lower_bound(z=Z))
    exact = wilson(expected, met)
    assert bound <= exact + 1e-9
    assert exact < bound + 0.001 + 1e-9


@given(st.integers(1, 200), st.integers(0, 200), st.integers(1, 999))
def test_more_reports_never_lower_the_bound(expected: int, met: int, least: int) -> None:
    met = min(met, expected)
    one, more = Share(expected=expected, met=met), Share(expected=expected + 1, met=met + 1)
    assert more.lower_bound(z=Z) >= one.lower_bound(z=Z)
    share = Fraction(least, 1000)
    assert one.is_at_least(share, z=Z) == (one.lower_bound(z=Z) >= share)


@pytest.mark.parametrize(
    ("expected", "met", "enough"),
    [
        (0, 0, False),
        (1, 1, False),
        (15, 15, False),
        (16, 16, True),
        (24, 23, False),
        (25, 24, True),
        (1000, 800, False),
    ],
)
def test_sixteen_in_a_row_are_the_fewest_that_show_it(expected: int, met: int, *, enough: bool) -> None:
    assert Share(expected=expected, met=met).is_at_least(PARAMETERS.least_share, z=Z) is enough


def test_the_bound_of_a_share_at_the_limit_is_not_rounded() -> None:
    """All of n: n / (n + z²) is a rational number, and the question whether it is reached has an exact answer."""
    share = Share(expected=16, met=16)
    exact = Fraction(16) / (16 + Z**2)
    assert share.is_at_least(exact, z=Z)
    assert not share.is_at_least(exact + Fraction(1, 10**30), z=Z)
    assert isclose(float(exact), wilson(16, 16))
