"""FRD-02: a paper that says something else than the register."""

from __future__ import annotations

import pytest

from epix_node.permit.event import Difference
from epix_node.reconcile.detectors.frd02 import detect
from tests.reconcile.builders import case, confirmed, endorsed, permit, presented, view

MORE = {"lines": [{"block": "A", "quantity": "120"}]}
OTHER_NAME = {"importer": {"name": "Mallory Trader", "address": "Hidden Street 1"}}


def test_a_presented_paper_with_a_larger_quantity_is_an_alert():
    (draft,) = detect(case(permit(), presented("03-20", paper=MORE)), view())
    assert draft.class_ == "A"
    assert draft.summary == (
        "Export permit XA 26XA000123 was shown as a paper (XB on 2026-03-20) that differs from the register (DOC-06) "
        "in lines.A.quantity (120 instead of 12); hold the goods and the paper, and ask the issuer which is right."
    )
    assert draft.values["differs.lines.A.quantity"] == "120 instead of 12"
    assert [e.type for e in draft.evidence] == ["permit", "presentation"]


@pytest.mark.parametrize("shown", [confirmed, endorsed])
def test_what_an_office_saw_while_handling_the_goods_counts_as_well(shown):
    (draft,) = detect(case(permit(), shown("03-20", presented={"valid_until": "2026-12-31"})), view())
    assert draft.class_ == "A"
    assert draft.values["differs.valid_until"] == "2026-12-31 instead of 2026-08-31"
    assert draft.values["valid_until"] == "2026-08-31"


def test_names_and_addresses_are_a_review_that_repeats_none_of_them():
    (draft,) = detect(case(permit(), presented("03-20", paper=OTHER_NAME)), view())
    assert draft.class_ == "R"
    told = draft.summary + str(draft.values)
    assert "importer.name (differs); ask the issuer whether it is a mistake." in draft.summary
    assert not any(word in told for word in ("Mallory", "Hidden", "Bob", "Ann"))


def test_a_field_of_the_form_outweighs_a_name():
    """The alert rests on the paper that differs in a field; the other one is left out."""
    facts = case(permit(), presented("03-20", paper=MORE), presented("03-21", paper=OTHER_NAME))
    (draft,) = detect(facts, view())
    assert draft.class_ == "A"
    assert len(draft.evidence) == 2
    assert draft.values["fields"] == "1"


def test_differences_are_taken_as_reported_where_the_paper_is_not_told():
    reported = Difference(field="type", presented="R", registered="E", class_="A")
    (draft,) = detect(case(permit(), presented("03-20", reported)), view())
    assert "type (R instead of E)" in draft.summary


def test_a_reported_name_is_private_whatever_its_class():
    reported = Difference(field="exporter.name", presented="Mallory", registered="Ann", class_="A")
    (draft,) = detect(case(permit(), presented("03-20", reported)), view())
    assert "exporter.name (differs)" in draft.summary
    assert "Mallory" not in draft.summary + str(draft.values)


@pytest.mark.parametrize(
    "facts",
    [
        [permit(), confirmed("03-20")],
        [permit(), presented("03-20", paper={"lines": [{"block": "A", "quantity": "12.0", "unit": "NAR"}]})],
        [permit(), presented("03-20", paper={"importer": {"name": "importer,  BOB"}})],
        [presented("03-20", paper=MORE)],
    ],
    ids=["nothing declared", "the same quantity", "case and order of a name", "a permit that is not held"],
)
def test_it_does_not_fire(facts):
    assert detect(case(*facts), view()) == ()


def test_long_values_are_cut():
    (draft,) = detect(case(permit(), presented("03-20", paper={"security_stamp": "9" * 500})), view())
    assert len(draft.summary) < 400


def test_many_fields_are_counted_where_they_are_not_told():
    """The rest is in values, as everything is."""
    fields = ("type", "valid_until", "issued_on", "purpose", "security_stamp", "subtype", "number")
    reported = [Difference(field=name, presented="1", registered="2", class_="A") for name in fields]
    (draft,) = detect(case(permit(), presented("03-20", *reported)), view())
    assert " and 2 more; hold" in draft.summary
    assert (draft.values["fields"], draft.values["more"]) == ("7", "2")
