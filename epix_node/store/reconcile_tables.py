"""Tables that reconciliation reads and writes beside permits, events and findings: all can be rebuilt from those."""

from __future__ import annotations

from datetime import datetime
from typing import Any, ClassVar

from sqlalchemy import Index
from sqlmodel import Field, SQLModel

from epix_node.store.columns import time


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
    __table_args__: ClassVar[Any] = (Index("ix_draw_parent", "parent_issuer", "parent_number"),)

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

    ``due_on`` is the day after which its confirmation is overdue; null where nothing was endorsed.
    """

    __tablename__: ClassVar[Any] = "account"
    __table_args__: ClassVar[Any] = (Index("ix_account_due", "issuer", "destination", "due_on"),)

    issuer: str = Field(primary_key=True)
    number: str = Field(primary_key=True)
    type: str = Field(primary_key=True)
    year: int = Field(primary_key=True)
    destination: str
    due_on: str | None = None
    exported_on: str | None = None
    confirmed_on: str | None = None


class CoverageRow(SQLModel, table=True):
    """Of the goods that went from an issuer to a destination: how many reports were expected by a day, how many came.

    ``direction`` is ``confirm`` (exports whose confirmation was due that day) or ``endorse`` (imports of that day).
    """

    __tablename__: ClassVar[Any] = "coverage"

    issuer: str = Field(primary_key=True)
    destination: str = Field(primary_key=True)
    direction: str = Field(primary_key=True)
    day: str = Field(primary_key=True)
    expected: int
    met: int


class ObservedRow(SQLModel, table=True):
    """Whether silence of a destination was evidence when that was last asked; acted on up to this due day."""

    __tablename__: ClassVar[Any] = "observed"

    issuer: str = Field(primary_key=True)
    destination: str = Field(primary_key=True)
    is_observable: bool
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


class StaleSumRow(SQLModel, table=True):
    """A sum over many permits (FRD-08, FRD-17) of which one changed: the next round adds it up again."""

    __tablename__: ClassVar[Any] = "stale_sum"

    pattern: str = Field(primary_key=True)
    issuer: str = Field(primary_key=True)
    number: str = Field(primary_key=True)
    year: int = Field(primary_key=True)
    """``number`` is the key of the sum, as the findings' ids have it."""
