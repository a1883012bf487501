"""Whoever looks after a country's keys, with the commands of the node and a node that does not run."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from epix_node.demo.country import Country, choose_ports, found_countries, found_trust_list
from epix_node.demo.custodian import Custodian
from epix_node.errors import PeerProtocolError, PeerRefusedError

NOW = datetime(2026, 3, 2, 8, tzinfo=UTC)


def found(directory: Path) -> Country:
    secretariat = found_trust_list(directory / "secretariat", now=NOW)
    (country,) = found_countries(
        directory,
        ("XA",),
        choose_ports(1, first=None),
        secretariat=secretariat,
        trust_list="http://127.0.0.1:1/tuf",
        now=NOW,
        clock=None,
    )
    return country


async def test_what_the_real_command_refuses_is_told_with_the_party_and_the_reason(tmp_path):
    """Here, revoking a key that nobody has. What it grants is played in ``test_demo``."""
    custodian = Custodian(found(tmp_path))
    assert len(custodian.newest_key()) == 64
    with pytest.raises(
        PeerRefusedError, match=r"keys revoke of XA ended with 1: .*no signing or transport key"
    ) as told:
        await custodian.revoke("0" * 8, since=NOW, reason="stolen")
    assert told.value.party == "XA"


async def test_a_command_that_prints_something_else_is_told(tmp_path, monkeypatch):
    """Not as a traceback: the demonstration ends with one sentence."""
    monkeypatch.setattr("epix_node.demo.custodian.command_line", lambda *_: ("echo", "done"))
    custodian = Custodian(Country(party="XA", url="http://127.0.0.1:1", config=tmp_path / "none", tokens={}))
    with pytest.raises(PeerProtocolError, match="keys rotate of XA printed no JSON"):
        await custodian.rotate()
    monkeypatch.setattr("epix_node.demo.custodian.command_line", lambda *_: ("echo", "[]"))
    with pytest.raises(PeerProtocolError, match="names no key"):
        await custodian.rotate()
