"""Where each box of the form stands in toolkit v2: the one table that reader and writer share.

The form is that of Res. Conf. 12.3, Annex; element names and their order are those of the toolkit's sequence. Paths
of the document start at its root, paths of a line at its ``IncludedSupplyChainConsignmentItem``, and paths of a part
at that part. The order of the constants is the schema's, which is the order in which the writer must write.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from epix_node.permit.model import Relation

RSM = "urn:un:unece:uncefact:data:standard:CITESEPermit:2"
RAM = "urn:un:unece:uncefact:data:draft:ReusableAggregateBusinessInformationEntity:1"

ROOT = "CITESEPermit"
CONTEXT = "SpecifiedExchangedDocumentContext"
HEADER = "HeaderExchangedDocument"
CONSIGNMENT = "SpecifiedSupplyChainConsignment"

_MESSAGE_LEVEL = {ROOT, CONTEXT, HEADER, CONSIGNMENT}
"""Elements of the message's own namespace; everything below is in the namespace of reusable parts."""


def qualified(name: str) -> str:
    """The element's name with its namespace, in lxml's notation."""
    return f"{{{RSM if name in _MESSAGE_LEVEL else RAM}}}{name}"


@dataclass(frozen=True, slots=True)
class Box:
    """A place in the document: the label of the form's box, where it has one, and the path as local names."""

    label: str | None
    path: str
    steps: tuple[str, ...] = field(init=False)
    tags: tuple[str, ...] = field(init=False)
    """The same steps with their namespaces."""

    def __post_init__(self) -> None:
        steps = tuple(self.path.split("/"))
        object.__setattr__(self, "steps", steps)
        object.__setattr__(self, "tags", tuple(qualified(step) for step in steps))


# Of the document.
_PROCESS = f"{CONTEXT}/BusinessProcessSpecifiedDocumentContextParameter"
PROCESS = Box(None, f"{_PROCESS}/Value")
PROCESS_VERSION = Box(None, f"{_PROCESS}/SpecifiedDocumentVersion/ID")
MODEL = Box(None, f"{CONTEXT}/BIMSpecifiedDocumentContextParameter/ID")

NUMBER = Box("1", f"{HEADER}/ID")
TYPE_NAME = Box("1", f"{HEADER}/Name")
TYPE = Box("1", f"{HEADER}/TypeCode")
ISSUED_ON = Box("13", f"{HEADER}/IssueDateTime")
COPY = Box(None, f"{HEADER}/CopyIndicator")
PURPOSE = Box("5a", f"{HEADER}/PurposeCode")
SPECIAL_CONDITIONS = Box("5", f"{HEADER}/Information")
REFERENCE = Box(None, f"{HEADER}/ReferenceReferencedDocument")
VALID_FROM = Box("2", f"{HEADER}/EffectiveSpecifiedPeriod/StartDateTime")
VALID_UNTIL = Box("2", f"{HEADER}/EffectiveSpecifiedPeriod/EndDateTime")
PLACE = Box("13", f"{HEADER}/IssueLogisticsLocation/Name")
_FIRST = f"{HEADER}/FirstSignatoryDocumentAuthentication"
AUTHORITY_ROLE = Box("6", f"{_FIRST}/TypeCode")
SECURITY_STAMP = Box("5b", f"{_FIRST}/ID")
AUTHORITY = Box("6", f"{_FIRST}/ProviderTradeParty/Name")
ISSUER = Box("6", f"{_FIRST}/ProviderTradeParty/PostalTradeAddress/CountryID")
_THIRD = f"{HEADER}/ThirdSignatoryDocumentAuthentication"
SIGNATORY_ROLE = Box("13", f"{_THIRD}/TypeCode")
SIGNATORY = Box("13", f"{_THIRD}/ProviderTradeParty/Name")
SIGNATORY_PLACE = Box("13", f"{_THIRD}/IssueLogisticsLocation/Name")

EXPORTER = Box("4", f"{CONSIGNMENT}/ConsignorTradeParty")
IMPORTER = Box("3", f"{CONSIGNMENT}/ConsigneeTradeParty")
IMPORT_COUNTRY = Box("3a", f"{CONSIGNMENT}/ImportTradeCountry/ID")
"""Only v1 has it, beside the country of the importer's address."""
TRANSPORT_DOCUMENT = Box("15", f"{CONSIGNMENT}/TransportContractReferencedDocument/ID")
LINE = Box(None, f"{CONSIGNMENT}/IncludedSupplyChainConsignmentItem")

