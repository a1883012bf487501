"""`federation request`, `peers` and `keys`: trust made by hand, between two operators."""

from __future__ import annotations

import json

import pytest

from epix_node.node import open_node
from epix_node.trust.manifest import parse_manifest


def request(country) -> bytes:
    """The manifest that the country's operator sends around."""
    return country.run("federation", "request").stdout.encode()


def test_a_request_is_a_manifest_and_fingerprints_beside_it(xa, tmp_path):
    """Standard output or FILE has the manifest alone; people compare what is on standard error."""
    said = xa.run("federation", "request")
    manifest = parse_manifest(said.stdout.encode())
    assert manifest.party == "XA"
    for fingerprint in manifest.key_fingerprints().values():
        assert fingerprint in said.stderr
    xa.run("federation", "request", "--out", tmp_path / "XA.json")
    assert (tmp_path / "XA.json").read_bytes() == said.stdout.encode()
    xa.run("federation", "request", "--out", tmp_path / "no" / "XA.json", code=2)


def test_a_pinned_peer_is_known_and_shown(xa, xb):
    """State, codes, addresses, fingerprints."""
    body = xa.json("peers", "add", "-", stdin=request(xb))
    assert (body["party"], body["new"], body["changes"], body["followed"]) == ("XB", True, [], True)
    (peer,) = xa.json("peers", "list")["peers"]
    assert {name: peer[name] for name in ("party", "state", "last_success", "lag", "cursor", "trust")} == {
        "party": "XB",
        "state": "NEW",
        "last_success": None,
        "lag": None,
        "cursor": 0,
        "trust": "PINNED",
    }
    shown = xa.json("peers", "show", "xb")
    assert shown["fingerprints"] == body["fingerprints"]
    assert shown["base"] == ["http://127.0.0.1:8081/epix/v1/"]
    said = xa.run("peers", "show", "XB").stdout
    assert all(fingerprint in said for fingerprint in shown["fingerprints"].values())
    with open_node(xa.config) as node:
        assert node.keyring().speaker_for("XB") == "XB"


def test_the_same_file_again_changes_nothing(xa, xb):
    """And says so."""
    file = xa.file("XB.json", request(xb))
    xa.run("peers", "add", file)
    assert xa.json("peers", "add", file)["new"] is False
    assert "pinned before, nothing changed" in xa.run("peers", "add", file).stdout


def test_a_newer_file_of_the_same_party_replaces_the_older_one(xa, xb):
    """It is told what changed."""
    first = json.loads(request(xb))
    xa.run("peers", "add", xa.file("XB.json", first))
    first["issues_for"] = ["XB", "XC"]
    first["coverage"] = []
    changes = xa.json("peers", "add", xa.file("XB.json", first))["changes"]
    assert changes[0] == "speaks for XB, XC; before: XB"
    assert changes[1].startswith("promises nothing; before: ")
    assert xa.json("peers", "show", "XB")["issues_for"] == ["XB", "XC"]


def test_another_register_under_the_same_party_is_refused(xa, xb):
    """A register is never replaced."""
    manifest = json.loads(request(xb))
    xa.run("peers", "add", xa.file("XB.json", manifest))
    renamed = json.loads(json.dumps(manifest).replace("127.0.0.1:8081/sandbox", "127.0.0.1:9999/sandbox"))
    refused = xa.json("peers", "add", xa.file("XB.json", renamed), code=2)
    assert refused["error"]["code"] == "NOT_UNDERSTOOD"  # the key ids of a vkey bind its name
    origin = "127.0.0.1:9999/sandbox/register/XB"
    with open_node(xb.config) as node:
        from epix_node.register.note import NoteSigner

        key = NoteSigner(origin, node.office.own.log.private_key).verifier_key.vkey
    manifest["log"] = {"origin": origin, "vkeys": [key]}
    refused = xa.json("peers", "add", xa.file("XB.json", manifest), code=1)
    assert "A register is never replaced" in refused["error"]["message"]


@pytest.mark.parametrize(
    ("change", "said", "code"),
    [
        ({"party": "XA"}, "issues_for does not name the party itself", 2),
        ({"issues_for": ["XB", "XA"]}, "names XA: XA speaks for it", 1),
        ({"issues_for": ["XB", "XC"]}, "names XC: XC speaks for it", 1),
        ({"env": "uat", "base": ["https://127.0.0.1:8081/epix/v1/"]}, "is for uat, that of XA sandbox", 1),
        ({"env": "prod"}, "takes https only", 2),
        ({"extra": 1}, "manifest: extra", 2),
    ],
)
def test_a_file_that_claims_what_is_anothers_is_refused(xa, xb, found, change, said, code):
    """Decision 6: no code of this node or of a pinned peer; and one environment."""
    xa.run("peers", "add", "-", stdin=request(found("XC", port=8082)))
    manifest = {**json.loads(request(xb)), **change}
    assert said in xa.run("peers", "add", xa.file("XB.json", manifest), code=code).stderr
    assert [peer["party"] for peer in xa.json("peers", "list")["peers"]] == ["XC"]


def test_the_keys_of_another_are_refused(xa, xb, found):
    """C.1: every key belongs to one Party."""
    xa.run("peers", "add", "-", stdin=request(xb))
    stolen = json.loads(request(found("XC", port=8082)))
    stolen["transport_keys"] = json.loads(request(xb))["transport_keys"]
    assert "has what XB has" in xa.run("peers", "add", xa.file("XC.json", stolen), code=1).stderr


def test_the_own_node_is_no_peer(xa):
    """Nor is it shown as one."""
    assert "this node's own Party" in xa.run("peers", "add", "-", stdin=request(xa), code=1).stderr
    xa.run("peers", "show", "XA", code=1)
    assert xa.json("peers", "list")["peers"] == []


def test_a_peer_that_is_not_followed_is_pinned_and_said_so(xa, xb, monkeypatch):
    """[federation] follow decides from whom is pulled."""
    monkeypatch.setenv("EPIX_FEDERATION__FOLLOW", "XC")
    said = xa.run("peers", "add", "-", stdin=request(xb))
    assert "[federation] follow does not name XB" in said.stderr


def test_keys_are_listed_without_their_private_halves(xa):
    """Names, fingerprints, periods."""
    listed = xa.json("keys", "list")["keys"]
    assert [key["name"] for key in listed] == ["signing", "log", "witness", "transport"]
    with open_node(xa.config) as node:
        fingerprints = {print_.replace(" ", "") for print_ in node.manifest.key_fingerprints().values()}
    assert {key["fingerprint"] for key in listed} < fingerprints
    assert listed[0]["not_after"] == "2046-02-24T08:00:00Z"
    assert "PRIVATE" not in xa.run("keys", "list").stdout


def test_a_peer_that_cannot_be_reached_is_exit_4(xa, xb):
    """The others are pulled all the same, and the answer says which failed."""
    xa.run("peers", "add", "-", stdin=request(xb))
    body = xa.json("pull", code=4)
    assert body["pulled"] == {"XB": None}
    assert body["peers"][0]["problem"]
    assert xa.json("pull", "xb", code=4)["pulled"] == {"XB": None}
    assert xa.json("peers", "list")["peers"][0]["state"] == "FAILING"


def test_pulling_from_nobody_is_no_failure(xa):
    """And a stranger cannot be pulled from."""
    assert xa.json("pull") == {"pulled": {}, "peers": []}
    assert "there is no peer XQ" in xa.run("pull", "XQ", code=1).stderr
    xa.run("pull", "XA", code=1)
