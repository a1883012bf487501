"""Everything held about one permit number, as one value (``permit.facts.Case``), and the status cards made of it."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping
from datetime import date, timedelta
from typing import Any

from sqlalchemy import bindparam, exists, insert, union, update
from sqlalchemy import select as select_rows
from sqlmodel import col, select

from epix_node.permit.facts import Case, PermitFact
from epix_node.permit.line_balance import LineBalance
from epix_node.permit.number import PermitKey
from epix_node.permit.status import Flag, Standing, Status, void_standing
from epix_node.store import case_pages
from epix_node.store.columns import table
from epix_node.store.database import Session
from epix_node.store.reconcile_tables import DrawRow
from epix_node.store.tables import EventRow, FindingRow, PermitRow, StatusCardRow

_MICROSECOND = timedelta(microseconds=1)

_CARD = table(StatusCardRow)
_EVENT = table(EventRow)
_DRAW = table(DrawRow)
_FINDING = table(FindingRow)
_PERMIT = table(PermitRow)
_INSERT_CARD = insert(_CARD)
_UPDATE_CARD = update(_CARD).where(
    _CARD.c.issuer == bindparam("of"),
    _CARD.c.number == bindparam("numbered"),
    _CARD.c.type == bindparam("typed"),
    _CARD.c.year == bindparam("dated"),
)

_KEY = ("issuer", "type", "number", "year")
_CARDS = select_rows(_CARD).where(
    _CARD.c.issuer == bindparam("of"), _CARD.c.number.in_(bindparam("numbers", expanding=True))
)
_SPOKEN_OF = union(
    *(
        select_rows(numbered).where(of == bindparam("of"), numbered.in_(bindparam("numbers", expanding=True)))
        for of, numbered in (
            (_EVENT.c.permit_issuer, _EVENT.c.permit_number),
            (_EVENT.c.import_issuer, _EVENT.c.import_number),
            (_FINDING.c.issuer, _FINDING.c.number),
            (_DRAW.c.parent_issuer, _DRAW.c.parent_number),
        )
    )
)
_NUMBERS_AT_ONCE = 400
"""Numbers in one statement, which names them four times; SQLite allows as many thousands."""


def load(session: Session, issuer: str, number: str) -> Case:
    """The case of a normalised number: permits with their withdrawals, events, and uses as an import permit."""
    return case_pages.load(session, issuer, [number])[number]


def held_cards(session: Session, issuer: str, numbers: Collection[str]) -> dict[PermitKey, Mapping[str, Any]]:
    """The cards of permits with some hundred numbers of an issuer as they are kept, for ``put_card``."""
    rows = session.core.execute(_CARDS, {"of": issuer, "numbers": list(numbers)}).mappings()
    return {PermitKey(**{name: row[name] for name in _KEY}): dict(row) for row in rows}


def put_card(session: Session, fact: PermitFact, standing: Standing, *, held: Mapping[str, Any] | None = None) -> None:
    """Write the card of a permit, in the transaction that changed its facts, unless it is the same as ``held``."""
    card = _card(fact, standing)
    if held is not None and all(held[name] == value for name, value in card.items()):
        return
    key = standing.key
    identity = {"of": key.issuer, "numbered": key.number, "typed": key.type, "dated": key.year}
    if session.core.execute(_UPDATE_CARD, {**identity, **card}).rowcount == 0:
        session.core.execute(_INSERT_CARD, card)


def add_cards(session: Session, items: Iterable[tuple[PermitFact, Standing]]) -> None:
    """Write the first cards of permits that were not held before."""
    rows = [_card(fact, standing) for fact, standing in items]
    if rows:
        session.core.execute(_INSERT_CARD, rows)


def spoken_of(session: Session, numbers: Collection[tuple[str, str]]) -> set[tuple[str, str]]:
    """Those of the (issuer, number) pairs about which more than a permit is held.

    That is an event, a finding, or a certificate that draws on it.
    """
    by_issuer: dict[str, list[str]] = {}
    for issuer, number in sorted(numbers):
        by_issuer.setdefault(issuer, []).append(number)
    return {
        (issuer, number)
        for issuer, wanted in by_issuer.items()
        for start in range(0, len(wanted), _NUMBERS_AT_ONCE)
        for number in session.core.execute(
            _SPOKEN_OF, {"of": issuer, "numbers": wanted[start : start + _NUMBERS_AT_ONCE]}
        ).scalars()
    }


def void_cards(session: Session, documents: Iterable[tuple[str, str, str]]) -> None:
    """The cards of these permits, given as (issuer, number, document), say that they count no more."""
    rows = [{"of": issuer, "numbered": number, "digest": document} for issuer, number, document in documents]
    if rows:
        session.core.execute(_VOID_CARD, rows)


def _card(fact: PermitFact, standing: Standing) -> dict[str, Any]:
    return {
        **standing.key.to_json(),
        "party": fact.source.party,
        "register_index": fact.source.index,
        "issued_on": fact.permit.issued_on.isoformat() if fact.permit.issued_on else "",
        **_stated(standing),
    }


def _stated(standing: Standing) -> dict[str, Any]:
    return {
        "valid_from": standing.valid_from.isoformat() if standing.valid_from else None,
        "valid_until": standing.valid_until.isoformat() if standing.valid_until else None,
        "settled": standing.settled.value if standing.settled else None,
        "moving": standing.moving.value if standing.moving else None,
        "exported_in_time": standing.exported_in_time,
        "untouched": standing.untouched,
        "flags": ",".join(flag.value for flag in standing.flags),
        "replaced_by": json.dumps(standing.replaced_by.to_json()) if standing.replaced_by else None,
        "lines": json.dumps([line.to_json() for line in standing.lines], ensure_ascii=False, separators=(",", ":")),
        "is_void": standing.is_void,
        "merge_delay_micros": standing.merge_delay // _MICROSECOND or None,
    }


_VOID_CARD = (
    update(_CARD)
    .where(_CARD.c.issuer == bindparam("of"), _CARD.c.number == bindparam("numbered"))
    .where(
        exists().where(
            *(_PERMIT.c[name] == _CARD.c[name] for name in ("issuer", "number", "type", "year")),
            _PERMIT.c.document == bindparam("digest"),
        )
    )
    .values(**_stated(void_standing(PermitKey(issuer="", type="", number="", year=0))))
)


def cards(session: Session, issuer: str, number: str) -> tuple[Standing, ...]:
    """The standing of every permit with this number."""
    query = (
        select(StatusCardRow)
        .where(StatusCardRow.issuer == issuer, StatusCardRow.number == number)
        .order_by(col(StatusCardRow.type), col(StatusCardRow.year))
    )
    return tuple(_standing(row) for row in session.exec(query))


def _standing(row: StatusCardRow) -> Standing:
    return Standing(
        key=PermitKey(issuer=row.issuer, type=row.type, number=row.number, year=row.year),
        valid_from=date.fromisoformat(row.valid_from) if row.valid_from else None,
        valid_until=date.fromisoformat(row.valid_until) if row.valid_until else None,
        settled=Status(row.settled) if row.settled else None,
        moving=Status(row.moving) if row.moving else None,
        exported_in_time=row.exported_in_time,
        untouched=row.untouched,
        flags=tuple(Flag(flag) for flag in row.flags.split(",") if flag),
        replaced_by=PermitKey(**json.loads(row.replaced_by)) if row.replaced_by else None,
        lines=tuple(LineBalance(**line) for line in json.loads(row.lines)),
        is_void=row.is_void,
        merge_delay=(row.merge_delay_micros or 0) * _MICROSECOND,
        withheld_since=row.withheld_since,
    )
