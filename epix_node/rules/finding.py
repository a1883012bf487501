"""What a rule says about a permit.

Not to be confused with a finding of reconciliation (``permit.finding``): that is about what happened under permits and
has a life of its own; this is one sentence about one document, true as long as its bytes are.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, ClassVar

from epix_node.errors import InputError


class Severity(StrEnum):
    """What the software may say; only an officer decides. ``NOT_CHECKED``: what the rule needs is not known here."""

    BLOCK = "BLOCK"
    REFER = "REFER"
    WARN = "WARN"
    INFO = "INFO"
    NOT_CHECKED = "NOT_CHECKED"


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleFinding:
    """One rule that a permit breaks, or that could not be checked.

    ``box`` is the label on the form, ``path`` a JSON pointer (RFC 6901) into the permit of contract 5. ``value`` is
    what stands there, ``expected`` what should, both as text for people and never a name or an address.
    ``unverified``: the provision cited was not read in the resolution's own text.
    """

    rule: str
    severity: Severity
    message: str
    box: str | None
    path: str
    value: str | None
    expected: str | None
    citation: str
    unverified: bool

    def to_json(self) -> dict[str, Any]:
        """As the ``findings`` of contract 4 print it."""
        return {
            "rule": self.rule,
            "severity": self.severity.value,
            "message": self.message,
            "box": self.box,
            "path": self.path,
            "value": self.value,
            "expected": self.expected,
            "citation": self.citation,
            "unverified": self.unverified,
        }


class RulesBrokenError(InputError):
    """The permit cannot be issued; ``findings`` are all that was found, the BLOCK ones among them (422)."""

    default_code: ClassVar[str] = "RULES_BROKEN"

    def __init__(self, message: str, *, findings: tuple[RuleFinding, ...]) -> None:
        super().__init__(message)
        self.findings = findings


def refuse_blocked(findings: Iterable[RuleFinding]) -> None:
    """Nothing happens where no finding is a BLOCK; REFER and WARN never refuse an issue (contract 5).

    Raises:
        RulesBrokenError: at least one finding is a BLOCK; it carries all findings.
    """
    found = tuple(findings)
    blocking = sorted({finding.rule for finding in found if finding.severity is Severity.BLOCK})
    if blocking:
        raise RulesBrokenError(f"the permit breaks {', '.join(blocking)}", findings=found)
