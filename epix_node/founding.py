"""Make a new node: its directories, configuration, keys, certificate, database, and its role's first version.

A directory that is not there yet is made under another name and renamed, so that it is there whole or not at all.
Into one that exists, the files are made in a temporary directory inside it and then linked to their names, the
configuration last, and all taken away again where one name is taken. Nothing that exists is overwritten.
"""

from __future__ import annotations

import os
import secrets
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

from epix_node.config import DEFAULT_PATH, Config, CoveragePromise, KeyFiles, default_toml, load_config
from epix_node.errors import ConfigError, EpixError, KeyMaterialError
from epix_node.identity.key_box import KeyBox, OwnKeys
from epix_node.identity.role import OwnRole, first_manifest, sign_next
from epix_node.permit.codes import code_lists
from epix_node.store import schema
from epix_node.store import trust as trust_store
from epix_node.store.database import Database
from epix_node.trust.keys import generate_ed25519_key
from epix_node.trust.manifest import Manifest, parse_manifest
from epix_node.trust.party_role import SMALL, USUAL
from epix_node.trust.passphrase import PASSPHRASE_VARIABLE
from epix_node.trust.trust_list import bootstrap

DEFAULT_BASE_URL = "http://127.0.0.1:8080"
"""Contract 2."""

_LIFE = {"sandbox": timedelta(days=20 * 365)}
"""How long the certificate lasts (contract 7), where it is not ``_USUAL_LIFE``."""
_USUAL_LIFE = timedelta(days=365)
"""C.1: one year."""
_NO_COUNTRIES = frozenset({"HS", "XK", "XV", "XX"})
"""Codes that permits may carry and that no Party has (contract 1)."""
_PASSPHRASE_BYTES = 32
"""Of a passphrase that is made up: nobody can guess it, whatever the key derivation costs."""
_MAX_NAME_CHARACTERS = 64
"""ub-organization-name of RFC 5280."""
_OPEN, _PRIVATE = 0o755, 0o700
_DIRECTORIES = {"config": _OPEN, "federation": _OPEN, "keys": _PRIVATE, "keys/role": _PRIVATE, "data": _PRIVATE}
"""``data`` holds names and addresses, so it is closed to others like the keys."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What a new node is to be. ``now`` begins its certificate and, in the sandbox, its coverage."""

    party: str
    environment: str
    base_url: str
    now: datetime
    name: str | None = None
    clock: Path | None = None
    """The shared clock of a demonstration."""
    trust_list: str | None = None
    """Where the Secretariat publishes it; None: the node stands alone."""
    root: bytes | None = None
    """The root of the trust list, compared with the printed fingerprint."""
    store: str | None = field(default=None, repr=False)
    """The URL of its database; None: a SQLite file in the directory. On a server it exists, and holds no node."""
    passphrase: str | None = field(default=None, repr=False)
    """What the keys are encrypted with, where whoever starts the node gives it again."""
    passphrase_file: Path | None = None
    """The file in which it stands instead. With neither, the sandbox makes one up and keeps it beside the keys."""

    @property
    def listen(self) -> str:
        """The base URL's port, on loopback (contract 2); 8080 where it names none, since a proxy stands before it."""
        try:
            port = urlsplit(self.base_url).port
        except ValueError:  # no port of any machine, which reading the configuration will say
            port = None
        return f"127.0.0.1:{port or 8080}"


def found_node(directory: Path, plan: Plan) -> tuple[Config, Manifest]:
    """A new node stands in this directory; returns its configuration and manifest.

    Raises:
        ConfigError: something of a node is there already, or the plan makes no sense; nothing is left behind but, in
            a database on a server, empty tables.
        KeyMaterialError: keys cannot be written; nothing is left behind.
    """
    _require_sense(plan)
    directory = directory.absolute()
    try:
        with _staged(directory) as stage:
            try:
                manifest = _make(stage, plan)
            except (ConfigError, KeyMaterialError) as error:
                raise type(error)(str(error).replace(str(stage), str(directory))) from error
            _move(stage, directory)
    except OSError as error:
        raise ConfigError(f"{error.filename or directory}: cannot be written: {error.strerror}") from error
    return load_config(directory / DEFAULT_PATH, {}), manifest


def _require_sense(plan: Plan) -> None:
    meaning = code_lists().countries.get(plan.party)
    if meaning is None or plan.party in _NO_COUNTRIES:
        raise ConfigError(
            f"{plan.party!r} is no Party: expected ISO 3166-1 alpha-2 in capitals, EU, or a fictional country of the "
            "sandbox (XA to XZ without XK, XV and XX)"
        )
    if meaning == "user-assigned" and plan.environment != "sandbox":
        raise ConfigError(f"{plan.party} is a fictional country; {plan.environment} takes real ones only")
    if (plan.trust_list is None) != (plan.root is None):
        raise ConfigError("a trust list and its root belong together: the address says nothing without the root")
    if plan.root is not None:
        try:
            bootstrap(plan.root, plan.environment)
        except EpixError as error:
            raise ConfigError(f"the root is no root of a trust list: {error}") from error
    if plan.name is not None and not 0 < len(plan.name) <= _MAX_NAME_CHARACTERS:
        raise ConfigError(f"the name has {len(plan.name)} characters; expected 1 to {_MAX_NAME_CHARACTERS}")


