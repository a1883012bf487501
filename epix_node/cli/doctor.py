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
from typing import TYPE_CHECKING, Annotated
from urllib.parse import urlsplit

import typer

from epix_node.cli.exits import ExitCode
from epix_node.cli.invocation import Invocation, JsonOption, end
from epix_node.cli.terminal import Terminal, secret_asker
from epix_node.errors import ConfigError, EpixError

if TYPE_CHECKING:
    from epix_node.config import Config
    from epix_node.node import Node

RENEW_BEFORE = timedelta(days=30)
"""How long before its end a certificate is warned about: peers need time to hear of the new one (C.1, rotation)."""

LEAST_DISK_BYTES = 100 * 1024 * 1024
"""Below this the next large pull may fill the disk; a full disk stops publishing."""

LOW_DISK_BYTES = 1024 * 1024 * 1024
"""Below this an operator should look: some 100,000 permits take this much."""

OLD_REFERENCE = timedelta(days=365)
"""Reference data older than this are warned about: Appendices and quotas change every year."""

LATE_NOTICE = timedelta(hours=1)
"""A notice that waits so long is one that somebody misses: the longest back-off is as long."""

_CONNECT_S = 5
"""How long those who get notices may take to accept a connection."""

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
    reach: Annotated[
        bool,
        typer.Option("--reach", help="Also ask each peer for its checkpoint, and connect to those who get notices."),
    ] = False,
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
    if any(check.state is State.FAIL for check in needed):
        return  # the node cannot be opened, for the reasons that were told
    try:
        with invocation.node() as node:
            yield from _inside(node)
            if reach:
                yield from _reached(node)
                yield from _receivers_reached(node)
    except EpixError as error:
        advice = "mend the configuration" if isinstance(error, ConfigError) else "do what it says"
        yield _fail("node", str(error), advice)


def _keys(config: Config) -> Iterator[Check]:
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
        yield _fail("keys", str(error), "do what it says, or restore the files from your backup")
        return
    finally:
        box.close()
    said = f"{len(files)} files in {config.keys_directory}, for {config.party.code}"
    if plain:
        advice = "give them a passphrase with `epix-node keys encrypt`"
        yield _warn("keys", f"{said}; not encrypted: {', '.join(plain)}", advice)
    else:
        yield _ok("keys", f"{said}, encrypted")
    if config.passphrase_file is not None and config.keys_directory in config.passphrase_file.parents:
        advice = "good for trials; else keep it on another disk and name it in [keys] passphrase_file"
        yield _warn("passphrase", "it lies beside the keys: who copies the directory has both", advice)

    here = sum(bool(own.keys.files(key)) for key in own.role.keys)
    if config.party.environment != "sandbox" and here >= own.role.threshold:
        said = f"{here} keys of the role are here, {own.role.threshold} sign: who takes the machine can name any key"
        yield _warn("role keys", said, "move them to media in safes; bring them with `keys rotate --role-keys`")


def _own_keys(node: Node, now: datetime) -> Iterator[Check]:
    """Which key signs documents now, where it is and how long it is good; and the same of requests."""
    from epix_node.errors import KeyMaterialError

    renewal = "make and announce a new one with `epix-node keys rotate signing`"
    try:
        signing = node.keys.signing
    except KeyMaterialError as error:
        yield _fail("certificate", str(error), "do what it says")
        return
    entry = next(entry for entry in node.manifest.permit_keys if entry.kid == signing.kid)
    ends = min(entry.not_after, entry.certificate.not_valid_after_utc)
    said = f"{signing.place}, good until {ends:%Y-%m-%d}"
    waiting = [one for one in node.manifest.permit_keys if one.status == "active" and one.not_before > now]
    if now > ends - RENEW_BEFORE and not waiting:
        yield _warn("certificate", said, renewal)
    elif waiting:
        yield _ok("certificate", f"{said}; the next one begins on {waiting[0].not_before:%Y-%m-%d}")
    else:
        yield _ok("certificate", said)
    transport = node.keys.transport
    ends = next(entry.not_after for entry in node.manifest.transport_keys if entry.kid == transport.kid)
    said = f"{transport.path}, good until {ends:%Y-%m-%d}"
    if now > ends:
        yield _fail("transport key", said, "make a new one: `epix-node keys rotate transport --first-use now`")
    elif now > ends - RENEW_BEFORE:
        yield _warn("transport key", said, "make and announce a new one with `epix-node keys rotate transport`")
    else:
        yield _ok("transport key", said)


