"""Which Parties refuse certificates of ownership."""

from datetime import date

from epix_node.reference.ownership import Ownership
from epix_node.reference.shelf import Shelf
from tests.reference.lists import loaded


def test_the_table_of_2021_is_built_in():
    ownership = Ownership(Shelf.open(None))
    assert [party for party in ("BR", "CN", "EC", "JP", "TH", "VN", "DE", "XA") if ownership.refused_by(party)] == [
        "BR", "CN", "EC", "JP", "TH", "VN",
    ]  # fmt: skip
    assert ownership.edition.as_of == date(2021, 8, 23)


def test_a_loaded_table_takes_its_place(tmp_path):
    shelf, report = loaded(tmp_path, "ownership", "party,notes\nXA,\nViet Nam,\nVN,again\nAtlantis,\n")
    ownership = Ownership(shelf)
    assert ownership.refused_by("XA")
    assert ownership.refused_by("VN")
    assert not ownership.refused_by("BR")
    assert (report.taken, report.refused) == (2, 2)
    assert ownership.edition.as_of == date(2026, 1, 1)
