"""Publishing, looking at, withdrawing and replacing permits over HTTP."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from typing import Any

from epix_node.permit.json import permit_from_json
from epix_node.permit.xml.soap import write_soap
from epix_node.permit.xml.writer import write_permit
from tests.web.conftest import Api, event_json, path_of, permit_json, proof_header

TOOLKIT_1 = b"""<?xml version="1.0"?>
<rsm:CBFShip xmlns:rsm="urn:un:unece:uncefact:data:draft:CBFShip:1"
    xmlns:ram="urn:un:unece:uncefact:data:draft:ReusableAggregateBusinessInformationEntity:1">
  <rsm:HeaderExchangedDocument>
    <ram:ID>26XA000123</ram:ID><ram:TypeCode>E</ram:TypeCode>
    <ram:IssueDateTime>2026-03-01T00:00:00Z</ram:IssueDateTime>
  </rsm:HeaderExchangedDocument>
  <rsm:SpecifiedSupplyChainConsignment>
    <ram:ConsignorTradeParty><ram:PostalTradeAddress><ram:CountryIdentificationTradeCountry><ram:ID>XA</ram:ID>
    </ram:CountryIdentificationTradeCountry></ram:PostalTradeAddress></ram:ConsignorTradeParty>
    <ram:IncludedSupplyChainConsignmentItem><ram:ID>A</ram:ID></ram:IncludedSupplyChainConsignmentItem>
  </rsm:SpecifiedSupplyChainConsignment>
