"""Who this node is to others: its own keys, and the manifest that it signed itself.

The manifest is an artefact, not a reading of the configuration: ``init`` signs version 1 with the role's keys, and
every later version follows the one before it (``trust.succession``). So a register keeps its name when the node moves,
and what was once announced is not forgotten. ``party.json``, kept in the database, is the newest version.

Role keys may lie in a safe. Where enough of them are at hand, the node signs by itself what follows from its
configuration, and renews its role long before it expires; where not, it says what is to be done and goes on.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Self
from urllib.parse import urlsplit

import structlog

from epix_node.config import Config, KeyFiles
from epix_node.document.header import DocumentType
from epix_node.errors import KeyMaterialError, MalformedDocumentError
from epix_node.identity.key_box import KeyBox, OwnKeys
from epix_node.identity.opener import Opener
from epix_node.register.cosignature import Cosigner
from epix_node.register.note import NoteSigner
from epix_node.store import trust as trust_store
from epix_node.store.database import Database, Session
from epix_node.trust.freshness import PARTY_WARNINGS
from epix_node.trust.manifest import (
    CoverageEntry,
    LogEntry,
    Manifest,
    PermitKeyEntry,
    TransportKeyEntry,
    WitnessEntry,
    parse_manifest,
)
from epix_node.trust.party_role import PartyRole, sign_version
from epix_node.trust.role_keys import RoleKeys
from epix_node.trust.signed_version import SignedVersion, read_party_role
from epix_node.trust.trust_list import TrustList

API_PATH = "/epix/v1/"
"""Where the federation API stands under ``[server] base_url`` (contract 3)."""

RENEW_BEFORE = max(PARTY_WARNINGS)
"""How long before its expiry the own role is signed again, where its keys are at hand."""

_ADDED_SINCE = (DocumentType.EXTRACT.value,)
"""Types of document that manifests of earlier releases do not name."""

log = structlog.get_logger("epix_node.identity")


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnRole:
    """The own role in the trust list: its public keys, and the directory of those private ones that are at hand."""

    role: PartyRole
    keys: RoleKeys

    @classmethod
    def generate(cls, files: KeyFiles, opener: Opener, party: str, *, number: int, threshold: int) -> Self:
        """A role with new keys is in these files. Raises ``KeyMaterialError`` where they cannot be written."""
        if files.role.exists():
            raise KeyMaterialError(f"role file {files.role} exists; a role is made once")
        keys = RoleKeys(directory=files.role_keys, load=opener.load_ed25519_key, write=opener.write)
        keys.make_directory()
        role = PartyRole.generate(party, keys, number=number, threshold=threshold)
        try:
            with files.role.open("xb") as file:
                file.write(role.to_json())
        except OSError as error:
            raise KeyMaterialError(f"role file {files.role} cannot be written: {error.strerror}") from error
        return cls(role=role, keys=keys)

    @classmethod
    def load(cls, config: Config, opener: Opener | None = None, *, also: tuple[Path, ...] = ()) -> Self:
        """The role of this configuration's node, whatever private keys are there and in the directories ``also``.

        Raises:
            KeyMaterialError: the role file is missing, unreadable, or another Party's.
        """
        files, party = config.key_files, config.party.code
        opener = opener or Opener.of(config)
        try:
            role = PartyRole.parse(files.role.read_bytes())
        except FileNotFoundError as error:
            raise KeyMaterialError(
                f"role file {files.role} does not exist: restore it from your backup, or, for a node of the first "
                "release, make a role with `epix-node keys generate role`"
            ) from error
        except OSError as error:
            raise KeyMaterialError(f"role file {files.role} cannot be read: {error.strerror}") from error
        except MalformedDocumentError as error:
            raise KeyMaterialError(f"role file {files.role} cannot be used: {error}") from error
        if role.party != party:
            raise KeyMaterialError(f"role file {files.role} is that of {role.party}, expected {party}")
        keys = RoleKeys(directory=files.role_keys, also=also, load=opener.load_ed25519_key, write=opener.write)
        return cls(role=role, keys=keys)

    @property
    def at_hand(self) -> int:
        """How many of its private keys are here. Raises ``KeyMaterialError`` where one of them cannot be used."""
        return len(self.keys.signers(self.role.keys))


def first_manifest(config: Config, keys: OwnKeys) -> Manifest:
    """What a new node is: the codes, the address, the promise and the public keys; good as long as the certificate.

    Raises:
        KeyMaterialError: one key serves two purposes (C.1).
    """
    party, environment = config.party.code, config.party.environment
    place = f"{urlsplit(config.server.base_url).netloc.lower()}/{environment}"
    log_key = NoteSigner(f"{place}/register/{party}", keys.log)
    witness = Cosigner(f"{place}/witness/{party}", keys.witness)
    begins, ends = keys.certificate.not_valid_before_utc, keys.certificate.not_valid_after_utc
    try:
        return Manifest(
            env=environment,
            party=party,
            issues_for=config.party.issues_for,
            base=_base(config),
            coverage=_coverage(config),
            log=LogEntry(origin=log_key.name, vkeys=(log_key.verifier_key.vkey,)),
            witness=WitnessEntry(name=witness.name, vkeys=(witness.verifier_key.vkey,)),
            permit_keys=(
                PermitKeyEntry.of(
                    keys.certificate,
                    uses=[type_.value for type_ in DocumentType],
                    not_before=begins,
                    not_after=ends,
                ),
            ),
            transport_keys=(TransportKeyEntry.of(keys.transport.public_key(), not_after=ends),),
        )
    except ValueError as error:  # pydantic's ValidationError is one; the settings were checked when they were read
        raise KeyMaterialError(f"the own keys in {config.keys_directory} cannot be published: {error}") from error


def configured(manifest: Manifest, config: Config) -> Manifest:
    """The manifest with the codes, the address and the promise that the configuration has now.

    Keys are left alone, but that one which signed every type of document of an earlier release signs those of this one.
    """
    return manifest.model_copy(
        update={
            "issues_for": config.party.issues_for,
            "base": _base(config),
            "coverage": _coverage(config),
            "permit_keys": tuple(_for_every_type(entry) for entry in manifest.permit_keys),
        }
    )


def _for_every_type(entry: PermitKeyEntry) -> PermitKeyEntry:
    """The same, with the types that this release added where it had all others: a key for few types stays one."""
    new = tuple(use for use in _ADDED_SINCE if use not in entry.uses)
    earlier = {type_.value for type_ in DocumentType} - set(_ADDED_SINCE)
    if not new or entry.status == "revoked" or not earlier <= set(entry.uses):
        return entry
    return entry.model_copy(update={"uses": (*entry.uses, *new)})


def own_version(session: Session) -> SignedVersion | None:
    """The newest version of the own role; None in a database without one."""
    held = trust_store.held(session).own
    return SignedVersion.parse(held) if held is not None else None


def sign_next(database: Database, own: OwnRole, manifest: Manifest, *, now: datetime) -> SignedVersion:
    """The own role has a next version, over this manifest, signed and kept; others find it at ``party.json``.

    It follows the version that is kept, and is above whatever the trust list has seen of this Party.

    Raises:
        UnacceptableError: it cannot follow (``trust.succession``).
        KeyMaterialError: too few of the role's keys are at hand.
    """

    def work(session: Session) -> SignedVersion:
        version = next_version(session, own, manifest, now=now)
        trust_store.keep_own(session, version.party_file(), now=now)
        return version

    version = database.write_now(work)
    log.info("own role signed", party=manifest.party, version=version.number)
    return version


def sign_change(
    database: Database, own: OwnRole, change: Callable[[Manifest], Manifest], *, now: datetime
) -> SignedVersion:
    """As ``sign_next``, over what ``change`` makes of the manifest that is kept, so that no other change is lost.

    Raises also:
        KeyMaterialError: there is no manifest to change.
    """

    def work(session: Session) -> SignedVersion:
        version = next_version(session, own, change(own_manifest(session)), now=now)
        trust_store.keep_own(session, version.party_file(), now=now)
        return version

    version = database.write_now(work)
    log.info("own role signed", party=own.role.party, version=version.number)
    return version


def own_manifest(session: Session) -> Manifest:
    """The manifest of the newest version. Raises ``KeyMaterialError`` in a database without one."""
    held = trust_store.held(session).own
    if held is None:
        raise KeyMaterialError("the database has no manifest of this node; `epix-node serve` makes one")
    return _manifest(held)


def next_version(
    session: Session, own: OwnRole, manifest: Manifest, *, now: datetime, partial: bool = False
) -> SignedVersion:
    """The version over this manifest that would follow; it is not kept. Raises as ``sign_next``.

    With ``partial`` it may lack signatures, for a ceremony elsewhere.
    """
    held = trust_store.held(session)
    seen = TrustList.from_bytes(held.trust_list).floors.get(manifest.party, 0) if held.trust_list else 0
    return sign_version(
        own.role,
        manifest,
        own.keys,
        now=now,
        previous=_manifest(held.own) if held.own is not None else None,
        above=seen,
        partial=partial,
    )


def current_version(database: Database, own: OwnRole | None, *, now: datetime) -> SignedVersion | None:
    """The newest version of the own role; signed again first where it expires within 90 days and keys are at hand."""
    version = database.read_now(own_version)
    if version is None or own is None or expiry_of(version, own.role.party) - now > RENEW_BEFORE:
        return version
    try:
        return sign_change(database, own, lambda manifest: manifest, now=now)
    except KeyMaterialError as error:
        log.warning("own role expires soon and cannot be signed here", problem=str(error))
        return version


def expiry_of(version: SignedVersion, party: str) -> datetime:
    """When this version of the Party's role expires."""
    return read_party_role(version.role, party)[0].signed.expires


