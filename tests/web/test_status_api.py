"""`POST /status`: the quick answer and the whole one are the same answer."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from epix_node.acts import look
from epix_node.errors import MalformedDocumentError
from epix_node.permit.answer import Purpose
from epix_node.permit.event import PermitRef
from epix_node.store.columns import to_micros
from epix_node.store.register_tables import ConflictRow
from epix_node.web import payloads
from epix_node.web.desk import DESK, policy_of
from tests.web.conftest import START, Api, event_json, path_of

MEMBERS = [
    "status",
    "flags",
    "issuer",
    "type",
    "number",
    "year",
    "valid_from",
    "valid_until",
    "lines",
    "source",
    "as_of",
    "watermark",
    "freshness",
    "grade",
    "signature",
    "verdict",
    "reasons",
    "request_id",
]


async def scene_fresh(api: Api) -> None:
    await api.publish()


async def scene_endorsed(api: Api) -> None:
    await api.publish()
    await api.post("/api/v1/endorsements", event_json(lines=[{"block": "A", "quantity": "5", "unit": "NAR"}]))


async def scene_confirmed_elsewhere(api: Api) -> None:
    await api.publish()
    await api.post("/api/v1/confirmations", event_json(outcome="released"))


async def scene_import_permit_used(api: Api) -> None:
    lines = [{"block": "A", "taxon": "Python regius", "term": "LIV", "quantity": "12", "unit": "NAR"}]
    parties = {
        "exporter": {"name": "B", "address": "Lake Road", "country": "XB"},
        "importer": {"name": "A", "address": "Sea Road", "country": "XA"},
    }
    await api.publish(type="I", **parties)
    await api.post("/api/v1/confirmations", event_json(outcome="released", lines=lines))


async def scene_withdrawn(api: Api) -> None:
    await api.publish()
    await api.post(path_of("26XA000123") + "/withdrawal", {"reason": "stolen"})


async def scene_replaced(api: Api) -> None:
    from tests.web.conftest import permit_json

    await api.publish()
    await api.post(path_of("26XA000123") + "/replacement", permit_json("26XA9"))


async def scene_not_yet_valid(api: Api) -> None:
    await api.publish(valid_from="2026-04-01")


async def scene_expired(api: Api) -> None:
    await scene_endorsed(api)
    api.wait(timedelta(days=300))


async def scene_multi_use(api: Api) -> None:
    await api.publish(
        type="O",
        subtype="musical-instrument",
        multi_use=True,
        purpose="P",
        valid_until="2028-03-01",
        retrospective=True,
    )
    await api.post("/api/v1/endorsements", event_json())


def put(api: Api, statement: str) -> None:
    """What only others can bring about is written down here as it would stand."""
    api.node.database.write_now(lambda session: session.core.exec_driver_sql(statement))


async def scene_witnessed(api: Api) -> None:
    await api.publish()
    put(api, "UPDATE register SET witnessed_size = size")


async def scene_not_logged(api: Api) -> None:
    await api.publish()
    put(api, "UPDATE register SET checkpoint_size = 0")


async def scene_waiting_for_its_number(api: Api) -> None:
    await api.publish()
    for table in ("document", "permit", "status_card"):
        put(api, f"UPDATE {table} SET register_index = NULL")


async def scene_lacking_an_entry(api: Api) -> None:
    await api.publish()
    put(api, f"UPDATE status_card SET withheld_since = {to_micros(START)}")
    api.wait(timedelta(minutes=10))


async def scene_lacking_an_entry_for_nine_minutes(api: Api) -> None:
    await api.publish()
    put(api, f"UPDATE status_card SET withheld_since = {to_micros(START)}")
    api.wait(timedelta(minutes=9, seconds=59))


async def scene_disputed(api: Api) -> None:
    await api.publish()
    origin = api.node.office.own.origin
    conflict = ConflictRow(id="1", party="XA", origin=origin, evidence=b"", source="XB", found_at=START)
    api.node.database.write_now(lambda session: session.add(conflict))


async def scene_disputed_before_it_began_another_log(api: Api) -> None:
    await api.publish()
    conflict = ConflictRow(id="1", party="XA", origin="gone", evidence=b"", source="XB", found_at=START)
    api.node.database.write_now(lambda session: session.add(conflict))


async def scene_dated_back(api: Api) -> None:
    await api.publish()
    put(
        api,
        f"UPDATE status_card SET merge_delay_micros = {timedelta(hours=24, seconds=1) // timedelta(microseconds=1)}",
    )


async def scene_everything_against_it(api: Api) -> None:
    await scene_disputed(api)
    put(api, f"UPDATE status_card SET withheld_since = {to_micros(START)}, merge_delay_micros = {10**12}")
    put(api, "UPDATE register SET checkpoint_size = 0")
    api.wait(timedelta(days=300))


SCENES = {name.removeprefix("scene_"): scene for name, scene in globals().items() if name.startswith("scene_")}


@pytest.mark.parametrize("scene", SCENES)
async def test_the_card_answers_byte_for_byte_what_the_whole_look_answers(api: Api, scene: str):
    """Same members in the same order with the same values, whatever happened to the permit."""
    await SCENES[scene](api)
    for purpose in (None, *Purpose):
        body = {"issuer": "XA", "number": "26xa000123"} | ({"for": purpose.value} if purpose else {})
        quick = await api.post("/api/v1/status", body)
        assert quick.status == 200
        whole = look.status(
            api.node.office,
            policy_of(api.node),
            PermitRef(issuer="XA", number="26XA000123"),
            purpose=purpose,
            now=api.clock(),
        ).to_json(request_id=quick.body["request_id"])
        assert json.dumps(quick.body) == json.dumps(whole)
        assert [name for name in quick.body if name != "replaced_by"] == MEMBERS


EXPECTED = {
    "fresh": ("LOGGED", "VALID", [], []),
    "witnessed": ("WITNESSED", "VALID", [], []),
    "not_logged": ("UNLOGGED", "VALID", [], ["NOT_IN_REGISTER"]),
    "waiting_for_its_number": ("UNLOGGED", "VALID", [], ["NOT_IN_REGISTER"]),
    "lacking_an_entry": ("LOGGED", "INDETERMINATE", ["ENTRY_WITHHELD"], ["ENTRY_WITHHELD"]),
    "lacking_an_entry_for_nine_minutes": ("LOGGED", "VALID", [], []),
    "disputed": ("LOGGED", "INDETERMINATE", ["REGISTER_DISPUTED"], ["REGISTER_DISPUTED"]),
    "disputed_before_it_began_another_log": ("LOGGED", "VALID", [], []),
    "dated_back": ("LOGGED", "VALID", [], ["BACKDATED"]),
    "everything_against_it": (
        "UNLOGGED",
        "NOT_VALID",
        ["UNUSED", "REGISTER_DISPUTED", "ENTRY_WITHHELD"],
        ["EXPIRED", "REGISTER_DISPUTED", "ENTRY_WITHHELD", "NOT_IN_REGISTER", "BACKDATED"],
    ),
}


@pytest.mark.parametrize("scene", EXPECTED)
async def test_what_is_known_of_the_register_is_in_the_answer(api: Api, scene: str):
    """Grade, verdict, flags and reasons; in the list of permits as well."""
    await SCENES[scene](api)
    one = (await api.status()).body
    assert (one["grade"], one["verdict"], one["flags"], one["reasons"]) == EXPECTED[scene]
    (listed,) = (await api.get("/api/v1/permits")).body["permits"]
    assert {**listed["status"], "request_id": ""} == {**one, "request_id": ""}


async def test_the_card_is_used_and_not_the_whole_look(api: Api, monkeypatch: pytest.MonkeyPatch):
    """For a permit alone under its number one statement is enough, also with its own type and date of issue."""
    await api.publish()

    def never(*_: Any, **__: Any) -> None:
        raise AssertionError("the long way was taken")

    monkeypatch.setattr(look, "status", never)
    assert (await api.status()).body["status"] == "VALID"
    assert (await api.status(type="E", issued_on="2026-03-01")).body["status"] == "VALID"
    assert (await api.as_("auditor").status()).body["status"] == "VALID"


async def test_an_unknown_number_has_a_status_too(api: Api):
    """UNKNOWN while the issuer may still publish, NOT_ISSUED once its own promise has run out, 200 both times."""
    unknown = await api.status("26XA404", type="E", issued_on="2026-03-03")
    assert (unknown.status, unknown.body["status"], unknown.body["reasons"]) == (200, "UNKNOWN", ["NOT_COVERED"])
    api.wait(timedelta(days=4))
    issued = await api.status("26XA404", type="E", issued_on="2026-03-03")
    assert (issued.body["status"], issued.body["verdict"]) == ("NOT_ISSUED", "NOT_VALID")


async def test_another_type_or_date_is_a_difference_and_never_not_issued(api: Api):
    """The answer is the permit's status with a difference."""
    await api.publish()
    reply = await api.status(type="R", issued_on="2026-03-05")
    assert (reply.body["status"], reply.body["type"]) == ("VALID", "E")
    assert [(d["field"], d["registered"], d["class"]) for d in reply.body["differences"]] == [
        ("type", "E", "R"),
        ("issued_on", "2026-03-01", "R"),
    ]


