"""Tables that reconciliation reads and writes beside permits, events and findings: all can be rebuilt from those."""

from __future__ import annotations

from datetime import datetime
from typing import Any, ClassVar

from sqlalchemy import Index
from sqlmodel import Field, SQLModel

from epix_node.store.columns import big, time, where_given


class ExtractRow(SQLModel, table=True):
    """One ``permit-extract``: what a country of origin, of last re-export or of transit is told of a permit.

    The newest by ``at`` tells how it stands; ``body`` is its JSON. It says nothing where ``is_void``.
    """

    __tablename__: ClassVar[Any] = "extract"
    __table_args__: ClassVar[Any] = (Index("ix_extract_number", "issuer", "number"),)

    party: str = Field(primary_key=True)
    document: str = Field(primary_key=True)
    issuer: str
    type: str
    number: str
    year: int
    register_index: int | None = None
    at: datetime = time()
    body: str
    is_void: bool = False


class ExtractDueRow(SQLModel, table=True):
    """An own permit of which others hold extracts that may be out of date: the next round looks."""

    __tablename__: ClassVar[Any] = "extract_due"

    issuer: str = Field(primary_key=True)
    type: str = Field(primary_key=True)
    number: str = Field(primary_key=True)
    year: int = Field(primary_key=True)


class DrawRow(SQLModel, table=True):
    """A line of a re-export certificate or its extract, and the document on which it draws (``domain-rules.md`` 0.11).

    That is the last re-export's certificate where box 12a names one, else the permit of origin (box 12).
    """

    __tablename__: ClassVar[Any] = "draw"
    __table_args__: ClassVar[Any] = (
        Index("ix_draw_parent", "parent_issuer", "parent_number"),
        Index("ix_draw_certificate", "issuer", "number"),
    )

    party: str = Field(primary_key=True)
    document: str = Field(primary_key=True)
    ordinal: int = Field(primary_key=True)
    parent_issuer: str
    parent_number: str
    issuer: str
    type: str
    number: str
    year: int


class AccountRow(SQLModel, table=True):
    """How far a single-use permit under which goods moved has come: for what its partners may be expected to report.

    ``due_on`` is the day after which what is lacking is overdue: the confirmation, or, where nothing was endorsed, the
    endorsement; null where nothing is to be expected any more. ``counted`` is what of it is in the coverage, as JSON;
    ``stale`` is null where that is all.
    """

    __tablename__: ClassVar[Any] = "account"
    __table_args__: ClassVar[Any] = (
        Index("ix_account_due", "issuer", "destination", "due_on"),
        where_given("ix_account_stale", "stale"),
    )

    issuer: str = Field(primary_key=True)
    number: str = Field(primary_key=True)
    type: str = Field(primary_key=True)
    year: int = Field(primary_key=True)
    destination: str
    due_on: str | None = None
    exported_on: str | None = None
    confirmed_on: str | None = None
    counted: str | None = None
    stale: bool | None = None


class CoverageRow(SQLModel, table=True):
    """Of the goods that went from an issuer to a destination: how many reports were due on a day, how many came.

    ``direction`` is ``confirm`` (exports that the destination should have confirmed by that day) or ``endorse``
    (imports that the issuer should have endorsed by it). ``is_evidence``: whether the silence about the others was
    evidence when that was last asked.
    """

    __tablename__: ClassVar[Any] = "coverage"

    issuer: str = Field(primary_key=True)
    destination: str = Field(primary_key=True)
    direction: str = Field(primary_key=True)
    day: str = Field(primary_key=True)
    expected: int
    met: int
    is_evidence: bool = False


class ObservedRow(SQLModel, table=True):
    """Up to which due day the silence of one side was last looked at; null where its register was not known at all."""

    __tablename__: ClassVar[Any] = "observed"

    issuer: str = Field(primary_key=True)
    destination: str = Field(primary_key=True)
    direction: str = Field(primary_key=True)
    acted_until: str | None = None


class NoticeRow(SQLModel, table=True):
    """A class-A finding that opened, to be told by webhook and e-mail; gone once both are done."""

    __tablename__: ClassVar[Any] = "notice"
    __table_args__: ClassVar[Any] = (Index("ix_notice_next", "next_try"),)

    id: str = Field(primary_key=True)
    finding_id: str
    opened: datetime = time()
    webhook_done: bool = False
    email_done: bool = False
    tries: int = 0
    next_try: datetime = time()


class OrphanShapeRow(SQLModel, table=True):
    """A spelling of an orphan number with a character left out or a look-alike folded: near numbers share one."""

    __tablename__: ClassVar[Any] = "orphan_shape"

    issuer: str = Field(primary_key=True)
    shape: str = Field(primary_key=True)
    number: str = Field(primary_key=True)


class SumLineRow(SQLModel, table=True):
    """A line of a permit that belongs to a sum over many permits (``rules.shares``), most belong to none.

    ``block`` is its letter as letters are compared, ``quota_micro`` the annual quota that it states, ``replaces`` the
    normalised number of the permit that its permit replaces.
    """

    __tablename__: ClassVar[Any] = "sum_line"
    __table_args__: ClassVar[Any] = (
        Index("ix_sum_line_permit", "issuer", "number"),
        {"sqlite_with_rowid": False},
    )

    pattern: str = Field(primary_key=True)
    sum_issuer: str = Field(primary_key=True)
    sum_number: str = Field(primary_key=True)
    sum_year: int = Field(primary_key=True)
    issuer: str = Field(primary_key=True)
    type: str = Field(primary_key=True)
    number: str = Field(primary_key=True)
    year: int = Field(primary_key=True)
    ordinal: int = Field(primary_key=True)
    part: str
    block: str
    unit: str | None = None
    unit_class: str | None = None
    quota_micro: int | None = big(default=None)
    replaces: str | None = None


class StaleSumRow(SQLModel, table=True):
    """A sum over many permits (FRD-08, FRD-17) of which one changed: the next round adds it up again."""

    __tablename__: ClassVar[Any] = "stale_sum"

    pattern: str = Field(primary_key=True)
    issuer: str = Field(primary_key=True)
    number: str = Field(primary_key=True)
    year: int = Field(primary_key=True)
    """``number`` is the key of the sum, as the findings' ids have it."""