def _database(config: Config) -> Iterator[Check]:
    from epix_node.cli.soundness import problems_of

    held, problems = problems_of(config)
    for problem in problems:
        yield _fail("database", problem.what, problem.advice)
    if not problems:
        yield _ok("database", f"{config.store_place} is sound, schema {held}")


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
    from epix_node.config.settings import is_loopback

    url = config.server.base_url
    parts = urlsplit(url)
    here = is_loopback(parts.hostname or "")
    if here and config.party.environment != "sandbox":
        return _fail("base URL", f"{url} is this machine: no other node can reach it", "set [server] base_url")
    if here and (parts.port or 80) != config.server.port:
        advice = "set [server] base_url and listen to the same port, unless a proxy stands between them"
        return _warn("base URL", f"{url} has another port than {config.server.listen}", advice)
    if not here and is_loopback(config.server.host):
        return _ok("base URL", f"{url}; a proxy has to bring requests to {config.server.listen}")
    return _ok("base URL", url)


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
    yield from _own_keys(node, now)
    held = node.database.read_now(register.state, node.party)
    if held is not None and held.origin != node.manifest.log.origin:
        yield _fail(
            "register",
            f"the database has the register {held.origin}; the own manifest names {node.manifest.log.origin}",
            "restore the database and the keys from one backup: a register never changes its name",
        )
    elif held is not None and held.cosigned_at is not None and held.cosigned_at > now + timedelta(minutes=5):
        said = f"its newest checkpoint is of {format_time(held.cosigned_at)}, later than now"
        yield _fail("register", said, "set the machine's clock right: time must not go back")
    else:
        yield from _register(node)
    yield from _scrubs(node, now)
    if not node.config.party.coverage:
        advice = "set [party] coverage, so that other nodes can tell forged numbers from unknown ones"
        yield _warn("coverage", "this Party promises nothing", advice)
    yield _reference(node, now)
    if not node.database.read_now(clients.everyone):
        yield _warn("clients", "nobody may use the national API", "admit somebody with `epix-node clients add`")
    yield from _own_manifest(node, now)
    yield from _trust_list(node, now)
    yield _clock_offset(node)
    yield _witnesses(node)
    yield from _revocations(node)
    yield from _notices(node, now)
    yield from _peers(node, now)


def _register(node: Node) -> Iterator[Check]:
    """Whether the own register signs, what waits for that, and what was lost."""
    from epix_node.acts.recovery import standstill
    from epix_node.store import lost, pending, register

    held = node.database.read_now(register.state, node.party)
    said = f"{node.manifest.log.origin}, {held.edge.size if held is not None else 0} entries"
    why = standstill(node.office)
    if why is None:
        yield _ok("register", said)
    else:
        waiting = node.database.read_now(pending.count, node.party)
        yield _warn("register", f"{said}; nothing is signed now: {why.told} ({waiting} wait now)", why.advice)
    count = node.database.read_now(lost.count, node.party)
    if count:
        first = ", ".join(str(index) for index in node.database.read_now(lost.indexes, node.party, limit=10))
        advice = "what other Parties hold comes by itself; what stays away, publish or report again from your papers"
        yield _warn("lost documents", f"{count} own entries without their documents: {first}", advice)


def _reference(node: Node, now: datetime) -> Check:
    """Which reference data there are, and how old. Without them rules say that they were not checked."""
    from epix_node.cli.judgement import age_text
    from epix_node.cli.reference import NEEDED

    today = node.office.today(now)
    editions = [edition for edition in node.office.catalogue().editions() if edition.data in NEEDED]
    absent = sorted(NEEDED - {edition.data for edition in editions})
    old = [edition for edition in editions if edition.age(today) > OLD_REFERENCE]
    said = [f"{one.data} of {one.as_of}, {age_text(one.age(today).days)} ({one.source})" for one in editions]
    said += [f"no {data}" for data in absent]
    if absent or old:
        advice = "load newer ones with `epix-node reference load`; rules that lack them say NOT_CHECKED"
        return _warn("reference data", "; ".join(said), advice)
    return _ok("reference data", "; ".join(said))


def _own_manifest(node: Node, now: datetime) -> Iterator[Check]:
    """Whether others know this node as it is configured, and how long its own role lasts."""
    from epix_node.identity.role import ADVICE_TO_SIGN, configured, expiry_of, own_version
    from epix_node.trust.freshness import PARTY_GRACE, due_warning

    if configured(node.manifest, node.config) != node.manifest:
        said = "codes, address or coverage in the configuration, or what keys sign, are not those of the own manifest"
        yield _warn("own manifest", said, f"restart the node, which signs a new one; or {ADVICE_TO_SIGN}")
    else:
        yield _ok("own manifest", f"version {node.manifest.seq}")
    version = node.database.read_now(own_version)
    assert version is not None  # an open node has one
    expires = expiry_of(version, node.party)
    if now >= expires + PARTY_GRACE:
        said = f"expired on {expires:%Y-%m-%d}: no other node is sure of this Party any more"
        yield _fail("own role", said, ADVICE_TO_SIGN)
    elif now >= expires:
        said = f"expired on {expires:%Y-%m-%d}: other nodes' answers carry a warning"
        yield _warn("own role", said, ADVICE_TO_SIGN)
    elif (due := due_warning(expires, now)) is not None:
        yield _warn("own role", f"expires on {expires:%Y-%m-%d}, in less than {due.days} days", ADVICE_TO_SIGN)
    else:
        yield _ok("own role", f"good until {expires:%Y-%m-%d}")


