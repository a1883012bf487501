"""Certificates that draw on XA's permit 26XA000123 for XB, as its issuer's documents or extracts tell of them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from epix_node.permit.event import PermitRef
from epix_node.permit.extract import extract_of
from epix_node.permit.facts import EventFact, ExtractFact, PermitFact
from epix_node.permit.model import Line, Origin, TradeParty
from epix_node.permit.passage import passages
from epix_node.permit.status import standing
from epix_node.reconcile.chains import Drawn, of_document, of_extract
from tests.reconcile.builders import NUMBER, PYTHON, confirmed, day, endorsed, goods, permit, source

ORIGIN = Origin(country="XA", permit=NUMBER, date=day("03-01"))


@dataclass(frozen=True)
class Certificate:
    """A certificate and what happened under it."""

    fact: PermitFact
    events: tuple[EventFact, ...] = ()
    depth: int = 1

    @property
    def number(self) -> str:
        return self.fact.permit.number

    def left(self, on: str, *lines: Any) -> Certificate:
        return self._with(endorsed(on, *lines, by=self.fact.permit.issuer, permit=self.ref))

    def came(self, on: str, *lines: Any, to: str | None = None, outcome: str = "released") -> Certificate:
        by = to or self.fact.permit.destination
        assert by is not None
        return self._with(confirmed(on, *lines, by=by, outcome=outcome, permit=self.ref))

    def at_depth(self, depth: int) -> Certificate:
        return replace(self, depth=depth)

    @property
    def ref(self) -> PermitRef:
        key = self.fact.permit
        return PermitRef(issuer=key.issuer, number=key.number, type="R", issued_on=key.issued_on)

    def _with(self, event: EventFact) -> Certificate:
        return replace(self, events=(*self.events, event))

    def as_held(self) -> Drawn:
        return placed(of_document(self.fact, self.events, depth=self.depth))

    def as_told(self) -> Drawn:
        """By the extract that its issuer writes of it."""
        fact, events = self.fact, self.events
        told = extract_of(
            fact.permit,
            permit_sha256=fact.source.document,
            withdrawn=fact.withdrawal.withdrawal.reason if fact.withdrawal else None,
            balances=standing(fact, events).lines,
            passages=passages((e.party, e.body) for e in events),
        )
        latest = max([fact.source.at, *(e.source.at for e in events)])
        extract = ExtractFact(source=source("permit-extract", fact.permit.issuer, latest), extract=told)
        return placed(of_extract(extract, depth=self.depth))


NODES = ("XA", "XB", "XC", "XD", "XE")
"""XN and others have none."""


def placed(drawn: Drawn) -> Drawn:
    """As the store gives it: it leads to a country with a node, or out of sight."""
    destination = drawn.permit.destination
    return replace(drawn, leads_to=frozenset({destination}) & set(NODES))


def sold(
    quantity: str = "5",
    unit: str = "NAR",
    *,
    by: str = "XB",
    to: str = "XC",
    number: str | None = None,
    on: str = "04-01",
    until: str = "09-30",
    moved: bool = True,
    withdrawn: Any = None,
    origin: Origin | None = ORIGIN,
    last: Origin | None = None,
    lines: Iterable[Line] | None = None,
    **line: Any,
) -> Certificate:
    """A certificate of `by` for `to`, and its goods left two days later, all of them."""
    given = {"taxon": PYTHON, "term": "SKI", **line}
    mine = Line(block="A", quantity=quantity, unit=unit, origin=origin, last_reexport=last, **given)
    fact = permit(
        *(lines or [mine]),
        type="R",
        number=number or f"{by}-{quantity}-{to}-{on}",
        issuer=by,
        issued_on=day(on),
        valid_until=day(until),
        exporter=TradeParty(country=by),
        importer=TradeParty(country=to),
        withdrawn=withdrawn,
    )
    made = Certificate(fact)
    if not moved:
        return made
    return made.left(
        str(day(on).replace(day=3)), *(goods(one.quantity, one.unit, block=one.block) for one in fact.permit.lines)
    )