def establish(database: Database, config: Config, box: KeyBox, *, follow: bool, now: datetime) -> Manifest:
    """The own manifest; made and signed where the database has none, and with ``follow`` also where settings changed.

    Raises:
        KeyMaterialError: there is no manifest and a key cannot be opened or the role's keys are not at hand.
    """
    party = config.party.code
    database.write_now(_take_successor, party, now=now)
    version = database.read_now(own_version)
    if version is None:
        own = OwnRole.load(config, box.opener)
        version = sign_next(database, own, first_manifest(config, OwnKeys.of(box)), now=now)
    manifest = parse_manifest(version.manifest_file)
    if manifest.party != party or manifest.env != config.party.environment:
        raise KeyMaterialError(
            f"the database is that of {manifest.party} in {manifest.env}, the configuration is for {party} in "
            f"{config.party.environment}: set [party] back, or make another node with `epix-node init`"
        )
    if follow and configured(manifest, config) != manifest:
        try:
            own = OwnRole.load(config, box.opener)
            version = sign_change(database, own, lambda newest: configured(newest, config), now=now)
        except KeyMaterialError as error:
            log.warning("the configuration is not what others know", advice=ADVICE_TO_SIGN, problem=str(error))
    return parse_manifest(version.manifest_file)


def _take_successor(session: Session, party: str, *, now: datetime) -> None:
    """The own version is that of the trust list, where that names a successor of the register that this one names.

    So it is where the database was restored from a backup that is older than the successor.
    """
    held = trust_store.held(session)
    if held.own is None or not held.trust_list:
        return
    entry = TrustList.from_bytes(held.trust_list).parties.get(party)
    if entry is not None and _manifest(held.own).log.origin in entry.manifest.log.origins[:-1]:
        version = SignedVersion(role=entry.role, manifest_file=entry.manifest_file)
        trust_store.keep_own(session, version.party_file(), now=now)
        log.warning("the register was succeeded before this backup was restored", register=entry.manifest.log.origin)


ADVICE_TO_SIGN = "bring the role's keys to keys/role and restart, so that the node signs its next manifest"


def _manifest(party_file: bytes) -> Manifest:
    return parse_manifest(SignedVersion.parse(party_file).manifest_file)


def _base(config: Config) -> tuple[str, ...]:
    return (f"{config.server.base_url}{API_PATH}",)


def _coverage(config: Config) -> tuple[CoverageEntry, ...]:
    return tuple(
        CoverageEntry(
            types=promise.types, issued_from=promise.issued_from, published_within_h=promise.published_within_h
        )
        for promise in config.party.coverage
    )
