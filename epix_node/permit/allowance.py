"""What a permit allows of each kind of goods.

An export document allows goods by block (A, B, …), and events name the block. An import permit allows them by taxon
and term, since the confirmations that use it are about an export permit and name *that* one's blocks. Quantities are
integer micro-units; units of different classes are never added: INCOMPARABLE is not a mismatch
(``domain-rules.md`` 2.3, 0.12).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from epix_node.permit.event import EventLine
from epix_node.permit.facts import EventFact
from epix_node.permit.model import Line, Permit, PermitType
from epix_node.permit.number import normalised
from epix_node.permit.quantity import UnitClass


@dataclass(frozen=True, slots=True, kw_only=True)
class Allowance:
    """Lines of one permit that allow the same goods. ``position`` tells the allowances of a permit apart.

    ``places`` says where among the permit's lines they stand.
    """

    position: int
    places: tuple[int, ...]
    lines: tuple[Line, ...]
    blocks: frozenset[str]
    """The normalised letters of its lines; this and ``goods`` are compared with every line of every event."""
    goods: tuple[str, str]
    """Taxon and term of its first line, for comparing."""

    @property
    def label(self) -> str:
        """How a sentence names it: ``block A``, ``blocks A and B``."""
        letters = [line.block or "without a letter" for line in self.lines]
        return f"block {letters[0]}" if len(letters) == 1 else f"blocks {' and '.join(letters)}"

    @property
    def unit(self) -> str:
        """The unit in which sums are printed; only where ``permitted`` is known."""
        return self.lines[0].unit or ""

    @property
    def unit_class(self) -> UnitClass | None:
        """The class in which sums are made, or ``None`` where the lines cannot be added."""
        classes = {quantity.unit_class if quantity else None for quantity in (line.permitted() for line in self.lines)}
        return classes.pop() if len(classes) == 1 else None

    @property
    def permitted(self) -> int | None:
        """Micro-units of ``unit_class``, or ``None`` where box 11 cannot be read or its units cannot be added."""
        if self.unit_class is None:
            return None
        return sum(quantity.micro for line in self.lines if (quantity := line.permitted()))

    def total(self, counts: Iterable[Counted]) -> int | None:
        """The sum of what was counted against this allowance, or ``None`` if one quantity cannot be added."""
        quantities = [c.line.quantity for c in counts if c.allowance and c.allowance.position == self.position]
        if self.unit_class is None or any(quantity.unit_class is not self.unit_class for quantity in quantities):
            return None
        return sum(quantity.micro for quantity in quantities)


@dataclass(frozen=True, slots=True, kw_only=True)
class Counted:
    """Goods of one event line; ``allowance`` is ``None`` for goods that are on no line of the permit."""

    event: EventFact
    line: EventLine
    allowance: Allowance | None


def allowances(permit: Permit) -> tuple[Allowance, ...]:
    """The permit's lines, by block; those of an import permit by taxon and term."""
    groups: dict[tuple[str, ...], list[int]] = {}
    for place, line in enumerate(permit.lines):
        key = (_plain(line.taxon), _plain(line.term)) if permit.type == PermitType.IMPORT else (_block(line.block),)
        groups.setdefault(key, []).append(place)
    return tuple(_allowance(permit, position, tuple(places)) for position, places in enumerate(groups.values()))


def _allowance(permit: Permit, position: int, places: tuple[int, ...]) -> Allowance:
    lines = tuple(permit.lines[place] for place in places)
    return Allowance(
        position=position,
        places=places,
        lines=lines,
        blocks=frozenset(_block(line.block) for line in lines),
        goods=(_plain(lines[0].taxon), _plain(lines[0].term)),
    )


def allowance_for(allowed: tuple[Allowance, ...], line: EventLine, *, by_block: bool) -> Allowance | None:
    """What the goods of an event line count against; ``None`` for goods that are on no line of the permit.

    ``by_block`` where the event is about this permit (``is_about``), so that its blocks are meant.
    """
    return _by_block(allowed, line.block) if by_block else _by_goods(allowed, line)


def is_about(permit: Permit, event: EventFact) -> bool:
    """Whether the event is about this permit, and does not only name it as its import permit."""
    ref = event.body.permit
    return (ref.issuer, ref.number) == (permit.issuer, normalised(permit.number))


def _by_block(allowed: Iterable[Allowance], block: str | None) -> Allowance | None:
    """Goods without a block are on no line, unless the permit itself gives its lines no letters."""
    meant = _block(block)
    return next((a for a in allowed if meant in a.blocks), None)


def _by_goods(allowed: tuple[Allowance, ...], line: EventLine) -> Allowance | None:
    """The import permit's allowance for goods of another permit.

    The store has filled in taxon and term from that other permit. Where it is not held here, the block's letter is all
    that is known: the two permits are usually written side by side. What is not stated fits everything; goods that
    fit several allowances count against none.
    """
    if line.taxon is None:
        return None if line.block is None else _by_block(allowed, line.block)
    taxon = _plain(line.taxon)
    fitting = [a for a in allowed if a.goods[0] == taxon]
    if line.term is not None:
        fits = {"", _plain(line.term)}
        fitting = [a for a in fitting if a.goods[1] in fits]
    return fitting[0] if len(fitting) == 1 else None


def _block(letter: str | None) -> str:
    return normalised(letter or "")


def _plain(text: str | None) -> str:
    return " ".join((text or "").casefold().split())
