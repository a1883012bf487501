"""Signature wrapping: the signature stays genuine, and what stands around it is forged.

``WRAPPING`` is played on a document of ours, whose signature names its content by ``URI=""``. ``SAML_WRAPPING`` are the
eight shapes of "On Breaking SAML" (Somorovsky et al., 2012); they are played on that document and once more on one
whose owner signed it by its Id, where libxmlsec, as told, accepts most of them.
"""

from __future__ import annotations

import base64
from collections.abc import Callable

from lxml import etree

from epix_node.signing.profile import DS
from tests.signing.attacks.edits import Attacks, Change, clone, forged, on_tree, one, put_pattern


def forged_root_with_genuine_signature(root: etree._Element) -> etree._Element:
    other = forged(root)
    other.append(root[-1])
    return other


def genuine_document_in_forged_body(root: etree._Element) -> etree._Element:
    other = forged(root)
    other[1].append(root)
    return other


def genuine_document_in_object(root: etree._Element) -> etree._Element:
    other, signature = forged(root), root[-1]
    other.append(signature)
    etree.SubElement(signature, f"{{{DS}}}Object").append(root)
    return other


def content_by_id(root: etree._Element) -> etree._Element:
    """The genuine content moves into the body of a forged root, found by its Id instead of by URI=""."""
    other, signature = forged(root), root[-1]
    one(signature, "ds:SignedInfo/ds:Reference[@URI='']").set("URI", "#genuine")
    other.append(signature)
    root.set("Id", "genuine")
    other[1].append(root)
    return other


def manifest_in_object(root: etree._Element) -> None:
    etree.SubElement(one(root, "//ds:Object"), f"{{{DS}}}Manifest")


def second_object(root: etree._Element) -> None:
    etree.SubElement(root[-1], f"{{{DS}}}Object").append(forged(root))


def second_signature(root: etree._Element) -> None:
    root.append(clone(root[-1]))


def second_signature_inside(root: etree._Element) -> None:
    root[1].append(clone(root[-1]))


def signature_first(root: etree._Element) -> None:
    root.insert(0, root[-1])


def signature_in_body(root: etree._Element) -> None:
    root[1].append(root[-1])


def second_signed_info(root: etree._Element) -> None:
    """CVE-2025-29774."""
    root[-1].insert(0, clone(one(root, "//ds:SignedInfo")))


def wrapped_signed_info(root: etree._Element) -> None:
    signed_info = one(root, "//ds:SignedInfo")
    wrapper = etree.Element(f"{{{DS}}}Object")
    root[-1].replace(signed_info, wrapper)
    wrapper.append(signed_info)


def second_signed_info_after(root: etree._Element) -> None:
    root[-1].insert(1, clone(one(root, "//ds:SignedInfo")))


def second_signature_value(root: etree._Element) -> None:
    root[-1].insert(2, clone(one(root, "//ds:SignatureValue")))


def forged_content_beside(root: etree._Element) -> None:
    """DSS fake-content-misplaced: the forged document stands beside the genuine header and body."""
    root.insert(0, forged(root))


def forged_document_in_the_body(root: etree._Element) -> None:
    root[1].append(forged(root))


def forged_body_first(root: etree._Element) -> None:
    """Who reads the first of two bodies reads another one than who reads the last."""
    root.insert(1, clone(forged(root)[1]))


def first_object_is_forged(root: etree._Element) -> None:
    wrapper = etree.Element(f"{{{DS}}}Object")
    wrapper.append(forged(root))
    root[-1].insert(3, wrapper)


def object_in_the_properties(root: etree._Element) -> None:
    one(root, "//xades:QualifyingProperties").append(forged(root))


def encoded_object(root: etree._Element) -> None:
    """An Object may carry base64; whoever decodes it reads what nobody signed."""
    wrapper = etree.SubElement(root[-1], f"{{{DS}}}Object", Encoding=f"{DS}base64")
    wrapper.text = base64.b64encode(etree.tostring(forged(root))).decode()


