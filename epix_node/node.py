"""The composition root: everything that a running node has open, made from its configuration, for the rims only.

``open_node`` checks the keys and the database first, so that a node that could not work does not start. Nothing of
it reaches for the network.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import structlog
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from epix_node.acts import succession
from epix_node.acts.office import Office
from epix_node.acts.revocation import heed_revocations
from epix_node.acts.witnesses import WitnessRule, rule_from
from epix_node.clock import Clock, utc_now
from epix_node.config import Config
from epix_node.errors import ConfigError, EpixError, MalformedDocumentError
from epix_node.exchange.own import OwnRegister
from epix_node.exchange.sequencer import Sequencer
from epix_node.identity.key_box import KeyBox
from epix_node.identity.live import LiveKeys
from epix_node.identity.opener import Ask
from epix_node.identity.role import OwnRole, establish, own_version
from epix_node.reference.catalogue import Catalogue, following
from epix_node.register.cosignature import Cosigner
from epix_node.register.note import NoteSigner
from epix_node.rules.national import read_measures
from epix_node.rules.ruleset import Ruleset, load_ruleset
from epix_node.sandbox_clock import SharedClock
from epix_node.store import register, schema
from epix_node.store import trust as trust_store
from epix_node.store.backup import mark_restored
from epix_node.store.database import Database, Session
from epix_node.store.last_signed import LastSigned
from epix_node.trust.keyring import Keyring
from epix_node.trust.manifest import Manifest, parse_manifest
from epix_node.trust.signed_version import SignedVersion
from epix_node.trust.trust_list import TrustList, bootstrap

log = structlog.get_logger("epix_node.node")

_SQLITE_MAGIC = b"SQLite format 3\0"
"""How every SQLite file begins (sqlite.org/fileformat2.html, 1.3)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """What is open while the node runs."""

    config: Config
    clock: Clock
    office: Office
    keys: LiveKeys = field(repr=False)
    role: OwnRole | None = None
    """The own role, where its file is there; its private keys may be elsewhere."""

    @property
    def database(self) -> Database:
        """The node's database."""
        return self.office.database

    @property
    def party(self) -> str:
        """The own Party's code."""
        return self.office.party

    @property
    def manifest(self) -> Manifest:
        """The own manifest as of the newest commit."""
        return self.keyring().manifests[self.party]

    @property
    def transport_key(self) -> Ed25519PrivateKey:
        """Signs requests to other nodes and answers to them now."""
        return self.keys.transport.key

    @property
    def transport_kid(self) -> str:
        """The id of that key in the own manifest."""
        return self.keys.transport.kid

    def clock_itself(self) -> datetime:
        """What the clock shows, whatever was verified: nobody may push the clock on by the floor that it makes."""
        return self.clock.clock() if isinstance(self.clock, FlooredClock) else self.clock()

    def keyring(self) -> Keyring:
        """The own manifest and those of the Parties in the trust list, as of the newest commit."""
        return self.office.keyring()


class LiveTrust:
    """The own manifest, the trust list and the keyring of both, as of the newest commit of whatever process.

    Read anew only after one of them changed; the keyring is made again only where a manifest did.
    """

    def __init__(self, database: Database, *, has_list: bool) -> None:
        self._database = database
        self._has_list = has_list
        self._points = database.point_reader()
        self._lock = threading.Lock()
        self._revision: int | None = None
        self._own: tuple[bytes, Manifest] | None = None
        self._list: TrustList | None = None
        self._keyring: Keyring = Keyring({})

    def keyring(self) -> Keyring:
        """Who may sign for whom."""
        with self._lock:
            self._follow()
            return self._keyring

    def own(self) -> Manifest:
        """The own manifest; the same object until it changes."""
        with self._lock:
            self._follow()
            assert self._own is not None  # `establish` saw to it
            return self._own[1]

    def trust_list(self) -> TrustList | None:
        """The trust list; None where this node stands alone."""
        with self._lock:
            self._follow()
            return self._list

    def floor(self) -> datetime | None:
        """The clock floor of the list that was read last; does not ask the database."""
        known = self._list
        return known.clock_floor if known is not None else None

    def close(self) -> None:
        """Let go of the database."""
        self._points.close()

    def _follow(self) -> None:
        revision = trust_store.revision(self._points)
        if revision == self._revision:
            return
        held = self._database.read_now(trust_store.held)
        if held.own is not None and (self._own is None or self._own[0] != held.own):
            self._own = (held.own, parse_manifest(SignedVersion.parse(held.own).manifest_file))
        before = self._list
        is_listed = self._has_list and held.trust_list is not None
        self._list = TrustList.from_bytes(held.trust_list) if is_listed and held.trust_list is not None else None
        own = self._own[1] if self._own is not None else None
        if _manifest_files(before) != _manifest_files(self._list) or own is not self._keyring.manifests.get(self._code):
            self._keyring = _keyring(self._list, own)
        self._revision = held.revision

    @property
    def _code(self) -> str:
        return self._own[1].party if self._own is not None else ""


