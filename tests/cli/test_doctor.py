"""`doctor`: what would stop this node, and what to do about it."""

from __future__ import annotations

import socket
from contextlib import closing
from datetime import timedelta

import pytest


@pytest.fixture
def free(found):
    """A node whose port nobody listens on."""
    with closing(socket.socket()) as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
    return found("XA", port=port)


def states(country, code: int = 0, *arguments: str) -> dict[str, str]:
    body = country.json("doctor", *arguments, code=code)
    assert body["ok"] is (code == 0)
    assert all(check["advice"] for check in body["checks"] if check["state"] != "OK"), body
    return {check["name"]: check["state"] for check in body["checks"]}


def test_a_new_node_works_and_lacks_company(free):
    """Nothing fails; that nobody may use it and nobody is known is worth a look."""
    assert states(free) == {
        "configuration": "OK",
        "keys": "OK",
        "passphrase": "WARN",
        "certificate": "OK",
        "transport key": "OK",
        "database": "OK",
        "disk": "OK",
        "listen": "OK",
        "base URL": "OK",
        "clock": "OK",
        "register": "OK",
        "witnesses": "WARN",
        "reference data": "WARN",
        "clients": "WARN",
        "own manifest": "OK",
        "own role": "OK",
        "trust list": "WARN",
        "clock offset": "OK",
    }
    free.run("clients", "add", "desk", "--role", "authority")
    assert "clients" not in states(free)


def test_without_configuration_there_is_one_line(epix_node, tmp_path):
    """And it says what to do."""
    said = epix_node("--config", tmp_path / "no.toml", "doctor", code=1).stdout
    assert "no such file" in said
    assert "epix-node init" in said


def test_lost_and_open_keys_fail(free):
    """Each with the file's name and the remedy."""
    free.config.key_files.log_key.chmod(0o644)
    found = states(free, 1)
    assert found["keys"] == "FAIL"
    assert not {"certificate", "register", "peers"} & set(found)
    assert "chmod 600" in free.run("doctor", code=1).stdout


@pytest.mark.parametrize(("days", "state"), [(0, "OK"), (7300 - 20, "WARN"), (7301, "FAIL")])
def test_a_certificate_is_warned_about_before_it_ends(free, days, state):
    """By the node's own clock."""
    free.clock.set(free.clock() + timedelta(days=days))
    assert states(free, int(days > 0))["certificate"] == state  # by then its role has expired as well


@pytest.mark.sqlite("damage to its file")
def test_a_database_that_is_gone_or_damaged_fails(free):
    """And what needs it is not asked."""
    free.config.store_path.write_bytes(b"nothing")
    assert states(free, 1)["database"] == "FAIL"
    free.config.store_path.unlink()
    assert states(free, 1)["database"] == "FAIL"
    free.run("store", "migrate")
    assert states(free)["database"] == "OK"


def test_an_address_in_use_is_fine_if_the_node_runs(free):
    """It cannot tell by whom."""
    with closing(socket.socket()) as listener:
        listener.bind(("127.0.0.1", free.config.server.port))
        listener.listen()
        assert states(free)["listen"] == "WARN"


def test_an_address_of_another_machine_fails(free, monkeypatch):
    """192.0.2.1 is nobody's."""
    monkeypatch.setenv("EPIX_SERVER__LISTEN", "192.0.2.1:8080")
    assert states(free, 1)["listen"] == "FAIL"


def test_a_base_url_that_does_not_fit_is_told(free, monkeypatch):
    """Another port than the node listens on, and a register that would change its name."""
    monkeypatch.setenv("EPIX_SERVER__LISTEN", "127.0.0.1:0")
    assert states(free)["base URL"] == "WARN"


def test_a_configuration_that_others_do_not_know_yet_is_told(free, monkeypatch):
    """The own manifest is signed; the node signs the next one when it starts."""
    assert states(free)["own manifest"] == "OK"
    monkeypatch.setenv("EPIX_SERVER__BASE_URL", "http://epix.example.org")
    assert states(free)["own manifest"] == "WARN"


def test_a_clock_that_went_back_fails(free, permit):
    """The newest checkpoint lies in the future."""
    free.run("permits", "publish", free.file("p.json", permit()))
    free.clock.path.write_text("2026-03-01T09:00:00Z\n")
    assert states(free, 1)["register"] == "FAIL"
    free.clock.path.unlink()
    assert states(free, 1)["clock"] == "FAIL"


def test_peers_are_told_one_by_one(free, xb, told, monkeypatch):
    """Trusted, failing, stale, and followed without being in the list."""
    told(free)
    assert states(free)["peer XB"] == "OK"
    assert states(free, 1, "--reach")["reach XB"] == "FAIL"
    free.run("pull", code=4)
    assert states(free)["peer XB"] == "WARN"
    monkeypatch.setenv("EPIX_FEDERATION__FOLLOW", "XB,XC")
    assert states(free)["peer XC"] == "WARN"


def test_the_trust_list_is_told_with_how_sure_it_is(free, xb, told):
    """None yet, fresh, stale, expired; and whether the others know this Party."""
    assert states(free)["trust list"] == "WARN"
    told(free)
    assert {name: state for name, state in states(free).items() if name in {"trust list", "admission"}} == {
        "trust list": "OK",
        "admission": "OK",
    }
    free.clock.set(free.clock() + timedelta(days=1))
    assert states(free)["trust list"] == "WARN"
    told(free)
    assert states(free)["trust list"] == "OK"
    free.secretariat.repository.remove("XA", free.clock())
    told(free)
    assert states(free)["admission"] == "WARN"


def test_the_end_of_the_own_role_is_told_long_before(free, told):
    """At 90, 30 and 7 days (decision 6); at the end others are STALE for 90 days, then they cannot tell."""
    begins = free.clock() - timedelta(days=1)
    for days, state in ((309, "OK"), (310, "WARN"), (370, "WARN"), (393, "WARN"), (400, "WARN"), (490, "FAIL")):
        free.clock.set(begins + timedelta(days=days))
        assert states(free, 1 if state == "FAIL" else 0)["own role"] == state


def test_a_party_that_promises_nothing_is_told(free, monkeypatch):
    """Silence about its numbers would then say nothing."""
    monkeypatch.setenv("EPIX_PARTY__COVERAGE", "[]")
    assert states(free)["coverage"] == "WARN"


def test_more_workers_than_this_release_runs_are_told(free, monkeypatch):
    """The setting is of the contract; nothing is done with it yet, and that is said."""
    monkeypatch.setenv("EPIX_SERVER__WORKERS", "4")
    assert states(free)["workers"] == "WARN"
