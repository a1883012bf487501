"""The findings of one check while it runs: rules say what is wrong, the ruleset says how severe that is."""

from __future__ import annotations

from epix_node.permit.model import Permit
from epix_node.rules.finding import RuleFinding, Severity
from epix_node.rules.ruleset import Evidence, Ruleset, Stage

MAX_VALUE_CHARACTERS = 80
"""A value is shown so that its writer recognises it; more would only fill the answer."""


class Report:
    """Collects findings at one stage, in the order in which the rules report them."""

    def __init__(self, ruleset: Ruleset, stage: Stage) -> None:
        self.ruleset = ruleset
        self.stage = stage
        self._findings: list[RuleFinding] = []

    @property
    def findings(self) -> tuple[RuleFinding, ...]:
        """What was reported so far."""
        return tuple(self._findings)

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
        checked: bool = True,
    ) -> None:
        """The permit breaks the rule at ``path`` (``lesser``: in its milder case), or the rule was not ``checked``.

        ``box`` is the rule's own where it is not given. ``value`` is never a name or an address.
        """
        rule = self.ruleset.rules[rule_id]
        severity = rule.severity(self.stage, lesser=lesser) if checked else Severity.NOT_CHECKED
        if value is not None and len(value) > MAX_VALUE_CHARACTERS:
            value = value[: MAX_VALUE_CHARACTERS - 1] + "…"
        self._findings.append(
            RuleFinding(
                rule=rule.id,
                severity=severity,
                message=message,
                box=box or rule.box,
                path=path,
                value=value,
                expected=expected,
                citation=rule.citation,
                unverified=rule.evidence is not Evidence.VERIFIED,
            )
        )


def is_open_document(permit: Permit) -> bool:
    """Whether box 3 or 4 may stay open: used many times, or goods taken from the sea (``domain-rules.md`` 0.1)."""
    return permit.multi_use or permit.subtype == "ifs"
