"""What an annotation says about which populations a listing covers, as far as it says it plainly.

Only the usual sentences are read ("Population of X and Y", "Except the populations of …"), and only where every place
in them is a country by itself. "Europe", "the Province of Jujuy" or a sentence of another shape is *not understood*,
and then every Appendix of the split may apply: better no finding than a wrong one.
"""

from __future__ import annotations

import html
import re
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import cache

from epix_node.permit.codes import code_lists
from epix_node.permit.parties import party_of
from epix_node.reference.countries import country_code


class Extent(StrEnum):
    """Of what a listing covers."""

    ALL = "all"
    ONLY = "only"
    """The populations of the countries named."""
    EXCEPT = "except"
    """All but those."""
    UNCLEAR = "unclear"


class Covered(StrEnum):
    """Whether a listing covers specimens from a country."""

    YES = "yes"
    NO = "no"
    MAYBE = "maybe"


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """Which populations a listing covers."""

    extent: Extent
    countries: frozenset[str] = frozenset()
    """The countries that ``ONLY`` and ``EXCEPT`` name."""
    parts: frozenset[str] = frozenset()
    """Those of which only a part is named, such as one province or the populations in captivity."""
    is_conditional: bool = False
    """Whether it covers some specimens only, such as trophies, and deems all others to be in Appendix I."""

    def covers(self, country: str | None) -> Covered:
        """Whether it covers specimens from this country; ``None`` or a code that is no country today may be either."""
        if self.extent is Extent.ALL:
            return Covered.YES
        if self.extent is Extent.UNCLEAR or country is None or country not in _real_countries():
            return Covered.MAYBE
        if country in self.parts:
            return Covered.MAYBE
        inside = country in self.countries
        if not inside and any(_is_related(country, named) for named in self.countries):
            # "The population of China": whether that means Hong Kong as well, the annotation does not say.
            return Covered.MAYBE
        return Covered.YES if inside == (self.extent is Extent.ONLY) else Covered.NO


WHOLE = Scope(extent=Extent.ALL)
UNCLEAR = Scope(extent=Extent.UNCLEAR)

_SPLITS = re.compile(
    r"population|poblaci|except|sauf|only|seulement|únicamente|included in appendix|annexe|apéndice", re.IGNORECASE
)
"""Words without which an annotation says nothing about populations, in the languages of the exports."""

_PLACES = r"(?:the )?(?:whole )?populations? (?:from|of):?"
_EXCEPT = re.compile(
    rf"^(?:included in appendix i{{1,3}},? )?except (?:for )?{_PLACES} (.+)$", re.IGNORECASE | re.DOTALL
)
_ONLY = re.compile(rf"^(?:only )?{_PLACES} (.+)$", re.IGNORECASE | re.DOTALL)
_CONDITIONAL = re.compile(
    r"for the exclusive purpose|deemed to be specimens of species included in appendix i\b", re.IGNORECASE
)
_END = re.compile(
    r"(?:;? ?(?:all|no) other populations?|, which (?:is|are) (?:included|listed)| (?:is|are) (?:included|listed) in"
    r"|\.\s|\.$|; | for the exclusive purpose|, included in [A-Z])",
    re.IGNORECASE,
)
"""Where the list of places ends and something else is said."""

_WHICH = re.compile(r",? which (?:is|are) [^,;]*?(?=, and the population of|$| and the population of)", re.IGNORECASE)
_ASIDE = re.compile(r"\s*[(\[][^()\[\]]*(?:[(\[][^()\[\]]*[)\]][^()\[\]]*)*[)\]]")
_WHOLE_ASIDE = re.compile(r"quota|whole population|included in", re.IGNORECASE)
_PART_ASIDE = re.compile(r"(?<!whole )populations? (?:of|in)|\bonly\b", re.IGNORECASE)


def read_scope(annotation: str) -> Scope:
    """Which populations the listing with this annotation covers; ``WHOLE`` where it speaks of no populations."""
    text = _plain(annotation)
    if not _SPLITS.search(text):
        return WHOLE
    for pattern, extent in ((_EXCEPT, Extent.EXCEPT), (_ONLY, Extent.ONLY)):
        shape = pattern.match(text)
        if shape:
            scope = _read_places(shape[1], extent)
            is_conditional = extent is Extent.ONLY and _CONDITIONAL.search(text) is not None
            return replace(scope, is_conditional=is_conditional)
    return UNCLEAR


def _read_places(text: str, extent: Extent) -> Scope:
    countries: set[str] = set()
    parts: set[str] = set()
    asides: list[str] = []

    def keep_aside(found: re.Match[str]) -> str:
        asides.append(found[0])
        return f" \x00{len(asides) - 1}\x00"

    text = _ASIDE.sub(keep_aside, text)
    # "the population of X, which is …, and the population of Y": what is said of X is no place.
    text = _WHICH.sub("", text)
    end = _END.search(text)
    if end:
        text = text[: end.start()]
    for place in re.split(r",? and (?:the populations? of )?|, (?:the populations? of )?|; ", text.strip(" .,;:")):
        name, _, aside = place.partition(" \x00")
        code = _code(name)
        if code is None:
            return UNCLEAR
        countries.add(code)
        said = asides[int(aside.strip("\x00 "))] if aside else ""
        if said and (not _WHOLE_ASIDE.search(said) or _PART_ASIDE.search(said)):
            parts.add(code)
    return Scope(extent=extent, countries=frozenset(countries), parts=frozenset(parts))


def _plain(annotation: str) -> str:
    text = re.sub(r"<[^>]*>", " ", html.unescape(annotation))
    text = re.sub(r"^\s*\[[A-Z]+ listing [^\]]*\]", "", text)
    return " ".join(text.split())


def _code(place: str) -> str | None:
    """The code of the country that this place is; ``None`` where it is none."""
    name = place.strip(" .,")
    return country_code(name) or country_code(re.sub(r"(?i)^the ", "", name)) if len(name) > 2 else None


def _is_related(country: str, named: str) -> bool:
    """One is a territory of the other, or was a part of it when annotations were written."""
    return party_of(country) == named or party_of(named) == country or (country, named) == ("SS", "SD")


@cache
def _real_countries() -> frozenset[str]:
    lists = code_lists()
    return frozenset(
        code for code in lists.traders if code != "EU" and lists.countries.get(code) not in (None, "user-assigned")
    )
