"""What was counted under a permit, line by line, against what it allows (``permit.allowance``)."""

from __future__ import annotations

from collections.abc import Iterable

from epix_node.permit.allowance import Counted, allowance_for, allowances, is_about
from epix_node.permit.event import Confirmation, Endorsement
from epix_node.permit.facts import EventFact
from epix_node.permit.model import Permit
from epix_node.reconcile.arrivals import has_arrived
from epix_node.reconcile.clusters import chronological


def counted(permit: Permit, events: Iterable[EventFact]) -> tuple[Counted, ...]:
    """What left or arrived by these events, line by line; refused and returned goods are not among it.

    An event that is given twice counts once: a confirmation may be about a permit and name it as import permit too.
    Goods of a confirmation that only names this permit as its import permit are left out where no line of the
    permit is theirs: one consignment may need several import permits, or none for some of its goods.
    """
    allowed = allowances(permit)
    found = []
    for event in chronological(events):
        body = event.body
        if not isinstance(body, Endorsement | Confirmation):
            continue
        about_it = is_about(permit, event)
        for line in body.lines:
            if isinstance(body, Confirmation) and not has_arrived(line, body):
                continue
            allowance = allowance_for(allowed, line, by_block=about_it)
            if about_it or allowance is not None:
                found.append(Counted(event=event, line=line, allowance=allowance))
    return tuple(found)
