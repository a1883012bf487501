"""The composition root: everything that a running node has open, made from its configuration, for the rims only.

``open_node`` checks the keys and the database first, so that a node that could not work does not start. Nothing of
it reaches for the network.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from epix_node.acts.office import Office
from epix_node.clock import Clock, utc_now
from epix_node.config import Config, KeyFiles
from epix_node.document.header import DocumentType
from epix_node.errors import ConfigError, ConflictError, KeyMaterialError
from epix_node.exchange.own import OwnRegister
from epix_node.register.cosignature import Cosigner
from epix_node.register.note import NoteSigner
from epix_node.rules.ruleset import load_ruleset
from epix_node.sandbox_clock import SharedClock
from epix_node.signing.signer import FileSigner
from epix_node.store import peers, schema
from epix_node.store.database import Database
from epix_node.trust.certificate import country_of, load_certificate
from epix_node.trust.keyring import Keyring
from epix_node.trust.keys import load_ed25519_key, load_permit_key
from epix_node.trust.manifest import (
    CoverageEntry,
    LogEntry,
    Manifest,
    PermitKeyEntry,
    TransportKeyEntry,
    WitnessEntry,
    parse_manifest,
)

_SQLITE_MAGIC = b"SQLite format 3\0"
"""How every SQLite file begins (sqlite.org/fileformat2.html, 1.3)."""

API_PATH = "/epix/v1/"
"""Where the federation API stands under ``[server] base_url`` (contract 3)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnKeys:
    """The node's own keys, in memory."""

    signing: ec.EllipticCurvePrivateKey = field(repr=False)
    certificate: x509.Certificate
    log: Ed25519PrivateKey = field(repr=False)
    witness: Ed25519PrivateKey = field(repr=False)
    transport: Ed25519PrivateKey = field(repr=False)

    @classmethod
    def load(cls, files: KeyFiles, *, party: str) -> Self:
        """The keys in these files.

        Raises:
            KeyMaterialError: a file is missing, unreadable, open to others or holds another kind of key; or the
                certificate is another Party's, or for another key.
        """
        keys = cls(
            signing=load_permit_key(files.signing_key),
            certificate=load_certificate(files.signing_certificate),
            log=load_ed25519_key(files.log_key),
            witness=load_ed25519_key(files.witness_key),
            transport=load_ed25519_key(files.transport_key),
        )
        if (country := country_of(keys.certificate)) != party:
            raise KeyMaterialError(f"certificate {files.signing_certificate} names C={country}, expected C={party}")
        FileSigner(keys.signing, keys.certificate)  # raises where the certificate is for another key
        return keys


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """What is open while the node runs. ``transport_key`` signs requests to other nodes, under ``transport_kid``."""

    config: Config
    clock: Clock
    office: Office
    manifest: Manifest
    transport_key: Ed25519PrivateKey = field(repr=False)
    transport_kid: str

    @property
    def database(self) -> Database:
        """The node's database."""
        return self.office.database

    @property
    def party(self) -> str:
        """The own Party's code."""
        return self.office.party

    def keyring(self) -> Keyring:
        """The own manifest and those of the peers that are pinned at this moment, by whatever process."""
        return self.office.keyring()


class PinnedKeyring:
    """The keyring of the own and the pinned manifests, made again only after a peer was pinned."""

    def __init__(self, database: Database, own: Manifest) -> None:
        self._database = database
        self._own = own
        self._reader = database.point_reader()
        self._lock = threading.Lock()
        self._pins: tuple[int, int] | None = None
        self._keyring: Keyring | None = None

    def __call__(self) -> Keyring:
        """The keyring as of the newest commit.

        Raises:
            ConflictError: a pinned manifest claims what is this node's own; `peers add` refuses such a file, so the
                own codes or keys have changed since.
        """
        with self._lock:
            pins = peers.pins(self._reader)
            if self._keyring is None or pins != self._pins:
                pinned = self._database.read_now(peers.manifests)
                others = {party: parse_manifest(data) for party, data in pinned.items()}
                self._keyring = Keyring({**others, self._own.party: self._own})
                self._pins = pins
            return self._keyring

    def close(self) -> None:
        """Let go of the database."""
        self._reader.close()


