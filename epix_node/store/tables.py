"""The tables. The signed bytes in ``document`` are the record; every other column is an index that can be rebuilt.

Rows never leave this package. Times are integer microseconds since 1970 (UTC), dates are ISO text, quantities are
integer micro-units of their class's base unit beside the text as given. Every table that grows has the Party or
the issuer first in its key, so that the schema can be split by Party later (``architecture.md`` 1.7). SQLModel
does not validate table models: only domain types are written, and only here.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, ClassVar

from sqlalchemy import Index, UniqueConstraint
from sqlmodel import Field, SQLModel

from epix_node.store.columns import big, octets, time, where_given


class DocumentRow(SQLModel, table=True):
    """One signed exchange document: exact bytes, and what its header and register say of it.

    ``former_register`` and ``former_index`` are the first entry that it had, where its Party had to begin another
    register since (``former``); ``register_index`` is always one of the register that the Party writes now.
    """

    __tablename__: ClassVar[Any] = "document"
    __table_args__: ClassVar[Any] = (
        UniqueConstraint("party", "register_index"),
        Index("ix_document_sha256", "sha256"),
        Index("ix_document_signed_by", "signed_by", "is_void", "proven_at"),
        where_given("ix_document_supersedes", "party", "supersedes"),
        where_given("ix_document_former", "former_register", "former_index"),
    )

    party: str = Field(primary_key=True)
    sha256: str = Field(primary_key=True)
    type: str
    xml: bytes = octets()
    salt: bytes = octets()
    permit_salt: bytes = octets()
    permit_issuer: str
    permit_number: str
    recipients: str
    event_id: str | None = None
    supersedes: str | None = None
    register_index: int | None = None
    at: datetime = time()
    received_at: datetime = time()
    signed_by: str | None = None
    proven_at: datetime | None = time(default=None)
    is_void: bool = False
    former_register: str | None = None
    former_index: int | None = None


class PermitRow(SQLModel, table=True):
    """One permit, own or mirrored. ``body`` is its permit JSON (contract 5), made from the signed bytes.

    ``issued_at`` is when it was signed, as it says; its register took it at ``at``, as that says, in any case after
    ``grown_after`` and by ``witnessed_at`` (``permit.timing``).
    """

    __tablename__: ClassVar[Any] = "permit"
    __table_args__: ClassVar[Any] = (
        Index("ix_permit_number", "issuer", "number", "type", "year"),
        Index("ix_permit_order", "issued_on", "number", "issuer", "type"),
        Index("ix_permit_route", "issuer", "importer_country", "issued_on"),
        where_given("ix_permit_stamp", "issuer", "stamp"),
    )

    issuer: str = Field(primary_key=True)
    type: str = Field(primary_key=True)
    number: str = Field(primary_key=True)
    year: int = Field(primary_key=True)
    party: str
    document: str
    issued_on: str
    valid_from: str | None = None
    valid_until: str | None = None
    importer_country: str | None = None
    exporter_country: str | None = None
    multi_use: bool = False
    legacy: bool = False
    stamp: str | None = None
    token_digest: str | None = None
    token: str | None = None
    register_index: int | None = None
    at: datetime = time()
    issued_at: datetime | None = time(default=None)
    grown_after: datetime | None = time(default=None)
    witnessed_at: datetime | None = time(default=None)
    body: str
    is_void: bool = False


class PermitLineRow(SQLModel, table=True):
    """One line of a permit, for sums and searches. ``micro`` is null where the quantity cannot be read.

    ``source`` is the first source code of box 10, ``origin_country`` that of box 12.
    """

    __tablename__: ClassVar[Any] = "permit_line"
    __table_args__: ClassVar[Any] = (Index("ix_permit_line_taxon", "taxon"), {"sqlite_with_rowid": False})

    issuer: str = Field(primary_key=True)
    type: str = Field(primary_key=True)
    number: str = Field(primary_key=True)
    year: int = Field(primary_key=True)
    ordinal: int = Field(primary_key=True)
    block: str | None = None
    taxon: str | None = None
    term: str | None = None
    quantity: str | None = None
    unit: str | None = None
    unit_class: str | None = None
    micro: int | None = big(default=None)
    appendix: str | None = None
    source: str | None = None
    origin_country: str | None = None


class PermitCheckRow(SQLModel, table=True):
    """What the rules said of a permit when it was recorded; ``editions`` and ``findings`` are JSON lists."""

    __tablename__: ClassVar[Any] = "permit_check"

    issuer: str = Field(primary_key=True)
    type: str = Field(primary_key=True)
    number: str = Field(primary_key=True)
    year: int = Field(primary_key=True)
    document: str
    ruleset: str
    stage: str
    checked_at: datetime = time()
    editions: str
    findings: str


class EventRow(SQLModel, table=True):
    """One endorsement, confirmation, presentation, withdrawal, correction or alert. ``superseded_by`` ends it.

    ``transport`` is a confirmation's transport document as it is compared (``plain_document``), ``turned_away`` the
    same of one that turned goods away: few do, and they are found by it. ``is_plain``: it claims nothing beside dates
    and amounts of blocks (``event_rows.is_plain``). ``rung`` is how the event was matched to a permit
    (``domain-rules.md`` 2.2), and ``meant_…`` that permit of the same issuer; null where it fits none.
    """

    __tablename__: ClassVar[Any] = "event"
    __table_args__: ClassVar[Any] = (
        UniqueConstraint("party", "kind", "event_id"),
        Index("ix_event_permit", "permit_issuer", "permit_number"),
        where_given("ix_event_import", "import_issuer", "import_number"),
        where_given("ix_event_transport", "party", "transport"),
        where_given("ix_event_turned_away", "party", "turned_away"),
    )

    party: str = Field(primary_key=True)
    document: str = Field(primary_key=True)
    kind: str
    event_id: str | None = None
    permit_issuer: str
    permit_number: str
    import_issuer: str | None = None
    import_number: str | None = None
    transport: str | None = None
    turned_away: str | None = None
    date: str | None = None
    superseded_by: str | None = None
    register_index: int | None = None
    issued: datetime = time()
    at: datetime = time()
    body: str
    is_void: bool = False
    is_plain: bool = False
    rung: int | None = None
    meant_type: str | None = None
    meant_number: str | None = None
    meant_year: int | None = None


class EventLineRow(SQLModel, table=True):
    """What one event counted of one block. ``is_arrival`` is false for refused and returned goods.

    ``taxon`` is what was found, where the event says so.
    """

    __tablename__: ClassVar[Any] = "event_line"
    __table_args__: ClassVar[Any] = ({"sqlite_with_rowid": False},)

    party: str = Field(primary_key=True)
    document: str = Field(primary_key=True)
    ordinal: int = Field(primary_key=True)
    block: str | None = None
    quantity: str
    unit: str
    unit_class: str
    micro: int = big()
    is_arrival: bool = True
    taxon: str | None = None


class StatusCardRow(SQLModel, table=True):
    """The answer to "what is the status" ready but for the date and the watermark; written with the facts."""

    __tablename__: ClassVar[Any] = "status_card"
    __table_args__: ClassVar[Any] = ({"sqlite_with_rowid": False},)

    issuer: str = Field(primary_key=True)
    number: str = Field(primary_key=True)
    type: str = Field(primary_key=True)
    year: int = Field(primary_key=True)
    party: str
    register_index: int | None = None
    issued_on: str
    valid_from: str | None = None
    valid_until: str | None = None
    settled: str | None = None
    moving: str | None = None
    exported_in_time: bool = False
    untouched: bool = True
    flags: str = ""
    replaced_by: str | None = None
    lines: str
    is_void: bool = False
    withheld_since: datetime | None = time(default=None)
    merge_delay_micros: int | None = big(default=None)


class OrphanRow(SQLModel, table=True):
    """A number that events speak of and no held permit has: judged again whenever time or a watermark moves."""

    __tablename__: ClassVar[Any] = "orphan"

    issuer: str = Field(primary_key=True)
    number: str = Field(primary_key=True)


class FindingRow(SQLModel, table=True):
    """One finding as last derived, or as last alerted by the issuer where this node cannot derive it."""

    __tablename__: ClassVar[Any] = "finding"
    __table_args__: ClassVar[Any] = (
        Index("ix_finding_subject", "issuer", "number"),
        Index("ix_finding_order", "first_seen", "id"),
        Index("ix_finding_state", "state"),
    )

    id: str = Field(primary_key=True)
    pattern: str
    issuer: str
    type: str | None = None
    number: str
    year: int | None = None
    finding_class: str
    state: str
    first_seen: datetime = time()
    latest_at: datetime = time()
    opened: datetime | None = time(default=None)
    summary: str
    permits: str
    parties: str
    evidence: str
    facts: str
    ruleset: str
    derived: bool = True


class AlertRow(SQLModel, table=True):
    """The newest alert about a finding: our own where this node speaks for the issuer, else the issuer's."""

    __tablename__: ClassVar[Any] = "alert"

    finding_id: str = Field(primary_key=True)
    party: str
    document: str
    finding_class: str
    state: str
    at: datetime = time()


