"""What the documents say is there is there, and what the project says is fit for any machine."""

from __future__ import annotations

import ast
import re
import subprocess
import tempfile
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
ADRS = ROOT / "docs" / "adr"

LINK = re.compile(r"\]\(<?([^)\s>]+)>?(?:\s+\"[^\"]*\")?\)")
"""The target of an inline Markdown link or picture."""

FOREIGN_WORDS = tuple("".join(halves) for halves in (("sub", "agent"), (".lib", "rary"), ("py", "pi.org")))
"""Words of one workplace and of one package index; in halves, so that this file may be read by its own test."""


def project_files() -> list[Path]:
    """Every file that is in the repository or would be added to it."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        check=False,
    )
    if listed.returncode:
        pytest.skip(f"git cannot list the files of the project: {listed.stderr.decode().strip()}")
    names = sorted({name.decode() for name in listed.stdout.split(b"\0") if name})
    return [ROOT / name for name in names if (ROOT / name).is_file()]


def documents() -> list[Path]:
    """The project's Markdown files."""
    return [path for path in project_files() if path.suffix == ".md"]


def machine_paths() -> set[str]:
    """Places that only this machine has: the checkout, what it stands in, and the home directory."""
    common = {Path("/"), Path("/home"), Path("/opt"), Path("/srv"), Path("/usr"), Path(tempfile.gettempdir())}
    return {f"{place}/" for place in {ROOT, ROOT.parent, Path.home()} - common}


def test_every_link_in_a_document_leads_to_a_file():
    """Relative links in README and docs resolve in the checkout."""
    dead = [
        f"{document.relative_to(ROOT)}: {target}"
        for document in documents()
        for target in LINK.findall(document.read_text("utf-8"))
        if not re.match(r"[a-z][a-z0-9+.-]*:|#", target) and not (document.parent / target.partition("#")[0]).exists()
    ]
    assert not dead


def test_the_front_page_is_there():
    """README, the index of documents and the files that a visitor looks for exist and say something."""
    for name in ("README.md", "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md", "LICENSE", "docs/README.md"):
        assert (ROOT / name).read_text("utf-8").strip(), name


def test_every_decision_is_in_the_index_in_order():
    """The index of decisions names every record once, by number, with the record's own title."""
    rows = re.findall(r"^\| \[(\d{4})\]\(([^)]+)\) \| (.+?) \|", (ADRS / "README.md").read_text("utf-8"), re.MULTILINE)
    records = sorted(path.name for path in ADRS.glob("[0-9]*.md"))
    assert [name for _, name, _ in rows] == records
    for position, (number, name, title) in enumerate(rows, start=1):
        assert number == name[:4] == f"{position:04}"
        heading = (ADRS / name).read_text("utf-8").splitlines()[0]
        assert heading == f"# {position}. {title}"


@pytest.mark.parametrize("section", ["Context", "Options", "Decision", "Consequences"])
def test_every_decision_says_what_else_could_have_been(section):
    """A record gives its context, the options that were weighed, the decision and its consequences."""
    lacking = [path.name for path in ADRS.glob("[0-9]*.md") if f"\n## {section}\n" not in path.read_text("utf-8")]
    assert not lacking


def test_no_file_names_a_place_that_only_one_machine_has():
    """A clone works on every machine: no path of this one, nor a word of the place where it was written."""
    banned = [word.encode() for word in (*sorted(machine_paths()), *FOREIGN_WORDS)]
    found = [
        f"{path.relative_to(ROOT)}: {word.decode()}"
        for path in project_files()
        for content in [path.read_bytes()]
        for word in banned
        if word in content
    ]
    assert not found


def test_every_package_and_module_says_what_it_is_for():
    """Each room's `__init__` and each module below it opens with a docstring; generated migrations are excused."""
    silent = [
        str(path.relative_to(ROOT))
        for path in sorted((ROOT / "epix_node").rglob("*.py"))
        if "migrations" not in path.parts and not ast.get_docstring(ast.parse(path.read_bytes()))
    ]
    assert not silent


def test_contributing_tells_the_direction_of_imports_as_it_is_enforced():
    """The arrows in CONTRIBUTING.md are the layers contract of pyproject.toml."""
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["importlinter"]["contracts"]
    layers = next(contract["layers"] for contract in contracts if contract["type"] == "layers")
    told = " ".join((ROOT / "CONTRIBUTING.md").read_text("utf-8").split())
    assert " → ".join(layers) in told


def test_contributing_explains_every_make_target():
    """What `make help` lists, CONTRIBUTING.md explains."""
    targets = set(re.findall(r"^([a-z]+):.*## ", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    told = set(re.findall(r"^\| `make ([a-z]+)`", (ROOT / "CONTRIBUTING.md").read_text("utf-8"), re.MULTILINE))
    assert told == targets - {"help"}