</rsm:CBFShip>
"""

TWO_LINES = [
    permit_json()["lines"][0],
    {**permit_json()["lines"][0], "block": "B", "taxon": "Boa constrictor", "quantity": "0.5", "unit": "KGM"},
]


async def test_a_permit_is_published_and_the_same_again_changes_nothing(api: Api):
    """201 with all members of the contract, then 200 with the same ones, however the number is spelt."""
    first = await api.post("/api/v1/permits", permit_json())
    assert first.status == 201
    assert set(first.body) == {"permit", "document", "register_index", "token", "findings", "reference"}
    assert first.body["permit"] == {"issuer": "XA", "type": "E", "number": "26XA000123", "year": 2026}
    again = await api.post("/api/v1/permits", permit_json(" No. 26xa000123"))
    assert (again.status, again.body) == (200, first.body)


async def test_xml_is_the_same_permit_as_json(api: Api):
    """What was published as JSON and comes again as toolkit XML is known, whatever the content type says."""
    first = await api.publish()
    xml = write_permit(permit_from_json(permit_json()))
    for content_type in ("application/xml", "text/plain", "image/png"):
        again = await api.post("/api/v1/permits", data=xml, headers={"Content-Type": content_type})
        assert (again.status, again.body) == (200, first.body)


async def test_a_soap_response_is_the_same_permit_as_json(api: Api):
    """By the reader that the command uses, with the same findings."""
    first = await api.publish()
    soap = write_soap(permit_from_json(permit_json()))
    again = await api.post("/api/v1/permits", data=soap, headers={"Content-Type": "text/xml"})
    assert (again.status, again.body) == (200, first.body)


async def test_toolkit_1_is_read_too(api: Api):
    """What national systems still send: refused by rule ids, not as unreadable."""
    reply = await api.post("/api/v1/permits", data=TOOLKIT_1, headers={"Content-Type": "application/xml"})
    assert (reply.status, reply.code) == (422, "RULES_BROKEN")
    assert {"FLD-12", "FLD-03"} <= {finding["rule"] for finding in reply.body["findings"]}


async def test_what_the_rules_said_is_shown_with_the_permit(api: Api):
    """To offices, and to customs who hold it: it names nobody. A permit of before has none."""
    published = await api.publish()
    shown = (await api.get(path_of("26XA000123"))).body["checks"]
    assert shown["findings"] == published.body["findings"]
    assert shown["reference"] == published.body["reference"]
    assert (shown["stage"], shown["checked_at"]) == ("issue", "2026-03-02T08:00:00Z")
    assert all({"data", "as_of", "age_days", "source"} == set(edition) for edition in shown["reference"])
    headers = proof_header({"token": published.body["token"]})
    seen = await api.as_("customs").get(path_of("26XA000123"), headers=headers)
    assert seen.body["checks"] == shown
    assert "Anna" not in seen.raw.decode()
    api.node.database.write_now(lambda session: session.core.exec_driver_sql("DELETE FROM permit_check"))
    assert (await api.get(path_of("26XA000123"))).body["checks"] is None


REFUSED: tuple[tuple[dict[str, Any], int, str], ...] = (
    ({"issuer": "XB"}, 403, "NOT_OURS"),
    ({"purpose": "H"}, 409, "DIFFERENT_CONTENT"),
    ({"number": "26XA2", "valid_until": None}, 422, "RULES_BROKEN"),
    ({"number": "26XA2", "issued_on": None}, 422, "RULES_BROKEN"),
    ({"number": "26XA2", "type": "Q"}, 422, "RULES_BROKEN"),
    ({"number": "26XA2", "lines": []}, 400, "NOT_UNDERSTOOD"),
    ({"number": ""}, 400, "NOT_UNDERSTOOD"),
    ({"number": "1" * 71}, 400, "NOT_UNDERSTOOD"),
    ({"colour": "red"}, 400, "NOT_UNDERSTOOD"),
    ({"multi_use": "yes"}, 400, "NOT_UNDERSTOOD"),
)


async def test_a_permit_that_cannot_be_published_is_refused_in_the_words_of_the_contract(api: Api):
    """Foreign issuers, other content, broken rules and bodies that are not understood each have their answer."""
    await api.publish()
    for members, status, code in REFUSED:
        reply = await api.post("/api/v1/permits", permit_json() | members)
        assert (reply.status, reply.code) == (status, code), members
        if status == 422:
            assert any(finding["severity"] == "BLOCK" for finding in reply.body["findings"])


async def test_a_permit_is_shown_with_its_story(api: Api):
    """Permit, status, events and findings; the token only to the authority."""
    published = await api.publish()
    await api.post("/api/v1/endorsements", event_json())
    shown = await api.get(path_of("26XA000123"))
    assert shown.status == 200
    assert shown.body["permit"]["exporter"]["name"] == "Anna Exporter"
    assert shown.body["status"]["status"] == "EXPORTED"
    assert [event["event_id"] for event in shown.body["events"]] == ["XA-1"]
    assert shown.body["findings"] == []
    assert shown.body["token"] == published.body["token"]
    audited = await api.as_("auditor").get(path_of("26XA000123"))
    assert "token" not in audited.body


async def test_a_story_tells_how_each_line_stands_and_which_permit_each_event_is_about(api: Api):
    """For authority and auditor; customs see which event is meant, and not what the lines come to."""
    published = await api.publish()
    await api.post("/api/v1/endorsements", event_json(lines=[{"block": "A", "quantity": "11", "unit": "NAR"}]))
    given = {"issuer": "XA", "number": "26XA000123", "type": "E", "issued_on": "2026-03-01"}
    await api.post("/api/v1/confirmations", event_json("XA-2", permit=given, outcome="released"))
    for role in ("authority", "auditor"):
        shown = await api.as_(role).get(path_of("26XA000123"))
        (line,) = shown.body["reconciliation"]
        assert (line["block"], line["state"], line["severity"]) == ("A", "OVER_IMPORT", "BLOCK")
        assert (line["permitted"], line["endorsed"], line["imported"]) == ("12", "11", "12")
        key = {"issuer": "XA", "type": "E", "number": "26XA000123", "year": 2026}
        matched = {event["event_id"]: event["matched"] for event in shown.body["events"]}
        assert matched == {"XA-1": {"rung": 3, "permit": key}, "XA-2": {"rung": 1, "permit": key}}
    proof = {"token": published.body["token"]}
    customs = await api.as_("customs").get(path_of("26XA000123"), headers=proof_header(proof))
    assert "reconciliation" not in customs.body
    assert {event["matched"]["rung"] for event in customs.body["events"]} == {1, 3}


async def test_an_unknown_permit_is_not_found(api: Api):
    """404, and no number is so strange that it is anything else."""
    for number in ("26XA000124", "x" * 71, "\0", "%"):
        assert (await api.get(path_of(number))).code == "NOT_FOUND"
    assert (await api.get("/api/v1/permits/XA/%FF")).code == "NOT_FOUND"


async def test_two_permits_with_one_number_are_told_apart_by_type_and_year(api: Api):
    """409 with the candidates, until the query says which."""
    await api.publish()
    await api.publish(type="R")
    reply = await api.get(path_of("26XA000123"))
    assert (reply.status, reply.code) == (409, "AMBIGUOUS_NUMBER")
    assert [candidate["type"] for candidate in reply.body["candidates"]] == ["E", "R"]
    assert (await api.get(path_of("26XA000123") + "?type=R&year=2026")).body["permit"]["type"] == "R"
    assert (await api.get(path_of("26XA000123") + "?type=R&year=2025")).status == 404
    assert (await api.get(path_of("26XA000123") + "/document")).status == 409


async def test_the_document_is_given_byte_for_byte(api: Api):
    """The ETag is the digest, and who has it already gets 304."""
    published = await api.publish()
    path = path_of("26XA000123") + "/document"
    reply = await api.get(path)
    digest = hashlib.sha256(reply.raw).hexdigest()
    assert (reply.status, reply.headers["ETag"], digest) == (200, f'"{digest}"', published.body["document"])
    again = await api.get(path, headers={"If-None-Match": f'"abc", "{digest}"'})
    assert (again.status, again.raw) == (304, b"")
    assert (await api.as_("auditor").get(path)).status == 200
    assert (await api.as_("customs").get(path)).code == "FORBIDDEN"


async def test_a_permit_is_withdrawn_once(api: Api):
    """201, the same reason again 200, another one 409; a withdrawal as replaced needs its replacement."""
    await api.publish()
    path = path_of("26XA000123") + "/withdrawal"
    assert (await api.post(path, {"reason": "replaced"})).status == 422
    assert (await api.post(path, {"reason": "eaten"})).status == 400
    first = await api.post(path, {"reason": "stolen", "text": "from the office"})
    assert first.status == 201
    assert set(first.body) == {"event_id", "document", "register_index", "status", "findings"}
    assert (first.body["status"]["status"], first.body["status"]["flags"]) == ("REVOKED", ["STOLEN"])
    assert first.body["status"]["watermark"]["size"] == first.body["register_index"] + 1
    again = await api.post(path, {"reason": "stolen"})
    assert (again.status, again.body["document"]) == (200, first.body["document"])
    assert (await api.post(path, {"reason": "lost"})).code == "TRANSITION"
    shown = await api.get(path_of("26XA000123"))
    assert [(event["kind"], event["reason"]) for event in shown.body["events"]] == [("withdrawal", "stolen")]


async def test_only_own_permits_are_withdrawn(api: Api):
    """Another issuer's permit is not ours, an unknown own one is not found."""
    assert (await api.post(path_of("1", "XB") + "/withdrawal", {"reason": "lost"})).code == "NOT_OURS"
    assert (await api.post(path_of("1") + "/withdrawal", {"reason": "lost"})).code == "NOT_FOUND"