def manifest_of_the_content(root: etree._Element) -> None:
    """DSS fake-manifest: SignedInfo refers to a Manifest, which refers to the content."""
    manifest = etree.SubElement(one(root, "//ds:Object"), f"{{{DS}}}Manifest", Id="manifest")
    manifest.append(clone(one(root, "//ds:Reference[@URI='']")))
    one(root, "//ds:SignedInfo/ds:Reference[@URI='']").set("URI", "#manifest")


def third_child(root: etree._Element) -> None:
    root.insert(2, clone(root[1]))


def forged_signed_properties(root: etree._Element) -> None:
    """The genuine ones stay, found by their Id; forged ones come first."""
    qualifying = one(root, "//xades:QualifyingProperties")
    copy = clone(qualifying[0])
    copy.set("Id", "forged")
    qualifying.insert(0, copy)


def same_id_in_the_body(attribute: str) -> Change:
    def edit(root: etree._Element) -> None:
        one(root, "//*[local-name()='Line']").set(attribute, one(root, "//xades:SignedProperties").get("Id"))

    return on_tree(edit)


WRAPPING: Attacks = {
    "forged root carries the genuine signature": (on_tree(forged_root_with_genuine_signature), "SIGNATURE_INVALID"),
    "genuine document in a forged body": (on_tree(genuine_document_in_forged_body), "SIGNATURE_MISPLACED"),
    "genuine document in a ds:Object": (on_tree(genuine_document_in_object), "REFERENCE_NOT_ALLOWED"),
    "genuine content found by its Id": (on_tree(content_by_id), "REFERENCE_NOT_ALLOWED"),
    "manifest": (on_tree(manifest_in_object), "REFERENCE_NOT_ALLOWED"),
    "fake object": (on_tree(second_object), "REFERENCE_NOT_ALLOWED"),
    "two signatures": (on_tree(second_signature), "SIGNATURE_NOT_UNIQUE"),
    "two signatures, one deeper": (on_tree(second_signature_inside), "SIGNATURE_NOT_UNIQUE"),
    "signature first": (on_tree(signature_first), "SIGNATURE_MISPLACED"),
    "signature in the body": (on_tree(signature_in_body), "SIGNATURE_MISPLACED"),
    "two SignedInfo": (on_tree(second_signed_info), "SIGNATURE_INVALID"),
    "SignedInfo in a wrapper": (on_tree(wrapped_signed_info), "REFERENCE_NOT_ALLOWED"),
    "a third child": (on_tree(third_child), "NOT_A_DOCUMENT"),
    "forged SignedProperties beside the genuine": (on_tree(forged_signed_properties), "REFERENCE_NOT_ALLOWED"),
    "the same Id in the body": (same_id_in_the_body("Id"), "DUPLICATE_ID"),
    "the same ID in the body": (same_id_in_the_body("ID"), "DUPLICATE_ID"),
    "the same id in the body": (same_id_in_the_body("id"), "DUPLICATE_ID"),
    "the same iD in the body": (same_id_in_the_body("iD"), "DUPLICATE_ID"),
    "the same xml:id in the body": (
        same_id_in_the_body("{http://www.w3.org/XML/1998/namespace}id"),
        "DUPLICATE_ID",
    ),
    "the same wsu:Id in the body": (same_id_in_the_body("{urn:wsu}Id"), "DUPLICATE_ID"),
    "two SignedInfo, the forged one last": (on_tree(second_signed_info_after), "SIGNATURE_INVALID"),
    "two SignatureValue": (on_tree(second_signature_value), "SIGNATURE_INVALID"),
    "forged document beside header and body": (on_tree(forged_content_beside), "NOT_A_DOCUMENT"),
    "forged document in the genuine body": (on_tree(forged_document_in_the_body), "SIGNATURE_INVALID"),
    "forged body before the genuine": (on_tree(forged_body_first), "NOT_A_DOCUMENT"),
    "forged object before the genuine": (on_tree(first_object_is_forged), "REFERENCE_NOT_ALLOWED"),
    "forged document in QualifyingProperties": (on_tree(object_in_the_properties), "REFERENCE_NOT_ALLOWED"),
    "base64 object": (on_tree(encoded_object), "REFERENCE_NOT_ALLOWED"),
    "manifest of the content": (on_tree(manifest_of_the_content), "REFERENCE_NOT_ALLOWED"),
    "signature stripped": (put_pattern("<ds:Signature .*</ds:Signature>", ""), "SIGNATURE_MISSING"),
}

