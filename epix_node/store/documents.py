"""Signed exchange documents: the exact bytes, who may have them, and in which order the feed lists them."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Table, bindparam, delete, insert, or_
from sqlalchemy import select as select_rows
from sqlmodel import col, select

from epix_node.store.arrival import Arrival
from epix_node.store.columns import table
from epix_node.store.database import Session
from epix_node.store.tables import DocumentRow, GrantRow, QuarantineRow, WantedRow

_DOCUMENT, _WANTED, _QUARANTINE = table(DocumentRow), table(WantedRow), table(QuarantineRow)
_INSERT = insert(_DOCUMENT)


def _some(of: Table) -> tuple[ColumnElement[bool], ...]:
    return of.c.party == bindparam("of"), of.c.sha256.in_(bindparam("digests", expanding=True))


_HELD = select_rows(_DOCUMENT.c.sha256).where(*_some(_DOCUMENT))
_SUPERSEDING = (
    select_rows(_DOCUMENT.c.sha256)
    .where(_DOCUMENT.c.party == bindparam("of"), _DOCUMENT.c.supersedes == bindparam("ended"), ~_DOCUMENT.c.is_void)
    .order_by(_DOCUMENT.c.register_index.nulls_first(), _DOCUMENT.c.sha256)
)
_CAME = delete(_WANTED).where(*_some(_WANTED))
_LEFT = delete(_QUARANTINE).where(*_some(_QUARANTINE))
_AT_ONCE = 500
"""Digests in one statement."""

EVERYBODY = "*"
"""Recipient of documents of multiple use, which no feed lists (protocol decision 3)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldDocument:
    """A document as this node holds it."""

    party: str
    sha256: str
    type: str
    xml: bytes
    salt: bytes
    permit_salt: bytes
    recipients: tuple[str, ...]
    permit_issuer: str
    permit_number: str
    register_index: int | None
    at: datetime
    """When the writer's register accepted it."""
    received_at: datetime
    """When this node stored it."""
    proven_at: datetime
    """When this node first held its entry under a verified checkpoint: its proof of age (protocol decision 7)."""
    is_void: bool
    """Whether its key was revoked with effect from then or earlier: it is kept, and says nothing any more."""
    former: tuple[str, int] | None = None
    """Its first entry, where its Party began another register since: that one's key (``former``), and the index."""

    @property
    def place(self) -> tuple[str, int] | None:
        """Its entry: in the register of now, else in the former one."""
        return self.former if self.register_index is None else (self.party, self.register_index)

    @property
    def first_place(self) -> tuple[str, int] | None:
        """The entry that proves its age."""
        return self.former or self.place


def add(session: Session, arrivals: Iterable[Arrival], *, received_at: datetime) -> None:
    """Keep the exact bytes under (party, digest). The caller has checked that they are not there yet."""
    rows = [
        {
            "party": arrival.source.party,
            "sha256": arrival.source.document,
            "type": arrival.source.type,
            "xml": arrival.xml,
            "salt": arrival.document.header.salt,
            "permit_salt": arrival.document.header.permit_salt,
            "permit_issuer": arrival.document.header.permit_issuer or "",
            "permit_number": arrival.document.header.permit_number or "",
            "recipients": _joined(arrival.document.header.recipients),
            "event_id": arrival.document.header.event_id,
            "supersedes": arrival.document.header.supersedes,
            "register_index": arrival.source.index,
            "at": arrival.source.at,
            "received_at": received_at,
            "signed_by": arrival.signed_by,
            "proven_at": arrival.proven_at or received_at,
            "is_void": arrival.is_void,
        }
        for arrival in arrivals
    ]
    if rows:
        session.core.execute(_INSERT, rows)


def held(session: Session, party: str, digests: Collection[str]) -> set[str]:
    """Those of the digests whose documents are kept."""
    return {sha256 for some in _each(party, digests) for sha256 in session.core.execute(_HELD, some).scalars()}


def _each(party: str, digests: Iterable[str]) -> Iterator[dict[str, Any]]:
    """The parameters of a statement about some of these digests at once."""
    ordered = sorted(digests)
    for start in range(0, len(ordered), _AT_ONCE):
        yield {"of": party, "digests": ordered[start : start + _AT_ONCE]}