async def test_a_permit_is_replaced_in_one_step(api: Api):
    """The old one is REPLACED by the new one, the same again changes nothing, and naming another one is 422."""
    await api.publish()
    path = path_of("26XA000123") + "/replacement"
    assert (await api.post(path, permit_json("26XA000124", replaces="26XA999"))).status == 422
    first = await api.post(path, permit_json("26XA000124"))
    assert first.status == 201
    old = await api.get(path_of("26XA000123"))
    assert old.body["status"]["status"] == "REPLACED"
    assert old.body["status"]["replaced_by"] == first.body["permit"]
    assert (await api.get(path_of("26XA000124"))).body["permit"]["replaces"] == "26XA000123"
    again = await api.post(path, permit_json("26XA000124"))
    assert (again.status, again.body) == (200, first.body)


async def test_the_list_pages_through_permits_in_their_order(api: Api):
    """By issue date and number; what is inserted meanwhile neither repeats nor hides another."""
    for number, day in (("26XA3", "2026-03-01"), ("26XA1", "2026-03-02"), ("26XA2", "2026-03-01")):
        await api.publish(number, issued_on=day)
    first = await api.get("/api/v1/permits?limit=2")
    assert [item["permit"]["number"] for item in first.body["permits"]] == ["26XA2", "26XA3"]
    assert first.body["permits"][0]["status"]["status"] == "VALID"
    await api.publish("26XA0")
    rest = await api.get(f"/api/v1/permits?limit=2&cursor={first.body['next']}")
    assert [item["permit"]["number"] for item in rest.body["permits"]] == ["26XA1"]
    assert rest.body["next"] is None


