"""Which sums over many permits the lines of one permit belong to (FRD-17, FRD-08): a function of the document alone.

By the species of the release, since all nodes must come to the same sums. What belongs to none is left out here, once:

* re-exports, goods that came from elsewhere, and documents of multiple use: their goods leave no country's own stock;
* confiscated and pre-Convention goods, which are taken from no quota of this year and bred by nobody;
* lines whose block letter, quantity, species name, term or source cannot be understood, so that nothing can be added;
* quotas that are 0, no number, or in units of another class than the line;
* captive goods of countries of which the release does not know that the taxon does not live there, fictional ones and
  territories among them, and of plants.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator

from epix_node.permit.codes import code_lists
from epix_node.permit.model import Line, Permit, PermitType
from epix_node.permit.number import normalised
from epix_node.permit.quantity import NotAQuantityError, Quantity
from epix_node.permit.sums import Part, Share, SumKey
from epix_node.reference.release import release_book
from epix_node.reference.scientific_name import scientific_key
from epix_node.reference.taxon import Taxon
from epix_node.rules.provenance import is_state_on
from epix_node.rules.ruleset import load_ruleset

_NAME = re.compile(r"[a-z][a-z-]+(?: [a-z-]{2,}){0,2}")
_NOT_OF_THIS_YEAR = frozenset({"I", "O"})
_BRED = "captive-bred"


def shares(permit: Permit) -> tuple[Share, ...]:
    """What each line is to the sums that it belongs to; most lines belong to none."""
    if permit.multi_use or permit.issued_on is None:
        return ()
    return (*_moved(permit), *_founders(permit))


def foreign_taxon(name: str | None, country: str | None, permit: Permit) -> Taxon | None:
    """The one animal species that the release knows by this name, where it knows that it does not live there."""
    match = release_book().find(name) if name is not None else None
    if match is None or match.is_ambiguous or country is None or permit.issued_on is None:
        return None
    taxon = match.taxon
    if taxon.kingdom != "Animalia" or not taxon.is_species_or_lower or not taxon.range_states:
        return None
    is_known_not_to = country not in taxon.range_states and is_state_on(country, permit.issued_on)
    return taxon if is_known_not_to else None


def _moved(permit: Permit) -> Iterator[Share]:
    is_bred = permit.type == PermitType.OTHER and permit.subtype == _BRED
    if permit.type != PermitType.EXPORT and not is_bred:
        return
    blocks = Counter(normalised(line.block or "") for line in permit.lines)
    captive = load_ruleset().rules["SRC-09"].codes("sources")
    for ordinal, line in enumerate(permit.lines):
        if blocks[normalised(line.block or "")] > 1 or not _is_own(permit, line):
            continue
        key, quota = _quota(permit, line)
        if key is not None and not is_bred:
            yield Share(of=key, ordinal=ordinal, part=Part.MOVED, quota=quota)
        if not set(line.sources).isdisjoint(captive):
            taxon = foreign_taxon(line.taxon, permit.issuer, permit)
            if taxon is not None:
                yield Share(of=SumKey.of_captive(permit.issuer, taxon.name), ordinal=ordinal, part=Part.MOVED)


def _is_own(permit: Permit, line: Line) -> bool:
    """Whether its goods come from the country that issues the permit, and it can be said how many there are."""
    origin = line.origin.country if line.origin is not None else None
    return (
        origin in {None, permit.issuer}
        and line.last_reexport is None
        and _NOT_OF_THIS_YEAR.isdisjoint(line.sources)
        and line.permitted() is not None
    )


def _quota(permit: Permit, line: Line) -> tuple[SumKey | None, int | None]:
    """The quota on which the line draws, and what it says the quota is; twice ``None`` where it states none."""
    annual, permitted, name = _annual(line), line.permitted(), _name(line.taxon)
    source = line.sources[0] if line.sources else None
    lists = code_lists()
    if annual is None or permitted is None or name is None or permit.issued_on is None:
        return None, None
    if annual.micro <= 0 or annual.unit_class is not permitted.unit_class:
        return None, None
    if line.term is None or source is None or source not in lists.sources:
        return None, None
    if line.term not in lists.terms and line.term not in lists.historical_terms:
        return None, None
    base_unit = permitted.unit_class.value
    return SumKey.of_quota(permit.issuer, name, line.term, source, base_unit, permit.issued_on.year), annual.micro


def _annual(line: Line) -> Quantity | None:
    unit = line.quota.unit or line.unit if line.quota is not None else None
    if line.quota is None or line.quota.annual is None or unit is None:
        return None
    try:
        return Quantity.parse(line.quota.annual, unit)
    except NotAQuantityError:
        return None


def _name(taxon: str | None) -> str | None:
    """One name for all synonyms that the release knows; of others the name itself, where it is one."""
    match = release_book().find(taxon) if taxon is not None else None
    if match is not None and not match.is_ambiguous:
        return match.accepted_name
    key = scientific_key(taxon or "")
    return key if _NAME.fullmatch(key) else None


def _founders(permit: Permit) -> Iterator[Share]:
    country = permit.destination
    if country is None or country == permit.issuer or permit.type == PermitType.IMPORT:
        return  # what comes under an import permit comes under another document too
    for ordinal, line in enumerate(permit.lines):
        if line.term not in load_ruleset().live_terms:
            continue
        taxon = foreign_taxon(line.taxon, country, permit)
        if taxon is not None:
            yield Share(of=SumKey.of_captive(country, taxon.name), ordinal=ordinal, part=Part.FOUNDERS)
