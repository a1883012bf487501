"""Notices that wait: a class-A finding opened, and somebody is to be told by webhook and e-mail.

A notice is written in the transaction in which its finding opens, so that neither is ever there without the other. It
waits here, with its back-off, until every channel that is configured took it, and no restart forgets it.

Not here: what a notice says and how it is sent (``notices``).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import uuid4

from sqlalchemy import func
from sqlmodel import col, select

from epix_node.permit.finding import Finding, FindingClass, FindingState
from epix_node.store.database import Session
from epix_node.store.reconcile_tables import NoticeRow


class Channel(StrEnum):
    """A way by which people are told."""

    WEBHOOK = "webhook"
    EMAIL = "email"


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """One that waits; ``id`` is the same at each try, so that a receiver knows what it has already."""

    id: str
    finding_id: str
    opened: datetime
    done: frozenset[Channel]
    tries: int
    """How often it was tried in vain."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """How many notices wait, and since when the oldest does."""

    number: int
    oldest: datetime | None


def add_if_opened(session: Session, before: Finding | None, after: Finding, *, now: datetime) -> None:
    """A notice waits where the finding, which was ``before`` and is ``after``, opens in class A; else nothing does."""
    if _alarms(after) and not (before is not None and _alarms(before)):
        session.add(NoticeRow(id=str(uuid4()), finding_id=after.id, opened=now, next_try=now))


def due(session: Session, *, now: datetime | None, limit: int) -> tuple[Notice, ...]:
    """Notices to be tried now, or whenever for ``None``: those that failed least first, so that one delays no other."""
    query = select(NoticeRow)
    if now is not None:
        query = query.where(NoticeRow.next_try <= now)
    query = query.order_by(col(NoticeRow.tries), col(NoticeRow.opened), col(NoticeRow.id)).limit(limit)
    return tuple(_notice(row) for row in session.exec(query))


def waiting(session: Session) -> Waiting:
    """All that wait."""
    number, oldest = session.exec(select(func.count(), func.min(NoticeRow.opened))).one()
    return Waiting(number=number, oldest=oldest)


def take(session: Session, notice_id: str, channel: Channel, *, needed: frozenset[Channel]) -> None:
    """This channel took the notice; it is gone once each of those ``needed`` did."""
    row = session.get(NoticeRow, notice_id)
    if row is None:
        return
    if channel is Channel.WEBHOOK:
        row.webhook_done = True
    else:
        row.email_done = True
    if needed <= _done(row):
        session.delete(row)
    session.flush()


def put_off(session: Session, until: Mapping[str, datetime], *, failed: frozenset[str]) -> None:
    """These notices are left alone until then; those that ``failed`` were tried once more in vain."""
    for notice_id, moment in sorted(until.items()):
        row = session.get(NoticeRow, notice_id)
        if row is not None:
            row.next_try = moment
            row.tries += notice_id in failed
    session.flush()


def drop(session: Session, notice_ids: Iterable[str]) -> None:
    """These wait no more."""
    for notice_id in sorted(notice_ids):
        row = session.get(NoticeRow, notice_id)
        if row is not None:
            session.delete(row)
    session.flush()


def _alarms(finding: Finding) -> bool:
    return finding.class_ is FindingClass.ALERT and finding.state is FindingState.OPEN


def _done(row: NoticeRow) -> frozenset[Channel]:
    told = ((Channel.WEBHOOK, row.webhook_done), (Channel.EMAIL, row.email_done))
    return frozenset(channel for channel, is_done in told if is_done)


def _notice(row: NoticeRow) -> Notice:
    return Notice(id=row.id, finding_id=row.finding_id, opened=row.opened, done=_done(row), tries=row.tries)
