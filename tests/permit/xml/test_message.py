"""A permit is found in its SOAP response, and nowhere else."""

from __future__ import annotations

import base64
import hashlib

import pytest

from epix_node.errors import MalformedDocumentError
from epix_node.permit.xml.message import Attachment
from epix_node.permit.xml.reader import Reading, read_permit_bytes
from tests.permit.xml.samples import PERMIT_1, PERMIT_2, envelope, response, sample

COMPOSITE = "<Composite>false</Composite>"
SOAP_1_2 = "http://www.w3.org/2003/05/soap-envelope"


def read(text: str) -> Reading:
    return read_permit_bytes(text.encode())


def attachment(content: str, name: str = "a.pdf") -> str:
    return (
        f"<Attachments><AttachmentName>{name}</AttachmentName>"
        f"<AttachmentContent>{content}</AttachmentContent></Attachments>"
    )


WRAPPINGS = {
    "alone": PERMIT_2,
    "in the response": response(PERMIT_2, COMPOSITE),
    "in the final response": response(PERMIT_2, COMPOSITE, name="GetFinalCitesCertificateResponse"),
    "in the envelope": envelope(response(PERMIT_2, COMPOSITE)),
    "in an envelope of SOAP 1.2": envelope(response(PERMIT_2, COMPOSITE), namespace=SOAP_1_2),
    "in the response of version 1": envelope(response(PERMIT_2, COMPOSITE, version=1)),
}


@pytest.mark.parametrize("text", WRAPPINGS.values(), ids=WRAPPINGS.keys())
def test_the_permit_is_the_same_wherever_it_stands(text: str) -> None:
    reading = read(text)
    assert reading.permit == read(PERMIT_2).permit
    assert reading.format == "toolkit-v2"
    assert reading.composite is (None if text == PERMIT_2 else False)
    assert [one.path for one in reading.deviations] == [one.path for one in read(PERMIT_2).deviations]


def test_attachments_are_measured() -> None:
    file = bytes(range(256)) * 4
    wrapped = base64.encodebytes(file).decode()
    reading = read(response(PERMIT_2, attachment(wrapped), attachment("cid:311886019166", name=""), COMPOSITE))
    assert reading.attachments == (
        Attachment(name="a.pdf", size=1024, sha256=hashlib.sha256(file).hexdigest()),
        Attachment(name=None, size=None, sha256=None),
    )


def test_an_attachment_may_be_longer_than_a_text_of_the_permit() -> None:
    file = b"%PDF" * 100_000
    reading = read(response(PERMIT_2, attachment(base64.b64encode(file).decode()), COMPOSITE))
    assert reading.attachments[0].size == 400_000


def test_an_included_file_is_a_reference() -> None:
    """MTOM: the text is an element of XOP."""
    include = '<x:Include xmlns:x="http://www.w3.org/2004/08/xop/include" href="cid:1"/>'
    assert read(response(PERMIT_2, attachment(include), COMPOSITE)).attachments[0].size is None


@pytest.mark.parametrize("content", ["not base64!", "====", "é"])
def test_what_is_no_file_is_said(content: str) -> None:
    reading = read(response(PERMIT_2, attachment(content), COMPOSITE))
    assert reading.attachments == (Attachment(name="a.pdf", size=None, sha256=None),)
    assert "Attachments[1]/AttachmentContent" in {one.path for one in reading.deviations}


@pytest.mark.parametrize(
    ("parts", "composite", "is_said"),
    [
        ("<Composite>true</Composite>", True, False),
        ("<Composite> 1 </Composite>", True, False),
        ("<Composite>no</Composite>", None, True),
        ("<Composite/>", None, True),
        ("", None, True),
        (COMPOSITE * 2, None, True),
    ],
)
def test_composite_is_given_as_it_is(parts: str, *, composite: bool | None, is_said: bool) -> None:
    reading = read(response(PERMIT_2, parts))
    assert reading.composite is composite
    assert ("Composite" in {one.path for one in reading.deviations}) == is_said


FAULT = "<s:Fault><faultcode>s:Client</faultcode><faultstring>{}</faultstring></s:Fault>"
REFUSED = {
    "two permits": response(PERMIT_2, PERMIT_2),
    "a permit of each version": response(PERMIT_2, PERMIT_1),
    "no permit": response(COMPOSITE),
    "a permit inside of the permit": PERMIT_2.replace("<ID>A</ID>", f"<ID>A</ID>{PERMIT_2}"),
    "a permit in the header": envelope(response(PERMIT_2), header=PERMIT_2),
    "a permit in an attachment": response(PERMIT_2, attachment(PERMIT_2)),
    "a permit beside the response": envelope(response(PERMIT_2), PERMIT_2),
    "a permit in the body": envelope(PERMIT_2),
    "a permit one level too low": envelope(response(f"<Certificate>{PERMIT_2}</Certificate>")),
    "two responses": envelope(response(PERMIT_2), response(PERMIT_2)),
    "two bodies": envelope(response(PERMIT_2)).replace("</s:Body>", "</s:Body><s:Body/>"),
    "an empty body": envelope(),
    "no body": '<s:Envelope xmlns:s="urn:x"/>',
    "a request": envelope('<v:GetFinalCitesCertificateRequest xmlns:v="urn:CitesDataExchange/v2/"/>'),
    "an envelope in an envelope": envelope(envelope(response(PERMIT_2))),
    "a fault": envelope(FAULT.format("secret")),
    "another document": "<Certificate/>",
    "toolkit v3": "<CITESePermit/>",
}


@pytest.mark.parametrize("text", REFUSED.values(), ids=REFUSED.keys())
def test_what_has_no_one_permit_at_its_place_is_refused(text: str) -> None:
    """Two readers could take two different permits for the one that was sent."""
    with pytest.raises(MalformedDocumentError) as refusal:
        read(text)
    assert refusal.value.code == "NOT_UNDERSTOOD"
    assert "secret" not in str(refusal.value)


def test_a_fault_of_the_hub_is_named() -> None:
    with pytest.raises(MalformedDocumentError, match=r"SOAP fault \(CalleeNotFound\): it holds no permit"):
        read(envelope(FAULT.format("CalleeNotFound")))


SIGNATURE = '<d:Signature xmlns:d="http://www.w3.org/2000/09/xmldsig#"/>'


@pytest.mark.parametrize(
    "text",
    [
        envelope(response(PERMIT_2), header=SIGNATURE),
        response(PERMIT_2, SIGNATURE),
        PERMIT_1.replace("<ram:ID>A</ram:ID>", f"<ram:ID>A</ram:ID>{SIGNATURE}"),
    ],
)
def test_a_signature_is_never_dropped_silently(text: str) -> None:
    with pytest.raises(MalformedDocumentError) as refusal:
        read(text)
    assert refusal.value.code == "SIGNED_DOCUMENT"


def test_the_response_of_a_real_hub_is_read() -> None:
    reading = read_permit_bytes(sample("epix-hub-fixture-v2.xml"))
    assert (reading.format, reading.composite) == ("toolkit-v2", False)
    assert reading.attachments == (Attachment(name=None, size=None, sha256=None),)
    item = (
        "SpecifiedSupplyChainConsignment/IncludedSupplyChainConsignmentItem[{}]/TransportLogisticsPackage/ItemQuantity"
    )
    assert [(one.path, one.message) for one in reading.deviations] == [
        (item.format(position), "has the unit PCS; read as NAR") for position in (1, 2)
    ]
