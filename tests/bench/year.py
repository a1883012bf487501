"""An invented year through the real recording and reconciliation of every Party's node, scored against its truth.

One store for each Party, documents to whom the audience rules say, rounds every week and three after the last act.
Signatures and the network are left out (``tests.simulation.unsigned``). Recall is asked of each pattern, and of class A
that it accuses nobody else: no innocent look-alike at all.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from time import process_time

from epix_node.permit.finding import FindingClass
from epix_node.simulation.year import invent
from tests.simulation.score import BARS, Score, play
from tests.simulation.unsigned import unsigned_world

PERMITS = 20_000
QUICK = 1_000
SEEDS = (1, 2, 3)
START = date(2026, 3, 2)

_MOST_TOLD = 20


def measure(*, permits: int, seed: int) -> tuple[Score, float, int]:
    """The score of one year, the CPU-seconds that it took, and how many documents were written."""
    year = invent(permits=permits, seed=seed, start=START)
    with (
        tempfile.TemporaryDirectory(prefix="epix-bench-") as directory,
        unsigned_world(Path(directory), year.parties) as world,
    ):
        begun = process_time()
        play(world, year)
        return Score.of(world, year), process_time() - begun, len(world.written)


def main(*, quick: bool, permits: int | None = None, seeds: Sequence[int] = SEEDS) -> bool:
    """Play the years and print what was found; whether every bar is reached in each."""
    good = True
    for seed in seeds[:1] if quick else seeds:
        score, seconds, documents = measure(permits=permits or (QUICK if quick else PERMITS), seed=seed)
        print(
            f"\nYear {seed}: {score.year.permits:,} permits, {documents:,} documents, {len(score.year.parties)} nodes, "
            f"in {seconds:.0f} CPU-s"
        )
        _show(score)
        failures = list(score.failures())
        for failure in failures:
            print(f"  NOT MET  {failure}")
        good = good and not failures
    return good


def _show(score: Score) -> None:
    print("  pattern    found        asked")
    for kind, (found, all_) in score.recall().items():
        asked = f"{float(BARS[kind]):.2f}" if kind in BARS else "-"
        print(f"  {kind:<8} {found:4} of {all_:<4}  {asked:>6}")
    traps = sum(not truth.is_fraud for truth in score.year.truths)
    print(
        f"  class A: {len(score.alerts)} findings, precision {float(score.precision):.3f}; "
        f"{len(score.beyond)} beyond what was done, {len(score.trapped)} of them from {traps} innocent look-alikes"
    )
    reviewed = sum(
        not any(finding.class_ is FindingClass.ALERT for finding in seen.values()) for seen in score.found.values()
    )
    print(f"  to be looked at (class R): {reviewed}")
    for truth in score.missed[:_MOST_TOLD]:
        print(f"  MISSED   {truth.kind} {truth.permit['issuer']} {truth.permit['number']}: {truth.said}")
    for pattern, number in score.beyond[:_MOST_TOLD]:
        sentence = next(iter(score.found[pattern, number].values())).summary
        print(f"  BEYOND   {pattern} {' '.join(number)}: {sentence}")
    for pattern, number, finding in score.said_by_mirrors_alone[:_MOST_TOLD]:
        print(f"  MIRROR   {pattern} {' '.join(number)}, which its issuer does not show: {finding.summary}")
