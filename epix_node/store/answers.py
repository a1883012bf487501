"""Point reads for answering by key: one statement each, inside the event loop.

The one exception to "the store is read in a thread" (``architecture.md`` 1.1, ``measurements.md`` 2): a status by key
reads one row of ``status_card``, which was written in the transaction that changed the facts. A ``Session`` in a
thread would cost ten times the answer itself. Every statement here finds its rows by a primary key or an index and
returns a handful of them; nothing here writes.

What is asked for a number that customs show a proof for is one statement too, whether the number is held or not, so
that the work tells nothing (contract 4, "What customs see").
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import NamedTuple

from epix_node.permit.number import PermitKey
from epix_node.store.clients import PROOF_WINDOW, Client, Role
from epix_node.store.columns import from_micros, to_micros
from epix_node.store.points import Points

_CARD = """
SELECT type, year, register_index, issued_on, valid_from, valid_until, settled, moving, exported_in_time, untouched,
       flags, replaced_by, lines, is_void, party, withheld_since, merge_delay_micros
FROM status_card WHERE issuer = ? AND number = ? ORDER BY type, year
"""

_REGISTER = "SELECT origin, size, checkpoint_size, cosigned_at, witnessed_size FROM register WHERE party = ?"

_DISPUTES = """
SELECT 1 FROM peer WHERE party = ? AND frozen IS NOT NULL
UNION ALL
SELECT 1 FROM conflict WHERE party = ? AND origin = ?
LIMIT 1
"""

_CLIENT = "SELECT name, role FROM client WHERE token_sha256 = ?"

_WRONG_PROOFS = """
SELECT COUNT(*) FILTER (WHERE issuer = ? AND number = ?), COUNT(*) FROM wrong_proof WHERE client = ? AND at > ?
"""

_HOLDINGS = """
SELECT p.type, p.year, p.issued_on, p.document, p.token_digest, p.stamp, f.issuer IS NOT NULL, NULL, NULL
FROM permit AS p
LEFT JOIN proved AS f ON f.issuer = p.issuer AND f.type = p.type AND f.number = p.number AND f.year = p.year
WHERE p.issuer = ? AND p.number = ? ORDER BY p.type, p.year
"""

_HOLDINGS_WITH_LINES = """
SELECT p.type, p.year, p.issued_on, p.document, p.token_digest, p.stamp, f.issuer IS NOT NULL, l.unit_class, l.micro
FROM permit AS p
LEFT JOIN proved AS f ON f.issuer = p.issuer AND f.type = p.type AND f.number = p.number AND f.year = p.year
LEFT JOIN permit_line AS l ON l.issuer = p.issuer AND l.type = p.type AND l.number = p.number AND l.year = p.year
WHERE p.issuer = ? AND p.number = ? ORDER BY p.type, p.year
"""


class Card(NamedTuple):
    """One row of ``status_card``: codes, ISO dates and JSON texts exactly as they were written."""

    type: str
    year: int
    register_index: int | None
    issued_on: str
    valid_from: str | None
    valid_until: str | None
    settled: str | None
    moving: str | None
    exported_in_time: int
    untouched: int
    flags: str
    replaced_by: str | None
    lines: str
    is_void: int
    party: str
    withheld_since: int | None
    merge_delay_micros: int | None


class RegisterMark(NamedTuple):
    """How far a register is held: all leaves (``size``), the newest checkpoint, and the newest that was witnessed."""

    origin: str
    size: int
    checkpoint_size: int
    cosigned_at: datetime | None
    witnessed_size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Holding:
    """What of a held permit a caller can prove to know (contract 4); ``quantities`` in (unit class, micro-units)."""

    key: PermitKey
    issued_on: date
    document: str
    token_digest: str | None
    stamp: str | None
    """Normalised, without spaces."""
    is_free: bool
    """Whether an event with a right proof was recorded here: no proof is needed any more."""
    quantities: frozenset[tuple[str, int]]


class PointReader:
    """Reads on ``Database.point_reader()``; owns it. Use it from one thread at a time."""

    def __init__(self, points: Points) -> None:
        self._points = points
        self._rows = points.rows
        self._first = points.first
        self.version = points.version
        """A value that changes with every commit of any other connection: whatever was cached before is void."""

    def cards(self, issuer: str, number: str) -> list[Card]:
        """The cards of every permit with this normalised number."""
        return [Card(*row) for row in self._rows(_CARD, (issuer, number))]

    def register(self, party: str) -> RegisterMark | None:
        """How far this Party's register is held."""
        row = self._first(_REGISTER, (party,))
        if row is None:
            return None
        origin, size, checkpoint_size, cosigned_at, witnessed_size = row
        time = None if cosigned_at is None else from_micros(cosigned_at)
        return RegisterMark(origin, size, checkpoint_size, time, witnessed_size)

    def is_disputed(self, party: str, origin: str | None) -> bool:
        """As ``peers.is_disputed``."""
        return self._first(_DISPUTES, (party, party, origin)) is not None

    def client(self, token_sha256: str) -> Client | None:
        """The client whose token has this hash (``clients.token_hash``)."""
        row = self._first(_CLIENT, (token_sha256,))
        return None if row is None else Client(name=row[0], role=Role(row[1]))

    def wrong_proofs(self, client: str, *, issuer: str, number: str, now: datetime) -> tuple[int, int]:
        """As ``clients.wrong_proofs``: within the hour, for this number and in all."""
        since = to_micros(now - PROOF_WINDOW)
        ((here, in_all),) = self._rows(_WRONG_PROOFS, (issuer, number, client, since))
        return here, in_all

    def holdings(self, issuer: str, number: str, *, with_lines: bool) -> tuple[Holding, ...]:
        """What is held under this normalised number, for comparing a proof; one statement whatever is held.

        Without ``with_lines`` the quantities are left out, which only one kind of proof needs.
        """
        lines: dict[tuple[str, int], set[tuple[str, int]]] = {}
        permits: dict[tuple[str, int], tuple[str, str, str | None, str | None, int]] = {}
        for type_, year, issued_on, document, digest, stamp, is_free, unit_class, micro in self._rows(
            _HOLDINGS_WITH_LINES if with_lines else _HOLDINGS, (issuer, number)
        ):
            permits[type_, year] = (issued_on, document, digest, stamp, is_free)
            quantities = lines.setdefault((type_, year), set())
            if unit_class is not None and micro is not None:
                quantities.add((unit_class, micro))
        return tuple(
            Holding(
                key=PermitKey(issuer=issuer, type=type_, number=number, year=year),
                issued_on=date.fromisoformat(issued_on),
                document=document,
                token_digest=digest,
                stamp=stamp,
                is_free=bool(is_free),
                quantities=frozenset(lines[type_, year]),
            )
            for (type_, year), (issued_on, document, digest, stamp, is_free) in permits.items()
        )

    def close(self) -> None:
        """Close the connection."""
        self._points.close()
