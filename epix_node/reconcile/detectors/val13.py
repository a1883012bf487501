"""VAL-13: timber accepted after its permit's last day, and the extension does not hold.

The exception (Res. Conf. 12.3, section on timber; ``domain-rules.md`` 1.1, 0.8): timber of Appendices II and III that
lies in bond in its final port when the permit ends may be accepted for up to six months more, once. What the record
can show of it, and what is therefore asked:

* a new last day was certified, at most six months after the old one, and the goods were imported by then;
* it was certified before the permit ended, and before the import: the certificate is the only record that the goods
  were there in time;
* every confirmation of the permit names the same new day, or it would be a second extension;
* the goods are timber of the kinds concerned, and not of Appendix I.

Where all hold there is no finding. Where one fails it is R, instead of FRD-14, which passes over such confirmations.
Whether the amended copy went to the authority of export and to the Secretariat nobody records.

Parameters: ``timber_months``, ``timber_terms``.
"""

from __future__ import annotations

from datetime import date

from epix_node.permit.event import Basis, Confirmation
from epix_node.permit.facts import Case, PermitFact
from epix_node.permit.finding import FindingDraft
from epix_node.reconcile.timber import does_not_hold, invocations, not_timber, of_each
from epix_node.reconcile.view import View
from epix_node.rules.validity import months_later

PATTERN = "VAL-13"

_KIND = "timber-extension"
_ASK = "ask the importing authority for the certified extension, and the issuer whether it received the amended copy."


def detect(case: Case, view: View) -> tuple[FindingDraft, ...]:
    """A finding for each permit of the case whose extension does not hold."""
    return of_each(case, view, _judged)


def _judged(case: Case, fact: PermitFact, view: View) -> FindingDraft | None:
    invoked = invocations(case, fact, _KIND)
    failed = [
        (event, reasons)
        for event, body, basis in invoked
        if (reasons := [*_why_not(fact.permit.valid_until, body, basis, view), *not_timber(fact, body, view)])
    ]
    new_days = sorted({str(basis.new_valid_until) for _, _, basis in invoked if basis.new_valid_until is not None})
    if len(new_days) > 1:
        failed += [(event, [f"it was extended more than once ({', '.join(new_days)})"]) for event, _, _ in invoked]
    return does_not_hold(PATTERN, "extension for timber", fact, failed, ask=_ASK, view=view)


def _why_not(valid_until: date | None, body: Confirmation, basis: Basis, view: View) -> list[str]:
    reasons = []
    if basis.new_valid_until is None:
        reasons.append("no new last day is given")
    elif body.date > basis.new_valid_until:
        reasons.append(f"it was extended to {basis.new_valid_until} and used on {body.date}")
    if basis.certified_on > body.date:
        reasons.append(f"it was certified on {basis.certified_on}, after the import")
    if valid_until is None:
        return reasons
    if basis.certified_on > valid_until:
        reasons.append(f"it was certified on {basis.certified_on}, after the last day {valid_until}")
    latest = months_later(valid_until, view.parameters.timber_months)
    if basis.new_valid_until is not None and basis.new_valid_until > latest:
        reasons.append(f"it was extended to {basis.new_valid_until}, beyond {latest}")
    return reasons
