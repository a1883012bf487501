"""The cases of many numbers in few statements; ``cases.load`` reads its one case here as well."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace

from epix_node.permit.event import Confirmation, EventLine
from epix_node.permit.facts import Case, EventFact, PermitFact, WithdrawalFact, permit_meant
from epix_node.permit.number import PermitKey
from epix_node.store import events, permits
from epix_node.store.database import Session
from epix_node.store.events import Told

_NOTHING = Told()


def load(session: Session, issuer: str, numbers: Collection[str]) -> dict[str, Case]:
    """The case of each of these normalised numbers of one issuer, of some hundreds at most, in three statements.

    One more for each issuer of permits under which import permits among them were used.
    """
    told = events.about(session, issuer, numbers)
    held: dict[str, list[PermitFact]] = {}
    for fact in permits.with_numbers(session, issuer, numbers):
        held.setdefault(fact.key.number, []).append(fact)
    uses = events.using(session, issuer, numbers)
    goods = _goods(session, (use for of_number in uses.values() for use in of_number))
    return {
        number: _case(issuer, number, held.get(number, ()), told.get(number, _NOTHING), uses.get(number, ()), goods)
        for number in numbers
    }


def _case(
    issuer: str,
    number: str,
    held: Collection[PermitFact],
    told: Told,
    uses: Iterable[EventFact],
    goods: Mapping[tuple[str, str], list[PermitFact]],
) -> Case:
    withdrawn: dict[PermitKey, WithdrawalFact] = {}
    for fact in told.withdrawals:
        withdrawn.setdefault(fact.withdrawal.permit, fact)  # the oldest counts; a permit is withdrawn once
    return Case(
        issuer=issuer,
        number=number,
        permits=tuple(replace(fact, withdrawal=withdrawn.get(fact.key)) for fact in held if not fact.is_void),
        events=told.events,
        uses=tuple(_with_goods(use, goods) for use in uses),
        corrections=told.corrections,
        void=tuple(fact for fact in held if fact.is_void),
    )


def _goods(session: Session, uses: Iterable[EventFact]) -> dict[tuple[str, str], list[PermitFact]]:
    """The permits, by issuer and number, under which those goods of these uses travelled that are not named."""
    wanted: dict[str, set[str]] = {}
    for use in uses:
        if _lacks_names(use):
            wanted.setdefault(use.body.permit.issuer, set()).add(use.body.permit.number)
    found: dict[tuple[str, str], list[PermitFact]] = {}
    for issuer, numbers in sorted(wanted.items()):
        for fact in permits.with_numbers(session, issuer, numbers):
            found.setdefault((issuer, fact.key.number), []).append(fact)
    return found


def _lacks_names(use: EventFact) -> bool:
    return isinstance(use.body, Confirmation) and any(line.taxon is None for line in use.body.lines)


def _with_goods(use: EventFact, goods: Mapping[tuple[str, str], list[PermitFact]]) -> EventFact:
    """The same confirmation with the taxon and term of each block filled in from the permit that it is about.

    The blocks of a use are those of the export permit, so an import permit can only compare what the goods are.
    """
    body = use.body
    if not isinstance(body, Confirmation) or not _lacks_names(use):
        return use
    numbered = goods.get((body.permit.issuer, body.permit.number), [])
    meant = permit_meant((fact for fact in numbered if not fact.is_void), body.permit, on=body.date)
    if meant is None:
        return use
    blocks = {line.block: line for line in meant.permit.lines if line.block is not None}

    def named(line: EventLine) -> EventLine:
        stated = blocks.get(line.block) if line.block is not None else None
        if line.taxon is not None or stated is None:
            return line
        return replace(line, taxon=stated.taxon, term=line.term or stated.term)

    return replace(use, body=replace(body, lines=tuple(named(line) for line in body.lines)))
