"""On which document the goods of a re-export certificate draw: boxes 12 and 12a (``domain-rules.md`` 0.11).

Goods that came through another country draw on its certificate (box 12a), which draws on what came before; only goods
that came straight from their origin draw on the permit of origin (box 12). So no amount is summed twice.

A country that names itself in box 12a says nothing of how the goods came to it: it would be its own supplier. Then the
permit of origin counts, where there is one, as if the box were empty.
"""

from __future__ import annotations

from epix_node.permit.event import PermitRef
from epix_node.permit.model import Line, Origin, Permit, PermitType
from epix_node.permit.number import MAX_NUMBER_CHARACTERS, normalised


def parent_of(line: Line, *, issuer: str) -> PermitRef | None:
    """The document on which this line of a certificate of ``issuer`` draws; ``None`` where none is named.

    Its type is R where box 12a names it; from box 12 it is not known. A number that is too long for one is a remark.
    """
    last, origin = _named(line.last_reexport, PermitType.REEXPORT), _named(line.origin, None)
    if last is not None and (last.issuer != issuer or origin is None):
        return last
    return origin


def parents_of(permit: Permit) -> tuple[PermitRef | None, ...]:
    """For each line of a permit the document on which it draws; only certificates of re-export draw on one."""
    if permit.type != PermitType.REEXPORT:
        return (None,) * len(permit.lines)
    return tuple(parent_of(line, issuer=permit.issuer) for line in permit.lines)


def _named(origin: Origin | None, type_: PermitType | None) -> PermitRef | None:
    if origin is None or origin.country is None or origin.permit is None:
        return None
    country, number = origin.country.strip().upper(), normalised(origin.permit)
    if not country or not 0 < len(number) <= MAX_NUMBER_CHARACTERS:
        return None
    return PermitRef(issuer=country, number=number, type=type_, issued_on=origin.date)
