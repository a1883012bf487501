"""`peers` and `federation request`: the other Parties, and what this one says of itself."""

from __future__ import annotations

from datetime import timedelta

from epix_node.node import open_node
from epix_node.trust.request import Request


def test_a_request_is_signed_by_its_role_and_has_fingerprints_beside_it(xa, tmp_path):
    """Standard output or FILE has the request alone; what is on standard error goes into the diplomatic note."""
    said = xa.run("federation", "request")
    request = Request.parse(said.stdout.encode())
    assert (request.manifest.party, request.version.number) == ("XA", 1)
    for fingerprint in request.fingerprints().values():
        assert fingerprint in said.stderr
    xa.run("federation", "request", "--out", tmp_path / "XA.json")
    assert (tmp_path / "XA.json").read_bytes() == said.stdout.encode()
    xa.run("federation", "request", "--out", tmp_path / "no" / "XA.json", code=2)


def test_a_request_says_where_it_does_not_ask_for_what_the_configuration_says(xa):
    """A code that was added to the configuration is not in the request before the node has signed it."""
    assert "start the node first" not in xa.run("federation", "request").stderr
    path = xa.config.path
    path.write_text(path.read_text().replace('code = "XA"', 'code = "XA"\nissues_for = ["XA", "XQ"]', 1))
    assert "start the node first" in xa.run("federation", "request").stderr


def test_a_party_in_the_trust_list_is_known_and_shown(xa, xb, told):
    """State, codes, addresses, fingerprints."""
    told(xa)
    (peer,) = xa.json("peers", "list")["peers"]
    assert peer == {
        "party": "XB",
        "state": "NEW",
        "last_success": None,
        "lag": None,
        "cursor": 0,
        "backoff_until": None,
        "trust": "FRESH",
        "alarm": None,
        "followed": True,
        "problem": None,
        "void_documents": 0,
    }
    shown = xa.json("peers", "show", "xb")
    assert (shown["base"], shown["manifest"]) == (["http://127.0.0.1:8081/epix/v1/"], 1)
    said = xa.run("peers", "show", "XB").stdout
    assert all(fingerprint in said for fingerprint in shown["fingerprints"].values())
    with open_node(xa.config) as node:
        assert node.keyring().speaker_for("XB") == "XB"


def test_before_the_first_refresh_nobody_is_known(xa, xb):
    """And it is said what to do."""
    assert xa.json("peers", "list")["peers"] == []
    assert "nobody else is in the trust list" in xa.run("peers", "list").stderr
    xa.run("peers", "show", "XB", code=1)
    xa.run("pull", "XB", code=1)


def test_trust_ages_with_the_list(xa, xb, told):
    """FRESH for a day, STALE for a week, then EXPIRED."""
    told(xa)
    for later, trust in ((timedelta(days=1), "STALE"), (timedelta(days=7), "EXPIRED")):
        xa.clock.set(xa.clock() + later)
        assert xa.json("peers", "list")["peers"][0]["trust"] == trust


def test_a_removed_party_that_was_never_pulled_from_is_gone(xa, xb, told):
    """Nothing of it was ever here."""
    told(xa)
    xa.secretariat.repository.remove("XB", xa.clock())
    told(xa)
    assert xa.json("peers", "list")["peers"] == []


def test_pulling_from_a_dead_peer_is_told(xa, xb, told):
    """Exit 4, and the state says so afterwards; once removed it is still listed."""
    told(xa)
    assert xa.json("pull", code=4)["pulled"] == {"XB": None}
    (peer,) = xa.json("peers", "list")["peers"]
    assert (peer["state"], peer["followed"]) == ("FAILING", True)
    assert "does not answer" in peer["problem"]
    xa.secretariat.repository.remove("XB", xa.clock())
    told(xa)
    (peer,) = xa.json("peers", "list")["peers"]
    assert (peer["trust"], peer["followed"]) == ("REMOVED", False)
    assert xa.json("peers", "show", "XB")["trust"] == "REMOVED"


def test_a_peer_that_is_not_followed_is_said_so(xa, xb, told, monkeypatch):
    """`[federation] follow` leaves it out: its documents verify, its register is not pulled."""
    told(xa)
    monkeypatch.setenv("EPIX_FEDERATION__FOLLOW", "XC")
    assert xa.json("peers", "list")["peers"][0]["followed"] is False
