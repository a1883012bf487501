"""`POST status` between nodes, and permits of multiple use, which no feed lists (protocol decision 3)."""

from __future__ import annotations

import base64
import hashlib
import json
from typing import Any

import pytest

from epix_node.acts import story
from epix_node.document.salts import encode_salt, new_salt
from epix_node.federation.client import Identity, PeerClient, answer_keys
from epix_node.federation.stories import ANSWER_WITHIN
from epix_node.register.tlog_proof import parse_tlog_proof, verify_tlog_proof
from epix_node.store import awaited, documents
from tests.web.conftest import Api, event_json, path_of
from tests.web.test_two_nodes import Countries, countries

__all__ = ["countries"]

NUMBER = "26XA000123"
MUSIC: dict[str, Any] = {
    "type": "O",
    "subtype": "musical-instrument",
    "multi_use": True,
    "purpose": "P",
    "valid_until": "2028-03-01",
}
CONFIRMATION = {"outcome": "released"}


async def ask(countries: Countries, asking: str, of: str, **question: Any) -> dict[str, Any]:
    """What the node `of` tells the node `asking`."""
    node, keyring = countries[asking].node, countries[asking].node.keyring()
    async with PeerClient(
        keyring.base_urls(of)[0],
        of,
        Identity(party=node.party, key_id=node.transport_kid, private_key=node.transport_key),
        answer_key=answer_keys(keyring, of, at=node.clock()),
        private_addresses=True,
    ) as client:
        told: dict[str, Any] = json.loads(await client.story(json.dumps({"issuer": of, **question}).encode()))
        return told


def salt_of(api: Api, sha256: str) -> str:
    held = api.node.database.read_now(documents.find, sha256)
    assert held is not None
    return encode_salt(held.permit_salt)


async def test_customs_elsewhere_learn_of_a_permit_of_multiple_use_from_its_issuer(countries: Countries):
    """The token on the paper is enough; afterwards this node holds it and answers while the issuer is away."""
    xa, xb = countries["XA"], countries["XB"]
    token = (await xa.publish(**MUSIC)).body["token"]
    await countries.tick("XB")
    customs = xb.as_("customs")
    assert (await customs.status()).body["reasons"] == ["NO_MATCH"]
    wrong = (await customs.status(proof={"token": "A" * 22})).body
    assert (wrong["status"], wrong["reasons"]) == ("UNKNOWN", ["NO_MATCH"])
    right = (await customs.status(proof={"token": token})).body
    assert (right["status"], right["verdict"], right["source"], right["grade"]) == (
        "VALID",
        "VALID",
        "mirror",
        "LOGGED",
    )
    assert right["flags"] == ["MULTI_USE"]

    await countries.stop("XA")
    assert (await customs.status(proof={"token": token})).body["status"] == "VALID"
    assert (await xb.as_("authority").get(path_of(NUMBER))).body["permit"]["subtype"] == "musical-instrument"


async def test_it_is_pulled_first_where_the_permit_is_younger_than_the_mirror(countries: Countries):
    """The musician arrives before the next poll; what happened under the permit comes along."""
    xa, xb = countries["XA"], countries["XB"]
    token = (await xa.publish(**MUSIC)).body["token"]
    endorsed = await xa.post("/api/v1/endorsements", event_json())
    assert endorsed.status == 201
    answer = (await xb.as_("customs").status(proof={"token": token})).body
    assert answer["status"] == "PARTLY_USED"


async def test_an_issuer_that_cannot_be_asked_leaves_it_unknown(countries: Countries):
    """At once where it is known to be away."""
    token = (await countries["XA"].publish(**MUSIC)).body["token"]
    await countries.tick("XB")
    await countries.stop("XA")
    for _ in range(2):
        answer = (await countries["XB"].as_("customs").status(proof={"token": token})).body
        assert (answer["status"], answer["reasons"]) == ("UNKNOWN", ["NO_MATCH"])
    assert ANSWER_WITHIN.total_seconds() < 10


