"""The transport document of each confirmation, so that other permits shown for one shipment are found (FRD-15)."""

import json
import unicodedata

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

_NO_DOCUMENT = {"NA", "NONE", "NIL", "NULL", "UNKNOWN", "TBA", "TBD", "NOTAPPLICABLE", "NOTAVAILABLE"}
_TURNED_AWAY = {"refused", "returned"}
_AT_ONCE = 500


def upgrade() -> None:
    op.add_column("event", sa.Column("transport", sa.String(), nullable=True))
    op.add_column("event", sa.Column("turned_away", sa.String(), nullable=True))
    _fill()
    for name in ("transport", "turned_away"):
        given = sa.text(f"{name} IS NOT NULL")
        op.create_index(f"ix_event_{name}", "event", ["party", name], sqlite_where=given, postgresql_where=given)


def _fill() -> None:
    connection = op.get_bind()
    event = sa.table(
        "event", *(sa.column(name) for name in ("party", "document", "kind", "body", "transport", "turned_away"))
    )
    put = (
        event.update()
        .where(event.c.party == sa.bindparam("of"), event.c.document == sa.bindparam("digest"))
        .values(transport=sa.bindparam("by"), turned_away=sa.bindparam("away"))
    )
    after = ("", "")
    while True:
        rows = connection.execute(
            sa.select(event.c.party, event.c.document, event.c.body)
            .where(event.c.kind == "import-confirmation")
            .where(sa.tuple_(event.c.party, event.c.document) > sa.tuple_(*after))
            .order_by(event.c.party, event.c.document)
            .limit(_AT_ONCE)
        ).all()
        if not rows:
            return
        changes = []
        for party, document, text in rows:
            body = json.loads(text)
            plain = _plain(body.get("transport_document"))
            if plain is None:
                continue
            outcomes = {line.get("outcome") or body["outcome"] for line in body.get("lines") or ()} | {body["outcome"]}
            away = plain if outcomes & _TURNED_AWAY else None
            changes.append({"of": party, "digest": document, "by": plain, "away": away})
        if changes:
            connection.execute(put, changes)
        after = (rows[-1][0], rows[-1][1])


def _plain(document: str | None) -> str | None:
    upper = unicodedata.normalize("NFKC", document or "").upper()
    plain = "".join(character for character in upper if character.isalnum())
    return None if plain in _NO_DOCUMENT or not plain.strip("0") else plain
