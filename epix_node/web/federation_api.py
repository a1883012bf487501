"""What this node gives to others: its newest manifest to everybody, the rest to peers (C.2).

A peer learns which entries concern it, and gets the documents that are addressed to one of its codes or that an alert
gave it. A document that is not there and one that is not for the asking Party look alike. Permits of multiple use,
addressed to ``*``, are given to whoever proves that they hold one (``story_api``).

Not here: the register (``log_api``), who is asking (``peer_access``), and this node's own pulling (``federation``).
"""

from __future__ import annotations

import asyncio
import re
from collections import Counter
from datetime import timedelta

from aiohttp import ETag, web

from epix_node import __version__
from epix_node.clock import format_time
from epix_node.document.salts import encode_salt
from epix_node.errors import InputError
from epix_node.federation.backoff import Alarm, alarm_of
from epix_node.federation.clock_offset import measured
from epix_node.federation.hints import HINT_INTERVAL
from epix_node.federation.messages import (
    BATCH_ENDS_AT,
    MAX_FEED_ENTRIES,
    FeedEntry,
    FeedPage,
    encode_frame,
    parse_batch_request,
    parse_hint,
)
from epix_node.identity.role import API_PATH, current_version
from epix_node.node import Node
from epix_node.store import conflicts, documents, peers, register
from epix_node.store.clients import Client, Role
from epix_node.store.database import Session
from epix_node.web.caching import IMMUTABLE_FOR_PEERS, for_everybody, is_known
from epix_node.web.keys import JOBS, NODE
from epix_node.web.peer_access import Peer, for_peers, normalised_base
from epix_node.web.problems import Problem, problem
from epix_node.web.signed_answers import signed
from epix_node.web.status_api import verdict
from epix_node.web.story_api import status_of_permit

SPEC = "epix-node/1"
"""The version of the federation profile."""

_OCTETS = "application/octet-stream"
_XML = "application/xml"
_DOCUMENTS_AT_ONCE = 16
"""Documents read from the store at a time for a batch: at most 16 MiB, whatever was asked for."""

_MAX_VERIFY_BYTES = 1024 * 1024
"""C.5: the size of a document."""

_WHOLE_NUMBER = re.compile(r"0|[1-9][0-9]{0,17}", re.ASCII)


def add_federation_routes(app: web.Application) -> None:
    """The application answers other nodes. It has ``NODE``, and ``JOBS`` where jobs run."""
    app.router.add_get("/.well-known/epix-node", _well_known)
    app.router.add_get(f"{API_PATH}health", _health)
    app.router.add_get(f"{API_PATH}tuf/party.json", _party_file)
    app.router.add_get(f"{API_PATH}feed", for_peers(_feed))
    app.router.add_get(f"{API_PATH}docs/{{sha256:[0-9a-f]{{64}}}}", for_peers(_document))
    app.router.add_post(f"{API_PATH}docs/batch", for_peers(_batch))
    app.router.add_post(f"{API_PATH}hint", for_peers(_hint))
    app.router.add_post(f"{API_PATH}status", for_peers(status_of_permit))
    app.router.add_post(f"{API_PATH}verify", for_peers(_verify, max_body=_MAX_VERIFY_BYTES))


async def _well_known(request: web.Request) -> web.Response:
    """Where this Party's federation API is."""
    node = request.app[NODE]
    return web.json_response(
        {
            "spec": [SPEC],
            "base": f"{normalised_base(node.config.server.base_url)}{API_PATH}",
            "env": node.config.party.environment,
            "party": node.party,
        }
    )


async def _health(request: web.Request) -> web.Response:
    """The public summary of C.8, signed: that the node answers, how far its register is, how fresh its trust is."""
    node = request.app[NODE]
    held = await node.database.read(register.state, node.party)
    states = await node.database.read(peers.states)
    offset = measured(states)
    trust_list, now = node.office.trust_list(), node.clock()
    alarms = Counter(alarm_of(state.silent_since, failures=state.failures, now=now) for state in states)
    answer = web.json_response(
        {
            "spec": SPEC,
            "software": __version__,
            "party": node.party,
            "env": node.config.party.environment,
            "time": format_time(now),
            "clock_offset_ms": offset.ahead // timedelta(milliseconds=1) if offset is not None else None,
            "peers": {"known": len(states), "warn": alarms[Alarm.WARN], "page": alarms[Alarm.PAGE]},
            "trust_list": {
                "state": trust_list.freshness(now).value,
                "parties": len(trust_list.parties),
                "expires": format_time(trust_list.expires) if trust_list.expires is not None else None,
            }
            if trust_list is not None
            else None,
            "register": {
                "origin": node.office.own.origin,
                "size": held.checkpoint_size if held is not None else 0,
                "witnessed_size": held.witnessed_size if held is not None else 0,
                "cosigned_at": format_time(held.cosigned_at) if held is not None and held.cosigned_at else None,
            },
            "disputes": await node.database.read(_disputes),
        },
        headers={"Cache-Control": "no-store"},
    )
    return signed(request, answer)


def _disputes(session: Session) -> list[dict[str, str]]:
    """The registers that have two histories: whose, which, and the evidence, which ``GET report/<id>`` gives."""
    return [
        {"party": one.party, "origin": one.origin, "evidence": one.id, "found_at": format_time(one.found_at)}
        for one in conflicts.everything(session)
    ]