async def test_a_withdrawal_of_a_permit_of_multiple_use_is_fetched_by_its_holders(countries: Countries):
    """No feed lists it either, but the chain shows that there is something."""
    xa, xb = countries["XA"], countries["XB"]
    token = (await xa.publish(**MUSIC)).body["token"]
    await countries.tick("XB")
    customs = xb.as_("customs")
    await customs.status(proof={"token": token})
    await xa.post(path_of(NUMBER) + "/withdrawal", {"reason": "stolen"})
    await countries.tick("XB")
    answer = (await customs.status(proof={"token": token})).body
    assert (answer["status"], answer["flags"]) == ("REVOKED", ["STOLEN", "MULTI_USE"])
    assert xb.node.database.read_now(awaited.lacking_in, "XA") == []


async def test_the_story_of_a_permit_is_signed_and_every_document_proven(countries: Countries):
    """By its token or its PermitSalt; the bytes are given of permits of multiple use only."""
    xa, xb = countries["XA"], countries["XB"]
    made = (await xa.publish(**MUSIC)).body
    await xa.post("/api/v1/endorsements", event_json(officer="Mr. Smee"))
    for proof in ({"token": made["token"]}, {"salt": salt_of(xa, made["document"])}):
        told = await ask(countries, "XB", "XA", number=NUMBER, **proof)
        assert told["status"] == "PARTLY_USED"
        pieces = [told["permit"], *told["events"]]
        assert [piece["kind"] for piece in pieces] == ["permit", "export-endorsement"]
        assert told["events"][0]["event"]["officer"] is None
        keyring, policy = xb.node.keyring(), xb.node.office.witness_policy("XA")
        for piece in pieces:
            xml = base64.b64decode(piece["xml"])
            assert hashlib.sha256(xml).hexdigest() == piece["document"]
            proven = parse_tlog_proof(piece["proof"].encode())
            log_key = keyring.log_key("XA")
            assert log_key is not None
            assert proven.extra is not None
            verify_tlog_proof(
                proven, entry=proven.extra, origin=piece["register"]["origin"], log_key=log_key, policy=policy
            )
            assert proven.index == piece["register"]["index"]
    held = [piece["document"] for piece in pieces]
    again = await ask(countries, "XB", "XA", number=NUMBER, token=made["token"], held=held)
    assert {piece["xml"] for piece in [again["permit"], *again["events"]]} == {None}


async def test_the_bytes_of_an_ordinary_permit_are_for_its_recipients(countries: Countries):
    """Its story has proofs and no documents."""
    made = (await countries["XA"].publish()).body
    told = await ask(countries, "XB", "XA", number=NUMBER, token=made["token"])
    assert (told["status"], told["permit"]["xml"]) == ("VALID", None)
    assert told["permit"]["proof"].startswith("c2sp.org/tlog-proof@v1\n")


async def test_a_wrong_proof_and_an_unknown_number_are_answered_alike(countries: Countries):
    """The same members with the same values, and the same statements before them."""
    await countries["XA"].publish(**MUSIC)
    answers = [
        await ask(countries, "XB", "XA", number=number, **proof)
        for number in (NUMBER, "26XA999999")
        for proof in ({"token": "A" * 22}, {"salt": encode_salt(new_salt())})
    ]
    for answer in answers:
        assert (answer["reasons"], answer["permit"], answer["events"]) == (["NO_MATCH"], None, [])
        assert {**answer, "number": "", "request_id": ""} == {**answers[0], "number": "", "request_id": ""}


async def test_a_story_that_is_too_long_is_told_in_parts(countries: Countries, monkeypatch: pytest.MonkeyPatch):
    """Who names what it has gets the rest."""
    xa = countries["XA"]
    made = (await xa.publish(**MUSIC)).body
    await xa.post("/api/v1/endorsements", event_json())
    held = xa.node.database.read_now(documents.find, made["document"])
    assert held is not None
    monkeypatch.setattr(story, "MAX_BYTES", len(held.xml) + 10)
    first = await ask(countries, "XB", "XA", number=NUMBER, token=made["token"])
    assert [piece["xml"] is not None for piece in [first["permit"], *first["events"]]] == [True, False]
    rest = await ask(countries, "XB", "XA", number=NUMBER, token=made["token"], held=[made["document"]])
    assert [piece["xml"] is not None for piece in [rest["permit"], *rest["events"]]] == [False, True]
