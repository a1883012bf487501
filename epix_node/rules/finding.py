"""What a rule says about a permit.

Not to be confused with a finding of reconciliation (``permit.finding``): that is about what happened under permits and
has a life of its own; this is one sentence about one document, true as long as its bytes and the reference data are.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Any, ClassVar

from epix_node.errors import InputError
from epix_node.reference.edition import Edition


class Severity(StrEnum):
    """What the software may say; only an officer decides. ``NOT_CHECKED``: what the rule needs is not known here."""

    BLOCK = "BLOCK"
    REFER = "REFER"
    WARN = "WARN"
    INFO = "INFO"
    NOT_CHECKED = "NOT_CHECKED"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReferenceUsed:
    """The reference data that a finding rests on, and how old they were on the day of the check."""

    data: str
    as_of: date
    age_days: int

    @classmethod
    def of(cls, edition: Edition, *, on: date) -> ReferenceUsed:
        """This edition, seen from this day."""
        return cls(data=edition.data, as_of=edition.as_of, age_days=edition.age(on).days)

    def to_json(self) -> dict[str, Any]:
        """As a finding prints it."""
        return {"data": self.data, "as_of": self.as_of.isoformat(), "age_days": self.age_days}


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleFinding:
    """One rule that a permit breaks, or that could not be checked.

    ``box`` is the label on the form, ``path`` a JSON pointer (RFC 6901) into the permit of contract 5. ``value`` is
    what stands there, ``expected`` what should, both as text for people and never a name or an address.
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
    """The provision cited was not read in the resolution's own text, or the rule is a choice of this program."""
    national: bool = False
    """Severity or parameters are those of a national measure, whose reason the message gives."""
    structural: bool = False
    """The permit cannot be addressed or counted like this; a legacy document is refused for nothing else."""
    reference: ReferenceUsed | None = None

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
            "national": self.national,
            "reference": self.reference.to_json() if self.reference is not None else None,
        }


class RulesBrokenError(InputError):
    """The permit cannot be issued; ``findings`` are all that was found, the BLOCK ones among them (422)."""

    default_code: ClassVar[str] = "RULES_BROKEN"

    def __init__(self, message: str, *, findings: tuple[RuleFinding, ...]) -> None:
        super().__init__(message)
        self.findings = findings


def refuse_blocked(findings: Iterable[RuleFinding], *, legacy: bool = False) -> None:
    """Nothing happens where no finding is a BLOCK; REFER and WARN never refuse an issue (contract 5).

    A ``legacy`` document was issued long ago: it is refused only for what keeps it from being addressed or counted.

    Raises:
        RulesBrokenError: at least one finding refuses; it carries all findings.
    """
    found = tuple(findings)
    blocking = sorted({finding.rule for finding in found if refuses(finding, legacy=legacy)})
    if blocking:
        raise RulesBrokenError(f"the permit breaks {', '.join(blocking)}", findings=found)


def refuses(finding: RuleFinding, *, legacy: bool = False) -> bool:
    """Whether this finding alone keeps the permit from being published."""
    return finding.severity is Severity.BLOCK and (finding.structural or not legacy)
