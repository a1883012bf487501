"""FRD-05: a number that its issuer never issued.

A forged permit has a number that no register holds. Absence proves something only about a register that is complete:
the issuer's coverage must include the type and the date of issue that the event gives, and this node must have read
the register beyond the time by which that day's permits are published (contract 4, ``domain-rules.md`` 0.5). A disputed
register proves nothing. Otherwise the answer is UNKNOWN, and UNKNOWN is no finding.

Each event is judged by what it says itself; one that is covered is enough. Where it gives no date of issue, only a
coverage without a beginning will do, and the paper was issued at the latest on the day on which it was used.

A neighbouring number is a likely typing error if the same permit fits every one of these events: type, taxon, both
countries and unit agree, nobody confirmed that permit, and it was in force on their dates. What an event leaves out
cannot disagree. Then the finding is R and names the neighbour, and it becomes A when the issuer dismisses the typing
error or when nobody has corrected it in 72 hours. They count from the earliest of these events: whoever goes on using
a forged number must not make a typing error of it again.

A number with a document whose key was revoked (decision 7) was not invented: what is to be said of it says FRD-18.

Where there is no such excuse, the ladder (``matching``, rungs 4 and 5) may still suggest one permit that was meant by
all these events. It is told as a hint and changes nothing.

The finding is about the number: its subject has neither type nor year, so all Parties come to the same id.

Parameters: ``typing_error``, ``matching``.
"""

from __future__ import annotations

from datetime import date

from epix_node.permit.facts import Case, EventFact, Match, PermitFact
from epix_node.permit.finding import FindingClass, FindingDraft
from epix_node.permit.number import NumberRef, PermitKey
from epix_node.reconcile.clusters import chronological
from epix_node.reconcile.matching import Candidates, Rung, has_its_goods, is_of_its_countries, suggested
from epix_node.reconcile.sentence import MAX_PERMITS, done, listed, ordered
from epix_node.reconcile.view import Observation, View

PATTERN = "FRD-05"


def detect(case: Case, view: View) -> tuple[FindingDraft, ...]:
    """The finding about a number that was used although its issuer's complete register lacks it."""
    if case.permits or case.void or view.observation is None:
        return ()
    seen = view.observation
    events = tuple(event for event in chronological(case.events) if _is_absent(event, seen))
    if not events:
        return ()
    meant = excuses = _probably_meant(case, events, view)
    subject = NumberRef(issuer=case.issuer, number=case.number)
    values = {"rule": "Art. VI.3", "issuer": case.issuer, "number": case.number, "used": done(events)}
    dates = sorted({str(e.body.permit.issued_on) for e in events if e.body.permit.issued_on})
    if dates:
        values["issued_on"] = listed(dates)
    begin = f"{case.issuer} has issued no permit {case.number}"
    summary = (
        f"{begin}, but it was used: {values['used']}; each permit has a number of the authority that granted it "
        f"({values['rule']}): hold the goods and the paper, and ask {case.issuer}."
    )
    if meant:
        values["probably"] = listed([ref.number for ref in meant])
        summary = (
            f"{begin} ({values['rule']}), which was {values['used']}; probably {values['probably']} was meant: ask the "
            "office to look at the paper again, and to correct its record."
        )
    elif suggestion := _perhaps(events, view):
        meant = (_ref(suggestion.permit),)
        values |= {"resembles": suggestion.permit.number, "rung": str(suggestion.rung)}
        summary += f" {_resembling(suggestion)}: ask {case.issuer} whether it was meant."
    return (
        FindingDraft(
            pattern=PATTERN,
            subject=subject,
            class_=FindingClass.REVIEW if excuses else FindingClass.ALERT,
            summary=summary,
            permits=(subject, *meant)[:MAX_PERMITS],
            evidence=tuple(event.source for event in events),
            values=values,
            ruleset=view.ruleset_id,
        ),
    )


def _is_absent(event: EventFact, seen: Observation) -> bool:
    """Whether the register that was seen must hold the permit that this event is about."""
    if seen.coverage is None or seen.watermark is None or seen.disputed:
        return False
    permit = event.body.permit
    promise = seen.coverage.covers(permit.type, permit.issued_on)
    return promise is not None and seen.watermark > promise.complete_at(permit.issued_on or event.body.date)


def _probably_meant(case: Case, events: tuple[EventFact, ...], view: View) -> tuple[NumberRef, ...]:
    """The neighbours that fit all events; none once the wait is over or the issuer has said that it is no error."""
    waited = view.now - min(event.source.at for event in events)
    if view.neighbour_dismissed or waited >= view.parameters.typing_error:
        return ()
    return tuple(
        ordered(
            _ref(n.key)
            for n in view.neighbours
            if n.key.issuer == case.issuer
            and n.key not in view.neighbour_confirmed
            and all(_fits(n, event) for event in events)
        )
    )


def _ref(key: PermitKey) -> NumberRef:
    return NumberRef(issuer=key.issuer, number=key.number, type=key.type, year=key.year)


def _fits(neighbour: PermitFact, event: EventFact) -> bool:
    return (
        event.body.permit.type in {None, neighbour.permit.type}
        and _is_in_force(neighbour, event.body.date)
        and is_of_its_countries(neighbour, event)
        and has_its_goods(neighbour, event)
    )


def _is_in_force(neighbour: PermitFact, day: date) -> bool:
    begins, ends = neighbour.permit.in_force_from, neighbour.permit.valid_until
    if neighbour.withdrawal is not None and neighbour.withdrawal.day <= day:
        return False
    return (begins is None or begins <= day) and (ends is None or day <= ends)


def _perhaps(events: tuple[EventFact, ...], view: View) -> Match | None:
    """What the ladder suggests for all events, unless the issuer has said that nothing else was meant."""
    if view.neighbour_dismissed:
        return None
    candidates = Candidates(near=view.neighbours, alike=view.alike, confirmed=view.neighbour_confirmed)
    return suggested(events, candidates, parameters=view.parameters.matching)


def _resembling(suggestion: Match) -> str:
    number = f"{suggestion.permit.issuer} {suggestion.permit.number}"
    if suggestion.rung == Rung.NEAR_NUMBER:
        return f"The number is one error away from that of permit {number}, for the same partner and goods"
    return f"Permit {number} is for the same partner, goods, time and amount"
