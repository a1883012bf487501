"""Short stories about one permit each, as somebody else would play them, written as authorities and borders write.

All are told in one world, so that each costs little: its numbers are its own and near to nobody else's. Days are
``month-day`` of 2026, or of the year that they say.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from itertools import count
from typing import Any

from epix_node.permit.finding import Finding, FindingClass, FindingState
from epix_node.simulation.trade import Act
from tests.simulation.playing import do
from tests.simulation.score import open_findings
from tests.simulation.unsigned import UnsignedWorld

SKINS = {"taxon": "Crocodylus niloticus", "term": "SKI", "quantity": "100", "unit": "NAR", "sources": ["R"]}
BARK = {"taxon": "Prunus africana", "term": "BAR", "quantity": "500", "unit": "KGM", "sources": ["W"]}
TIMBER = {"taxon": "Dalbergia latifolia", "term": "SAW", "quantity": "40", "unit": "MTQ", "sources": ["W"]}

_EVERY = timedelta(days=10)
_serial = count(1)


def day(text: str) -> date:
    return date.fromisoformat(text if len(text) > 5 else f"2026-{text}")


@dataclass
class Tale:
    """What happened to a permit: acts at their times.

    ``number`` is that of the first permit, ``air`` and ``other_air`` are waybills of its own.
    """

    acts: list[Act] = field(default_factory=list)
    numbers: list[str] = field(default_factory=list)
    air: str = field(default_factory=lambda: f"020-{next(_serial):08}")
    other_air: str = field(default_factory=lambda: f"057-{next(_serial):08}")

    @property
    def number(self) -> str:
        return self.numbers[0]

    def publish(self, on: str = "03-10", **members: Any) -> dict[str, Any]:
        """An export permit of XA for XB, for a hundred skins, valid for half a year; returns how events name it."""
        body = self.paper(on, **members)
        self._tell(body["issuer"], "publish", {"permit": body}, on, hour=6)
        return {name: body[name] for name in ("issuer", "number", "type", "issued_on")}

    def paper(self, on: str, **members: Any) -> dict[str, Any]:
        """A permit that no rule blocks; ``lines`` may say only what is different."""
        issuer = members.get("issuer", "XA")
        lines = members.pop("lines", [{}])
        issued = day(on)
        body = {
            "type": "E",
            "number": self.new_number(issuer),
            "issuer": issuer,
            "issued_on": str(issued),
            "valid_until": str(issued + timedelta(days=170)),
            "purpose": "T",
            "exporter": {"name": "Hook Leather", "address": "7 Jetty Street", "country": issuer},
            "importer": {"name": "Tiger Lily Trading", "address": "1 Lagoon Road", "country": "XB"},
            "authority": {"name": f"Management Authority of {issuer}", "place": "Port"},
            "special_conditions": "As explained in our file 7",
            **members,
        }
        body["lines"] = [
            {"block": "ABCDEFGH"[i], "appendix": "II", "origin": {"country": issuer}, **SKINS, **line}
            for i, line in enumerate(lines)
        ]
        return body

    def new_number(self, issuer: str) -> str:
        serial = next(_serial)
        # Far from all the others: no digit of one number is where it is in the next.
        self.numbers.append(f"26{issuer}{(serial * 10_203_049) % 100_000_000:08}")
        return self.numbers[-1]

    def endorse(self, on: str, quantity: str = "100", unit: str = "NAR", **more: Any) -> str:
        return self._event("endorse", on, quantity, unit, {"by": "XA", "transport_document": self.air, **more})

    def confirm(self, on: str, quantity: str = "100", unit: str = "NAR", **more: Any) -> str:
        more = {"by": "XB", "transport_document": self.air, "outcome": "released", **more}
        return self._event("confirm", on, quantity, unit, more)

    def again(self, event_id: str, hours: int) -> None:
        """The same report once more."""
        act = self._act(event_id)
        self.acts.append(Act(at=act.at + timedelta(hours=hours), party=act.party, does=act.does, body=act.body))

    def correct(self, event_id: str, *, hours: int, **changes: Any) -> None:
        """The event is taken back after so many hours, and what it should have said is put in its place."""
        act = self._act(event_id)
        new_id = f"EV-{next(_serial)}"
        line = {name: changes.pop(name) for name in ("quantity", "unit") if name in changes}
        body = {**act.body, **changes, "event_id": new_id}
        body["lines"] = [{**one, **line} for one in body["lines"]]
        correction = {"event_id": new_id, "supersedes": event_id, "event": body}
        self.acts.append(Act(at=act.at + timedelta(hours=hours), party=act.party, does="correct", body=correction))

    def withdraw(self, on: str, reason: str = "stolen", *, number: str | None = None, by: str = "XA") -> None:
        self._tell(by, "withdraw", {"number": number or self.number, "reason": reason}, on)

    def replace(self, on: str, **members: Any) -> dict[str, Any]:
        """XA replaces the first permit; returns how events name the new one."""
        old = self.number
        body = self.paper(on, **members)
        self._tell("XA", "replace", {"number": old, "permit": body}, on)
        return {name: body[name] for name in ("issuer", "number", "type", "issued_on")}

    def show(self, on: str, presented: dict[str, Any], *, by: str = "XB", **ref: Any) -> None:
        """A border records what a paper says."""
        body = {
            "issuer": "XA",
            "number": self.number,
            "event_id": f"EV-{next(_serial)}",
            "office": "PORT-1",
            "date": str(day(on)),
            "presented": presented,
            "record": True,
            **ref,
        }
        self._tell(by, "verify", body, on)

    def _event(self, does: str, on: str, quantity: str, unit: str, more: dict[str, Any]) -> str:
        by, told = more.pop("by"), more.pop("told", on)
        permit = more.pop("permit", {"issuer": "XA", "number": self.number})
        line = {"block": "A", "quantity": quantity, "unit": unit}
        line |= {name: more.pop(name) for name in ("block", "taxon", "term", "source") if name in more}
        document = more.pop("transport_document")
        body = {
            "event_id": f"EV-{next(_serial)}",
            "permit": permit,
            "office": "PORT-1",
            "date": str(day(on)),
            "lines": [line],
            "transport_document": document,
            **more,
        }
        self._tell(by, does, body, told)
        return str(body["event_id"])

    def _tell(self, party: str, does: str, body: dict[str, Any], on: str, *, hour: int = 9) -> None:
        when = day(on)
        at = datetime(when.year, when.month, when.day, hour, tzinfo=UTC) + timedelta(seconds=len(self.acts))
        self.acts.append(Act(at=at, party=party, does=does, body=body))

    def _act(self, event_id: str) -> Act:
        return next(act for act in self.acts if act.body.get("event_id") == event_id)


Telling = Callable[[Tale], None]


@dataclass
class Told:
    """What the nodes showed of the tales: at the end, and ever."""

    tales: dict[str, Tale]
    shown: dict[str, dict[str, dict[str, Finding]]]
    """Open findings at the end by Party, then by number and pattern."""
    ever: dict[tuple[str, str], set[str]]
    """Patterns of class A that a Party ever showed open about a number, between two rounds."""

    def alerts(self, name: str, party: str) -> dict[str, str]:
        """The sentences of class A about the tale's numbers at that node, by pattern."""
        return {
            pattern: finding.summary
            for number in self.tales[name].numbers
            for pattern, finding in self.shown[party][number].items()
            if finding.class_ is FindingClass.ALERT
        }


