"""`register check`."""

from __future__ import annotations

from epix_node.acts import succession
from epix_node.node import open_node
from tests.stores import change_store


def test_a_sound_register_is_clean(xa, permit):
    """What is published is derived again, and the answer is yes."""
    xa.run("permits", "publish", xa.file("permit.json", permit()))
    body = xa.json("register", "check")
    assert body["ok"] is True
    (one,) = body["registers"]
    assert (one["party"], one["entries"], one["documents"], one["roots"]) == ("XA", 1, 1, 1)
    assert one["problems"] == []
    said = xa.run("register", "check")
    assert "OK" in said.stdout
    assert said.stderr == ""


def test_a_new_node_has_nothing_to_check(xa):
    """There is no register yet."""
    assert xa.json("register", "check") == {"ok": True, "registers": []}
    assert "no register is held yet" in xa.run("register", "check").stderr


def test_what_differs_is_told_in_sentences(xa, permit):
    """Exit 1; `doctor` tells of it, too, until it is clean again."""
    xa.run("permits", "publish", xa.file("permit.json", permit()))
    xa.json("register", "check")
    assert _scrub(xa, code=0)["state"] == "OK"
    change_store(xa.config, "UPDATE entry SET c_head = 7")
    body = xa.json("register", "check", code=1)
    assert body["ok"] is False
    assert body["registers"][0]["problems"] == ["entry 0 is found under another commitment than it has"]
    said = xa.run("register", "check", code=1).stdout
    assert "XA: entry 0 is found under another commitment than it has" in said
    found = _scrub(xa, code=1)
    assert found["state"] == "FAIL"
    assert "entry 0 is found under another commitment" in found["message"]


def test_a_register_that_can_never_go_on_is_succeeded(xa, permit):
    """What it means is said before; the node goes on under the new name when it starts, with all its documents."""
    xa.run("permits", "publish", xa.file("permit.json", permit()))
    refused = xa.run("register", "succeed", "--reason", "a disk burned", code=1)
    assert "not at a standstill" in refused.stderr
    change_store(xa.config, "UPDATE register SET halted = 'RECOVERY: nobody has the last entries'")
    assert "nobody has the last entries" in xa.run("doctor").stdout
    said = xa.run("register", "succeed", "--reason", "a disk burned")
    assert "ends for ever; 1 entries" in said.stderr
    assert "/register/XA/2 takes its place" in said.stdout
    with open_node(xa.config) as node:
        assert succession.go_on(node.office, now=node.clock()) == 1
    body = xa.json("register", "check")
    assert body["ok"] is True
    now, before = body["registers"]
    assert (now["party"], now["entries"], now["documents"]) == ("XA", 1, 1)
    assert (before["party"], before["origin"], before["entries"]) == (
        f"XA {before['origin']}",
        f"{now['origin'][:-2]}",
        1,
    )
    assert any(one["private"].endswith("log-key-2.pem") for one in xa.json("keys", "list")["keys"])


def _scrub(xa, *, code):
    return next(one for one in xa.json("doctor", code=code)["checks"] if one["name"] == "scrub")
