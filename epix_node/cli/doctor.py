"""``epix-node doctor``: what would stop this node from working, and what to do about it.

Each check is a sentence with a state: OK, WARN (it works, but look), FAIL (it does not work). One check that cannot be
made does not keep the others from being made.
"""

from __future__ import annotations

import errno
import shutil
import socket
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from ipaddress import ip_address
from typing import TYPE_CHECKING, Annotated
from urllib.parse import urlsplit

import typer

from epix_node.cli.exits import ExitCode
from epix_node.cli.invocation import Invocation, JsonOption, end
from epix_node.cli.terminal import Terminal
from epix_node.errors import ConfigError, EpixError

if TYPE_CHECKING:
    from epix_node.config import Config
    from epix_node.node import Node

RENEW_BEFORE = timedelta(days=30)
"""How long before its end a certificate is warned about: peers need time to pin the new one (C.1, rotation)."""

LEAST_DISK_BYTES = 100 * 1024 * 1024
"""Below this the next large pull may fill the disk; a full disk stops publishing."""

LOW_DISK_BYTES = 1024 * 1024 * 1024
"""Below this an operator should look: some 100,000 permits take this much."""

_EARLIEST_NOW = datetime(2024, 1, 1, tzinfo=UTC)
"""A machine whose clock shows less has lost its time."""


