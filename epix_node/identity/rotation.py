"""Change which keys others know of this node: announce a new one, or revoke one; signed by the own role (C.1).

A change is a next version of the role. Where enough of the role's keys are here, it is signed and in force at once,
and a node that runs notices. Where they lie in safes, the version is made with the signatures that can be had and
goes from safe to safe as a file (``add_signatures``), until this node takes it (``take``).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog

from epix_node.document.header import DocumentType
from epix_node.errors import ConflictError, InputError, NotFoundError, UnacceptableError
from epix_node.identity.key_box import KeyBox, SigningPair, TransportPair
from epix_node.identity.role import OwnRole, next_version, own_manifest, own_version
from epix_node.register.standstill import Cause, parse_standstill
from epix_node.store import register
from epix_node.store import trust as trust_store
from epix_node.store.database import Database, Session
from epix_node.trust.manifest import Manifest, PermitKeyEntry, TransportKeyEntry, parse_manifest
from epix_node.trust.party_role import PartyRole, countersign, signatures_on
from epix_node.trust.role_keys import RoleKeys
from epix_node.trust.signed_version import SignedVersion
from epix_node.trust.succession import (
    require_successor,
    with_permit_key,
    with_revocation,
    with_transport_key,
    without_transport_key,
)

SIGNING_AHEAD = timedelta(days=30)
"""How long a signing key is announced before its first use (C.1). In the sandbox not at all."""

TRANSPORT_AHEAD = timedelta(days=1)
"""How long a transport key is: every peer looks for a newer manifest at each visit, within minutes."""

LEAST_KID_CHARACTERS = 8
"""Of a key id that somebody types; the rest is found."""

log = structlog.get_logger("epix_node.identity.rotation")


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What became of a change: the version over it, and whether it is in force or still lacks signatures."""

    version: SignedVersion
    manifest: Manifest
    in_force: bool
    signatures: int
    threshold: int


def make(database: Database, own: OwnRole, change: Callable[[Manifest], Manifest], *, now: datetime) -> Change:
    """The next version of the role, over the changed manifest; kept where enough of the role's keys are here.

    Raises:
        UnacceptableError, NotFoundError: ``change`` says so, or the manifest could not follow.
        ConflictError: the database came from a copy, and the node has not learned yet what was signed since.
        KeyMaterialError: a role key cannot be used, or there is no manifest yet.
    """
    in_force = own.at_hand >= own.role.threshold  # asks for the passphrase before anything waits for the database

    def work(session: Session) -> SignedVersion:
        manifest = own_manifest(session)
        _require_known(session, manifest.party)
        version = next_version(session, own, change(manifest), now=now, partial=not in_force)
        if in_force:
            trust_store.keep_own(session, version.party_file(), now=now)
        return version

    version = database.write_now(work)
    if in_force:
        log.info("own role signed", party=own.role.party, version=version.number)
    return Change(
        version=version,
        manifest=parse_manifest(version.manifest_file),
        in_force=in_force,
        signatures=signatures_on(own.role, version),
        threshold=own.role.threshold,
    )


def _require_known(session: Session, party: str) -> None:
    """Raise ``ConflictError`` where the newest manifest may be missing: two of one number would both be signed."""
    held = register.state(session, party)
    if held is not None and held.halted is not None and parse_standstill(held.halted).cause is Cause.RESTORED:
        raise ConflictError(
            "the database was restored from a copy, which may lack the newest keys: start the node first, so that it "
            "asks the others, and try again when `epix-node doctor` says that the register is signed"
        )


def announced(pair: SigningPair, *, first_use: datetime) -> Callable[[Manifest], Manifest]:
    """This key signs every type of document from ``first_use`` on; those before it retire, and nothing is re-signed."""
    certificate = pair.signer.certificate
    entry = PermitKeyEntry.of(
        certificate,
        uses=[type_.value for type_ in DocumentType],
        not_before=max(first_use, certificate.not_valid_before_utc),
        not_after=certificate.not_valid_after_utc,
    )
    return lambda manifest: with_permit_key(manifest, entry)


