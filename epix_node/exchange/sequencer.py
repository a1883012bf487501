"""Signs the own register, one checkpoint for all that was accepted since the last one (C.4 item 8; ADR 25).

An accepting transaction gives a document its index and commits it; then its thread comes here, and returns once a
signed checkpoint covers the entry. Whoever comes while another signs finds its entry covered when its turn comes: so
many acceptances at once share one signature, and a lone one waits for nobody. What was committed and not signed,
because the process died in between, is in the next checkpoint, and is shown to nobody before.

No signature leaves this node unless

- the entries that it covers, read back, and the tiles over them lead to its root (``growth``);
- that tree grew out of the last tree that was signed, whatever the database says that was (``store.last_signed``);
- it verifies under the keys of the own manifest;
- the last-signed record was swapped from the one to the other.

Where the record is gone, is ahead of the entries, or tells of another history, the register is *halted*: documents are
accepted and wait for their index, and nothing is signed until recovery has found the truth.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog

from epix_node.errors import ProofError, StoreError, TrustError
from epix_node.exchange.growth import verify_growth
from epix_node.exchange.own import OwnRegister, require_same
from epix_node.register.checkpoint import Checkpoint, VerifiedCheckpoint, sign_checkpoint, verify_checkpoint
from epix_node.register.merkle import EMPTY_ROOT, RightEdge
from epix_node.register.standstill import Cause, Standstill
from epix_node.store import register
from epix_node.store.database import Database, Session
from epix_node.store.last_signed import LastSigned, Signed
from epix_node.store.register import RegisterState

COSIGN_EVERY = timedelta(minutes=10)
"""An unchanged checkpoint is cosigned again after this time (protocol decision 5)."""

TURN_S = 30.0
"""How long one waits for another process to have signed, in seconds."""

_PAUSE_S = 0.005
_ATTEMPTS = 5

log = structlog.get_logger("epix_node.sequencer")


class _Contradiction(Exception):
    """The last-signed record and the register cannot both be right."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Batch:
    """What is to be signed, examined: all that was committed, and the record that it grew out of."""

    held: RegisterState | None
    before: Signed | None
    edge: RightEdge

    @property
    def is_recorded(self) -> bool:
        """Whether a checkpoint over just these entries was signed before."""
        return self.before is not None and self.before.size == self.edge.size

    def is_published(self, *, now: datetime) -> bool:
        """Whether the newest checkpoint covers everything, and its cosignature is recent."""
        held = self.held
        if not self.is_recorded or held is None or held.checkpoint is None or held.cosigned_at is None:
            return False
        return held.checkpoint_size == self.edge.size and now - held.cosigned_at < COSIGN_EVERY


