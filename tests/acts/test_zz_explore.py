from __future__ import annotations
import pytest
from epix_node.acts import report, review
from epix_node.acts.publish import withdraw
from epix_node.permit.event import WithdrawalReason
from epix_node.permit.event_json import confirmation_from_json, endorsement_from_json
from epix_node.permit.finding import FindingState
from epix_node.permit.number import NumberRef
from epix_node.permit.status import Flag, Status
from epix_node.reconcile.record import reconcile_all
from .conftest import World, day, event_of
N="26XA000001"
def settle(w):
    w.meet(); w.wait(hours=25); w.meet()
def correct(world, party, supersedes, event_id, body=None, read=confirmation_from_json):
    return report.correct(world[party], event_id=event_id, supersedes=supersedes, read_event=(lambda _: read({**body,"event_id":event_id})) if body is not None else None, now=world.now)

def test_same_page_correction(world):
    world.publish("XA"); world.meet()
    world.confirm("XB", N, event_id="E1", quantity="100")
    correct(world, "XB", "E1", "C1")
    settle(world)
    assert world.patterns("XA")==[]
    assert world.status("XA",N).status is Status.VALID

def test_withdrawn_neighbour(world):
    world.publish("XA", number="26XA000018")
    withdraw(world["XA"], NumberRef(issuer="XA", number="26XA000018"), WithdrawalReason.STOLEN, None, now=world.now)
    world.meet(); world.wait(days=3); world.meet()
    world.confirm("XB","26XA00OO18", date="2026-03-04", permit={"type":"E","issued_on":"2026-03-02"})
    world.meet()
    assert [p[:2] for p in world.patterns("XA")]==[("FRD-05","A")]

def test_new_evidence_is_alerted(world):
    world.publish("XA"); world.meet()
    world.confirm("XB",N, transport_document="A"); world.confirm("XB",N, transport_document="B", office="P2", quantity="1")
    settle(world)
    world.confirm("XC",N, quantity="1")
    settle(world); settle(world)
    assert ("FRD-01","A","open") in world.patterns("XC")

def test_resolved_here_open_there(world):
    world.publish("XA"); world.meet()
    world.confirm("XB",N, event_id="B1", quantity="5")
    world.confirm("XB",N, event_id="B2", office="P2", quantity="5")
    world.confirm("XC",N, event_id="C1", quantity="0")
    assert [p[0] for p in world.patterns("XB")]==["FRD-01"]
    correct(world,"XB","B2","B3")
    assert world.patterns("XB")==[]
    settle(world)
    assert world.patterns("XA")==[("FRD-01","A","open")]
    assert world.patterns("XB")==[("FRD-01","A","open")]

def test_type_I_only(world):
    world.publish("XA"); world.publish("XA", number="26XA000002")
    world.meet()
    world.confirm("XB",N, import_permit={"issuer":"XA","number":"26XA000002"})
    assert world.status("XB","26XA000002").status is Status.VALID

def test_withdrawn_used_import(world):
    world.publish("XB", type="I", number="26XB1", exporter={"name":"a","address":"b","country":"XA"}, importer={"name":"a","address":"b","country":"XB"})
    world.confirm("XB",N, import_permit={"issuer":"XB","number":"26XB1"}, quantity="4", lines=[{"block":"A","quantity":"4","unit":"NAR","taxon":"Python regius"}])
    a=world.status("XB","26XB1","XB"); assert a.lines[0]["remaining"]=="0"
    withdraw(world["XB"], NumberRef(issuer="XB", number="26XB1"), WithdrawalReason.LOST, None, now=world.now)
    a=world.status("XB","26XB1","XB"); assert a.lines[0]["remaining"]=="0"

def test_take_back_endorsement_import_permit(world):
    world.publish("XB", type="I", number="26XB1", valid_until="2026-03-04", exporter={"name":"a","address":"b","country":"XA"}, importer={"name":"a","address":"b","country":"XB"})
    world.publish("XA"); world.meet()
    world.endorse("XA",N,event_id="X1"); world.meet()
    world.wait(days=4)
    world.confirm("XB",N, date="2026-03-06", import_permit={"issuer":"XB","number":"26XB1"})
    assert world.patterns("XB")==[]
    correct(world,"XA","X1","X2")
    world.meet()
    got=world.patterns("XB")
    o=world["XB"]
    o.database.write_now(reconcile_all,o.perspective(),now=world.now)
    assert got==world.patterns("XB")