async def _party_file(request: web.Request) -> web.Response:
    """The newest version of the own role with its manifest (C.1), not about to expire where that can be helped."""
    node = request.app[NODE]
    version = await asyncio.to_thread(current_version, node.database, node.role, now=node.clock())
    if version is None:
        raise Problem(404, "NOT_FOUND", "this node has no manifest of its own")
    return for_everybody(request, version.party_file(), "application/json")


async def _feed(request: web.Request, peer: Peer) -> web.Response:
    """Which entries from ``from`` on concern the asking Party. Signed: nothing else says that the list is whole."""
    return await feed_of(request, request.app[NODE].party, codes=peer.codes)


async def feed_of(request: web.Request, party: str, *, codes: frozenset[str] | None) -> web.Response:
    """Which documents of this Party's register there are for one of ``codes``, from ``from`` on; None: for all."""
    node = request.app[NODE]
    most = node.config.limits.feed_entries
    start = _number(request, "from", default=0)
    limit = _number(request, "limit", default=most)
    if not 1 <= limit <= MAX_FEED_ENTRIES:
        raise InputError(f"limit {limit}: expected 1 to {MAX_FEED_ENTRIES}")
    page = await node.database.read(_page, node, party, codes, start, min(limit, most))
    if page is None:
        return problem(409, "BEYOND_REGISTER", f"from {start}: the register ends before")
    answer = web.Response(body=page.to_bytes(), content_type="application/json", headers={"Cache-Control": "no-store"})
    return signed(request, answer)


def _page(
    session: Session, node: Node, party: str, codes: frozenset[str] | None, start: int, limit: int
) -> FeedPage | None:
    held = register.state(session, party)
    size = held.checkpoint_size if held is not None else 0
    if start > size:
        return None
    listed, to = documents.feed(session, party, codes=codes, start=start, size=size, limit=limit)
    return FeedPage(
        party=party,
        env=node.config.party.environment,
        start=start,
        to=to,
        size=size,
        entries=tuple(_feed_entry(document) for document in listed),
    )


def _feed_entry(document: documents.HeldDocument) -> FeedEntry:
    assert document.register_index is not None
    return FeedEntry(
        index=document.register_index,
        document=document.sha256,
        type=document.type,
        salt=encode_salt(document.salt),
        permit_salt=encode_salt(document.permit_salt),
        length=len(document.xml),
    )


async def _document(request: web.Request, peer: Peer) -> web.Response:
    """One document, exact bytes."""
    node = request.app[NODE]
    digest = request.match_info["sha256"]
    given = await node.database.read(documents.given, node.party, [digest], codes=peer.codes)
    if digest not in given:
        raise Problem(404, "NOT_FOUND", "there is no such document for the asking Party")
    tag = ETag(digest)
    if is_known(request, tag):
        response = web.Response(status=304)
    else:
        response = web.Response(body=given[digest], content_type=_XML)
    response.etag = tag
    response.headers["Cache-Control"] = IMMUTABLE_FOR_PEERS
    return response


async def _batch(request: web.Request, peer: Peer) -> web.Response:
    """Several documents in the order asked, as many as fit (decision 9)."""
    return await batch_of(request, request.app[NODE].party, peer.body, codes=peer.codes)


async def batch_of(request: web.Request, party: str, body: bytes, *, codes: frozenset[str] | None) -> web.Response:
    """The documents of this Party that ``body`` asks for, as far as one of ``codes`` may have them; None: all."""
    node = request.app[NODE]
    asked = parse_batch_request(body).sha256
    batch = bytearray()
    for start in range(0, len(asked), _DOCUMENTS_AT_ONCE):
        digests = asked[start : start + _DOCUMENTS_AT_ONCE]
        given = await node.database.read(documents.given, party, digests, codes=codes)
        for digest in digests:
            frame = encode_frame(digest, given.get(digest))
            if batch and len(batch) + len(frame) > BATCH_ENDS_AT:
                return web.Response(body=bytes(batch), content_type=_OCTETS)
            batch += frame
    return web.Response(body=bytes(batch), content_type=_OCTETS)


async def _verify(request: web.Request, peer: Peer) -> web.Response:
    """The verdict that this node's own customs would get (C.7): a peer proves that it holds the permit, as they do."""
    asking = Client(name=f"peer {peer.party}", role=Role.CUSTOMS)
    return signed(request, await verdict(request, asking, peer.body, may_record=False))


async def _hint(request: web.Request, peer: Peer) -> web.Response:
    """The peer has something new, and is asked for it soon (decision 11)."""
    parse_hint(peer.body)
    jobs = request.app.get(JOBS)
    if jobs is not None and not jobs.hinted(peer.party):
        seconds = str(int(HINT_INTERVAL.total_seconds()))
        raise Problem(429, "TOO_MANY_HINTS", f"one hint in {seconds} s is enough", headers={"Retry-After": seconds})
    return web.Response(status=204)


def _number(request: web.Request, name: str, *, default: int) -> int:
    given = request.query.getall(name, [])
    if not given:
        return default
    if len(given) > 1 or not _WHOLE_NUMBER.fullmatch(given[0]):
        raise InputError(f"{name}: expected one whole number")
    return int(given[0])
