"""The findings of one check while it runs: rules say what is wrong, the ruleset says how severe that is."""

from __future__ import annotations

from datetime import date
from functools import lru_cache

from epix_node.reference.edition import Edition
from epix_node.rules.finding import ReferenceUsed, RuleFinding, Severity
from epix_node.rules.ruleset import Rule, Ruleset, Stage

MAX_VALUE_CHARACTERS = 80
"""A value is shown so that its writer recognises it; more would only fill the answer."""

_USUAL_REASON_CHARACTERS = 200
"""A reason may quote what a document holds; longer ones are not remembered, so that what is remembered stays small."""


class Report:
    """Collects the findings of one permit at one stage, in the order in which the rules report them."""

    def __init__(self, ruleset: Ruleset, *, stage: Stage, issuer: str, today: date) -> None:
        self.ruleset = ruleset
        self.stage = stage
        self._rules = ruleset.rules_for(issuer)
        self._today = today
        self._findings: list[RuleFinding] = []
        self._not_checked: set[str] = set()
        self._editions: dict[tuple[str, str], Edition] = {}
        self._last_used: Edition | None = None

    @property
    def findings(self) -> tuple[RuleFinding, ...]:
        """What was reported so far."""
        return tuple(self._findings)

    @property
    def editions(self) -> tuple[Edition, ...]:
        """The reference data that were used so far, by name and source: a taxon may be known to one of two lists."""
        return tuple(self._editions[key] for key in sorted(self._editions))

    def rule(self, rule_id: str) -> Rule:
        """The rule as it holds for documents of this issuer, for its parameters."""
        return self._rules[rule_id]

    def add(
        self,
        rule_id: str,
        message: str,
        *,
        path: str,
        value: str | None = None,
        expected: str | None = None,
        box: str | None = None,
        lesser: bool = False,
        structural: bool = True,
        edition: Edition | None = None,
    ) -> None:
        """The permit breaks the rule at ``path`` (``lesser``: in its milder case).

        ``box`` is the rule's own where it is not given. ``value`` is never a name or an address. ``edition`` is that of
        the reference data without which the rule could not say so. ``structural`` is false for that part of a
        structural rule without which the permit can still be addressed and counted.
        """
        rule = self._rules[rule_id]
        if rule.national_reason is not None:
            message = f"{message} (national measure: {rule.national_reason})"
        if value is not None and len(value) > MAX_VALUE_CHARACTERS:
            value = value[: MAX_VALUE_CHARACTERS - 1] + "…"
        self.used(edition)
        self._findings.append(
            RuleFinding(
                rule=rule.id,
                severity=rule.severity(self.stage, lesser=lesser),
                message=message,
                box=box or rule.box,
                path=path,
                value=value,
                expected=expected,
                citation=rule.citation,
                unverified=rule.is_unverified,
                national=rule.national_reason is not None,
                structural=structural and rule.structural,
                reference=ReferenceUsed.of(edition, on=self._today) if edition is not None else None,
            )
        )

    def not_checked(self, rule_id: str, reason: str, *, path: str = "", edition: Edition | None = None) -> None:
        """The rule could not be checked, for want of what ``reason`` says: told once for a rule and permit."""
        if rule_id not in self._not_checked:
            self._not_checked.add(rule_id)
            self.used(edition)
            make = _remembered if len(reason) <= _USUAL_REASON_CHARACTERS else _not_checked
            self._findings.append(make(self._rules[rule_id], reason, path, edition, self._today))

    def used(self, edition: Edition | None) -> None:
        """A rule looked into these data, whatever they said; every answer shows their age."""
        if edition is not None and edition is not self._last_used:
            self._last_used = edition
            self._editions[edition.data, edition.source] = edition


def _not_checked(rule: Rule, reason: str, path: str, edition: Edition | None, today: date) -> RuleFinding:
    return RuleFinding(
        rule=rule.id,
        severity=Severity.NOT_CHECKED,
        message=reason,
        box=rule.box,
        path=path,
        value=None,
        expected=None,
        citation=rule.citation,
        unverified=rule.is_unverified,
        national=rule.national_reason is not None,
        structural=rule.structural,
        reference=ReferenceUsed.of(edition, on=today) if edition is not None else None,
    )


_remembered = lru_cache(maxsize=1_024)(_not_checked)
"""Of what is not known here, much the same is said of every permit."""
