"""Strict checking lists all that is not as the schema has it, each with its path, and never without end."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import replace

import pytest
from lxml import etree

from epix_node.errors import MalformedDocumentError
from epix_node.permit.model import Permit
from epix_node.permit.xml.deviation import MAX_DEVIATIONS
from epix_node.permit.xml.reader import parse_message, read_root
from epix_node.permit.xml.soap import Enclosure, write_soap
from epix_node.permit.xml.strict import strict_deviations
from epix_node.permit.xml.writer import write_permit
from tests.permit.xml.samples import PERMIT_1, PERMIT_2, cpu_seconds, response, sample

HEADER, CONSIGNMENT = "HeaderExchangedDocument", "SpecifiedSupplyChainConsignment"
ITEM = f"{CONSIGNMENT}/IncludedSupplyChainConsignmentItem[1]"


def listed(data: bytes) -> list[tuple[str, str]]:
    return [(one.path, one.message) for one in strict_deviations(parse_message(data))]


@pytest.fixture
def written(example: Permit) -> str:
    """What our writer makes of a permit, to be broken."""
    return write_permit(replace(example, transit=())).decode()


def test_what_we_write_is_clean(example: Permit) -> None:
    assert listed(write_permit(example)) == []
    assert listed(write_soap(example, attachments=[Enclosure(name="a", content=b"b")])) == []


CHANGES = {
    "an empty element": ("<ram:ID>26XA000123</ram:ID>", "<ram:ID> </ram:ID>", f"{HEADER}/ID", "is empty"),
    "a question mark": (
        'unitCode="NAR">12<',
        'unitCode="?">12<',
        f"{ITEM}/TransportLogisticsPackage[1]/ItemQuantity/@unitCode",
        "is a question mark",
    ),
    "an unknown element": ("</rsm:HeaderEx", "<ram:X/></rsm:HeaderEx", f"{HEADER}/X", "may not stand here"),
    "an unknown attribute": (
        "<ram:ID>A<",
        '<ram:ID unitCode="NAR">A<',
        f"{ITEM}/ID/@unitCode",
        "may not stand here",
    ),
    "a second time": (
        "<ram:CopyIndicator>false</ram:CopyIndicator>",
        "<ram:CopyIndicator>false</ram:CopyIndicator>" * 2,
        f"{HEADER}/CopyIndicator[2]",
        "may stand here only once",
    ),
    "another order": (
        "</rsm:HeaderEx",
        "<ram:PurposeCode>T</ram:PurposeCode></rsm:HeaderEx",
        f"{HEADER}/PurposeCode[2]",
        "stands too late: the order of the elements is fixed",
    ),
    "no date": (
        "2026-03-01T00:00:00Z</ram:Issue",
        "1 March</ram:Issue",
        f"{HEADER}/IssueDateTime",
        "is no date and time",
    ),
    "a day that does not exist": (
        "2026-03-01T00:00:00Z</ram:Issue",
        "2026-02-29T00:00:00Z</ram:Issue",
        f"{HEADER}/IssueDateTime",
        "is no date and time",
    ),
    "no number": (
        ">12</ram:ItemQ",
        ">1,2</ram:ItemQ",
        f"{ITEM}/TransportLogisticsPackage[1]/ItemQuantity",
        "is no decimal number",
    ),
    "no switch": (">false</ram:Copy", ">no</ram:Copy", f"{HEADER}/CopyIndicator", "is neither true nor false"),
    "another process": (
        "CITES PERMITTING",
        "CITES Permitting",
        "SpecifiedExchangedDocumentContext/BusinessProcessSpecifiedDocumentContextParameter[1]/Value",
        "has another value than CITES PERMITTING, which is fixed",
    ),
    "text beside parts": ("</rsm:HeaderEx", "text</rsm:HeaderEx", HEADER, "holds text beside its parts"),
    "a part that is missing": (
        "SpecifiedExchangedDocumentContext>",
        "HeaderExchangedDocument>",
        "CITESEPermit",
        "has no SpecifiedExchangedDocumentContext",
    ),
}


@pytest.mark.parametrize(("old", "new", "path", "message"), CHANGES.values(), ids=CHANGES.keys())
def test_each_violation_is_listed_at_its_place(written: str, old: str, new: str, path: str, message: str) -> None:
    assert old in written
    assert (path, message) in listed(written.replace(old, new).encode())


NAMINGS: dict[str, tuple[Callable[[str], str], str | None]] = {
    "all qualified": (lambda text: text, None),
    "root unqualified": (
        lambda text: text.replace("<rsm:CITESEPermit", "<CITESEPermit").replace("</rsm:CITES", "</CITES"),
        "the names are qualified as inside SOAP: the root is in no namespace",
    ),
    "inner elements local": (
        lambda text: text.replace("<ram:", "<").replace("</ram:", "</"),
        "the names below the message level are in no namespace",
    ),
    "another namespace": (
        lambda text: text.replace("urn:un:unece", "urn:elsewhere"),
        "the names are in other namespaces than the toolkit has, or qualified in several ways",
    ),
    "in several ways": (
        lambda text: text.replace("<ram:ID>A</ram:ID>", "<ID>A</ID>"),
        "the names are in other namespaces than the toolkit has, or qualified in several ways",
    ),
}


@pytest.mark.parametrize(("change", "message"), NAMINGS.values(), ids=NAMINGS.keys())
def test_the_habit_of_qualifying_names_is_said(written: str, change: Callable[[str], str], message: str | None) -> None:
    """And it hides nothing else: the rest is checked as if names were right."""
    assert listed(change(written).encode()) == ([("CITESEPermit", message)] if message else [])


def test_inside_soap_the_root_is_in_no_namespace(written: str) -> None:
    root = written.partition("?>")[2]
    deviations = listed(response(root, "<Composite>false</Composite>").encode())
    assert deviations == [
        ("CITESEPermit", "the names are qualified as in a document that stands alone: the root is in a namespace too")
    ]


def test_the_response_is_checked_too() -> None:
    deviations = listed(response(PERMIT_2, "<Attachments><AttachmentName/></Attachments>").encode())
    assert ("Attachments[1]/AttachmentName", "is empty") in deviations
    assert ("Attachments[1]", "has no AttachmentContent") in deviations
    assert ("GetNonFinalCitesCertificateResponse", "has no Composite") in deviations


def test_v1_has_no_schema_and_says_so() -> None:
    deviations = listed(PERMIT_1.encode())
    assert deviations[0] == (
        "CBFShip",
        "there is no schema of this version: order, number and types are not checked",
    )
    assert Counter(message for _, message in deviations[1:]) == {"is empty": 4, "is a question mark": 1}


def test_the_response_of_a_real_hub_is_listed_in_full() -> None:
    """167 empty elements, 139 placeholders and one spelling; and the permit is read all the same."""
    data = sample("epix-hub-fixture-v2.xml")
    root = parse_message(data)
    assert read_root(root).permit.number == "XA000000"
    deviations = listed(data)
    leaves = "count(//*[not(*) and not(normalize-space()) and not(namespace-uri()='http://schemas.xmlsoap.org/soap/envelope/')])"
    assert Counter(message for _, message in deviations) == {
        "is empty": etree.XPath(leaves)(root),
        "is a question mark": etree.XPath("count(//@*[.='?'])")(root),
        "has another value than CITES PERMITTING, which is fixed": 1,
    }
    assert len({(path, message) for path, message in deviations}) == len(deviations) == 307
    assert (f"{HEADER}/ReferenceReferencedDocument[1]/ID", "is empty") in deviations
    assert (f"{HEADER}/ReferenceReferencedDocument[1]/ID/@schemeAgencyID", "is a question mark") in deviations
    assert ("Attachments[1]/AttachmentName", "is empty") in deviations


def test_the_hand_written_sample_is_clean() -> None:
    assert listed(sample("own-sample-v2-reexport.xml")) == []


def test_each_path_finds_its_element() -> None:
    """Paths are of local names; read as XPath, they lead to one element."""
    root = parse_message(sample("epix-hub-fixture-v2.xml"))
    permit = next(root.iter("{*}CITESEPermit"))
    for deviation in strict_deviations(root):
        steps = deviation.path.partition("/@")[0].split("/")
        base = permit.getparent() if steps[0].startswith("Attachments") else permit
        assert base is not None
        path = "/".join("*[local-name()='{}'][{}]".format(*f"{step.rstrip(']')}[1".split("[")[:2]) for step in steps)
        assert len(base.xpath(path)) == 1, deviation.path


def test_what_has_no_one_permit_is_refused() -> None:
    with pytest.raises(MalformedDocumentError):
        strict_deviations(etree.fromstring("<a/>"))


FLOODS = {
    "empty elements": "<ram:Information/>",
    "question marks": '<ram:Information languageID="?">x</ram:Information>',
    "unknown elements": "<ram:X>x</ram:X>",
    "unknown attributes": '<ram:Information a="b">x</ram:Information>',
    "numbers that are none": "<ram:IssueDateTime>x</ram:IssueDateTime>",
}


@pytest.mark.parametrize("flood", FLOODS.values(), ids=FLOODS.keys())
def test_a_list_has_an_end_and_a_long_document_takes_no_longer_than_its_length(written: str, flood: str) -> None:
    """libxml2 takes minutes for the worst of these at full size."""
    times = []
    for many in (2_000, 8_000):
        root = parse_message(written.replace("</rsm:HeaderEx", f"{flood * many}</rsm:HeaderEx").encode())
        deviations = strict_deviations(root)
        times.append(cpu_seconds(lambda root=root: strict_deviations(root)))
        assert MAX_DEVIATIONS < len(deviations) <= 3 * (MAX_DEVIATIONS + 1)
        assert any("more of the same kind" in one.message for one in deviations)
    assert times[1] < max(times[0], 0.01) * 12


def test_long_names_and_deep_documents_give_short_paths() -> None:
    name = "N" * 9_000
    deep = f"<{name}>" * 50 + "<a/>" * 2_000 + f"</{name}>" * 50
    deviations = strict_deviations(parse_message(PERMIT_2.replace("</Header", f"{deep}</Header").encode()))
    assert max(len(one.path) for one in deviations) < 5_000