async def test_the_list_is_filtered(api: Api):
    """Each filter of the contract keeps what it names."""
    await api.publish("26XA1", lines=TWO_LINES)
    await api.publish("26XA2", type="R", issued_on="2026-02-01", valid_until="2026-07-31")
    await api.post(path_of("26XA2") + "/withdrawal", {"reason": "lost"})

    async def numbers(query: str) -> list[str]:
        reply = await api.get(f"/api/v1/permits?{query}")
        assert reply.status == 200, reply.body
        return [item["permit"]["number"] for item in reply.body["permits"]]

    assert await numbers("taxon=Boa%20constrictor") == ["26XA1"]
    assert await numbers("status=REVOKED") == ["26XA2"]
    assert await numbers("status=EXPIRED") == []
    assert await numbers("status=EXPIRED&valid_at=2027-01-01") == ["26XA1"]
    assert await numbers("type=R&year=2026&issuer=XA") == ["26XA2"]
    assert await numbers("number=no.%2026xa1") == ["26XA1"]
    assert await numbers("issued_from=2026-02-15&issued_to=2026-03-31") == ["26XA1"]
    assert await numbers("issuer=XB") == []


BAD_QUERIES = (
    "limit=0",
    "limit=501",
    "limit=x",
    "year=26",
    "year=0000",
    "year=99999999999999999999",
    "valid_at=2026-02-30",
    "status=GOOD",
    "cursor=zzz",
    "cursor=WyJcdWQ4MDAiLCJhIiwiYiIsImMiXQ",  # ["\ud800","a","b","c"]
    "colour=red",
    "type=E&type=R",
)


async def test_a_query_that_is_not_understood_is_refused(api: Api):
    """400 naming the parameter: nothing is filtered silently by something else. An empty one asks nothing."""
    for query in BAD_QUERIES:
        reply = await api.get(f"/api/v1/permits?{query}")
        assert reply.code == "NOT_UNDERSTOOD", query
    assert (await api.get("/api/v1/permits?number=&cursor=")).status == 200


async def test_a_status_may_change_with_time_alone(api: Api):
    """The list and the permit say EXPIRED once the last day is over."""
    await api.publish()
    api.wait(timedelta(days=200))
    assert (await api.get("/api/v1/permits?status=EXPIRED")).body["permits"][0]["status"]["flags"] == ["UNUSED"]
    assert (await api.get(path_of("26XA000123"))).body["status"]["status"] == "EXPIRED"


async def test_a_signed_document_is_not_published_again(api: Api):
    """400 SIGNED_DOCUMENT, with or without its envelope."""
    await api.publish()
    document = (await api.get(path_of("26XA000123") + "/document")).raw
    reply = await api.post("/api/v1/permits", data=document, headers={"Content-Type": "application/xml"})
    assert (reply.status, reply.code) == (400, "SIGNED_DOCUMENT")


async def test_a_stamp_is_used_once(api: Api):
    """STP-01 blocks the second permit that bears it."""
    await api.publish("26XA1", security_stamp="XA 0012345")
    reply = await api.post("/api/v1/permits", permit_json("26XA2", security_stamp="xa0012345"))
    assert reply.code == "RULES_BROKEN"
    assert "STP-01" in {finding["rule"] for finding in reply.body["findings"]}