class State(StrEnum):
    """How a check ended."""

    OK = "OK"
    WARN = "WARN"
    FAIL = "FAIL"


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One line of the diagnosis; ``advice`` says what to do where there is something to do."""

    name: str
    state: State
    message: str
    advice: str | None = None


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(doctor)


def doctor(
    context: typer.Context,
    *,
    reach: Annotated[bool, typer.Option("--reach", help="Also ask each peer for its checkpoint.")] = False,
    _json: JsonOption = False,
) -> None:
    """Say what would stop this node from working, and what to do about it: exit 1 where something would."""
    invocation = Invocation.of(context)
    checks = list(_diagnosis(invocation, reach=reach))

    def tell(terminal: Terminal) -> None:
        terminal.table(
            ("", "what", "is so", "advice"),
            [(check.state.value, check.name, check.message, check.advice) for check in checks],
            empty="nothing was checked",
        )

    failed = any(check.state is State.FAIL for check in checks)
    body = [
        {"name": check.name, "state": check.state.value, "message": check.message, "advice": check.advice}
        for check in checks
    ]
    invocation.answer({"ok": not failed, "checks": body}, tell)
    end(ExitCode.NEGATIVE if failed else ExitCode.OK)


def _diagnosis(invocation: Invocation, *, reach: bool) -> Iterator[Check]:
    try:
        config = invocation.config()
    except ConfigError as error:
        yield _fail("configuration", str(error), "mend the setting, or make a node with `epix-node init`")
        return
    yield _ok("configuration", str(config.path))
    needed = [*_keys(config), *_database(config), *_clock(config)]
    yield from needed
    yield from _disk(config)
    yield from _addresses(config)
    if any(check.state is State.FAIL and check.name != "certificate" for check in needed):
        return  # the node cannot be opened, for the reasons that were told
    try:
        with invocation.node() as node:
            yield from _inside(node)
            if reach:
                yield from _reached(node)
    except EpixError as error:
        yield _fail("node", str(error), "mend the configuration")


def _keys(config: Config) -> Iterator[Check]:
    from epix_node.clock import utc_now
    from epix_node.errors import KeyMaterialError
    from epix_node.node import OwnKeys, clock_of, own_manifest

    try:
        keys = OwnKeys.load(config.key_files, party=config.party.code)
        own_manifest(config, keys)
    except KeyMaterialError as error:
        yield _fail("keys", str(error), "restore the files from your backup; `chmod 600` those that others can read")
        return
    yield _ok("keys", f"five files in {config.keys_directory}, for {config.party.code}")
    try:
        now = clock_of(config)()
    except ConfigError:  # `_clock` tells of it
        now = utc_now()
    begins, ends = keys.certificate.not_valid_before_utc, keys.certificate.not_valid_after_utc
    renewal = "make a new certificate and have every peer pin your new manifest"
    if now > ends:
        yield _fail("certificate", f"expired on {ends:%Y-%m-%d}", renewal)
    elif now < begins:
        advice = "set the clock right, or wait"
        yield _fail("certificate", f"good only from {begins:%Y-%m-%dT%H:%M:%SZ} on", advice)
    elif now > ends - RENEW_BEFORE:
        yield _warn("certificate", f"expires on {ends:%Y-%m-%d}", renewal)
    else:
        yield _ok("certificate", f"good until {ends:%Y-%m-%d}")


def _database(config: Config) -> Iterator[Check]:
    from epix_node.cli.soundness import problems_of

    path = config.store_path
    if path is None:
        yield _fail("database", "PostgreSQL is not supported by this release", "set [store] url to sqlite:///PATH")
        return
    held, problems = problems_of(path)
    for problem in problems:
        yield _fail("database", problem.what, problem.advice)
    if not problems:
        yield _ok("database", f"{path} is sound, schema {held}")


def _disk(config: Config) -> Iterator[Check]:
    place = config.store_path.parent if config.store_path is not None else config.home
    try:
        free = shutil.disk_usage(place).free
    except OSError as error:
        yield _fail("disk", f"{place}: {error.strerror}", "make the directory, or set [store] url to another")
        return
    said = f"{free // (1024 * 1024)} MiB free at {place}"
    if free < LEAST_DISK_BYTES:
        yield _fail("disk", said, "make room: a full disk stops publishing")
    elif free < LOW_DISK_BYTES:
        yield _warn("disk", said, "make room soon")
    else:
        yield _ok("disk", said)


def _addresses(config: Config) -> Iterator[Check]:
    host, port = config.server.host, config.server.port
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        with closing(socket.socket(family, socket.SOCK_STREAM)) as listener:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind((host, port))
        yield _ok("listen", f"{config.server.listen} is free")
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            advice = "fine if this node is running; otherwise set [server] listen to another port"
            yield _warn("listen", f"{config.server.listen} is in use", advice)
        else:
            advice = "set [server] listen to an address of this machine that the node's account may use"
            yield _fail("listen", f"{config.server.listen} cannot be used: {error.strerror or error}", advice)
    yield _base_url(config)
    if config.server.workers > 1:
        yield _warn("workers", f"[server] workers is {config.server.workers}", "this release runs one process")


def _base_url(config: Config) -> Check:
    url = config.server.base_url
    parts = urlsplit(url)
    here = _is_loopback(parts.hostname or "")
    if here and config.party.environment != "sandbox":
        return _fail("base URL", f"{url} is this machine: no other node can reach it", "set [server] base_url")
    if here and (parts.port or 80) != config.server.port:
        advice = "set [server] base_url and listen to the same port, unless a proxy stands between them"
        return _warn("base URL", f"{url} has another port than {config.server.listen}", advice)
    if not here and _is_loopback(config.server.host):
        return _ok("base URL", f"{url}; a proxy has to bring requests to {config.server.listen}")
    return _ok("base URL", url)


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _clock(config: Config) -> Iterator[Check]:
    from epix_node.clock import utc_now
    from epix_node.node import clock_of

    if utc_now() < _EARLIEST_NOW:
        advice = "set the machine's clock; requests to peers are refused otherwise"
        yield _fail("clock", f"this machine shows {utc_now():%Y-%m-%d}", advice)
    try:
        now = clock_of(config)()
    except ConfigError as error:
        yield _fail("clock", str(error), "take [sandbox] clock away, or give it a file with a time")
        return
    zone = config.party.zone
    shared = " on a shared clock" if config.shared_clock is not None else ""
    yield _ok("clock", f"{now:%Y-%m-%dT%H:%M:%SZ}{shared}; in {zone.key} it is {now.astimezone(zone):%Y-%m-%d}")


def _inside(node: Node) -> Iterator[Check]:
    """What only the open node knows."""
    from epix_node.clock import format_time
    from epix_node.store import clients, register

    now = node.clock()
    held = node.database.read_now(register.state, node.party)
    if held is not None and held.origin != node.manifest.log.origin:
        yield _fail(
            "register",
            f"the database has the register {held.origin}; base URL, environment and Party make it "
            f"{node.manifest.log.origin}",
            "set [server] base_url back: a register never changes its name",
        )
    elif held is not None and held.cosigned_at is not None and held.cosigned_at > now + timedelta(minutes=5):
        said = f"its newest checkpoint is of {format_time(held.cosigned_at)}, later than now"
        yield _fail("register", said, "set the machine's clock right: time must not go back")
    else:
        size = held.edge.size if held is not None else 0
        yield _ok("register", f"{node.manifest.log.origin}, {size} entries")
    if not node.config.party.coverage:
        advice = "set [party] coverage, so that other nodes can tell forged numbers from unknown ones"
        yield _warn("coverage", "this Party promises nothing", advice)
    if not node.database.read_now(clients.everyone):
        yield _warn("clients", "nobody may use the national API", "admit somebody with `epix-node clients add`")
    yield from _peers(node, now)


def _peers(node: Node, now: datetime) -> Iterator[Check]:
    from epix_node.clock import format_time
    from epix_node.store import peers

    states = node.database.read_now(peers.states)
    if not states:
        yield _warn("peers", "none is pinned", "exchange files of `federation request`; pin them with `peers add`")
    for party in sorted(set(node.config.federation.follow or ()) - {state.party for state in states}):
        yield _warn(f"peer {party}", "[federation] follow names it, and it is not pinned", "pin it with `peers add`")
    for state in states:
        name = f"peer {state.party}"
        ends = max((key.not_after for key in node.keyring().manifests[state.party].permit_keys), default=now)
        if state.frozen is not None:
            advice = "nothing is taken from it; speak to its operator before anything else"
            yield _fail(name, f"frozen: {state.frozen}", advice)
        elif ends <= now + RENEW_BEFORE:
            advice = "ask its operator for a newer file and pin that"
            yield _warn(name, f"its last certificate ends on {ends:%Y-%m-%d}", advice)
        elif state.failures:
            yield _warn(name, f"failed {state.failures} times: {state.last_error}", "see its address, and ask it")
        else:
            reached = state.last_success
            yield _ok(name, f"last reached at {format_time(reached)}" if reached is not None else "not pulled from yet")


def _reached(node: Node) -> Iterator[Check]:
    """Whether each followed peer gives its checkpoint now. Nothing is stored."""
    import asyncio

    from epix_node.errors import PeerError
    from epix_node.federation.client import Identity, PeerClient, answer_keys
    from epix_node.federation.pull import followed

    identity = Identity(party=node.party, key_id=node.transport_kid, private_key=node.transport_key)
    private_addresses = node.config.federation.private_addresses

    async def ask(party: str) -> Check:
        name = f"reach {party}"
        url = node.keyring().base_urls(party)[0]
        try:
            keys = answer_keys(node.keyring(), party, at=node.clock())
            async with PeerClient(url, party, identity, answer_key=keys, private_addresses=private_addresses) as client:
                await client.checkpoint(None)
        except PeerError as error:
            return _fail(name, str(error), "see whether it runs, and whether this machine may reach its address")
        return _ok(name, f"{url} answers")

    async def ask_all() -> list[Check]:
        return await asyncio.gather(*(ask(party) for party in followed(node)))

    yield from asyncio.run(ask_all())


def _ok(name: str, message: str) -> Check:
    return Check(name=name, state=State.OK, message=message)


def _warn(name: str, message: str, advice: str) -> Check:
    return Check(name=name, state=State.WARN, message=message, advice=advice)


def _fail(name: str, message: str, advice: str) -> Check:
    return Check(name=name, state=State.FAIL, message=message, advice=advice)
