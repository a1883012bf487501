"""How often things happen in the invented trade. ASSUMPTIONS, every one: no such rates were ever published.

The ranges come from what was agreed to assume (``domain-rules.md`` 2.5): unused 15 to 35 %, partly used 30 to 50 % of
the used ones, typing errors 0.5 %, late confirmations 5 %, frauds 0.05 to 0.5 %.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from random import Random

WHOLE = 10_000
"""Rates are parts of this."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rates:
    """Parts of 10,000; of what is said in each line. Raises ``ValueError`` for a rate below 0 or above the whole."""

    unused: int = 2_500
    """Of all permits."""
    partly_used: int = 4_000
    """Of the used ones: less leaves than was permitted."""
    late: int = 500
    """Of the arrivals: confirmed more than 60 days after they happened."""
    typing_error: int = 50
    """Of the arrivals: an officer writes something wrong, and mends it within days."""
    unreported: int = 4_500
    """Of the arrivals in the one country that seldom tells: nobody hears of them."""
    several_lines: int = 1_500
    """Of all permits: for more than one kind of goods."""
    trap: int = 300
    """Of the used permits: something innocent happens that looks like a fraud (``traps``), shared by all kinds."""
    fraud: int = 50
    """Of the used permits: a fraud (``frauds``), shared by all kinds."""
    reexported: int = 400
    """Of the used permits for goods that travel on: part of them does."""
    by_sea: int = 4_000
    """Of the consignments that may go either way."""

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if not 0 <= value <= WHOLE:
                raise ValueError(f"rate {field.name} {value}: expected 0 to {WHOLE}")


def happens(random: Random, rate: int) -> bool:
    """Whether it happens this time."""
    return random.randrange(WHOLE) < rate
