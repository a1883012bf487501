"""What the commands about own keys need, opened: box, role, database; and keys of the role on media out of safes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from epix_node.cli.invocation import Invocation
from epix_node.cli.secretariat_keys import OFFLINE_VARIABLE
from epix_node.cli.terminal import secret_asker
from epix_node.errors import InputError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    from epix_node.config import Config
    from epix_node.identity.key_box import KeyBox
    from epix_node.identity.role import OwnRole
    from epix_node.store.database import Database
    from epix_node.trust.manifest import Manifest
    from epix_node.trust.role_keys import RoleKeys

RoleKeysOption = Annotated[
    list[Path] | None,
    typer.Option(
        "--role-keys",
        metavar="DIR",
        exists=True,
        file_okay=False,
        help=f"A directory with keys of the role, such as a medium out of a safe; may be given several times. Their "
        f"passphrase is in {OFFLINE_VARIABLE}, or you are asked.",
    ),
]


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenKeys:
    """What a change needs. The node itself need not be able to open: its key may be what was lost."""

    config: Config
    database: Database
    box: KeyBox
    own: OwnRole
    manifest: Manifest
    now: datetime


@contextmanager
def open_keys(invocation: Invocation, media: list[Path] | None = None) -> Iterator[OpenKeys]:
    """This node's keys, open until the block ends; ``media`` are directories with keys of the role beside its own.

    Raises:
        KeyMaterialError: the role or a key cannot be used, or the database has no manifest.
        ConfigError: there is no database.
    """
    from epix_node.identity.key_box import KeyBox
    from epix_node.identity.role import OwnRole, own_manifest

    config = invocation.config()
    box = KeyBox.of(config, ask=secret_asker())
    try:
        own = OwnRole.load(config, box.opener)
        if media:
            load = _loading(media, config.party.environment, otherwise=box.opener.load_ed25519_key)
            own = replace(own, keys=replace(own.keys, also=tuple(media), load=load))
        with invocation.database() as (database, clock):
            manifest = database.read_now(own_manifest)
            yield OpenKeys(config=config, database=database, box=box, own=own, manifest=manifest, now=clock())
    finally:
        box.close()


def media_keys(directories: list[Path] | None, environment: str) -> RoleKeys:
    """The keys of the role in these directories, on a machine without the node.

    Raises ``InputError`` where none is named.
    """
    from epix_node.trust.role_keys import RoleKeys

    if not directories:
        raise InputError("--role-keys is missing: where are the keys of the role on this machine?")
    load = _loading(directories, environment)
    return RoleKeys(directory=directories[0], also=tuple(directories[1:]), load=load)


def _loading(
    media: list[Path], environment: str, *, otherwise: Callable[[Path], Ed25519PrivateKey] | None = None
) -> Callable[[Path], Ed25519PrivateKey]:
    """Opens the keys of each medium with a passphrase of its own, and those in other directories ``otherwise``."""
    from epix_node.identity.opener import Opener

    openers = {
        directory: Opener(
            takes_plain=environment == "sandbox",
            variable=OFFLINE_VARIABLE,
            what=f"the keys in {directory}",
            ask=secret_asker(),
        )
        for directory in media
    }

    def load(path: Path) -> Ed25519PrivateKey:
        opener = openers.get(path.parent)
        if opener is not None:
            return opener.load_ed25519_key(path)
        assert otherwise is not None
        return otherwise(path)

    return load
