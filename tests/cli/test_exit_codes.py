"""What a failed command says, and with which code it ends (contract 2)."""

from __future__ import annotations

import importlib
import json
import pkgutil
from collections.abc import Iterator

import pytest
import typer

import epix_node as package
from epix_node.cli import main
from epix_node.cli.exits import ExitCode, gravest
from epix_node.cli.failures import EXIT_CODES, exit_code
from epix_node.errors import ConfigError, EpixError, KeyMaterialError, PeerUnreachableError


def every_error(class_: type[EpixError] = EpixError) -> Iterator[type[EpixError]]:
    yield class_
    for below in class_.__subclasses__():
        yield from every_error(below)


def test_every_error_has_an_exit_code():
    """Wherever in the program a class is added, this table has to say how a command ends that raises it."""
    for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
        if not module.name.endswith("__main__") and ".migrations" not in module.name:
            importlib.import_module(module.name)
    own = {error for error in every_error() if error.__module__.startswith("epix_node")}
    assert own == set(EXIT_CODES)


def test_the_codes_are_those_of_the_contract():
    """The ones that scripts rely on most."""
    assert exit_code(ConfigError("x")) == 2
    assert exit_code(KeyMaterialError("x")) == 3
    assert exit_code(PeerUnreachableError("x", party="XB")) == 4
    assert [int(code) for code in ExitCode] == [0, 1, 2, 3, 4, 5, 6]


def test_the_gravest_outcome_is_the_code_of_a_command_that_did_several_things():
    """A refusal outweighs what cannot be said, and nothing done is done."""
    assert gravest([ExitCode.OK, ExitCode.CANNOT_SAY, ExitCode.NEGATIVE]) is ExitCode.NEGATIVE
    assert gravest([ExitCode.OK, ExitCode.OK]) is ExitCode.OK
    assert gravest([]) is ExitCode.OK


@pytest.fixture
def broken(monkeypatch):
    """A command that raises whatever it is given."""
    raised: list[BaseException] = []

    def fail(context: typer.Context, *, _json: main.permits.JsonOption = False) -> None:
        raise raised[0]

    name = "break"
    main.app.command(name=name)(fail)
    yield raised
    main.app.registered_commands[:] = [one for one in main.app.registered_commands if one.name != name]


def test_a_mistake_of_the_program_is_told_shortly_and_logged_at_length(broken, epix_node):
    """Exit 5; the traceback is in the log, not among the words for people."""
    broken.append(RuntimeError("the impossible"))
    result = epix_node("break", code=5)
    assert result.stdout == ""
    log, said = result.stderr.splitlines()
    assert "RuntimeError: the impossible" in json.loads(log)["exception"]
    assert said.startswith("epix-node: unexpected: RuntimeError.")


def test_a_failed_command_with_json_still_answers_with_one_value(broken, epix_node):
    """Code and message, as in a problem of the HTTP interface."""
    broken.append(PeerUnreachableError("XB does not answer", party="XB"))
    result = epix_node("break", "--json", code=4)
    assert json.loads(result.stdout) == {
        "error": {"code": "PEER_UNREACHABLE", "message": "XB does not answer", "party": "XB"}
    }
    assert result.stderr == "epix-node: XB does not answer\n"
    broken[0] = RuntimeError("s3cret")
    assert json.loads(epix_node("break", "--json", code=5).stdout)["error"]["code"] == "UNEXPECTED"


def test_an_interrupted_command_ends_as_the_shell_expects(broken, epix_node):
    """128 + SIGINT."""
    broken.append(KeyboardInterrupt())
    epix_node("break", code=130)


def test_control_characters_of_a_message_do_not_reach_the_terminal(broken, epix_node):
    """A foreign text cannot paint on the screen."""
    broken.append(ConfigError("bad \x1b[31mtext\x07"))
    assert "\x1b" not in epix_node("break", code=2).stderr


def test_wrong_usage_is_exit_2(epix_node):
    """Unknown commands, options and values."""
    for arguments in (
        ["frobnicate"],
        ["--frobnicate"],
        ["status", "XA"],
        ["status", "X", "1"],
        ["verify", "--at", "x"],
    ):
        epix_node(*arguments, code=2)


def test_without_configuration_a_command_says_where_it_looked(epix_node):
    """Exit 2, and what to do."""
    result = epix_node("status", "XA", "1", code=2)
    assert "config/epix-node.toml: no such file. Make a node with `epix-node init`" in result.stderr


def test_the_configuration_is_found_through_the_variable(xa, epix_node, monkeypatch):
    """EPIX_CONFIG, and settings as variables."""
    monkeypatch.setenv("EPIX_CONFIG", str(xa.config.path))
    epix_node("clients", "list")
    monkeypatch.setenv("EPIX_STORE__URL", "sqlite:///data/other.sqlite")
    assert "there is no database" in epix_node("clients", "list", code=2).stderr


def test_lost_keys_are_exit_3(xa):
    """For every command that needs them; the message names the file."""
    xa.config.key_files.log_key.unlink()
    assert "log-key.pem does not exist" in xa.run("status", "XA", "1", code=3).stderr
    assert xa.json("keys", "list", code=3)["error"]["code"] == "KEY_MATERIAL"


def test_version_and_help_need_no_node(epix_node):
    """And every command has a help text of its own."""
    assert epix_node("--version").stdout.startswith("epix-node ")
    assert "permits" in epix_node("--help").stdout
    group = typer.main.get_command(main.app)
    for name, one in group.commands.items():
        assert one.help, name
        for inner, below in getattr(one, "commands", {}).items():
            assert below.help, f"{name} {inner}"
            epix_node(name, inner, "--help")


def test_every_reporting_command_takes_json():
    """Contract 2; `serve` runs, `federation request` writes JSON anyway, and two commands write permits."""
    group = typer.main.get_command(main.app)
    commands = dict(group.commands)
    while groups := [name for name, one in commands.items() if hasattr(one, "commands")]:
        for name in groups:
            commands |= {f"{name} {inner}": below for inner, below in commands.pop(name).commands.items()}
    without = {
        name for name, one in commands.items() if not any("--json" in parameter.opts for parameter in one.params)
    }
    assert without == {"serve", "federation request", "permits convert", "permits template"}
