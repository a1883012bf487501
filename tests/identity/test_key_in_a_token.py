"""A node whose signing key lives in a token: SoftHSM2 stands for the HSM."""

from __future__ import annotations

import json
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from typer.testing import CliRunner

from epix_node.cli.main import app
from epix_node.config import Config
from epix_node.errors import KeyMaterialError
from epix_node.identity.hsm import TokenSettings
from epix_node.identity.key_box import KeyBox
from epix_node.store.database import Database
from tests.cli.conftest import logs_as_before, permit_json
from tests.softhsm import PIN, TOKEN, UNOPENED, module

__all__ = ["logs_as_before"]


class Machine:
    """A machine with a token and a node, and whoever types commands there. The key's label is this test's own."""

    def __init__(self, config: Config, label: str) -> None:
        self.config = config
        self.label = label

    def run(self, *arguments: object, code: int = 0) -> Result:
        result = CliRunner().invoke(app, ["--config", str(self.config.path), *map(str, arguments)])
        assert result.exit_code == code, f"exit {result.exit_code}\n{result.stdout}\n{result.stderr}"
        return result

    def json(self, *arguments: object, code: int = 0) -> Any:
        return json.loads(self.run(*arguments, "--json", code=code).stdout)


@pytest.fixture
def machine(config: Config, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Machine:
    pin = tmp_path / "pin"
    pin.write_bytes(PIN + b"\n")
    pin.chmod(0o600)
    settings = {"PKCS11_MODULE": module(), "PKCS11_TOKEN": TOKEN, "PKCS11_KEY": tmp_path.name, "PIN_FILE": pin}
    for name, value in settings.items():
        monkeypatch.setenv(f"EPIX_KEYS__{name}", str(value))
    return Machine(config, tmp_path.name)


def signing_keys(machine: Machine) -> list[dict[str, Any]]:
    return [key for key in machine.json("keys", "list")["keys"] if key["name"] == "signing"]


def test_a_node_signs_in_its_token(machine: Machine):
    """Made there, announced, used; the file that signed before may be taken away, and another node would verify."""
    machine.run("keys", "generate", "signing", "--in-token")
    assert [key["status"] for key in signing_keys(machine)] == ["active", "not announced"]
    machine.run("keys", "rotate", "signing")
    new, old = signing_keys(machine)
    assert (new["current"], new["status"], new["private"]) == (True, "active", f"key '{machine.label}' in token 'epix'")
    assert (old["current"], old["status"]) == (False, "retiring")
    machine.config.key_files.signing_key.unlink()
    permit, document = machine.config.home / "permit.json", machine.config.home / "document.xml"
    permit.write_text(json.dumps(permit_json()))
    machine.run("permits", "publish", permit)
    with closing(Database(machine.config.store_url)) as database:
        document.write_bytes(database.point("SELECT xml FROM document", ())[0])
    verdict = machine.json("verify", document)
    assert (verdict["signature"], verdict["verdict"]) == ("VALID", "VALID")
    told = machine.json("doctor")["checks"]
    assert next(check for check in told if check["name"] == "certificate")["message"].startswith(
        f"key '{machine.label}'"
    )


def test_the_next_key_in_the_token_has_a_label_of_its_own(machine: Machine):
    """The old one stays there: the overlap of a rotation needs both."""
    for _ in range(2):
        machine.run("keys", "rotate", "signing", "--in-token")
    places = [key["private"] for key in signing_keys(machine)]
    assert places[:2] == [f"key '{machine.label}{ending}' in token 'epix'" for ending in ("-3", "")]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"EPIX_KEYS__PIN_FILE": "", "EPIX_KEYS__PKCS11_TOKEN": UNOPENED, "EPIX_KEY_PIN": "0000"}, "the PIN is wrong"),
        ({"EPIX_KEYS__PIN_FILE": ""}, "needs the token's PIN"),
        ({"EPIX_KEYS__PKCS11_TOKEN": "gone"}, "there is no token 'gone'"),
        ({"EPIX_KEYS__PKCS11_MODULE": "/nonexistent.so"}, "cannot be loaded"),
        ({"EPIX_KEYS__PKCS11_KEY": "gone"}, "nor is it in token 'epix'"),
    ],
)
def test_a_token_that_cannot_be_used_is_exit_3(machine: Machine, monkeypatch, change, said):
    """One sentence, without the PIN; `serve` ends as every other command does."""
    machine.run("keys", "rotate", "signing", "--in-token")
    machine.config.key_files.signing_key.unlink()
    for name, value in change.items():
        monkeypatch.setenv(name, value)
    refused = machine.run("serve", code=3).stderr
    assert said in refused
    assert "0000" not in refused


def test_without_the_extra_there_is_a_sentence(monkeypatch, config):
    """Most nodes have no token, and nothing that speaks to one."""
    monkeypatch.setitem(sys.modules, "epix_node.trust.pkcs11", None)
    monkeypatch.delattr("epix_node.trust.pkcs11", raising=False)
    own = KeyBox.of(config)
    token = TokenSettings(module=Path("/usr/lib/hsm.so"), token="epix", key="signing")
    config.key_files.signing_key.unlink()
    other = KeyBox(config.key_files, own.opener, party="XA", token=token)
    with pytest.raises(KeyMaterialError, match=r"install `epix-node\[hsm\]`"):
        other.newest_signing()
