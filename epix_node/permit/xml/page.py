"""One toolkit document while it is read: how exactly to read it, and what had to be mended so far."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date

from epix_node.permit.xml.boxes import Box
from epix_node.permit.xml.branch import Branch

_DATE = re.compile(r"(\d{4}-\d{2}-\d{2})(?:[T ].*)?", re.ASCII | re.DOTALL)


@dataclass(frozen=True, slots=True)
class Deviation:
    """A place where the document was not as the toolkit has it, and what was made of it. Holds no contents."""

    path: str
    message: str


class Page:
    """Reads texts, dates and attributes of one document and collects the deviations.

    ``is_own`` says that our own writer wrote it: then codes and units are exactly as the issuer gave them and
    nothing is mended. ``place`` is the path of the part being read, ending in ``/``.
    """

    def __init__(self, *, is_own: bool) -> None:
        self.is_own = is_own
        self.place = ""
        self.deviations: list[Deviation] = []

    def deviates(self, box: Box, message: str) -> None:
        """Note that something at the place had to be mended."""
        self.deviations.append(Deviation(self.place + box.path, message))

    def first(self, branch: Branch, box: Box) -> Branch | None:
        """The first element at the place, one with text before others; more than one with text is a deviation."""
        found = branch.all(box)
        if len(found) < 2:
            return found[0] if found else None
        with_text = [candidate for candidate in found if candidate.text is not None or candidate.children]
        if len(with_text) > 1:
            self.deviates(box, f"stands there {len(with_text)} times; the first is read")
        return (with_text or found)[0]

    def text(self, branch: Branch, box: Box) -> str | None:
        """The first text at the place; more than one is a deviation."""
        texts = branch.texts(box)
        if len(texts) > 1:
            self.deviates(box, f"stands there {len(texts)} times; the first is read")
        return texts[0] if texts else None

    def date(self, branch: Branch, box: Box) -> date | None:
        """The date part as it is written, its offset ignored (contract 1); what is no date is missing."""
        text = self.text(branch, box)
        if text is None:
            return None
        written = _DATE.fullmatch(text)
        try:
            if written:
                return date.fromisoformat(written[1])
        except ValueError:
            pass  # such as 30 February: no date either
        self.deviates(box, "is no date; read as missing")
        return None

    def attribute(self, branch: Branch, name: str) -> str | None:
        """The attribute; form generators leave ``?`` where they had nothing to say."""
        value = branch.attribute(name)
        return None if value == "?" and not self.is_own else value
