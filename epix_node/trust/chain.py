"""One walk down the four top-level roles: root, timestamp, snapshot, targets, in TUF's order and by python-tuf's rules.

``TrustedMetadataSet`` of python-tuf judges everything: signatures, thresholds, versions, expiry. We only say what it
is given: first what is stored, so that nothing older is taken, then what the repository has. It is the part of
``tuf.ngclient.Updater`` that does no input and output; we cannot use the Updater itself, because that reads the
machine's clock, and keeps its files one by one in a directory where we write one value in one transaction.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime

from tuf.api.exceptions import EqualVersionNumberError
from tuf.api.metadata import Root, Signed, Snapshot, Targets, Timestamp
from tuf.ngclient._internal.trusted_metadata_set import TrustedMetadataSet
from tuf.ngclient.config import EnvelopeType

from epix_node.errors import MalformedDocumentError, TrustError
from epix_node.trust.role_metadata import (
    MAX_BYTES,
    is_signed,
    metadata_file,
    read_metadata,
    refused,
    require_size,
)

MAX_ROOT_ROTATIONS = 256
"""As python-tuf's own client."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """A file of the repository, by its path from the root, and how many bytes of it are taken at most."""

    path: str
    max_bytes: int


Fetch = Callable[[Sequence[Wanted]], Iterable[bytes | None]]
"""Gives the files in the order asked, None for one that is not there. It may get them side by side, and may raise any
``EpixError`` while it is iterated: what it gave before counts."""


def fetch_one(fetch: Fetch, path: str, max_bytes: int) -> bytes | None:
    """One file, or None where there is none."""
    return next(iter(fetch([Wanted(path=path, max_bytes=max_bytes)])), None)


@dataclass(slots=True, kw_only=True)
class Chain:
    """The bytes that were verified so far; after ``walk``, ``trusted`` holds what they mean.

    Where the walk raises, ``roots``, ``timestamp`` and ``snapshot`` are as far as it came, and good to be kept.
    """

    roots: tuple[bytes, ...]
    timestamp: bytes | None
    snapshot: bytes | None
    targets: bytes | None
    has_forgotten: bool = False
    """Whether new online keys ended what the old ones said about versions (TUF 5.3.11)."""
    _trusted: TrustedMetadataSet | None = field(default=None, repr=False)

    @property
    def trusted(self) -> TrustedMetadataSet:
        """python-tuf's set, as far as it was walked."""
        assert self._trusted is not None
        return self._trusted

    def walk(self, fetch: Fetch, now: datetime) -> None:
        """All four are verified, newest and not expired at this moment.

        Raises:
            EpixError: what ``fetch`` raised; ``TrustError`` or ``MalformedDocumentError`` for what is refused.
        """
        with refused("stored root"):
            self._trusted = TrustedMetadataSet(self.roots[-1], EnvelopeType.METADATA)
        # python-tuf took the machine's time; a node goes by its own clock, which a demonstration shares (contract 7).
        self.trusted.reference_time = now
        self._walk_root(fetch)
        self._walk_timestamp(fetch)
        self._walk_snapshot(fetch)
        self._walk_targets(fetch)

    def _walk_root(self, fetch: Fetch) -> None:
        held = self.trusted.root.version
        for version in range(held + 1, held + 1 + MAX_ROOT_ROTATIONS):
            data = fetch_one(fetch, metadata_file(Root.type, version), MAX_BYTES[Root.type])
            if data is None:
                break
            with _taking(data, Root.type):
                self.trusted.update_root(data)
            self.roots = (*self.roots, data)
        if self.trusted.root.version > held and self._are_keys_new():
            # TUF 5.3.11: versions without measure that a thief of the online keys wrote (fast-forward) end with them.
            self.timestamp = self.snapshot = None
            self.has_forgotten = True

    def _are_keys_new(self) -> bool:
        root = self.trusted.root
        signed = (
            self.timestamp is None
            or is_signed(root, Timestamp.type, read_metadata(self.timestamp, Timestamp, "stored timestamp")),
            self.snapshot is None
            or is_signed(root, Snapshot.type, read_metadata(self.snapshot, Snapshot, "stored snapshot")),
        )
        return not all(signed)

    def _walk_timestamp(self, fetch: Fetch) -> None:
        if self.timestamp is not None:
            _offer(self.trusted.update_timestamp, self.timestamp)
        data = _required(fetch, metadata_file(Timestamp.type), MAX_BYTES[Timestamp.type])
        with _taking(data, Timestamp.type):
            try:
                self.trusted.update_timestamp(data)
            except EqualVersionNumberError:
                return  # nothing new
        self.timestamp = data

    def _walk_snapshot(self, fetch: Fetch) -> None:
        if self.snapshot is not None and _offer(
            lambda data: self.trusted.update_snapshot(data, trusted=True), self.snapshot
        ):
            return
        meta = self.trusted.timestamp.snapshot_meta
        data = _required(fetch, metadata_file(Snapshot.type, meta.version), MAX_BYTES[Snapshot.type])
        with _taking(data, Snapshot.type):
            self.trusted.update_snapshot(data)
        self.snapshot = data

    def _walk_targets(self, fetch: Fetch) -> None:
        if self.targets is not None and _offer(self.trusted.update_targets, self.targets):
            return
        with refused(Targets.type):
            version = self.trusted.snapshot.meta["targets.json"].version
        data = _required(fetch, metadata_file(Targets.type, version), MAX_BYTES[Targets.type])
        with _taking(data, Targets.type):
            self.trusted.update_targets(data)
        self.targets = data


def _offer(update: Callable[[bytes], Signed], stored: bytes) -> bool:
    """Whether what is stored is final; where not, it may still have been loaded against rollback."""
    try:
        with refused("stored metadata"):
            update(stored)
    except (TrustError, MalformedDocumentError):
        return False
    return True


@contextmanager
def _taking(data: bytes, role: str) -> Iterator[None]:
    require_size(data, role, MAX_BYTES[role])
    with refused(role):
        yield


def _required(fetch: Fetch, path: str, max_bytes: int) -> bytes:
    data = fetch_one(fetch, path, max_bytes)
    if data is None:
        raise TrustError(f"the trust list's repository has no {path}", code="TRUST_LIST_INCOMPLETE")
    return data
