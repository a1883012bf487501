"""FRD-02: a paper that says something else than the register.

A photocopy used as an original, or a genuine permit with a nought added to box 11. The evidence is what the paper says
(``presented``): reported by an office that verified it, or written into an endorsement or a confirmation. It is
compared here with the permit, by ``permit.compare``, so that every holder of both documents finds the same; only a
presentation that does not tell what the paper says is taken by the differences that its writer found.

A where a field of the form differs, R where only names, addresses or free text do (``domain-rules.md`` 0.3): people
copy those freely, and a typist's choice is no forgery. Another digest alone is no difference, only a flag.

Guard: only declared members are compared, and spelling is ignored (2.4). Names, addresses and free text may be about
persons, so no sentence or value repeats them.

Parameters: none.
"""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from epix_node.permit.compare import differences
from epix_node.permit.event import Difference, Presentation
from epix_node.permit.facts import Case, EventFact, PermitFact
from epix_node.permit.finding import FindingClass, FindingDraft
from epix_node.permit.model import Permit
from epix_node.reconcile.sentence import about_permit, dated, left_out, listed, named
from epix_node.reconcile.view import View

PATTERN = "FRD-02"

_RULE = "DOC-06"

_PRIVATE = frozenset({"name", "address", "place", "signatory", "special_conditions", "common_name", "description"})
"""Members that may be about persons, whatever class a writer gave them."""

_MAX_VALUE_CHARACTERS = 80
"""Longest presented value that is repeated; the document has it whole."""

_MOST_TOLD = 5
"""Of a field that differs from paper to paper; the evidence has them all."""


def detect(case: Case, view: View) -> tuple[FindingDraft, ...]:
    """A finding for each permit of the case of which a differing paper was shown."""
    found = (_altered(case, fact, view) for fact in case.permits)
    return tuple(draft for draft in found if draft is not None)


def _altered(case: Case, fact: PermitFact, view: View) -> FindingDraft | None:
    differing = [(event, _differences(fact.permit, event)) for event in case.events_of(fact)]
    class_ = max((d.class_ == FindingClass.ALERT for _, found in differing for d in found), default=None)
    if class_ is None:
        return None
    strongest = FindingClass.ALERT if class_ else FindingClass.REVIEW
    events = [event for event, found in differing if any(d.class_ == strongest for d in found)]
    told: dict[str, set[str]] = defaultdict(set)
    for _, found in differing:
        for difference in found:
            if difference.class_ == strongest:
                told[difference.field].add(_told(difference))
    shown = dated(events)
    fields = {field: _joined(sorted(texts)) for field, texts in sorted(told.items())}
    pieces = [f"{field} ({text})" for field, text in fields.items()]
    ask = (
        "hold the goods and the paper, and ask the issuer which is right"
        if strongest is FindingClass.ALERT
        else "ask the issuer whether it is a mistake"
    )
    return about_permit(
        PATTERN,
        fact,
        class_=strongest,
        summary=(
            f"{named(fact)} was shown as a paper ({shown}) that differs from the register ({_RULE}) in "
            f"{listed(pieces)}; {ask}."
        ),
        events=events,
        values={
            "rule": _RULE,
            "shown": shown,
            **left_out(pieces),
            "fields": str(len(fields)),
            **{f"differs.{field}": text for field, text in fields.items()},
        },
        view=view,
    )


def _differences(permit: Permit, event: EventFact) -> tuple[Difference, ...]:
    body = event.body
    if body.presented:
        return differences(permit, body.presented)
    return body.differences if isinstance(body, Presentation) else ()


def _joined(texts: list[str]) -> str:
    shown = texts[:_MOST_TOLD]
    return "; ".join(shown if len(texts) == len(shown) else [*shown, f"{len(texts) - len(shown)} more"])


def _told(difference: Difference) -> str:
    if difference.class_ != FindingClass.ALERT or difference.field.rsplit(".", 1)[-1] in _PRIVATE:
        return "differs"
    return f"{_text(difference.presented)} instead of {_text(difference.registered)}"


def _text(value: Any) -> str:
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return "yes" if value else "no"
    text = ", ".join(str(item) for item in value) if isinstance(value, list | tuple) else str(value)
    return text if len(text) <= _MAX_VALUE_CHARACTERS else f"{text[:_MAX_VALUE_CHARACTERS]}…"
