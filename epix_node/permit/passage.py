"""When goods of a permit passed a border, and who says so: an endorsement or a confirmation without its amounts.

What went on under a certificate is balanced against what came (FRD-06, FRD-07) by authorities that hold no more than
an extract of it. Amounts alone would accuse: goods that were turned away at their destination came back and may leave
again, and goods can only have left a country after they came there. So an extract tells the days and the outcomes, too.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from epix_node.permit.event import Confirmation, Endorsement, Outcome, Presentation

MAX_PASSAGES = 50
"""Most passages that are told of a permit; a single-use one has two."""


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Passage:
    """Goods left, or came to a border. ``outcome`` is empty for an endorsement."""

    on: date
    party: str
    outcome: str = ""

    @property
    def is_departure(self) -> bool:
        """Whether the goods left by it."""
        return not self.outcome

    @property
    def is_arrival(self) -> bool:
        """Whether goods came in by it; refused and returned ones did not (``domain-rules.md`` 0.16)."""
        return bool(self.outcome) and Outcome(self.outcome).is_arrival

    @property
    def is_turned_away(self) -> bool:
        """Whether goods were refused or returned by it."""
        return bool(self.outcome) and not Outcome(self.outcome).is_arrival


def passages(stated: Iterable[tuple[str, Endorsement | Confirmation | Presentation]]) -> tuple[Passage, ...]:
    """What these events, each with the Party that states it, say of when goods passed: each once, by day."""
    found: set[Passage] = set()
    for party, body in stated:
        if isinstance(body, Endorsement):
            found.add(Passage(on=body.date, party=party))
        elif isinstance(body, Confirmation):
            outcomes = {line.outcome or body.outcome for line in body.lines} or {body.outcome}
            found |= {Passage(on=body.date, party=party, outcome=outcome.value) for outcome in outcomes}
    return tuple(sorted(_first(found)))


def _first(found: Iterable[Passage]) -> list[Passage]:
    """The first of each Party before the second of any: who tells of many days takes nobody else's place."""
    by_party: dict[str, list[Passage]] = defaultdict(list)
    for one in sorted(found):
        by_party[one.party].append(one)
    ranked = [(rank, one) for mine in by_party.values() for rank, one in enumerate(mine)]
    return [one for _, one in sorted(ranked)[:MAX_PASSAGES]]
