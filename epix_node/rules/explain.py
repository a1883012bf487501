"""The rules of a ruleset, told to people and to programs (``epix-node rules list`` and ``rules explain``)."""

from __future__ import annotations

import difflib
import textwrap
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from epix_node.errors import NotFoundError
from epix_node.rules.measure import Parameter
from epix_node.rules.ruleset import Evidence, IssuerProfile, Rule, Ruleset

EVIDENCE: Mapping[Evidence, str] = {
    Evidence.VERIFIED: "the provision cited was read in a source",
    Evidence.KNOWN: "UNVERIFIED: known from the literature, not read in the text of the resolution",
    Evidence.INFERENCE: "UNVERIFIED: a choice of this program, not a provision of CITES",
}
"""What the citation of a rule is worth, in words."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """One id that somebody asked for: a rule of the ruleset, or one that is decided elsewhere."""

    id: str
    ruleset: str
    rule: Rule | None
    elsewhere: str | None
    """Where it is decided, for a rule that no single document decides."""
    issuers: Mapping[str, Rule]
    """How the rule differs for the documents of single issuers."""

    def to_json(self) -> dict[str, Any]:
        """As ``rules explain --json`` prints it."""
        return {
            "id": self.id,
            "ruleset": self.ruleset,
            "rule": rule_to_json(self.rule) if self.rule is not None else None,
            "decided_elsewhere": self.elsewhere,
            "issuers": {issuer: rule_to_json(rule) for issuer, rule in self.issuers.items()},
        }

    def to_text(self) -> str:
        """Some lines for a person."""
        if self.rule is None:
            return f"{self.id}\n  No single document decides this rule.\n  {self.elsewhere}"
        lines = [f"{self.id}  {self.rule.title}", _wrapped(self.rule.text, "  "), *_facts(self.rule, "  ")]
        for issuer, rule in self.issuers.items():
            lines += [f"  Documents of {issuer}:", *_facts(rule, "    ")]
        return "\n".join(lines)


def explain(ruleset: Ruleset, rule_id: str) -> Explanation:
    """What this rule says and rests on; case does not matter.

    Raises:
        NotFoundError: the ruleset does not know the id; names the nearest one.
    """
    id_ = rule_id.strip().upper()
    if id_.startswith("FRD-"):
        raise NotFoundError(f"{id_} is no rule of a document but a pattern of what was done: see `epix-node findings`")
    if id_ not in ruleset.rules and id_ not in ruleset.elsewhere:
        close = difflib.get_close_matches(id_, [*ruleset.rules, *ruleset.elsewhere], n=1)
        raise NotFoundError(f"{ruleset.id} has no rule {rule_id}" + (f"; did you mean {close[0]}?" if close else ""))
    return Explanation(
        id=id_,
        ruleset=ruleset.id,
        rule=ruleset.rules.get(id_),
        elsewhere=ruleset.elsewhere.get(id_),
        issuers={
            issuer: profile.rules[id_]
            for issuer, profile in ruleset.issuers.items()
            if id_ in profile.rules and differs(profile, ruleset, id_)
        },
    )


def differs(profile: IssuerProfile, ruleset: Ruleset, rule_id: str) -> bool:
    """Whether the issuer has measures of its own for the rule."""
    return profile.rules[rule_id] != ruleset.rules[rule_id]


def by_family(ruleset: Ruleset) -> Mapping[str, tuple[Rule, ...]]:
    """Family → its rules by id, in the order of the families; families without rules are left out."""
    families: dict[str, list[Rule]] = {family: [] for family in ruleset.families}
    for id_ in sorted(ruleset.rules):
        families[family_of(id_)].append(ruleset.rules[id_])
    return {family: tuple(rules) for family, rules in families.items() if rules}


def family_of(rule_id: str) -> str:
    """The letters that the id begins with."""
    return rule_id.partition("-")[0]


def list_to_json(ruleset: Ruleset) -> dict[str, Any]:
    """As ``rules list --json`` prints it: all rules by family, and what is decided elsewhere."""
    return {
        "ruleset": ruleset.id,
        "title": ruleset.title,
        "families": dict(ruleset.families),
        "rules": [rule_to_json(rule) for rules in by_family(ruleset).values() for rule in rules],
        "elsewhere": dict(ruleset.elsewhere),
        "issuers": {
            issuer: {
                "stamps": profile.stamps,
                "rules": [rule_to_json(rule) for id_, rule in profile.rules.items() if differs(profile, ruleset, id_)],
            }
            for issuer, profile in ruleset.issuers.items()
        },
    }


def rule_to_json(rule: Rule) -> dict[str, Any]:
    """All that the ruleset says of a rule."""
    return {
        "id": rule.id,
        "title": rule.title,
        "text": rule.text,
        "box": rule.box,
        "severity_issue": rule.severity_issue.value,
        "severity_receipt": rule.severity_receipt.value,
        "severity_lesser": rule.severity_lesser.value if rule.severity_lesser is not None else None,
        "lesser": rule.lesser,
        "citation": rule.citation,
        "evidence": rule.evidence.value,
        "unverified": rule.is_unverified,
        "needs": list(rule.needs),
        "structural": rule.structural,
        "parameters": {name: _plain(value) for name, value in rule.parameters.items()},
        "national": rule.national_reason is not None,
        "reason": rule.national_reason,
    }


def severities(rule: Rule) -> str:
    """How severe a break is, in one line: ``BLOCK at issue, REFER at receipt; WARN: …``."""
    if rule.severity_issue is rule.severity_receipt:
        line = f"{rule.severity_issue} at issue and at receipt"
    else:
        line = f"{rule.severity_issue} at issue, {rule.severity_receipt} at receipt"
    return f"{line}; {rule.severity_lesser}: {rule.lesser}" if rule.severity_lesser is not None else line


def parameter_text(value: Parameter) -> str:
    """A parameter for people."""
    if isinstance(value, tuple):
        return ", ".join(value)
    if isinstance(value, Mapping):
        return ", ".join(f"{name} = {inner}" for name, inner in value.items())
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value)


def _facts(rule: Rule, indent: str) -> list[str]:
    facts = [
        ("Box", rule.box),
        ("Severity", severities(rule)),
        ("Citation", rule.citation),
        ("Evidence", EVIDENCE[rule.evidence]),
        ("Needs", f"{', '.join(rule.needs)}; else it says NOT_CHECKED" if rule.needs else None),
        ("Structural", "needed to address or count a permit; binds legacy documents too" if rule.structural else None),
        *(("Parameter", f"{name} = {parameter_text(value)}") for name, value in rule.parameters.items()),
        ("National", rule.national_reason),
    ]
    return [
        _wrapped(text, f"{indent}{label + ':':<12}", indent + " " * 12) for label, text in facts if text is not None
    ]


def _wrapped(text: str, first: str, rest: str | None = None) -> str:
    """The text in lines of at most 100 characters, indented."""
    return textwrap.fill(text, width=100, initial_indent=first, subsequent_indent=first if rest is None else rest)


def _plain(value: Parameter) -> Any:
    if isinstance(value, tuple):
        return list(value)
    return dict(value) if isinstance(value, Mapping) else value