def find(session: Session, sha256: str, *, party: str | None = None) -> HeldDocument | None:
    """The document with this digest."""
    query = select(DocumentRow).where(DocumentRow.sha256 == sha256)
    if party is not None:
        query = query.where(DocumentRow.party == party)
    row = session.exec(query).first()
    return None if row is None else _held(row)


def superseding(session: Session, party: str, sha256: str) -> str | None:
    """The digest of the held document of this Party that takes this one back, should it have come first.

    One that does not count takes nothing back.
    """
    return session.core.execute(_SUPERSEDING, {"of": party, "ended": sha256}).scalar()


def feed(
    session: Session, party: str, *, codes: Collection[str] | None, start: int, size: int, limit: int
) -> tuple[list[HeldDocument], int]:
    """Which of the entries ``[start, to)`` of the own register are addressed to one of ``codes``; None: all held.

    Returns them in register order and ``to``, the index after the last one examined: at most ``limit`` entries,
    ``to`` at most ``size``, the size of a published checkpoint.
    """
    query = select(DocumentRow).where(
        DocumentRow.party == party,
        col(DocumentRow.register_index) >= start,
        col(DocumentRow.register_index) < size,
    )
    if codes is not None:
        to = (col(DocumentRow.recipients).contains(f",{code},", autoescape=True) for code in sorted(codes))
        query = query.where(or_(*to))
    rows = [_held(row) for row in session.exec(query.order_by(col(DocumentRow.register_index)).limit(limit))]
    if len(rows) < limit:
        return rows, max(start, size)
    last = rows[-1].register_index
    assert last is not None
    return rows, last + 1


def addressed(session: Session, party: str, *, start: int, end: int) -> set[str]:
    """The codes to which the entries ``[start, end)`` of the own register are addressed; multiple use is for nobody."""
    query = (
        select(DocumentRow.recipients)
        .where(
            DocumentRow.party == party, col(DocumentRow.register_index) >= start, col(DocumentRow.register_index) < end
        )
        .distinct()
    )
    return {code for recipients in session.exec(query) for code in _split(recipients)} - {EVERYBODY}


def given(session: Session, party: str, digests: Sequence[str], *, codes: Collection[str] | None) -> dict[str, bytes]:
    """The documents of this Party among ``digests`` that one of ``codes`` may have, as recipient or through an alert.

    None: who asks wrote them, and may have all.
    """
    result: dict[str, bytes] = {}
    for sha256 in digests:
        row = session.get(DocumentRow, (party, sha256))
        if row is None:
            continue
        if codes is None:
            result[sha256] = row.xml
            continue
        addressed = not set(_split(row.recipients)).isdisjoint(codes)
        if addressed or any(session.get(GrantRow, (code, sha256)) is not None for code in codes):
            result[sha256] = row.xml
    return result


def numbered_from(session: Session, party: str, start: int) -> list[str]:
    """The digests of this Party's documents at ``start`` and after, in register order."""
    query = select(DocumentRow.sha256).where(DocumentRow.party == party, col(DocumentRow.register_index) >= start)
    return list(session.exec(query.order_by(col(DocumentRow.register_index))))


def grant(session: Session, sha256: str, *, codes: Collection[str]) -> None:
    """Let these Parties have this own document, too. Granting twice changes nothing."""
    for code in codes:
        if session.get(GrantRow, (code, sha256)) is None:
            session.add(GrantRow(code=code, sha256=sha256))
    session.flush()


def audience_of(session: Session, sha256: str, *, party: str) -> tuple[str, ...]:
    """Everybody who had this own document, as recipient or through an alert: whom a correction must reach."""
    row = session.get(DocumentRow, (party, sha256))
    recipients = _split(row.recipients) if row is not None else ()
    granted = session.exec(select(GrantRow.code).where(GrantRow.sha256 == sha256))
    return tuple(sorted({*recipients, *granted}))


