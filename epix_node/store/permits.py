"""Permits of all issuers, as indexes over their documents."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from sqlalchemy import Row, and_, bindparam, delete, insert, tuple_
from sqlalchemy import select as select_rows
from sqlmodel import col, select

from epix_node.permit.facts import PermitFact, Source
from epix_node.permit.json import permit_to_json
from epix_node.permit.kept import kept_permit
from epix_node.permit.number import PermitKey, normalised
from epix_node.permit.status import Status
from epix_node.permit.timing import Timing
from epix_node.store import cursors, sums
from epix_node.store.columns import table
from epix_node.store.database import Database, Session
from epix_node.store.tables import PermitCheckRow, PermitLineRow, PermitRow, StatusCardRow

_PERMIT = table(PermitRow)
_INSERT = insert(_PERMIT)
_INSERT_LINE = insert(table(PermitLineRow))
_NUMBERED = (
    select_rows(_PERMIT)
    .where(_PERMIT.c.issuer == bindparam("of"), _PERMIT.c.number == bindparam("numbered"))
    .order_by(_PERMIT.c.type, _PERMIT.c.year)
)
_WITH_NUMBERS = (
    select_rows(_PERMIT)
    .where(_PERMIT.c.issuer == bindparam("of"), _PERMIT.c.number.in_(bindparam("numbers", expanding=True)))
    .order_by(_PERMIT.c.number, _PERMIT.c.type, _PERMIT.c.year)
)
_IS_KEY = and_(
    _PERMIT.c.issuer == bindparam("of"),
    _PERMIT.c.type == bindparam("typed"),
    _PERMIT.c.number == bindparam("numbered"),
    _PERMIT.c.year == bindparam("dated"),
)
_KEYED = select_rows(_PERMIT).where(_IS_KEY)
_HELD = select_rows(_PERMIT.c.is_void).where(_IS_KEY)
_HELD_OF = select_rows(_PERMIT.c.type, _PERMIT.c.number, _PERMIT.c.year, _PERMIT.c.is_void).where(
    _PERMIT.c.issuer == bindparam("of"), _PERMIT.c.number.in_(bindparam("numbers", expanding=True))
)
_KEYS_AT_ONCE = 400
"""Numbers in one statement; SQLite allows as many thousands."""
_INDEXES = tuple(table(row) for row in (PermitRow, PermitLineRow, PermitCheckRow, StatusCardRow))
_STAMPED = select_rows(_PERMIT).where(_PERMIT.c.issuer == bindparam("of"), _PERMIT.c.stamp == bindparam("bearing"))


def add(session: Session, items: Iterable[tuple[PermitFact, str | None, str | None]]) -> None:
    """Index permits whose documents are kept, each with its token's digest and, if own, its token.

    The caller has checked that the keys are free.
    """
    rows: list[dict[str, Any]] = []
    lines: list[dict[str, Any]] = []
    counted: list[dict[str, Any]] = []
    for fact, digest, token_ in items:
        permit, source, key = fact.permit, fact.source, fact.key.to_json()
        assert permit.issued_on is not None
        rows.append(
            {
                **key,
                "party": source.party,
                "document": source.document,
                "issued_on": permit.issued_on.isoformat(),
                "valid_from": _iso(permit.in_force_from),
                "valid_until": _iso(permit.valid_until),
                "importer_country": permit.destination,
                "exporter_country": permit.origin_country,
                "multi_use": permit.multi_use,
                "legacy": permit.legacy,
                "stamp": comparable_stamp(permit.security_stamp),
                "token_digest": digest,
                "token": token_,
                "register_index": source.index,
                "at": source.at,
                "issued_at": fact.timing.signed_at if fact.timing else None,
                "grown_after": fact.timing.grown_after if fact.timing else None,
                "witnessed_at": fact.timing.witnessed_at if fact.timing else None,
                "is_void": fact.is_void,
                "body": json.dumps(permit_to_json(permit), ensure_ascii=False, separators=(",", ":")),
            }
        )
        counted += sums.rows_of(permit)
        for ordinal, line in enumerate(permit.lines):
            permitted = line.permitted()
            lines.append(
                {
                    **key,
                    "ordinal": ordinal,
                    "block": line.block,
                    "taxon": line.taxon,
                    "term": line.term,
                    "quantity": line.quantity,
                    "unit": line.unit,
                    "unit_class": permitted.unit_class.value if permitted else None,
                    "micro": permitted.micro if permitted else None,
                    "appendix": line.appendix,
                    "source": line.sources[0] if line.sources else None,
                    "origin_country": line.origin.country if line.origin else None,
                }
            )
    if rows:
        session.core.execute(_INSERT, rows)
        session.core.execute(_INSERT_LINE, lines)
    sums.add(session, counted)


def taken(session: Session, key: PermitKey) -> bool | None:
    """Whether a permit that counts is held under this key; None where one is held that counts no more."""
    row = session.core.execute(_HELD, _by_key(key)).first()
    if row is None:
        return False
    return None if row.is_void else True


def all_taken(session: Session, keys: Sequence[PermitKey]) -> dict[PermitKey, bool | None]:
    """As ``taken`` for each of many keys, in a statement for some hundreds of them."""
    found: dict[PermitKey, bool | None] = dict.fromkeys(keys, False)
    numbers: dict[str, set[str]] = {}
    for key in keys:
        numbers.setdefault(key.issuer, set()).add(key.number)
    for issuer, wanted in numbers.items():
        ordered = sorted(wanted)
        for start in range(0, len(ordered), _KEYS_AT_ONCE):
            of_issuer = {"of": issuer, "numbers": ordered[start : start + _KEYS_AT_ONCE]}
            for row in session.core.execute(_HELD_OF, of_issuer):
                key = PermitKey(issuer=issuer, type=row.type, number=row.number, year=row.year)
                if key in found:
                    found[key] = None if row.is_void else True
    return found


def remove(session: Session, key: PermitKey) -> None:
    """Forget the indexes over a permit that counts no more, its card and check among them; its document stays."""
    sums.forget(session, key)
    for of in _INDEXES:
        session.core.execute(delete(of).where(*(of.c[name] == value for name, value in key.to_json().items())))


def is_new(database: Database, key: PermitKey, stamp: str | None) -> bool:
    """Whether no permit is held under this key and the stamp is on none: one cheap look before the work of signing.

    True may be out of date when the permit is recorded, so recording looks again.
    """
    found = database.point("SELECT 1 FROM permit WHERE issuer = ? AND number = ? LIMIT 1", (key.issuer, key.number))
    return found is None and comparable_stamp(stamp) is None


def is_stamp_held(database: Database, key: PermitKey, stamp: str | None) -> bool:
    """Whether another permit of the issuer bears the security stamp (STP-01): one look outside any transaction."""
    text = comparable_stamp(stamp)
    if text is None:
        return False
    statement = (
        "SELECT 1 FROM permit WHERE issuer = ? AND stamp = ? AND NOT (type = ? AND number = ? AND year = ?) LIMIT 1"
    )
    return database.point(statement, (key.issuer, text, key.type, key.number, key.year)) is not None


def find(session: Session, key: PermitKey) -> PermitFact | None:
    """The permit with this key, without its withdrawal; ``cases.load`` has the whole story."""
    row = session.core.execute(_KEYED, _by_key(key)).first()
    return None if row is None else _fact(row)


def numbered(session: Session, issuer: str, number: str) -> tuple[PermitFact, ...]:
    """Every permit of this issuer with this normalised number, in key order, those that count no more among them."""
    rows = session.core.execute(_NUMBERED, {"of": issuer, "numbered": number})
    return tuple(_fact(row) for row in rows)


def with_numbers(session: Session, issuer: str, numbers: Collection[str]) -> tuple[PermitFact, ...]:
    """The permits of this issuer that carry one of these normalised numbers, by number and key."""
    found: list[PermitFact] = []
    ordered = sorted(numbers)
    for start in range(0, len(ordered), 500):
        chunk = ordered[start : start + 500]
        found += [_fact(row) for row in session.core.execute(_WITH_NUMBERS, {"of": issuer, "numbers": chunk})]
    return tuple(found)


def stamp_holder(session: Session, issuer: str, stamp: str | None) -> PermitKey | None:
    """The permit of this issuer that bears the security stamp already (STP-01)."""
    if (text := comparable_stamp(stamp)) is None:
        return None
    row = session.core.execute(_STAMPED, {"of": issuer, "bearing": text}).first()
    return None if row is None else _key(row)


def token_digest(session: Session, key: PermitKey) -> str | None:
    """Hex SHA-256 of the permit's token, as its header states it."""
    row = session.core.execute(_KEYED, _by_key(key)).first()
    return None if row is None else row.token_digest


