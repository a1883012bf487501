"""`report rejected`: what the Secretariat is told of rejected permits."""

from __future__ import annotations

import csv
import json
from datetime import timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from epix_node.acts import report
from epix_node.node import open_node

NAMES = ("Reptiles Export", "Terraria Import", "Harbour Road", "A. Officer")


@pytest.fixture
def border(xa, permit, event):
    """A week at the border of XA, which issued and receives everything here itself."""
    numbers = ("26XA1", "26XA2", "26XA3", "26XA4", "26XA5", "26XA6")
    xa.run("permits", "publish", *(xa.file(f"p-{number}.json", permit(number)) for number in numbers))
    xa.run("permits", "withdraw", "26XA4", "--reason", "stolen")
    xa.clock.set(xa.clock() + timedelta(days=7))
    day = {"date": "2026-03-08"}
    lines = [
        {"block": "A", "quantity": "7", "unit": "NAR", "outcome": "released"},
        {"block": "A", "quantity": "5", "unit": "NAR", "outcome": "seized"},
    ]
    happened = [
        event("EV-1", "26XA1", outcome="refused", lines=[], date="2026-03-03"),
        event("EV-2", "26XA2", outcome="partly-released", lines=lines, **day),
        event("EV-3", "26XA3", outcome="released", **day),
        event("EV-4", "26XA4", outcome="returned", **day),
        event("EV-5", "26XA5", outcome="released", presented={"exporter": {"name": "Somebody Else"}}, **day),
        event("EV-6", "=26XA99", outcome="seized", **day),
        event("EV-7", "26XA6", outcome="refused", **day),
    ]
    xa.run("confirm", *(xa.file(f"c-{one['event_id']}.json", one) for one in happened))
    return xa


def entries(country, *arguments: object) -> list[dict[str, Any]]:
    return country.json("report", "rejected", "--out", country.config.home / "report", *arguments)["rejected"]


def told(found: list[dict[str, Any]]) -> list[tuple[str, str]]:
    return [(one["permit"]["number"], one["what"]) for one in found]


def test_what_was_turned_away_or_differed_is_listed(border):
    """Refused, seized in part, returned, with a paper that says something else, and for a number that is unknown."""
    assert told(entries(border)) == [
        ("26XA1", "refused"),
        ("26XA2", "seized"),
        ("26XA4", "returned"),
        ("26XA5", "differs"),
        ("26XA6", "refused"),
        ("=26XA99", "seized"),
    ]


def test_an_entry_says_what_when_where_and_proves_it(border):
    """Goods as counted; the documents of permit and event, each with its register and entry."""
    seized = next(one for one in entries(border) if one["what"] == "seized")
    assert seized["permit"] == {"issuer": "XA", "type": "E", "number": "26XA2", "year": 2026}
    assert (seized["issued_on"], seized["office"], seized["date"]) == ("2026-03-01", "ZRH", "2026-03-08")
    assert seized["goods"] == [{"block": "A", "taxon": "Python regius", "term": "LIV", "quantity": "5", "unit": "NAR"}]
    assert seized["sentence"] == "Permit XA E 26XA2: ZRH seized the goods on 2026-03-08."
    kinds = [one["kind"] for one in seized["evidence"]]
    assert kinds == ["import-confirmation", "permit"]
    assert all(one["register"]["origin"] and one["register"]["index"] is not None for one in seized["evidence"])
    refused = entries(border)[0]
    assert refused["goods"][0]["quantity"] == "12"


def test_nobody_is_named(border):
    """Neither in the files nor in the answer, also where a name is what differs."""
    body = border.json("report", "rejected", "--out", border.config.home / "report")
    texts = [json.dumps(body), *(Path(file).read_text("utf-8") for file in body["files"])]
    for text in texts:
        assert not [name for name in (*NAMES, "Somebody Else") if name in text]
    differing = next(one for one in body["rejected"] if one["what"] == "differs")
    assert "exporter.name" in differing["sentence"]


def test_a_finding_of_class_a_is_listed_with_its_sentence(border, event):
    """Once it is open; and once, where an event of this Party is its evidence, as the reason of that."""
    border.run("permits", "withdraw", "26XA3", "--reason", "lost")
    border.clock.set(border.clock() + timedelta(days=7))
    border.run("confirm", border.file("c.json", event("EV-9", "26XA3", outcome="released", date="2026-03-15")))
    border.clock.set(border.clock() + timedelta(days=2))
    border.run("reconcile")
    (wanted,) = border.json("findings", "--pattern", "FRD-03", "--number", "26XA3")["findings"]
    assert wanted["class"] == "A"
    of_number = [one for one in entries(border) if one["permit"]["number"] == "26XA3" and one["reasons"]]
    (frd03,) = (one for one in of_number if one["reasons"][0]["rule"] == "FRD-03")
    assert frd03["what"] == "finding"
    assert frd03["reasons"] == [
        {"rule": "FRD-03", "class": "A", "sentence": wanted["summary"], "finding": wanted["id"]}
    ]
    assert frd03["evidence"] == wanted["evidence"]


def test_the_days_narrow_it(border):
    """Both of them count as well; the files bear them."""
    assert told(entries(border, "--until", "2026-03-03")) == [("26XA1", "refused")]
    assert ("26XA1", "refused") not in told(entries(border, "--since", "2026-03-04"))
    body = border.json("report", "rejected", "--since", "2026-03-03", "--until", "2026-03-03", "--out", "out")
    assert [Path(file).name for file in body["files"]] == [
        "rejected-XA-2026-03-03-to-2026-03-03.json",
        "rejected-XA-2026-03-03-to-2026-03-03.csv",
    ]
    border.run("report", "rejected", "--since", "2026-03-04", "--until", "2026-03-03", code=2)


def test_the_table_is_for_spreadsheets(border):
    """A row for each line of goods; no cell runs as a formula."""
    body = border.json("report", "rejected", "--out", border.config.home / "report")
    with Path(body["files"][1]).open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == len(body["rejected"])
    (unknown,) = (row for row in rows if row["number"].endswith("26XA99"))
    assert unknown["number"] == "'=26XA99"
    (seized,) = (row for row in rows if row["number"] == "26XA2")
    assert (seized["quantity"], seized["unit"], seized["taxon"]) == ("5", "NAR", "Python regius")
    assert seized["evidence"].count("#") == 2


def test_the_signed_documents_come_with_it_where_that_is_asked_for(border):
    """Exact bytes, by their digests."""
    body = border.json("report", "rejected", "--out", border.config.home / "report", "--with-documents")
    named = {one["document"] for entry in body["rejected"] for one in entry["evidence"]}
    copies = [Path(file) for file in body["files"] if file.endswith(".xml")]
    assert {path.stem for path in copies} == named
    assert all(sha256(path.read_bytes()).hexdigest() == path.stem for path in copies)


def test_what_was_taken_back_is_not_listed(border):
    """A corrected event is no fact any more."""
    with open_node(border.config) as node:
        report.correct(node.office, event_id="EV-8", supersedes="EV-7", read_event=None, now=border.clock())
    assert ("26XA6", "refused") not in told(entries(border))


def test_where_nothing_was_rejected_that_is_said(xa):
    """The files are there all the same."""
    result = xa.run("report", "rejected", "--out", xa.config.home / "report")
    assert "nothing was rejected" in result.stderr
    assert len(list((xa.config.home / "report").iterdir())) == 2
