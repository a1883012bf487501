"""`reference` and `rules`: what permits are checked by."""

from __future__ import annotations

import json
import sqlite3

import pytest

SUSPENSIONS = (
    "start_date,end_date,taxon_name,iso_code2,term,source,purpose,applies_to_import,kind,notification,notes\n"
    "2020-01-01,,Python regius,XA,,,,,cites,No. 2020/001,all trade\n"
    "2020-13-01,,Python regius,XA,,,,,cites,No. 2020/002,\n"
)


def test_loaded_data_are_used_from_the_next_permit_on(xa, permit):
    """Loading says what was not understood, listing how old it is, and a finding which data it rests on."""
    permits = xa.file("p.json", permit())
    assert "SUS-01" not in {one["rule"] for one in blocking(xa.json("permits", "check", permits))}
    file = xa.file("suspensions.csv", SUSPENSIONS.encode())
    report = xa.json("reference", "load", "suspensions", file, "--as-of", "2026-01-01")
    assert (report["taken"], report["refused"]) == (1, 1)
    assert report["edition"]["age_days"] == 60
    assert report["examples"][0]["row"] == 3
    listed = {one["data"]: one for one in xa.json("reference", "list")["reference"]}
    assert listed["suspensions"]["as_of"] == "2026-01-01"
    assert listed["species"]["source"] == "built in"
    found = blocking(xa.json("permits", "check", permits, code=1))
    (suspended,) = [one for one in found if one["rule"] == "SUS-01"]
    assert suspended["reference"] == {"data": "suspensions", "as_of": "2026-01-01", "age_days": 60}
    said = xa.run("permits", "check", permits, code=1).stdout
    assert "suspensions of 2026-01-01, 2 months old" in said


def blocking(body):
    return [one for one in body["findings"] if one["severity"] == "BLOCK"]


def test_people_are_told_what_a_load_did(xa):
    """How many rows, and why some were left out."""
    file = xa.file("suspensions.csv", SUSPENSIONS.encode())
    said = xa.run("reference", "load", "suspensions", file, "--as-of", "2026-01-01").stdout
    assert "taken    1" in said
    assert "row 3:" in said
    listed = xa.run("reference", "list")
    assert "suspensions" in listed.stdout
    assert "not loaded: " in listed.stderr


def test_a_list_that_does_not_say_its_day_is_asked_for_it(xa):
    """The command line lacks something, which is no negative answer; the message names the option."""
    file = xa.file("ownership.csv", b"party\nXB\n")
    result = xa.run("reference", "load", "ownership", file, code=2)
    assert "--as-of" in result.stderr


def test_what_a_load_replaces_is_told(xa):
    """Much less than before is worth a remark: a file may hold one class of animals only."""
    row = SUSPENSIONS.splitlines(keepends=True)[1]
    many = xa.file("many.csv", (SUSPENSIONS + row * 8).encode())
    assert xa.json("reference", "load", "suspensions", many, "--as-of", "2026-01-01")["replaced"] is None
    few = xa.file("few.csv", SUSPENSIONS.encode())
    result = xa.run("reference", "load", "suspensions", few, "--as-of", "2026-02-01")
    assert "in place of 9 rows of 2026-01-01 from many.csv" in result.stdout
    assert "only a part" in result.stderr


def test_what_is_no_reference_data_is_refused(xa, permit, tmp_path):
    """Exit 2, and what was loaded before stays."""
    xa.run("reference", "load", "quotas", xa.file("p.json", permit()), code=2)
    xa.run("reference", "load", "quotas", tmp_path / "nowhere.csv", code=2)
    xa.run("reference", "load", "weather", xa.file("p.json", permit()), code=2)
    assert not xa.config.reference_file.exists()


def test_a_damaged_file_of_reference_data_is_a_configuration_error(xa, permit):
    """It names the file, and what to do."""
    xa.config.reference_file.parent.mkdir(exist_ok=True)
    with sqlite3.connect(xa.config.reference_file) as connection:
        connection.execute("PRAGMA user_version = 99")
    result = xa.run("permits", "publish", xa.file("p.json", permit()), code=2)
    assert "reference.sqlite" in result.stderr


def test_without_a_node_the_built_in_data_are_listed(epix_node):
    """`reference list` and `rules` need nothing."""
    listed = json.loads(epix_node("reference", "list", "--json").stdout)["reference"]
    assert "species" in {one["data"] for one in listed}


def test_the_rules_are_listed_and_explained(epix_node):
    """By id, in any case; an unknown one is a no that names the nearest."""
    listed = json.loads(epix_node("rules", "list", "--json").stdout)
    assert {"VAL-01", "APP-02"} <= {rule["id"] for rule in listed["rules"]}
    assert "APP-02" in epix_node("rules", "list").stdout
    body = json.loads(epix_node("rules", "explain", "app-02", "--json").stdout)
    assert body["rule"]["citation"].startswith("Art. III")
    said = epix_node("rules", "explain", "APP-02").stdout
    assert "Citation:" in said
    assert "APP-02" in epix_node("rules", "explain", "APP-2", code=1).stderr


def test_national_measures_change_what_rules_say(xa, permit):
    """From `config/rules.toml`; a mistake in it is a configuration error."""
    measures = xa.config.path.parent / "rules.toml"
    measures.write_text('[rules.VAL-01]\nseverity_issue = "WARN"\nreason = "for a test"\n')
    long = xa.file("p.json", permit(valid_until="2027-08-31"))
    found = {one["rule"]: one for one in xa.json("permits", "publish", long)["findings"]}
    assert (found["VAL-01"]["severity"], found["VAL-01"]["national"]) == ("WARN", True)
    assert "for a test" in xa.run("rules", "explain", "VAL-01").stdout
    measures.write_text('[rules.VAL-1]\nseverity_issue = "WARN"\nreason = "for a test"\n')
    assert "rules.toml" in xa.run("permits", "publish", long, code=2).stderr


@pytest.mark.parametrize("days", [100, 4000])
def test_the_doctor_tells_the_age_of_the_data(xa, days):
    """Old or absent data are a warning."""
    from datetime import date, timedelta

    file = xa.file("suspensions.csv", SUSPENSIONS.encode())
    day = date(2026, 3, 2) - timedelta(days=days)
    xa.run("reference", "load", "suspensions", file, "--as-of", day)
    checks = xa.json("doctor", code=xa.run("doctor", code=0).exit_code)["checks"]
    (check,) = [one for one in checks if one["name"] == "reference data"]
    assert check["state"] == "WARN"
    assert f"suspensions of {day}" in check["message"]
    assert ("10 years old" in check["message"]) is (days == 4000)
    assert "no quotas" in check["message"]
