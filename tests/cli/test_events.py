"""`endorse` and `confirm`: facts are recorded, whatever they say of the permit."""

from __future__ import annotations

import json


def test_an_endorsement_and_a_confirmation_move_the_status(xa, permit, event):
    """As by POST /endorsements: event id, document, index, status, findings."""
    xa.run("permits", "publish", xa.file("p.json", permit()))
    body = xa.json("endorse", xa.file("e.json", event()))
    assert body["event_id"] == "ZRH-1"
    assert body["register_index"] == 1
    assert body["status"]["status"] == "EXPORTED"
    assert body["findings"] == []
    assert body["created"] is True


def test_the_same_event_again_changes_nothing_and_other_content_is_refused(xa, event):
    """Idempotent by event id."""
    first = xa.json("confirm", xa.file("c.json", event(outcome="released")))
    assert xa.json("confirm", xa.config.home / "c.json")["document"] == first["document"]
    other = xa.json("confirm", xa.file("d.json", event(outcome="seized")), code=1)
    assert other["error"]["code"] == "DIFFERENT_CONTENT"


def test_an_event_about_an_unknown_permit_is_recorded(xa, event):
    """Its status is unknown; that is no reason to refuse a fact."""
    body = xa.json("confirm", xa.file("c.json", event(outcome="released")))
    assert body["created"] is True
    assert body["status"]["status"] == "UNKNOWN"


def test_a_list_of_events_gives_a_list(xa, event):
    """A bad one among them is refused alone."""
    events = [event("A-1"), event("A-2", date="2026-03-03"), event("A-3", office=None), event("A-4")]
    body = xa.json("endorse", "-", stdin=json.dumps(events), code=2)
    assert [one.get("event_id") for one in body] == ["A-1", None, None, "A-4"]
    assert body[1]["error"]["code"] == "UNACCEPTABLE"
    assert "office" in body[2]["error"]["message"]
    assert [one["input"] for one in body] == ["-[1]", "-[2]", "-[3]", "-[4]"]


def test_what_is_no_json_is_refused(xa):
    """The message says what is taken."""
    assert "expected JSON with one event" in xa.run("confirm", xa.file("c.csv", b"a;b"), code=2).stderr


def test_people_are_told_what_was_recorded_and_what_was_found(xa, permit, event):
    """An arrival on a withdrawn permit is recorded, and found."""
    xa.run("permits", "publish", xa.file("p.json", permit()))
    xa.run("permits", "withdraw", "26XA000123", "--reason", "stolen")
    xa.clock.set(xa.clock().replace(day=9))
    arrival = event(outcome="released", date="2026-03-08")
    said = xa.run("confirm", xa.file("c.json", arrival)).stdout
    assert said.startswith("ZRH-1 recorded\n")
    assert "XA 26XA000123 REVOKED" in said
    assert "FRD-03" in said


def test_a_proof_is_not_needed_and_not_minded(xa, permit, event):
    """A body that was meant for the HTTP interface works here too."""
    xa.run("permits", "publish", xa.file("p.json", permit()))
    assert xa.json("endorse", xa.file("e.json", event(proof={"token": "wrong"})))["status"]["status"] == "EXPORTED"
