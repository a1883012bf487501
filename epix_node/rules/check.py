"""Check a permit against a ruleset. Pure: what a rule needs beside the permit is passed in.

``BLOCK`` at the stage ``ISSUE`` refuses the issue (422); everything else is recorded with the permit (contract 5). A
permit that comes from elsewhere is never refused for a broken rule: it was issued, and that is the fact.
"""

from __future__ import annotations

from epix_node.permit.model import Permit
from epix_node.rules.content import check_content
from epix_node.rules.finding import RuleFinding
from epix_node.rules.parties import check_parties
from epix_node.rules.quantities import check_quantities
from epix_node.rules.report import Report
from epix_node.rules.ruleset import Ruleset, Stage
from epix_node.rules.validity import check_validity


def check(permit: Permit, ruleset: Ruleset, *, stage: Stage, stamp_taken: bool | None) -> tuple[RuleFinding, ...]:
    """Every rule of the ruleset that the permit, in normal form, breaks or that could not be checked.

    ``stamp_taken``: whether another document of the issuer bears the same security stamp; ``None`` where nobody
    looked.
    """
    report = Report(ruleset, stage)
    check_content(permit, report, stamp_taken=stamp_taken)
    check_validity(permit, report)
    check_parties(permit, report)
    check_quantities(permit, report)
    return report.findings
