"""The tables of registers: the own one and the mirrors, who vouches for them, and what contradicts them.

What is under ``party`` in these tables is the register that this Party writes now. The conventions are those of
``tables``.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, ClassVar

from sqlalchemy import Column, Index, LargeBinary
from sqlmodel import Field, SQLModel

from epix_node.store.columns import big, octets, time


class RegisterRow(SQLModel, table=True):
    """One Party's register as held here: its right edge, and the newest checkpoint that was signed or verified.

    ``witnessed_size`` is the size of the newest checkpoint that reached the quorum of this node's witness policy, and
    ``witnessed`` is that note. The next two are of the own register alone: ``is_sealed`` says that a last-signed record
    exists for it outside this database, ``halted`` why nothing may be signed now. ``is_watched`` and ``latest_at`` are
    of mirrors: whether the chains of the permits held are awaited in it, and the latest ``at`` of its verified entries.
    """

    __tablename__: ClassVar[Any] = "register"

    party: str = Field(primary_key=True)
    origin: str
    size: int
    edge: bytes = octets()
    checkpoint_size: int = 0
    checkpoint: bytes | None = octets(default=None)
    cosigned_at: datetime | None = time(default=None)
    witnessed_size: int = 0
    witnessed: bytes | None = octets(default=None)
    is_sealed: bool = False
    halted: str | None = None
    is_watched: bool = False
    latest_at: datetime | None = time(default=None)


class EntryRow(SQLModel, table=True):
    """One leaf of a register, own or mirrored. ``c_head`` is the first 8 bytes of its ``c``, signed big-endian."""

    __tablename__: ClassVar[Any] = "entry"
    __table_args__: ClassVar[Any] = (Index("ix_entry_c_head", "party", "c_head"), {"sqlite_with_rowid": False})

    party: str = Field(primary_key=True)
    index: int = Field(primary_key=True)
    leaf: bytes = octets()
    c_head: int | None = big(default=None)


class SubtreeRow(SQLModel, table=True):
    """The Merkle root of a complete subtree of 256^level leaves, from level 1 on: what tiles are made of."""

    __tablename__: ClassVar[Any] = "subtree"
    __table_args__: ClassVar[Any] = ({"sqlite_with_rowid": False},)

    party: str = Field(primary_key=True)
    level: int = Field(primary_key=True)
    index: int = Field(primary_key=True)
    hash: bytes = octets()


class ProofRow(SQLModel, table=True):
    """Since when a verified checkpoint over ``size`` entries is held: their proof of age.

    ``witnessed_at`` is the time by which the quorum had cosigned it, null where it did not; ``grown_after`` the last
    time at which the register still said that it had only the size before this one.
    """

    __tablename__: ClassVar[Any] = "proof"
    __table_args__: ClassVar[Any] = ({"sqlite_with_rowid": False},)

    party: str = Field(primary_key=True)
    size: int = Field(primary_key=True)
    at: datetime = time()
    witnessed_at: datetime | None = time(default=None)
    grown_after: datetime | None = time(default=None)


class DisorderRow(SQLModel, table=True):
    """An entry whose ``at`` lies too long before that of an earlier one of its register, and the latest of those."""

    __tablename__: ClassVar[Any] = "disorder"

    party: str = Field(primary_key=True)
    index: int = Field(primary_key=True)
    later_at: datetime = time()


class ChainRow(SQLModel, table=True):
    """How many entries the own register has under one PermitSalt: the ``i`` of the next commitment ``c``."""

    __tablename__: ClassVar[Any] = "chain"
    __table_args__: ClassVar[Any] = ({"sqlite_with_rowid": False},)

    party: str = Field(primary_key=True)
    permit_salt: bytes = Field(sa_column=Column("permit_salt", LargeBinary, primary_key=True))
    length: int


class PendingRow(SQLModel, table=True):
    """An own document that was accepted while nothing could be signed: it waits for its index, in this order."""

    __tablename__: ClassVar[Any] = "pending"

    party: str = Field(primary_key=True)
    ordinal: int = Field(primary_key=True)
    sha256: str


class LostRow(SQLModel, table=True):
    """An own entry that came back from a mirror, and whose document did not: others may still bring it."""

    __tablename__: ClassVar[Any] = "lost"

    party: str = Field(primary_key=True)
    index: int = Field(primary_key=True)


class AwaitedRow(SQLModel, table=True):
    """The next ``c`` that a chain which this node holds would have in this register (protocol decision 4)."""

    __tablename__: ClassVar[Any] = "awaited"
    __table_args__: ClassVar[Any] = (Index("ix_awaited_c_head", "party", "c_head"),)

    party: str = Field(primary_key=True)
    permit_salt: bytes = Field(sa_column=Column("permit_salt", LargeBinary, primary_key=True))
    length: int
    c_head: int = big()
    c: bytes = octets()
    issuer: str
    type: str
    number: str
    year: int


class WithheldRow(SQLModel, table=True):
    """An entry of a chain that this node holds, whose document did not come with it."""

    __tablename__: ClassVar[Any] = "withheld"
    __table_args__: ClassVar[Any] = (Index("ix_withheld_number", "issuer", "number"),)

    party: str = Field(primary_key=True)
    index: int = Field(primary_key=True)
    issuer: str
    type: str
    number: str
    year: int
    since: datetime = time()


class CosignedRow(SQLModel, table=True):
    """The newest checkpoint of a log that this node cosigned as its witness."""

    __tablename__: ClassVar[Any] = "cosigned"

    origin: str = Field(primary_key=True)
    size: int = big()
    root: bytes = octets()
    note: bytes = octets()
    at: datetime = time()


class SightingRow(SQLModel, table=True):
    """A checkpoint of a log that another Party says it holds, signed by the log, and larger than the mirror here."""

    __tablename__: ClassVar[Any] = "sighting"

    origin: str = Field(primary_key=True)
    source: str = Field(primary_key=True)
    size: int = big()
    root: bytes = octets()
    note: bytes = octets()
    at: datetime = time()


class ConflictRow(SQLModel, table=True):
    """Evidence that a log signed two histories, which anybody can check; ``evidence`` are its canonical bytes."""

    __tablename__: ClassVar[Any] = "conflict"
    __table_args__: ClassVar[Any] = (Index("ix_conflict_origin", "origin"),)

    id: str = Field(primary_key=True)
    party: str
    origin: str
    evidence: bytes = octets()
    source: str
    found_at: datetime = time()
    is_reported: bool = False


class ScrubRow(SQLModel, table=True):
    """What came of the last time that a register was derived again: ``problems`` are sentences, one a line."""

    __tablename__: ClassVar[Any] = "scrub"

    party: str = Field(primary_key=True)
    at: datetime = time()
    entries: int
    problems: str
