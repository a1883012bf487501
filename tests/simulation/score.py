"""What was found of what was done: recall by pattern, precision of class A, and every miss by name."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from fractions import Fraction

from epix_node.permit.finding import Finding, FindingClass, FindingState
from epix_node.permit.number import normalised
from epix_node.simulation.truth import Truth
from epix_node.simulation.year import Year
from epix_node.store import findings
from epix_node.store.database import Session
from tests.simulation.playing import do
from tests.simulation.unsigned import UnsignedWorld

BARS = {
    **dict.fromkeys(("FRD-01", "FRD-03", "FRD-04", "FRD-05", "FRD-14"), Fraction(99, 100)),
    **dict.fromkeys(("FRD-06", "FRD-07", "FRD-09", "FRD-12"), Fraction(90, 100)),
}
"""The recall that is asked for."""

PRECISION = Fraction(95, 100)
MOST_BEYOND = 3
"""Findings of class A in a thousand permits beyond those that were seeded."""

REVIEWED = frozenset({"FRD-08", "FRD-11", "FRD-15", "FRD-17", "FRD-19"})
"""Patterns that are found where somebody is to look; of all others class A is asked for."""

ROUND = timedelta(days=7)
"""How often the offices meet, where nothing else is said."""

AFTERWARDS = (timedelta(days=60), timedelta(days=120), timedelta(days=240))
"""When they meet once more after the last act: nothing is overdue any longer then."""

Number = tuple[str, str]


def play(world: UnsignedWorld, year: Year, *, every: timedelta = ROUND) -> None:
    """The whole year with rounds so far apart, and what time alone brings after it."""
    world.now = met = year.acts[0].at
    for act in year.acts:
        if act.at - met > every:
            world.now = met = act.at
            world.meet()
        do(world, act)
    ended = world.now
    for later in AFTERWARDS:
        world.now = ended + later
        world.meet(rounds=2)


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """One year, as its nodes saw it."""

    year: Year
    found: dict[tuple[str, Number], dict[str, Finding]]
    """The open findings by pattern and number, at each Party that shows them."""
    seeded: dict[Number, Truth] = field(default_factory=dict)

    @classmethod
    def of(cls, world: UnsignedWorld, year: Year) -> Score:
        """What every node shows now."""
        found: dict[tuple[str, Number], dict[str, Finding]] = defaultdict(dict)
        for party, office in world.offices.items():
            for finding in office.database.read_now(open_findings):
                subject = finding.subject
                found[finding.pattern, (subject.issuer, subject.number)][party] = finding
        return cls(year=year, found=dict(found), seeded={number_of(truth): truth for truth in year.truths})

    @property
    def missed(self) -> list[Truth]:
        """Frauds that no node found."""
        return [truth for truth in self.year.truths if truth.is_fraud and not self._is_found(truth)]

    def recall(self) -> dict[str, tuple[int, int]]:
        """For each pattern, how many frauds were found, and how many there are."""
        missed = {id(truth) for truth in self.missed}
        counts: dict[str, list[int]] = defaultdict(lambda: [0, 0])
        for truth in self.year.truths:
            if truth.is_fraud:
                counts[truth.kind][0] += id(truth) not in missed
                counts[truth.kind][1] += 1
        return {kind: (found, all_) for kind, (found, all_) in sorted(counts.items())}

    @property
    def alerts(self) -> list[tuple[str, Number]]:
        """What some node shows as class A, each once."""
        return sorted(
            key for key, seen in self.found.items() if any(f.class_ is FindingClass.ALERT for f in seen.values())
        )

    @property
    def beyond(self) -> list[tuple[str, Number]]:
        """Of those, what nobody did."""
        return [(pattern, number) for pattern, number in self.alerts if not self._is_right(pattern, number)]

    @property
    def precision(self) -> Fraction:
        """The share of class A that somebody did."""
        return 1 - Fraction(len(self.beyond), len(self.alerts)) if self.alerts else Fraction(1)

    @property
    def trapped(self) -> list[tuple[str, Number, Truth]]:
        """Of what nobody did, what an innocent look-alike raised; a certificate belongs to what it draws on."""
        stories = [(key, self._story(key[1])) for key in self.beyond]
        return [(*key, truth) for key, truth in stories if truth is not None and not truth.is_fraud]

    @property
    def said_by_mirrors_alone(self) -> list[tuple[str, Number, Finding]]:
        """Class A that another node derives and the issuer's node, who holds as much, does not show."""
        return [
            (pattern, number, finding)
            for (pattern, number), seen in sorted(self.found.items())
            if number[0] in self.year.parties
            for party, finding in sorted(seen.items())
            if finding.class_ is FindingClass.ALERT and finding.derived
            if number[0] not in seen or seen[number[0]].class_ is not FindingClass.ALERT
        ]

    def failures(self) -> Iterator[str]:
        """What does not reach its bar, in sentences."""
        for kind, (found, all_) in self.recall().items():
            if kind in BARS and found < all_ * BARS[kind]:
                yield f"{kind}: {found} of {all_} found"
        if self.precision < PRECISION:
            yield f"precision of class A is {float(self.precision):.3f}"
        if len(self.beyond) * 1_000 > MOST_BEYOND * self.year.permits:
            yield f"{len(self.beyond)} findings of class A beyond what was done, in {self.year.permits} permits"
        for pattern, number, truth in self.trapped:
            yield f"{pattern} accuses {' '.join(number)}, where {truth.said} ({truth.kind})"

    def _is_found(self, truth: Truth) -> bool:
        seen = self.found.get((truth.kind, number_of(truth)), {}).values()
        return any(truth.kind in REVIEWED or finding.class_ is FindingClass.ALERT for finding in seen)

    def _is_right(self, pattern: str, number: Number) -> bool:
        truth = self._story(number)
        return truth is not None and truth.is_fraud and pattern in {truth.kind, *truth.may_also}

    def _story(self, number: Number) -> Truth | None:
        return self.seeded.get(number)


def number_of(truth: Truth) -> Number:
    """As findings name it."""
    return truth.permit["issuer"], normalised(truth.permit["number"])


def open_findings(session: Session) -> list[Finding]:
    """All that a node shows as open."""
    shown: list[Finding] = []
    cursor = None
    while True:
        page, cursor = findings.page(session, findings.FindingFilter(state=FindingState.OPEN), cursor=cursor, limit=500)
        shown += page
        if cursor is None:
            return shown
