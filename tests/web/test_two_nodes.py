"""Two countries over real HTTP: what one publishes, the other answers, whoever is up (issue, "Must show")."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, ExitStack
from pathlib import Path

import pytest
from aiohttp import ClientSession
from aiohttp.test_utils import TestClient, TestServer, unused_port
from lxml import etree

from epix_node.acts import look
from epix_node.clock import parse_time, utc_now
from epix_node.config import load_config
from epix_node.federation.client import answer_keys
from epix_node.httpsig.request import sign_request
from epix_node.httpsig.response import Question, verify_response
from epix_node.identity.rotation import make, revoked
from epix_node.node import Node, open_node
from epix_node.permit.event import PermitRef
from epix_node.sandbox_clock import SharedClock
from epix_node.web.app import make_app
from epix_node.web.desk import policy_of
from tests.signing.mutations import mutated
from tests.trusting import Secretariat
from tests.web.conftest import START, Api, Reply, admit_clients, event_json, path_of, read


class Countries:
    """XA and XB, which trust each other, on one shared clock."""

    def __init__(self) -> None:
        self.api: dict[str, Api] = {}
        self.stacks: dict[str, AsyncExitStack] = {}
        self.secretariat: Secretariat

    def __getitem__(self, party: str) -> Api:
        return self.api[party]

    async def stop(self, party: str) -> None:
        await self.stacks[party].aclose()

    async def tick(self, party: str, now: str | None = None) -> dict:
        reply = await self[party].as_("authority").post("/sandbox/v1/tick", {"now": now} if now else None)
        assert reply.status == 200, reply.body
        return reply.body


@pytest.fixture
async def countries(tmp_path: Path, opened: ExitStack) -> AsyncIterator[Countries]:
    clock = tmp_path / "clock"
    SharedClock(clock).set(START)
    made = Countries()
    secretariat = made.secretariat = Secretariat(tmp_path / "secretariat", now=START)
    configs = {
        party: secretariat.found(tmp_path / party, party, f"http://127.0.0.1:{unused_port()}", clock=clock)
        for party in ("XA", "XB")
    }
    secretariat.tell(configs.values())
    async with AsyncExitStack() as stack:
        for party, config in configs.items():
            node = opened.enter_context(open_node(load_config(config.path, {})))
            made.stacks[party] = own = await stack.enter_async_context(AsyncExitStack())
            server = TestServer(make_app(node), host="127.0.0.1", port=config.server.port)
            http = await own.enter_async_context(TestClient(server))
            made.api[party] = Api(http, node, admit_clients(node))
        yield made


async def test_a_permit_crosses_the_border(countries: Countries):
    """Published at XA, pulled and VALID at XB with XA stopped or not, USED in both after the confirmation."""
    xa, xb = countries["XA"], countries["XB"]
    published = await xa.publish()
    token = published.body["token"]
    assert (await countries.tick("XB"))["pulled"] == {"XA": 1}
    mirrored = await xb.status()
    assert (mirrored.body["status"], mirrored.body["source"], mirrored.body["grade"]) == ("VALID", "mirror", "LOGGED")
    shown = await xb.as_("authority").get(path_of("26XA000123"))
    assert shown.body["permit"]["importer"]["name"] == "Ben Importer"
    assert "token" not in shown.body  # only the issuing node has it
    assert (await xb.as_("customs").status(proof={"token": token})).body["status"] == "VALID"

    confirmed = await xb.as_("customs").post(
        "/api/v1/confirmations", event_json(outcome="released", proof={"token": token})
    )
    assert (confirmed.status, confirmed.body["status"]["status"]) == (201, "USED")
    assert (await countries.tick("XA"))["pulled"] == {"XB": 1}
    assert (await xa.status()).body["status"] == "USED"

    await countries.stop("XA")
    assert (await countries.tick("XB"))["pulled"] == {"XA": None}
    assert (await xb.status()).body["status"] == "USED"
    failing = (await xb.as_("auditor").get("/api/v1/peers/XA")).body
    assert failing["state"] == "FAILING"
    assert failing["last_error"]


async def test_a_mirror_answers_the_same_by_its_card_and_by_the_whole_look(countries: Countries):
    """Fresh, stale and expired mirrors, without a clock of their own."""
    await countries["XA"].publish()
    await countries.tick("XB")
    api = countries["XB"]
    for moment, freshness in (
        (None, "FRESH"),
        ("2026-03-02T09:30:00Z", "STALE"),
        ("2026-03-10T09:30:00Z", "EXPIRED"),
    ):
        if moment:
            api.clock.set(parse_time(moment))
        quick = await api.status()
        assert quick.body["freshness"] == freshness
        whole = look.status(
            api.node.office,
            policy_of(api.node),
            PermitRef(issuer="XA", number="26XA000123"),
            purpose=None,
            now=api.clock(),
        ).to_json(request_id=quick.body["request_id"])
        assert quick.raw.decode() == json.dumps(whole, ensure_ascii=False, separators=(",", ":"))


async def test_a_trust_list_that_is_not_fresh_is_said_by_the_card_as_by_the_whole_look(countries: Countries):
    """The mirror is fresh each time; the own permit is sure whatever the list."""
    await countries["XA"].publish()
    api = countries["XB"]
    for moment, freshness, reasons in (
        ("2026-03-03T07:59:59Z", "FRESH", []),
        ("2026-03-03T08:00:00Z", "STALE", ["TRUST_LIST_STALE"]),
        ("2026-03-10T07:59:59Z", "STALE", ["TRUST_LIST_STALE"]),
        ("2026-03-10T08:00:00Z", "EXPIRED", ["TRUST_LIST_EXPIRED"]),
    ):
        await countries.tick("XB", now=moment)
        quick = await api.status()
        assert (quick.body["freshness"], quick.body["reasons"]) == (freshness, reasons)
        assert quick.body["verdict"] == ("INDETERMINATE" if freshness == "EXPIRED" else "VALID")
        whole = look.status(
            api.node.office,
            policy_of(api.node),
            PermitRef(issuer="XA", number="26XA000123"),
            purpose=None,
            now=api.clock(),
        ).to_json(request_id=quick.body["request_id"])
        assert quick.raw.decode() == json.dumps(whole, ensure_ascii=False, separators=(",", ":"))
        (peer,) = (await api.get("/api/v1/peers")).body["peers"]
        assert peer["trust"] == freshness
        assert (await countries["XA"].status()).body["freshness"] == "FRESH"


async def test_permits_of_a_removed_party_are_said_alike_by_both(countries: Countries):
    """Its documents stay, and nobody can be sure any more; it is still listed."""
    await countries["XA"].publish()
    await countries.tick("XB")
    countries.secretariat.repository.remove("XA", START)
    api = countries["XB"]
    countries.secretariat.refresh(api.node.database, "XB")
    quick = await api.status()
    assert (quick.body["verdict"], quick.body["reasons"]) == ("INDETERMINATE", ["TRUST_LIST_EXPIRED"])
    whole = look.status(
        api.node.office, policy_of(api.node), PermitRef(issuer="XA", number="26XA000123"), purpose=None, now=START
    ).to_json(request_id=quick.body["request_id"])
    assert quick.raw.decode() == json.dumps(whole, ensure_ascii=False, separators=(",", ":"))
    (peer,) = (await api.get("/api/v1/peers")).body["peers"]
    assert (peer["party"], peer["trust"], peer["cursor"]) == ("XA", "REMOVED", 1)
    assert (await api.get("/api/v1/peers/XA")).body["certificates"] == []
    assert (await countries.tick("XB"))["pulled"] == {}


async def test_a_permit_signed_before_the_theft_of_the_key_stays_good_and_one_after_it_does_not(countries: Countries):
    """XA revokes at its own node; XB hears of it at its next pull. By number, by card and by document (decision 7)."""
    xa, xb = countries["XA"], countries["XB"]
    before, after = "26XA000123", "26XA000124"
    await xa.publish()
    await countries.tick("XB")
    await countries.tick("XB", "2026-03-02T10:00:00Z")
    await xa.publish(number=after)
    await countries.tick("XB", "2026-03-02T11:00:00Z")
    documents = {
        number: (await xb.as_("authority").get(f"{path_of(number)}/document")).raw for number in (before, after)
    }
    node, now = xa.node, xa.clock()
    assert node.role is not None
    stolen = revoked(
        node.manifest.permit_keys[0].kid, since=parse_time("2026-03-02T09:00:00Z"), reason="stolen", now=now
    )
    make(node.database, node.role, stolen, now=now)
    for party in ("XA", "XB"):
        await countries.tick(party)
    for api in (xa, xb):
        for number, expected in ((before, "VALID"), (after, "REVOKED_KEY")):
            verdict = "VALID" if expected == "VALID" else "NOT_VALID"
            reasons = [] if expected == "VALID" else ["REVOKED_KEY"]
            quick = await api.status(number)
            assert (quick.body["signature"], quick.body["verdict"]) == (expected, verdict)
            assert quick.body["reasons"] == reasons
            whole = look.status(
                *(api.node.office, policy_of(api.node), PermitRef(issuer="XA", number=number)),
                purpose=None,
                now=api.clock(),
            ).to_json(request_id=quick.body["request_id"])
            assert quick.raw.decode() == json.dumps(whole, ensure_ascii=False, separators=(",", ":"))
            by_document = await api.as_("authority").post(
                "/api/v1/verifications", data=documents[number], headers={"Content-Type": "application/xml"}
            )
            assert (by_document.body["signature"], by_document.body["verdict"]) == (expected, verdict)
            shown = await api.as_("authority").get(path_of(number))
            assert shown.body["status"]["signature"] == expected
    everything = (await xb.get("/api/v1/permits?status=VALID")).body["permits"]
    assert [one["permit"]["number"] for one in everything] == [before]


async def test_peers_are_listed_with_how_pulling_goes(countries: Countries):
    """Every member of the contract, one peer at a time, 404 for a stranger."""
    before = await countries["XB"].get("/api/v1/peers")
    assert before.body["next"] is None
    assert before.body["peers"] == [
        {
            "party": "XA",
            "state": "NEW",
            "last_success": None,
            "lag": None,
            "cursor": 0,
            "backoff_until": None,
            "trust": "FRESH",
            "alarm": None,
        }
    ]
    await countries["XA"].publish()
    await countries.tick("XB")
    (peer,) = (await countries["XB"].as_("auditor").get("/api/v1/peers?limit=1")).body["peers"]
    assert (peer["state"], peer["cursor"], peer["lag"]) == ("OK", 1, 0)
    one = (await countries["XB"].get("/api/v1/peers/XA")).body
    assert peer.items() <= one.items()
    assert one["issues_for"] == ["XA"]
    assert one["observability"] == []
    assert (await countries["XB"].get("/api/v1/peers/XC")).code == "NOT_FOUND"
    assert (await countries["XB"].get("/api/v1/peers/XB")).code == "NOT_FOUND"


async def test_a_tick_moves_the_clock_of_all_and_counts_findings(countries: Countries):
    """Forward only; what was found is pending, then open."""
    xa = countries["XA"]
    await xa.publish()
    await countries.tick("XB")
    for n in (1, 2):
        body = event_json(
            f"E-{n}",
            outcome="released",
            office=f"P{n}",
            transport_document=f"T{n}",
            lines=[{"block": "A", "quantity": "9", "unit": "NAR"}],
        )
        await countries["XB"].post("/api/v1/confirmations", body)
    ticked = await countries.tick("XA", "2026-03-02T12:00:00Z")
    assert set(ticked) == {"now", "rounds", "pulled", "written", "findings"}
    assert ticked["now"] == "2026-03-02T12:00:00Z"
    assert ticked["findings"]["pending"] > 0
    assert (await countries["XB"].get("/sandbox/v1/clock")).body == {"now": "2026-03-02T12:00:00Z"}
    ticked = await countries.tick("XA", "2026-03-04T12:00:00Z")
    assert ticked["findings"]["A"] > 0
    back = await xa.post("/sandbox/v1/tick", {"now": "2026-03-01T00:00:00Z"})
    assert (back.status, back.code) == (409, "CLOCK_BACKWARDS")
    for body in ({"now": "noon"}, {"then": 1}, [], {"now": 5}):
        assert (await xa.post("/sandbox/v1/tick", body)).status == 400


class AskedBy:
    """XA's federation API, asked by the node of another Party."""

    def __init__(self, xa: Api, asking: Node) -> None:
        self._url = f"{xa.node.config.server.base_url}/epix/v1/verify"
        self._asking = asking

    async def verify(self, body: bytes) -> Reply:
        """The answer; where it is one, XA vouches for it."""
        headers = sign_request(
            method="POST",
            url=self._url,
            body=body,
            party=self._asking.party,
            key_id=self._asking.transport_kid,
            private_key=self._asking.transport_key,
            now=utc_now(),
        )
        async with ClientSession() as session, session.post(self._url, data=body, headers=headers) as response:
            reply = await read(response)
        if reply.status == 200:
            verify_response(
                Question(method="POST", url=self._url, headers=headers),
                status=200,
                headers=reply.headers,
                body=reply.raw,
                party="XA",
                find_key=answer_keys(self._asking.keyring(), "XA", at=self._asking.clock()),
                now=utc_now(),
            )
        return reply


