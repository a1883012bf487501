"""Rulesets: which rules there are, how severe a break is, what they rest on, and the parameters of the patterns.

A ruleset is package data with a version (``rulesets/*.toml``). Nothing in it is national: settings of a country change
verdicts and lanes, never findings (``domain-rules.md`` 0.9).
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from enum import StrEnum
from functools import cache
from importlib import resources
from types import MappingProxyType
from typing import Any

from epix_node.permit.quantity import UnitClass
from epix_node.rules.finding import Severity

CURRENT_RULESET = "conf-12.3-revCoP19"
"""The ruleset that this release checks by."""


class Stage(StrEnum):
    """Where a document is when it is checked: before its own authority issues it, or where it arrives."""

    ISSUE = "issue"
    RECEIPT = "receipt"


class Evidence(StrEnum):
    """What the citation of a rule is worth."""

    VERIFIED = "V"
    KNOWN = "K"
    """Known from the literature; not read in the text of the resolution."""
    INFERENCE = "I"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One rule of the resolution, or of those who live by it."""

    id: str
    title: str
    box: str | None
    severity_issue: Severity
    severity_receipt: Severity
    severity_lesser: Severity | None
    """Severity of the rule's milder case, where it has one; the ruleset says which case that is."""
    citation: str
    evidence: Evidence

    def severity(self, stage: Stage, *, lesser: bool = False) -> Severity:
        """How severe a break is at this stage."""
        if lesser:
            if self.severity_lesser is None:
                raise RuntimeError(f"rule {self.id} has no milder case")
            return self.severity_lesser
        return self.severity_issue if stage is Stage.ISSUE else self.severity_receipt


@dataclass(frozen=True, slots=True, kw_only=True)
class PatternParameters:
    """What the patterns of reconciliation measure by, equal in all nodes (``domain-rules.md`` 0.9)."""

    cool_off: timedelta
    """A finding is pending so long after the newest ``at`` of its evidence (contract 5)."""
    typing_error: timedelta
    """FRD-05: so long a likely typing error stays an R item (``domain-rules.md`` 0.5)."""
    correction: timedelta
    """END-08: a correction that comes later than this is looked at (contract 5)."""
    same_consignment: timedelta
    """FRD-01: events of one Party and office at most so far apart may be one consignment (0.2)."""
    expired_grace: timedelta
    """FRD-14: endorsed at most so long after the last day is no alert (0.6)."""
    in_time_grace: timedelta
    """FRD-14: an endorsement at most so long after the last day was in time (0.18)."""
    transit_max_air: timedelta
    transit_max_sea: timedelta
    tolerance: Mapping[UnitClass, Decimal]
    """Share of the amount by which two records of one quantity may differ; classes that are not here: 0."""

    def tolerance_of(self, unit_class: UnitClass) -> Decimal:
        """The share for a class of units, 0 for those that convert into nothing."""
        return self.tolerance.get(unit_class, Decimal(0))


@dataclass(frozen=True, slots=True, kw_only=True)
class Ruleset:
    """One version of the rules and of the parameters that belong to it."""

    id: str
    title: str
    rules: Mapping[str, Rule]
    live_terms: frozenset[str]
    """Terms of live specimens."""
    max_months: Mapping[str, int]
    """Permit type → longest validity in calendar months."""
    patterns: PatternParameters


@cache
def load_ruleset(name: str = CURRENT_RULESET) -> Ruleset:
    """The ruleset of this name; the same object each time.

    Raises:
        RuntimeError: there is no such ruleset in this release.
    """
    resource = resources.files("epix_node.rules").joinpath("rulesets", f"{name}.toml")
    if not resource.is_file():
        raise RuntimeError(f"there is no ruleset {name!r}")
    content = tomllib.loads(resource.read_text(encoding="utf-8"))
    return Ruleset(
        id=content["id"],
        title=content["title"],
        rules=MappingProxyType({id_: _rule(id_, given) for id_, given in content["rules"].items()}),
        live_terms=frozenset(content["parameters"]["live_terms"]),
        max_months=MappingProxyType(content["parameters"]["max_months"]),
        patterns=_patterns(content["patterns"]),
    )


def _rule(id_: str, given: Mapping[str, Any]) -> Rule:
    lesser = given.get("severity_lesser")
    return Rule(
        id=id_,
        title=given["title"],
        box=given.get("box"),
        severity_issue=Severity(given["severity_issue"]),
        severity_receipt=Severity(given["severity_receipt"]),
        severity_lesser=Severity(lesser) if lesser else None,
        citation=given["citation"],
        evidence=Evidence(given["evidence"]),
    )


def _patterns(given: Mapping[str, Any]) -> PatternParameters:
    return PatternParameters(
        cool_off=timedelta(hours=given["cool_off_hours"]),
        typing_error=timedelta(hours=given["typing_error_hours"]),
        correction=timedelta(days=given["correction_days"]),
        same_consignment=timedelta(days=given["same_consignment_days"]),
        expired_grace=timedelta(days=given["expired_grace_days"]),
        in_time_grace=timedelta(days=given["in_time_grace_days"]),
        transit_max_air=timedelta(days=given["transit_max_days"]["air"]),
        transit_max_sea=timedelta(days=given["transit_max_days"]["sea"]),
        tolerance=MappingProxyType(
            {UnitClass[name.upper()]: Decimal(share) for name, share in given["tolerance"].items()}
        ),
    )