def token(session: Session, key: PermitKey) -> str | None:
    """The token of an own permit; ``None`` at every other node."""
    row = session.core.execute(_KEYED, _by_key(key)).first()
    return None if row is None else row.token


@dataclass(frozen=True, slots=True, kw_only=True)
class PermitFilter:
    """What ``GET /permits`` may ask for; ``None`` asks nothing."""

    issuer: str | None = None
    number: str | None = None
    type: str | None = None
    year: int | None = None
    taxon: str | None = None
    issued_from: date | None = None
    issued_to: date | None = None
    status: Status | None = None
    on: date


def page(
    session: Session, wanted: PermitFilter, *, cursor: str | None, limit: int
) -> tuple[list[PermitFact], str | None]:
    """Permits by issue date and number, ``limit`` at a time, and the cursor of the next page.

    Raises:
        InputError: the cursor is not one that this function made.
    """
    query = select(PermitRow)
    if wanted.issuer is not None:
        query = query.where(PermitRow.issuer == wanted.issuer)
    if wanted.number is not None:
        query = query.where(PermitRow.number == wanted.number)
    if wanted.type is not None:
        query = query.where(PermitRow.type == wanted.type)
    if wanted.year is not None:
        query = query.where(PermitRow.year == wanted.year)
    if wanted.issued_from is not None:
        query = query.where(col(PermitRow.issued_on) >= wanted.issued_from.isoformat())
    if wanted.issued_to is not None:
        query = query.where(col(PermitRow.issued_on) <= wanted.issued_to.isoformat())
    if wanted.taxon is not None:
        query = query.where(
            select(PermitLineRow.ordinal)
            .where(
                PermitLineRow.issuer == PermitRow.issuer,
                PermitLineRow.type == PermitRow.type,
                PermitLineRow.number == PermitRow.number,
                PermitLineRow.year == PermitRow.year,
                PermitLineRow.taxon == wanted.taxon,
            )
            .exists()
        )
    if wanted.status is not None:
        query = query.join(
            StatusCardRow,
            (col(StatusCardRow.issuer) == PermitRow.issuer)
            & (col(StatusCardRow.number) == PermitRow.number)
            & (col(StatusCardRow.type) == PermitRow.type)
            & (col(StatusCardRow.year) == PermitRow.year),
        ).where(_has_status(wanted.status, wanted.on.isoformat()))
    order = (col(PermitRow.issued_on), col(PermitRow.number), col(PermitRow.issuer), col(PermitRow.type))
    if cursor is not None:
        query = query.where(tuple_(*order) > tuple_(*cursors.decode(cursor, parts=4)))
    rows = list(session.exec(query.order_by(*order).limit(limit + 1)))
    following = None
    if len(rows) > limit:
        last = rows[limit - 1]
        following = cursors.encode((last.issued_on, last.number, last.issuer, last.type))
    return [_fact(row) for row in rows[:limit]], following