def _trust_list(node: Node, now: datetime) -> Iterator[Check]:
    """How sure this node may be of the other Parties' keys, and whether they know its own."""
    from epix_node.clock import format_time
    from epix_node.store import trust as trust_store

    known = node.office.trust_list()
    if known is None:
        advice = "set [federation] trust_list and root as the Secretariat says"
        yield _warn("trust list", "this node stands alone: nobody else's documents count here", advice)
        return
    problem = node.database.read_now(trust_store.held).problem
    advice = f"see that this machine reaches {node.config.federation.trust_list}"
    if known.expires is None:
        yield _warn("trust list", f"never had one{_because(problem)}", advice)
        return
    said = f"{known.freshness(now)}, expires {format_time(known.expires)}, {len(known.parties)} Parties"
    if known.freshness(now).value != "FRESH":
        yield _warn("trust list", f"{said}{_because(problem)}", advice)
    elif problem is not None:
        yield _warn("trust list", f"{said}{_because(problem)}", "tell the Secretariat, unless it ends by itself")
    else:
        yield _ok("trust list", said)
    listed = known.parties.get(node.party)
    foreign = sorted(set(node.manifest.issues_for) - known.issuers.codes(node.party))
    if listed is not None and foreign:
        said = f"the Secretariat does not give {', '.join(foreign)} to {node.party}: the own manifest is refused whole"
        yield _warn("admission", said, "mend [party] issues_for, or ask the Secretariat")
    elif listed is None:
        advice = "send the file of `epix-node federation request` to the Secretariat"
        yield _warn("admission", f"{node.party} is not in the trust list: no other node takes its documents", advice)
    elif listed.version != node.manifest.seq:
        said = f"the trust list has version {listed.version} of this node's manifest, the newest is {node.manifest.seq}"
        yield _warn("admission", said, "the Secretariat takes it in by itself where it reaches this node")
    else:
        yield _ok("admission", f"{node.party} is in the trust list with its newest manifest")


def _because(problem: str | None) -> str:
    return f"; {problem}" if problem is not None else ""


def _clock_offset(node: Node) -> Check:
    from epix_node.federation.clock_offset import ENOUGH_PEERS, Severity, measured
    from epix_node.store import peers

    offset = measured(node.database.read_now(peers.states))
    if offset is None:
        return _ok("clock offset", f"not measured: it takes answers of {ENOUGH_PEERS} peers")
    seconds = abs(offset.ahead).total_seconds()
    side = "ahead of" if offset.ahead > timedelta(0) else "behind"
    said = f"{seconds:.1f} s {side} the median of {offset.peers} peers"
    advice = "set the machine's clock: beyond 60 s other nodes refuse its requests"
    if offset.severity is Severity.GRAVE:
        return _fail("clock offset", said, advice)
    return _warn("clock offset", said, advice) if offset.severity is Severity.WARN else _ok("clock offset", said)


def _scrubs(node: Node, now: datetime) -> Iterator[Check]:
    """What came of deriving the registers again, last time."""
    from epix_node.acts.scrub import SCRUB_EVERY
    from epix_node.store import scrubs

    newest = node.database.read_now(scrubs.newest)
    advice = "`epix-node register check` derives them again and says what differs"
    for one in newest:
        if one.problems:
            more = f", and {len(one.problems) - 1} more" if len(one.problems) > 1 else ""
            yield _fail("scrub", f"register of {one.party}: {one.problems[0]}{more}", advice)
    if newest and not any(one.problems for one in newest):
        said = f"{len(newest)} registers derived again at {newest[0].at:%Y-%m-%dT%H:%M:%SZ}: all is as it must be"
        if now - newest[0].at > 3 * SCRUB_EVERY:
            yield _warn("scrub", said, "a node that runs does it each day; `epix-node register check` does it now")
        else:
            yield _ok("scrub", said)