def _manifest_files(trust_list: TrustList | None) -> dict[str, bytes]:
    return {p: entry.manifest_file for p, entry in trust_list.parties.items()} if trust_list is not None else {}


def _keyring(trust_list: TrustList | None, own: Manifest | None) -> Keyring:
    if trust_list is not None:
        return Keyring.of(trust_list, own)
    return Keyring({own.party: own} if own is not None else {})


@dataclass(frozen=True, slots=True)
class FlooredClock:
    """A clock that is never taken to be before the newest signed time that this node verified (C.1)."""

    clock: Clock
    floor: Callable[[], datetime | None]

    def __call__(self) -> datetime:
        """The clock's time, or the floor where the clock is behind that."""
        now, floor = self.clock(), self.floor()
        return now if floor is None or now >= floor else floor


@contextmanager
def open_node(config: Config, *, migrate: bool = False, follow: bool = False, ask: Ask | None = None) -> Iterator[Node]:
    """Everything that the node needs, open until the block ends.

    ``migrate`` brings the database up to date first. With ``follow``, as a node that starts, it signs its next
    manifest where the configuration has changed and the role's keys are at hand. ``ask`` asks who sits at a terminal
    for the passphrase of the keys, where neither file nor environment has it.

    Raises:
        KeyMaterialError: the own keys cannot be used, or are not those of the own manifest; with ``follow`` also where
            no signing key is good now.
        ConfigError: there is no database, it has another schema than this program's, or the pinned root, the
            national measures or the reference data cannot be read.
    """
    box = KeyBox.of(config, ask=ask)
    box.certificates()  # the wrong files are told of before anything is written
    machine = clock_of(config)
    database = open_database(config, create=migrate)
    try:
        if migrate:
            schema.migrate(database)
        require_schema(database)
        if config.federation.trust_list is not None:
            require_root(database, config, now=machine())
        is_new = database.read_now(_is_new, config.party.code)
        manifest = establish(database, config, box, follow=follow, now=machine())
        trust = LiveTrust(database, has_list=config.federation.trust_list is not None)
        record = LastSigned(database)
        try:
            clock = FlooredClock(machine, trust.floor)
            keys = LiveKeys.open(box, lambda: trust.keyring().manifests[manifest.party], clock)
            if follow:
                keys.require_period()
            own = own_register(manifest, keys)
            sequencer = Sequencer(database, record, own)
            if is_new:
                database.write_now(mark_restored, own.party, own.origin, source="an empty database", now=clock())
            succession.begin(database, own, manifest.log, record)
            sequencer.look(now=clock())
            office = Office(
                database=database,
                own=own,
                sequencer=sequencer,
                ruleset=ruleset_of(config),
                keyring=trust.keyring,
                trust_list=trust.trust_list,
                timezone=ZoneInfo(config.party.timezone),
                catalogue=catalogue_of(config),
                customs_union=frozenset(config.party.customs_union),
                witnesses=witness_rule(config),
            )
            if not follow:  # a node that starts does not wait for it: its first job sees to it
                heed_revocations(office, now=clock())
            yield Node(config=config, clock=clock, office=office, keys=keys, role=_role_of(config, box))
        finally:
            record.close()
            trust.close()
    finally:
        box.close()
        database.close()


