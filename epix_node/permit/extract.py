"""What the countries of origin, of last re-export and of transit are told of a permit (protocol decision 3).

Key, dates, countries and lines, how far each line is used, whether the issuer took the permit back, and the digest of
the permit's own document: enough to balance what goes on against what came, and to know that a number was issued.
Names, addresses, free text, marks and stamps stay with those who receive the permit itself.

An extract says how a permit stood when it was written; the next one replaces it. Not here: who is told (``audience``).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from epix_node.permit.event import WithdrawalReason
from epix_node.permit.line_balance import LineBalance
from epix_node.permit.model import Line, Origin, Permit, TradeParty
from epix_node.permit.number import MAX_NUMBER_CHARACTERS, PermitKey, normalised
from epix_node.permit.passage import Passage

MAX_BLOCK_CHARACTERS = 4
MAX_TAXON_CHARACTERS = 100
"""What is longer is neither the letter of a block nor the name of a taxon, but a remark, which no rule refuses."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PermitExtract:
    """A permit without whatever names or describes anybody or anything beyond codes, dates and numbers."""

    permit: Permit
    """As ``plain_permit`` leaves it: its number is normalised."""
    permit_sha256: str
    """Hex SHA-256 of the permit's signed document, of which the reader has no bytes."""
    withdrawn: WithdrawalReason | None = None
    lines: tuple[LineBalance, ...]
    """The balance of each of the permit's lines, in their order, when the extract was written."""
    passages: tuple[Passage, ...] = ()
    """When its goods left and came, and what was turned away: without that, balances would accuse (``passage``)."""

    def __post_init__(self) -> None:
        """Refuse an extract that tells of other lines than its permit has, or of a permit without a key."""
        if len(self.lines) != len(self.permit.lines):
            raise ValueError("an extract tells the balance of every line of its permit")
        if self.permit.issued_on is None:
            raise ValueError("an extract is of a permit with a date of issue")

    @property
    def key(self) -> PermitKey:
        """The permit's key."""
        return self.permit.key


def extract_of(
    permit: Permit,
    *,
    permit_sha256: str,
    withdrawn: WithdrawalReason | None,
    balances: Iterable[LineBalance],
    passages: Iterable[Passage] = (),
) -> PermitExtract:
    """What may be told of the permit to those who do not receive it; ``balances`` are those of its lines."""
    plain = plain_permit(permit)
    return PermitExtract(
        permit=plain,
        permit_sha256=permit_sha256,
        withdrawn=withdrawn,
        lines=tuple(
            replace(balance, block=line.block, taxon=line.taxon)
            for line, balance in zip(plain.lines, balances, strict=True)
        ),
        passages=tuple(passages),
    )


def plain_permit(permit: Permit) -> Permit:
    """The permit without names, addresses, free text, marks and stamps; doing it twice changes nothing.

    Everything is left out but what is named here, so that a member that permits may get one day is left out too.
    """
    return Permit(
        type=permit.type,
        subtype=permit.subtype,
        number=normalised(permit.number),
        issuer=permit.issuer,
        issued_on=permit.issued_on,
        valid_from=permit.valid_from,
        valid_until=permit.valid_until,
        purpose=permit.purpose,
        exporter=_country(permit.exporter),
        importer=_country(permit.importer),
        transit=permit.transit,
        lines=tuple(_line(line) for line in permit.lines),
    )


def _country(party: TradeParty | None) -> TradeParty | None:
    return TradeParty(country=party.country) if party is not None and party.country else None


def _line(line: Line) -> Line:
    return Line(
        block=_no_longer(line.block, MAX_BLOCK_CHARACTERS),
        taxon=_no_longer(line.taxon, MAX_TAXON_CHARACTERS),
        appendix=line.appendix,
        sources=line.sources,
        term=line.term,
        quantity=line.quantity,
        unit=line.unit,
        origin=_origin(line.origin),
        last_reexport=_origin(line.last_reexport),
    )


def _no_longer(text: str | None, most: int) -> str | None:
    return text if text is not None and len(text) <= most else None


def _origin(origin: Origin | None) -> Origin | None:
    """Boxes 12 and 12a; a text that is too long for a permit number is a remark, and is left out."""
    if origin is None:
        return None
    number = normalised(origin.permit) if origin.permit else ""
    if not 0 < len(number) <= MAX_NUMBER_CHARACTERS:
        number = ""
    plain = Origin(country=origin.country, permit=number or None, date=origin.date)
    return None if plain == Origin() else plain
