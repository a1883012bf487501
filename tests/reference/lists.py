"""Small files of reference data, and the real ones where they are at hand."""

from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from epix_node.reference.load_report import LoadReport
from epix_node.reference.loading.loaders import load
from epix_node.reference.shelf import Shelf

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
SHARED = Path(__file__).parents[2].parent / "shared" / "data"

PYTHON = ("Python regius", "Python", "Pythonidae", "Serpentes", "Reptilia", "Chordata", "Animalia")
SEBAE = ("Python sebae", "Python", "Pythonidae", "Serpentes", "Reptilia", "Chordata", "Animalia")
ELEPHANT = ("Loxodonta africana", "Loxodonta", "Elephantidae", "Proboscidea", "Mammalia", "Chordata", "Animalia")
PARROT = ("Psittacus erithacus", "Psittacus", "Psittacidae", "Psittaciformes", "Aves", "Chordata", "Animalia")
ROSEWOOD = ("Dalbergia nigra", "Dalbergia", "Leguminosae", "Fabales", "Plantae")


def loaded(
    directory: Path, name: str, text: str, *, file: str = "list.csv", as_of: date | None = date(2026, 1, 1)
) -> tuple[Shelf, LoadReport]:
    """The shelf of a directory after this text was loaded, and what became of its rows."""
    path = directory / file
    path.write_text(text, encoding="utf-8")
    shelf = directory / "reference.sqlite"
    report = load(name, path, shelf, as_of=as_of, now=NOW)
    return Shelf.open(shelf), report


def real(directory: Path, name: str, *path: str) -> tuple[Shelf, LoadReport]:
    """The same for a real file; the test is skipped where it is not at hand."""
    file = SHARED.joinpath(*path)
    if not file.exists():
        pytest.skip(f"{file} is not here")
    shelf = directory / "reference.sqlite"
    report = load(name, file, shelf, as_of=None, now=NOW)
    return Shelf.open(shelf), report