async def test_a_node_asks_another_one_whether_a_permit_is_good(countries: Countries):
    """The answer is what XA's own customs would get: with a proof or a genuine document a verdict, else NO_MATCH."""
    xa = countries["XA"]
    token = (await xa.publish()).body["token"]
    asked = AskedBy(xa, countries["XB"].node)
    claim = {"issuer": "XA", "number": "26XA000123"}
    proven = (await asked.verify(json.dumps({**claim, "proof": {"token": token}}).encode())).body
    assert (proven["verdict"], proven["status"], proven["source"]) == ("VALID", "VALID", "authoritative")
    guessed = (await asked.verify(json.dumps(claim).encode())).body
    assert (guessed["verdict"], guessed["reasons"]) == ("UNKNOWN", ["NO_MATCH"])
    document = (await xa.as_("authority").get(path_of("26XA000123") + "/document")).raw
    assert (await asked.verify(document)).body["verdict"] == "VALID"
    forged = (await asked.verify(document.replace(b"Python regius", b"Python regiuz"))).body
    assert (forged["verdict"], forged["signature"]) == ("NOT_VALID", "INVALID")


async def test_a_peer_cannot_guess_for_ever(countries: Countries):
    """Wrong proofs of a peer count like those of a client."""
    await countries["XA"].publish()
    asked = AskedBy(countries["XA"], countries["XB"].node)
    wrong = json.dumps({"issuer": "XA", "number": "26XA000123", "proof": {"token": "A" * 22}}).encode()
    answers = [await asked.verify(wrong) for _ in range(11)]
    assert [answer.status for answer in answers] == [200] * 10 + [429]


