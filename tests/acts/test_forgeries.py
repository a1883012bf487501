"""What a Party can achieve with good keys of its own and no honesty: a quarantine record, and nothing else.

Each forgery is signed as it should be and listed in the forger's own register; only what it says is wrong.
"""

from __future__ import annotations

import base64
import dataclasses
import hashlib
import itertools
import re
import time
from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from epix_node.document.header import DocumentType, Header
from epix_node.document.model import Body, ExchangeDocument
from epix_node.document.writer import write_document
from epix_node.exchange import ingest
from epix_node.permit.answer import VerdictWord
from epix_node.permit.event import (
    Alert,
    AlertEvidence,
    Confirmation,
    Correction,
    Endorsement,
    EventLine,
    Outcome,
    PermitRef,
    Presentation,
    Withdrawal,
    WithdrawalReason,
)
from epix_node.permit.finding import finding_id
from epix_node.permit.model import Line, Permit
from epix_node.permit.number import NumberRef, PermitKey
from epix_node.permit.quantity import MAX_MICRO, Quantity
from epix_node.permit.reasons import Reason
from epix_node.permit.status import Flag, Status
from epix_node.reconcile.record import record_page
from epix_node.register.entry import Leaf, chain_commitment, document_commitment
from epix_node.store import documents
from tests.signing.mutations import mutated

from .conftest import World, permit_of

NUMBER = "26XA000001"
REF = PermitRef(issuer="XA", number=NUMBER, type="E", issued_on=date(2026, 3, 2))
KEY = PermitKey(issuer="XA", type="E", number=NUMBER, year=2026)
TEN = EventLine(block="A", quantity=Quantity.parse("10", "NAR"))
OTHER = "0" * 64

_serial = itertools.count(1)
Edit = Callable[[bytes], bytes]
Checked = ingest.Arrival | ingest.Refused


def header(body: Body, **members: Any) -> Header:
    """The header that belongs to this body."""
    kinds = {
        Permit: DocumentType.PERMIT,
        Withdrawal: DocumentType.WITHDRAWAL,
        Endorsement: DocumentType.ENDORSEMENT,
        Confirmation: DocumentType.CONFIRMATION,
        Presentation: DocumentType.PRESENTATION,
        Correction: DocumentType.CORRECTION,
        Alert: DocumentType.ALERT,
    }
    given: dict[str, Any] = {
        "environment": "sandbox",
        "type": kinds[type(body)],
        "salt": next(_serial).to_bytes(16, "big"),
        "permit_salt": next(_serial).to_bytes(16, "big"),
        "recipients": ("XB",),
        "permit_issuer": "XA",
        "permit_type": "E",
        "permit_number": NUMBER,
        "permit_year": 2026,
        "event_id": getattr(body, "event_id", None),
    }
    return Header(**given | members)


@dataclasses.dataclass(frozen=True)
class Forger:
    """A Party that signs and lists whatever it likes."""

    world: World
    party: str

    def sign(self, body: Body, *, edit: Edit | None = None, **members: Any) -> tuple[Header, bytes]:
        """The signed bytes; ``members`` change the header, ``edit`` the XML before it is signed."""
        made = header(body, **{"party": self.party, "issued": self.world.now, **members})
        lying = object.__new__(ExchangeDocument)  # an honest one refuses what does not belong together
        object.__setattr__(lying, "header", made)
        object.__setattr__(lying, "body", body)
        xml = write_document(lying)
        changed = edit(xml) if edit is not None else xml
        assert edit is None or changed != xml
        return made, self.world[self.party].own.signer.sign(changed, at=self.world.now)

    def listed(self, made: Header, xml: bytes, **leaf: Any) -> ingest.Listed:
        """The signed bytes as an entry of the own register."""
        given: dict[str, Any] = {
            "at": self.world.now,
            "c": chain_commitment(made.permit_salt, self.party, 0),
            "d": document_commitment(made.salt, xml),
            "environment": "sandbox",
            "party": self.party,
        }
        sha256 = hashlib.sha256(xml).hexdigest()
        return ingest.Listed(sha256=sha256, index=next(_serial), leaf=Leaf(**given | leaf), xml=xml)

    def check(self, listed: ingest.Listed, *, reader: str = "XB", of: str | None = None) -> Checked:
        """What the reader makes of an entry that it pulls from this Party."""
        trust = self.world[reader].keyring()
        return ingest.check(listed, party=of or self.party, environment="sandbox", trust=trust, now=self.world.now)

    def send(self, body: Body, *, edit: Edit | None = None, at: Any = None, **members: Any) -> str:
        """Let XB take the document; ``recorded``, or the reason of its quarantine. Returns also record it."""
        made, xml = self.sign(body, edit=edit, **members)
        listed = self.listed(made, xml, **({"at": at} if at is not None else {}))
        self.record(self.check(listed))
        held = self.world["XB"].database.read_now(documents.find, listed.sha256)
        if held is not None:
            return "recorded"
        quarantined = self.world["XB"].database.read_now(documents.quarantined)
        return next(reason for _, sha256, reason, _ in quarantined if sha256 == listed.sha256)

    def record(self, *checked: Checked) -> None:
        xb = self.world["XB"]
        xb.database.write_now(record_page, xb.perspective(), self.party, checked, now=self.world.now)


