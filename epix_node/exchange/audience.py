"""Who receives a document (protocol decision 3).

Recipients are issuer codes, not Parties: the node that speaks for a code takes what is addressed to it, and one
that joins the federation later finds in the feed what waited for it. A document is never addressed to its writer.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable

from epix_node.permit.codes import code_lists
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


def of_extract(permit: Permit, *, writer: Collection[str]) -> tuple[str, ...]:
    """Countries of origin, of last re-export and of transit that do not receive the permit itself; empty: nobody.

    Multiple use is known by its paper alone. ``XX`` (unknown), ``XV`` (various) and the like are no countries.
    """
    if permit.multi_use:
        return ()
    boxes = (box for line in permit.lines for box in (line.origin, line.last_reexport) if box is not None)
    told = {*permit.transit, *(box.country for box in boxes)} - {*of_permit(permit, writer=writer), None}
    return _without(told & code_lists().traders, writer) if told else ()


def _without(codes: Iterable[str | None], writer: Collection[str]) -> tuple[str, ...]:
    return tuple(sorted({code for code in codes if code and code != EVERYBODY and code not in writer}))