def _has_status(status: Status, on: str) -> Any:
    """``Standing.status_on`` as a condition in SQL."""
    card = StatusCardRow
    settled, moving = col(card.settled), col(card.moving)
    past = (col(card.valid_until).is_not(None)) & (col(card.valid_until) < on)
    early = (col(card.valid_from).is_not(None)) & (col(card.valid_from) > on)
    undecided = settled.is_(None) & ~past
    match status:
        case Status.EXPIRED:
            return settled.is_(None) & past
        case Status.EXPORTED | Status.PARTLY_USED:
            return undecided & (moving == status.value)
        case Status.NOT_YET_VALID:
            return undecided & moving.is_(None) & early
        case Status.VALID:
            return undecided & moving.is_(None) & ~early
        case _:
            return settled == status.value


def _fact(row: PermitRow | Row[Any]) -> PermitFact:
    return PermitFact(
        source=Source(document=row.document, type="permit", party=row.party, index=row.register_index, at=row.at),
        permit=replace(kept_permit(json.loads(row.body)), legacy=row.legacy),
        is_void=bool(row.is_void),
        timing=_timing(row),
    )


def _timing(row: PermitRow | Row[Any]) -> Timing | None:
    if row.issued_at is None:
        return None
    return Timing(
        signed_at=row.issued_at, accepted_at=row.at, grown_after=row.grown_after, witnessed_at=row.witnessed_at
    )


def _key(row: PermitRow | Row[Any]) -> PermitKey:
    return PermitKey(issuer=row.issuer, type=row.type, number=row.number, year=row.year)


def _by_key(key: PermitKey) -> dict[str, Any]:
    return {"of": key.issuer, "typed": key.type, "numbered": key.number, "dated": key.year}


def _iso(day: date | None) -> str | None:
    return None if day is None else day.isoformat()


def comparable_stamp(stamp: str | None) -> str | None:
    """Stamps are compared as numbers are: spaces within them do not count. ``None`` where there is none."""
    return normalised(stamp).replace(" ", "") or None if stamp else None