async def test_a_number_of_several_permits_needs_a_type_or_date(api: Api):
    """409 with the candidates, 200 as soon as one of them is meant."""
    await api.publish()
    await api.publish(type="R")
    reply = await api.status()
    assert (reply.status, reply.code, len(reply.body["candidates"])) == (409, "AMBIGUOUS_NUMBER", 2)
    assert (await api.status(type="R")).body["type"] == "R"


async def test_numbers_are_normalised_wherever_they_come_in(api: Api):
    """Dashes, case, spaces and a leading NO. do not matter."""
    await api.publish("26XA-0001 / 7")
    for number in (" No. 26xa‑0001  / 7", "N°26XA–0001 ⁄ 7", "26XA—0001 ∕ 7"):
        assert (await api.status(number)).body["number"] == "26XA-0001 / 7"


async def test_the_watermark_follows_every_commit(api: Api):
    """What was cached is dropped as soon as anything was written, by this connection's neighbours too."""
    await api.publish("26XA1")
    first = (await api.status("26XA1")).body["watermark"]
    await api.publish("26XA2")
    assert (await api.status("26XA1")).body["watermark"]["size"] == first["size"] + 1
    assert api.http.app[DESK].horizon("XA").authoritative


NOT_UNDERSTOOD: tuple[Any, ...] = (
    {},
    [],
    None,
    {"issuer": "XA"},
    {"issuer": "xa", "number": "1"},
    {"issuer": "XA", "number": ""},
    {"issuer": "XA", "number": "NO."},
    {"issuer": "XA", "number": 1},
    {"issuer": "XA", "number": "1" * 71},
    {"issuer": "XA", "number": "1", "type": "X"},
    {"issuer": "XA", "number": "1", "issued_on": "2026-3-1"},
    {"issuer": "XA", "number": "1", "for": "transit"},
    {"issuer": "XA", "number": "1", "proof": "token"},
    {"issuer": "XA", "number": "1", "extra": True},
)


