"""TUF metadata as this profile uses it (decision 6, C.1): names, files, lifetimes, limits, reading without surprise.

What a signature, a threshold, a version and an expiry mean is python-tuf's to say. This module says where things are,
and turns every way in which python-tuf refuses hostile bytes into one of our errors.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import TypeVar

from securesystemslib.exceptions import Error as SecureSystemsError
from securesystemslib.signer import Key
from tuf.api.exceptions import (
    BadVersionNumberError,
    ExpiredMetadataError,
    LengthOrHashMismatchError,
    RepositoryError,
    UnsignedMetadataError,
)
from tuf.api.metadata import Metadata, Root, Signed, Snapshot, Targets, Timestamp
from tuf.api.serialization import DeserializationError

from epix_node.clock import format_time, parse_time
from epix_node.errors import MalformedDocumentError, TrustError
from epix_node.trust.manifest import MAX_SEQ

S = TypeVar("S", Root, Timestamp, Snapshot, Targets)

LIFETIMES = {
    Root.type: timedelta(days=365),
    Targets.type: timedelta(days=90),
    Snapshot.type: timedelta(days=7),
    Timestamp.type: timedelta(days=1),
}
"""C.1."""
PARTY_LIFETIME = timedelta(days=400)
"""Decision 6."""

MAX_BYTES = {Root.type: 512_000, Timestamp.type: 16_384, Snapshot.type: 2_000_000, Targets.type: 5_000_000}
"""The limits of python-tuf's own client (federation-anchors B.1)."""
MAX_PARTY_ROLE_BYTES = 64 * 1024
"""A role with one target and three signatures takes about 1 KiB."""
MAX_ISSUERS_BYTES = 64 * 1024
"""A thousand codes take 12 KiB."""

ISSUERS_TARGET = "issuers.json"
_PARTY_ROLE = re.compile(r"party-([A-Z]{2})")
_ISSUED = "epix-issued"
"""A member that we add to what is signed: when that was. TUF has none, and the clock floor needs one (C.1)."""
ENVIRONMENT = "epix-environment"
"""A member that we add to a root, and that its successors inherit: so a node refuses another environment's root when it
starts, not only what that root vouches for."""


def role_of(party: str) -> str:
    """The name of this Party's role."""
    return f"party-{party}"


def party_of(role: object) -> str | None:
    """The Party whose role this is, or None. Whatever was signed may stand where a name should: python-tuf takes it."""
    found = _PARTY_ROLE.fullmatch(role) if isinstance(role, str) else None
    return found.group(1) if found is not None else None


def manifest_target(party: str) -> str:
    """The one target of a Party's role."""
    return f"parties/{party}/manifest.json"


def paths_of(party: str) -> list[str]:
    """What the Secretariat delegates to a Party."""
    return [f"parties/{party}/*"]


def metadata_file(role: str, version: int | None = None) -> str:
    """Where a role's metadata is, from the repository's root: every version has a file, but the timestamp's."""
    return f"metadata/{role}.json" if version is None else f"metadata/{version}.{role}.json"


def target_file(target: str, digest: str) -> str:
    """Where a target with this SHA-256 is, from the repository's root (TUF: consistent snapshots)."""
    parent, slash, name = target.rpartition("/")
    return f"targets/{parent}{slash}{digest}.{name}"


def life_of(role: str) -> timedelta:
    """How long a role's metadata are good from the moment of signing."""
    return LIFETIMES.get(role, PARTY_LIFETIME)


def date_signed(signed: Signed, role: str, now: datetime) -> None:
    """What is about to be signed bears this moment, and expires a role's life after it, both in whole seconds."""
    moment = now.astimezone(UTC).replace(microsecond=0)
    signed.expires = moment + life_of(role)
    signed.unrecognized_fields[_ISSUED] = format_time(moment)


