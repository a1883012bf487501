"""Build the wheel, install it in an empty environment, and use it from another directory.

Run by `make wheel`; needs nothing but the standard library. What it proves: an installed wheel needs no file of the
checkout, since schemas, rulesets and migrations travel inside it (architecture 2). Any step that fails ends it.
"""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
import tempfile
import venv
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

ROOT = Path(__file__).parents[1]
NUMBER = "26XA000001"


def run(*command: str | Path, cwd: Path, expected: int = 0) -> str:
    """Standard output of a command that exits as expected; anything else ends the check with what it said."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "EPIX_"))}
    done = subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, check=False)
    if done.returncode != expected:
        said = f"{done.stdout}{done.stderr}"
        sys.exit(f"{' '.join(map(str, command))}: exit {done.returncode}, expected {expected}\n{said}")
    return done.stdout


def permit() -> dict[str, object]:
    """A permit of a fictional country in the JSON of contract 5, issued today and in force."""
    today = datetime.now(UTC).date()
    return {
        "type": "E",
        "number": NUMBER,
        "issuer": "XA",
        "issued_on": today.isoformat(),
        "valid_from": today.isoformat(),
        "valid_until": (today + timedelta(days=90)).isoformat(),
        "purpose": "T",
        "exporter": {"name": "Reptiles Export", "address": "1 Harbour Road", "country": "XA"},
        "importer": {"name": "Terraria Import", "address": "2 Market Street", "country": "XB"},
        "authority": {"name": "CITES Management Authority of XA", "place": "Capital", "signatory": "A. Officer"},
        "security_stamp": "XA0000001",
        "lines": [
            {
                "block": "A",
                "taxon": "Python regius",
                "common_name": "ball python",
                "appendix": "II",
                "sources": ["C"],
                "term": "LIV",
                "description": "live specimens",
                "quantity": "12",
                "unit": "NAR",
                "origin": {"country": "XA", "permit": None, "date": None},
            }
        ],
    }


def signed_document(data: Path) -> bytes:
    """The exact bytes that the node signed for the permit: the record (ADR 3)."""
    (file,) = data.glob("*.sqlite")
    with closing(sqlite3.connect(file)) as connection:
        ((xml,),) = connection.execute("SELECT xml FROM document WHERE permit_number = ?", (NUMBER,))
    return bytes(xml)


def check(directory: Path) -> None:
    """Everything, step by step, inside a directory that is removed afterwards."""
    pip = ("-m", "pip", "--disable-pip-version-check", "-qq")
    run(sys.executable, *pip, "wheel", "--no-deps", "--wheel-dir", directory, ROOT, cwd=directory)
    (wheel,) = directory.glob("epix_node-*.whl")

    venv.create(directory / "venv", with_pip=True)
    run(directory / "venv/bin/python", *pip, "install", wheel, cwd=directory)
    epix_node = directory / "venv/bin/epix-node"

    print(run(epix_node, "--version", cwd=directory).strip())
    run(epix_node, "--help", cwd=directory)

    node = directory / "node"
    run(epix_node, "init", "--party", "XA", "--dir", node, cwd=directory)
    (node / "permit.json").write_text(json.dumps(permit()), "utf-8")
    run(epix_node, "permits", "publish", "permit.json", cwd=node)

    genuine = signed_document(node / "data")
    (node / "genuine.xml").write_bytes(genuine)
    (node / "forged.xml").write_bytes(genuine.replace(b"Terraria Import", b"Terraria Empire"))
    verdict = json.loads(run(epix_node, "verify", "genuine.xml", "--json", cwd=node))
    assert verdict["verdict"] == "VALID", verdict
    verdict = json.loads(run(epix_node, "verify", "forged.xml", "--json", cwd=node, expected=1))
    assert verdict["signature"] == "INVALID", verdict
    print(f"{wheel.name} publishes and verifies from an empty environment")


if __name__ == "__main__":
    with tempfile.TemporaryDirectory(prefix="epix-wheel-") as name:
        check(Path(name))
