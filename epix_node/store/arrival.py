"""A believed document on its way into the store; a process that only verifies has it without a database library."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from epix_node.document.model import ExchangeDocument
from epix_node.permit.facts import Source

if TYPE_CHECKING:  # it brings SQLAlchemy, 27 MB for each process
    from epix_node.store.permit_checks import PermitCheck


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """A believed document on its way into the store."""

    document: ExchangeDocument
    xml: bytes
    source: Source
    check: PermitCheck | None = None
    """What the rules say of it, where it is a permit."""
    token: str | None = None
    """The secret printed with an own permit; every other node knows only its digest."""
    signed_by: str | None = None
    """Hex SHA-256 of the certificate whose key signed it."""
    signed_at: datetime | None = None
    """Its SigningTime, as its signer states it."""
    proven_at: datetime | None = None
    """When its entry was first held here under a verified checkpoint; None: not before now."""
    grown_after: datetime | None = None
    """Until when its entry was certainly not in the register (``permit.timing``)."""
    witnessed_at: datetime | None = None
    """By when the quorum had cosigned a checkpoint that covers it."""
    is_void: bool = False
    """Whether its key was revoked with effect from then or earlier; decided in the transaction that records it."""