async def test_a_peer_records_nothing_here(countries: Countries):
    """Each Party writes its own register only (decision 2)."""
    asked = AskedBy(countries["XA"], countries["XB"].node)
    claim = {"issuer": "XA", "number": "26XA000123", "presented": {"purpose": "Z"}, "record": True}
    recorded = await asked.verify(json.dumps(claim | {"event_id": "1", "office": "P", "date": "2026-03-01"}).encode())
    assert recorded.status == 400
    assert "leave `record` out" in recorded.body["detail"]


SAMPLE = range(7_000, 7_150)


@pytest.mark.parametrize("asking", ["a client", "a peer"])
async def test_what_a_forger_makes_of_a_permit_is_a_verdict_or_a_refusal(asking: str, countries: Countries):
    """A sample of the mutations of `tests/signing`, over HTTP: never a 5xx, and VALID only with what was signed."""
    xa = countries["XA"]
    await xa.publish()
    document = (await xa.as_("authority").get(path_of("26XA000123") + "/document")).raw
    peer = AskedBy(xa, countries["XB"].node)

    async def verify(sent: bytes) -> Reply:
        if asking == "a peer":
            return await peer.verify(sent)
        return await xa.post("/api/v1/verifications", data=sent, headers={"Content-Type": "application/xml"})

    # Other bytes of the same content are not the entry of the register, which is said (C.3).
    varies = {"request_id", "flags", "grade", "differences", "reasons"}
    genuine = {name: value for name, value in (await verify(document)).body.items() if name not in varies}
    valid = 0
    for number in SAMPLE:
        reply = await verify(mutated(document, number))
        assert reply.status in {200, 400, 413}, (number, reply.raw)
        if reply.status != 200:
            assert reply.code in {"NOT_A_DOCUMENT", "NOT_UTF8", "FORBIDDEN_XML", "LIMIT_EXCEEDED", "NOT_UNDERSTOOD"}, (
                number
            )
        elif reply.body["signature"] == "VALID":
            valid += 1
            assert {name: value for name, value in reply.body.items() if name not in varies} == genuine, number
            assert not reply.body["differences"], number
            assert set(reply.body["reasons"]) <= {"NOT_IN_REGISTER"}, number
        else:
            read_of = {reply.body[name] for name in ("issuer", "number", "type")}
            assert (reply.body["verdict"], read_of) == ("NOT_VALID", {None}), (number, reply.body)
    assert 0 < valid < len(SAMPLE) // 2


async def test_a_thief_dates_documents_at_the_ends_of_the_calendar(countries: Countries):
    """The entry of a document of a revoked key is looked for around its issue, also where there are no such days."""
    xa = countries["XA"]
    await xa.publish()
    document = (await xa.as_("authority").get(path_of("26XA000123") + "/document")).raw
    node, now = xa.node, xa.clock()
    forged: list[bytes] = []
    for day in ("0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z"):
        root = etree.fromstring(document)
        root.remove(root[-1])
        (issued,) = root.iter("{urn:epix-node:document:1}Issued")
        issued.text = day
        forged.append(node.office.own.signer.sign(etree.tostring(root), at=now))
    assert node.role is not None
    stolen = revoked(node.manifest.permit_keys[0].kid, since=now, reason="stolen", now=now)
    make(node.database, node.role, stolen, now=now)
    for shown in forged:
        reply = await xa.post("/api/v1/verifications", data=shown)
        assert (reply.status, reply.body.get("reasons")) == (200, ["REVOKED_KEY"]), reply.raw