def announced_transport(pair: TransportPair, *, not_after: datetime, now: datetime) -> Callable[[Manifest], Manifest]:
    """Peers take this key beside those before it. When the node begins to use it is its own affair."""
    entry = TransportKeyEntry.of(pair.key.public_key(), not_after=not_after)
    return lambda manifest: with_transport_key(manifest, entry, now=now)


def revoked(kid: str, *, since: datetime, reason: str | None, now: datetime) -> Callable[[Manifest], Manifest]:
    """The key with this id, or its beginning, counts no more: a signing key from ``since`` on, a transport key at all.

    What a signing key signed before is good where it was provably in the register by then (decision 7).

    The function raises:
        NotFoundError: there is no such key.
        InputError: the beginning is that of several keys.
        UnacceptableError: ``since`` cannot be, or it is the only transport key.
    """

    def change(manifest: Manifest) -> Manifest:
        full = full_kid(manifest, kid)
        if full in {entry.kid for entry in manifest.transport_keys}:
            return without_transport_key(manifest, full)
        if since > now:
            raise UnacceptableError("the time since when the key is not to be trusted lies in the future")
        return with_revocation(manifest, full, invalid_since=since, reason=reason)

    return change


def full_kid(manifest: Manifest, beginning: str) -> str:
    """The id of the one signing or transport key that begins so; spaces do not count.

    Raises:
        NotFoundError: there is none.
        InputError: there are several, or too little is given to tell.
    """
    wanted = "".join(beginning.split()).lower()
    if len(wanted) < LEAST_KID_CHARACTERS:
        raise InputError(f"key id {beginning!r}: expected its first {LEAST_KID_CHARACTERS} characters at least")
    known = [entry.kid for entry in manifest.permit_keys] + [entry.kid for entry in manifest.transport_keys]
    found = [kid for kid in known if kid.startswith(wanted)]
    if not found:
        raise NotFoundError(f"no signing or transport key of {manifest.party} begins with {wanted}")
    if len(found) > 1:
        raise InputError(f"several keys of {manifest.party} begin with {wanted}: give more of the id")
    return found[0]


def waiting_signing(box: KeyBox, manifest: Manifest) -> SigningPair | None:
    """The newest signing key that was generated and not announced yet, opened; None where there is none."""
    known = {entry.kid for entry in manifest.permit_keys}
    newest = box.certificates()[0]
    return box.open_signing(newest) if newest.kid not in known else None


def waiting_transport(box: KeyBox, manifest: Manifest) -> TransportPair | None:
    """The newest transport key that was generated and not announced yet; None where there is none."""
    newest = box.transports()[0]
    return newest if newest.kid not in {entry.kid for entry in manifest.transport_keys} else None


def add_signatures(role: PartyRole, version: SignedVersion, keys: RoleKeys) -> tuple[SignedVersion, int]:
    """The version with the signatures of those of the role's keys that are here, and how many it has then.

    Raises:
        KeyMaterialError: a key cannot be used, or none of the role's is here.
        MalformedDocumentError: this is no version of the role.
    """
    made = countersign(role, version, keys, partial=True)
    return made, signatures_on(role, made)


def take(database: Database, role: PartyRole, version: SignedVersion, *, now: datetime) -> Manifest:
    """The version, which has all its signatures, is the own one from now on; taking it twice changes nothing.

    Raises:
        TrustError: the signatures do not verify, or are too few.
        MalformedDocumentError: it is no version of the role.
        ConflictError: a newer version was signed since it was made.
        UnacceptableError: it cannot follow the one that is kept.
    """
    verified = role.verify(version)

    def work(session: Session) -> None:
        held = own_version(session)
        if held is not None and held == version:
            return
        if held is not None and held.number >= verified.version:
            raise ConflictError(
                f"this is version {verified.version} of the role, and version {held.number} is in force: begin again"
            )
        if held is not None:
            require_successor(parse_manifest(held.manifest_file), verified.manifest)
        trust_store.keep_own(session, version.party_file(), now=now)

    database.write_now(work)
    log.info("own role taken", party=role.party, version=verified.version)
    return verified.manifest