@pytest.fixture
def xa(world: World) -> Forger:
    return Forger(world, "XA")


@pytest.fixture
def xc(world: World) -> Forger:
    """A third country, whose business this permit is not."""
    return Forger(world, "XC")


def endorsement(event_id: str = "E-1", **members: Any) -> Endorsement:
    given: dict[str, Any] = {"permit": REF, "office": "P", "date": date(2026, 3, 2), "lines": (TEN,)}
    return Endorsement(event_id=event_id, **given | members)


def confirmation(event_id: str = "C-1", **members: Any) -> Confirmation:
    given: dict[str, Any] = {
        "permit": REF,
        "office": "P",
        "date": date(2026, 3, 2),
        "lines": (TEN,),
        "outcome": Outcome.RELEASED,
    }
    return Confirmation(event_id=event_id, **given | members)


def alert(issuer: str = "XA", **members: Any) -> Alert:
    subject = NumberRef(issuer=issuer, number=NUMBER, type="E", year=2026)
    given: dict[str, Any] = {
        "finding_id": finding_id("FRD-01", subject),
        "pattern": "FRD-01",
        "class_": "A",
        "state": "open",
        "ruleset": "1",
        "opened": members.pop("opened"),
        "summary": "Used twice.",
        "permits": (subject,),
        "values": (),
        "evidence": (AlertEvidence(document=OTHER, type="import-confirmation", party="XB", index=3),),
        "subject": subject,
    }
    return Alert(**given | members)


def put(old: str, new: str) -> Edit:
    return lambda xml: xml.replace(old.encode(), new.encode(), 1)


def put_text(tag: str, text: str) -> Edit:
    """Another text in the first element of this name."""
    return lambda xml: re.sub(rf"(<epix:{tag}>)[^<]*".encode(), rf"\g<1>{text}".encode(), xml, count=1)


WITHDRAWN = Withdrawal(permit=KEY, reason=WithdrawalReason.STOLEN)
LONG = "x" * 70_000


@pytest.mark.parametrize(
    ("body", "members", "reason"),
    [
        (permit_of(), {}, "KEY_WRONG_PARTY"),
        (permit_of(issuer="XC"), {}, "CONTENT_MISMATCH"),
        (permit_of(), {"permit_issuer": "XC"}, "CONTENT_MISMATCH"),
        (WITHDRAWN, {}, "KEY_WRONG_PARTY"),
        (permit_of(), {"party": "XA"}, "KEY_WRONG_PARTY"),
        (permit_of(), {"party": "XX"}, "KEY_WRONG_PARTY"),
        (confirmation(), {"environment": "prod"}, "CONTENT_MISMATCH"),
        (confirmation(), {"environment": "uat"}, "CONTENT_MISMATCH"),
    ],
    ids=[
        "a permit of an issuer that it does not speak for",
        "its own permit under another issuer's key",
        "another issuer's permit under its own key",
        "a withdrawal of another issuer's permit",
        "a document in another Party's name",
        "a document in nobody's name",
        "a document of production",
        "a document of acceptance tests",
    ],
)
def test_nobody_speaks_for_another(xc: Forger, body: Body, members: dict[str, Any], reason: str) -> None:
    """However well it is signed: it is kept in quarantine and counts for nothing."""
    assert xc.send(body, **members) == reason
    assert xc.world.status("XB", NUMBER).status is Status.UNKNOWN


