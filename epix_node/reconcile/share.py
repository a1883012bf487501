"""How large a share is, and how sure that is: so many of so many, judged without rounding."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

_STEPS = 1000
"""The bound is told in thousandths."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """``met`` of ``expected``; neither is negative, and not more were met than expected."""

    expected: int
    met: int

    def is_at_least(self, least: Fraction, *, z: Fraction) -> bool:
        """Whether the lower bound of Wilson's interval is at least this share (``domain-rules.md`` 2.2).

        With p = met/expected = m/n the bound is (p + z²/2n - z·√(p(1-p)/n + z²/4n²)) / (1 + z²/n). Times n, and with
        the root alone on one side, the question is one between rational numbers. Of nothing no share is known.
        """
        if self.expected == 0:
            return False
        n, m = self.expected, self.met
        left = m + z**2 / 2 - least * (n + z**2)
        under_root = Fraction(m * (n - m), n) + z**2 / 4
        return left >= 0 and left**2 >= z**2 * under_root

    def lower_bound(self, *, z: Fraction) -> Decimal:
        """The bound in thousandths, rounded down; 0 of nothing."""
        low, high = 0, _STEPS
        while low < high:
            middle = (low + high + 1) // 2
            if self.is_at_least(Fraction(middle, _STEPS), z=z):
                low = middle
            else:
                high = middle - 1
        return Decimal(low) / _STEPS