class DecisionRow(SQLModel, table=True):
    """What an authority decided about a finding, and which evidence it had seen. The newest counts; all are kept."""

    __tablename__: ClassVar[Any] = "decision"

    finding_id: str = Field(primary_key=True)
    ordinal: int = Field(primary_key=True)
    finding_class: str
    decision: str
    reason: str
    client: str
    at: datetime = time()
    seen: str


class TrustRow(SQLModel, table=True):
    """One row: the newest signed version of the own role, and the verified trust list. ``revision`` grows with each."""

    __tablename__: ClassVar[Any] = "trust"

    id: int = Field(default=1, primary_key=True)
    own: bytes | None = octets(default=None)
    trust_list: bytes | None = octets(default=None)
    problem: str | None = None
    revision: int = 1
    changed_at: datetime = time()


class RevokedKeyRow(SQLModel, table=True):
    """A signing key that was revoked, since when, and whether all documents were looked at for that since."""

    __tablename__: ClassVar[Any] = "revoked_key"

    kid: str = Field(primary_key=True)
    party: str
    invalid_since: datetime | None = time(default=None)
    is_swept: bool = False


class UnsettledRow(SQLModel, table=True):
    """A number of which a document ceased to count, and whose case is still to be looked at again."""

    __tablename__: ClassVar[Any] = "unsettled"

    issuer: str = Field(primary_key=True)
    number: str = Field(primary_key=True)