class Sequencer:
    """The one place where the own register is signed."""

    def __init__(self, database: Database, record: LastSigned, own: OwnRegister) -> None:
        self.record = record
        self._database = database
        self._own = own
        self._lock = threading.Lock()
        self._covered = 0
        self._swapped: Signed | None = None

    def publish(self, *, now: datetime) -> RegisterState:
        """A signed checkpoint covers every entry that was committed, cosigned in the last ten minutes; its state.

        A halted register stays as it is: the caller sees that from ``halted``.

        Raises:
            StoreError: database or record cannot be read or written, or another process keeps signing.
            RuntimeError: our own signature does not verify.
        """
        with self._turn():
            for _ in range(_ATTEMPTS):
                # What this process swapped last is right unless another one signed since; the swap would tell.
                known, self._swapped = self._swapped, None
                # First: what the record covers was committed before it was written.
                before = known or self.record.read(self._own.origin)
                try:
                    batch = self._database.read_now(self._examine, before, now=now)
                except _Contradiction:
                    if known is None:
                        self._confirm(now=now)
                    continue
                if batch.held is not None and (batch.held.halted is not None or batch.is_published(now=now)):
                    return self._noted(batch.held)
                verified = self._adopted(batch, now=now) or self._signed(batch, now=now)
                after = _record_of(verified)
                if after != batch.before and not self.record.swap(batch.before, after):
                    continue  # another process was faster; look again
                self._swapped = after
                return self._noted(self._database.write_now(self._put, verified))
        raise StoreError("the last-signed record kept changing while this node signed; try again")

    def cover(self, index: int | None, *, now: datetime) -> None:
        """As ``publish``, where the entry with this index may be in no signed checkpoint yet."""
        if index is not None and index >= self._covered:
            self.publish(now=now)

    def look(self, *, now: datetime) -> None:
        """Record and register agree, or the register is halted: what a node finds out before it accepts anything."""
        before = self.record.read(self._own.origin)
        try:
            self._database.read_now(self._examine, before, now=now, is_first=True)
        except _Contradiction:
            self._confirm(now=now)

    @contextmanager
    def _turn(self) -> Iterator[None]:
        """One thread at a time, of one process at a time."""
        with self._lock:
            until = time.monotonic() + TURN_S
            while True:
                with self._database.once("sequencer") as is_ours:
                    if is_ours:
                        yield
                        return
                if time.monotonic() > until:
                    raise StoreError(f"another process has been signing the register for {TURN_S:.0f} s")
                time.sleep(_PAUSE_S)

    def _examine(self, session: Session, before: Signed | None, *, now: datetime, is_first: bool = False) -> _Batch:
        """What is to be signed, after everything that can be wrong with it was looked at.

        Raises:
            _Contradiction: the register is not what was signed, and grew.
        """
        held = register.state(session, self._own.party)
        require_same(self._own, held)
        edge = held.edge if held is not None else RightEdge.empty()
        batch = _Batch(held=held, before=before, edge=edge)
        if held is not None and (held.halted is not None or (not is_first and batch.is_published(now=now))):
            return batch
        base = before
        if base is None and held is not None:
            if held.is_sealed:
                raise _Contradiction("the record of the last signed checkpoint is gone")
            if held.checkpoint is not None:  # a database from before there was such a record
                base = _record_of(self._verified(held.checkpoint))
        if held is not None and base is not None and held.checkpoint_size > base.size:
            raise _Contradiction(
                f"the record says that {base.size} entries were signed last, the register {held.checkpoint_size}"
            )
        if base is not None and base.size > edge.size:
            raise _Contradiction(f"{base.size} entries were signed, and {edge.size} are held")
        size, root = (base.size, base.root) if base is not None else (0, EMPTY_ROOT)
        try:
            verify_growth(session, self._own.party, old_size=size, old_root=root, edge=edge)
        except (ProofError, LookupError) as error:
            raise _Contradiction(str(error)) from error
        return batch

    def _confirm(self, *, now: datetime) -> None:
        """The register is halted if it contradicts the record while nobody can change either.

        Outside of a write transaction another process may have moved on between two looks.
        """
        reason = self._database.write_now(self._halt_if_wrong, now=now)
        if reason is not None:
            log.error("nothing is signed any more", register=self._own.origin, reason=reason)

    def _halt_if_wrong(self, session: Session, *, now: datetime) -> str | None:
        own = self._own
        try:
            self._examine(session, self.record.read(own.origin), now=now, is_first=True)
        except _Contradiction as found:
            reason = Standstill(cause=Cause.RECOVERY, seen=str(found)).text
            register.halt(session, own.party, own.origin, reason)
            return reason
        return None

    def _adopted(self, batch: _Batch, *, now: datetime) -> VerifiedCheckpoint | None:
        """The checkpoint of the record, where it covers everything and only the register has not heard of it.

        One that others showed may have no line but the log's: the same is signed again then.
        """
        if batch.before is None or not batch.is_recorded:
            return None
        verified = self._verified(batch.before.note, is_cosigned=False)
        is_recent = verified.cosigned_at is not None and now - verified.cosigned_at < COSIGN_EVERY
        return verified if is_recent else None

    def _signed(self, batch: _Batch, *, now: datetime) -> VerifiedCheckpoint:
        own, edge = self._own, batch.edge
        checkpoint = Checkpoint(origin=own.origin, size=edge.size, root=edge.root())
        return self._verified(sign_checkpoint(checkpoint, log=own.log, cosigner=own.cosigner, at=now))

    def _verified(self, note: bytes, *, is_cosigned: bool = True) -> VerifiedCheckpoint:
        own = self._own
        try:
            verified = verify_checkpoint(note, origin=own.origin, log_key=own.log_key, cosigner_key=own.cosigner_key)
        except TrustError as error:
            raise RuntimeError(f"this node cannot verify what it signed: {error}") from error
        if is_cosigned and verified.cosigned_at is None:
            raise RuntimeError("this node cannot verify what it signed: its own cosignature is missing")
        return verified

    def _put(self, session: Session, verified: VerifiedCheckpoint) -> RegisterState:
        assert verified.cosigned_at is not None
        return register.put_checkpoint(
            session,
            self._own.party,
            self._own.origin,
            verified.note,
            size=verified.checkpoint.size,
            cosigned_at=verified.cosigned_at,
        )

    def _noted(self, held: RegisterState) -> RegisterState:
        if held.halted is None:
            self._covered = max(self._covered, held.checkpoint_size)
        return held


def _record_of(verified: VerifiedCheckpoint) -> Signed:
    checkpoint = verified.checkpoint
    return Signed(origin=checkpoint.origin, size=checkpoint.size, root=checkpoint.root, note=verified.note)
