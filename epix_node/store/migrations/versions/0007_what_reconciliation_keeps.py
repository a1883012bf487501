"""Extracts, chains, accounts and coverage, notices; and the columns that findings over many permits ask for.

Accounts, coverage and the rungs of events that are held already come with ``reconcile --full --rewrite``. The extracts
of permits that are held already are due.
"""

import json
from collections.abc import Iterator, Sequence
from typing import Any

import sqlalchemy as sa
from alembic import op

from epix_node.permit.json import permit_from_json
from epix_node.permit.neighbours import shapes_of_mistyped
from epix_node.permit.number import normalised  # contract 1 fixes what it does
from epix_node.store.reconcile_tables import SumLineRow
from epix_node.store.sums import rows_of

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

_AT_ONCE = 500
_MAX_NUMBER_CHARACTERS = 70


def upgrade() -> None:
    _add_columns()
    _make_tables()
    _fill_lines()
    _fill_events()
    _fill_orphans()


def _add_columns() -> None:
    for name in ("appendix", "source", "origin_country"):
        op.add_column("permit_line", sa.Column(name, sa.String(), nullable=True))
    op.add_column("event_line", sa.Column("taxon", sa.String(), nullable=True))
    op.add_column("event", sa.Column("is_plain", sa.Boolean(), nullable=False, server_default=sa.false()))
    for name, kind in (
        ("rung", sa.Integer),
        ("meant_type", sa.String),
        ("meant_number", sa.String),
        ("meant_year", sa.Integer),
    ):
        op.add_column("event", sa.Column(name, kind(), nullable=True))


def _text(name: str, *, nullable: bool = False) -> sa.Column[str]:
    return sa.Column(name, sa.String(), nullable=nullable)


def _key(*names: str) -> list[sa.Column[Any]]:
    return [sa.Column(n, sa.Integer() if n == "year" else sa.String(), primary_key=True, nullable=False) for n in names]