async def test_a_question_that_is_not_understood_is_refused(api: Api):
    """400, with the bad member named."""
    for body in NOT_UNDERSTOOD:
        reply = await api.ask("POST", "/api/v1/status", data=json.dumps(body).encode())
        assert (reply.status, reply.code) == (400, "NOT_UNDERSTOOD"), body


async def test_a_large_question_is_read_as_well(api: Api):
    """What is read in the lane is read by the same rules."""
    await api.publish()
    padded = json.dumps({"issuer": "XA", "number": "26XA000123"}).encode() + b" " * 20_000
    assert (await api.ask("POST", "/api/v1/status", data=padded)).body["status"] == "VALID"


@settings(max_examples=100)
@given(
    issuer=st.from_regex(r"[A-Z]{2}|[a-zA-Z0-9]{1,3}", fullmatch=True),
    number=st.from_regex(r"(NO\.|N)?[0-9A-Z/. -]{1,12}", fullmatch=True) | st.text(max_size=5),
    token=st.none() | st.from_regex(r"[A-Za-z0-9_-]{1,8}", fullmatch=True) | st.text(max_size=3),
    indent=st.sampled_from([None, 0, 1]),
)
def test_the_plain_question_means_what_the_whole_reader_reads(issuer, number, token, indent):
    """Reading it at once or member by member gives the same question or the same refusal."""
    value = {"issuer": issuer, "number": number} | ({"proof": {"token": token}} if token is not None else {})
    plain = json.dumps(value, indent=indent).encode()
    whole = json.dumps({**value, "type": None}, indent=indent).encode()  # one member more, which says nothing

    def read(data: bytes) -> object:
        try:
            return payloads.question_from_json(data)
        except MalformedDocumentError as error:
            return str(error)

    assert payloads._PLAIN_QUESTION.fullmatch(whole) is None
    assert read(plain) == read(whole)
