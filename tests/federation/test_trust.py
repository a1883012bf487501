"""The trust list over real HTTP, on a clock that only the test moves: fresh, stale, expired, and back again."""

from __future__ import annotations

import dataclasses
from collections.abc import AsyncIterator, Callable
from datetime import timedelta

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from structlog.testing import capture_logs

from epix_node.acts import look
from epix_node.federation.trust import refresh_trust
from epix_node.federation.witnessing import gather
from epix_node.identity.role import API_PATH
from epix_node.jobs import look_at_trust, round_
from epix_node.permit.answer import Answer, Policy
from epix_node.permit.event import PermitRef
from epix_node.store import documents
from epix_node.store import trust as trust_store
from epix_node.trust.succession import with_revocation
from epix_node.web.published_trust import PublishedTrust, add_trust_routes
from tests.world import PARTIES, World, on

SECOND = timedelta(seconds=1)


class Online:
    """The Secretariat of this world, which can be up or down, and what it was asked for."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.asked: list[tuple[str, int]] = []
        self.server: TestServer | None = None
        bases = {party: f"{world[party].config.server.base_url}{API_PATH}" for party in PARTIES}
        self.published = PublishedTrust(world.repository, bases=bases, clock=lambda: world.now)

    async def up(self) -> None:
        app = web.Application(middlewares=[self._noting])
        add_trust_routes(app, self.published)
        self.server = TestServer(app, host="127.0.0.1")
        await self.server.start_server()
        for party in PARTIES:
            country = self.world[party]
            federation = country.config.federation.model_copy(update={"trust_list": str(self.server.make_url("/tuf"))})
            country.config = country.config.model_copy(update={"federation": federation})
            country.node = dataclasses.replace(country.node, config=country.config)

    async def down(self) -> None:
        assert self.server is not None
        await self.server.close()

    @property
    def _noting(self):
        @web.middleware
        async def noting(request: web.Request, handler: Callable) -> web.StreamResponse:
            response = await handler(request)
            self.asked.append((request.path.removeprefix("/tuf/"), response.status))
            return response

        return noting


@pytest.fixture
async def online(world: World) -> AsyncIterator[Online]:
    """All three countries and the Secretariat are up."""
    made = Online(world)
    await made.up()
    yield made
    assert made.server is not None
    await made.server.close()


def status(world: World, party: str, number: str) -> Answer:
    ref = PermitRef(issuer="XA", number=number)
    return look.status(world[party].node.office, Policy(), ref, purpose=None, now=world.now)


def verdict(world: World, party: str, xml: bytes) -> Answer:
    return look.verdict_on_document(world[party].node.office, Policy(), xml, purpose=None, now=world.now)


def said(answer: Answer) -> tuple[str, str, list[str]]:
    return answer.verdict.value, answer.freshness.value, [reason.value for reason in answer.reasons]


async def test_a_node_started_with_expired_metadata_says_so_and_recovers_by_itself(world: World, online: Online):
    """C.1: FRESH until the expiry, STALE for 7 days, then it cannot tell; and it never stops issuing."""
    published = world["XA"].publish("26XA1")
    await gather(world["XA"].node)
    await world.pull("XB")
    held = world["XB"].node.database.read_now(documents.find, published.source.document)
    assert held is not None
    await online.down()

    world.wait(hours=24, seconds=-1)
    await world.pull("XB")
    assert said(status(world, "XB", "26XA1")) == ("VALID", "FRESH", [])

    world.wait(seconds=1)
    world["XB"].reopen()
    refreshed = await look_at_trust(world["XB"].node)
    assert refreshed is not None
    assert refreshed.failure is not None
    await world.pull("XB")
    assert said(status(world, "XB", "26XA1")) == ("VALID", "STALE", ["TRUST_LIST_STALE"])
    assert said(verdict(world, "XB", held.xml)) == ("VALID", "STALE", ["TRUST_LIST_STALE"])

    world.wait(days=7, seconds=-1)
    await world.pull("XB")
    assert said(status(world, "XB", "26XA1")) == ("VALID", "STALE", ["TRUST_LIST_STALE"])
    world.wait(seconds=1)
    world["XB"].reopen()
    await world.pull("XB")
    assert said(status(world, "XB", "26XA1")) == ("INDETERMINATE", "EXPIRED", ["TRUST_LIST_EXPIRED"])
    assert said(verdict(world, "XB", held.xml)) == ("INDETERMINATE", "EXPIRED", ["TRUST_LIST_EXPIRED"])
    world["XB"].publish("26XB1", issued_on="2026-03-10", to="XA")
    own = look.status(
        world["XB"].node.office, Policy(), PermitRef(issuer="XB", number="26XB1"), purpose=None, now=world.now
    )
    assert said(own) == ("VALID", "FRESH", [])

    await online.up()
    brought = await round_(world["XB"].node)
    assert brought.pulled["XA"] is not None
    assert said(status(world, "XB", "26XA1")) == ("VALID", "FRESH", [])


async def test_an_unknown_key_is_not_called_wrong_by_a_list_that_is_not_fresh(world: World, online: Online):
    """A newer list may have it (contract 4)."""
    published = world["XC"].publish("26XC1", to="XB")
    held = world["XC"].node.database.read_now(documents.find, published.source.document)
    assert held is not None
    world.repository.remove("XC", world.now)
    await refresh_trust(world["XB"].node)
    assert said(verdict(world, "XB", held.xml)) == ("NOT_VALID", "FRESH", ["KEY_UNKNOWN"])
    world.wait(hours=24)
    assert said(verdict(world, "XB", held.xml)) == ("INDETERMINATE", "STALE", ["KEY_UNKNOWN", "TRUST_LIST_STALE"])
    world.wait(days=7)
    assert said(verdict(world, "XB", held.xml)) == ("INDETERMINATE", "EXPIRED", ["KEY_UNKNOWN", "TRUST_LIST_EXPIRED"])


async def test_who_is_removed_is_not_pulled_from_and_stays_as_recorded(world: World, online: Online):
    """Its permits keep their status; how sure that is, is another matter."""
    world["XA"].publish("26XA1")
    await world.pull("XB")
    world.repository.remove("XA", world.now)
    brought = await round_(world["XB"].node)
    assert brought.pulled == {"XC": 0}
    answer = status(world, "XB", "26XA1")
    assert answer.status.value == "VALID"
    assert said(answer) == ("INDETERMINATE", "EXPIRED", ["TRUST_LIST_EXPIRED"])


async def test_nothing_new_costs_two_questions_and_no_write(world: World, online: Online):
    """The next root, and a timestamp that the node names by its digest."""
    await refresh_trust(world["XB"].node)
    online.asked.clear()
    before = world["XB"].node.database.read_now(trust_store.held)
    refreshed = await refresh_trust(world["XB"].node)
    assert refreshed is not None
    assert refreshed.failure is None
    assert online.asked == [("metadata/2.root.json", 404), ("metadata/timestamp.json", 304)]
    assert world["XB"].node.database.read_now(trust_store.held) == before


async def test_a_revocation_comes_from_the_partys_own_node_while_the_secretariat_is_down(world: World, online: Online):
    """C.1: the hub's copy is only the second path. The next question costs nothing."""
    manifest = world["XA"].node.manifest
    world["XA"].sign(with_revocation(manifest, manifest.permit_keys[0].kid, invalid_since=world.now))
    await online.down()
    await world.pull("XB")
    key = world["XB"].node.keyring().find("XA", manifest.permit_keys[0].kid)
    assert key is not None
    assert key.is_revoked
    assert world["XA"].asked.count("/epix/v1/tuf/party.json") == 1
    before = world["XB"].node.database.read_now(trust_store.held)
    await world.pull("XB")
    assert world["XB"].node.database.read_now(trust_store.held) == before
    await online.up()


