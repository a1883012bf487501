"""`status` and `verify`: the exit code is the verdict."""

from __future__ import annotations

from datetime import timedelta

import pytest

from epix_node.cli.peers import app as _  # noqa: F401 # the groups are whole when imported alone
from epix_node.node import open_node
from epix_node.store import documents


def signed(country, number: str = "26XA000123") -> bytes:
    """The exact bytes of the permit's document."""
    with open_node(country.config) as node:
        sha256 = country.json("permits", "show", "XA", number)["document"]
        return node.database.read_now(documents.find, sha256).xml


@pytest.fixture
def published(xa, permit):
    xa.run("permits", "publish", xa.file("p.json", permit()))
    return xa


def test_a_permit_in_force_is_exit_0(published):
    """VALID, with all members of the contract."""
    body = published.json("status", "XA", "26XA000123")
    assert (body["status"], body["verdict"], body["source"]) == ("VALID", "VALID", "authoritative")
    assert body["lines"][0]["remaining"] == "12"
    assert body["request_id"]


def test_an_expired_permit_is_exit_1(published):
    """NOT_VALID, with the reason."""
    published.clock.set(published.clock() + timedelta(days=365))
    body = published.json("status", "xa", "26xa000123", code=1)
    assert (body["status"], body["reasons"]) == ("EXPIRED", ["EXPIRED"])


def test_an_unknown_number_is_exit_6(xa):
    """UNKNOWN: this node cannot say. The day of issue is covered, and its time has not run out."""
    assert xa.json("status", "XA", "1", code=6)["verdict"] == "UNKNOWN"
    assert xa.json("status", "FR", "1", "--type", "E", "--issued-on", "2026-03-01", code=6)["verdict"] == "UNKNOWN"


def test_a_number_that_would_have_been_published_is_not_issued(xa):
    """Exit 1 once the coverage of its day is complete."""
    xa.clock.set(xa.clock() + timedelta(days=3))
    body = xa.json("status", "XA", "1", "--type", "E", "--issued-on", "2026-03-02", code=1)
    assert body["status"] == "NOT_ISSUED"


def test_the_border_decides(published, event):
    """Exported goods may enter another country, and may not leave again."""
    published.run("endorse", published.file("e.json", event()))
    assert published.json("status", "XA", "26XA000123", "--for", "import")["verdict"] == "VALID"
    assert published.json("status", "XA", "26XA000123", "--for", "export", code=1)["reasons"] == ["USED"]


def test_people_see_the_verdict_first(published):
    """Then what it rests on."""
    said = published.run("status", "XA", "26XA000123").stdout.splitlines()
    assert said[0] == "VALID"
    assert "permit       XA E 26XA000123 of 2026" in said
    assert any(line.startswith("A      Python regius  LIV") for line in said)


def test_a_genuine_document_is_valid_and_a_forged_one_is_not(published):
    """Exit 0 and exit 1."""
    genuine = signed(published)
    body = published.json("verify", published.file("genuine.xml", genuine))
    assert (body["verdict"], body["signature"], body["grade"]) == ("VALID", "VALID", "LOGGED")
    assert body["differences"] == []
    forged = genuine.replace(b"Terraria Import", b"Terraria Empire")
    body = published.json("verify", "--offline", published.file("forged.xml", forged), code=1)
    assert (body["verdict"], body["signature"]) == ("NOT_VALID", "INVALID")
    assert published.run("verify", published.config.home / "forged.xml", code=1).stdout.startswith("NOT_VALID\n")


def test_a_document_can_be_judged_for_another_moment(published):
    """`--at`, and from standard input."""
    genuine = signed(published)
    body = published.json("verify", "-", "--at", "2027-01-01T00:00:00Z", stdin=genuine, code=1)
    assert body["status"] == "EXPIRED"


@pytest.mark.parametrize(
    ("content", "error"),
    [
        (b"no xml", "NOT_A_DOCUMENT"),
        (b"<!DOCTYPE a><a/>", "FORBIDDEN_XML"),
        (b"\xff\xfe<a/>", "NOT_UTF8"),
        (b"PK\x03\x04zip", "NOT_A_DOCUMENT"),
        (b"<a>" + b" " * 1_048_576 + b"</a>", "TOO_LARGE"),
    ],
)
def test_what_is_no_document_is_exit_2(xa, content, error):
    """No verdict is given on it."""
    assert xa.json("verify", xa.file("x", content), code=2)["error"]["code"] == error
