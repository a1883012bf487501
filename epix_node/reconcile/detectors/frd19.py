"""FRD-19: goods that left, and whose arrival nobody ever confirmed.

Of 657 rhino horns that South Africa exported to Viet Nam from 2003 to 2010, 170 were declared at import
(``domain-rules.md`` 2.1). What left with a permit and never arrived was sold on the way, or let in without a trace.
Silence alone says little, though: most goods arrive, and many borders never report. So it is told only of a country
that reports nearly all of what it receives (``observability``), class R, after

* the last day of the permit, or of the longest journey that an endorsement allows (by air 30 days, by sea 120),
  whichever is later, and
* 60 days more, for those who report late.

Guards. Every report of the destination ends it, a refusal too: the goods came. So does a confirmation of any other
country that is no declared transit country; where the goods arrived elsewhere, that is FRD-12, and what came home came
home. A withdrawn permit's goods may have travelled under its replacement. Legacy and retrospective documents and those
of multiple use are not watched (``accounting``), nor is a destination that has no node. A register that is not known
beyond the deadline, or disputed, or that holds back something of this permit's chain, says nothing.

The most important come first in a list by ``values["appendix"]``: I, then II and III. Value and weight are not known.

Parameters: ``observability`` (grace, window, least share, z), ``transit_max_air``, ``transit_max_sea``.
"""

from __future__ import annotations

from epix_node.permit.event import Confirmation, Endorsement
from epix_node.permit.facts import Case, EventFact, PermitFact
from epix_node.permit.finding import FindingClass, FindingDraft
from epix_node.permit.model import Line
from epix_node.reconcile.arrivals import is_import
from epix_node.reconcile.clusters import chronological
from epix_node.reconcile.sentence import about_permit, dated, listed, named
from epix_node.reconcile.silent import record_of, share_values
from epix_node.reconcile.view import Silence, View

PATTERN = "FRD-19"

_APPENDICES = ("I", "II", "III")
"""In the order of their weight."""


def detect(case: Case, view: View) -> tuple[FindingDraft, ...]:
    """A finding for each permit of the case whose goods left and are overdue at a destination that confirms."""
    found = (
        _missing(case, fact, silence, view)
        for fact in case.permits
        if (silence := view.silences.get(fact.key)) is not None and silence.is_confirmation
    )
    return tuple(draft for draft in found if draft is not None)


def _missing(case: Case, fact: PermitFact, silence: Silence, view: View) -> FindingDraft | None:
    own = case.events_of(fact)
    left = [e for e in chronological(own) if isinstance(e.body, Endorsement) and e.acts_for(fact.permit.issuer)]
    if not left or any(isinstance(e.body, Confirmation) and is_import(fact.permit, e) for e in own):
        return None
    goods, appendix = _goods(fact, left)
    values = {
        "rule": "Art. VI.6",
        "goods": goods,
        "endorsed": dated(left),
        "destination": silence.by,
        **share_values(silence),
    }
    if appendix is not None:
        values["appendix"] = appendix
    return about_permit(
        PATTERN,
        fact,
        class_=FindingClass.REVIEW,
        summary=(
            f"{named(fact)}: {goods} left for {silence.by} (endorsed by {values['endorsed']}), and by {silence.due_on} "
            f"{silence.by} had confirmed no arrival, although it confirmed {record_of(silence)}; ask {silence.by}, "
            f"which keeps the permit of what comes in ({values['rule']}), whether the goods came, perhaps under "
            "another number, and the exporter where they went."
        ),
        events=left,
        values=values,
        view=view,
    )


def _goods(fact: PermitFact, left: list[EventFact]) -> tuple[str, str | None]:
    """What left, specimens of Appendix I first, and the gravest appendix among it."""
    lines = {line.block: line for line in fact.permit.lines}
    told: list[tuple[int, str]] = []
    for event in left:
        assert isinstance(event.body, Endorsement)
        for counted in event.body.lines:
            line = lines.get(counted.block)
            taxon = counted.taxon or (line.taxon if line is not None else None)
            appendix = line.appendix if line is not None else None
            what = f" of {taxon}" if taxon else ""
            where = f" (Appendix {appendix})" if appendix in _APPENDICES else ""
            told.append((_weight(line), f"{counted.quantity.text} {counted.quantity.unit}{what}{where}"))
    if not told:
        return "goods", None
    told.sort(key=lambda one: one[0])
    gravest = told[0][0]
    return listed([text for _, text in told]), _APPENDICES[gravest] if gravest < len(_APPENDICES) else None


def _weight(line: Line | None) -> int:
    appendix = line.appendix if line is not None else None
    return _APPENDICES.index(appendix) if appendix in _APPENDICES else len(_APPENDICES)
