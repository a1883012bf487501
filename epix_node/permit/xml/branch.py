"""A read-only view of an XML element by the boxes of toolkit v2.

Toolkit documents come with three habits of qualifying names, in two versions, and full of empty elements; the view
hides all three. It is made in one pass over the element that goes only where a box can be: most of a real document is
never looked at.
"""

from __future__ import annotations

from collections.abc import Sequence

from lxml.etree import _Element

from epix_node.permit.xml.boxes import Box
from epix_node.permit.xml.forms import Form, Shape

_NONE: list[_Element] = []


def text_of(element: _Element) -> str | None:
    """The element's text without surrounding white space; ``None`` where it is empty or holds other elements.

    Comments do not split a text: what a signature covers and what is read here are the same.
    """
    # len() counts comments and processing instructions too.
    if not len(element):
        text = element.text
        return (text and text.strip()) or None
    if not all(is_empty(child) for child in element.iterchildren("*")):
        return None
    # itertext() leaves comments out and joins what stands around them.
    return "".join(element.itertext()).strip() or None


def attribute_of(element: _Element, name: str) -> str | None:
    """The attribute without surrounding white space; ``None`` where it is absent or empty."""
    value = element.get(name)
    return (value and value.strip()) or None


def is_empty(element: _Element) -> bool:
    """Whether the element and all inside of it have neither text nor an attribute that says something by itself."""
    return not has_text(element) and not any(
        inner.get("unitCode") is not None or inner.get("schemeAgencyID") is not None for inner in element.iter("*")
    )


def has_text(element: _Element) -> bool:
    """Whether the element or anything inside of it has a text; attributes do not count."""
    return any(text.strip() for text in element.itertext())


class Branch:
    """One element with what stands at its boxes."""

    __slots__ = ("element", "places", "repeated")

    def __init__(self, element: _Element, form: Form, shape: Shape) -> None:
        self.element = element
        self.places: dict[str, list[_Element]] = {}
        """Paths of boxes, each with every element there, in document order, empty ones too."""
        self.repeated: list[_Element] = []
        """Elements with boxes inside that stand beside another one of their name, where both have texts."""
        self._gather(element, form.namespaces, shape)

    def _gather(self, element: _Element, namespaces: tuple[str, ...], shape: Shape) -> None:
        places = self.places
        opened: dict[int, _Element | None] | None = None
        # All children at once: to ask for one after the other, or for elements only, costs as much again.
        for child in element[:]:
            found = shape.get(child.tag)  # type: ignore[arg-type]  # a parsed tree has str; a comment a function
            if found is None:
                tag = str(child.tag)  # of a comment it is a function, which is in no shape
                if tag[0] != "{" or tag.startswith(namespaces):
                    continue
                # Another namespace: local names are what counts.
                found = shape.get(tag.rpartition("}")[2])
                if found is None:
                    continue
            path, inner = found
            if path is not None:
                if path in places:
                    places[path].append(child)
                else:
                    places[path] = [child]
            if inner:
                # The same object for every habit of qualifying this name.
                if opened is None:
                    opened = {id(inner): child}
                elif id(inner) in opened:
                    self._note(opened, id(inner), child)
                else:
                    opened[id(inner)] = child
                self._gather(child, namespaces, inner)

    def _note(self, opened: dict[int, _Element | None], name: int, again: _Element) -> None:
        """Remember what stands there again; ``opened`` holds ``None`` once the first is known to have a text."""
        if not has_text(again):
            return
        first = opened[name]
        if first is not None and not has_text(first):
            opened[name] = again
        else:
            opened[name] = None
            self.repeated.append(again)

    def elements(self, box: Box) -> Sequence[_Element]:
        """Every element at the place, in document order, empty ones too."""
        return self.places.get(box.path, _NONE)

    def texts(self, box: Box) -> list[str]:
        """Every text at the place, in document order, empty ones left out."""
        found = self.places.get(box.path)
        if found is None:
            return []
        if len(found) == 1:
            text = text_of(found[0])
            return [] if text is None else [text]
        return [text for element in found if (text := text_of(element)) is not None]
