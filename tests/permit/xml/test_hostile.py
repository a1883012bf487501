"""Hostile documents are read or refused in time that grows no faster than they do."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from epix_node.errors import MalformedDocumentError
from epix_node.permit.model import Permit
from epix_node.permit.xml.deviation import MAX_DEVIATIONS
from epix_node.permit.xml.reader import parse_message, read_permit_bytes, read_root
from epix_node.permit.xml.strict import strict_deviations
from epix_node.permit.xml.writer import write_permit
from tests.permit.xml.samples import PERMIT_1, PERMIT_2, cpu_seconds, envelope, response


def el(path: str, text: str = "") -> str:
    """The elements of a path, one in the other, with a text in the innermost."""
    steps = path.split("/")
    return "".join(f"<{step}>" for step in steps) + text + "".join(f"</{step.split()[0]}>" for step in reversed(steps))


ITEM = "IncludedSupplyChainConsignmentItem"
GOODS = "IncludedSupplyChainTradeLineItem"
QUANTITY = "TransportLogisticsPackage/ItemQuantity"


def in_header(parts: str) -> bytes:
    return PERMIT_2.replace("</Header", f"{parts}</Header").encode()


def in_item(parts: str) -> bytes:
    return PERMIT_2.replace("<ID>A</ID>", f"<ID>A</ID>{parts}").encode()


def in_consignment(parts: str) -> bytes:
    return PERMIT_2.replace("<IncludedSupply", f"{parts}<IncludedSupply", 1).encode()


def around_header(parts: str) -> bytes:
    return PERMIT_2.replace("<Header", f"{parts}<Header", 1).encode()


def in_response(parts: str) -> bytes:
    return response(PERMIT_2, parts).encode()


FLOODS: dict[str, tuple[Callable[[str], bytes], str]] = {
    "lines": (in_consignment, el(f"{ITEM}/{QUANTITY}", "1")),
    "empty lines": (in_consignment, el(ITEM)),
    "empty elements": (in_header, el("Information")),
    "purposes": (in_header, el("PurposeCode", "T")),
    "headers": (around_header, el("HeaderExchangedDocument")),
    "periods": (in_header, el("EffectiveSpecifiedPeriod/EndDateTime", "2026-03-01")),
    "empty periods": (in_header, el("EffectiveSpecifiedPeriod/EndDateTime")),
    "references": (in_header, el("ReferenceReferencedDocument/ID", "1")),
    "parties": (in_consignment, el("ConsigneeTradeParty/Name", "N")),
    "papers of a line": (in_item, el("AssociatedReferencedDocument/ID", "1")),
    "goods of a line": (in_item, el(f"{GOODS}/TypeCode", "I")),
    "packages of a line": (in_item, el(f"{QUANTITY} unitCode='X'")),
    "unknown elements": (in_header, el("X")),
    "attachments": (in_response, el("Attachments/AttachmentContent", "!")),
    "spaces in a code": (lambda parts: in_item(el(f"{GOODS}/TypeExtensionCode", f"W{parts}!")), " " * 8),
    "digits in an amount": (lambda parts: in_item(el(QUANTITY, f"1{parts}x")), "0 000,00"),
}


@pytest.mark.parametrize(("build", "part"), FLOODS.values(), ids=FLOODS.keys())
def test_many_of_one_kind_take_no_longer_than_their_length(build: Callable[[str], bytes], part: str) -> None:
    times = []
    for many in (1_000, 4_000):
        root = parse_message(build(part * many))
        assert len(read_root(root).deviations) <= MAX_DEVIATIONS + 1
        times.append(cpu_seconds(lambda root=root: (read_root(root), strict_deviations(root))))
    # Four times as much takes four times as long; a square would take sixteen.
    assert times[1] < max(times[0], 0.01) * 12


def test_ten_thousand_lines_are_read_and_written() -> None:
    permit = read_permit_bytes(in_consignment(el(f"{ITEM}/ID", "B") * 10_000)).permit
    assert len(permit.lines) == 10_001
    assert read_permit_bytes(write_permit(permit), max_bytes=4 * 1024 * 1024).permit == permit


@pytest.mark.parametrize("name", ["IncludedSupplyChainConsignmentItem", "HeaderExchangedDocument", "ID", "X"])
def test_a_deep_document_is_read_or_refused(name: str) -> None:
    for data in (in_item(f"<{name}>" * 55 + f"</{name}>" * 55), in_item(f"<{name}>" * 500 + f"</{name}>" * 500)):
        try:
            reading = read_permit_bytes(data)
        except MalformedDocumentError as refusal:
            assert refusal.code == "LIMIT_EXCEEDED"  # noqa: PT017
        else:
            assert len(reading.permit.lines) == 1


def test_a_text_inside_of_empty_elements_is_a_text() -> None:
    """And one beside elements that hold something is none: what it would mean is not clear."""
    assert read_permit_bytes(in_item("").replace(b">25XA1<", b">25<b/>XA1<")).permit.number == "25XA1"
    with pytest.raises(MalformedDocumentError):
        read_permit_bytes(in_item("").replace(b">25XA1<", b">25<b>X</b>A1<"))


def test_a_long_attribute_is_refused() -> None:
    with pytest.raises(MalformedDocumentError) as refusal:
        read_permit_bytes(in_item(el(f"{QUANTITY} unitCode='{'K' * 70_000}'", "1")))
    assert refusal.value.code == "LIMIT_EXCEEDED"


DOCUMENTS = [PERMIT_1, PERMIT_2, envelope(response(PERMIT_1)), response(PERMIT_2, "<Composite>false</Composite>")]
NEW = ["", "<", ">", "/", "?", "&amp;", "<a/>", "<ID>", "xa", " ", "é", "0", "-"]
CHANGES = st.lists(st.tuples(st.integers(0, 10_000), st.integers(0, 40), st.sampled_from(NEW)), max_size=4)
SPLICES = st.tuples(st.sampled_from(DOCUMENTS), CHANGES)


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(SPLICES)
def test_nothing_but_a_refusal_is_raised(splices: tuple[str, list[tuple[int, int, str]]]) -> None:
    text, changes = splices
    for position, length, new in changes:
        at = position % len(text)
        text = text[:at] + new + text[at + length :]
    try:
        root = parse_message(text.encode())
        reading = read_root(root)
        strict_deviations(root)
    except MalformedDocumentError as refusal:
        assert refusal.code  # noqa: PT017
    else:
        assert isinstance(reading.permit, Permit)
