"""Extracts of permits: what this node was told of those that it does not receive, and what it told others of its own.

The newest by the time of its register tells how a permit stands; within one time the higher index. What a revoked key
signed tells nothing (protocol decision 7). ``due`` is what is left to be looked at after a crash: own permits of which
others may have been told less than is true now.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import date

from sqlalchemy import Row, and_, bindparam, delete, exists, insert, select, update

from epix_node.document.header import DocumentType
from epix_node.permit.event import WithdrawalReason
from epix_node.permit.extract import PermitExtract
from epix_node.permit.facts import ExtractFact, Source
from epix_node.permit.json import permit_from_json, permit_to_json
from epix_node.permit.line_balance import LineBalance
from epix_node.permit.number import PermitKey
from epix_node.permit.passage import Passage
from epix_node.store.columns import table
from epix_node.store.database import Session
from epix_node.store.reconcile_tables import ExtractDueRow, ExtractRow
from epix_node.store.tables import PermitRow

_EXTRACT = table(ExtractRow)
_DUE = table(ExtractDueRow)
_PERMIT = table(PermitRow)
_INSERT = insert(_EXTRACT)
_NEWEST_FIRST = (_EXTRACT.c.at.desc(), _EXTRACT.c.register_index.desc().nulls_last(), _EXTRACT.c.document)
_OF_NUMBER = (_EXTRACT.c.issuer == bindparam("of"), _EXTRACT.c.number == bindparam("numbered"))
_IS_HELD = exists().where(
    *(_PERMIT.c[name] == _EXTRACT.c[name] for name in ("issuer", "number", "type", "year")), ~_PERMIT.c.is_void
)
_ABOUT = select(_EXTRACT).where(*_OF_NUMBER, ~_EXTRACT.c.is_void, ~_IS_HELD).order_by(*_NEWEST_FIRST)
_ANY = select(_EXTRACT.c.document).where(*_OF_NUMBER, ~_EXTRACT.c.is_void).limit(1)
_WRITTEN = (
    select(_EXTRACT)
    .where(*_OF_NUMBER, _EXTRACT.c.type == bindparam("typed"), _EXTRACT.c.year == bindparam("dated"))
    .where(_EXTRACT.c.party == bindparam("by"), ~_EXTRACT.c.is_void)
    .order_by(*_NEWEST_FIRST)
    .limit(1)
)
_VOID = (
    update(_EXTRACT)
    .where(_EXTRACT.c.party == bindparam("by"), _EXTRACT.c.document == bindparam("digest"))
    .values(is_void=True)
)
_IS_DUE = and_(
    _DUE.c.issuer == bindparam("of"),
    _DUE.c.type == bindparam("typed"),
    _DUE.c.number == bindparam("numbered"),
    _DUE.c.year == bindparam("dated"),
)
_MARK = insert(_DUE).from_select(
    ["issuer", "type", "number", "year"],
    select(
        bindparam("of", type_=_DUE.c.issuer.type),
        bindparam("typed", type_=_DUE.c.type.type),
        bindparam("numbered", type_=_DUE.c.number.type),
        bindparam("dated", type_=_DUE.c.year.type),
    ).where(~exists().where(_IS_DUE)),
)
_CLEAR = delete(_DUE).where(_IS_DUE)
_NEXT = select(_DUE).order_by(_DUE.c.issuer, _DUE.c.number, _DUE.c.type, _DUE.c.year)


def add(session: Session, extract: PermitExtract, *, source: Source, is_void: bool = False) -> None:
    """Index an extract whose document is kept."""
    body = {
        "permit": permit_to_json(extract.permit),
        "permit_sha256": extract.permit_sha256,
        "withdrawn": extract.withdrawn.value if extract.withdrawn is not None else None,
        "lines": [line.to_json() for line in extract.lines],
        "passages": [[one.on.isoformat(), one.party, one.outcome] for one in extract.passages],
    }
    session.core.execute(
        _INSERT,
        {
            **extract.key.to_json(),
            "party": source.party,
            "document": source.document,
            "register_index": source.index,
            "at": source.at,
            "body": json.dumps(body, ensure_ascii=False, separators=(",", ":")),
            "is_void": is_void,
        },
    )


def about(session: Session, issuer: str, number: str) -> tuple[ExtractFact, ...]:
    """The newest extract of each permit with this number that this node does not hold itself, by type and year.

    Who holds the permit hears more, and sooner, from the documents about it.
    """
    newest: dict[PermitKey, ExtractFact] = {}
    for row in session.core.execute(_ABOUT, {"of": issuer, "numbered": number}):
        key = PermitKey(issuer=row.issuer, type=row.type, number=row.number, year=row.year)
        if key not in newest:
            newest[key] = _fact(row)
    return tuple(newest[key] for key in sorted(newest))


def is_issued(session: Session, issuer: str, number: str) -> bool:
    """Whether the issuer told of a permit with this number, of whatever type and year."""
    return session.core.execute(_ANY, {"of": issuer, "numbered": number}).first() is not None


def written(session: Session, party: str, key: PermitKey) -> PermitExtract | None:
    """What this Party told last of the permit, and still says."""
    row = session.core.execute(_WRITTEN, {"by": party, **_by_key(key)}).first()
    return None if row is None else _extract(row)


def void(session: Session, documents: Iterable[tuple[str, str]]) -> None:
    """These extracts, given as (Party, digest), tell nothing any more."""
    rows = [{"by": party, "digest": sha256} for party, sha256 in documents]
    if rows:
        session.core.execute(_VOID, rows)


def mark_due(session: Session, keys: Iterable[PermitKey]) -> None:
    """Of these own permits others may have been told less than is true now; marking twice changes nothing."""
    rows = [_by_key(key) for key in sorted(set(keys))]
    if rows:
        session.core.execute(_MARK, rows)


def clear_due(session: Session, key: PermitKey) -> None:
    """What others were told of the permit is true."""
    session.core.execute(_CLEAR, _by_key(key))


def due(session: Session, *, limit: int) -> tuple[PermitKey, ...]:
    """The next own permits to look at, at most so many."""
    return tuple(
        PermitKey(issuer=row.issuer, type=row.type, number=row.number, year=row.year)
        for row in session.core.execute(_NEXT.limit(limit))
    )


def _by_key(key: PermitKey) -> dict[str, str | int]:
    return {"of": key.issuer, "typed": key.type, "numbered": key.number, "dated": key.year}


def _fact(row: Row[tuple[object, ...]]) -> ExtractFact:
    return ExtractFact(
        source=Source(
            document=row.document,
            type=DocumentType.EXTRACT.value,
            party=row.party,
            index=row.register_index,
            at=row.at,
        ),
        extract=_extract(row),
    )


def _extract(row: Row[tuple[object, ...]]) -> PermitExtract:
    body = json.loads(row.body)
    return PermitExtract(
        permit=permit_from_json(body["permit"]),
        permit_sha256=body["permit_sha256"],
        withdrawn=WithdrawalReason(body["withdrawn"]) if body["withdrawn"] is not None else None,
        lines=tuple(LineBalance(**line) for line in body["lines"]),
        passages=tuple(
            Passage(on=date.fromisoformat(on), party=party, outcome=outcome) for on, party, outcome in body["passages"]
        ),
    )
