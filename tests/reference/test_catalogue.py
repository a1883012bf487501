"""All reference data in one object, and noticing that newer data were loaded."""

from datetime import date

import pytest

from epix_node.errors import ConfigError
from epix_node.reference.catalogue import Catalogue, builtin, following
from tests.reference.lists import loaded

LIST = "FullName,Kingdom,RankName,CurrentListing,AllDistributionISO\nPython regius,Animalia,SPECIES,I,GH XB\n"


def test_without_a_file_there_are_the_built_in_data(tmp_path):
    catalogue = Catalogue.open(tmp_path / "reference.sqlite")
    assert catalogue.species.find("Python regius") is not None
    assert catalogue.quotas.edition is None
    assert [edition.source for edition in catalogue.editions()] == ["built in"]
    assert builtin() is builtin()


def test_what_was_loaded_is_listed_with_what_is_built_in(tmp_path):
    loaded(tmp_path, "species", LIST)
    catalogue = Catalogue.open(tmp_path / "reference.sqlite")
    assert [(edition.data, edition.source) for edition in catalogue.editions()] == [
        ("species", "list.csv"),
        ("species", "built in"),
    ]


def test_a_fictional_country_is_covered_once_data_name_it(tmp_path):
    assert builtin().covers("GH")
    assert not builtin().covers("XB")
    loaded(tmp_path, "species", LIST)
    catalogue = Catalogue.open(tmp_path / "reference.sqlite")
    assert catalogue.covers("XB")
    assert not catalogue.covers("XC")


def test_newer_data_are_noticed_and_older_ones_stay_readable(tmp_path):
    current = following(tmp_path / "reference.sqlite")
    before = current()
    assert before is builtin()
    loaded(tmp_path, "species", LIST)
    first = current()
    assert current() is first
    assert first.species.edition.as_of == date(2026, 1, 1)
    loaded(tmp_path, "species", LIST, as_of=date(2026, 2, 1))
    assert current().species.edition.as_of == date(2026, 2, 1)
    assert first.species.edition.as_of == date(2026, 1, 1)
    assert first.species.find("Python regius").edition.source == "list.csv"


def test_a_file_that_cannot_be_read_is_said(tmp_path):
    path = tmp_path / "reference.sqlite"
    path.write_bytes(b"no database at all, but long enough to be looked at")
    with pytest.raises(ConfigError, match=r"reference\.sqlite"):
        following(path)()
