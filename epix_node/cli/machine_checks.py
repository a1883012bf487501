"""What can be said before the node is opened: keys at rest, database, disk, addresses, the clock."""

from __future__ import annotations

import errno
import shutil
import socket
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from epix_node.cli.diagnosis import Check, fail, ok, warn
from epix_node.cli.terminal import secret_asker
from epix_node.errors import ConfigError

if TYPE_CHECKING:
    from epix_node.config import Config


LEAST_DISK_BYTES = 100 * 1024 * 1024
"""Below this the next large pull may fill the disk; a full disk stops publishing."""

LOW_DISK_BYTES = 1024 * 1024 * 1024
"""Below this an operator should look: some 100,000 permits take this much."""

_EARLIEST_NOW = datetime(2024, 1, 1, tzinfo=UTC)
"""A machine whose clock shows less has lost its time."""


def keys(config: Config) -> Iterator[Check]:
    """Whether the keys can be opened, and how they are kept. Which of them signs now is said of the open node."""
    from epix_node.errors import KeyMaterialError
    from epix_node.identity.key_box import KeyBox
    from epix_node.identity.role import OwnRole
    from epix_node.trust.keys import is_encrypted

    box = KeyBox.of(config, ask=secret_asker())
    try:
        box.certificates()
        box.log()
        box.witness()
        box.transports()
        own = OwnRole.load(config, box.opener)
        files = box.private_files()
        plain = [path.name for path in files if not is_encrypted(path)]
    except KeyMaterialError as error:
        yield fail("keys", str(error), "do what it says, or restore the files from your backup")
        return
    finally:
        box.close()
    said = f"{len(files)} files in {config.keys_directory}, for {config.party.code}"
    if plain:
        advice = "give them a passphrase with `epix-node keys encrypt`"
        yield warn("keys", f"{said}; not encrypted: {', '.join(plain)}", advice)
    else:
        yield ok("keys", f"{said}, encrypted")
    if config.passphrase_file is not None and config.keys_directory in config.passphrase_file.parents:
        advice = "good for trials; else keep it on another disk and name it in [keys] passphrase_file"
        yield warn("passphrase", "it lies beside the keys: who copies the directory has both", advice)

    here = sum(bool(own.keys.files(key)) for key in own.role.keys)
    if config.party.environment != "sandbox" and here >= own.role.threshold:
        said = f"{here} keys of the role are here, {own.role.threshold} sign: who takes the machine can name any key"
        yield warn("role keys", said, "move them to media in safes; bring them with `keys rotate --role-keys`")


def database(config: Config) -> Iterator[Check]:
    """Whether the database can be reached, and has this release's schema."""
    from epix_node.cli.soundness import problems_of

    held, problems = problems_of(config)
    for problem in problems:
        yield fail("database", problem.what, problem.advice)
    if not problems:
        yield ok("database", f"{config.store_place} is sound, schema {held}")


def disk(config: Config) -> Iterator[Check]:
    """Whether there is room on the disk that the data are on."""
    place = config.store_path.parent if config.store_path is not None else config.home
    try:
        free = shutil.disk_usage(place).free
    except OSError as error:
        yield fail("disk", f"{place}: {error.strerror}", "make the directory, or set [store] url to another")
        return
    said = f"{free // (1024 * 1024)} MiB free at {place}"
    if free < LEAST_DISK_BYTES:
        yield fail("disk", said, "make room: a full disk stops publishing")
    elif free < LOW_DISK_BYTES:
        yield warn("disk", said, "make room soon")
    else:
        yield ok("disk", said)


def addresses(config: Config) -> Iterator[Check]:
    """Whether the node can listen where it should, and is reached where it says."""
    host, port = config.server.host, config.server.port
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        with closing(socket.socket(family, socket.SOCK_STREAM)) as listener:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind((host, port))
        yield ok("listen", f"{config.server.listen} is free")
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            advice = "fine if this node is running; otherwise set [server] listen to another port"
            yield warn("listen", f"{config.server.listen} is in use", advice)
        else:
            advice = "set [server] listen to an address of this machine that the node's account may use"
            yield fail("listen", f"{config.server.listen} cannot be used: {error.strerror or error}", advice)
    yield _base_url(config)
    if config.server.workers > 1:
        yield warn("workers", f"[server] workers is {config.server.workers}", "this release runs one process")


def _base_url(config: Config) -> Check:
    from epix_node.config.settings import is_loopback

    url = config.server.base_url
    parts = urlsplit(url)
    here = is_loopback(parts.hostname or "")
    if here and config.party.environment != "sandbox":
        return fail("base URL", f"{url} is this machine: no other node can reach it", "set [server] base_url")
    if here and (parts.port or 80) != config.server.port:
        advice = "set [server] base_url and listen to the same port, unless a proxy stands between them"
        return warn("base URL", f"{url} has another port than {config.server.listen}", advice)
    if not here and is_loopback(config.server.host):
        return ok("base URL", f"{url}; a proxy has to bring requests to {config.server.listen}")
    return ok("base URL", url)


def clock(config: Config) -> Iterator[Check]:
    """Whether the machine's clock can be right."""
    from epix_node.clock import utc_now
    from epix_node.node import clock_of

    if utc_now() < _EARLIEST_NOW:
        advice = "set the machine's clock; requests to peers are refused otherwise"
        yield fail("clock", f"this machine shows {utc_now():%Y-%m-%d}", advice)
    try:
        now = clock_of(config)()
    except ConfigError as error:
        yield fail("clock", str(error), "take [sandbox] clock away, or give it a file with a time")
        return
    zone = config.party.zone
    shared = " on a shared clock" if config.shared_clock is not None else ""
    yield ok("clock", f"{now:%Y-%m-%dT%H:%M:%SZ}{shared}; in {zone.key} it is {now.astimezone(zone):%Y-%m-%d}")
