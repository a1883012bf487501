"""Which events are about the same consignment (``domain-rules.md`` 0.2, 0.16, 2.3).

Endorsements and confirmations are clustered apart, and each Party's apart: an export side and an import side quote
different transport documents for the same goods (house and master waybill, another flight), and linking them would
let one endorsement swallow two imports. Within one Party and kind:

1. The same transport document, or ``continues`` (a second flight, the release of held goods), is one consignment.
2. An event without a document joins the nearest such cluster with an event at the same office within 3 days. It
   never joins two, and it does not draw others along: a chain of events without documents must not tie together
   two consignments that are weeks apart.
3. Events without documents that are left are one consignment while the next one at the same office is not more
   than 3 days away.

The result is a function of the set of events: their order decides nothing, ties neither.
"""

from __future__ import annotations

import unicodedata
from collections import defaultdict
from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from epix_node.permit.event import Confirmation, Endorsement, Presentation
from epix_node.permit.facts import EventFact
from epix_node.permit.transport import plain_document

_Place = tuple[date, str, str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Cluster:
    """One consignment as one Party states it: at least one event, the earliest first, all of one kind."""

    party: str
    events: tuple[EventFact, ...]

    @property
    def begins(self) -> date:
        """The date of the earliest event."""
        return self.events[0].body.date


def transport_document(event: EventFact) -> str | None:
    """The transport document as it is compared (``plain_document``)."""
    body = event.body
    return None if isinstance(body, Presentation) else plain_document(body.transport_document)


def chronological(events: Iterable[EventFact]) -> tuple[EventFact, ...]:
    """Each document once, by date, then by what tells events of one day apart on every node."""
    once = {event.source.document: event for event in events}
    return tuple(sorted(once.values(), key=_place_in_time))


def _place_in_time(event: EventFact) -> _Place:
    return (event.body.date, event.party, event.body.event_id, event.source.document)


def clusters(events: Iterable[EventFact], *, days: timedelta) -> tuple[Cluster, ...]:
    """The consignments behind these endorsements and confirmations, the earliest first.

    ``days`` is how far apart events without a transport document may be (``same_consignment``). Presentations
    move no goods and are left out.
    """
    by_writer: dict[tuple[str, bool], list[EventFact]] = defaultdict(list)
    for event in chronological(events):
        if isinstance(event.body, Endorsement | Confirmation):
            by_writer[event.party, isinstance(event.body, Endorsement)].append(event)
    found = [
        Cluster(party=party, events=chronological(group))
        for (party, _), written in by_writer.items()
        for group in _consignments(written, days)
    ]
    return tuple(sorted(found, key=lambda cluster: _place_in_time(cluster.events[0])))


def apart(one: Cluster, other: Cluster) -> timedelta | None:
    """The time between the nearest events of two clusters at one office; ``None`` where they share no office."""
    return min(
        (abs(a.body.date - b.body.date) for a in one.events for b in other.events if _office(a) == _office(b)),
        default=None,
    )


def _consignments(events: list[EventFact], days: timedelta) -> list[list[EventFact]]:
    groups = _grouped(events)
    documented = [group for group in groups if any(transport_document(event) for event in group)]
    left = []
    # Rule 2 measures against the clusters as the documents make them: what joined before must not matter.
    nearest = _Nearest(documented, days)
    for group in groups:
        if any(transport_document(event) for event in group):
            continue
        position = nearest.to(group)
        if position is None:
            left += group
        else:
            documented[position] = documented[position] + group
    return documented + _grouped(left, _days_in_a_row(left, days))


class _Nearest:
    """Finds, for a group without documents, the nearest of the clusters that have one.

    Days are ordinals here: a date has no day before the first of year 1, and an event may claim it.
    """

    def __init__(self, documented: list[list[EventFact]], days: timedelta) -> None:
        self._days = days
        self._at: dict[tuple[str, int], tuple[_Place, int]] = {}
        for position, group in enumerate(documented):
            rank = (_place_in_time(group[0]), position)
            for event in group:
                where = (_office(event), event.body.date.toordinal())
                self._at[where] = min(rank, self._at.get(where, rank))

    def to(self, group: list[EventFact]) -> int | None:
        """The position of the cluster with the nearest event at an office of ``group``; ties go to the earliest."""
        near = [
            (abs(offset), *self._at[where])
            for event in group
            for offset in range(-self._days.days, self._days.days + 1)
            if (where := (_office(event), event.body.date.toordinal() + offset)) in self._at
        ]
        return min(near)[-1] if near else None


def _office(event: EventFact) -> str:
    """The office as it is compared: capitals and blanks are the typist's choice."""
    return " ".join(unicodedata.normalize("NFKC", event.body.office).casefold().split())


def _names(event: EventFact) -> set[Hashable]:
    """What ties events together for certain: the document, their own event id, and the one that they continue."""
    names: set[Hashable] = {("event", event.body.event_id)}
    if not isinstance(event.body, Presentation) and event.body.continues:
        names.add(("event", event.body.continues))
    if document := transport_document(event):
        names.add(("document", document))
    return names


def _days_in_a_row(events: list[EventFact], days: timedelta) -> dict[str, Hashable]:
    """For each document the run of dates at its office without a gap of more than ``days`` that it belongs to."""
    runs: dict[str, Hashable] = {}
    last: dict[str, tuple[date, date]] = {}
    for event in chronological(events):
        office, day = _office(event), event.body.date
        begins, latest = last.get(office, (day, day))
        if day - latest > days:
            begins = day
        last[office] = (begins, day)
        runs[event.source.document] = ("run", office, begins)
    return runs


def _grouped(events: list[EventFact], runs: Mapping[str, Hashable] | None = None) -> list[list[EventFact]]:
    """The events in groups: those that share a name, and those tied through others. Each group in order of time."""
    leader: dict[Hashable, Hashable] = {}

    def find(name: Hashable) -> Hashable:
        while leader.setdefault(name, name) != name:
            leader[name] = leader[leader[name]]
            name = leader[name]
        return name

    for event in events:
        names = _names(event) | ({runs[event.source.document]} if runs else set())
        first, *others = names
        for other in others:
            leader[find(other)] = find(first)
    groups: dict[Hashable, list[EventFact]] = defaultdict(list)
    for event in chronological(events):
        groups[find(("event", event.body.event_id))].append(event)
    return list(groups.values())