class PeerRow(SQLModel, table=True):
    """How pulling from one other Party goes; there from the first pull on, whatever became of its trust since."""

    __tablename__: ClassVar[Any] = "peer"

    party: str = Field(primary_key=True)
    added_at: datetime = time()
    next_index: int = 0
    etag: str | None = None
    failures: int = 0
    backoff_until: datetime | None = time(default=None)
    last_success: datetime | None = time(default=None)
    last_error: str | None = None
    frozen: str | None = None
    clock_ahead_micros: int | None = big(default=None)


class WantedRow(SQLModel, table=True):
    """A document that an alert names as evidence and that its writer will give to us on request."""

    __tablename__: ClassVar[Any] = "wanted"

    party: str = Field(primary_key=True)
    sha256: str = Field(primary_key=True)
    register_index: int
    asked_at: datetime = time()


class GrantRow(SQLModel, table=True):
    """An own document that an alert gives to further Parties as evidence (protocol decision 3)."""

    __tablename__: ClassVar[Any] = "grant"

    code: str = Field(primary_key=True)
    sha256: str = Field(primary_key=True)


class QuarantineRow(SQLModel, table=True):
    """A document that came and was not accepted: the bytes, the reason, and where the register lists it."""

    __tablename__: ClassVar[Any] = "quarantine"

    party: str = Field(primary_key=True)
    sha256: str = Field(primary_key=True)
    reason: str
    document: bytes = octets()
    register_index: int | None = None
    at: datetime = time()


class ClientRow(SQLModel, table=True):
    """One caller of the national API. The token itself is never stored."""

    __tablename__: ClassVar[Any] = "client"
    __table_args__: ClassVar[Any] = (UniqueConstraint("token_sha256"),)

    name: str = Field(primary_key=True)
    role: str
    token_sha256: str
    added_at: datetime = time()


class WrongProofRow(SQLModel, table=True):
    """A caller showed a wrong proof for a number; counted for an hour."""

    __tablename__: ClassVar[Any] = "wrong_proof"
    __table_args__: ClassVar[Any] = (Index("ix_wrong_proof", "client", "at"),)

    id: int | None = Field(default=None, primary_key=True)
    client: str
    issuer: str
    number: str
    at: datetime = time()


class ProvedRow(SQLModel, table=True):
    """An event with a right proof was recorded here: customs of this node need no proof for the permit any more."""

    __tablename__: ClassVar[Any] = "proved"

    issuer: str = Field(primary_key=True)
    type: str = Field(primary_key=True)
    number: str = Field(primary_key=True)
    year: int = Field(primary_key=True)


class NonceRow(SQLModel, table=True):
    """A nonce of a signed POST between nodes, kept until the signature could not be repeated any more."""

    __tablename__: ClassVar[Any] = "nonce"

    party: str = Field(primary_key=True)
    nonce: str = Field(primary_key=True)
    at: datetime = time()
