"""ENTRY_WITHHELD: a Party that logs a document of a permit and keeps it from somebody who holds the permit.

Decision 4. `hide` makes a register list a document for nobody; `show` gives it after all.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import structlog

from epix_node.acts import report
from epix_node.acts.publish import withdraw
from epix_node.exchange import ingest
from epix_node.permit.event import WithdrawalReason
from epix_node.permit.number import NumberRef, PermitKey
from epix_node.reconcile.record import record_page
from epix_node.register.entry import parse_leaf
from epix_node.store import awaited, documents, register
from epix_node.store.columns import table
from epix_node.store.database import Session
from epix_node.store.tables import DocumentRow
from tests.acts.conftest import World

NUMBER = "26XA000001"
KEY = PermitKey(issuer="XA", type="E", number=NUMBER, year=2026)
LATE = {"minutes": 10}
DOCUMENT = table(DocumentRow)


def hide(world: World, writer: str, sha256: str) -> None:
    def work(session: Session) -> None:
        session.core.execute(DOCUMENT.update().where(DOCUMENT.c.sha256 == sha256).values(recipients=""))

    world[writer].database.write_now(work)


def show(world: World, writer: str, reader: str, sha256: str, *, change: Callable[[bytes], bytes] | None = None) -> Any:
    """The document, or other bytes under its name, come to the reader."""
    held = world[writer].database.read_now(documents.find, sha256)
    assert held is not None
    assert held.register_index is not None
    index, xml = held.register_index, held.xml if change is None else change(held.xml)

    def work(session: Session) -> Any:
        leaf = register.leaf(session, writer, index)
        assert leaf is not None
        checked = ingest.check(
            ingest.Listed(sha256=sha256, index=index, leaf=parse_leaf(leaf), xml=xml),
            party=writer,
            environment="sandbox",
            trust=world[reader].keyring(),
            now=world.now,
        )
        record_page(session, world[reader].perspective(), writer, [checked], now=world.now)
        return checked

    return world[reader].database.write_now(work)


def taken_back(world: World) -> str:
    office = world["XA"]
    return withdraw(
        office, NumberRef(issuer="XA", number=NUMBER), WithdrawalReason.STOLEN, None, now=world.now
    ).source.document


def endorsed(world: World) -> str:
    return world.endorse("XA", NUMBER).source.document


def corrected(world: World) -> str:
    event = world.endorse("XA", NUMBER, event_id="EV-WRONG")
    world.meet()
    assert event.created
    taken = report.correct(world["XA"], event_id="EV-RIGHT", supersedes="EV-WRONG", read_event=None, now=world.now)
    return taken.source.document


def verdict(world: World, party: str) -> tuple[str, str, list[str], list[str]]:
    answer = world.status(party, NUMBER)
    flags = [flag.value for flag in answer.flags]
    return answer.status.value, answer.verdict.value, flags, [reason.value for reason in answer.reasons]


@pytest.mark.parametrize(
    ("deed", "afterwards"), [(taken_back, "REVOKED"), (endorsed, "EXPORTED"), (corrected, "VALID")]
)
def test_a_document_that_is_logged_and_not_given_is_noticed_after_ten_minutes(
    world: World, deed: Callable[[World], str], afterwards: str
):
    """The importer cannot be kept from a withdrawal; once it comes, the flag goes and the document counts."""
    world.publish("XA")
    world.meet()
    document = deed(world)
    before = verdict(world, "XB")
    hide(world, "XA", document)
    world.meet()
    assert verdict(world, "XB") == before  # it may be on its way
    world.wait(minutes=9, seconds=59)
    assert verdict(world, "XB") == before
    world.wait(seconds=1)
    status, word, flags, reasons = verdict(world, "XB")
    assert (status, word, flags, reasons) == (before[0], "INDETERMINATE", ["ENTRY_WITHHELD"], ["ENTRY_WITHHELD"])
    assert verdict(world, "XA")[2] == before[2] or deed is not endorsed  # its issuer knows
    assert world.claim("XB", NUMBER).verdict.value == "INDETERMINATE"
    show(world, "XA", "XB", document)
    assert "ENTRY_WITHHELD" not in verdict(world, "XB")[2]
    assert verdict(world, "XB")[0] == afterwards


def test_the_issuer_notices_that_the_importer_keeps_its_confirmation_back(world: World):
    """Holders watch one another's registers."""
    world.publish("XA")
    world.meet()
    hide(world, "XB", world.confirm("XB", NUMBER).source.document)
    world.meet()
    world.wait(**LATE)
    assert verdict(world, "XA")[2] == ["ENTRY_WITHHELD"]
    assert verdict(world, "XB")[0] == "USED"


