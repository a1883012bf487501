"""`permits`: publish, check, show, list, withdraw, replace."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from epix_node.permit.json import permit_from_json
from epix_node.permit.xml.writer import permit_element


def test_a_published_permit_is_told_as_by_post_permits(xa, permit):
    """One permit, one object: key, document, register index, token, findings."""
    body = xa.json("permits", "publish", xa.file("permit.json", permit()))
    assert body["permit"] == {"issuer": "XA", "type": "E", "number": "26XA000123", "year": 2026}
    assert len(body["document"]) == 64
    assert body["register_index"] == 0
    assert body["token"]
    assert body["created"] is True


def test_publishing_the_same_content_again_changes_nothing(xa, permit):
    """The same document, index and token."""
    file = xa.file("permit.json", permit())
    first, second = xa.json("permits", "publish", file), xa.json("permits", "publish", file)
    assert second == {**first, "created": False}


def test_people_are_told_what_was_published(xa, permit):
    """Issuer, number, document, index, token."""
    said = xa.run("permits", "publish", xa.file("permit.json", permit())).stdout
    assert said.startswith("XA E 26XA000123 published\n")
    assert "register index 0" in said


def test_a_permit_comes_from_standard_input(xa, permit):
    """`-`."""
    assert xa.json("permits", "publish", "-", stdin=json.dumps(permit()))["register_index"] == 0


def test_a_list_and_several_files_give_a_list(xa, permit):
    """In the order given, each naming its input."""
    one = xa.file("one.json", permit("1"))
    two = xa.file("two.json", [permit("2"), permit("3")])
    body = xa.json("permits", "publish", one, two)
    assert [item["permit"]["number"] for item in body] == ["1", "2", "3"]
    assert [item["input"] for item in body] == [str(one), f"{two}[1]", f"{two}[2]"]
    assert xa.json("permits", "publish", xa.file("none.json", [])) == []


def test_a_refused_permit_does_not_keep_the_others_from_being_published(xa, permit):
    """Its place in the list holds the error; the exit code is that of the gravest outcome."""
    nonsense = permit("2", lines=[{**permit()["lines"][0], "quantity": "many"}])
    body = xa.json("permits", "publish", xa.file("p.json", [permit("1"), nonsense, permit("3")]), code=1)
    assert "error" not in body[0]
    assert body[1]["error"]["code"] == "RULES_BROKEN"
    assert {finding["rule"] for finding in body[1]["error"]["findings"]} >= {"QTY-01"}
    assert body[2]["register_index"] == 1


def test_an_unreadable_file_among_others_is_one_refusal(xa, permit, tmp_path):
    """Exit 2, and the others are published."""
    body = xa.json("permits", "publish", xa.file("p.json", permit()), tmp_path / "nowhere.json", code=2)
    assert "error" not in body[0]
    assert body[1]["error"]["code"] == "NOT_READABLE"


def test_a_toolkit_permit_is_published_like_a_json_one(xa, permit):
    """XML and JSON of one permit are the same content."""
    from lxml import etree

    value = permit_from_json(permit())
    xml = etree.tostring(permit_element(value), xml_declaration=True, encoding="UTF-8")
    first = xa.json("permits", "publish", xa.file("permit.xml", xml))
    assert first["created"] is True
    assert first["permit"]["number"] == "26XA000123"


@pytest.mark.parametrize(
    ("content", "code", "error"),
    [
        (b"number;issuer\n1;XA\n", 2, "NOT_UNDERSTOOD"),
        (b"", 2, "NOT_UNDERSTOOD"),
        (b"{", 2, "NOT_UNDERSTOOD"),
        (b'{"type": "E"}', 2, "NOT_UNDERSTOOD"),
        (b"<!DOCTYPE a><a/>", 2, "FORBIDDEN_XML"),
        (b"<a/>", 2, "NOT_UNDERSTOOD"),
        (b"[" * 100, 2, "LIMIT_EXCEEDED"),
        (b" " * 5_000_000, 2, "TOO_LARGE"),
        (b"<a>" + b" " * 1_100_000 + b"</a>", 2, "TOO_LARGE"),
    ],
)
def test_what_is_not_understood_is_refused_with_a_reason(xa, content, code, error):
    """Exit 2; nothing is stored."""
    body = xa.json("permits", "publish", xa.file("p", content), code=code)
    assert body["error"]["code"] == error
    assert xa.json("permits", "list")["permits"] == []


def test_other_content_and_other_issuers_are_refused(xa, permit):
    """Exit 1: understood, and no."""
    xa.run("permits", "publish", xa.file("p.json", permit()))
    other = xa.json("permits", "publish", xa.file("q.json", permit(purpose="Z")), code=1)
    assert other["error"]["code"] == "DIFFERENT_CONTENT"
    foreign = xa.json("permits", "publish", xa.file("r.json", permit(issuer="XB")), code=1)
    assert foreign["error"]["code"] == "NOT_OURS"


def test_a_legacy_permit_is_marked(xa, permit):
    """Issued before the coverage began."""
    file = xa.file("p.json", permit(issued_on="2025-11-01", valid_from="2025-11-01", valid_until="2026-04-30"))
    xa.run("permits", "publish", "--legacy", file)
    assert "LEGACY" in xa.json("status", "XA", "26XA000123")["flags"]


def test_check_tells_the_rules_and_publishes_nothing(xa, permit):
    """Exit 1 where one blocks."""
    good = xa.json("permits", "check", xa.file("p.json", permit()))
    assert good["blocked"] is False
    bad = xa.json("permits", "check", xa.file("q.json", permit(valid_until=None)), code=1)
    assert bad["blocked"] is True
    assert any(finding["severity"] == "BLOCK" for finding in bad["findings"])
    assert "BLOCK" in xa.run("permits", "check", xa.config.home / "q.json", code=1).stdout
    assert xa.json("permits", "list")["permits"] == []


def test_show_tells_all_that_is_held(xa, permit, event):
    """Permit, status, events, findings, and the token at the node that issued it."""
    token = xa.json("permits", "publish", xa.file("p.json", permit()))["token"]
    xa.run("endorse", xa.file("e.json", event()))
    body = xa.json("permits", "show", "xa", " no. 26xa000123")
    assert body["permit"]["number"] == "26XA000123"
    assert body["status"]["status"] == "EXPORTED"
    assert [one["event_id"] for one in body["events"]] == ["ZRH-1"]
    assert body["events"][0]["matched"]["rung"] == 3
    assert [one["state"] for one in body["reconciliation"]] == ["EXPORTED_AWAITING"]
    assert body["findings"] == []
    assert body["token"] == token
    said = xa.run("permits", "show", "XA", "26XA000123").stdout
    assert "Terraria Import, XB" in said
    assert "ZRH-1" in said
    assert "number alone" in said
    assert "EXPORTED_AWAITING" in said


def test_show_of_a_number_that_is_not_held_is_a_no(xa):
    """Exit 1."""
    assert xa.json("permits", "show", "XA", "1", code=1)["error"]["code"] == "NOT_FOUND"


def test_an_ambiguous_number_asks_for_type_and_year(xa, permit):
    """Exit 2 with the candidates; with the year it is one."""
    old = permit(issued_on="2025-12-15", valid_from="2025-12-15", valid_until="2026-05-31", security_stamp="S2")
    xa.run("permits", "publish", xa.file("p.json", permit()), xa.file("q.json", old))
    body = xa.json("permits", "show", "XA", "26XA000123", code=2)
    assert [one["year"] for one in body["error"]["candidates"]] == [2025, 2026]
    assert xa.json("permits", "show", "XA", "26XA000123", "--year", "2025")["permit"]["issued_on"] == "2025-12-15"
    xa.run("permits", "withdraw", "26XA000123", "--reason", "lost", code=2)
    xa.run("permits", "withdraw", "26XA000123", "--reason", "lost", "--year", "2025")


def test_list_filters_and_pages(xa, permit):
    """By status, number and date; `next` continues."""
    numbers = ["1", "2", "3"]
    xa.run("permits", "publish", xa.file("p.json", [permit(number) for number in numbers]))
    xa.run("permits", "withdraw", "2", "--reason", "cancelled")

    def listed(*arguments):
        return [one["permit"]["number"] for one in xa.json("permits", "list", *arguments)["permits"]]

    assert listed() == numbers
    assert listed("--status", "revoked") == ["2"]
    assert listed("--number", "no. 3") == ["3"]
    assert listed("--from", "2026-03-02") == []
    first = xa.json("permits", "list", "--limit", "2")
    assert listed("--limit", "2", "--cursor", first["next"]) == ["3"]
    said = xa.run("permits", "list", "--limit", "2")
    assert [line.split()[2] for line in said.stdout.splitlines()] == ["number", "1", "2"]
    assert "--cursor" in said.stderr
    xa.run("permits", "list", "--status", "good", code=2)
    xa.run("permits", "list", "--cursor", "x", code=2)


def test_a_withdrawal_is_told_once_and_not_changed(xa, permit):
    """The same reason again is fine; another one is a no; replaced is only for replace."""
    xa.run("permits", "publish", xa.file("p.json", permit()))
    first = xa.json("permits", "withdraw", "26XA000123", "--reason", "lost", "--text", "in the post")
    assert first["created"] is True
    assert xa.json("permits", "withdraw", "26XA000123", "--reason", "lost") == {**first, "created": False}
    xa.run("permits", "withdraw", "26XA000123", "--reason", "stolen", code=1)
    xa.run("permits", "withdraw", "26XA000123", "--reason", "replaced", code=2)
    xa.run("permits", "withdraw", "1", "--reason", "lost", code=1)
    shown = xa.json("permits", "show", "XA", "26XA000123")
    assert (shown["events"][-1]["kind"], shown["events"][-1]["reason"]) == ("withdrawal", "lost")
    assert xa.json("status", "XA", "26XA000123", code=1)["status"] == "REVOKED"


def test_a_replacement_publishes_and_withdraws(xa, permit):
    """The old number answers with the new one."""
    xa.run("permits", "publish", xa.file("p.json", permit()))
    body = xa.json(
        "permits",
        "replace",
        "26XA000123",
        xa.file("q.json", permit("26XA000124", special_conditions="a page was torn")),
    )
    assert body["permit"]["number"] == "26XA000124"
    old = xa.json("status", "XA", "26XA000123", code=1)
    assert old["status"] == "REPLACED"
    assert old["replaced_by"]["number"] == "26XA000124"
    xa.run("permits", "replace", "26XA000123", xa.file("r.json", [permit("3"), permit("4")]), code=2)


def test_square_brackets_and_control_characters_of_a_number_are_text(xa, permit):
    """Foreign text neither paints nor is taken for markup."""
    xa.run("permits", "publish", xa.file("p.json", permit("26[red]XA")))
    assert "26[RED]XA" in xa.run("permits", "list").stdout


def test_a_permit_value_survives_the_command_line(xa, permit):
    """What went in comes out, but for what was left out."""
    given = permit_from_json(permit())
    xa.run("permits", "publish", xa.file("p.json", permit()))
    held = permit_from_json(xa.json("permits", "show", "XA", "26XA000123")["permit"])
    assert replace(held, legacy=given.legacy) == given