def _is_new(session: Session, party: str) -> bool:
    """Whether the database was neither made by ``init`` nor used yet: perhaps it stands where another was lost."""
    return own_version(session) is None and register.state(session, party) is None


def _role_of(config: Config, box: KeyBox) -> OwnRole | None:
    if not config.key_files.role.exists():
        return None
    return OwnRole.load(config, box.opener)


def require_root(database: Database, config: Config, *, now: datetime) -> None:
    """The database has a trust list that begins at the pinned root; another root begins a new one.

    Raises:
        ConfigError: the pinned root is not there, or is none.
    """
    path = config.root_file
    try:
        root = path.read_bytes()
    except OSError as error:
        raise ConfigError(
            f"[federation] root: {path} cannot be read: {error.strerror}. Get it from the Secretariat and compare its "
            "fingerprint with the printed one"
        ) from error
    try:
        fresh = bootstrap(root, config.party.environment)
    except EpixError as error:
        raise ConfigError(f"[federation] root: {path} is no root of a trust list: {error}") from error
    held = database.read_now(trust_store.held).trust_list
    known = TrustList.from_bytes(held) if held is not None else None
    if known is None or root not in known.roots:
        if known is not None:
            # Whoever can write this one file decides whom the node believes: that must not happen unseen. The time
            # that was verified before stays the floor, since no root can turn time back (C.1).
            fresh = replace(fresh, clock_floor=known.clock_floor)
            log.warning("another root is pinned; the trust list before is forgotten", root=fresh.fingerprint())
        database.write_now(trust_store.keep_list, fresh.to_bytes(), now=now)


def clock_of(config: Config) -> Clock:
    """The clock that the node goes by: the machine's, or the one that a demonstration shares."""
    return SharedClock(config.shared_clock) if config.shared_clock is not None else utc_now


def ruleset_of(config: Config) -> Ruleset:
    """The rules of this release, under the national measures of the configuration where it has any.

    Raises:
        ConfigError: the national measures cannot be read, or cannot be so.
    """
    ruleset, path = load_ruleset(), config.national_rules
    return ruleset if path is None else ruleset.with_measures(read_measures(path, ruleset))


def witness_rule(config: Config) -> WitnessRule:
    """Whose cosignatures count here.

    Raises:
        ConfigError: the policy file cannot be read, or is none.
    """
    path, register = config.witness_policy_file, config.witnessing
    try:
        policy = path.read_text("utf-8") if path is not None else None
        return rule_from(register.witnesses, register.quorum, policy)
    except OSError as error:
        raise ConfigError(f"[register] policy: {path} cannot be read: {error.strerror}") from error
    except (UnicodeDecodeError, MalformedDocumentError) as error:
        raise ConfigError(f"[register] policy: {path} is no witness policy: {error}") from error


def catalogue_of(config: Config) -> Callable[[], Catalogue]:
    """Gives the reference data as they are at that moment; others may be loaded while the node runs.

    Raises:
        ConfigError: what was loaded cannot be read.
    """
    catalogue = following(config.reference_file)
    catalogue()
    return catalogue


def open_database(config: Config, *, create: bool = False) -> Database:
    """The database of the configuration, whatever its schema. With ``create``, an absent file is made, and is empty.

    A database on a server is not asked yet; nobody but its administrator makes it.

    Raises:
        ConfigError: there is none, it cannot be made, the file is something else, or the driver is missing.
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


def own_register(manifest: Manifest, keys: LiveKeys) -> OwnRegister:
    """The own register with its signers. What it signs is checked against the own manifest alone."""
    return OwnRegister(
        party=manifest.party,
        codes=frozenset(manifest.issues_for),
        environment=manifest.env,
        signer=keys,
        log=NoteSigner(manifest.log.origin, keys.log_key),
        cosigner=Cosigner(manifest.witness.name, keys.witness_key),
        keys=keys,
        log_key=manifest.log_keys[0],
        cosigner_key=manifest.cosigner_keys[0],
    )