def tell(world: UnsignedWorld, tellings: Iterable[Telling]) -> Told:
    """Everything happens, in the order of time, with a round every ten days and some more when all is over."""
    tales = {}
    for telling in tellings:
        tale = tales[telling.__name__] = Tale()
        telling(tale)
    ever: dict[tuple[str, str], set[str]] = defaultdict(set)
    acts = sorted((act for tale in tales.values() for act in tale.acts), key=lambda act: act.at)
    world.now = acts[0].at
    for act in acts:
        while act.at - world.now > _EVERY:
            _round(world, world.now + _EVERY, ever)
        now = world.now
        do(world, act)
        world.now = now
    for days in (2, 30, 120, 240):
        _round(world, acts[-1].at + timedelta(days=days), ever)
        _round(world, world.now, ever)
    shown: dict[str, dict[str, dict[str, Finding]]] = {}
    for party, office in world.offices.items():
        by_number = shown[party] = defaultdict(dict)
        for finding in office.database.read_now(open_findings):
            by_number[finding.subject.number][finding.pattern] = finding
    return Told(tales=tales, shown=shown, ever=ever)


def _round(world: UnsignedWorld, at: datetime, ever: dict[tuple[str, str], set[str]]) -> None:
    world.now = at
    world.meet()
    for party, office in world.offices.items():
        for finding in office.database.read_now(open_findings):
            if finding.class_ is FindingClass.ALERT and finding.state is FindingState.OPEN:
                ever[party, finding.subject.number].add(finding.pattern)
