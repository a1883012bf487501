"""What was measured, beside what it is measured against."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """One repetition: CPU-seconds for one piece of work, ours and the bare libraries', and wall seconds for ours."""

    ours: float
    bare: float
    wall: float

    @property
    def ratio(self) -> float:
        """How many times as fast as the bare libraries we are: 1 is as fast, 0.5 takes twice as long."""
        return self.bare / self.ours


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """The median of some repetitions, and what it should be at least; ``None`` where nothing is demanded."""

    name: str
    bare_name: str
    target: float | None
    readings: Sequence[Reading]

    @property
    def ratio(self) -> float:
        """The median; each repetition compares what ran within the same seconds."""
        return statistics.median(reading.ratio for reading in self.readings)

    @property
    def is_met(self) -> bool:
        """Whether it is as high as it should be."""
        return self.target is None or self.ratio >= self.target


def show(figures: Iterable[Figure]) -> None:
    """Print them as a table."""
    print(f"\n  {'':<22} {'ours':>22} {'wall':>9}   {'bare':>22}   {'':<24} {'ratio':>6} {'range':>12} {'target':>7}")
    for figure in figures:
        ours = statistics.median(reading.ours for reading in figure.readings)
        bare = statistics.median(reading.bare for reading in figure.readings)
        wall = statistics.median(reading.wall for reading in figure.readings)
        ratios = [reading.ratio for reading in figure.readings]
        target, verdict = "", ""
        if figure.target is not None:
            target, verdict = f"{figure.target:.2f}", "met" if figure.is_met else "NOT MET"
        print(
            f"  {figure.name:<22} {_rate(ours):>22} {1 / wall:7.0f}/s   {_rate(bare):>22}   {figure.bare_name:<24} "
            f"{figure.ratio:6.2f} {min(ratios):5.2f}-{max(ratios):.2f}  {target:>7}  {verdict}"
        )


def _rate(seconds: float) -> str:
    return f"{1 / seconds:,.0f}/CPU-s ({seconds * 1000:.2f} ms)"
