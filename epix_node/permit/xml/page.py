"""One toolkit document while it is read: how exactly to read it, and what had to be mended so far."""

from __future__ import annotations

import re
from collections.abc import Container, Mapping
from datetime import date
from functools import lru_cache

from lxml.etree import _Element

from epix_node.errors import MalformedDocumentError
from epix_node.permit.json_fields import MAX_TEXT_CHARACTERS
from epix_node.permit.xml.amount import plain_decimal, xs_decimal
from epix_node.permit.xml.boxes import Box
from epix_node.permit.xml.branch import Branch, attribute_of, is_empty, text_of
from epix_node.permit.xml.deviation import Deviations
from epix_node.permit.xml.forms import Form, Shape

_DATE = re.compile(r"(\d{4}-\d{2}-\d{2})([T ].*|Z|[+-]\d{2}:\d{2})?", re.ASCII | re.DOTALL)
_TIME = re.compile(r"(?:[T ]\d{2}:\d{2}(?::\d{2}(?:[.,]\d+)?)?)? ?(?:Z|[+-]\d{2}:?\d{2})?", re.ASCII)
_MAY_REPEAT = frozenset(
    {
        "BusinessProcessSpecifiedDocumentContextParameter",
        "BIMSpecifiedDocumentContextParameter",
        "PhysicalLogisticsShippingMarks",
        "TransportLogisticsPackage",
        "ApplicableCrossBorderRegulatoryProcedure",
        "PreviousReferencedDocument",
    }
)
"""Elements around boxes of which the toolkit allows several; of boxes themselves ``text`` and ``first`` say it."""


_USUAL_DATE_CHARACTERS = 40
"""Longer texts are not remembered, so that what is remembered stays small."""


def _day_in(text: str) -> tuple[date | None, bool]:
    """The day with which the text begins, if it is a date, and whether nothing but a time follows."""
    written = _DATE.fullmatch(text)
    if written is None:
        return None, True
    try:
        day = date.fromisoformat(written[1])
    except ValueError:  # such as 30 February: no date either
        return None, True
    return day, not written[2] or _TIME.fullmatch(written[2]) is not None


_remembered_day = lru_cache(maxsize=1_024)(_day_in)
"""Permits that are read one after the other share their dates."""


class Page:
    """Reads texts, dates, codes and amounts of one document and collects the deviations.

    ``is_own`` says that our own writer wrote it: then codes and units are exactly as the issuer gave them and
    nothing is mended. ``place`` is the path of the part being read, ending in ``/``.
    """

    __slots__ = ("deviations", "form", "is_own", "place")

    def __init__(self, form: Form, deviations: Deviations, *, is_own: bool) -> None:
        self.form = form
        self.is_own = is_own
        self.place = ""
        self.deviations = deviations

    def deviates(self, box: Box, message: str) -> None:
        """Note that something at the place had to be mended."""
        self.deviations.add(self.form.path(self.place + box.path), message)

    def branch(self, element: _Element, shape: Shape) -> Branch:
        """The part's view by its boxes; what stands there again, where one is expected, is a deviation."""
        branch = Branch(element, self.form, shape)
        if branch.repeated:
            self.note_repeated(branch)
        return branch

    def note_repeated(self, branch: Branch) -> None:
        """Note elements whose boxes were read together with those of another one: they may contradict each other."""
        for again in branch.repeated:
            steps = []
            step = again
            while step is not branch.element:
                steps.append(str(step.tag).rpartition("}")[2])
                parent = step.getparent()
                assert parent is not None  # it was found below the branch's element
                step = parent
            if steps[0] not in _MAY_REPEAT:
                path = self.place + "/".join(reversed(steps))
                self.deviations.add(path, "stands there more than once; what they hold is read as of one")

    def enter(self, box: Box, position: int | None = None) -> str:
        """Read inside the part at the place from now on; gives back the place to return to."""
        place = self.place
        self.place = f"{place}{box.path}/" if position is None else f"{place}{box.path}[{position}]/"
        return place

    def first(self, branch: Branch, box: Box) -> _Element | None:
        """The first element at the place, one that holds something before others."""
        found = branch.elements(box)
        if len(found) < 2:
            return found[0] if found else None
        filled = [candidate for candidate in found if not is_empty(candidate)]
        with_text = [candidate for candidate in filled if len(candidate) or text_of(candidate)]
        if len(with_text) > 1:
            self.deviates(box, f"stands there {len(with_text)} times; the first is read")
        return (with_text or filled or found)[0]

    def text(self, branch: Branch, box: Box) -> str | None:
        """The first text at the place; more than one is a deviation."""
        found = branch.places.get(box.path)
        if found is None:
            return None
        if len(found) == 1:
            element = found[0]
            if not len(element):  # as ``text_of`` does, for nearly every text there is
                text = element.text
                return (text and text.strip()) or None
            return text_of(element)
        texts = branch.texts(box)
        if len(texts) > 1:
            self.deviates(box, f"stands there {len(texts)} times; the first is read")
        return texts[0] if texts else None

    def code(self, branch: Branch, box: Box, codes: Container[str]) -> str | None:
        """The code at the place; one of the list that is only not written in capitals is read as it is meant."""
        return self.meant(box, self.text(branch, box), codes)

    def meant(
        self, box: Box, text: str | None, codes: Container[str], *, also: Mapping[str, str] | None = None
    ) -> str | None:
        """The code of the list that the text plainly means, by capitals or by the table ``also``; else the text."""
        if text is None or self.is_own or text in codes or not text.isascii():
            return text
        capitals = " ".join(text.upper().split())
        code = capitals if capitals in codes else (also or {}).get(capitals)
        if code is None:
            return text
        self.deviates(box, f"is not written as the code list has it; read as {code}")
        return code

    def date(self, branch: Branch, box: Box) -> date | None:
        """The date part as it is written, its offset ignored (contract 1); what is no date is missing."""
        text = self.text(branch, box)
        if text is None:
            return None
        day, is_clean = _remembered_day(text) if len(text) <= _USUAL_DATE_CHARACTERS else _day_in(text)
        if day is None:
            self.deviates(box, "is no date; read as missing")
        elif not is_clean:
            self.deviates(box, "holds more than a date and a time; the date at its beginning is read")
        return day

    def amount(self, box: Box, text: str | None) -> str | None:
        """The amount as a plain decimal where it is a number; else as it is written."""
        if text is None or self.is_own:
            return text
        number = xs_decimal(text)
        if number is not None:
            return number
        number = plain_decimal(text)
        if number is None:
            return text
        self.deviates(box, "is not written as a decimal of the toolkit; read as one")
        return number

    def attribute(self, element: _Element, name: str) -> str | None:
        """The attribute; form generators leave ``?`` where they had nothing to say.

        Raises:
            MalformedDocumentError: LIMIT_EXCEEDED, longer than a text of contract 5.
        """
        value = attribute_of(element, name)
        if value is not None and len(value) > MAX_TEXT_CHARACTERS:
            raise MalformedDocumentError(f"a text of more than {MAX_TEXT_CHARACTERS} characters", code="LIMIT_EXCEEDED")
        return None if value == "?" and not self.is_own else value
