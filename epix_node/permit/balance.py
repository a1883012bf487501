"""How much of each line of a permit is used: permitted, endorsed, confirmed, remaining (contract 4).

Which line goods belong to is decided where the detectors decide it (``allowance``), so that no answer shows less than
a finding complains of. Lines that allow the same goods are filled one after the other, in the order of the permit.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from epix_node.permit.allowance import Allowance, allowance_for, allowances, is_about
from epix_node.permit.event import Confirmation, EventLine, Presentation
from epix_node.permit.facts import EventFact
from epix_node.permit.line_balance import LineBalance
from epix_node.permit.model import Line, Permit, PermitType
from epix_node.permit.quantity import UnitClass, in_unit


class Balances:
    """Sums per line, in the micro-units of the line's class; quantities of other classes cannot be added to it."""

    def __init__(self, permit: Permit, endorsed: Iterable[EventFact], confirmed: Iterable[EventFact]) -> None:
        endorsements = tuple(endorsed)
        self._permit = permit
        self._is_endorsed = bool(endorsements)
        self._endorsed = _Sums(permit, endorsements)
        self._confirmed = _Sums(permit, confirmed)

    @property
    def is_exhausted(self) -> bool:
        """Whether nothing remains on any line whose quantity can be read."""
        readable = [(place, q.micro) for place, line in enumerate(self._permit.lines) if (q := line.permitted())]
        return bool(readable) and all(self._confirmed.micro[place] >= micro for place, micro in readable)

    @property
    def has_lapsed(self) -> bool:
        """Whether a single-use document left with less than was permitted: the rest lapses (END-12)."""
        if self._permit.multi_use or not self._is_endorsed or self._permit.type == PermitType.IMPORT:
            return False
        return any(
            self._endorsed.micro[place] < q.micro
            for place, line in enumerate(self._permit.lines)
            if (q := line.permitted()) and place not in self._endorsed.incomparable
        )

    def lines(self, *, used: bool) -> tuple[LineBalance, ...]:
        """The balance of each line; ``used`` where the document has served its one consignment."""
        return tuple(self._balance(place, line, used=used) for place, line in enumerate(self._permit.lines))

    def _balance(self, place: int, line: Line, *, used: bool) -> LineBalance:
        permitted = line.permitted()
        unit = line.unit if permitted is not None else None
        remaining = None
        if permitted is not None and unit is not None:
            remaining = in_unit(self._remaining(place, permitted.micro, used=used), unit)
        return LineBalance(
            block=line.block,
            taxon=line.taxon,
            term=line.term,
            unit=line.unit,
            permitted=line.quantity,
            endorsed=in_unit(self._endorsed.micro[place], unit) if unit else "0",
            confirmed=in_unit(self._confirmed.micro[place], unit) if unit else "0",
            remaining=remaining,
        )

    def _remaining(self, place: int, permitted: int, *, used: bool) -> int:
        if self._permit.type == PermitType.IMPORT:
            return 0 if used else max(0, permitted - self._confirmed.micro[place])
        if self._permit.multi_use:
            return permitted
        return 0 if used or self._is_endorsed else permitted


class _Sums:
    """What was counted under a permit, by the place of the line; a function of the set of events, not of its order."""

    def __init__(self, permit: Permit, events: Iterable[EventFact]) -> None:
        self.micro: dict[int, int] = defaultdict(int)
        self.incomparable: set[int] = set()
        """The lines of which something was counted in units of another class."""
        allowed = allowances(permit)
        totals: dict[tuple[int, UnitClass], int] = defaultdict(int)
        for event in events:
            by_block = is_about(permit, event)
            for line in _arrived_or_left(event):
                allowance = allowance_for(allowed, line, by_block=by_block)
                if allowance is not None:
                    totals[allowance.position, line.quantity.unit_class] += line.quantity.micro
        for (position, unit_class), total in totals.items():
            self._fill(allowed[position], unit_class, total)

    def _fill(self, allowance: Allowance, unit_class: UnitClass, total: int) -> None:
        """Put ``total`` on the allowance's lines of this class; what is more than they all permit is on the last."""
        permitted = [
            (place, quantity.micro)
            for place, line in zip(allowance.places, allowance.lines, strict=True)
            if (quantity := line.permitted()) is not None and quantity.unit_class is unit_class
        ]
        if not permitted:
            self.incomparable.update(allowance.places)
            return
        for place, micro in permitted[:-1]:
            self.micro[place] = min(total, micro)
            total -= self.micro[place]
        self.micro[permitted[-1][0]] = total


def _arrived_or_left(event: EventFact) -> Iterable[EventLine]:
    """The lines of an event that count; refused and returned goods did not arrive (``domain-rules.md`` 0.16)."""
    body = event.body
    if isinstance(body, Presentation):
        return ()
    if isinstance(body, Confirmation):
        return (line for line in body.lines if (line.outcome or body.outcome).is_arrival)
    return body.lines
