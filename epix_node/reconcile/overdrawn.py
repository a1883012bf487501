"""How it is told that more went on than had come: one sentence for FRD-06 and FRD-07, its figures and its evidence."""

from __future__ import annotations

from collections.abc import Iterable

from epix_node.permit.event import Confirmation, Endorsement
from epix_node.permit.facts import Case, PermitFact, Source
from epix_node.permit.finding import FindingClass, FindingDraft
from epix_node.permit.number import NumberRef, PermitKey
from epix_node.permit.quantity import in_unit
from epix_node.reconcile.chains import Drawn
from epix_node.reconcile.goods import Deficit
from epix_node.reconcile.holdings import Overdraft, Why
from epix_node.reconcile.sentence import about_permit, listed, named
from epix_node.reconcile.view import View

_RULE = "Art. IV.5(a), boxes 12 and 12a"


def overdrawn(pattern: str, case: Case, fact: PermitFact, found: Overdraft, view: View) -> FindingDraft:
    """The finding about the document on which too much was drawn."""
    certificates = [draw.drawn for draw in found.draws]
    holders, numbers = listed(found.holders), listed([_numbered(one.key) for one in certificates])
    amounts = [_amounts(one) for one in found.deficits]
    values = {
        "rule": _RULE,
        "holders": holders,
        "certificates": numbers,
        "sent_on": listed([sent for sent, _, _ in amounts]),
        "can_have_come": listed([had for _, had, _ in amounts]),
        "missing": listed([missing for _, _, missing in amounts]),
    }
    if (until := _first_to_expire(found)) is not None:
        values["until"] = until
    assumptions = sorted({text for one in found.deficits for text in one.rests_on})
    resting = ""
    if assumptions:
        values["assumptions"] = "; ".join(assumptions)
        resting = f" (assuming that {values['assumptions']})"
    expiring = f", of which the first expires on {until}" if until is not None else ""
    together = " together" if len(found.holders) > 1 else ""
    draws = "that draws on it" if len(certificates) == 1 else "that draw on it"
    summary = (
        f"{named(fact)}: {holders}{together} {_SENT[found.why]} {values['sent_on']} under {numbers}, {draws} "
        f"({_RULE}){expiring}, but {_came(found, values['can_have_come'])}{resting}, {values['missing']} less; "
        f"{_ask(found)}."
    )
    return about_permit(
        pattern,
        fact,
        class_=found.class_,
        summary=summary,
        events=(e for e in case.events_of(fact) if isinstance(e.body, Endorsement | Confirmation)),
        values=values,
        view=view,
        other=_sources((*certificates, *found.beside)),
        mentioned=(
            NumberRef(issuer=one.key.issuer, number=one.key.number, type=one.key.type, year=one.key.year)
            for one in (*certificates, *found.beside)
        ),
    )


_SENT = {
    Why.MOVED: "sent on",
    Why.COUNTED: "sent on",
    Why.USABLE: "sent on, or may still send on,",
}


def _first_to_expire(found: Overdraft) -> str | None:
    """The last day of the first of the certificates that may still be used; their finding ends with them."""
    if found.why is not Why.USABLE:
        return None
    unused = (draw.drawn.permit.valid_until for draw in found.draws if not draw.drawn.passages)
    return min((last.isoformat() for last in unused if last is not None), default=None)


def _came(found: Overdraft, had: str) -> str:
    if found.why is Why.COUNTED:
        return f"its own border counted only {had} of what came"
    return f"no more than {had} can have come"


def _ask(found: Overdraft) -> str:
    holders = listed(found.holders)
    if found.class_ is FindingClass.ALERT:
        return f"hold what comes under these certificates, and ask {holders} where the rest was acquired"
    if found.why is Why.USABLE:
        return f"ask {holders} which of these certificates will not be used, and to withdraw them"
    return f"ask {holders} for its records of what came in, and whether a report of an import is missing"


def _amounts(deficit: Deficit) -> tuple[str, str, str]:
    """What was sent on, what can have come, and what is missing."""
    wanted = deficit.wanted
    had, missing = (f"{in_unit(micro, wanted.unit)} {wanted.unit}" for micro in (deficit.had, deficit.missing))
    return wanted.label, had, missing


def _numbered(key: PermitKey) -> str:
    return f"certificate {key.issuer} {key.number}"


def _sources(certificates: Iterable[Drawn]) -> list[Source]:
    """Their documents, or the extracts that tell of them, and what is held of what happened under them."""
    found: list[Source] = []
    for one in certificates:
        moved = [e for e in one.events if isinstance(e.body, Endorsement | Confirmation)]
        found += [one.source, *(event.source for event in moved)]
    return found
