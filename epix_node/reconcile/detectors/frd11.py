"""FRD-11: a document that was dated back.

An insider who slips a permit in afterwards gives it an older date, so that goods which left without one seem to have
had it (Res. Conf. 12.3, section XIII on retrospective issue). The signature can be made to say any time, and so can the
register's own ``at``. What nobody can choose is what others had seen by then. C.4 item 9: a document is in its register
within a day of its signature, was not signed after the witnesses had cosigned its entry, and the times of a register's
entries do not go back by more than five minutes.

Every time is judged by the bound that favours the issuer (``permit.timing``):

* taken late: the register's own ``at``, or the time at which it still said that it was smaller, is more than the merge
  delay after the signature;
* out of order: the register says that it took the document at a time at which it had not, by its own earlier word;
* after the witnesses: the document says that it was signed after they had cosigned its entry.

When this node heard of an entry proves nothing, and neither does a cosignature that came late: a link, or a witness,
may be down for days. A node that watched the register may therefore prove more than one that did not.

The same is asked of the permit's withdrawal, of which the first bound alone is kept. All this is R: simplified
procedures, printing in batches and a register that stood still after a breakdown look the same, and only goods that
left before the issue prove more (``domain-rules.md`` 2.4).

They prove that it was issued afterwards: where the issuer's own border endorsed goods more than a day before the date
of issue, and the document does not say that it was issued in retrospect, it is A (RET-01; Res. Conf. 12.3: a permit is
issued before the export). Not asked of a replacement, whose goods may have left under the document that it replaces, of
documents of multiple use and of legacy ones. The day is for the calendars of the two offices.

Parameter: ``merge_delay``.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from epix_node.clock import format_time
from epix_node.permit.event import Endorsement
from epix_node.permit.facts import Case, PermitFact, Source
from epix_node.permit.finding import FindingClass, FindingDraft
from epix_node.permit.timing import Timing
from epix_node.reconcile.clusters import chronological
from epix_node.reconcile.sentence import about_permit, dated, listed, named
from epix_node.reconcile.view import View

PATTERN = "FRD-11"

_RULE = "VAL-12"

_CALENDARS = timedelta(days=1)
"""Two offices in different time zones may call one moment by dates so far apart."""


def detect(case: Case, view: View) -> tuple[FindingDraft, ...]:
    """A finding for each permit of which a document was dated back, or that was issued after its goods had left."""
    found = (_issued_after(case, fact, view) or _dated_back(fact, view) for fact in case.permits)
    return tuple(draft for draft in found if draft is not None)


def _issued_after(case: Case, fact: PermitFact, view: View) -> FindingDraft | None:
    permit = fact.permit
    if permit.issued_on is None or permit.retrospective or permit.replaces or permit.multi_use or permit.legacy:
        return None
    events = [
        event
        for event in chronological(case.events_of(fact))
        if isinstance(event.body, Endorsement)
        and event.party == fact.source.party
        and permit.issued_on - event.body.date > _CALENDARS
    ]
    if not events:
        return None
    values = {"rule": "RET-01", "endorsed": dated(events)}
    return about_permit(
        PATTERN,
        fact,
        class_=FindingClass.ALERT,
        summary=(
            f"{named(fact)} was issued on {permit.issued_on} and does not say that it was issued in retrospect, but "
            f"its goods had left before ({values['endorsed']}); ask {fact.key.issuer} on what ground it was issued: "
            f"a permit is issued before the export ({values['rule']})."
        ),
        events=events,
        values=values,
        view=view,
    )


def _dated_back(fact: PermitFact, view: View) -> FindingDraft | None:
    told: list[str] = []
    values: dict[str, str] = {}
    other: list[Source] = []
    if fact.timing is not None and (why := _why(fact.timing, view.parameters.merge_delay)):
        told.append(f"it {why}")
        values |= _figures("", fact.timing)
    withdrawal = fact.withdrawal
    if withdrawal is not None:
        timing = Timing(signed_at=withdrawal.issued, accepted_at=withdrawal.source.at)
        if why := _why(timing, view.parameters.merge_delay):
            told.append(f"its withdrawal {why}")
            values |= _figures("withdrawal.", timing)
            other.append(withdrawal.source)
    if not told:
        return None
    return about_permit(
        PATTERN,
        fact,
        class_=FindingClass.REVIEW,
        summary=(
            f"{named(fact)} bears a date that cannot be right: {listed(told)}; ask the issuer when it was really "
            f"signed ({_RULE}), and whether the goods had left before."
        ),
        events=(),
        values={"rule": _RULE, "dates": listed(told), **values},
        view=view,
        other=other,
    )


def _why(timing: Timing, allowed: timedelta) -> str | None:
    signed = _told(timing.signed_at)
    if timing.is_after_witnesses and timing.witnessed_at is not None:
        return f"says that it was signed on {signed}, and was witnessed by {_told(timing.witnessed_at)}"
    if timing.is_out_of_order and timing.grown_after is not None:
        return (
            f"is said to have been registered on {_told(timing.accepted_at)}, and was not in the register on "
            f"{_told(timing.grown_after)}"
        )
    if timing.delay > allowed:
        return f"says that it was signed on {signed}, and was not registered before {_told(timing.taken_at)}"
    return None


def _figures(prefix: str, timing: Timing) -> dict[str, str]:
    times = {
        "signed_at": timing.signed_at,
        "accepted_at": timing.accepted_at,
        "grown_after": timing.grown_after,
        "witnessed_at": timing.witnessed_at,
    }
    return {f"{prefix}{name}": format_time(time) for name, time in times.items() if time is not None}


def _told(time: datetime) -> str:
    return f"{time:%Y-%m-%d %H:%M}"
