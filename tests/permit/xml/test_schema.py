"""Our schema of toolkit v2 holds for what we write, and the table that is read from it says the same as libxml2."""

from __future__ import annotations

from copy import deepcopy
from functools import cache

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from lxml import etree

from epix_node.permit.model import Permit
from epix_node.permit.normal import normal_form
from epix_node.permit.xml import boxes
from epix_node.permit.xml.reader import parse_message
from epix_node.permit.xml.schema import SCHEMA_FILES, Kind, permit_kind, schema_bytes
from epix_node.permit.xml.soap import write_soap
from epix_node.permit.xml.strict import strict_deviations
from epix_node.permit.xml.writer import permit_element, write_permit
from tests.permit.xml.permits import permits_with_amounts
from tests.permit.xml.samples import sample

SLOW = [HealthCheck.too_slow, HealthCheck.data_too_large]


class OfThisPackage(etree.Resolver):
    """Finds the imported schema where the package has it."""

    def resolve(self, system_url, public_id, context):
        return self.resolve_string(schema_bytes(SCHEMA_FILES[1]), context)


@cache
def schema() -> etree.XMLSchema:
    parser = etree.XMLParser()
    parser.resolvers.add(OfThisPackage())
    return etree.XMLSchema(etree.fromstring(schema_bytes(SCHEMA_FILES[0]), parser))


@settings(max_examples=80, deadline=None, suppress_health_check=SLOW)
@given(permits_with_amounts())
def test_whatever_we_write_is_valid(permit: Permit) -> None:
    """For every permit whose amounts are numbers, and a permit that breaks no BLOCK rule has no others."""
    schema().assertValid(etree.fromstring(write_permit(permit)))
    inside = next(etree.fromstring(write_soap(permit)).iter(boxes.ROOT))
    inside.tag = boxes.qualified(boxes.ROOT)
    schema().assertValid(inside)


def test_the_example_is_valid_and_what_breaks_it_is_not(example: Permit) -> None:
    element = permit_element(normal_form(example))
    schema().assertValid(element)
    del element[0]
    assert not schema().validate(element)


def test_the_hand_written_sample_is_valid() -> None:
    schema().assertValid(etree.fromstring(sample("own-sample-v2-reexport.xml")))


VALUES = {
    "string": "text",
    "token": "T",
    "decimal": "1.50",
    "boolean": "true",
    "dateTime": "2026-03-01T00:00:00.00+01:00",
}


def filled(name: str, kind: Kind, fixed: str | None = None) -> etree._Element:
    """An element of the schema with all that may stand inside."""
    element = etree.Element(boxes.qualified(name))
    for attribute in sorted(kind.attributes):
        element.set(attribute, "x")
    if kind.value is not None:
        element.text = fixed or VALUES[kind.value]
    for inner, part in kind.parts.items():
        element.append(filled(inner, part.kind, part.fixed))
    return element


def test_a_document_with_every_element_is_valid_and_clean() -> None:
    full = filled(boxes.ROOT, permit_kind())
    assert sum(1 for _ in full.iter()) > 250
    schema().assertValid(full)
    assert strict_deviations(full) == ()


def test_the_sequence_of_the_fixture_is_that_of_the_schema() -> None:
    """Each element of a real document stands in the schema at its place; only values and empty elements deviate."""
    messages = {one.message for one in strict_deviations(parse_message(sample("epix-hub-fixture-v2.xml")))}
    assert not {message for message in messages if "stand" in message}


TEXTS = [
    *("x", "1", " 1 ", "-1.0", "+.5", "1.", "1e3", "true", "yes", "CITES PERMITTING", "cites"),
    *("2026-02-29T00:00:00Z", "2024-02-29T24:00:00", "2026-03-01", "0000-01-01T00:00:00Z"),
    *("2026-03-01T00:00:00+14:01", "2026-03-01T00:00:60Z", "2026-03-01T00:00:00,5Z"),
    *("1\u00a0", "\u2003true", "1\u0085", "2026-03-01T00:00:00Z\u00a0"),
]
CHANGES = st.lists(
    st.tuples(
        st.integers(0, 10_000),
        st.sampled_from(["remove", "repeat", "swap", "rename", "attribute", "text"]),
        st.sampled_from(TEXTS),
    ),
    min_size=1,
    max_size=3,
)


def change(root: etree._Element, position: int, how: str, text: str) -> None:
    elements = list(root.iter())[1:]
    if not elements:
        return
    element = elements[position % len(elements)]
    parent = element.getparent()
    assert parent is not None
    if how == "remove":
        parent.remove(element)
    elif how == "repeat":
        element.addnext(deepcopy(element))
    elif how == "swap":
        parent.append(element)
    elif how == "rename":
        element.tag = element.tag + "X"
    elif how == "attribute":
        element.set("a", "b")
    else:
        element.text = text


@settings(max_examples=100, deadline=None, suppress_health_check=SLOW)
@given(CHANGES)
@example([(1, "text", "x")])
@example([(2, "swap", "x")])
def test_the_table_and_libxml2_say_the_same(changes: list[tuple[int, str, str]]) -> None:
    """Two engines on one schema: whatever one refuses, the other does."""
    root = filled(boxes.ROOT, permit_kind())
    for one in changes:
        change(root, *one)
    violations = [one for one in strict_deviations(root) if one.message != "is empty"]
    assert (not violations) == schema().validate(root), (violations, schema().error_log)


ITEM = "SpecifiedSupplyChainConsignment/IncludedSupplyChainConsignmentItem"
TYPED = ("HeaderExchangedDocument/IssueDateTime", "HeaderExchangedDocument/CopyIndicator", f"{ITEM}/ID")


@pytest.mark.parametrize("text", TEXTS)
@pytest.mark.parametrize("path", [*TYPED, f"{ITEM}/TransportLogisticsPackage/ItemQuantity"])
def test_values_are_judged_the_same(path: str, text: str) -> None:
    root = filled(boxes.ROOT, permit_kind())
    element = root.find("/".join(f"{{*}}{step}" for step in path.split("/")))
    assert element is not None
    element.text = text
    assert (not strict_deviations(root)) == schema().validate(root)