async def test_the_secretariat_takes_in_what_the_parties_say(world: World, online: Online):
    """So that who cannot reach a Party's node hears of it all the same."""
    world["XA"].sign(world["XA"].node.manifest)
    world.wait(minutes=1)  # it does not ask again at once
    await refresh_trust(world["XB"].node)
    assert world["XB"].node.keyring().manifests["XA"].seq == 2


async def test_a_manifest_that_the_partys_keys_did_not_sign_is_not_taken(world: World, online: Online):
    """What is held stays, the pull goes on, and it is said."""
    other = world["XC"].sign(world["XC"].node.manifest).party_file()
    world["XA"].publish("26XA1")
    world["XA"].meddle = on("party.json", lambda _: web.Response(body=other))
    result = await world.pull("XB")
    assert (result.documents, world["XB"].node.keyring().manifests["XA"].seq) == (1, 1)
    assert "role of XA" in (world["XB"].peer("XA").last_error or "")
    world["XA"].meddle = on("party.json", lambda _: web.Response(body=b"{}"))
    assert (await world.pull("XB")).documents == 0
    assert "party.json" in (world["XB"].peer("XA").last_error or "")


async def test_two_years_pass_at_once_and_everything_is_signed_again(world: World, online: Online):
    """Roots, targets, and every Party's own role, each when somebody asks (contract 7)."""
    world.wait(days=730)
    for _ in range(2):
        for party in PARTIES:
            await round_(world[party].node)
    for party in PARTIES:
        known = world[party].node.office.trust_list()
        assert known is not None
        states = {known.party_freshness(other, world.now).value for other in PARTIES}
        assert (known.freshness(world.now).value, states) == ("FRESH", {"FRESH"})


async def test_a_refresh_that_fails_is_said_once_and_so_is_its_end(world: World, online: Online):
    """State changes, not every attempt."""
    await online.down()
    with capture_logs() as logs:
        await refresh_trust(world["XB"].node)
        await refresh_trust(world["XB"].node)
        assert "ConnectError" in (world["XB"].node.database.read_now(trust_store.held).problem or "")
        await online.up()
        await refresh_trust(world["XB"].node)
    assert [line["event"] for line in logs if line["log_level"] != "debug" and "trust" in line["event"]] == [
        "trust list not up to date",
        "trust list up to date again",
    ]


async def test_a_private_address_is_refused_unless_configured(world: World, online: Online):
    """As for peers (C.5, SSRF)."""
    node = world["XB"].node
    federation = node.config.federation.model_copy(update={"private_addresses": False})
    node = dataclasses.replace(node, config=node.config.model_copy(update={"federation": federation}))
    refreshed = await refresh_trust(node)
    assert refreshed is not None
    assert refreshed.failure is not None
    assert refreshed.failure.code == "PRIVATE_ADDRESS"


@pytest.mark.parametrize("path", ["../keys/x.json", "metadata/../../keys", "metadata/.lock", "targets/x.json", ""])
async def test_the_secretariat_gives_files_of_the_repository_only(world: World, online: Online, path: str):
    """No path leads out of it."""
    assert await online.published.file(path) is None


async def test_how_far_the_machines_clock_is_off_is_measured_at_pulls(world: World, online: Online):
    """By what the peers' answers say the time is; all run on this machine."""
    await world.pull("XB", "XA")
    ahead = world["XB"].peer("XA").clock_ahead
    assert ahead is not None
    assert abs(ahead) < timedelta(seconds=2)