def signed_at(signed: Signed) -> datetime | None:
    """When this was signed, by its own word; None where it does not say."""
    text = signed.unrecognized_fields.get(_ISSUED)
    if not isinstance(text, str):
        return None
    try:
        return parse_time(text)
    except (ValueError, OverflowError):  # a time at the edge of the calendar, with an offset
        return None


def read_metadata(data: bytes, kind: type[S], what: str, *, max_bytes: int | None = None) -> Metadata[S]:
    """The metadata in these bytes, of this kind; who signed them is not looked at.

    Raises:
        MalformedDocumentError: there are none. Code TOO_LARGE over the limit of this kind.
    """
    limit = max_bytes if max_bytes is not None else MAX_BYTES[kind.type]
    require_size(data, what, limit)
    with refused(what):
        metadata = Metadata[S].from_bytes(data)
        version: object = metadata.signed.version
    if not isinstance(metadata.signed, kind):
        raise MalformedDocumentError(f"{what} is metadata of a {metadata.signed.type}, expected a {kind.type}")
    # python-tuf takes True and 1.0 too.
    if type(version) is not int or version > MAX_SEQ:
        raise MalformedDocumentError(f"{what} has a version that is no whole number up to {MAX_SEQ}")
    return metadata


def require_size(data: bytes, what: str, max_bytes: int) -> None:
    """Return where these bytes are within the limit; else ``MalformedDocumentError``, code TOO_LARGE."""
    if len(data) > max_bytes:
        raise MalformedDocumentError(f"{what} of {len(data)} bytes: at most {max_bytes} are taken", code="TOO_LARGE")


def verify_signatures(delegator: Root | Targets, role: str, metadata: Metadata[S]) -> None:
    """Return where enough of the role's keys, as the delegator names them, signed these metadata.

    Raises:
        TrustError: code SIGNATURE_INVALID.
    """
    with refused(role):
        delegator.verify_delegate(role, metadata.signed_bytes, metadata.signatures)


def is_signed(delegator: Root | Targets, role: str, metadata: Metadata[S]) -> bool:
    """Whether ``verify_signatures`` returns."""
    try:
        verify_signatures(delegator, role, metadata)
    except TrustError:
        return False
    return True


def digest_of(data: bytes) -> str:
    """Hex SHA-256."""
    return sha256(data).hexdigest()


def key_fingerprint(key: Key) -> str:
    """What people read to each other: SHA-256 of the raw public key, in groups of four digits."""
    text = sha256(bytes.fromhex(key.keyval["public"])).hexdigest()
    return " ".join(text[start : start + 4] for start in range(0, len(text), 4))


@contextmanager
def refused(what: str) -> Iterator[None]:
    """Whatever python-tuf raises inside the block, and whatever its parsers stumble over, is one of our errors.

    ``TrustError`` with code SIGNATURE_INVALID (not enough signatures), ROLLBACK (a version is not the one that it
    must be), TRUST_LIST_EXPIRED, DIGEST_MISMATCH, or TRUST_LIST_REFUSED; ``MalformedDocumentError`` for what is no
    metadata at all.
    """
    try:
        yield
    except DeserializationError as error:
        raise MalformedDocumentError(f"{what} is no TUF metadata") from error
    except RepositoryError as error:
        raise TrustError(f"{what}: {error}", code=_code_of(error)) from error
    except (
        ValueError,
        TypeError,
        KeyError,
        AttributeError,
        IndexError,
        OverflowError,
        RecursionError,
        SecureSystemsError,
    ) as error:
        # python-tuf checks types late: what has the form of metadata may still hold a list for a name.
        raise MalformedDocumentError(f"{what} is not well-formed metadata: {type(error).__name__}") from error


def _code_of(error: RepositoryError) -> str:
    match error:
        case UnsignedMetadataError():
            return "SIGNATURE_INVALID"
        case BadVersionNumberError():
            return "ROLLBACK"
        case ExpiredMetadataError():
            return "TRUST_LIST_EXPIRED"
        case LengthOrHashMismatchError():
            return "DIGEST_MISMATCH"
        case _:
            return "TRUST_LIST_REFUSED"
