"""Where the goods of a line come from, and whether reference data by country can say anything of that country."""

from __future__ import annotations

from datetime import date

from epix_node.permit.codes import FICTIONAL_PARTIES
from epix_node.permit.model import PermitType
from epix_node.permit.parties import is_party, party_of, successors_of
from epix_node.reference.edition import BUILT_IN, Edition
from epix_node.rules.subject import Specimen, Subject

_UNION = "EU"
"""A Party, but no country: nothing lives in it, has a quota or is suspended under this code."""


def country_of_origin(subject: Subject, specimen: Specimen) -> str | None:
    """Box 12, or the exporter's country where box 12 is blank; ``None`` where neither says it.

    A blank box 12 says nothing on a document about goods that were exported before.
    """
    line, permit = specimen.line, subject.permit
    if line.origin is not None and line.origin.country is not None:
        return line.origin.country
    if permit.type == PermitType.REEXPORT or line.last_reexport is not None:
        return None
    return permit.origin_country


def is_first_export(subject: Subject, specimen: Specimen) -> bool:
    """Whether the goods leave the country that they come from, as far as the document says."""
    origin = country_of_origin(subject, specimen)
    return origin is not None and origin == subject.permit.origin_country and specimen.line.last_reexport is None


def is_state(subject: Subject, country: str) -> bool:
    """As ``is_state_on`` the day of the check."""
    return is_state_on(country, subject.circumstances.today)


def is_state_on(country: str, day: date) -> bool:
    """Whether the code is a State's of today, so that lists by country would name it.

    Not fictional countries and territories (contract 5), and no code that is no country today: the European Union, the
    high seas, unknown, former States.
    """
    return (
        country not in FICTIONAL_PARTIES
        and country != _UNION
        and party_of(country) == country
        and not successors_of(country)
        and is_party(country, day) is not None
    )


def is_in_range_data(subject: Subject, country: str, edition: Edition) -> bool:
    """Whether a taxon of this edition that lived there would have this code among its range States.

    A list that was loaded names territories; the built-in one names States. Of fictional countries only data that name
    them speak.
    """
    if country in FICTIONAL_PARTIES:
        return subject.catalogue.covers(country)
    if party_of(country) != country and not successors_of(country):
        return edition.source != BUILT_IN
    return is_state(subject, country)
