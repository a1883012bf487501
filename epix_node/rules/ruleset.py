"""Rulesets: which rules there are, how severe a break is, what they rest on, and the parameters of the patterns.

A ruleset is package data with a version (``rulesets/*.toml``), the same at all nodes. What a country lays down on top
(``measure``) changes what its own node says of a document, never a finding of reconciliation (``domain-rules.md`` 0.9).
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction
from functools import cache
from importlib import resources
from types import MappingProxyType
from typing import Any

from epix_node.permit.quantity import UnitClass
from epix_node.rules.finding import Severity
from epix_node.rules.measure import Measure, NationalMeasures, Parameter

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
    text: str
    """When the rule is broken, in our own words."""
    box: str | None
    severity_issue: Severity
    severity_receipt: Severity
    severity_lesser: Severity | None
    """Severity of the rule's milder case, where it has one."""
    lesser: str | None
    """Which case that is, in words."""
    citation: str
    evidence: Evidence
    needs: tuple[str, ...]
    """What it takes beside the document; where that is not there, the rule says "not checked"."""
    structural: bool
    """Without it a permit cannot be addressed or counted: no national matter, and it binds legacy documents too."""
    parameters: Mapping[str, Parameter]
    national_reason: str | None = None
    """Why a country changed severities or parameters; ``None``: they are the ruleset's."""

    def __hash__(self) -> int:
        """Of the id alone: what was said of a rule is remembered by it, and its tables have no hash."""
        return hash(self.id)

    @property
    def is_unverified(self) -> bool:
        """Whether users must be told that nobody has read the provision cited in its own text."""
        return self.evidence is not Evidence.VERIFIED

    def severity(self, stage: Stage, *, lesser: bool = False) -> Severity:
        """How severe a break is at this stage."""
        if lesser:
            if self.severity_lesser is None:
                raise RuntimeError(f"rule {self.id} has no milder case")
            return self.severity_lesser
        return self.severity_issue if stage is Stage.ISSUE else self.severity_receipt

    def number(self, name: str) -> int:
        """A parameter that is a number."""
        value = self.parameters[name]
        assert isinstance(value, int)
        return value

    def codes(self, name: str) -> tuple[str, ...]:
        """A parameter that is a list of codes or words."""
        value = self.parameters[name]
        assert isinstance(value, tuple)
        return value

    def text_of(self, name: str) -> str:
        """A parameter that is a text."""
        value = self.parameters[name]
        assert isinstance(value, str)
        return value

    def table(self, name: str) -> Mapping[str, int | str]:
        """A parameter that is a table by code."""
        value = self.parameters[name]
        assert isinstance(value, Mapping)
        return value

    def under(self, measure: Measure) -> Rule:
        """The rule as a country wants it."""
        return replace(
            self,
            severity_issue=measure.severity_issue or self.severity_issue,
            severity_receipt=measure.severity_receipt or self.severity_receipt,
            severity_lesser=measure.severity_lesser or self.severity_lesser,
            parameters=MappingProxyType({**self.parameters, **measure.parameters}),
            national_reason=measure.reason,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ObservabilityParameters:
    """FRD-19, END-05: when a partner's silence is evidence (``domain-rules.md`` 2.2)."""

    grace: timedelta
    """So long after the last day on which goods may be under way their report is waited for."""
    window: timedelta
    """The reports that were due in this time show how many a partner sends."""
    least_share: Fraction
    """At least so many of them, by the lower bound of Wilson's interval."""
    z: Fraction
    """How sure that bound is, in standard deviations of the normal distribution."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MatchingParameters:
    """The lowest rung of the ladder: goods that are alike (``domain-rules.md`` 2.2 rung 5)."""

    alike: timedelta
    """Issued at most so long before or after the event."""
    least_ratio: Fraction
    most_ratio: Fraction
    """What was counted is so many times what the permit allows, from the one to the other."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerParameters:
    """The states of a permit's lines (``domain-rules.md`` 2.2)."""

    short_warn: Fraction
    """SHORT: what arrived is less than this share of what left."""
    short_refer: Fraction
    """Likewise, of specimens of Appendix I."""
    converted_tolerance: Fraction
    """Tolerance where an amount was converted by an assumption about the goods."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SumParameters:
    """FRD-08, FRD-17: findings that are about many permits together."""

    quota_warning_percent: int
    """From this share of an annual quota on there is an early warning."""
    captive_permits: int
    """At least so many permits were used for goods of captive sources of a taxon that does not live there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChainParameters:
    """FRD-06, FRD-07: when more went on under certificates than had come (``domain-rules.md`` 2.4)."""

    least_share: Fraction
    """A deficit counts from this share of what there was."""
    converted_share: Fraction
    """And from this one where it rests on a conversion or a yield."""
    on_arrival: timedelta
    """Goods that came to a country at most so long after its certificate was issued may be those that it is for."""
    minimum: Mapping[UnitClass, int]
    """Deficits up to this amount do not count, in micro-units; classes that are not here: 0."""
    yields: Mapping[tuple[str, str, UnitClass], Fraction]
    """The most that can be made of one: of this term, that term, counted in units of this class."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PatternParameters:
    """What the patterns of reconciliation measure by, equal in all nodes (``domain-rules.md`` 0.9)."""

    cool_off: timedelta
    """A finding is pending so long after the newest ``at`` of its evidence (contract 5)."""
    typing_error: timedelta
    """FRD-05: so long a likely typing error stays an R item (``domain-rules.md`` 0.5)."""
    correction: timedelta
    """END-08: a correction that comes later than this is looked at (contract 5)."""
    merge_delay: timedelta
    """FRD-11: a document is in its register at most so long after its signature (C.4 item 9)."""
    same_consignment: timedelta
    """FRD-01: events of one Party and office at most so far apart may be one consignment (0.2)."""
    expired_grace: timedelta
    """FRD-14: endorsed at most so long after the last day is no alert (0.6)."""
    in_time_grace: timedelta
    """FRD-14: an endorsement at most so long after the last day was in time (0.18)."""
    transit_max_air: timedelta
    transit_max_sea: timedelta
    timber_months: int
    """VAL-13, VAL-14: so many calendar months an exception for timber may be used (1.1)."""
    timber_terms: frozenset[str]
    """VAL-13, VAL-14: terms of the timber for which the exceptions are made."""
    same_shipment: timedelta
    """FRD-15: so long after a rejection another permit for the same shipment is looked at."""
    shown_countries: int
    """FRD-15: so many countries are more than one consignment passes."""
    shown_within: timedelta
    """FRD-15: the time within which they saw the paper."""
    operation_form: str
    """FRD-08: how the numbers of the register of operations are written; that of SRC-07."""
    sums: SumParameters
    observability: ObservabilityParameters
    chains: ChainParameters
    matching: MatchingParameters
    ledger: LedgerParameters
    tolerance: Mapping[UnitClass, Decimal]
    """Share of the amount by which two records of one quantity may differ; classes that are not here: 0."""

    def tolerance_of(self, unit_class: UnitClass) -> Decimal:
        """The share for a class of units, 0 for those that convert into nothing."""
        return self.tolerance.get(unit_class, Decimal(0))


@dataclass(frozen=True, slots=True, kw_only=True)
class IssuerProfile:
    """The rules for the documents of one issuer, where a country laid down some for it."""

    stamps: bool | None
    rules: Mapping[str, Rule]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ruleset:
    """One version of the rules and of the parameters that belong to it."""

    id: str
    title: str
    families: Mapping[str, str]
    """The letters that the ids of a family begin with → what the family is about, in the order of the text."""
    rules: Mapping[str, Rule]
    elsewhere: Mapping[str, str]
    """Ids of rules that no single document can decide → where they are decided."""
    live_terms: frozenset[str]
    """Terms of live specimens."""
    patterns: PatternParameters
    issuers: Mapping[str, IssuerProfile] = field(default_factory=dict)

    def rules_for(self, issuer: str) -> Mapping[str, Rule]:
        """The rules as they hold for this issuer's documents."""
        profile = self.issuers.get(issuer)
        return profile.rules if profile is not None else self.rules

    def uses_stamps(self, issuer: str) -> bool | None:
        """Whether the issuer puts security stamps on its documents; ``None``: not known here."""
        profile = self.issuers.get(issuer)
        return profile.stamps if profile is not None else None

    def with_measures(self, measures: NationalMeasures) -> Ruleset:
        """The same ruleset under national measures; the patterns stay as they are (``domain-rules.md`` 0.9)."""
        rules = _under(self.rules, measures.rules)
        return replace(
            self,
            rules=rules,
            issuers=MappingProxyType(
                {
                    issuer: IssuerProfile(stamps=own.stamps, rules=_under(rules, own.rules))
                    for issuer, own in measures.issuers.items()
                }
            ),
        )


def _under(rules: Mapping[str, Rule], measures: Mapping[str, Measure]) -> Mapping[str, Rule]:
    changed = {id_: rules[id_].under(measure) for id_, measure in measures.items()}
    return MappingProxyType({**rules, **changed})


def load_ruleset(name: str = CURRENT_RULESET) -> Ruleset:
    """The ruleset of this name; the same object each time.

    Raises:
        RuntimeError: there is no such ruleset in this release.
    """
    return _load(name)


@cache
def _load(name: str) -> Ruleset:
    resource = resources.files("epix_node.rules").joinpath("rulesets", f"{name}.toml")
    if not resource.is_file():
        raise RuntimeError(f"there is no ruleset {name!r}")
    content = tomllib.loads(resource.read_text(encoding="utf-8"))
    return Ruleset(
        id=content["id"],
        title=content["title"],
        families=MappingProxyType(content["families"]),
        rules=MappingProxyType({id_: _rule(id_, given) for id_, given in content["rules"].items()}),
        elsewhere=MappingProxyType(content["elsewhere"]),
        live_terms=frozenset(content["parameters"]["live_terms"]),
        patterns=_patterns(content["patterns"], operation_form=content["rules"]["SRC-07"]["parameters"]["form"]),
    )


def _rule(id_: str, given: Mapping[str, Any]) -> Rule:
    lesser = given.get("severity_lesser")
    return Rule(
        id=id_,
        title=given["title"],
        text=given["text"],
        box=given.get("box"),
        severity_issue=Severity(given["severity_issue"]),
        severity_receipt=Severity(given["severity_receipt"]),
        severity_lesser=Severity(lesser) if lesser else None,
        lesser=given.get("lesser"),
        citation=given["citation"],
        evidence=Evidence(given["evidence"]),
        needs=tuple(given.get("needs", ())),
        structural=given.get("structural", False),
        parameters=MappingProxyType({name: parameter(value) for name, value in given.get("parameters", {}).items()}),
    )


def parameter(value: Any) -> Parameter:
    """A TOML value as rules take it.

    Raises:
        ValueError: it is none of the kinds that parameters have.
    """
    if isinstance(value, bool | int | str):
        return value
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return tuple(value)
    if isinstance(value, dict) and _is_flat(value.values()):
        return MappingProxyType(value)
    raise ValueError(f"{value!r} is no number, text, switch, list of texts or table of numbers and texts")


def _is_flat(values: Iterable[Any]) -> bool:
    return all(isinstance(value, int | str) for value in values)


def _patterns(given: Mapping[str, Any], *, operation_form: str) -> PatternParameters:
    return PatternParameters(
        cool_off=timedelta(hours=given["cool_off_hours"]),
        typing_error=timedelta(hours=given["typing_error_hours"]),
        correction=timedelta(days=given["correction_days"]),
        merge_delay=timedelta(hours=given["merge_delay_hours"]),
        same_consignment=timedelta(days=given["same_consignment_days"]),
        expired_grace=timedelta(days=given["expired_grace_days"]),
        in_time_grace=timedelta(days=given["in_time_grace_days"]),
        transit_max_air=timedelta(days=given["transit_max_days"]["air"]),
        transit_max_sea=timedelta(days=given["transit_max_days"]["sea"]),
        timber_months=given["timber"]["months"],
        timber_terms=frozenset(given["timber"]["terms"]),
        same_shipment=timedelta(days=given["same_shipment_days"]),
        shown_countries=given["shown_countries"],
        shown_within=timedelta(days=given["shown_within_days"]),
        operation_form=operation_form,
        sums=SumParameters(
            quota_warning_percent=given["sums"]["quota_warning_percent"],
            captive_permits=given["sums"]["captive_permits"],
        ),
        observability=_observability(given["observability"]),
        chains=_chains(given["chains"]),
        matching=MatchingParameters(
            alike=timedelta(days=given["matching"]["alike_days"]),
            least_ratio=Fraction(given["matching"]["least_ratio"]),
            most_ratio=Fraction(given["matching"]["most_ratio"]),
        ),
        ledger=LedgerParameters(
            short_warn=Fraction(given["ledger"]["short_warn"]),
            short_refer=Fraction(given["ledger"]["short_refer"]),
            converted_tolerance=Fraction(given["ledger"]["converted_tolerance"]),
        ),
        tolerance=MappingProxyType(
            {UnitClass[name.upper()]: Decimal(share) for name, share in given["tolerance"].items()}
        ),
    )


def _chains(given: Mapping[str, Any]) -> ChainParameters:
    return ChainParameters(
        least_share=Fraction(given["least_share"]),
        converted_share=Fraction(given["converted_share"]),
        on_arrival=timedelta(days=given["on_arrival_days"]),
        minimum=MappingProxyType(
            {UnitClass[name.upper()]: int(Decimal(amount) * 1_000_000) for name, amount in given["minimum"].items()}
        ),
        yields=MappingProxyType(
            {
                (source, product, UnitClass[one["class"].upper()]): Fraction(one["most"])
                for one in given["yields"]
                for source in one["of"]
                for product in one["makes"]
                if source != product
            }
        ),
    )


def _observability(given: Mapping[str, Any]) -> ObservabilityParameters:
    return ObservabilityParameters(
        grace=timedelta(days=given["grace_days"]),
        window=timedelta(days=given["window_days"]),
        least_share=Fraction(given["least_share"]),
        z=Fraction(given["z"]),
    )
