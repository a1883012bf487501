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

The same is asked of the permit's withdrawal, of which the first bound alone is kept. Always R: simplified procedures,
printing in batches and a register that stood still after a breakdown look the same, and only goods that left before the
issue prove more (``domain-rules.md`` 2.4).

Parameter: ``merge_delay``.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from epix_node.clock import format_time
from epix_node.permit.facts import Case, PermitFact, Source
from epix_node.permit.finding import FindingClass, FindingDraft
from epix_node.permit.timing import Timing
from epix_node.reconcile.sentence import about_permit, listed, named
from epix_node.reconcile.view import View

PATTERN = "FRD-11"


def detect(case: Case, view: View) -> tuple[FindingDraft, ...]:
    """A finding for each permit of which a document was dated back."""
    found = (_dated_back(fact, view) for fact in case.permits)
    return tuple(draft for draft in found if draft is not None)


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
        summary=f"{named(fact)} bears a date that cannot be right: {listed(told)}.",
        events=(),
        values=values,
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
