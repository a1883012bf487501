"""The versions of the toolkit that are read, told apart by their root element.

Reading knows the paths of v2 only (``boxes``). A form of another version says how it writes those of v2 that it
writes otherwise (cites-formats.md 1.3). One more version is one more entry here, as long as it has the same boxes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from epix_node.permit.xml import boxes
from epix_node.permit.xml.boxes import Box

Shape: TypeAlias = "dict[str, tuple[str | None, Shape]]"
"""Tag → the v2 path of the box that stands there, if any, and what is looked for inside."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Form:
    """One version: what it is called, its root element, the namespace of its message level, and its own paths."""

    name: str
    root: str
    namespace: str
    written: Mapping[str, str] = field(default_factory=dict)
    """Paths, or parts of paths, of v2 → as this form has them."""
    namespaces: tuple[str, ...] = field(init=False)
    """As prefixes of tags."""
    document: Shape = field(init=False)
    party: Shape = field(init=False)
    paper: Shape = field(init=False)
    line: Shape = field(init=False)
    goods: Shape = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "namespaces", (f"{{{self.namespace}}}", f"{{{boxes.RAM}}}"))
        object.__setattr__(self, "document", self._shape(boxes.OF_DOCUMENT))
        object.__setattr__(self, "party", self._shape(boxes.OF_PARTY))
        object.__setattr__(self, "paper", self._shape(boxes.OF_PAPER))
        object.__setattr__(self, "line", self._shape(boxes.OF_LINE))
        object.__setattr__(self, "goods", self._shape(boxes.OF_GOODS))

    def path(self, path: str) -> str:
        """A path of v2 as this form has it."""
        for of_v2, written in self.written.items():
            path = path.replace(of_v2, written)
        return path

    def _shape(self, of_part: Iterable[Box]) -> Shape:
        shape: Shape = {}
        for box in of_part:
            self._enter(shape, self.path(box.path).split("/"), box.path)
        return shape

    def _enter(self, shape: Shape, steps: list[str], path: str) -> None:
        step, *below = steps
        held, inner = shape.get(step, (None, {}))
        # The habits of qualifying names differ in which elements are in a namespace: each is looked for in all.
        for prefix in ("", *self.namespaces):
            shape[prefix + step] = (held if below else path, inner)
        if below:
            self._enter(inner, below, path)


TOOLKIT_2 = Form(name="toolkit-v2", root=boxes.ROOT, namespace=boxes.RSM)
TOOLKIT_1 = Form(
    name="toolkit-v1",
    root="CBFShip",
    namespace="urn:un:unece:uncefact:data:draft:CBFShip:1",
    written={
        "PostalTradeAddress/CountryID": "PostalTradeAddress/CountryIdentificationTradeCountry/ID",
        "PostalTradeAddress/CountryName": "PostalTradeAddress/CountryIdentificationTradeCountry/Name",
        "PostalTradeAddress/CountrySubDivisionName": (
            "PostalTradeAddress/CountryIdentificationTradeCountry/SubordinateTradeCountrySubDivision/Name"
        ),
        "ApplicableCrossBorderRegulatoryProcedure": "ApplicableCrossBorderGovernmentProcedure",
        "ExaminationTransportEvent/UnitQuantity": "ExaminationTransportEvent/InspectedUnitQuantity",
    },
)
FORMS: Mapping[str, Form] = {form.root: form for form in (TOOLKIT_2, TOOLKIT_1)}
"""By the local name of the root element."""