def _witnesses(node: Node) -> Check:
    """Whether the entries of the own register can ever be WITNESSED here (decision 10)."""
    policy, rule = node.office.witness_policy(node.party), node.office.witnesses
    if policy.quorum is not None:
        names = ", ".join(sorted(witness.name for witness in policy.witnesses))
        return _ok("witnesses", f"{rule.quorum} of {names} must cosign" if rule.policy is None else f"policy: {names}")
    if rule.policy is not None:
        said = "the policy file asks for no witness, or for this Party itself: entries will stay LOGGED"
        return _warn("witnesses", said, "mend the file that [register] policy names")
    most = len(policy.witnesses)
    said = f"{rule.quorum} Parties must cosign the register, and only {most} can: its entries will stay LOGGED"
    advice = "lower [register] quorum, or see that the Parties of [register] witnesses are in the trust list"
    return _warn("witnesses", said, advice)


def _revocations(node: Node) -> Iterator[Check]:
    """Documents that count no more since their keys were revoked; nothing is said where there are none."""
    from epix_node.store import revocations

    held = node.database.read_now(revocations.void_documents)
    left = node.database.read_now(revocations.unsettled, limit=1)
    own = held.pop(node.party, 0)
    if own:
        said = f"{own} own documents were signed with a key that was revoked, and count no more"
        yield _warn("revoked keys", said, "publish or report those that were yours again: the same content is enough")
    if held:
        told = ", ".join(f"{number} of {party}" for party, number in held.items())
        yield _ok("revoked keys", f"documents that are kept and count no more: {told}")
    if left:
        advice = "a node that runs goes on with it; `epix-node pull` does, too"
        yield _warn("revoked keys", "what follows from a revocation is not worked off", advice)


def _notices(node: Node, now: datetime) -> Iterator[Check]:
    """Whether those who are told of class-A findings can be told; nothing is said where nobody is."""
    from epix_node.clock import format_time
    from epix_node.errors import KeyMaterialError
    from epix_node.notices.deliver import receivers
    from epix_node.store import notices
    from epix_node.trust.passphrase import read_secret

    told = receivers(node.config)
    if not told:
        return
    try:
        for path in (node.config.webhook_secret_file, node.config.smtp_password_file):
            if path is not None:
                read_secret(path)
    except KeyMaterialError as error:
        yield _fail("notices", str(error), "do what it says; `epix-node notify test` tries it then")
        return
    waiting = node.database.read_now(notices.waiting)
    said = " and ".join(f"{receiver.channel.value} by {receiver.place}" for receiver in told)
    if waiting.oldest is not None and now - waiting.oldest > LATE_NOTICE:
        said = f"{said}; {waiting.number} wait, the oldest since {format_time(waiting.oldest)}"
        yield _warn("notices", said, "`epix-node notify test` says what is wrong; the log says it at each try")
    else:
        yield _ok("notices", said)


def _receivers_reached(node: Node) -> Iterator[Check]:
    """Whether somebody listens where notices go. Nothing is sent."""
    from epix_node.notices.deliver import receivers

    for receiver in receivers(node.config):
        name = f"reach {receiver.channel.value}"
        try:
            with socket.create_connection(receiver.address, timeout=_CONNECT_S):
                pass
        except OSError as error:
            advice = "see [notify], and whether this machine may reach it; `epix-node notify test` sends something"
            yield _fail(name, f"{receiver.place} cannot be reached: {error.strerror or error}", advice)
        else:
            yield _ok(name, f"{receiver.place} answers")


def _peers(node: Node, now: datetime) -> Iterator[Check]:
    from epix_node.clock import format_time
    from epix_node.federation.standing import standings

    known = node.database.read_now(standings, node.office, now=now)
    listed = {peer.party for peer in known if peer.trust.value != "REMOVED"}
    for party in sorted(set(node.config.federation.follow or ()) - listed):
        advice = "mend the setting, or ask the Secretariat"
        yield _warn(f"peer {party}", "[federation] follow names it, and it is not in the trust list", advice)
    for peer in known:
        name, state = f"peer {peer.party}", peer.state
        if state.frozen is not None:
            advice = f"speak to its operator; `epix-node peers show {peer.party}` has the evidence, if any"
            yield _fail(name, f"frozen: {state.frozen}", advice)
        elif peer.party not in listed:
            yield _ok(name, "not in the trust list; what came from it is kept")
        elif peer.trust.value != "FRESH":
            said = f"its keys are {peer.trust.value}: its role was not renewed, or its newest version was refused"
            advice = "ask its operator, unless the trust list itself is not fresh"
            yield _warn(name, f"{said}{_because(state.last_error)}", advice)
        elif state.failures:
            yield _warn(name, f"failed {state.failures} times: {state.last_error}", "see its address, and ask it")
        elif state.last_error is not None:
            yield _warn(name, state.last_error, "ask its operator")
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
