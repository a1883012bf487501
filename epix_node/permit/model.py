"""A permit as its issuer wrote it: every box of the standard form, codes as given.

The model holds what a document *says*, also where that is wrong or missing, since rules can only be checked
on what was understood. Only issuer, type, number and at least one line must be there (contract 5). Codes stay
text: whether a code is in its list is a rule (``rules``), not a property of the model. Box numbers follow
Res. Conf. 12.3, Annex.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum

from epix_node.permit.number import PermitKey, normalised
from epix_node.permit.quantity import Quantity


class PermitType(StrEnum):
    """Box 1."""

    EXPORT = "E"
    REEXPORT = "R"
    IMPORT = "I"
    OTHER = "O"


class Relation(StrEnum):
    """How a referenced document belongs to this one."""

    IMPORT_PERMIT = "import-permit"
    EXPORT_PERMIT = "export-permit"
    ANNEX = "annex"


@dataclass(frozen=True, slots=True, kw_only=True)
class TradeParty:
    """Boxes 3 and 4: who sends or receives the goods. ``country`` is an ISO code as given."""

    name: str | None = None
    address: str | None = None
    country: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Authority:
    """Boxes 6 and 13: the Management Authority, the place of issue, and who signed."""

    name: str | None = None
    place: str | None = None
    signatory: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """Another document that this one names."""

    relation: str
    issuer: str | None = None
    number: str | None = None
    date: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Boxes 12 and 12a: a country and the document that it gave."""

    country: str | None = None
    permit: str | None = None
    date: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Quota:
    """Box 11a: decimal texts in ``unit``."""

    used: str | None = None
    annual: str | None = None
    unit: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One block (A, B, …): boxes 7 to 12b. ``quantity`` is the decimal text as given."""

    block: str | None = None
    taxon: str | None = None
    common_name: str | None = None
    appendix: str | None = None
    sources: tuple[str, ...] = ()
    term: str | None = None
    description: str | None = None
    quantity: str | None = None
    unit: str | None = None
    marks: tuple[str, ...] = ()
    origin: Origin | None = None
    last_reexport: Origin | None = None
    acquired_on: date | None = None
    operation_number: str | None = None
    quota: Quota | None = None

    def permitted(self) -> Quantity | None:
        """The permitted quantity, or ``None`` where box 11 holds none that can be read (QTY-01)."""
        if self.quantity is None or self.unit is None:
            return None
        try:
            return Quantity.parse(self.quantity, self.unit)
        except ValueError:
            return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Permit:
    """One permit or certificate. ``number`` is as printed; ``key`` holds it normalised."""

    type: str
    number: str
    issuer: str
    lines: tuple[Line, ...]
    subtype: str | None = None
    issued_on: date | None = None
    valid_from: date | None = None
    valid_until: date | None = None
    purpose: str | None = None
    multi_use: bool = False
    copy: bool = False
    retrospective: bool = False
    paper_original: bool = False
    replaces: str | None = None
    exporter: TradeParty | None = None
    importer: TradeParty | None = None
    transit: tuple[str, ...] = ()
    authority: Authority = field(default_factory=Authority)
    security_stamp: str | None = None
    special_conditions: str | None = None
    transport_document: str | None = None
    references: tuple[Reference, ...] = ()
    legacy: bool = False

    def __post_init__(self) -> None:
        """Refuse what cannot be a permit at all; the readers check this first and explain it."""
        if not (self.type and self.number and self.issuer and self.lines):
            raise ValueError("a permit has an issuer, a type, a number and at least one line")

    @property
    def key(self) -> PermitKey:
        """The permit key. Only of permits with a date of issue (FLD-14 refuses the others before)."""
        if self.issued_on is None:
            raise ValueError("a permit without a date of issue has no key")
        return PermitKey(issuer=self.issuer, type=self.type, number=normalised(self.number), year=self.issued_on.year)

    @property
    def in_force_from(self) -> date | None:
        """Absent ``valid_from`` means the date of issue (``domain-rules.md`` 0.15)."""
        return self.valid_from or self.issued_on

    @property
    def destination(self) -> str | None:
        """The country whose confirmations move the status (contract 4): box 3a."""
        return self.importer.country if self.importer else None

    @property
    def origin_country(self) -> str | None:
        """The country of the exporter, box 4."""
        return self.exporter.country if self.exporter else None