def _make_tables() -> None:
    flag, whole, time = sa.Boolean(), sa.Integer(), sa.BigInteger()
    op.create_table(
        "extract",
        *_key("party", "document"),
        *(_text(name) for name in ("issuer", "type", "number")),
        sa.Column("year", whole, nullable=False),
        sa.Column("register_index", whole, nullable=True),
        sa.Column("at", time, nullable=False),
        _text("body"),
        sa.Column("is_void", flag, nullable=False),
    )
    op.create_index("ix_extract_number", "extract", ["issuer", "number"])
    op.create_table("extract_due", *_key("issuer", "type", "number", "year"))
    op.create_table(
        "draw",
        *_key("party", "document"),
        sa.Column("ordinal", whole, primary_key=True, nullable=False),
        *(_text(name) for name in ("parent_issuer", "parent_number", "issuer", "type", "number")),
        sa.Column("year", whole, nullable=False),
    )
    op.create_index("ix_draw_parent", "draw", ["parent_issuer", "parent_number"])
    op.create_index("ix_draw_certificate", "draw", ["issuer", "number"])
    op.create_table(
        "account",
        *_key("issuer", "number", "type", "year"),
        _text("destination"),
        *(_text(name, nullable=True) for name in ("due_on", "exported_on", "confirmed_on", "counted")),
        sa.Column("stale", flag, nullable=True),
    )
    op.create_index("ix_account_due", "account", ["issuer", "destination", "due_on"])
    given = sa.text("stale IS NOT NULL")
    op.create_index("ix_account_stale", "account", ["stale"], sqlite_where=given, postgresql_where=given)
    op.create_table(
        "coverage",
        *_key("issuer", "destination", "direction", "day"),
        sa.Column("expected", whole, nullable=False),
        sa.Column("met", whole, nullable=False),
        sa.Column("is_evidence", flag, nullable=False),
    )
    op.create_table(
        "observed",
        *_key("issuer", "destination", "direction"),
        _text("acted_until", nullable=True),
    )
    op.create_table(
        "notice",
        *_key("id"),
        _text("finding_id"),
        sa.Column("opened", time, nullable=False),
        sa.Column("webhook_done", flag, nullable=False),
        sa.Column("email_done", flag, nullable=False),
        sa.Column("tries", whole, nullable=False),
        sa.Column("next_try", time, nullable=False),
    )
    op.create_index("ix_notice_next", "notice", ["next_try"])
    op.create_table("orphan_shape", *_key("issuer", "shape", "number"))
    op.create_index("ix_permit_route", "permit", ["issuer", "importer_country", "issued_on"])
    op.create_table("stale_sum", *_key("pattern", "issuer", "number", "year"))
    op.create_table(
        "sum_line",
        *_key("pattern", "sum_issuer", "sum_number"),
        sa.Column("sum_year", whole, primary_key=True, nullable=False),
        *_key("issuer", "type", "number", "year"),
        sa.Column("ordinal", whole, primary_key=True, nullable=False),
        *(_text(name) for name in ("part", "block")),
        *(_text(name, nullable=True) for name in ("unit", "unit_class")),
        sa.Column("quota_micro", sa.BigInteger(), nullable=True),
        _text("replaces", nullable=True),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_sum_line_permit", "sum_line", ["issuer", "number"])


def _pages(
    rows: sa.TableClause, keys: tuple[str, ...], where: sa.ColumnElement[bool] | None, *columns: str
) -> Iterator[Sequence[Any]]:
    """The rows in pages by key; ``keys`` come first in each."""
    ordered = [rows.c[name] for name in keys]
    after: tuple[object, ...] | None = None
    while True:
        query = sa.select(*ordered, *(rows.c[name] for name in columns)).order_by(*ordered).limit(_AT_ONCE)
        if where is not None:
            query = query.where(where)
        if after is not None:
            query = query.where(sa.tuple_(*ordered) > sa.tuple_(*after))
        page = op.get_bind().execute(query).all()
        if not page:
            return
        yield page
        after = tuple(page[-1])[: len(keys)]


def _fill_lines() -> None:
    keys = ("issuer", "type", "number", "year")
    permit = sa.table("permit", *map(sa.column, (*keys, "party", "document", "body")))
    line = sa.table("permit_line", *map(sa.column, (*keys, "ordinal", "appendix", "source", "origin_country")))
    draw = sa.table("draw", *map(sa.column, ("party", "document", "ordinal", "parent_issuer", "parent_number", *keys)))
    sum_line = sa.table("sum_line", *map(sa.column, SumLineRow.model_fields))
    due = sa.table("extract_due", *map(sa.column, keys))
    put = (
        line.update()
        .where(*(line.c[name] == sa.bindparam(f"of_{name}") for name in (*keys, "ordinal")))
        .values(appendix=sa.bindparam("a"), source=sa.bindparam("s"), origin_country=sa.bindparam("o"))
    )
    for page in _pages(permit, keys, None, "party", "document", "body"):
        changes, draws = [], []
        for issuer, type_, number, year, party, document, text in page:
            for ordinal, given in enumerate(json.loads(text)["lines"]):
                origin = given.get("origin") or {}
                changes.append(
                    {
                        "of_issuer": issuer,
                        "of_type": type_,
                        "of_number": number,
                        "of_year": year,
                        "of_ordinal": ordinal,
                        "a": given.get("appendix"),
                        "s": (given.get("sources") or [None])[0],
                        "o": origin.get("country"),
                    }
                )
                parent = _parent(given.get("last_reexport") or {}, origin, issuer)
                if type_ == "R" and parent is not None:
                    draws.append(
                        {
                            "party": party,
                            "document": document,
                            "ordinal": ordinal,
                            "parent_issuer": parent[0],
                            "parent_number": parent[1],
                            "issuer": issuer,
                            "type": type_,
                            "number": number,
                            "year": year,
                        }
                    )
        op.get_bind().execute(put, changes)
        told = [dict(zip(keys, row, strict=False)) for row in page if _is_told(json.loads(row[-1]))]
        if told:
            op.get_bind().execute(due.insert(), told)
        if draws:
            op.get_bind().execute(draw.insert(), draws)
        added = [row for *_, text in page for row in rows_of(permit_from_json(json.loads(text)))]
        if added:
            op.get_bind().execute(sum_line.insert(), added)


def _is_told(permit: dict[str, Any]) -> bool:
    """Whether other countries than issuer and recipient are told of it (protocol decision 3), if it is an own one.

    Which are own ones is not known here: the first round looks at each, and drops the others.
    """
    if permit.get("multi_use"):
        return False
    boxes = [line.get(box) or {} for line in permit["lines"] for box in ("origin", "last_reexport")]
    named = {*(permit.get("transit") or ()), *(box.get("country") for box in boxes)}
    recipient = permit.get("exporter" if permit["type"] == "I" else "importer") or {}
    return bool(named - {permit["issuer"], recipient.get("country"), None})


def _parent(last: dict[str, Any], origin: dict[str, Any], issuer: str) -> tuple[str, str] | None:
    """As ``permit.chain.parent_of`` was when this was written."""
    last_named, origin_named = _named(last), _named(origin)
    if last_named is not None and (last_named[0] != issuer or origin_named is None):
        return last_named
    return origin_named


def _named(document: dict[str, Any]) -> tuple[str, str] | None:
    country, number = (document.get("country") or "").strip().upper(), normalised(document.get("permit") or "")
    return (country, number) if country and 0 < len(number) <= _MAX_NUMBER_CHARACTERS else None


def _fill_events() -> None:
    keys = ("party", "document")
    event = sa.table("event", *map(sa.column, (*keys, "kind", "body", "is_plain")))
    line = sa.table("event_line", *map(sa.column, (*keys, "ordinal", "taxon")))
    mark = event.update().where(event.c.party == sa.bindparam("of"), event.c.document == sa.bindparam("digest"))
    name = line.update().where(
        line.c.party == sa.bindparam("of"),
        line.c.document == sa.bindparam("digest"),
        line.c.ordinal == sa.bindparam("place"),
    )
    counts = event.c.kind.in_(["export-endorsement", "import-confirmation"])
    for page in _pages(event, keys, counts, "body"):
        plain, named = [], []
        for party, document, text in page:
            body = json.loads(text)
            lines = body.get("lines") or []
            if not any(body.get(member) for member in ("basis", "continues", "presented")) and (
                body.get("outcome") in (None, "released")
                and all(one.get("block") is not None and one.get("outcome") is None for one in lines)
            ):
                plain.append({"of": party, "digest": document})
            named += [
                {"of": party, "digest": document, "place": place, "found": one["taxon"]}
                for place, one in enumerate(lines)
                if one.get("taxon") is not None
            ]
        if plain:
            op.get_bind().execute(mark.values(is_plain=sa.true()), plain)
        if named:
            op.get_bind().execute(name.values(taxon=sa.bindparam("found")), named)


def _fill_orphans() -> None:
    keys = ("issuer", "number")
    orphan = sa.table("orphan", *map(sa.column, keys))
    shape = sa.table("orphan_shape", *map(sa.column, ("issuer", "shape", "number")))
    for page in _pages(orphan, keys, None):
        shaped = [
            {"issuer": issuer, "shape": spelled, "number": number}
            for issuer, number in page
            for spelled in shapes_of_mistyped(number)
        ]
        op.get_bind().execute(shape.insert(), shaped)
