"""FRD-09: another species than the permit names.

A permit for a common species covers for a rare one that looks like it. The office that counts the goods sees what they
are, and an event line says so in ``taxon`` (``domain-rules.md`` 0.19, 2.4):

* goods of a line whose taxon as found is another than the line's: A;
* goods on no line, of a taxon that is on no line: A. Of a taxon that is on a line they are FRD-04's;
* a name that cannot be understood, or that may mean what the permit says: R, never A;
* a taxon that another line of the same permit names: R, since the officer may have written the wrong letter.

Every outcome counts, and so do transit countries: who seizes, refuses or passes the goods on has seen what they are.
What the *paper* says is not what was found; where that differs, it is FRD-02.

Guards. Synonyms, a genus or family for its species, subspecies, and the line's common name are the same goods
(``reference.kinship``). Class A rests on the built-in species of the release alone: a list that one office loaded may
know better, but then two nodes that hold the same documents would show different findings (0.9, 0.20). So a taxon that
the release does not know is never accused.

Parameters: none.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from epix_node.permit.allowance import allowance_for, allowances
from epix_node.permit.event import Confirmation, Endorsement, EventLine
from epix_node.permit.facts import Case, EventFact, PermitFact
from epix_node.permit.finding import FindingClass, FindingDraft
from epix_node.permit.model import Line
from epix_node.reconcile.clusters import chronological
from epix_node.reconcile.sentence import about_permit, done, listed, named
from epix_node.reconcile.species import nearest
from epix_node.reconcile.view import View
from epix_node.reference.kinship import Kinship

PATTERN = "FRD-09"

_MAX_NAME_CHARACTERS = 80
"""Longest name that is repeated; the document has it whole."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Odd:
    """Goods that do not bear the name of their line; ``label`` is the line's, or ``none of its lines``."""

    event: EventFact
    line: EventLine
    label: str
    is_other: bool


def detect(case: Case, view: View) -> tuple[FindingDraft, ...]:
    """A finding for each permit of the case under which another species was seen."""
    found = (_substituted(case, fact, view) for fact in case.permits)
    return tuple(draft for draft in found if draft is not None)


def _substituted(case: Case, fact: PermitFact, view: View) -> FindingDraft | None:
    odd = list(_odd(case, fact))
    if not odd:
        return None
    is_alert = any(one.is_other for one in odd)
    told = [one for one in odd if one.is_other == is_alert]
    pieces: dict[tuple[str, str], list[_Odd]] = {}
    for one in told:
        pieces.setdefault((_short(one.line.taxon), one.label), []).append(one)
    found = listed([_told(taxon, label, group) for (taxon, label), group in pieces.items()])
    permitted = listed([f"{_short(line.taxon)} (block {line.block or 'without a letter'})" for line in _named(fact)])
    values = {"rule": "Art. VI.2, box 7", "permitted": permitted, "found": found}
    summary = (
        f"{named(fact)} is for {permitted}, but another species was found: {found}; a permit covers the species that "
        f"it names ({values['rule']}): have the specimens identified again, and ask the issuer before anything is "
        "released."
        if is_alert
        else f"{named(fact)} is for {permitted}, and it cannot be told whether that is what was found: {found}; ask "
        f"the office for the scientific name of what it saw ({values['rule']})."
    )
    return about_permit(
        PATTERN,
        fact,
        class_=FindingClass.ALERT if is_alert else FindingClass.REVIEW,
        summary=summary,
        events=(one.event for one in told),
        values=values,
        view=view,
    )


def _odd(case: Case, fact: PermitFact) -> Iterator[_Odd]:
    permit = fact.permit
    allowed = allowances(permit)
    for event in chronological(case.events_of(fact)):
        body = event.body
        if not isinstance(body, Endorsement | Confirmation):
            continue
        for line in body.lines:
            if line.taxon is None or line.quantity.micro <= 0:
                continue
            allowance = allowance_for(allowed, line, by_block=True)
            mine = allowance.lines if allowance is not None else permit.lines
            kin = nearest(line.taxon, mine)
            if kin in {Kinship.SAME, Kinship.WIDER}:
                continue
            yield _Odd(
                event=event,
                line=line,
                label=allowance.label if allowance is not None else "none of its lines",
                is_other=kin is Kinship.OTHER and nearest(line.taxon, permit.lines) is Kinship.OTHER,
            )


def _named(fact: PermitFact) -> Iterable[Line]:
    """The lines, each taxon once."""
    first: dict[str, Line] = {}
    for line in fact.permit.lines:
        first.setdefault(_short(line.taxon).casefold(), line)
    return first.values()


def _told(taxon: str, label: str, group: list[_Odd]) -> str:
    goods = listed([f"{one.line.quantity.text} {one.line.quantity.unit}" for one in group])
    return f"{goods} of {taxon} on {label}, {done(one.event for one in group)}"


def _short(taxon: str | None) -> str:
    text = " ".join((taxon or "an unnamed species").split())
    return text if len(text) <= _MAX_NAME_CHARACTERS else f"{text[:_MAX_NAME_CHARACTERS]}…"
