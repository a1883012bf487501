"""Check a permit against a ruleset. Pure: what a rule needs beside the permit is passed in.

``BLOCK`` at the stage ``ISSUE`` refuses the issue (422); everything else is recorded with the permit (contract 5). A
permit that comes from elsewhere is never refused for a broken rule: it was issued, and that is the fact.

Not here: rules that need more than one document, or what was done under it. The ruleset lists them with the place
where they are decided (``Ruleset.elsewhere``).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

from epix_node.permit.model import Permit
from epix_node.reference.catalogue import Catalogue
from epix_node.reference.edition import Edition
from epix_node.rules.content import check_content
from epix_node.rules.finding import RuleFinding, refuse_blocked
from epix_node.rules.papers import check_papers
from epix_node.rules.parties import check_parties
from epix_node.rules.quantities import check_quantities
from epix_node.rules.reexport import check_reexport
from epix_node.rules.report import Report
from epix_node.rules.ruleset import Ruleset
from epix_node.rules.specimens import check_specimens
from epix_node.rules.subject import Circumstances, Subject
from epix_node.rules.validity import check_validity


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """All that the rules say of one permit on one day."""

    ruleset: str
    checked_on: date
    findings: tuple[RuleFinding, ...]
    editions: tuple[Edition, ...]
    """The reference data that rules looked into."""

    def to_json(self) -> dict[str, Any]:
        """As ``permits check --json`` prints it."""
        return {
            "ruleset": self.ruleset,
            "findings": [finding.to_json() for finding in self.findings],
            "reference": [edition.to_json(self.checked_on) for edition in self.editions],
        }

    def refuse_blocked(self, *, legacy: bool = False) -> None:
        """As ``finding.refuse_blocked``, which says what it raises."""
        refuse_blocked(self.findings, legacy=legacy)


def check(permit: Permit, ruleset: Ruleset, *, catalogue: Catalogue, circumstances: Circumstances) -> Judgement:
    """Every rule of the ruleset that the permit, in normal form, breaks or that could not be checked."""
    report = Report(ruleset, stage=circumstances.stage, issuer=permit.issuer, today=circumstances.today)
    subject = Subject.of(permit, catalogue=catalogue, circumstances=circumstances)
    for specimen in subject.specimens:
        report.used(specimen.match.edition if specimen.match is not None else catalogue.species.edition)
    check_content(subject, report)
    check_validity(subject, report)
    check_parties(subject, report)
    check_quantities(subject, report)
    check_reexport(subject, report)
    check_papers(subject, report)
    check_specimens(subject, report)
    return Judgement(
        ruleset=ruleset.id,
        checked_on=circumstances.today,
        findings=report.findings,
        editions=report.editions,
    )
