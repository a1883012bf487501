"""`permits`: the formats that go in and come out, with and without a node."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest

from epix_node.permit.json import permit_from_json
from epix_node.permit.xml.reader import read_permit_bytes
from epix_node.permit.xml.soap import write_soap
from tests.stores import lose_store

SHARED = Path(__file__).parents[2].parent / "shared" / "data"


@pytest.fixture
def soap(permit):
    """The permit as another system sends it."""
    return write_soap(permit_from_json(permit()))


def rows(text: str | bytes) -> list[dict[str, str]]:
    if isinstance(text, bytes):
        text = text.decode()
    return list(csv.DictReader(io.StringIO(text.removeprefix("\ufeff"))))


def as_csv(epix_node, tmp_path, *permits) -> bytes:
    """These permits as CSV, by the command."""
    given, made = tmp_path / "given.json", tmp_path / "made.csv"
    given.write_text(json.dumps(list(permits)))
    epix_node("permits", "convert", given, "--to", "csv", "--out", made)
    return made.read_bytes()


def test_a_soap_response_is_published_like_the_permit_in_it(xa, permit, soap):
    """XML inside SOAP, bare XML and JSON of one permit are the same content."""
    first = xa.json("permits", "publish", xa.file("p.json", permit()))
    again = xa.json("permits", "publish", xa.file("p.soap", soap))
    assert (again["created"], again["document"]) == (False, first["document"])
    assert again["format"] == "toolkit-v2"


def test_every_permit_of_a_csv_file_is_published(xa, permit, epix_node, tmp_path):
    """Each with its rows; one that cannot be read keeps no other out, and the answer is one JSON list."""
    two_lines = permit("2", lines=[permit()["lines"][0], {**permit()["lines"][0], "block": "B", "quantity": "0.5"}])
    data = as_csv(epix_node, tmp_path, permit("1"), two_lines, permit("3"))
    file = xa.file("p.csv", data)
    body = xa.json("permits", "publish", file)
    assert [one["permit"]["number"] for one in body] == ["1", "2", "3"]
    assert [one["rows"] for one in body] == [[2, 2], [3, 4], [5, 5]]
    assert [one["input"] for one in body] == [f"{file}[{n}]" for n in (1, 2, 3)]
    said = xa.run("permits", "publish", "-", stdin=data).stdout
    assert said.count("was published before with the same content") == 3
    broken = data.replace(b",3,XA,2026-03-01,", b",3,XA,2026-02-30,")
    body = xa.json("permits", "publish", xa.file("q.csv", broken), code=2)
    assert [("error" in one) for one in body] == [False, False, True]


def test_a_csv_file_that_breaks_off_is_one_more_refusal(xa, permit, epix_node, tmp_path):
    """What stands before the place is published."""
    data = as_csv(epix_node, tmp_path, permit("1"), permit("2"))
    body = xa.json("permits", "publish", xa.file("p.csv", data + b"\xff\xfe\n"), code=2)
    assert body[-1]["error"]["code"] == "NOT_UTF8"
    assert body[0]["permit"]["number"] == "1"


def test_a_file_of_thousands_of_permits_is_checked_as_it_is_read(permit, epix_node, tmp_path):
    """Nothing of the first is kept when the last is checked: the answer begins before the file ends."""
    data = as_csv(epix_node, tmp_path, permit("1"))
    header, row = data.splitlines(keepends=True)[:2]
    many = header + b"".join(row.replace(b",1,XA,", f",{n},XA,".encode()) for n in range(1, 301))
    result = epix_node("permits", "check", "-", "--json", stdin=many)
    assert len(json.loads(result.stdout)) == 300


def test_the_template_is_a_file_that_can_be_published(xa, epix_node, tmp_path):
    """Headings and an example, on standard output or in a file."""
    written = tmp_path / "form.csv"
    epix_node("permits", "template", "--csv", "--out", written)
    assert epix_node("permits", "template", "--csv").stdout_bytes == written.read_bytes()
    assert {"number", "issuer", "taxon", "quantity"} <= set(rows(written.read_bytes())[0])
    body = xa.json("permits", "check", written)
    assert body[0]["format"] == "csv"
    guide = epix_node("permits", "template", "--csv", "--guide").stdout_bytes.decode()
    assert "| `quantity` |" in guide
    epix_node("permits", "template", code=2)


@pytest.mark.parametrize("form", ["v2", "soap", "json", "csv"])
def test_a_permit_is_the_same_in_every_format(xa, permit, epix_node, tmp_path, form):
    """There and back again: JSON to the format and from it to JSON."""
    there, back = tmp_path / "there", tmp_path / "back"
    given = xa.file("p.json", permit())
    epix_node("permits", "convert", given, "--to", form, "--out", there)
    epix_node("permits", "convert", there, "--to", "json", "--out", back)
    again = json.loads(back.read_text())
    (again,) = again if isinstance(again, list) else (again,)
    expected = epix_node("permits", "convert", given, "--to", "json").stdout
    assert again == json.loads(expected)


def test_several_permits_as_xml_need_a_directory(permit, epix_node, tmp_path):
    """Each in a file named after it, whatever the number holds; one alone may be a file."""
    given = tmp_path / "given.json"
    given.write_text(json.dumps([permit("../1"), permit(".. 1"), permit("3")]))
    assert "--out" in epix_node("permits", "convert", given, "--to", "v2", code=2).stderr
    epix_node("permits", "convert", given, "--to", "v2", "--out", tmp_path / "xml")
    names = sorted(path.name for path in (tmp_path / "xml").iterdir())
    assert len(names) == 3
    assert all(name.startswith("XA-E-") and name.endswith(".xml") for name in names)
    numbers = {read_permit_bytes(path.read_bytes()).permit.number for path in (tmp_path / "xml").iterdir()}
    assert numbers == {"../1", ".. 1", "3"}


def test_what_cannot_be_converted_is_told_and_the_rest_is_written(permit, epix_node, tmp_path):
    """Exit 2."""
    good, bad = tmp_path / "good.json", tmp_path / "bad.json"
    good.write_text(json.dumps(permit()))
    bad.write_text('{"type": "E"}')
    result = epix_node("permits", "convert", bad, good, tmp_path / "no.json", "--to", "json", code=2)
    assert [one["number"] for one in json.loads(result.stdout)] == ["26XA000123"]
    assert str(bad) in result.stderr
    assert "no.json" in result.stderr


def test_a_held_permit_is_written_in_every_format(xa, permit):
    """`show --as`: only the permit."""
    xa.run("permits", "publish", xa.file("p.json", permit()))
    number = ("XA", "26XA000123")
    assert json.loads(xa.run("permits", "show", *number, "--as", "json").stdout)["number"] == "26XA000123"
    v2 = xa.run("permits", "show", *number, "--as", "v2").stdout_bytes
    assert read_permit_bytes(v2).permit.number == "26XA000123"
    assert b"Envelope" in xa.run("permits", "show", *number, "--as", "soap").stdout_bytes
    assert rows(xa.run("permits", "show", *number, "--as", "csv").stdout_bytes)[0]["number"] == "26XA000123"
    out = xa.config.home / "permit.xml"
    xa.run("permits", "show", *number, "--as", "v2", "--out", out)
    assert out.read_bytes() == v2
    xa.run("permits", "show", *number, "--out", out, code=2)
    xa.run("permits", "show", *number, "--as", "v2", "--out", out / "nowhere", code=2)
    assert xa.run("permits", "show", "XA", "1", "--as", "v2", code=1)


def test_a_check_needs_no_node(permit, epix_node, tmp_path):
    """The same findings as a node has, but for what only a node knows; a remark says by what it was checked."""
    file = tmp_path / "p.json"
    file.write_text(json.dumps(permit(valid_until="2027-08-31")))
    result = epix_node("permits", "check", file, "--json", code=1)
    body = json.loads(result.stdout)
    assert "VAL-01" in {finding["rule"] for finding in body["findings"] if finding["severity"] == "BLOCK"}
    assert (body["stage"], body["blocked"]) == ("issue", True)
    assert body["reference"][0]["data"] == "species"
    assert "no configuration here" in result.stderr
    epix_node("--config", tmp_path / "none.toml", "permits", "check", file, code=2)


def test_a_check_explains_a_finding_to_people(xa, permit):
    """Rule, severity, box, what is there, what is expected, the provision, and what was not checked in one line."""
    said = xa.run("permits", "check", xa.file("p.json", permit(valid_until="2027-08-31")), code=1).stdout
    (at,) = [n for n, line in enumerate(said.splitlines()) if "VAL-01" in line]
    lines = said.splitlines()
    assert lines[0] == "XA E 26XA000123 BLOCK at issue"
    assert lines[at].startswith("  BLOCK VAL-01 box 2")
    assert lines[at + 1].strip().startswith("is 2027-08-31; expected ")
    assert "Art. VI" in lines[at + 2]
    assert sum("not checked:" in line for line in lines) == 1


def test_permits_of_others_are_checked_as_they_arrive(xa, permit):
    """Unless asked otherwise."""
    parties = {"exporter": permit()["importer"], "importer": permit()["exporter"]}
    foreign = permit("26XB000123", issuer="XB", **parties)
    file = xa.file("p.json", foreign)
    assert xa.json("permits", "check", file)["stage"] == "receipt"
    assert xa.json("permits", "check", file, "--stage", "issue")["stage"] == "issue"


def test_a_check_looks_whether_the_stamp_is_taken(xa, permit):
    """Where the database can be read; otherwise that is not checked."""
    xa.run("permits", "publish", xa.file("p.json", permit()))
    twin = xa.file("q.json", permit("26XA000124", security_stamp="XA-26XA000123"))
    rules = {one["rule"]: one["severity"] for one in xa.json("permits", "check", twin, code=1)["findings"]}
    assert rules["STP-01"] == "BLOCK"
    lose_store(xa.config)
    rules = {one["rule"]: one["severity"] for one in xa.json("permits", "check", twin)["findings"]}
    assert rules["STP-01"] == "NOT_CHECKED"


def test_a_legacy_permit_of_the_covered_time_is_refused(xa, permit):
    """Exit 1; the message says from which day on. `check --legacy` blocks only for what cannot be counted."""
    body = xa.json("permits", "publish", "--legacy", xa.file("p.json", permit()), code=1)
    assert body["error"]["code"] == "UNACCEPTABLE"
    assert "2026-03-01" in body["error"]["message"]
    long = xa.file("q.json", permit(issued_on="2025-11-01", valid_from="2025-11-01", valid_until="2026-09-30"))
    xa.run("permits", "check", long, code=1)
    assert "REFER at issue and not refused, as a legacy document" in xa.run("permits", "check", "--legacy", long).stdout
    xa.run("permits", "publish", "--legacy", long)
    assert "the register proves it from then on" in xa.run("permits", "show", "XA", "26XA000123").stdout


def test_show_tells_what_the_rules_said(xa, permit):
    """As it was at issue."""
    published = xa.json("permits", "publish", xa.file("p.json", permit()))
    checks = xa.json("permits", "show", "XA", "26XA000123")["checks"]
    assert checks["findings"] == published["findings"]
    assert checks["reference"] == published["reference"]
    assert (checks["stage"], checks["checked_at"]) == ("issue", "2026-03-02T08:00:00Z")
    assert (
        "checked on issue, 2026-03-02T08:00:00Z, by conf-12.3-revCoP19:"
        in xa.run("permits", "show", "XA", "26XA000123").stdout
    )


@pytest.mark.skipif(not SHARED.is_dir(), reason="needs ../shared/data beside the checkout")
def test_a_real_response_is_read_with_its_deviations_grouped(epix_node):
    """Programs get each, people how many of each kind."""
    file = SHARED / "permit-xml" / "epix-hub-fixture-v2.xml"
    result = epix_node("permits", "check", file, "--json", code=1)
    body = json.loads(result.stdout)
    assert len(body["strict_deviations"]) > 20
    said = epix_node("permits", "check", file, code=1).stdout
    assert " × " in said
    assert len(said.splitlines()) < 80


def test_a_list_that_ends_early_is_one_json_value_all_the_same(xa, permit, monkeypatch):
    """Its last item is the error: what was done before it was done."""
    from epix_node.acts import publish as acts

    publish = acts.publish

    def once(office, given, *, now):
        if given.number == "2":
            raise RuntimeError("on purpose")
        return publish(office, given, now=now)

    monkeypatch.setattr(acts, "publish", once)
    file = xa.file("p.json", [permit("1"), permit("2"), permit("3")])
    body = json.loads(xa.run("permits", "publish", file, "--json", code=5).stdout)
    assert [one.get("permit", {}).get("number") for one in body] == ["1", None]
    assert body[-1] == {"error": {"code": "UNEXPECTED"}}
    alone = xa.run("permits", "publish", xa.file("q.json", permit("2")), "--json", code=5)
    assert json.loads(alone.stdout)["error"]["code"] == "UNEXPECTED"
