"""FRD-08: wild animals sold as bred in captivity.

Who launders wild animals writes a captive source into box 10. Two things can be seen in exchanged documents
(``domain-rules.md`` 0.13, 1.4, 2.4).

**The register**, permit by permit. Animals of Appendix I that are bred for trade (purpose T) come from an operation in
the Secretariat's register, with source D and its number in box 12b (Res. Conf. 12.10, SRC-07). A where a line says D
and box 12b holds no number, none of the register's form, or one of another country than that of origin: the document
alone shows it. R where a line says C, which such animals may be, but not in trade (APP-03); and R where such a line
was entered long after its issue (LEGACY), since older papers were written by other rules.

Guards: only documents under which goods first leave a country; only species of which the release knows that they are
animals, by the genus at least, and nothing but Appendix I on the day of issue. Appendix II or III as the permit states
it, be it by a reservation, is no matter of the register; neither are other purposes, confiscated and pre-Convention
goods and documents of multiple use. Who withdrew the permit before anything moved has put it right. Whether the
operation is in the register, and for this species, is known to offices that loaded it and not to every node.

**The range**, over all permits of a country for a taxon. R where at least ``captive_permits`` permits with captive
sources (those of SRC-09) were used, the release knows that the taxon does not live in that country, and no document
held here shows that live specimens of it ever came there: then what was it bred from? Fictional countries live in no
list, so this is silent about them. Its key is the country and the taxon (``permit.sums``); ``permits`` and evidence are
those under which most left.

Parameters: ``operation_form``, ``captive_permits``.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from epix_node.permit.facts import Case, PermitFact
from epix_node.permit.finding import FindingClass, FindingDraft
from epix_node.permit.model import Line, Permit, PermitType
from epix_node.permit.number import normalised
from epix_node.permit.parties import party_of
from epix_node.permit.sums import CAPTIVE, Total, Weight
from epix_node.reconcile.arrivals import moved_goods
from epix_node.reconcile.clusters import chronological
from epix_node.reconcile.sentence import about_permit, listed, named, of_sum
from epix_node.reconcile.view import View
from epix_node.reference.release import release_book
from epix_node.reference.scientific_name import scientific_key
from epix_node.rules.operation import country_in
from epix_node.rules.ruleset import SumParameters

PATTERN = CAPTIVE

_TRADE = "T"
_REGISTERED, _BRED = "D", "C"
_NOT_BRED_FOR_TRADE = frozenset({"I", "O"})
_CERTIFICATE = "captive-bred"
_ANIMALS = "Animalia"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Odd:
    """A line that lacks its operation, and why in words."""

    line: Line
    why: str
    is_register_failure: bool


def detect(case: Case, view: View) -> tuple[FindingDraft, ...]:
    """A finding for each permit of the case for Appendix-I animals in trade without a registered operation."""
    found = (_unregistered(case, fact, view) for fact in case.permits)
    return tuple(draft for draft in found if draft is not None)


def may_speak_of(permit: Permit) -> bool:
    """Whether the document alone may be a finding: nothing has to happen under it."""
    return any(line.appendix == "I" and {_REGISTERED, _BRED}.intersection(line.sources) for line in permit.lines)


def _unregistered(case: Case, fact: PermitFact, view: View) -> FindingDraft | None:
    permit = fact.permit
    if permit.multi_use or permit.purpose != _TRADE or not _leaves_first(permit):
        return None
    odd = list(_odd(permit, view.parameters.operation_form))
    moved = [event for event in chronological(case.events_of(fact)) if moved_goods(event)]
    if not odd or (fact.withdrawal is not None and not moved):
        return None
    failed = [one for one in odd if one.is_register_failure]
    told = failed or odd
    is_alert = bool(failed) and not permit.legacy
    values = {
        "rule": "SRC-07, Res. Conf. 12.10" if failed else "APP-03, Res. Conf. 12.10",
        "goods": listed(list(dict.fromkeys(_goods(one.line) for one in told))),
        "why": listed(list(dict.fromkeys(one.why for one in told))),
        "purpose": _TRADE,
    }
    country = permit.issuer
    summary = (
        f"{named(fact)} is for trade in animals of Appendix I that are said to be bred in captivity, "
        f"{values['goods']}, but {values['why']}: those that are bred for trade come from an operation in the "
        f"Secretariat's register ({values['rule']}); "
    )
    summary += (
        f"hold the goods until {country} names the operation that bred them."
        if is_alert
        else f"ask {country} which operation bred them, and whether it is in the register."
    )
    return about_permit(
        PATTERN,
        fact,
        class_=FindingClass.ALERT if is_alert else FindingClass.REVIEW,
        summary=summary,
        events=moved,
        values=values,
        view=view,
    )


def _leaves_first(permit: Permit) -> bool:
    is_certificate = permit.type == PermitType.OTHER and permit.subtype == _CERTIFICATE
    return permit.type == PermitType.EXPORT or is_certificate


def _odd(permit: Permit, form: str) -> Iterator[_Odd]:
    for line in permit.lines:
        if line.last_reexport is not None or not _NOT_BRED_FOR_TRADE.isdisjoint(line.sources):
            continue
        if not _is_animal_of_appendix_one(permit, line):
            continue
        if _REGISTERED in line.sources:
            why = _register_failure(permit, line, form)
            if why is not None:
                yield _Odd(line=line, why=why, is_register_failure=True)
        elif _BRED in line.sources:
            yield _Odd(line=line, why="their source is C and not D", is_register_failure=False)


def _is_animal_of_appendix_one(permit: Permit, line: Line) -> bool:
    """As the permit states it, and the release knows nothing else of the day of issue."""
    if line.appendix != "I" or line.taxon is None or permit.issued_on is None:
        return False
    match = release_book().find(line.taxon)
    if match is None:
        genus, _, species = scientific_key(line.taxon).partition(" ")
        match = release_book().find(genus) if species else None
        return match is not None and not match.is_ambiguous and match.taxon.kingdom == _ANIMALS
    if match.is_ambiguous or match.taxon.kingdom != _ANIMALS or not match.taxon.is_species_or_lower:
        return False
    listing = release_book().listing_on(match.taxon, permit.issued_on, _origin(permit, line))
    return listing is None or "I" in listing.appendices


def _register_failure(permit: Permit, line: Line, form: str) -> str | None:
    number = normalised(line.operation_number or "")
    if not number:
        return "box 12b names no operation"
    country, origin = country_in(number, form), _origin(permit, line)
    if country is None:
        return f"the operation number {_short(number)} is none of the register"
    if origin is not None and party_of(country) != party_of(origin):
        return f"the operation {number} is in {country} and not in {origin}"
    return None


def _origin(permit: Permit, line: Line) -> str | None:
    stated = line.origin.country if line.origin is not None else None
    return stated or permit.origin_country


def _goods(line: Line) -> str:
    return " ".join(part for part in (line.quantity, line.unit, line.taxon, line.term) if part)


def _short(text: str) -> str:
    return text if len(text) <= len("A-XX-500") * 3 else f"{text[: len('A-XX-500') * 3]}…"


def without_founders(
    total: Total, weights: Sequence[Weight], parameters: SumParameters, *, ruleset_id: str
) -> FindingDraft | None:
    """The finding about a country that sells as bred what neither lives there nor is known to have come there."""
    if not weights or total.permits < parameters.captive_permits:
        return None
    taxon, country = total.key.parts[0], total.key.issuer
    values = {"rule": "SRC-09, Res. Conf. 17.7", "taxon": taxon, "used_permits": str(total.permits)}
    return of_sum(
        total.key,
        class_=FindingClass.REVIEW,
        summary=(
            f"{country} sold {taxon} as bred in captivity under {values['used_permits']} permits, but the species does "
            f"not live in {country}, and no document held here shows that live specimens ever came there "
            f"({values['rule']}); ask {country} for the evidence of its founder stock."
        ),
        weights=weights,
        values=values,
        ruleset_id=ruleset_id,
    )