@contextmanager
def open_node(config: Config, *, migrate: bool = False) -> Iterator[Node]:
    """Everything that the node needs, open until the block ends. ``migrate`` brings the database up to date first.

    Raises:
        KeyMaterialError: the own keys cannot be used.
        ConfigError: there is no database, it has another schema than this program's, or a pinned peer claims what
            is this node's own.
    """
    keys = OwnKeys.load(config.key_files, party=config.party.code)
    manifest = own_manifest(config, keys)
    database = open_database(config, create=migrate)
    try:
        if migrate:
            schema.migrate(database)
        require_schema(database)
        keyring = PinnedKeyring(database, manifest)
        try:
            office = Office(
                database=database,
                own=own_register(manifest, keys),
                ruleset=load_ruleset(),
                keyring=keyring,
                timezone=ZoneInfo(config.party.timezone),
                customs_union=frozenset(config.party.customs_union),
            )
            try:
                keyring()
            except ConflictError as error:
                raise ConfigError(f"{config.path}: [party]: {error}; remove the peer or mend the setting") from error
            yield Node(
                config=config,
                clock=clock_of(config),
                office=office,
                manifest=manifest,
                transport_key=keys.transport,
                transport_kid=manifest.transport_keys[0].kid,
            )
        finally:
            keyring.close()
    finally:
        database.close()


def clock_of(config: Config) -> Clock:
    """The clock that the node goes by: the machine's, or the one that a demonstration shares."""
    return SharedClock(config.shared_clock) if config.shared_clock is not None else utc_now


def open_database(config: Config, *, create: bool = False) -> Database:
    """The database of the configuration, whatever its schema. With ``create``, an absent file is made, and is empty.

    Raises:
        ConfigError: there is none, it cannot be made, or the file is something else.
    """
    path = config.store_path
    if path is not None and path.is_file():
        _require_sqlite(path)
    elif path is not None:
        if not create:
            raise ConfigError(
                f"[store] url: there is no database {path}; `epix-node store migrate` makes an empty one, "
                "`epix-node init` a whole node"
            )
        try:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise ConfigError(f"[store] url: {path.parent} cannot be made: {error.strerror}") from error
    return Database(config.store_url)


def _require_sqlite(path: Path) -> None:
    try:
        with path.open("rb") as file:
            magic = file.read(len(_SQLITE_MAGIC))
    except OSError as error:
        raise ConfigError(f"[store] url: {path} cannot be read: {error.strerror}") from error
    if magic not in {b"", _SQLITE_MAGIC}:  # an empty file is an empty database
        raise ConfigError(f"[store] url: {path} is no SQLite database")


def require_schema(database: Database) -> None:
    """Return where the database has this program's schema.

    Raises:
        ConfigError: it has not; the message says which it has and what to do.
    """
    held, needed = schema.revision(database), schema.HEAD
    if held != needed:
        raise ConfigError(
            f"the database has schema {held or 'none'}, this program needs {needed}: run `epix-node store migrate`"
        )


def own_register(manifest: Manifest, keys: OwnKeys) -> OwnRegister:
    """The own register with its signers. What it signs is checked against the own manifest alone."""
    return OwnRegister(
        party=manifest.party,
        codes=frozenset(manifest.issues_for),
        environment=manifest.env,
        signer=FileSigner(keys.signing, keys.certificate),
        log=NoteSigner(manifest.log.origin, keys.log),
        cosigner=Cosigner(manifest.witness.name, keys.witness),
        keys=Keyring({manifest.party: manifest}),
    )


def own_manifest(config: Config, keys: OwnKeys) -> Manifest:
    """What ``federation request`` writes: the codes, the address, the promise and the public keys of this node.

    The same configuration and keys always give the same manifest; keys are good as long as the certificate.

    Raises:
        KeyMaterialError: one key serves two purposes (C.1).
    """
    party, environment = config.party.code, config.party.environment
    place = f"{urlsplit(config.server.base_url).netloc.lower()}/{environment}"
    log = NoteSigner(f"{place}/register/{party}", keys.log)
    witness = Cosigner(f"{place}/witness/{party}", keys.witness)
    begins, ends = keys.certificate.not_valid_before_utc, keys.certificate.not_valid_after_utc
    try:
        return Manifest(
            env=environment,
            party=party,
            issues_for=config.party.issues_for,
            base=(f"{config.server.base_url}{API_PATH}",),
            coverage=tuple(
                CoverageEntry(
                    types=promise.types,
                    issued_from=promise.issued_from,
                    published_within_h=promise.published_within_h,
                )
                for promise in config.party.coverage
            ),
            log=LogEntry(origin=log.name, vkeys=(log.verifier_key.vkey,)),
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