@pytest.mark.parametrize(
    ("issuer", "members", "reason"),
    [
        ("XA", {}, "KEY_WRONG_PARTY"),
        ("XC", {"finding_id": finding_id("FRD-01", alert(opened=None).subject)}, "KEY_WRONG_PARTY"),
        ("XC", {"pattern": "FRD-02"}, "KEY_WRONG_PARTY"),
        ("XC", {}, "recorded"),
    ],
    ids=["on another's permit", "with another's finding id", "with the id of another pattern", "on its own permit"],
)
def test_nobody_alerts_about_another_issuers_permit(
    xc: Forger, issuer: str, members: dict[str, Any], reason: str
) -> None:
    """The writer speaks for the issuer of the permit whose key is in the id (decision 3)."""
    body = alert(issuer, opened=xc.world.now, **members)
    assert xc.send(body, permit_issuer=issuer) == reason


@pytest.mark.parametrize(
    ("body", "edit", "members"),
    [
        (permit_of(), put_text("PermitNumber", "26XA000002"), {}),
        (permit_of(), put_text("PermitType", "R"), {}),
        (permit_of(), put_text("PermitYear", "2025"), {}),
        (permit_of(), put("<epix:PermitYear>2026</epix:PermitYear>", ""), {}),
        (permit_of(), None, {"event_id": "E-1"}),
        (permit_of(), None, {"supersedes": OTHER}),
        (WITHDRAWN, None, {"supersedes": OTHER}),
        (WITHDRAWN, None, {"token_digest": OTHER}),
        (endorsement(), None, {"token_digest": OTHER}),
        (endorsement(), put_text("PermitYear", "2025"), {}),
        (permit_of(), None, {"recipients": ("XB", "XB")}),
        (permit_of(), None, {"recipients": ("*", "XB")}),
    ],
    ids=[
        "another number",
        "another type",
        "another year",
        "no year",
        "a permit with an event id",
        "a permit that takes something back",
        "a withdrawal that takes something back",
        "a withdrawal with a token",
        "an event with a token",
        "the year of another permit",
        "a recipient twice",
        "a recipient beside everybody",
    ],
)
def test_header_and_body_say_the_same(xa: Forger, body: Body, edit: Edit | None, members: dict[str, Any]) -> None:
    """Refused in a pull; at a border it is a verdict and no error."""
    assert xa.send(body, edit=edit, **members) == "CONTENT_MISMATCH"
    _, xml = xa.sign(body, edit=edit, **members)
    answer = xa.world.verdict("XB", xml)
    assert (answer.signature, answer.verdict, answer.reasons) == (
        "INVALID",
        VerdictWord.NOT_VALID,
        ("CONTENT_MISMATCH",),
    )
    assert answer.status is Status.UNKNOWN


@pytest.mark.parametrize(
    ("body", "edit"),
    [
        (endorsement(), put_text("Office", LONG)),
        (endorsement(), put_text("Office", " ")),
        (endorsement(), put_text("Office", "P ")),
        (endorsement(), put("<epix:Line>", f"<epix:Officer>{LONG}</epix:Officer><epix:Line>")),
        (endorsement(), put_text("Quantity", "1" * 41)),
        (endorsement(), put_text("Quantity", "1&#9;")),
        (endorsement(), put_text("Quantity", "١٢")),
        (endorsement(), put_text("Quantity", "1e3")),
        (endorsement(), put_text("Quantity", "-0")),
        (endorsement(), put_text("Quantity", str(MAX_MICRO))),
        (
            endorsement(),
            put("<epix:Line>", "<epix:Presented><epix:Purpose> T</epix:Purpose></epix:Presented><epix:Line>"),
        ),
        (permit_of(security_stamp="S"), put(">S<", f">{LONG}<")),
        (permit_of(special_conditions="S"), put(">S<", f">{LONG}<")),
        (permit_of(subtype="other", type="O"), put(">other<", f">{LONG}<")),
        (permit_of(lines=[{"unit": "KGM"}]), put('unitCode="KGM"', f'unitCode="{LONG}"')),
    ],
    ids=[
        "an office too long for JSON",
        "a blank office",
        "an office with white space after it",
        "a name too long for JSON",
        "more digits than a quantity has",
        "a control character in a quantity",
        "digits of another script",
        "an exponent",
        "a negative zero",
        "more than can be held",
        "white space in what was presented",
        "a stamp too long for JSON",
        "conditions too long for JSON",
        "a subtype too long for JSON",
        "a unit too long for JSON",
    ],
)
def test_what_is_kept_can_be_read_again(xa: Forger, body: Body, edit: Edit) -> None:
    """Permits and events are kept as JSON: what JSON refuses must not get that far, or nobody could look any more."""
    type_ = body.type if isinstance(body, Permit) else "E"
    assert xa.send(body, edit=edit, permit_type=type_) == "NOT_A_DOCUMENT"
    assert xa.world.status("XB", NUMBER).status is Status.UNKNOWN
    assert xa.send(permit_of()) == "recorded"
    assert xa.world.status("XB", NUMBER).status is Status.VALID