def test_who_does_not_hold_the_permit_notices_nothing(world: World):
    """A chain is noise to everybody else."""
    world.publish("XA")
    world.meet()
    hide(world, "XA", taken_back(world))
    world.meet()
    world.wait(**LATE)
    assert world["XC"].database.read_now(awaited.lacking_in, "XA") == []
    assert world["XB"].database.read_now(awaited.lacking_in, "XA") == [KEY]


def test_an_ordinary_life_leaves_nothing_behind(world: World):
    """Entries come before their documents in every pull, and nothing is said of that."""
    world.publish("XA")
    world.meet()
    endorsed(world)
    world.confirm("XB", NUMBER)
    world.meet()
    taken_back(world)
    world.meet()
    world.wait(days=1)
    for party in ("XA", "XB"):
        assert "ENTRY_WITHHELD" not in verdict(world, party)[2]
        for other in ("XA", "XB"):
            assert world[party].database.read_now(awaited.lacking_in, other) == []


def test_a_permit_that_comes_after_its_withdrawal_was_logged_and_hidden(world: World):
    """Both entries were mirrored before the permit was held: its chain is followed when it comes."""
    permit = world.publish("XA").source.document
    withdrawal = taken_back(world)
    hide(world, "XA", permit)
    hide(world, "XA", withdrawal)
    world.meet()
    show(world, "XA", "XB", permit)
    assert world["XB"].database.read_now(awaited.lacking, KEY)[0].party == "XA"
    world.wait(**LATE)
    assert verdict(world, "XB")[1:3] == ("INDETERMINATE", ["ENTRY_WITHHELD"])
    show(world, "XA", "XB", withdrawal)
    assert verdict(world, "XB")[:2] == ("REVOKED", "NOT_VALID")


def test_several_hidden_documents_are_all_waited_for(world: World):
    """Whichever of them comes first; the card says since when the first of the others is missing."""
    world.publish("XA")
    world.meet()
    hidden = [endorsed(world), taken_back(world)]
    for document in hidden:
        hide(world, "XA", document)
    world.meet()
    world.wait(**LATE)
    assert len(world["XB"].database.read_now(awaited.lacking, KEY)) == 2
    show(world, "XA", "XB", hidden[1])
    assert verdict(world, "XB")[2] == ["STOLEN", "ENTRY_WITHHELD"]
    show(world, "XA", "XB", hidden[0])
    assert verdict(world, "XB")[2] == ["STOLEN"]


def test_other_bytes_in_its_place_are_not_the_document(world: World):
    """They end in quarantine, and the entry still lacks what it commits to."""
    world.publish("XA")
    world.meet()
    document = taken_back(world)
    hide(world, "XA", document)
    world.meet()
    world.wait(**LATE)
    refused = show(world, "XA", "XB", document, change=lambda xml: xml.replace(b"stolen", b"losten"))
    assert refused.reason == "DIGEST_MISMATCH"
    assert verdict(world, "XB")[2] == ["ENTRY_WITHHELD"]


def test_a_register_that_begins_anew_is_looked_through_anew(world: World):
    """After `forget`, the next entries that arrive bring all chains of held permits back, and what is missing."""
    world.publish("XA")
    world.meet()
    hide(world, "XA", taken_back(world))
    world.meet()
    world["XB"].database.write_now(awaited.forget, "XA")
    world.wait(**LATE)
    assert verdict(world, "XB")[2] == []
    world.publish("XA", number="26XA000002")
    world.meet()
    world.wait(**LATE)
    assert verdict(world, "XB")[2] == ["ENTRY_WITHHELD"]


def test_a_document_outside_its_chain_counts_and_is_noted(world: World):
    """Nobody who holds the permit could have looked for it; what it says is a fact all the same."""
    made = world.publish("XA").source
    held = world["XA"].database.read_now(documents.find, made.document)
    assert held is not None
    assert made.index is not None
    entry = world["XA"].database.read_now(register.leaf, "XA", made.index)
    assert entry is not None
    for c, noted in ((parse_leaf(entry).c, []), (bytes(32), ["entry stands outside its chain"])):
        leaf = replace(parse_leaf(entry), c=c)
        with structlog.testing.capture_logs() as logs:
            checked = ingest.check(
                ingest.Listed(sha256=made.document, index=made.index, leaf=leaf, xml=held.xml),
                party="XA",
                environment="sandbox",
                trust=world["XB"].keyring(),
                now=world.now,
            )
        assert isinstance(checked, documents.Arrival)
        assert [line["event"] for line in logs] == noted
