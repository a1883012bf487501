"""Checking many documents in a process of its own: what a worker is told, what it does, and what it gives back.

Two threads that verify are slower than one (``architecture.md`` 1.1), so that only processes use all cores. A worker
has no database, no keys and no network. It is told once whom to trust, as plain bytes, and then gets documents; it
gives back what ``ingest.check`` says of each, without the bytes, which whoever asked still has.

Not here: the processes themselves (``federation.verifying``).
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from multiprocessing import parent_process
from multiprocessing.connection import wait

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from epix_node.exchange.ingest import Listed, Refused, check
from epix_node.store.arrival import Arrival
from epix_node.trust.keyring import Keyring, SigningKey


@dataclass(frozen=True, slots=True, kw_only=True)
class _Key:
    """One ``SigningKey``, its certificate as DER: certificates cannot be sent to another process."""

    party: str
    certificate: bytes
    certificate_sha256: str
    uses: frozenset[str]
    not_before: datetime
    not_after: datetime
    is_revoked: bool
    invalid_since: datetime | None

    @classmethod
    def of(cls, key: SigningKey) -> _Key:
        return cls(
            party=key.party,
            certificate=key.certificate.public_bytes(Encoding.DER),
            certificate_sha256=key.certificate_sha256,
            uses=key.uses,
            not_before=key.not_before,
            not_after=key.not_after,
            is_revoked=key.is_revoked,
            invalid_since=key.invalid_since,
        )

    def signing_key(self) -> SigningKey:
        return SigningKey(
            party=self.party,
            certificate=x509.load_der_x509_certificate(self.certificate),
            certificate_sha256=self.certificate_sha256,
            uses=self.uses,
            not_before=self.not_before,
            not_after=self.not_after,
            is_revoked=self.is_revoked,
            invalid_since=self.invalid_since,
        )


@dataclass(frozen=True, kw_only=True)
class TrustSnapshot:
    """What a keyring said at one moment of signing keys and issuers: an ``ingest.Trust`` that can be sent elsewhere.

    A certificate is read when it is first asked for: a page of documents needs one or two of hundreds.
    """

    keys: dict[str, _Key]
    speakers: dict[str, str]
    _read: dict[str, SigningKey] = field(default_factory=dict, repr=False, compare=False)

    @classmethod
    def of(cls, keyring: Keyring) -> TrustSnapshot:
        """The keyring as it is now."""
        return cls(
            keys={key.certificate_sha256: _Key.of(key) for key in keyring.signing_keys},
            speakers=dict(keyring.speakers),
        )

    def find(self, party: str, certificate_sha256: str) -> SigningKey | None:
        """As ``Keyring.find``."""
        found = self._read.get(certificate_sha256)
        if found is None and certificate_sha256 in self.keys:
            found = self._read[certificate_sha256] = self.keys[certificate_sha256].signing_key()
        return found if found is not None and found.party == party else None

    def owner(self, certificate_sha256: str) -> str | None:
        """As ``Keyring.owner``."""
        key = self.keys.get(certificate_sha256)
        return key.party if key is not None else None

    def speaks_for(self, party: str, code: str) -> bool:
        """As ``Keyring.speaks_for``."""
        return self.speakers.get(code) == party


class _Worker:
    """What this process was told when it began; nothing where it is no worker."""

    trust: TrustSnapshot | None = None


def begin(trust: TrustSnapshot) -> None:
    """This process is a worker that trusts whom it is told to, and ends with the process that started it."""
    _Worker.trust = trust
    # A terminal sends its signals to all processes of a group; who stops the node stops its workers, too.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, name="end-with-parent", daemon=True).start()


def _end_with_parent() -> None:
    """A parent that was killed cannot say so, and a worker waits at a pipe of which it holds both ends itself."""
    parent = parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os._exit(1)


def check_chunk(listed: Sequence[Listed], *, party: str, environment: str, now: datetime) -> list[Arrival | Refused]:
    """What ``ingest.check`` says of each, without its bytes; in a worker only."""
    if _Worker.trust is None:
        raise RuntimeError("this process is no worker: it was not told whom to trust")
    checked = [check(one, party=party, environment=environment, trust=_Worker.trust, now=now) for one in listed]
    return [replace(one, xml=b"") for one in checked]


def with_bytes(checked: Arrival | Refused, xml: bytes) -> Arrival | Refused:
    """What a worker gave back, with the document's bytes again."""
    return replace(checked, xml=xml)
