"""What only the open node can say of itself: its keys, register, reference data, trust and witnesses."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from epix_node.cli.diagnosis import Check, because, fail, ok, warn
from epix_node.cli.partner_checks import known_peers, waiting_notices

if TYPE_CHECKING:
    from epix_node.node import Node


RENEW_BEFORE = timedelta(days=30)
"""How long before its end a certificate is warned about: peers need time to hear of the new one (C.1, rotation)."""

OLD_REFERENCE = timedelta(days=365)
"""Reference data older than this are warned about: Appendices and quotas change every year."""


def inside(node: Node) -> Iterator[Check]:
    """What only the open node knows."""
    from epix_node.clock import format_time
    from epix_node.store import clients, register

    now = node.clock()
    yield from _own_keys(node, now)
    held = node.database.read_now(register.state, node.party)
    if held is not None and held.origin != node.manifest.log.origin:
        yield fail(
            "register",
            f"the database has the register {held.origin}; the own manifest names {node.manifest.log.origin}",
            "restore the database and the keys from one backup: a register never changes its name",
        )
    elif held is not None and held.cosigned_at is not None and held.cosigned_at > now + timedelta(minutes=5):
        said = f"its newest checkpoint is of {format_time(held.cosigned_at)}, later than now"
        yield fail("register", said, "set the machine's clock right: time must not go back")
    else:
        yield from _register(node)
    yield from _scrubs(node, now)
    if not node.config.party.coverage:
        advice = "set [party] coverage, so that other nodes can tell forged numbers from unknown ones"
        yield warn("coverage", "this Party promises nothing", advice)
    yield _reference(node, now)
    if not node.database.read_now(clients.everyone):
        yield warn("clients", "nobody may use the national API", "admit somebody with `epix-node clients add`")
    yield from _own_manifest(node, now)
    yield from _trust_list(node, now)
    yield _clock_offset(node)
    yield _witnesses(node)
    yield from _revocations(node)
    yield from waiting_notices(node, now)
    yield from known_peers(node, now)


def _own_keys(node: Node, now: datetime) -> Iterator[Check]:
    """Which key signs documents now, where it is and how long it is good; and the same of requests."""
    from epix_node.errors import KeyMaterialError

    renewal = "make and announce a new one with `epix-node keys rotate signing`"
    try:
        signing = node.keys.signing
    except KeyMaterialError as error:
        yield fail("certificate", str(error), "do what it says")
        return
    entry = next(entry for entry in node.manifest.permit_keys if entry.kid == signing.kid)
    ends = min(entry.not_after, entry.certificate.not_valid_after_utc)
    said = f"{signing.place}, good until {ends:%Y-%m-%d}"
    waiting = [one for one in node.manifest.permit_keys if one.status == "active" and one.not_before > now]
    if now > ends - RENEW_BEFORE and not waiting:
        yield warn("certificate", said, renewal)
    elif waiting:
        yield ok("certificate", f"{said}; the next one begins on {waiting[0].not_before:%Y-%m-%d}")
    else:
        yield ok("certificate", said)
    transport = node.keys.transport
    ends = next(entry.not_after for entry in node.manifest.transport_keys if entry.kid == transport.kid)
    said = f"{transport.path}, good until {ends:%Y-%m-%d}"
    if now > ends:
        yield fail("transport key", said, "make a new one: `epix-node keys rotate transport --first-use now`")
    elif now > ends - RENEW_BEFORE:
        yield warn("transport key", said, "make and announce a new one with `epix-node keys rotate transport`")
    else:
        yield ok("transport key", said)


def _register(node: Node) -> Iterator[Check]:
    """Whether the own register signs, what waits for that, and what was lost."""
    from epix_node.acts.recovery import standstill
    from epix_node.store import lost, pending, register

    held = node.database.read_now(register.state, node.party)
    said = f"{node.manifest.log.origin}, {held.edge.size if held is not None else 0} entries"
    why = standstill(node.office)
    if why is None:
        yield ok("register", said)
    else:
        waiting = node.database.read_now(pending.count, node.party)
        yield warn("register", f"{said}; nothing is signed now: {why.told} ({waiting} wait now)", why.advice)
    count = node.database.read_now(lost.count, node.party)
    if count:
        first = ", ".join(str(index) for index in node.database.read_now(lost.indexes, node.party, limit=10))
        advice = "what other Parties hold comes by itself; what stays away, publish or report again from your papers"
        yield warn("lost documents", f"{count} own entries without their documents: {first}", advice)


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
        return warn("reference data", "; ".join(said), advice)
    return ok("reference data", "; ".join(said))


def _own_manifest(node: Node, now: datetime) -> Iterator[Check]:
    """Whether others know this node as it is configured, and how long its own role lasts."""
    from epix_node.identity.role import ADVICE_TO_SIGN, configured, expiry_of, own_version
    from epix_node.trust.freshness import PARTY_GRACE, due_warning

    if configured(node.manifest, node.config) != node.manifest:
        said = "codes, address or coverage in the configuration, or what keys sign, are not those of the own manifest"
        yield warn("own manifest", said, f"restart the node, which signs a new one; or {ADVICE_TO_SIGN}")
    else:
        yield ok("own manifest", f"version {node.manifest.seq}")
    version = node.database.read_now(own_version)
    assert version is not None  # an open node has one
    expires = expiry_of(version, node.party)
    if now >= expires + PARTY_GRACE:
        said = f"expired on {expires:%Y-%m-%d}: no other node is sure of this Party any more"
        yield fail("own role", said, ADVICE_TO_SIGN)
    elif now >= expires:
        said = f"expired on {expires:%Y-%m-%d}: other nodes' answers carry a warning"
        yield warn("own role", said, ADVICE_TO_SIGN)
    elif (due := due_warning(expires, now)) is not None:
        yield warn("own role", f"expires on {expires:%Y-%m-%d}, in less than {due.days} days", ADVICE_TO_SIGN)
    else:
        yield ok("own role", f"good until {expires:%Y-%m-%d}")


def _trust_list(node: Node, now: datetime) -> Iterator[Check]:
    """How sure this node may be of the other Parties' keys, and whether they know its own."""
    from epix_node.clock import format_time
    from epix_node.store import trust as trust_store

    known = node.office.trust_list()
    if known is None:
        advice = "set [federation] trust_list and root as the Secretariat says"
        yield warn("trust list", "this node stands alone: nobody else's documents count here", advice)
        return
    problem = node.database.read_now(trust_store.held).problem
    advice = f"see that this machine reaches {node.config.federation.trust_list}"
    if known.expires is None:
        yield warn("trust list", f"never had one{because(problem)}", advice)
        return
    said = f"{known.freshness(now)}, expires {format_time(known.expires)}, {len(known.parties)} Parties"
    if known.freshness(now).value != "FRESH":
        yield warn("trust list", f"{said}{because(problem)}", advice)
    elif problem is not None:
        yield warn("trust list", f"{said}{because(problem)}", "tell the Secretariat, unless it ends by itself")
    else:
        yield ok("trust list", said)
    listed = known.parties.get(node.party)
    foreign = sorted(set(node.manifest.issues_for) - known.issuers.codes(node.party))
    if listed is not None and foreign:
        said = f"the Secretariat does not give {', '.join(foreign)} to {node.party}: the own manifest is refused whole"
        yield warn("admission", said, "mend [party] issues_for, or ask the Secretariat")
    elif listed is None:
        advice = "send the file of `epix-node federation request` to the Secretariat"
        yield warn("admission", f"{node.party} is not in the trust list: no other node takes its documents", advice)
    elif listed.version != node.manifest.seq:
        said = f"the trust list has version {listed.version} of this node's manifest, the newest is {node.manifest.seq}"
        yield warn("admission", said, "the Secretariat takes it in by itself where it reaches this node")
    else:
        yield ok("admission", f"{node.party} is in the trust list with its newest manifest")