@contextmanager
def _staged(directory: Path) -> Iterator[Path]:
    """A temporary directory on the file system of this one; gone afterwards, with the parents made for it."""
    made = [parent for parent in directory.parents if not parent.exists()]
    # Inside of a directory that exists: it may be a mount point, and its parent another file system.
    place = directory if directory.is_dir() else directory.parent
    place.mkdir(parents=True, exist_ok=True)
    stage = Path(tempfile.mkdtemp(dir=place, prefix=".epix-init-"))
    try:
        yield stage
    finally:
        shutil.rmtree(stage, ignore_errors=True)
        for parent in made:
            if not any(parent.iterdir()):
                parent.rmdir()


def _make(stage: Path, plan: Plan) -> Manifest:
    for name, mode in _DIRECTORIES.items():
        (stage / name).mkdir(mode=mode)
    coverage: tuple[CoveragePromise, ...] = ()
    if plan.environment == "sandbox":  # contract 4: a country's promise is its own to make elsewhere
        coverage = (CoveragePromise(types=("E", "R", "I", "O"), issued_from=plan.now.date(), published_within_h=24),)
    text = default_toml(
        code=plan.party,
        name=plan.name,
        environment=plan.environment,
        base_url=plan.base_url.rstrip("/"),
        listen=plan.listen,
        coverage=coverage,
        clock=str(plan.clock.absolute()) if plan.clock is not None else None,
        trust_list=plan.trust_list,
        passphrase_file=_passphrase_file(stage, plan),
        store=plan.store,
    )
    (stage / DEFAULT_PATH).write_text(text, encoding="utf-8")
    config = load_config(stage / DEFAULT_PATH, {})
    if plan.root is not None:
        config.root_file.write_bytes(plan.root)
    given = plan.passphrase
    if given is None and config.passphrase_file is None:
        raise KeyMaterialError(
            f"a node of {plan.environment} needs a passphrase for its keys: give --passphrase-file, set "
            f"{PASSPHRASE_VARIABLE}, or run on a terminal"
        )
    box = KeyBox.of(config, ask=(lambda _: given) if given is not None else None)
    files, opener = box.files, box.opener
    box.make_signing(
        not_before=plan.now.replace(microsecond=0), valid_for=life_of(plan.environment), organisation=plan.name
    )
    for path in (files.log_key, files.witness_key):
        opener.write(path, generate_ed25519_key())
    box.make_transport(first_use=None)
    number, threshold = role_size_of(plan.environment)
    role = OwnRole.generate(files, opener, plan.party, number=number, threshold=threshold)
    database = Database(config.store_url)
    try:
        schema.migrate(database)
        if database.read_now(trust_store.held).own is not None:
            raise ConfigError(f"the database {config.store_place} belongs to a node: `init` overwrites nothing")
        manifest = first_manifest(config, OwnKeys.of(box))
        return parse_manifest(sign_next(database, role, manifest, now=plan.now).manifest_file)
    finally:
        database.close()


def role_size_of(environment: str) -> tuple[int, int]:
    """How many keys a new role has, and how many of them must sign (decision 6)."""
    return SMALL if environment == "sandbox" else USUAL


def life_of(environment: str) -> timedelta:
    """How long a signing certificate and a transport key last."""
    return _LIFE.get(environment, _USUAL_LIFE)


def _passphrase_file(stage: Path, plan: Plan) -> str | None:
    """The setting that says where the passphrase stands. A made up one is written beside the keys, in the sandbox."""
    if plan.passphrase_file is not None:
        return str(plan.passphrase_file.absolute())
    if plan.passphrase is not None or plan.environment != "sandbox":
        return None
    path = KeyFiles.of(stage / "keys").passphrase
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="ascii") as file:
        file.write(f"{secrets.token_urlsafe(_PASSPHRASE_BYTES)}\n")
    return str(path.relative_to(stage))


def _move(stage: Path, directory: Path) -> None:
    """The staged files stand in the directory; if that fails, none of them does."""
    if not os.path.lexists(directory):
        stage.chmod(_OPEN)
        stage.rename(directory)
        return
    if not directory.is_dir():
        raise ConfigError(f"{directory} is a file; expected a directory")
    files = sorted(path.relative_to(stage) for path in stage.rglob("*") if path.is_file())
    taken = [name for name in files if os.path.lexists(directory / name)]
    if taken:
        raise ConfigError(f"{directory / taken[0]} exists; `init` overwrites nothing. Choose another directory")
    files.sort(key=lambda name: name == DEFAULT_PATH)  # without the configuration there is no node
    done: list[Path] = []
    made: list[Path] = []
    try:
        for name, mode in _DIRECTORIES.items():
            if not (directory / name).is_dir():
                (directory / name).mkdir(mode=mode)
                made.append(directory / name)
        for file in files:
            os.link(stage / file, directory / file)  # unlike a rename, fails where the name is taken
            done.append(directory / file)
    except OSError:
        for path in done:
            path.unlink()
        for path in reversed(made):  # what lies inside of another comes after it
            path.rmdir()
        raise