@pytest.mark.parametrize(
    ("tag", "text"),
    [("Class", "Z"), ("Class", "a"), ("State", "forgotten"), ("Index", str(2**63)), ("Index", "9" * 19)],
)
def test_an_alert_says_only_what_there_is(xa: Forger, tag: str, text: str) -> None:
    """An unknown class, state or index would stop everything that comes with it."""
    made, xml = xa.sign(alert(opened=xa.world.now), edit=put_text(tag, text))
    refused = xa.check(xa.listed(made, xml))
    assert isinstance(refused, ingest.Refused)
    assert refused.reason == "NOT_A_DOCUMENT"


def test_a_document_counts_only_where_its_own_register_lists_it(xa: Forger, xc: Forger) -> None:
    """Not in another's register, not under another entry, not with another salt, not in another environment."""
    made, xml = xa.sign(permit_of())
    genuine = xa.listed(made, xml)
    assert isinstance(xa.check(genuine), ingest.Arrival)
    replays = {
        "listed by another Party": (xc.check(xc.listed(made, xml)), "KEY_WRONG_PARTY"),
        "another Party's leaf": (xa.check(xc.listed(made, xml)), "KEY_WRONG_PARTY"),
        "another environment's leaf": (xa.check(xa.listed(made, xml, environment="prod")), "KEY_WRONG_PARTY"),
        "another document's leaf": (xa.check(xa.listed(made, xml, d=bytes(32))), "DIGEST_MISMATCH"),
        "another salt": (
            xa.check(xa.listed(dataclasses.replace(made, salt=bytes(16)), xml)),
            "DIGEST_MISMATCH",
        ),
        "another digest": (xa.check(dataclasses.replace(genuine, sha256=OTHER)), "DIGEST_MISMATCH"),
        "other bytes with the same meaning": (
            xa.check(dataclasses.replace(genuine, xml=xml + b"\n")),
            "DIGEST_MISMATCH",
        ),
        "listed before the key began": (
            xa.check(xa.listed(made, xml, at=xa.world.now - timedelta(days=365))),
            "KEY_NOT_IN_PERIOD",
        ),
    }
    for name, (answer, reason) in replays.items():
        assert isinstance(answer, ingest.Refused), name
        assert answer.reason == reason, name


def test_whatever_stands_in_a_register_gets_a_reason(xa: Forger) -> None:
    """A pull survives every document: also one whose chain holds a certificate of no known version."""
    made, xml = xa.sign(permit_of())
    der = xa.world["XA"].own.signer.certificate.public_bytes(Encoding.DER)
    odd = base64.b64encode(der.replace(b"\xa0\x03\x02\x01\x02", b"\xa0\x03\x02\x01\x7f", 1))
    end = b"</ds:X509Certificate>"
    odd_ones = [xml.replace(end, end + b"<ds:X509Certificate>" + odd + end, 1), b"", b"<a/>", b"\0", xml[:-1]]
    odd_ones += [mutated(xml, number) for number in range(150)]
    for document in odd_ones:
        listed = xa.listed(made, document)
        answer = xa.check(listed)
        if isinstance(answer, ingest.Refused):
            assert answer.reason in set(Reason), answer.reason
        else:  # other bytes with the same meaning
            assert answer.document.body == permit_of()


def test_an_event_that_is_listed_twice_is_one_event(xa: Forger) -> None:
    """The same bytes under another index, in one page or in two."""
    xa.send(permit_of())
    made, xml = xa.sign(endorsement())
    first, second = xa.check(xa.listed(made, xml)), xa.check(xa.listed(made, xml))
    xa.record(first, second)
    xa.record(second)
    answer = xa.world.status("XB", NUMBER)
    assert (answer.status, answer.lines[0]["endorsed"]) == (Status.EXPORTED, "10")


def test_a_second_permit_with_the_same_key_changes_nothing(xa: Forger) -> None:
    """The first one counts; the other is kept aside, and whoever presents it is told what differs."""
    assert xa.send(permit_of()) == "recorded"
    more = permit_of(lines=[{"quantity": "1000"}])
    assert xa.send(more) == "CONTENT_DIFFERS"
    _, xml = xa.sign(more)
    answer = xa.world.verdict("XB", xml)
    assert answer.verdict is VerdictWord.NOT_VALID
    assert Flag.DIGEST_DIFFERS in answer.flags
    assert [difference.field for difference in answer.differences or ()] == ["lines.A.quantity"]


