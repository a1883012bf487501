"""Own documents that were accepted while the register signed nothing: they wait for their numbers, in their order.

Such a document is recorded like any other, with no register index. ``number`` gives it one, everywhere at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import bindparam, delete, func, insert, select, update

from epix_node.store import documents, permits
from epix_node.store.columns import table
from epix_node.store.database import Session
from epix_node.store.reconcile_tables import ExtractRow
from epix_node.store.register_tables import PendingRow
from epix_node.store.tables import (
    AlertRow,
    DocumentRow,
    EventLineRow,
    EventRow,
    PermitRow,
    RevokedKeyRow,
    StatusCardRow,
)

_PENDING = table(PendingRow)
_DOCUMENT = table(DocumentRow)
_EVENT = table(EventRow)
_LINE = table(EventLineRow)
_EXTRACT = table(ExtractRow)
_PERMIT = table(PermitRow)
_CARD = table(StatusCardRow)
_ALERT = table(AlertRow)
_REVOKED = table(RevokedKeyRow)

_LAST = select(func.max(_PENDING.c.ordinal)).where(_PENDING.c.party == bindparam("of"))
_FIRST = select(func.min(_PENDING.c.ordinal)).where(_PENDING.c.party == bindparam("of"))
_COUNT = select(func.count()).select_from(_PENDING).where(_PENDING.c.party == bindparam("of"))
_INSERT = insert(_PENDING)
_DROP = delete(_PENDING).where(_PENDING.c.party == bindparam("of"), _PENDING.c.sha256 == bindparam("digest"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Pending:
    """A document that waits for its number, as far as numbering needs to know it."""

    sha256: str
    xml: bytes
    salt: bytes
    permit_salt: bytes
    permit_issuer: str
    permit_number: str
    had_number: bool
    """Whether it has an entry in a register that its Party wrote before."""


def add(session: Session, party: str, sha256: str) -> None:
    """The document, whose row is written in the same transaction, comes after all that wait already."""
    last = session.core.execute(_LAST, {"of": party}).scalar()
    session.core.execute(_INSERT, {"party": party, "ordinal": 0 if last is None else last + 1, "sha256": sha256})


def put_first(session: Session, party: str, digests: Sequence[str]) -> None:
    """These documents lose their numbers and come before all that wait already, in this order."""
    first = session.core.execute(_FIRST, {"of": party}).scalar()
    start = (0 if first is None else first) - len(digests)
    for ordinal, sha256 in enumerate(digests, start=start):
        _write(session, party, sha256, {"register_index": None})
        session.core.execute(_INSERT, {"party": party, "ordinal": ordinal, "sha256": sha256})


def displace(session: Session, party: str, sha256: str, *, reason: str, now: datetime) -> None:
    """A document that waits is no document of the register any more: its bytes are kept in quarantine, for a person.

    Its rows as permit or event are forgotten; the caller records what contradicts it, and follows.
    """
    core = session.core
    document = (_DOCUMENT.c.party == party) & (_DOCUMENT.c.sha256 == sha256)
    row = core.execute(
        select(_DOCUMENT.c.xml, _DOCUMENT.c.permit_issuer, _DOCUMENT.c.permit_number).where(document)
    ).one()
    documents.quarantine(
        session, party=party, sha256=sha256, reason=reason, document=row.xml, register_index=None, now=now
    )
    for fact in permits.numbered(session, row.permit_issuer, row.permit_number):
        if fact.source.document == sha256:
            permits.remove(session, fact.key)
    for of in (_LINE, _EVENT):
        core.execute(delete(of).where(of.c.party == party, of.c.document == sha256))
    core.execute(delete(_DOCUMENT).where(document))
    core.execute(_DROP, {"of": party, "digest": sha256})


def count(session: Session, party: str) -> int:
    """How many documents wait."""
    return int(session.core.execute(_COUNT, {"of": party}).scalar() or 0)


def first(session: Session, party: str, *, limit: int) -> tuple[Pending, ...]:
    """The documents that come next, at most so many."""
    query = (
        select(
            _DOCUMENT.c.sha256,
            _DOCUMENT.c.xml,
            _DOCUMENT.c.salt,
            _DOCUMENT.c.permit_salt,
            _DOCUMENT.c.permit_issuer,
            _DOCUMENT.c.permit_number,
            _DOCUMENT.c.former_index,
        )
        .join(_PENDING, (_PENDING.c.party == _DOCUMENT.c.party) & (_PENDING.c.sha256 == _DOCUMENT.c.sha256))
        .where(_PENDING.c.party == party)
        .order_by(_PENDING.c.ordinal)
        .limit(limit)
    )
    return tuple(
        Pending(
            sha256=row.sha256,
            xml=row.xml,
            salt=row.salt,
            permit_salt=row.permit_salt,
            permit_issuer=row.permit_issuer,
            permit_number=row.permit_number,
            had_number=row.former_index is not None,
        )
        for row in session.core.execute(query)
    )


def number(session: Session, party: str, sha256: str, *, index: int, at: datetime) -> None:
    """The document has this index since then, and waits no more.

    Its proof of age begins now, too: where its key was revoked meanwhile, that is looked at again (decision 7).
    """
    _write(session, party, sha256, {"register_index": index, "at": at})
    document = (_DOCUMENT.c.party == party) & (_DOCUMENT.c.sha256 == sha256)
    session.core.execute(update(_DOCUMENT).where(document).values(proven_at=at))
    session.core.execute(
        update(_REVOKED)
        .where(_REVOKED.c.kid == select(_DOCUMENT.c.signed_by).where(document).scalar_subquery())
        .values(is_swept=False)
    )
    session.core.execute(_DROP, {"of": party, "digest": sha256})


def number_again(session: Session, party: str, sha256: str, *, index: int) -> None:
    """As ``number``, of a document, anybody's, that a former register accepted; what is known of its time stays."""
    _write(session, party, sha256, {"register_index": index})
    session.core.execute(_DROP, {"of": party, "digest": sha256})


def _write(session: Session, party: str, sha256: str, values: dict[str, object]) -> None:
    """The same in the document and in every index over it."""
    core = session.core
    document = (_DOCUMENT.c.party == party) & (_DOCUMENT.c.sha256 == sha256)
    core.execute(update(_DOCUMENT).where(document).values(**values))
    for rows in (_EVENT, _EXTRACT):
        core.execute(update(rows).where(rows.c.party == party, rows.c.document == sha256).values(**values))
    if "at" in values:
        core.execute(update(_ALERT).where(_ALERT.c.party == party, _ALERT.c.document == sha256).values(at=values["at"]))
    # By its number: no index leads from a digest to its permit.
    numbered = core.execute(select(_DOCUMENT.c.permit_issuer, _DOCUMENT.c.permit_number).where(document)).one()
    is_permit = (
        (_PERMIT.c.issuer == numbered.permit_issuer)
        & (_PERMIT.c.number == numbered.permit_number)
        & (_PERMIT.c.document == sha256)
    )
    core.execute(update(_PERMIT).where(is_permit).values(**values))
    for key in core.execute(
        select(_PERMIT.c.issuer, _PERMIT.c.number, _PERMIT.c.type, _PERMIT.c.year).where(is_permit)
    ):
        card = (
            (_CARD.c.issuer == key.issuer)
            & (_CARD.c.number == key.number)
            & (_CARD.c.type == key.type)
            & (_CARD.c.year == key.year)
        )
        core.execute(update(_CARD).where(card).values(register_index=values["register_index"]))
