"""A read-only view of an XML element by local names, without what is empty.

Toolkit documents come with three habits of qualifying names and full of empty elements; the view hides both. It is
grown in one pass over the element, which is also where a signature anywhere inside is noticed.
"""

from __future__ import annotations

from lxml.etree import _Element

from epix_node.errors import MalformedDocumentError
from epix_node.permit.xml import boxes

SIGNATURE_NAMESPACE = "{http://www.w3.org/2000/09/xmldsig#}"
_LINE = boxes.LINE.steps[-1]
_NONE: list[Branch] = []


class Branch:
    """One element: its text without surrounding white space, and its children that hold something.

    An element that holds child elements has no text. Comments do not split a text: what a signature covers and
    what is read here are the same. A line is kept even where it is empty.
    """

    __slots__ = ("_element", "children", "text")

    children: dict[str, list[Branch]]
    text: str | None

    def __init__(self, element: _Element) -> None:
        self._element = element
        self.children = {}
        # len() counts comments and processing instructions too.
        if not len(element):
            text = element.text
            self.text = text.strip() or None if text else None
            return
        for child in element.iterchildren("*"):
            tag = str(child.tag)
            if tag.startswith(SIGNATURE_NAMESPACE):
                raise MalformedDocumentError("there is a signature inside", code="SIGNED_DOCUMENT")
            name = tag.rpartition("}")[2]
            branch = Branch(child)
            if branch.children or branch.text is not None or name == _LINE or branch.is_attributed:
                self.children.setdefault(name, []).append(branch)
        # itertext() leaves comments out and joins what stands around them.
        self.text = None if self.children else "".join(element.itertext()).strip() or None

    @property
    def is_attributed(self) -> bool:
        """Whether an attribute says something although the element is empty."""
        return self._element.get("unitCode") is not None or self._element.get("schemeAgencyID") is not None

    def attribute(self, name: str) -> str | None:
        """The attribute without surrounding white space; ``None`` where it is absent or empty."""
        value = self._element.get(name)
        return (value and value.strip()) or None

    def all(self, box: boxes.Box) -> list[Branch]:
        """Every element at the place, in document order."""
        found = self.children.get(box.steps[0], _NONE)
        for step in box.steps[1:]:
            found = [child for branch in found for child in branch.children.get(step, _NONE)]
        return found

    def texts(self, box: boxes.Box) -> list[str]:
        """Every text at the place, in document order, empty ones left out."""
        return [branch.text for branch in self.all(box) if branch.text is not None]
