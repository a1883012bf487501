"""What the operator is told of documents that count no more, and how they are issued again."""

from __future__ import annotations


def test_a_permit_that_counts_no_more_is_shown_with_the_reason_and_can_be_issued_again(xa, permit):
    """Shown, diagnosed, refused as an answer; the same content under the new key puts it right."""
    file = xa.file("p.json", permit())
    first = xa.json("permits", "publish", file)
    stolen = next(key["fingerprint"] for key in xa.json("keys", "list")["keys"] if key["name"] == "signing")
    xa.run("keys", "rotate", "signing", "--first-use", "now")
    xa.run("keys", "revoke", stolen, "--since", "2026-03-02T07:00:00Z", "--reason", "stolen")

    said = xa.run("permits", "show", "XA", "26XA000123").stdout
    assert "REVOKED_KEY" in said
    assert "it counts no more" in " ".join(said.split())
    answer = xa.json("status", "XA", "26XA000123", code=1)
    assert (answer["verdict"], answer["reasons"]) == ("NOT_VALID", ["REVOKED_KEY"])
    assert "1 own documents were signed with a key that was revoked" in " ".join(xa.run("doctor").stdout.split())

    again = xa.json("permits", "publish", file)
    assert again["created"] is True
    assert (again["token"], again["register_index"]) == (first["token"], 1)
    assert again["document"] != first["document"]
    assert xa.json("status", "XA", "26XA000123")["verdict"] == "VALID"


def test_a_withdrawal_that_counts_no_more_is_listed_apart(xa, permit):
    """The permit of the other key is in force again, and people see what became of the withdrawal."""
    xa.run("permits", "publish", xa.file("p.json", permit()))
    xa.run("keys", "rotate", "signing", "--first-use", "now")
    xa.run("permits", "withdraw", "26XA000123", "--reason", "cancelled")
    using = next(key["fingerprint"] for key in xa.json("keys", "list")["keys"] if key.get("current"))
    xa.run("keys", "rotate", "signing", "--first-use", "now")
    xa.run("keys", "revoke", using, "--since", "2026-03-02T08:00:00Z", "--reason", "stolen")
    body = xa.json("permits", "show", "XA", "26XA000123")
    assert body["status"]["status"] == "VALID"
    assert body["events"] == []
    assert [(one["kind"], one["register_index"]) for one in body["void"]] == [("withdrawal", 1)]
    assert "they count no more" in xa.run("permits", "show", "XA", "26XA000123").stdout
