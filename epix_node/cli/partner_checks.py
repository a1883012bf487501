"""Those with whom the node deals: the other Parties, and who gets its notices."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from epix_node.cli.diagnosis import Check, because, fail, ok, warn

if TYPE_CHECKING:
    from epix_node.node import Node


LATE_NOTICE = timedelta(hours=1)
"""A notice that waits so long is one that somebody misses: the longest back-off is as long."""

_CONNECT_S = 5
"""How long those who get notices may take to accept a connection."""


def waiting_notices(node: Node, now: datetime) -> Iterator[Check]:
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
        yield fail("notices", str(error), "do what it says; `epix-node notify test` tries it then")
        return
    waiting = node.database.read_now(notices.waiting)
    said = " and ".join(f"{receiver.channel.value} by {receiver.place}" for receiver in told)
    if waiting.oldest is not None and now - waiting.oldest > LATE_NOTICE:
        said = f"{said}; {waiting.number} wait, the oldest since {format_time(waiting.oldest)}"
        yield warn("notices", said, "`epix-node notify test` says what is wrong; the log says it at each try")
    else:
        yield ok("notices", said)


def receivers_reached(node: Node) -> Iterator[Check]:
    """Whether somebody listens where notices go. Nothing is sent."""
    from epix_node.notices.deliver import receivers

    for receiver in receivers(node.config):
        name = f"reach {receiver.channel.value}"
        try:
            with socket.create_connection(receiver.address, timeout=_CONNECT_S):
                pass
        except OSError as error:
            advice = "see [notify], and whether this machine may reach it; `epix-node notify test` sends something"
            yield fail(name, f"{receiver.place} cannot be reached: {error.strerror or error}", advice)
        else:
            yield ok(name, f"{receiver.place} answers")


def known_peers(node: Node, now: datetime) -> Iterator[Check]:
    """How each Party that is pulled from stands."""
    from epix_node.clock import format_time
    from epix_node.federation.standing import standings

    known = node.database.read_now(standings, node.office, now=now)
    listed = {peer.party for peer in known if peer.trust.value != "REMOVED"}
    for party in sorted(set(node.config.federation.follow or ()) - listed):
        advice = "mend the setting, or ask the Secretariat"
        yield warn(f"peer {party}", "[federation] follow names it, and it is not in the trust list", advice)
    for peer in known:
        name, state = f"peer {peer.party}", peer.state
        if state.frozen is not None:
            advice = f"speak to its operator; `epix-node peers show {peer.party}` has the evidence, if any"
            yield fail(name, f"frozen: {state.frozen}", advice)
        elif peer.party not in listed:
            yield ok(name, "not in the trust list; what came from it is kept")
        elif peer.trust.value != "FRESH":
            said = f"its keys are {peer.trust.value}: its role was not renewed, or its newest version was refused"
            advice = "ask its operator, unless the trust list itself is not fresh"
            yield warn(name, f"{said}{because(state.last_error)}", advice)
        elif state.failures:
            yield warn(name, f"failed {state.failures} times: {state.last_error}", "see its address, and ask it")
        elif state.last_error is not None:
            yield warn(name, state.last_error, "ask its operator")
        else:
            reached = state.last_success
            yield ok(name, f"last reached at {format_time(reached)}" if reached is not None else "not pulled from yet")


def peers_reached(node: Node) -> Iterator[Check]:
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
            return fail(name, str(error), "see whether it runs, and whether this machine may reach its address")
        return ok(name, f"{url} answers")

    async def ask_all() -> list[Check]:
        return await asyncio.gather(*(ask(party) for party in followed(node)))

    yield from asyncio.run(ask_all())
