"""The header of an exchange document: who says what kind of thing, about which permit, to whom (decision 1)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

EVERYBODY = "*"
"""Recipient of documents of multiple use (decision 3), alone."""


class DocumentType(StrEnum):
    """What an exchange document is (contract 1)."""

    PERMIT = "permit"
    WITHDRAWAL = "withdrawal"
    ENDORSEMENT = "export-endorsement"
    CONFIRMATION = "import-confirmation"
    PRESENTATION = "presentation"
    CORRECTION = "correction"
    ALERT = "alert"
    EXTRACT = "permit-extract"


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """What a holder must know before the body means anything.

    ``salt`` is fresh per document; ``permit_salt`` is drawn once by the issuer. Neither is ever printed. Whoever holds
    the permit's token proves it against ``token_digest``.
    """

    environment: str
    """``sandbox``, ``uat`` or ``prod``."""
    party: str
    """Whose node wrote the document."""
    type: DocumentType
    issued: datetime
    """When it was written; aware, UTC."""
    salt: bytes
    """16 bytes; salts ``d`` of the leaf (decision 4)."""
    permit_salt: bytes
    """16 bytes; salts ``c`` of the leaf (decision 4)."""
    token_digest: str | None = None
    """Hex SHA-256 of the token's text."""
    recipients: tuple[str, ...] = ()
    """Party codes, or ``*`` alone."""
    permit_issuer: str | None = None
    permit_type: str | None = None
    permit_number: str | None = None
    """Normalised."""
    permit_year: int | None = None
    """Year of the permit's ``issued_on``."""
    event_id: str | None = None
    supersedes: str | None = None
    """Hex SHA-256 of the document that this one takes back or replaces."""