def test_nobody_takes_back_anothers_document(xa: Forger, xc: Forger) -> None:
    """A correction ends documents of its own writer only, whatever digest it names."""
    xa.send(permit_of())
    made, xml = xa.sign(endorsement())
    xa.record(xa.check(xa.listed(made, xml)))
    sha256 = hashlib.sha256(xml).hexdigest()
    taken_back = Correction(event_id="X-1", supersedes="E-1", permit=REF)
    assert xc.send(taken_back, supersedes=sha256) == "recorded"
    assert xc.send(confirmation("X-2"), supersedes=sha256) == "recorded"
    assert xc.world.status("XB", NUMBER).status is Status.EXPORTED


def test_another_partys_events_do_not_move_the_status(xa: Forger, xc: Forger) -> None:
    """They are facts about what that Party says, shown by a flag."""
    xa.send(permit_of())
    assert xc.send(endorsement("X-1")) == "recorded"
    assert xc.send(confirmation("X-2")) == "recorded"
    answer = xc.world.status("XB", NUMBER)
    assert answer.status is Status.VALID
    assert set(answer.flags) == {Flag.ENDORSED_ELSEWHERE, Flag.CONFIRMED_ELSEWHERE}
    assert (answer.lines[0]["endorsed"], answer.lines[0]["confirmed"]) == ("0", "0")


def test_a_register_cannot_put_its_findings_off_by_dating_entries_ahead(xa: Forger) -> None:
    """Five minutes are a clock; more counts from when the entry came (C.5)."""
    world = xa.world
    made, xml = xa.sign(permit_of())
    for ahead, taken in ((timedelta(minutes=5), timedelta(minutes=5)), (timedelta(days=3000), timedelta(0))):
        arrival = xa.check(xa.listed(made, xml, at=world.now + ahead))
        assert isinstance(arrival, ingest.Arrival)
        assert arrival.source.at == world.now + taken


def test_sums_that_no_permit_allows_break_nothing(xa: Forger) -> None:
    """Thousands of lines of the largest amount there is, on a permit in micrograms."""
    assert xa.send(permit_of(lines=[{"unit": "MYG"}])) == "recorded"
    most = EventLine(block="A", quantity=Quantity.parse("4600000000000", "GRM"))
    assert xa.send(endorsement(lines=(most,) * 3000)) == "recorded"
    answer = xa.world.status("XB", NUMBER)
    assert answer.status is Status.EXPORTED
    assert answer.lines[0]["endorsed"] == str(3000 * 4_600_000_000_000 * 1_000_000)


@pytest.mark.parametrize("day", [date(1, 1, 1), date(9999, 12, 31)])
def test_days_at_the_ends_of_the_calendar_break_nothing(xa: Forger, day: date) -> None:
    """A permit that never ends, or ended before the convention, is a permit, and what happens under it is recorded."""
    issued = permit_of(issued_on=day.isoformat(), valid_until=day.isoformat())
    assert xa.send(issued, permit_year=day.year) == "recorded"
    assert xa.send(endorsement(permit=dataclasses.replace(REF, issued_on=None), date=day)) == "recorded"
    gone = dataclasses.replace(WITHDRAWN, permit=dataclasses.replace(KEY, year=day.year))
    assert xa.send(gone, permit_year=day.year) == "recorded"
    assert xa.world.status("XB", NUMBER).status is Status.REVOKED


@pytest.mark.hostile
def test_thousands_of_lines_on_both_sides_take_seconds(xa: Forger) -> None:
    """A permit of 2,000 lines, an event of 5,000: comparing each with each would hold the only writer for minutes."""
    lines = tuple(Line(block=f"A{n}", quantity="1", unit="NAR", taxon="T", term="LIV") for n in range(2000))
    assert xa.send(dataclasses.replace(permit_of(), lines=lines)) == "recorded"
    one = Quantity.parse("1", "NAR")
    begin = time.process_time()
    counted = tuple(EventLine(block=f"A{n}", quantity=one) for n in range(5000))
    assert xa.send(endorsement(lines=counted)) == "recorded"
    assert time.process_time() - begin < 20
    assert xa.world.status("XB", NUMBER).status is Status.EXPORTED
