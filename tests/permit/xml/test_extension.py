"""The extension holds exactly what toolkit v2 cannot (decision 1)."""

from __future__ import annotations

from dataclasses import replace

import pytest
from lxml import etree

from epix_node.errors import MalformedDocumentError
from epix_node.permit.model import Permit
from epix_node.permit.xml.extension import extension_element, read_extension

NAMESPACE = "urn:epix-node:document:1"


def extension_of(*members: str) -> etree._Element:
    return etree.fromstring(f'<e:PermitExtension xmlns:e="{NAMESPACE}">{"".join(members)}</e:PermitExtension>')


def test_a_permit_that_toolkit_v2_holds_needs_none(example: Permit) -> None:
    assert extension_element(replace(example, transit=())) is None
    assert read_extension(None, example) is example


def test_members_stand_in_the_order_of_the_contract(example: Permit) -> None:
    extension = extension_element(
        replace(
            example,
            subtype="ifs",
            multi_use=True,
            retrospective=True,
            paper_original=True,
            transit=("XC", "XD"),
            legacy=True,
        )
    )
    assert extension is not None
    assert extension.tag == f"{{{NAMESPACE}}}PermitExtension"
    assert [(etree.QName(member).localname, member.text) for member in extension] == [
        ("Subtype", "ifs"),
        ("MultiUse", "true"),
        ("Retrospective", "true"),
        ("PaperOriginal", "true"),
        ("Transit", "XC"),
        ("Transit", "XD"),
        ("Legacy", "true"),
    ]


def test_a_switch_may_say_that_it_is_off(example: Permit) -> None:
    completed = read_extension(extension_of("<e:MultiUse>false</e:MultiUse>", "<e:Legacy>1</e:Legacy>"), example)
    assert (completed.multi_use, completed.legacy) == (False, True)


@pytest.mark.parametrize(
    "members",
    [
        ["<e:Colour>blue</e:Colour>"],
        ["<Subtype>ifs</Subtype>"],
        ['<x:Subtype xmlns:x="urn:other">ifs</x:Subtype>'],
        ["<e:Subtype>ifs</e:Subtype>", "<e:Subtype>ifs</e:Subtype>"],
        ["<e:Legacy>true</e:Legacy>", "<e:Subtype>ifs</e:Subtype>"],
        ["<e:MultiUse>yes</e:MultiUse>"],
        ["<e:MultiUse/>"],
        ["<e:Transit> </e:Transit>"],
        ["<e:Subtype><e:Subtype>ifs</e:Subtype></e:Subtype>"],
        ['<e:Subtype lang="en">ifs</e:Subtype>'],
    ],
)
def test_what_is_not_understood_is_not_passed_over(example: Permit, members: list[str]) -> None:
    """Whoever signed it meant something by it."""
    with pytest.raises(MalformedDocumentError) as refusal:
        read_extension(extension_of(*members), example)
    assert refusal.value.code == "NOT_A_DOCUMENT"


def test_another_element_is_no_extension(example: Permit) -> None:
    with pytest.raises(MalformedDocumentError):
        read_extension(etree.fromstring("<PermitExtension/>"), example)