def want(session: Session, *, party: str, sha256: str, register_index: int, now: datetime) -> None:
    """Remember to ask this Party for a document; one that was asked for in vain goes to the end of the queue."""
    row = session.get(WantedRow, (party, sha256))
    if row is not None:
        row.asked_at = now
    elif not held(session, party, [sha256]):
        session.add(WantedRow(party=party, sha256=sha256, register_index=register_index, asked_at=now))
    session.flush()


def wanted(session: Session, party: str) -> dict[str, int]:
    """The next digests to ask this Party for, at most 256, each with its register index."""
    query = select(WantedRow).where(WantedRow.party == party).order_by(col(WantedRow.asked_at), col(WantedRow.sha256))
    return {row.sha256: row.register_index for row in session.exec(query.limit(256))}


def no_longer_wanted(session: Session, party: str, digests: Collection[str]) -> None:
    """The documents came, or went to quarantine."""
    for some in _each(party, digests):
        session.core.execute(_CAME, some)


def quarantine(
    session: Session,
    *,
    party: str,
    sha256: str,
    reason: str,
    document: bytes,
    register_index: int | None,
    now: datetime,
) -> None:
    """Keep a refused document with its reason; once its own bytes are kept, nothing changes any more."""
    row = session.get(QuarantineRow, (party, sha256))
    if row is None:
        row = QuarantineRow(
            party=party,
            sha256=sha256,
            reason=reason,
            document=document,
            register_index=register_index,
            at=now,
        )
        session.add(row)
    elif row.register_index is None:
        row.register_index = register_index  # a register lists again what a former one listed
    elif hashlib.sha256(row.document).hexdigest() != sha256:
        row.reason, row.document, row.at = reason, document, now
    session.flush()


def aside(session: Session, party: str, digests: Collection[str]) -> set[str]:
    """Those of the digests for which something is in quarantine."""
    query = select(QuarantineRow.sha256).where(
        QuarantineRow.party == party, col(QuarantineRow.sha256).in_(sorted(digests))
    )
    return set(session.exec(query)) if digests else set()


def quarantined(session: Session, party: str | None = None) -> list[tuple[str, str, str, int | None]]:
    """(party, digest, reason, register index) of every refused document, oldest first."""
    query = select(QuarantineRow).order_by(col(QuarantineRow.at), col(QuarantineRow.sha256))
    if party is not None:
        query = query.where(QuarantineRow.party == party)
    return [(row.party, row.sha256, row.reason, row.register_index) for row in session.exec(query)]


def aside_at(session: Session, party: str) -> set[int]:
    """The entries of this Party's register whose documents are in quarantine."""
    query = select(QuarantineRow.register_index).where(QuarantineRow.party == party)
    return {index for index in session.exec(query) if index is not None}


def quarantined_for(session: Session, party: str, reason: str) -> list[tuple[str, int, bytes]]:
    """(digest, register index, bytes) of this Party's documents that were refused for this reason."""
    query = select(QuarantineRow).where(
        QuarantineRow.party == party,
        QuarantineRow.reason == reason,
        col(QuarantineRow.register_index).is_not(None),
    )
    rows = session.exec(query.order_by(col(QuarantineRow.register_index), col(QuarantineRow.sha256)))
    return [(row.sha256, row.register_index, row.document) for row in rows if row.register_index is not None]


def leave_quarantine(session: Session, party: str, digests: Iterable[str]) -> None:
    """These documents are recorded now."""
    for some in _each(party, digests):
        session.core.execute(_LEFT, some)


def _joined(recipients: Sequence[str]) -> str:
    return f",{','.join(recipients)}," if recipients else ""


def _split(text: str) -> tuple[str, ...]:
    return tuple(part for part in text.split(",") if part)


def _held(row: DocumentRow) -> HeldDocument:
    return HeldDocument(
        party=row.party,
        sha256=row.sha256,
        type=row.type,
        xml=row.xml,
        salt=row.salt,
        permit_salt=row.permit_salt,
        recipients=_split(row.recipients),
        permit_issuer=row.permit_issuer,
        permit_number=row.permit_number,
        register_index=row.register_index,
        at=row.at,
        received_at=row.received_at,
        proven_at=row.proven_at or row.received_at,
        is_void=row.is_void,
        former=None
        if row.former_register is None or row.former_index is None
        else (row.former_register, row.former_index),
    )
