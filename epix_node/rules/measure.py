"""What a country lays down on top of a ruleset: other severities and parameters, and who uses security stamps.

The Convention sets the least; many Parties are stricter (``domain-rules.md``, warning 2). A measure changes what this
node says of a document and never what happened: the patterns of reconciliation are equal in all nodes
(``domain-rules.md`` 0.9), and what is needed to address and count permits (``Rule.structural``) is no national matter.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from epix_node.rules.finding import Severity

Parameter = int | str | bool | tuple[str, ...] | Mapping[str, int | str]
"""What a rule measures by: a number, a text, a switch, a list of codes, or a table by code."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Measure:
    """One rule as a country wants it; what is absent stays as the ruleset has it."""

    reason: str
    """Why, in words for those who read a finding; a measure without a reason is not taken."""
    severity_issue: Severity | None = None
    severity_receipt: Severity | None = None
    severity_lesser: Severity | None = None
    parameters: Mapping[str, Parameter] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class IssuerMeasures:
    """What holds for the documents of one issuer, on top of what holds for all."""

    stamps: bool | None = None
    """Whether the issuer puts security stamps on its documents; ``None``: not known here (FLD-07)."""
    rules: Mapping[str, Measure] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class NationalMeasures:
    """All that ``config/rules.toml`` says, checked against a ruleset; read with ``national.read_measures``."""

    rules: Mapping[str, Measure] = field(default_factory=dict)
    issuers: Mapping[str, IssuerMeasures] = field(default_factory=dict)
