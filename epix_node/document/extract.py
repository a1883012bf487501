"""A ``permit-extract`` as XML: what is told of a permit to those who do not receive it (``permit.extract``).

The elements are those of the permit's own members that an extract has; a line holds beside them what was counted of it
so far. There is no element for a name, an address, a mark or a remark, so that none can be written or read.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from epix_node.document import leaves
from epix_node.document.header import Header
from epix_node.document.shape import Shape, attributes_of, many, one, refusal
from epix_node.permit.event import Outcome, WithdrawalReason
from epix_node.permit.extract import PermitExtract
from epix_node.permit.line_balance import LineBalance
from epix_node.permit.model import Line, Origin, Permit, TradeParty
from epix_node.permit.passage import Passage


def _origin(members: dict[str, Any]) -> Origin:
    if not members:
        raise ValueError("an origin that says nothing is left out")
    return Origin(**members)


_ORIGIN = Shape(
    (one("country", leaves.TEXT), one("permit", leaves.NUMBER), one("date", leaves.DATE)),
    build=_origin,
    take=attributes_of("country", "permit", "date"),
)


def _line(members: dict[str, Any]) -> tuple[Line, LineBalance]:
    counted = {name: members.pop(name, None) for name in ("endorsed", "confirmed", "remaining")}
    line = Line(**members | {"sources": tuple(members.get("sources", ()))})
    balance = LineBalance(
        block=line.block, taxon=line.taxon, term=line.term, unit=line.unit, permitted=line.quantity, **counted
    )
    return line, balance


def _line_members(told: tuple[Line, LineBalance]) -> Mapping[str, Any]:
    line, balance = told
    return {
        "block": line.block,
        "taxon": line.taxon,
        "appendix": line.appendix,
        "sources": line.sources,
        "term": line.term,
        "quantity": line.quantity,
        "unit": line.unit,
        "origin": line.origin,
        "last_reexport": line.last_reexport,
        "endorsed": balance.endorsed,
        "confirmed": balance.confirmed,
        "remaining": balance.remaining,
    }


_LINE = Shape(
    (
        one("block", leaves.TEXT),
        one("taxon", leaves.TEXT),
        one("appendix", leaves.TEXT),
        many("sources", leaves.TEXT, tag="Source"),
        one("term", leaves.TEXT),
        one("quantity", leaves.TEXT),
        one("unit", leaves.TEXT),
        one("origin", _ORIGIN),
        one("last_reexport", _ORIGIN),
        one("endorsed", leaves.AMOUNT, is_required=True),
        one("confirmed", leaves.AMOUNT, is_required=True),
        one("remaining", leaves.AMOUNT),
    ),
    build=_line,
    take=_line_members,
)


def _passage(members: dict[str, Any]) -> Passage:
    return Passage(on=members["on"], party=members["party"], outcome=str(members.get("outcome", "")))


def _passage_members(passage: Passage) -> Mapping[str, Any]:
    return {"on": passage.on, "party": passage.party, "outcome": passage.outcome or None}


_PASSAGE = Shape(
    (
        one("on", leaves.DATE, is_required=True),
        one("party", leaves.CODE, is_required=True),
        one("outcome", leaves.codes(Outcome)),
    ),
    build=_passage,
    take=_passage_members,
)
"""Without ``Outcome`` the goods left by it."""

EXTRACT = Shape(
    (
        one("document", leaves.DIGEST, is_required=True),
        one("withdrawn", leaves.codes(WithdrawalReason)),
        one("subtype", leaves.TEXT),
        one("issued_on", leaves.DATE, is_required=True),
        one("valid_from", leaves.DATE),
        one("valid_until", leaves.DATE),
        one("purpose", leaves.TEXT),
        one("exporter_country", leaves.TEXT),
        one("importer_country", leaves.TEXT),
        many("transit", leaves.TEXT, tag="Transit"),
        many("passages", _PASSAGE, tag="Passage"),
        many("lines", _LINE, tag="Line"),
    )
)
"""``Document`` is the digest of the permit's own document. Issuer, type and number are those of the header."""


def members_of(extract: PermitExtract) -> Mapping[str, Any]:
    """What ``EXTRACT`` writes of it."""
    permit = extract.permit
    return {
        "document": extract.permit_sha256,
        "withdrawn": extract.withdrawn,
        "subtype": permit.subtype,
        "issued_on": permit.issued_on,
        "valid_from": permit.valid_from,
        "valid_until": permit.valid_until,
        "purpose": permit.purpose,
        "exporter_country": permit.origin_country,
        "importer_country": permit.destination,
        "transit": permit.transit,
        "passages": extract.passages,
        "lines": tuple(zip(permit.lines, extract.lines, strict=True)),
    }


def extract_from(header: Header, members: dict[str, Any]) -> PermitExtract:
    """The extract that these members and the header say. Raises ``NOT_A_DOCUMENT`` where they say none."""
    told: list[tuple[Line, LineBalance]] = members.pop("lines", [])
    document, withdrawn = members.pop("document"), members.pop("withdrawn", None)
    passages: list[Passage] = members.pop("passages", [])
    exporter, importer = members.pop("exporter_country", None), members.pop("importer_country", None)
    if header.permit_issuer is None or header.permit_type is None or header.permit_number is None or not told:
        raise refusal("an extract names issuer, type and number of its permit, and has a line")
    permit = Permit(
        issuer=header.permit_issuer,
        type=header.permit_type,
        number=header.permit_number,
        lines=tuple(line for line, _ in told),
        exporter=TradeParty(country=exporter) if exporter is not None else None,
        importer=TradeParty(country=importer) if importer is not None else None,
        transit=tuple(members.pop("transit", ())),
        **members,
    )
    return PermitExtract(
        permit=permit,
        permit_sha256=document,
        withdrawn=withdrawn,
        lines=tuple(balance for _, balance in told),
        passages=tuple(passages),
    )
