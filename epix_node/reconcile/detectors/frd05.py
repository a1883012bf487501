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

A document with that number whose key was revoked (decision 7) may be a thief's, or the issuer's own from the days
before the theft was known. Only the issuer can tell, by issuing it again; until then the finding is R and says so.

The finding is about the number: its subject has neither type nor year, so all Parties come to the same id.

Parameters: ``typing_error``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any

from epix_node.permit.event import Confirmation, Endorsement, Presentation
from epix_node.permit.facts import Case, EventFact, PermitFact
from epix_node.permit.finding import FindingClass, FindingDraft
from epix_node.permit.model import Line
from epix_node.permit.number import NumberRef, normalised
from epix_node.permit.quantity import NotAQuantityError, Quantity, UnitClass
from epix_node.reconcile.clusters import chronological
from epix_node.reconcile.sentence import MAX_PERMITS, done, listed, ordered
from epix_node.reconcile.view import Observation, View

PATTERN = "FRD-05"


def detect(case: Case, view: View) -> tuple[FindingDraft, ...]:
    """The finding about a number that was used although its issuer's complete register lacks it."""
    if case.permits or view.observation is None:
        return ()
    seen = view.observation
    events = tuple(event for event in chronological(case.events) if _is_absent(event, seen))
    if not events:
        return ()
    meant = _probably_meant(case, events, view)
    subject = NumberRef(issuer=case.issuer, number=case.number)
    values = {"issuer": case.issuer, "number": case.number, "used": done(events)}
    dates = sorted({str(e.body.permit.issued_on) for e in events if e.body.permit.issued_on})
    if dates:
        values["issued_on"] = listed(dates)
    summary = f"{case.issuer} has issued no permit {case.number}, but it was used: {values['used']}."
    if case.void:
        values["signed"] = "with a key that was revoked"
        summary = (
            f"{case.issuer} has a document numbered {case.number} that does not count, since its key was revoked, but "
            f"it was used: {values['used']}. Only {case.issuer} can say whether it is its own."
        )
    elif meant:
        values["probably"] = listed([ref.number for ref in meant])
        summary = (
            f"{case.issuer} has issued no permit {case.number}, which was {values['used']}; "
            f"probably {values['probably']} was meant."
        )
    return (
        FindingDraft(
            pattern=PATTERN,
            subject=subject,
            class_=FindingClass.REVIEW if meant or case.void else FindingClass.ALERT,
            summary=summary,
            permits=(subject, *(() if case.void else meant))[:MAX_PERMITS],
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
            NumberRef(issuer=n.key.issuer, number=n.key.number, type=n.key.type, year=n.key.year)
            for n in view.neighbours
            if n.key.issuer == case.issuer
            and n.key not in view.neighbour_confirmed
            and all(_fits(n, event) for event in events)
        )
    )


def _fits(neighbour: PermitFact, event: EventFact) -> bool:
    permit = neighbour.permit
    return (
        event.body.permit.type in {None, permit.type}
        and _is_in_force(neighbour, event.body.date)
        and _is_of_its_countries(neighbour, event)
        and all(
            any(_same_goods(line, taxon, unit) for line in permit.lines if block in {"", _block(line.block)})
            for block, taxon, unit in _goods(event)
        )
    )


def _is_in_force(neighbour: PermitFact, day: date) -> bool:
    begins, ends = neighbour.permit.in_force_from, neighbour.permit.valid_until
    if neighbour.withdrawal is not None and neighbour.withdrawal.day <= day:
        return False
    return (begins is None or begins <= day) and (ends is None or day <= ends)


def _is_of_its_countries(neighbour: PermitFact, event: EventFact) -> bool:
    """The export side endorses, the import side confirms; either may have been shown the paper."""
    permit = neighbour.permit
    is_exporter = event.acts_for(permit.issuer) or event.acts_for(permit.origin_country)
    is_importer = permit.destination is None or event.acts_for(permit.destination)
    if isinstance(event.body, Endorsement):
        return is_exporter
    return is_importer if isinstance(event.body, Confirmation) else is_exporter or is_importer


def _goods(event: EventFact) -> Iterator[tuple[str, str, UnitClass | None]]:
    """Block, taxon and unit class of each line that the event speaks of; empty or ``None`` where it leaves them out."""
    body = event.body
    if not isinstance(body, Presentation):
        for line in body.lines:
            yield _block(line.block), _plain(line.taxon), line.quantity.unit_class
    for shown in (body.presented or {}).get("lines") or ():
        yield _block(shown.get("block")), _plain(shown.get("taxon")), _unit_class(shown)


def _same_goods(line: Line, taxon: str, unit: UnitClass | None) -> bool:
    permitted = line.permitted()
    return taxon in {"", _plain(line.taxon)} and (unit is None or permitted is None or permitted.unit_class is unit)


def _unit_class(shown: Mapping[str, Any]) -> UnitClass | None:
    try:
        return Quantity.parse("1", str(shown["unit"]).upper()).unit_class if shown.get("unit") else None
    except NotAQuantityError:
        return None


def _block(letter: str | None) -> str:
    return normalised(letter or "")


def _plain(text: str | None) -> str:
    return " ".join((text or "").casefold().split())
