"""Which re-export certificates draw on which documents, as an index over certificates and extracts of certificates.

Every line of either has a row, whether or not the document on which it draws is held. Rows of documents that count no
more stay: whoever follows one finds no certificate there that counts.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Sequence
from datetime import date
from typing import Any

from sqlalchemy import BindParameter, bindparam, insert, select

from epix_node.permit.chain import parent_of
from epix_node.permit.facts import Source
from epix_node.permit.finding import FindingClass, FindingState
from epix_node.permit.model import Line, PermitType
from epix_node.permit.number import PermitKey
from epix_node.store.columns import table
from epix_node.store.database import Session
from epix_node.store.reconcile_tables import DrawRow
from epix_node.store.tables import FindingRow, PermitRow

Number = tuple[str, str]
"""(issuer, normalised number)."""

_DRAW = table(DrawRow)
_FINDING = table(FindingRow)
_PERMIT = table(PermitRow)
_INSERT = insert(_DRAW)
_NUMBERS: BindParameter[str] = bindparam("numbers", expanding=True)
_PARENTS = (
    select(_DRAW.c.parent_issuer, _DRAW.c.parent_number)
    .distinct()
    .where(_DRAW.c.issuer == bindparam("of"), _DRAW.c.number.in_(_NUMBERS))
)
_CERTIFICATES = (
    select(_DRAW.c.issuer, _DRAW.c.type, _DRAW.c.number, _DRAW.c.year)
    .distinct()
    .where(_DRAW.c.parent_issuer == bindparam("of"), _DRAW.c.parent_number.in_(_NUMBERS))
)
_DRAWN_ON = (
    select(_DRAW.c.parent_number)
    .distinct()
    .where(_DRAW.c.parent_issuer == bindparam("of"), _DRAW.c.parent_number.in_(_NUMBERS))
)
_HELD = (
    select(_PERMIT.c.issuer, _PERMIT.c.number)
    .distinct()
    .where(_PERMIT.c.issuer == bindparam("of"), _PERMIT.c.number.in_(_NUMBERS))
)
_REVIEWED = select(_FINDING.c.issuer, _FINDING.c.number, _FINDING.c.facts).where(
    _FINDING.c.state.in_([state.value for state in FindingState if state is not FindingState.RESOLVED]),
    _FINDING.c.pattern.in_(bindparam("patterns", expanding=True)),
    _FINDING.c.finding_class == FindingClass.REVIEW.value,
    _FINDING.c.derived,
)
_AT_ONCE = 400
"""Numbers in one statement."""


def add(session: Session, source: Source, key: PermitKey, lines: Sequence[Line]) -> None:
    """Index what a certificate, or an extract of one, draws on; no statement for what draws on nothing."""
    if key.type != PermitType.REEXPORT:
        return
    parents = [parent_of(line, issuer=key.issuer) for line in lines]
    rows = [
        {
            **key.to_json(),
            "party": source.party,
            "document": source.document,
            "ordinal": ordinal,
            "parent_issuer": parent.issuer,
            "parent_number": parent.number,
        }
        for ordinal, parent in enumerate(parents)
        if parent is not None
    ]
    if rows:
        session.core.execute(_INSERT, rows)


def drawn_on(session: Session, issuer: str, numbers: Collection[str]) -> set[str]:
    """Those of some hundred numbers of an issuer on which any certificate draws."""
    return set(session.core.execute(_DRAWN_ON, {"of": issuer, "numbers": list(numbers)}).scalars())


def certificates_of(session: Session, numbers: Collection[Number]) -> tuple[PermitKey, ...]:
    """The certificates that draw on documents with these numbers, as far as this node was told of them; by key."""
    return tuple(
        sorted(
            {
                PermitKey(issuer=row.issuer, type=row.type, number=row.number, year=row.year)
                for of_issuer in _by_issuer(numbers)
                for row in session.core.execute(_CERTIFICATES, of_issuer)
            }
        )
    )


def parents_of(session: Session, issuer: str, number: str) -> set[Number]:
    """The numbers on which certificates with this number draw."""
    return parents_of_all(session, [(issuer, number)])


def parents_of_all(session: Session, numbers: Collection[Number]) -> set[Number]:
    """As ``parents_of``, of all these numbers together."""
    return {(i, n) for of_issuer in _by_issuer(numbers) for i, n in session.core.execute(_PARENTS, of_issuer)}


def held(session: Session, numbers: Collection[Number]) -> set[Number]:
    """Those of the numbers under which this node holds a permit."""
    return {(i, n) for of_issuer in _by_issuer(numbers) for i, n in session.core.execute(_HELD, of_issuer)}


def lapsed(session: Session, patterns: Collection[str], *, today: date) -> set[Number]:
    """The numbers with a finding of class R of these patterns that rests on a certificate which expired meanwhile.

    Such findings say in ``until`` when the first of theirs does.
    """
    rows = session.core.execute(_REVIEWED, {"patterns": sorted(patterns)})
    untils = ((issuer, number, json.loads(facts).get("until")) for issuer, number, facts in rows)
    return {(issuer, number) for issuer, number, until in untils if until is not None and until < today.isoformat()}


def _by_issuer(numbers: Collection[Number]) -> Iterator[dict[str, Any]]:
    """What to ask: of one issuer each, since databases find pairs of texts through an index only sometimes."""
    wanted: dict[str, list[str]] = {}
    for issuer, number in sorted(numbers):
        wanted.setdefault(issuer, []).append(number)
    for issuer, mine in wanted.items():
        for start in range(0, len(mine), _AT_ONCE):
            yield {"of": issuer, "numbers": mine[start : start + _AT_ONCE]}
