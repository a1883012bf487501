"""Callers of the national API: their roles, and how often they showed a wrong proof."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import func
from sqlmodel import col, delete, select

from epix_node.errors import ConflictError, NotFoundError
from epix_node.permit.number import PermitKey
from epix_node.store.database import Session
from epix_node.store.tables import ClientRow, ProvedRow, WrongProofRow

PROOF_WINDOW = timedelta(hours=1)
"""Wrong proofs are counted within this time (contract 4)."""


class Role(StrEnum):
    """What a caller may do (contract 4); ``secretariat`` and ``platform`` are reserved."""

    AUTHORITY = "authority"
    CUSTOMS = "customs"
    AUDITOR = "auditor"


@dataclass(frozen=True, slots=True, kw_only=True)
class Client:
    """One caller."""

    name: str
    role: Role


def add(session: Session, name: str, role: Role, *, now: datetime) -> str:
    """Admit a client; returns its token, which is kept nowhere.

    Raises:
        ConflictError: the name is taken.
    """
    if session.get(ClientRow, name) is not None:
        raise ConflictError(f"client {name!r} exists already")
    token = secrets.token_urlsafe(32)
    session.add(ClientRow(name=name, role=role.value, token_sha256=token_hash(token), added_at=now))
    session.flush()
    return token


def remove(session: Session, name: str) -> None:
    """The client's token works no more. Raises ``NotFoundError`` where there is no such client."""
    row = session.get(ClientRow, name)
    if row is None:
        raise NotFoundError(f"there is no client {name!r}")
    session.delete(row)
    session.flush()


def everyone(session: Session) -> tuple[Client, ...]:
    """All clients by name."""
    rows = session.exec(select(ClientRow).order_by(col(ClientRow.name)))
    return tuple(Client(name=row.name, role=Role(row.role)) for row in rows)


def token_hash(token: str) -> str:
    """Hex SHA-256: tokens carry 256 random bits, so that no slow hash is needed."""
    return hashlib.sha256(token.encode()).hexdigest()


def wrong_proofs(session: Session, client: str, *, issuer: str, number: str, now: datetime) -> tuple[int, int]:
    """How many wrong proofs this client showed within the hour: for this number, and in all."""
    recent = (WrongProofRow.client == client, WrongProofRow.at > now - PROOF_WINDOW)
    in_all = session.exec(select(func.count()).select_from(WrongProofRow).where(*recent)).one()
    here = session.exec(
        select(func.count())
        .select_from(WrongProofRow)
        .where(*recent, WrongProofRow.issuer == issuer, WrongProofRow.number == number)
    ).one()
    return here, in_all


def count_wrong_proof(session: Session, client: str, *, issuer: str, number: str, now: datetime) -> None:
    """Count one more wrong proof; those older than a day are forgotten."""
    session.execute(delete(WrongProofRow).where(col(WrongProofRow.at) < now - timedelta(days=1)))
    session.add(WrongProofRow(client=client, issuer=issuer, number=number, at=now))
    session.flush()


def free_from_proof(session: Session, key: PermitKey) -> None:
    """An event with a right proof was recorded: customs of this node need none for this permit any more."""
    identity = (key.issuer, key.type, key.number, key.year)
    if session.get(ProvedRow, identity) is None:
        session.add(ProvedRow(**key.to_json()))
        session.flush()
