"""The countries of a demonstration."""

from __future__ import annotations

import socket
import stat
from contextlib import closing
from datetime import UTC, datetime

import pytest

from epix_node.config import load_config
from epix_node.demo.country import FICTIONAL, choose_parties, choose_ports, found_countries, found_trust_list
from epix_node.errors import ConfigError
from epix_node.identity.role import own_version
from epix_node.permit.codes import code_lists
from epix_node.store import clients
from epix_node.store.answers import PointReader
from epix_node.store.database import Database
from epix_node.trust.refresh import refresh
from epix_node.trust.trust_list import bootstrap

NOW = datetime(2026, 3, 2, 8, tzinfo=UTC)


def test_fictional_countries_come_first_and_real_ones_after_them():
    """Contract 1: XA to XZ without XK, XV and XX are 23, beyond them ISO codes."""
    assert len(FICTIONAL) == 23
    assert choose_parties(3) == ("XA", "XB", "XC")
    many = choose_parties(200)
    assert many[:23] == FICTIONAL
    assert len(set(many)) == 200
    assert all(code in code_lists().countries for code in many)
    assert not {"XK", "XV", "XX", "HS", "ZZ", "AA"} & set(many)


@pytest.mark.parametrize("number", [0, -1, 1000])
def test_an_impossible_number_of_countries_is_refused(number):
    """As a mistake on the command line."""
    with pytest.raises(ConfigError, match="--parties"):
        choose_parties(number)


def test_free_ports_are_distinct():
    """Each node and the Secretariat listen on their own."""
    assert len(set(choose_ports(20, first=None))) == 20


def test_a_port_that_is_taken_is_named():
    """Before anything is made."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(ConfigError, match=f"port {port}"):
            choose_ports(1, first=port)
    with pytest.raises(ConfigError, match="no 3 ports"):
        choose_ports(3, first=65534)


def test_countries_know_each_other_and_have_their_clients(tmp_path):
    """What init, admit and clients add would leave on disk."""
    clock = tmp_path / "clock"
    ports = choose_ports(2, first=None)
    secretariat = found_trust_list(tmp_path / "secretariat", now=NOW)
    there = "http://127.0.0.1:1/tuf"
    found = found_countries(
        tmp_path, ("XA", "XB"), ports, secretariat=secretariat, trust_list=there, now=NOW, clock=clock
    )
    listed = refresh(bootstrap(secretariat.root(), "sandbox"), secretariat.files.fetch, NOW).trust_list
    assert list(listed.parties) == ["XA", "XB"]
    for country, port in zip(found, ports, strict=True):
        config = load_config(country.config, {})
        assert config.shared_clock == clock
        assert config.federation.trust_list == there
        assert config.root_file.read_bytes() == secretariat.root()
        assert config.party.environment == "sandbox"
        assert config.party.coverage[0].issued_from == NOW.date()
        assert country.url == f"http://127.0.0.1:{port}"
        assert set(country.tokens) == {"authority", "customs", "auditor"}
        assert stat.S_IMODE(config.key_files.log_key.stat().st_mode) == 0o600
        database = Database(config.store_url)
        try:
            own = database.read_now(own_version)
            assert own is not None
            assert own.role == listed.parties[country.party].role
            with closing(PointReader(database.point_reader())) as reader:
                for role, token in country.tokens.items():
                    client = reader.client(clients.token_hash(token))
                    assert client is not None
                    assert client.role == role
        finally:
            database.close()