def _clock_offset(node: Node) -> Check:
    from epix_node.federation.clock_offset import ENOUGH_PEERS, Severity, measured
    from epix_node.store import peers

    offset = measured(node.database.read_now(peers.states))
    if offset is None:
        return ok("clock offset", f"not measured: it takes answers of {ENOUGH_PEERS} peers")
    seconds = abs(offset.ahead).total_seconds()
    side = "ahead of" if offset.ahead > timedelta(0) else "behind"
    said = f"{seconds:.1f} s {side} the median of {offset.peers} peers"
    advice = "set the machine's clock: beyond 60 s other nodes refuse its requests"
    if offset.severity is Severity.GRAVE:
        return fail("clock offset", said, advice)
    return warn("clock offset", said, advice) if offset.severity is Severity.WARN else ok("clock offset", said)


def _scrubs(node: Node, now: datetime) -> Iterator[Check]:
    """What came of deriving the registers again, last time."""
    from epix_node.acts.scrub import SCRUB_EVERY
    from epix_node.store import scrubs

    newest = node.database.read_now(scrubs.newest)
    advice = "`epix-node register check` derives them again and says what differs"
    for one in newest:
        if one.problems:
            more = f", and {len(one.problems) - 1} more" if len(one.problems) > 1 else ""
            yield fail("scrub", f"register of {one.party}: {one.problems[0]}{more}", advice)
    if newest and not any(one.problems for one in newest):
        said = f"{len(newest)} registers derived again at {newest[0].at:%Y-%m-%dT%H:%M:%SZ}: all is as it must be"
        if now - newest[0].at > 3 * SCRUB_EVERY:
            yield warn("scrub", said, "a node that runs does it each day; `epix-node register check` does it now")
        else:
            yield ok("scrub", said)


def _witnesses(node: Node) -> Check:
    """Whether the entries of the own register can ever be WITNESSED here (decision 10)."""
    policy, rule = node.office.witness_policy(node.party), node.office.witnesses
    if policy.quorum is not None:
        names = ", ".join(sorted(witness.name for witness in policy.witnesses))
        return ok("witnesses", f"{rule.quorum} of {names} must cosign" if rule.policy is None else f"policy: {names}")
    if rule.policy is not None:
        said = "the policy file asks for no witness, or for this Party itself: entries will stay LOGGED"
        return warn("witnesses", said, "mend the file that [register] policy names")
    most = len(policy.witnesses)
    said = f"{rule.quorum} Parties must cosign the register, and only {most} can: its entries will stay LOGGED"
    advice = "lower [register] quorum, or see that the Parties of [register] witnesses are in the trust list"
    return warn("witnesses", said, advice)


def _revocations(node: Node) -> Iterator[Check]:
    """Documents that count no more since their keys were revoked; nothing is said where there are none."""
    from epix_node.store import revocations

    held = node.database.read_now(revocations.void_documents)
    left = node.database.read_now(revocations.unsettled, limit=1)
    own = held.pop(node.party, 0)
    if own:
        said = f"{own} own documents were signed with a key that was revoked, and count no more"
        yield warn("revoked keys", said, "publish or report those that were yours again: the same content is enough")
    if held:
        told = ", ".join(f"{number} of {party}" for party, number in held.items())
        yield ok("revoked keys", f"documents that are kept and count no more: {told}")
    if left:
        advice = "a node that runs goes on with it; `epix-node pull` does, too"
        yield warn("revoked keys", "what follows from a revocation is not worked off", advice)
