"""Who is a Party to the Convention, since when, and who answers for a territory's permits.

The list is of one day (``party_list_provenance``): a State that joined later is "no Party" here until the list is
renewed, so an answer that rests on it says how old it is. Fictional countries are Parties always, so that a sandbox
needs no list. Of some codes (Antarctica, a code for "unknown", a disputed territory) no source says whose they are;
then the answer is ``None``, which is not "no".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache
from types import MappingProxyType

from epix_node.permit.code_data import Provenance, load_lists, provenance_of
from epix_node.permit.codes import FICTIONAL_PARTIES


@dataclass(frozen=True, slots=True, kw_only=True)
class FormerCode:
    """A code of the past, and the days, both inclusive, on which it stood for a Party; unknown ends are ``None``."""

    since: date | None
    until: date | None
    answered_by: str | None
    """The Party that answered for it, where it was none of its own."""
    successors: tuple[str, ...]
    evidence: str
    """V in a published list, K general knowledge, I inference (``domain-rules.md``)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PartyList:
    """The lists of ``permit/data/parties.toml``."""

    entered: Mapping[str, date]
    territories: Mapping[str, str]
    non_parties: frozenset[str]
    former: Mapping[str, FormerCode]
    provenance: Provenance


def entry_into_force(code: str) -> date | None:
    """The day on which the Convention entered into force for the Party itself.

    ``None`` for territories (ask for ``party_of`` them), fictional countries, non-Parties and unknown codes.
    """
    lists = _party_list()
    if code in lists.former:
        return lists.former[code].since
    return lists.entered.get(code)


def is_party(code: str, on: date) -> bool | None:
    """Whether the code stood for a Party on that day, itself or through the Party that answers for it.

    ``None`` where no list says: it is not known whose the code is, or a code of the past has no days.
    """
    if code in FICTIONAL_PARTIES:
        return True
    lists = _party_list()
    former = lists.former.get(code)
    if former is not None:
        return _was_party(former, on)
    entered = lists.entered.get(party_of(code))
    if entered is not None:
        return entered <= on
    return False if code in lists.non_parties else None


def party_of(code: str) -> str:
    """The Party that answers for the territory's permits; every other code, known or not, answers for itself."""
    lists = _party_list()
    former = lists.former.get(code)
    if former is not None:
        return former.answered_by or code
    return lists.territories.get(code, code)


def successors_of(code: str) -> tuple[str, ...]:
    """The codes in use today for what a code of the past stood for; empty for all others."""
    former = None if code in FICTIONAL_PARTIES else _party_list().former.get(code)
    return former.successors if former is not None else ()


def parties() -> frozenset[str]:
    """The codes of all Parties on the day of the list, the European Union among them."""
    return frozenset(_party_list().entered)


def party_list_provenance() -> Provenance:
    """Whose list of Parties this is, and of when: it belongs to every answer that rests on it."""
    return _party_list().provenance


def _was_party(former: FormerCode, on: date) -> bool | None:
    since = former.since or (entry_into_force(former.answered_by) if former.answered_by else None)
    if since is None:
        return None
    return since <= on and (former.until is None or on <= former.until)


@cache
def _party_list() -> PartyList:
    lists = load_lists("parties.toml")
    return PartyList(
        entered=MappingProxyType(lists["entry_into_force"]["codes"]),
        territories=MappingProxyType(lists["external_territories"]["codes"] | lists["territories"]["codes"]),
        non_parties=frozenset(lists["non_parties"]["codes"]),
        former=MappingProxyType(
            {
                code: FormerCode(
                    since=given.get("since"),
                    until=given.get("until"),
                    answered_by=given.get("answered_by"),
                    successors=tuple(given["successors"]),
                    evidence=given["evidence"],
                )
                for code, given in lists["former"]["codes"].items()
            }
        ),
        provenance=provenance_of(lists["entry_into_force"]),
    )
