"""Which key signed each document and since when its entry is proven, so that a revocation finds what it ends.

Of documents that are held already, the key is read from their bytes. They were recorded under a verified checkpoint,
so the time of their arrival is an upper bound of the time when their entries were first held; own entries are proven
from the time at which the register took them.
"""

import base64
import hashlib
import re

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_CERTIFICATE = re.compile(rb"<(?:\w+:)?X509Certificate>([A-Za-z0-9+/=\s]+)</")
"""The signature is the last child of a document that was verified, and has exactly one."""

_AT_ONCE = 500


def upgrade() -> None:
    op.add_column("document", sa.Column("signed_by", sa.String(), nullable=True))
    op.add_column("document", sa.Column("proven_at", sa.BigInteger(), nullable=True))
    for table in ("document", "permit", "event", "status_card"):
        op.add_column(table, sa.Column("is_void", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.create_table(
        "proof",
        sa.Column("party", sa.String(), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("party", "size"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "revoked_key",
        sa.Column("kid", sa.String(), nullable=False),
        sa.Column("party", sa.String(), nullable=False),
        sa.Column("invalid_since", sa.BigInteger(), nullable=True),
        sa.Column("is_swept", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("kid"),
    )
    op.create_table(
        "unsettled",
        sa.Column("issuer", sa.String(), nullable=False),
        sa.Column("number", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("issuer", "number"),
    )
    _fill()
    op.create_index("ix_document_signed_by", "document", ["signed_by", "is_void", "proven_at"])


def _fill() -> None:
    connection = op.get_bind()
    document = sa.table(
        "document", *(sa.column(name) for name in ("party", "sha256", "xml", "received_at", "signed_by", "proven_at"))
    )
    connection.execute(document.update().values(proven_at=document.c.received_at))
    put = (
        document.update()
        .where(document.c.party == sa.bindparam("of"), document.c.sha256 == sa.bindparam("digest"))
        .values(signed_by=sa.bindparam("kid"))
    )
    after = ("", "")
    while True:
        rows = connection.execute(
            sa.select(document.c.party, document.c.sha256, document.c.xml)
            .where(sa.tuple_(document.c.party, document.c.sha256) > after)
            .order_by(document.c.party, document.c.sha256)
            .limit(_AT_ONCE)
        ).all()
        if not rows:
            return
        after = (rows[-1].party, rows[-1].sha256)
        found = [{"of": row.party, "digest": row.sha256, "kid": _signed_by(row.xml)} for row in rows]
        connection.execute(put, found)


def _signed_by(xml: bytes) -> str | None:
    stated = _CERTIFICATE.findall(xml)
    return hashlib.sha256(base64.b64decode(stated[-1])).hexdigest() if stated else None
