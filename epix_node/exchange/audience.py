"""Who receives a document (protocol decision 3).

Recipients are issuer codes, not Parties: the node that speaks for a code takes what is addressed to it, and one
that joins the federation later finds in the feed what waited for it. A document is never addressed to its writer.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable

from epix_node.permit.model import Permit, PermitType
from epix_node.store.documents import EVERYBODY


def of_permit(permit: Permit, *, writer: Collection[str]) -> tuple[str, ...]:
    """E, R and O go to the country of the importer, I to the exporter's; multiple use is listed in no feed."""
    if permit.multi_use:
        return (EVERYBODY,)
    country = permit.origin_country if permit.type == PermitType.IMPORT else permit.destination
    return _without([country], writer)


def of_withdrawal(permit_recipients: Iterable[str], *, writer: Collection[str]) -> tuple[str, ...]:
    """Whoever received the permit."""
    return _without(permit_recipients, writer)


def of_event(issuer: str, permit_recipients: Iterable[str], *, writer: Collection[str]) -> tuple[str, ...]:
    """The issuer, and every recipient of the permit that the writer knows (none where it does not hold the permit)."""
    return _without([issuer, *permit_recipients], writer)


def of_presentation(issuer: str, *, writer: Collection[str]) -> tuple[str, ...]:
    """The issuer alone."""
    return _without([issuer], writer)


def _without(codes: Iterable[str | None], writer: Collection[str]) -> tuple[str, ...]:
    return tuple(sorted({code for code in codes if code and code != EVERYBODY and code not in writer}))
