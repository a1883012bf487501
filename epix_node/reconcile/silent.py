"""How a sentence says what a partner's silence is worth."""

from __future__ import annotations

from epix_node.reconcile.view import Silence


def record_of(silence: Silence) -> str:
    """``47 of the 48 that were due in the 180 days up to then (lower bound 0.89)``."""
    return (
        f"{silence.met} of the {silence.expected} such consignments that were due in the {silence.window.days} days up "
        f"to then (lower bound {silence.lower_bound})"
    )


def share_values(silence: Silence) -> dict[str, str]:
    """The figures of ``record_of``, and the day."""
    return {
        "due_on": str(silence.due_on),
        "met": str(silence.met),
        "expected": str(silence.expected),
        "window_days": str(silence.window.days),
        "lower_bound": str(silence.lower_bound),
    }
