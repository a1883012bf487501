"""The house stays as it was drawn: the import contracts of pyproject.toml hold, and they bite (architecture 4).

`make check` runs the same contracts over the program. Here a copy of the program is spoiled on purpose, since a
contract that nothing can break proves nothing.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
CONTRACTS = tuple(
    contract["name"]
    for contract in tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["importlinter"]["contracts"]
)

VIOLATIONS = {
    "imports point one way": ("permit/planted.py", "import epix_node.web"),
    "aiohttp lives in web": ("federation/planted.py", "from aiohttp import ClientSession"),
    "httpx lives in federation and notices": ("exchange/planted.py", "import httpx"),
    "http-message-signatures lives in httpsig": ("trust/planted.py", "import http_message_signatures.algorithms"),
    "apscheduler lives in jobs": (
        "federation/planted.py",
        "import apscheduler.triggers.interval",
    ),
    "the database libraries live in store": ("exchange/planted.py", "from sqlmodel import Session"),
    "signxml lives in signing": ("web/planted.py", "from signxml.verifier import XMLVerifier"),
    "tuf lives in trust": ("store/planted.py", "from tuf.api.metadata import Root"),
    "the command line libraries live in cli": ("web/planted.py", "from rich.table import Table"),
    "facts are recorded through reconcile only": ("web/planted.py", "from epix_node.exchange import recording"),
}
"""For each contract a file, planted into a copy of the program, that breaks it."""


@pytest.fixture
def copy_of_the_program(tmp_path: Path) -> Path:
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    shutil.copytree(ROOT / "epix_node", tmp_path / "epix_node", ignore=shutil.ignore_patterns("__pycache__"))
    return tmp_path


def verdicts(directory: Path) -> dict[str, str]:
    """KEPT or BROKEN for each contract, as import-linter says of the program in `directory`."""
    run = subprocess.run(
        [
            sys.executable,
            "-c",
            "from importlinter.cli import lint_imports_command; lint_imports_command()",
            "--no-cache",
        ],
        cwd=directory,
        capture_output=True,
        text=True,
        check=False,
    )
    found = dict(line.rsplit(" ", 1) for line in run.stdout.splitlines() if line.endswith((" KEPT", " BROKEN")))
    assert set(found) == set(CONTRACTS), run.stdout + run.stderr
    assert run.returncode == (1 if "BROKEN" in found.values() else 0)
    return found


def test_the_program_keeps_every_contract(copy_of_the_program):
    """Imports point one way, each library has one home, and facts come in through one door."""
    assert verdicts(copy_of_the_program) == dict.fromkeys(CONTRACTS, "KEPT")


def test_every_contract_catches_a_planted_violation(copy_of_the_program):
    """For every contract there is an import in the wrong room that breaks it."""
    assert set(VIOLATIONS) == set(CONTRACTS), "a new contract needs a violation here"
    for name, statement in VIOLATIONS.values():
        with (copy_of_the_program / "epix_node" / name).open("a", encoding="utf-8") as planted:
            planted.write(f"{statement}\n")
    assert verdicts(copy_of_the_program) == dict.fromkeys(CONTRACTS, "BROKEN")


def test_a_room_without_a_place_in_the_order_is_noticed(copy_of_the_program):
    """Whoever adds a room must say what may import it."""
    (copy_of_the_program / "epix_node" / "attic.py").write_text('"""A new room."""\n', "utf-8")
    broken = [name for name, verdict in verdicts(copy_of_the_program).items() if verdict == "BROKEN"]
    assert broken == ["imports point one way"]