# Of a trade party.
NAME = Box(None, "Name")
POST_BOX = Box(None, "PostalTradeAddress/PostOfficeBox")
STREET = Box(None, "PostalTradeAddress/StreetName")
POSTCODE = Box(None, "PostalTradeAddress/PostcodeCode")
CITY = Box(None, "PostalTradeAddress/CityName")
COUNTRY = Box(None, "PostalTradeAddress/CountryID")
COUNTRY_NAME = Box(None, "PostalTradeAddress/CountryName")
SUBDIVISION = Box(None, "PostalTradeAddress/CountrySubDivisionName")

# Of a referenced document.
DOCUMENT_DATE = Box(None, "IssueDateTime")
DOCUMENT_TYPE = Box(None, "TypeCode")
DOCUMENT_NUMBER = Box(None, "ID")
DOCUMENT_NAME = Box(None, "Name")

# Of a line.
BLOCK = Box(None, "ID")
MARK = Box("9", "PhysicalLogisticsShippingMarks/Marking")
ORIGIN_COUNTRY = Box("12", "OriginTradeCountry/ID")
LAST_REEXPORT_COUNTRY = Box("12a", "ExportTradeCountry/ID")
ASSOCIATED = Box("12", "AssociatedReferencedDocument")
QUANTITY = Box("11", "TransportLogisticsPackage/ItemQuantity")
GOODS = Box(None, "IncludedSupplyChainTradeLineItem")
QUOTA_USED = Box("11a", "ApplicableCrossBorderRegulatoryProcedure/UsedToDateQuotaQuantity")
QUOTA_ANNUAL = Box("11a", "ApplicableCrossBorderRegulatoryProcedure/AnnualQuotaQuantity")
ACQUIRED_ON = Box("12b", "ApplicableCrossBorderRegulatoryProcedure/AcquisitionDateTime")
OPERATION_NUMBER = Box("12b", "ApplicableCrossBorderRegulatoryProcedure/PreviousReferencedDocument/ID")

# Of the goods of a line.
APPENDIX = Box("10", "TypeCode")
SOURCE = Box("10", "TypeExtensionCode")
DESCRIPTION = Box("9", "SpecifiedTradeProduct/Description")
TERM = Box("9", "SpecifiedTradeProduct/TypeCode")
COMMON_NAME = Box("8", "SpecifiedTradeProduct/CommonName")
TAXON = Box("7", "SpecifiedTradeProduct/ScientificName")
PRODUCT = Box("7", "SpecifiedTradeProduct")

# What is looked for together, in one pass over the element.
OF_DOCUMENT = tuple(
    box for box in tuple(vars().values()) if isinstance(box, Box) and box.steps[0] in {CONTEXT, HEADER, CONSIGNMENT}
)
OF_PARTY = (NAME, POST_BOX, STREET, POSTCODE, CITY, COUNTRY, COUNTRY_NAME, SUBDIVISION)
OF_PAPER = (DOCUMENT_DATE, DOCUMENT_TYPE, DOCUMENT_NUMBER, DOCUMENT_NAME)
OF_LINE = (
    BLOCK,
    MARK,
    ORIGIN_COUNTRY,
    LAST_REEXPORT_COUNTRY,
    ASSOCIATED,
    QUANTITY,
    GOODS,
    QUOTA_USED,
    QUOTA_ANNUAL,
    ACQUIRED_ON,
    OPERATION_NUMBER,
)
OF_GOODS = (APPENDIX, SOURCE, DESCRIPTION, TERM, COMMON_NAME, TAXON, PRODUCT)

# Codes that the toolkit's documents use at these places.
ORIGIN_DOCUMENT = "861"
LAST_REEXPORT_DOCUMENT = "811"
"""De facto codes of boxes 12 and 12a; neither is what UNTDID 1001 says of them."""
RELATION_CODES: dict[str, str] = {Relation.IMPORT_PERMIT: "911", Relation.EXPORT_PERMIT: "811", Relation.ANNEX: "916"}
"""How a referenced document belongs to the permit, in UNTDID 1001: import licence, export licence, related document."""
DOCUMENT_LIST = {"listID": "1001", "listAgencyID": "6"}
"""The attributes that say that a document's type code is of UNTDID 1001."""

OWN_MODEL = "urn:epix-node:toolkit-v2:1"
"""Value of ``MODEL`` in what our writer wrote: codes and units are there exactly as the issuer gave them, so the
reader must not mend them. Everything else is read with the tolerance that real toolkit documents need."""
REPLACED_DOCUMENT = "Replaced document"
"""``DOCUMENT_NAME`` of the reference to the permit that this one replaces."""
