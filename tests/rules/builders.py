"""A sound permit, changed where a test wants it broken, and the check of it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any

from epix_node.permit.model import Authority, Line, Origin, Permit, Quota, Reference, TradeParty
from epix_node.reference.catalogue import Catalogue, builtin
from epix_node.rules.check import Judgement, check
from epix_node.rules.finding import RuleFinding
from epix_node.rules.ruleset import Ruleset, Stage, load_ruleset
from epix_node.rules.subject import Circumstances

RULESET = load_ruleset()

LINE = Line(
    block="A",
    taxon="Python regius",
    common_name="ball python",
    appendix="II",
    sources=("C",),
    term="LIV",
    description="live animals",
    quantity="12",
    unit="NAR",
    marks=("XA-001",),
    origin=Origin(country="XA"),
    quota=Quota(used="120", annual="5000", unit="NAR"),
)
EXAMPLE = Permit(
    type="E",
    number="26XA000123",
    issuer="XA",
    issued_on=date(2026, 3, 1),
    valid_from=date(2026, 3, 1),
    valid_until=date(2026, 8, 31),
    purpose="T",
    exporter=TradeParty(name="Hook Reptiles Ltd", address="7 Jetty Street", country="XA"),
    importer=TradeParty(name="Liddell Pets SA", address="12 Mirror Lane", country="XB"),
    transit=("XC",),
    authority=Authority(name="CITES Management Authority of Neverland", place="Northport", signatory="J. Darling"),
    security_stamp="XA0012345",
    special_conditions="Transport by IATA's Live Animals Regulations.",
    references=(Reference(relation="import-permit", issuer="XB", number="26XB000777", date=date(2026, 2, 20)),),
    lines=(LINE,),
)
"""The permit of contract 5."""


def permit(*, line: dict[str, Any] | None = None, **changes: Any) -> Permit:
    """The example with these members changed, in its line or in itself."""
    return replace(EXAMPLE, **({"lines": (replace(LINE, **line),)} if line else {}), **changes)


def reexport(*, line: dict[str, Any] | None = None, **changes: Any) -> Permit:
    """A sound re-export certificate with these members changed."""
    origin = Origin(country="XD", permit="25XD000007", date=date(2025, 11, 3))
    return permit(line={"origin": origin, "quota": None, **(line or {})}, **{"type": "R", **changes})


def certificate(subtype: str, *, line: dict[str, Any] | None = None, **changes: Any) -> Permit:
    """A certificate of this subtype with these members changed."""
    return permit(line=line, **{"type": "O", "subtype": subtype, "purpose": "P", **changes})


def importer(**changes: Any) -> TradeParty:
    assert EXAMPLE.importer is not None
    return replace(EXAMPLE.importer, **changes)


def exporter(**changes: Any) -> TradeParty:
    assert EXAMPLE.exporter is not None
    return replace(EXAMPLE.exporter, **changes)


def judge(permit_: Permit, *, ruleset: Ruleset = RULESET, catalogue: Catalogue | None = None, **more: Any) -> Judgement:
    """The permit as the rules see it on its day of issue, at issue if not said otherwise, its stamp unique."""
    today = permit_.issued_on or date(2026, 3, 1)
    circumstances = Circumstances(**{"stage": Stage.ISSUE, "today": today, "stamp_taken": False, **more})
    return check(permit_, ruleset, catalogue=catalogue or builtin(), circumstances=circumstances)


@dataclass(frozen=True, kw_only=True)
class Case:
    """A permit that breaks a rule, or that a rule must pass over; the key in its table says how."""

    rule: str
    permit: Permit
    says: str | None = None
    """The severity; ``None``: the rule says nothing at all."""
    path: str | None = None
    circumstances: dict[str, Any] = field(default_factory=dict)
    ruleset: Ruleset = RULESET

    def found(self) -> list[RuleFinding]:
        """What the rule says of the permit."""
        judgement = judge(self.permit, ruleset=self.ruleset, **self.circumstances)
        return [finding for finding in judgement.findings if finding.rule == self.rule]
