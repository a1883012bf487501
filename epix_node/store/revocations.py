"""Documents that ceased to count because their key was revoked (protocol decision 7), and what is still to be done.

A document is void where its entry was first held here, under a verified checkpoint, at or after ``invalid_since`` of
the key that signed it. That never ends again: ``invalid_since`` only moves earlier. A void document stays where it is;
nothing that it says is a fact any more.

Marking is quick and done first, so that every answer tells of the revocation at once; what follows for the cases
concerned is remembered in ``unsettled`` and worked off in small transactions, whatever crashes when.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, bindparam, exists, func, insert, update
from sqlalchemy import select as select_rows
from sqlmodel import col, select

from epix_node.store import extracts
from epix_node.store.columns import table
from epix_node.store.database import Session
from epix_node.store.tables import DocumentRow, EventRow, PermitRow, RevokedKeyRow, UnsettledRow

_DOCUMENT = table(DocumentRow)
_EVENT = table(EventRow)
_PERMIT = table(PermitRow)
_UNSETTLED = table(UnsettledRow)
_KNOWN = select_rows(table(RevokedKeyRow))
_COUNTING = select_rows(
    _DOCUMENT.c.party,
    _DOCUMENT.c.sha256,
    _DOCUMENT.c.type,
    _DOCUMENT.c.permit_issuer,
    _DOCUMENT.c.permit_number,
    _DOCUMENT.c.supersedes,
).where(_DOCUMENT.c.is_void.is_(False))
_VOID_DOCUMENT = (
    update(_DOCUMENT)
    .where(_DOCUMENT.c.party == bindparam("of"), _DOCUMENT.c.sha256 == bindparam("digest"))
    .values(is_void=True)
)
_VOID_EVENT = (
    update(_EVENT)
    .where(_EVENT.c.party == bindparam("of"), _EVENT.c.document == bindparam("digest"))
    .values(is_void=True)
)
_VOID_PERMIT = (
    update(_PERMIT)
    .where(
        _PERMIT.c.issuer == bindparam("issued_by"),
        _PERMIT.c.number == bindparam("numbered"),
        _PERMIT.c.document == bindparam("digest"),
    )
    .values(is_void=True)
)
_REMEMBER = insert(_UNSETTLED).from_select(
    ["issuer", "number"],
    select_rows(
        bindparam("of", type_=_UNSETTLED.c.issuer.type), bindparam("numbered", type_=_UNSETTLED.c.number.type)
    ).where(~exists().where(_UNSETTLED.c.issuer == bindparam("of"), _UNSETTLED.c.number == bindparam("numbered"))),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class RevokedKey:
    """A key whose documents count only where they were proven before ``invalid_since``; None: not at all."""

    kid: str
    party: str
    invalid_since: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Voided:
    """A document that ceased to count just now."""

    party: str
    sha256: str
    type: str
    issuer: str
    number: str
    supersedes: str | None


def known(session: Session) -> dict[str, RevokedKey]:
    """The keys that this database knows to be revoked, by their id."""
    return {row.kid: _key(row) for row in session.core.execute(_KNOWN)}


def is_void(keys: Mapping[str, RevokedKey], signed_by: str | None, *, proven_at: datetime) -> bool:
    """Whether a document by this key, proven then, counts no more."""
    key = keys.get(signed_by) if signed_by is not None else None
    return key is not None and (key.invalid_since is None or proven_at >= key.invalid_since)


def in_force(session: Session, others: Mapping[str, RevokedKey]) -> dict[str, RevokedKey]:
    """The keys known here and these others, each with the earlier of its times."""
    keys = known(session)
    for kid, other in others.items():
        if kid not in keys or _is_earlier(other.invalid_since, keys[kid].invalid_since):
            keys[kid] = other
    return keys


def note(session: Session, keys: Iterable[RevokedKey]) -> bool:
    """Remember these keys as revoked; returns whether one of them is new here, or counts less than before.

    ``invalid_since`` never moves later (protocol decision 7): nothing that ceased to count counts again.
    """
    changed = False
    for key in keys:
        row = session.get(RevokedKeyRow, key.kid)
        if row is None:
            session.add(RevokedKeyRow(kid=key.kid, party=key.party, invalid_since=key.invalid_since))
        elif _is_earlier(key.invalid_since, row.invalid_since):
            row.invalid_since, row.is_swept = key.invalid_since, False
        else:
            continue
        changed = True
    session.flush()
    return changed


def is_news(session: Session, keys: Iterable[RevokedKey]) -> bool:
    """Whether ``note`` would change anything, or something that it changed is not worked off."""
    held = known(session)
    if any(key.kid not in held or _is_earlier(key.invalid_since, held[key.kid].invalid_since) for key in keys):
        return True
    return bool(unswept(session)) or bool(unsettled(session, limit=1))


def unswept(session: Session) -> list[RevokedKey]:
    """The revoked keys whose documents have not all been looked at."""
    query = select(RevokedKeyRow).where(~col(RevokedKeyRow.is_swept)).order_by(col(RevokedKeyRow.kid))
    return [_key(row) for row in session.exec(query)]


def swept(session: Session, kid: str, *, invalid_since: datetime | None) -> None:
    """No document is left that counts and should not, unless the time moved meanwhile."""
    row = session.get(RevokedKeyRow, kid)
    if row is not None and row.invalid_since == invalid_since:
        row.is_swept = True
        session.flush()


def void(session: Session, key: RevokedKey, *, limit: int) -> list[Voided]:
    """Mark up to ``limit`` documents of this key, with what is indexed of them; returns those marked."""
    query = _COUNTING.where(_DOCUMENT.c.signed_by == key.kid)
    if key.invalid_since is not None:
        query = query.where(_DOCUMENT.c.proven_at >= key.invalid_since)
    marked = [
        Voided(
            party=row.party,
            sha256=row.sha256,
            type=row.type,
            issuer=row.permit_issuer,
            number=row.permit_number,
            supersedes=row.supersedes,
        )
        for row in session.core.execute(query.limit(limit))
    ]
    if marked:
        digests = [{"of": one.party, "digest": one.sha256} for one in marked]
        session.core.execute(_VOID_DOCUMENT, digests)
        session.core.execute(_VOID_EVENT, digests)
        issued = [
            {"issued_by": one.issuer, "numbered": one.number, "digest": one.sha256}
            for one in marked
            if one.type == "permit"
        ]
        if issued:
            session.core.execute(_VOID_PERMIT, issued)
        extracts.void(session, [(one.party, one.sha256) for one in marked if one.type == "permit-extract"])
    return marked


def remember(session: Session, numbers: Iterable[tuple[str, str]]) -> None:
    """The cases of these (issuer, number) are to be looked at again."""
    rows = [{"of": issuer, "numbered": number} for issuer, number in sorted(set(numbers))]
    if rows:
        session.core.execute(_REMEMBER, rows)


def unsettled(session: Session, *, limit: int) -> list[tuple[str, str]]:
    """The next (issuer, number) whose cases are to be looked at again."""
    query = select(UnsettledRow).order_by(col(UnsettledRow.issuer), col(UnsettledRow.number)).limit(limit)
    return [(row.issuer, row.number) for row in session.exec(query)]


def settled(session: Session, numbers: Iterable[tuple[str, str]]) -> None:
    """They were looked at."""
    for number in numbers:
        row = session.get(UnsettledRow, number)
        if row is not None:
            session.delete(row)
    session.flush()


def void_documents(session: Session) -> dict[str, int]:
    """How many documents of each Party are held that count no more; Parties without any are left out."""
    query = select(DocumentRow.party, func.count()).where(
        col(DocumentRow.signed_by).in_(select(RevokedKeyRow.kid)), col(DocumentRow.is_void).is_(True)
    )
    return dict(session.exec(query.group_by(col(DocumentRow.party)).order_by(col(DocumentRow.party))).all())


def _is_earlier(new: datetime | None, held: datetime | None) -> bool:
    """Whether less counts than before; None lets nothing count."""
    return held is not None and (new is None or new < held)


def _key(row: RevokedKeyRow | Row[Any]) -> RevokedKey:
    return RevokedKey(kid=row.kid, party=row.party, invalid_since=row.invalid_since)
