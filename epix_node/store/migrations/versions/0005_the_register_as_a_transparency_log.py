"""Tiles, witnesses, gossip, awaited and withheld entries: what makes a register one that cannot lie.

Registers that are held already get the roots of their complete subtrees, and the heads of their commitments, from
their entries. No last-signed record exists for the own one yet: the node writes it when it opens.
"""

import hashlib
import re

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_C = re.compile(rb'"c":"([0-9a-f]{16})')
_BUNDLE = 256


def upgrade() -> None:
    op.add_column("register", sa.Column("witnessed_size", sa.Integer(), nullable=False, server_default="0"))
    op.add_column("register", sa.Column("witnessed", sa.LargeBinary(), nullable=True))
    op.add_column("register", sa.Column("is_sealed", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.add_column("register", sa.Column("halted", sa.String(), nullable=True))
    op.add_column("register", sa.Column("is_watched", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.add_column("register", sa.Column("latest_at", sa.BigInteger(), nullable=True))
    op.add_column("entry", sa.Column("c_head", sa.BigInteger(), nullable=True))
    op.add_column("proof", sa.Column("witnessed_at", sa.BigInteger(), nullable=True))
    op.add_column("proof", sa.Column("grown_after", sa.BigInteger(), nullable=True))
    op.add_column("permit", sa.Column("issued_at", sa.BigInteger(), nullable=True))
    op.add_column("permit", sa.Column("grown_after", sa.BigInteger(), nullable=True))
    op.add_column("permit", sa.Column("witnessed_at", sa.BigInteger(), nullable=True))
    op.add_column("status_card", sa.Column("withheld_since", sa.BigInteger(), nullable=True))
    op.add_column("status_card", sa.Column("merge_delay_micros", sa.BigInteger(), nullable=True))
    op.add_column("document", sa.Column("former_register", sa.String(), nullable=True))
    op.add_column("document", sa.Column("former_index", sa.Integer(), nullable=True))
    given = sa.text("former_index IS NOT NULL")
    op.create_index(
        "ix_document_former",
        "document",
        ["former_register", "former_index"],
        sqlite_where=given,
        postgresql_where=given,
    )
    op.create_table(
        "disorder",
        sa.Column("party", sa.String(), nullable=False),
        sa.Column("index", sa.Integer(), nullable=False),
        sa.Column("later_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("party", "index"),
    )
    op.create_table(
        "subtree",
        sa.Column("party", sa.String(), nullable=False),
        sa.Column("level", sa.Integer(), nullable=False),
        sa.Column("index", sa.Integer(), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("party", "level", "index"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "pending",
        sa.Column("party", sa.String(), nullable=False),
        sa.Column("ordinal", sa.Integer(), nullable=False),
        sa.Column("sha256", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("party", "ordinal"),
    )
    op.create_table(
        "lost",
        sa.Column("party", sa.String(), nullable=False),
        sa.Column("index", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("party", "index"),
    )
    op.create_table(
        "awaited",
        sa.Column("party", sa.String(), nullable=False),
        sa.Column("permit_salt", sa.LargeBinary(), nullable=False),
        sa.Column("length", sa.Integer(), nullable=False),
        sa.Column("c_head", sa.BigInteger(), nullable=False),
        sa.Column("c", sa.LargeBinary(), nullable=False),
        sa.Column("issuer", sa.String(), nullable=False),
        sa.Column("type", sa.String(), nullable=False),
        sa.Column("number", sa.String(), nullable=False),
        sa.Column("year", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("party", "permit_salt"),
    )
    op.create_index("ix_awaited_c_head", "awaited", ["party", "c_head"])
    op.create_table(
        "withheld",
        sa.Column("party", sa.String(), nullable=False),
        sa.Column("index", sa.Integer(), nullable=False),
        sa.Column("issuer", sa.String(), nullable=False),
        sa.Column("type", sa.String(), nullable=False),
        sa.Column("number", sa.String(), nullable=False),
        sa.Column("year", sa.Integer(), nullable=False),
        sa.Column("since", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("party", "index"),
    )
    op.create_index("ix_withheld_number", "withheld", ["issuer", "number"])
    op.create_table(
        "cosigned",
        sa.Column("origin", sa.String(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("root", sa.LargeBinary(), nullable=False),
        sa.Column("note", sa.LargeBinary(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("origin"),
    )
    op.create_table(
        "sighting",
        sa.Column("origin", sa.String(), nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("root", sa.LargeBinary(), nullable=False),
        sa.Column("note", sa.LargeBinary(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("origin", "source"),
    )
    op.create_table(
        "conflict",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("party", sa.String(), nullable=False),
        sa.Column("origin", sa.String(), nullable=False),
        sa.Column("evidence", sa.LargeBinary(), nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("found_at", sa.BigInteger(), nullable=False),
        sa.Column("is_reported", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_conflict_origin", "conflict", ["origin"])
    op.create_table(
        "scrub",
        sa.Column("party", sa.String(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("entries", sa.Integer(), nullable=False),
        sa.Column("problems", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("party"),
    )
    _fill()
    op.create_index("ix_entry_c_head", "entry", ["party", "c_head"])


def _fill() -> None:
    """Subtrees and heads of the entries that are held, one bundle at a time."""
    connection = op.get_bind()
    register = sa.table("register", sa.column("party"), sa.column("size"))
    entry = sa.table("entry", *(sa.column(name) for name in ("party", "index", "leaf", "c_head")))
    subtree = sa.table("subtree", *(sa.column(name) for name in ("party", "level", "index", "hash")))
    put = (
        entry.update()
        .where(entry.c.party == sa.bindparam("of"), entry.c.index == sa.bindparam("at"))
        .values(c_head=sa.bindparam("head"))
    )
    for party, size in connection.execute(sa.select(register.c.party, register.c.size)).all():
        levels: list[list[bytes]] = []
        for start in range(0, size, _BUNDLE):
            rows = connection.execute(
                sa.select(entry.c.index, entry.c.leaf)
                .where(entry.c.party == party, entry.c.index >= start, entry.c.index < min(size, start + _BUNDLE))
                .order_by(entry.c.index)
            ).all()
            connection.execute(put, [{"of": party, "at": index, "head": _head(leaf)} for index, leaf in rows])
            hashes = [hashlib.sha256(b"\x00" + leaf).digest() for _, leaf in rows]
            level = 0
            while len(hashes) == _BUNDLE:
                root, level = _root(hashes), level + 1
                if len(levels) < level:
                    levels.append([])
                levels[level - 1].append(root)
                made = {"party": party, "level": level, "index": len(levels[level - 1]) - 1, "hash": root}
                connection.execute(subtree.insert(), [made])
                full = len(levels[level - 1]) % _BUNDLE == 0
                hashes = levels[level - 1][-_BUNDLE:] if full else []


def _head(leaf: bytes) -> int | None:
    found = _C.search(leaf)
    return int.from_bytes(bytes.fromhex(found[1].decode()), "big", signed=True) if found else None


def _root(hashes: list[bytes]) -> bytes:
    while len(hashes) > 1:
        pairs = zip(hashes[::2], hashes[1::2], strict=True)
        hashes = [hashlib.sha256(b"\x01" + left + right).digest() for left, right in pairs]
    return hashes[0]
