"""What the rules said of each permit when it was recorded, kept with it.

A check is a statement of its day: other rules or newer reference data may say something else of the same permit
later. So it is kept as it was told, findings and editions as JSON, and never derived again.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, insert
from sqlalchemy import select as select_rows

from epix_node.clock import format_time
from epix_node.permit.number import PermitKey
from epix_node.rules.ruleset import Stage
from epix_node.store.columns import table
from epix_node.store.database import Session
from epix_node.store.tables import PermitCheckRow

_CHECK = table(PermitCheckRow)
_INSERT = insert(_CHECK)
_KEYED = select_rows(_CHECK).where(
    _CHECK.c.issuer == bindparam("of"),
    _CHECK.c.type == bindparam("typed"),
    _CHECK.c.number == bindparam("numbered"),
    _CHECK.c.year == bindparam("dated"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class PermitCheck:
    """What the rules said of a permit: its findings, by which ruleset, at which stage, when, and from which data.

    ``reference`` and ``findings`` are the JSON of editions and findings as it was told; ages are those of that day.
    """

    ruleset: str
    stage: Stage
    checked_at: datetime
    reference: tuple[Mapping[str, Any], ...]
    findings: tuple[Mapping[str, Any], ...]

    def to_json(self) -> dict[str, Any]:
        """The ``checks`` of ``GET /permits/{issuer}/{number}``."""
        return {
            "ruleset": self.ruleset,
            "stage": self.stage.value,
            "checked_at": format_time(self.checked_at),
            "reference": [dict(edition) for edition in self.reference],
            "findings": [dict(finding) for finding in self.findings],
        }


def add(session: Session, items: Iterable[tuple[PermitKey, str, PermitCheck]]) -> None:
    """Keep what the rules said of permits that are being recorded: key, digest of the document, check.

    The caller has checked that the keys are free.
    """
    rows = [
        {
            **key.to_json(),
            "document": document,
            "ruleset": check.ruleset,
            "stage": check.stage.value,
            "checked_at": check.checked_at,
            "editions": _text(check.reference),
            "findings": _text(check.findings),
        }
        for key, document, check in items
    ]
    if rows:
        session.core.execute(_INSERT, rows)


def find(session: Session, key: PermitKey) -> PermitCheck | None:
    """What the rules said of the permit; ``None`` for one that was recorded before schema 0002, or is not held."""
    identity = {"of": key.issuer, "typed": key.type, "numbered": key.number, "dated": key.year}
    row = session.core.execute(_KEYED, identity).first()
    if row is None:
        return None
    return PermitCheck(
        ruleset=row.ruleset,
        stage=Stage(row.stage),
        checked_at=row.checked_at,
        reference=tuple(json.loads(row.editions)),
        findings=tuple(json.loads(row.findings)),
    )


def _text(items: tuple[Mapping[str, Any], ...]) -> str:
    return json.dumps(items, ensure_ascii=False, separators=(",", ":"))
