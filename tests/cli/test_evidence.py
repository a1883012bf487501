"""`permits evidence` and `verify FILE.epix`: proof to take along, and what it says on another machine."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import timedelta

import pytest

ELSEWHERE = """
import socket, sys
def closed(*_, **__):
    raise AssertionError("there is no network")
for name in ("connect", "connect_ex", "sendto", "bind"):
    setattr(socket.socket, name, closed)
socket.getaddrinfo = closed
from epix_node.cli.main import app
app(sys.argv[1:], prog_name="epix-node")
"""
"""The command on a machine without a network."""


@pytest.fixture
def bundle(xa, permit, told, tmp_path):
    """The bundle of a permit in force, as the command wrote it."""
    told(xa)
    xa.run("permits", "publish", xa.file("p.json", permit()))
    file = tmp_path / "permit.epix"
    xa.run("permits", "evidence", "XA", "26XA000123", "--out", file)
    return file


@pytest.fixture
def root(xa, tmp_path):
    """The root of the trust list, as people got it."""
    file = tmp_path / "root-of-the-federation.json"
    file.write_bytes(xa.config.root_file.read_bytes())
    return file


def test_a_bundle_is_named_after_its_permit(xa, permit, tmp_path):
    """In the current directory, without the slashes of the number."""
    xa.run("permits", "publish", xa.file("p.json", permit("26/XA.7")))
    body = xa.json("permits", "evidence", "XA", "26/XA.7")
    assert body["file"] == "XA-26-XA.7.epix"
    data = (tmp_path / "XA-26-XA.7.epix").read_bytes()
    assert len(data) == body["bytes"]
    assert xa.run("permits", "evidence", "XA", "26/XA.7", "--out", "-").stdout_bytes == data
    assert xa.json("permits", "evidence", "XA", "26/XA.7", "--out", "-", code=2)["error"]["code"] == "NOT_UNDERSTOOD"
    assert "sha256" in xa.run("permits", "evidence", "XA", "26/XA.7").stdout


def test_an_unknown_permit_has_no_evidence(xa):
    """Exit 1, as for `permits show`."""
    assert xa.json("permits", "evidence", "XA", "1", code=1)["error"]["code"] == "NOT_FOUND"


def test_the_own_node_says_valid_with_and_without_its_database(xa, bundle):
    """Online with what it knows today, offline with the bundle and the root of its configuration."""
    body = xa.json("verify", bundle)
    assert (body["verdict"], body["source"]) == ("VALID", "authoritative")
    body = xa.json("verify", bundle, "--offline")
    assert (body["verdict"], body["source"]) == ("VALID", "mirror")
    assert body["bundle"]["trust"]["source"] == "configuration"
    assert body["bundle"]["permit"]["register"]["index"] == 0
    assert xa.run("verify", bundle, "--offline").stdout.startswith("VALID\n")


def test_a_node_that_knows_what_came_later_says_so(xa, bundle):
    """The bundle shows the permit as it was; the issuer withdrew it since."""
    xa.run("permits", "withdraw", "26XA000123", "--reason", "stolen")
    assert xa.json("verify", bundle, "--offline")["verdict"] == "VALID"
    body = xa.json("verify", bundle, code=1)
    assert (body["status"], body["bundle"]["verdict"]) == ("REVOKED", "VALID")


def test_a_node_that_never_held_the_permit_goes_by_the_bundle(xb, told, bundle):
    """As of today: what the bundle shows gets old."""
    told(xb)
    assert xb.json("verify", bundle)["verdict"] == "VALID"
    xb.clock.set(xb.clock() + timedelta(days=8))
    told(xb)
    body = xb.json("verify", bundle, code=6)
    assert body["verdict"] == "INDETERMINATE"
    assert "MIRROR_EXPIRED" in body["reasons"]
    assert xb.json("verify", bundle, "--offline")["verdict"] == "VALID"


def test_a_root_alone_is_enough(epix_node, bundle, root):
    """No configuration, no node."""
    said = epix_node("verify", bundle, "--root", root, "--offline")
    assert said.stdout.startswith("VALID\n")
    body = json.loads(epix_node("verify", bundle, "--root", root, "--json").stdout)
    assert (body["verdict"], body["bundle"]["trust"]["source"]) == ("VALID", "--root")
    late = json.loads(
        epix_node("verify", bundle, "--root", root, "--at", "2026-06-01T00:00:00Z", "--json", code=6).stdout
    )
    assert (late["verdict"], late["freshness"]) == ("INDETERMINATE", "EXPIRED")


def test_without_a_root_nothing_is_valid(epix_node, bundle, root):
    """Exit 6, with the fingerprint of the bundle's own root, which people can compare."""
    said = epix_node("verify", bundle, "--offline", code=6)
    assert said.stdout.startswith("INDETERMINATE\n")
    assert "Nobody that you trust" in said.stderr
    body = json.loads(epix_node("verify", bundle, "--json", code=6).stdout)
    assert body["bundle"]["trust"]["pinned"] is False
    print_of_root = json.loads(epix_node("verify", bundle, "--root", root, "--json").stdout)["bundle"]["trust"]["root"]
    assert body["bundle"]["trust"]["root"] == print_of_root


def test_another_root_does_not_vouch_for_it(epix_node, found, bundle, tmp_path):
    """Exit 6: that list says nothing of these keys."""
    from tests.trusting import Secretariat

    other = Secretariat(tmp_path / "others", now=found("XC", port=8085).clock())
    file = tmp_path / "other-root.json"
    file.write_bytes(other.root)
    body = json.loads(epix_node("verify", bundle, "--root", file, "--json", code=6).stdout)
    assert body["verdict"] == "INDETERMINATE"
    assert body["bundle"]["trust"]["problem"]


def test_what_is_no_root_is_told(epix_node, bundle, tmp_path):
    """Exit 2: it is the command line that is wrong, not the bundle."""
    (tmp_path / "r.json").write_bytes(b"{}")
    for file in ("r.json", "nowhere.json"):
        assert "error" in json.loads(epix_node("verify", bundle, "--root", file, "--json", code=2).stdout)


def test_a_root_is_for_bundles(epix_node, bundle, root, tmp_path):
    """A document alone does not say whose keys these are."""
    (tmp_path / "a.xml").write_bytes(b"<a/>")
    assert "bundle" in epix_node("verify", "a.xml", "--root", root, code=2).stderr


def test_another_machine_needs_nothing_but_the_file_and_the_root(bundle, root, tmp_path):
    """An empty home, an empty directory, no network, no variable of ours."""
    home = tmp_path / "another-machine"
    home.mkdir()
    run = subprocess.run(
        [sys.executable, "-c", ELSEWHERE, "verify", str(bundle), "--offline", "--root", str(root), "--json"],
        cwd=home,
        env={"HOME": str(home), "PATH": "", "TZ": "Asia/Tokyo"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    assert json.loads(run.stdout)["verdict"] == "VALID"
    assert list(home.iterdir()) == []


def test_a_document_is_judged_by_what_the_node_holds_and_it_says_so(xa, bundle):
    """`--offline` on XML: trust is that of the local database."""
    import zipfile

    with zipfile.ZipFile(bundle) as archive:
        file = xa.file("p.xml", archive.read("permit.xml"))
    said = xa.run("verify", file, "--offline").stdout
    assert "judged by" in said
    assert "no other node was asked" in said