# -- the eight of SAML -------------------------------------------------------------------------------------------------


def xsw_1(root: etree._Element) -> etree._Element:
    """The forged root has the genuine signature, and the genuine root stands in the signature."""
    other, signature = forged(root), root[-1]
    other.append(signature)
    signature.append(root)
    return other


def xsw_2(root: etree._Element) -> etree._Element:
    """As the first, detached: the genuine root stands before the signature."""
    other, signature = forged(root), root[-1]
    other.append(root)
    other.append(signature)
    return other


def xsw_3(root: etree._Element) -> etree._Element:
    """The genuine root, signature and all, comes after forged content."""
    other = forged(root)
    other.append(root)
    return other


def xsw_4(root: etree._Element) -> etree._Element:
    """The genuine root, signature and all, stands inside the forged content."""
    other = forged(root)
    one(other, "//*[local-name()='Line']").append(root)
    return other


def xsw_5(root: etree._Element) -> etree._Element:
    """The forged root has the signature; the genuine content, without it, comes last."""
    other, signature = forged(root), root[-1]
    other.append(signature)
    other.append(root)
    return other


def xsw_6(root: etree._Element) -> etree._Element:
    """The genuine content stands in the KeyInfo of the signature that the forged root has."""
    other, signature = forged(root), root[-1]
    other.append(signature)
    one(signature, "ds:KeyInfo").append(root)
    return other


def xsw_7(root: etree._Element) -> etree._Element:
    """Forged content with the same Id stands in an extension before the genuine content."""
    extension = etree.Element("Extensions")
    other = forged(root)
    other.set("Id", root.get("Id", "all"))
    extension.append(other)
    root.insert(0, extension)
    return root


def xsw_8(root: etree._Element) -> etree._Element:
    """The genuine content stands in a ds:Object of the signature that the forged root has."""
    other, signature = forged(root), root[-1]
    other.append(signature)
    etree.SubElement(signature, f"{{{DS}}}Object").append(root)
    return other


SAML_WRAPPING: dict[str, tuple[Callable[[etree._Element], etree._Element], str]] = {
    "XSW1": (xsw_1, "SIGNATURE_INVALID"),
    "XSW2": (xsw_2, "NOT_A_DOCUMENT"),
    "XSW3": (xsw_3, "NOT_A_DOCUMENT"),
    "XSW4": (xsw_4, "SIGNATURE_MISPLACED"),
    "XSW5": (xsw_5, "NOT_A_DOCUMENT"),
    "XSW6": (xsw_6, "REFERENCE_NOT_ALLOWED"),
    "XSW7": (xsw_7, "NOT_A_DOCUMENT"),
    "XSW8": (xsw_8, "REFERENCE_NOT_ALLOWED"),
}


def other_spelling(attribute: str) -> Callable[[etree._Element], etree._Element]:
    """The forged root claims the Id of the genuine one under another spelling (C.6, table: "ID instead of Id")."""

    def edit(root: etree._Element) -> etree._Element:
        other, signature = forged(root), root[-1]
        other.set(attribute, str(root.get("Id")))
        etree.SubElement(other[1], "kept").append(root)
        other.append(signature)
        return other

    return edit
