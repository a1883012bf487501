"""Permits for the laws of reading and writing: any at all, and those that a schema of the toolkit can hold."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

from hypothesis import strategies as st

from epix_node.permit.model import Authority, Line, Origin, Permit, Quota, Reference, TradeParty
from epix_node.permit.normal import normal_form
from epix_node.permit.xml.extension import EXTENSION_MEMBERS

XML_CHARACTERS = st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"], exclude_characters="\ufffe\uffff")
TEXT = st.one_of(
    st.text(XML_CHARACTERS | st.sampled_from(" \t\n\r<>&'\""), max_size=12),
    # What the tolerant reader would mend, were it not our own document.
    st.sampled_from(
        ["?", "KIL", "PCS", "861", "811", "911", "E", "R", "I", "W/X", "annex", "Replaced document", "true"]
    ),
)
MAYBE = st.none() | TEXT
DAY = st.none() | st.dates()
TEXTS = st.lists(TEXT, max_size=3).map(tuple)
TRADE_PARTY = st.none() | st.builds(TradeParty, name=MAYBE, address=MAYBE, country=MAYBE)
ORIGIN = st.none() | st.builds(Origin, country=MAYBE, permit=MAYBE, date=DAY)
LINE = st.builds(
    Line,
    **dict.fromkeys(["block", "taxon", "common_name", "appendix", "term", "description", "quantity", "unit"], MAYBE),
    sources=TEXTS,
    marks=TEXTS,
    origin=ORIGIN,
    last_reexport=ORIGIN,
    acquired_on=DAY,
    operation_number=MAYBE,
    quota=st.none() | st.builds(Quota, used=MAYBE, annual=MAYBE, unit=MAYBE),
)
REQUIRED = TEXT.map(lambda text: text + "x")
PERMITS = st.builds(
    Permit,
    type=REQUIRED | st.sampled_from("ERIO"),
    number=REQUIRED,
    issuer=REQUIRED,
    lines=st.lists(LINE, min_size=1, max_size=3).map(tuple),
    **dict.fromkeys(["issued_on", "valid_from", "valid_until"], DAY),
    **dict.fromkeys(["multi_use", "copy", "retrospective", "paper_original", "legacy"], st.booleans()),
    **dict.fromkeys(
        ["subtype", "purpose", "replaces", "security_stamp", "special_conditions", "transport_document"], MAYBE
    ),
    exporter=TRADE_PARTY,
    importer=TRADE_PARTY,
    transit=TEXTS,
    authority=st.builds(Authority, name=MAYBE, place=MAYBE, signatory=MAYBE),
    references=st.lists(
        st.builds(Reference, relation=TEXT | st.just("import-permit"), issuer=MAYBE, number=MAYBE, date=DAY), max_size=3
    ).map(tuple),
).map(normal_form)


AMOUNT = st.decimals(min_value=0, max_value=10**9, places=3).map(lambda amount: f"{amount:f}")
QUOTA = st.none() | st.builds(Quota, used=AMOUNT, annual=st.none() | AMOUNT, unit=MAYBE)


@st.composite
def permits_with_amounts(draw: st.DrawFn) -> Permit:
    """Permits that no rule blocks have a number in box 11 and in what box 11a says; all else may be anything."""
    permit = draw(PERMITS)
    lines = tuple(replace(line, quantity=draw(AMOUNT), quota=draw(QUOTA)) for line in permit.lines)
    return normal_form(replace(permit, lines=lines))


def without_extension(permit: Permit) -> Permit:
    """The permit as plain toolkit output holds it."""
    plain = {"subtype": None, "transit": ()} | dict.fromkeys(
        ["multi_use", "retrospective", "paper_original", "legacy"], False
    )
    assert plain.keys() == set(EXTENSION_MEMBERS)
    return replace(permit, **plain)


UGLY = Permit(
    type="O",
    number="No. 26XA–000123∕ é 🐍",
    issuer="XA",
    subtype="no such subtype",
    issued_on=date(1, 1, 1),
    valid_until=date(9999, 12, 31),
    multi_use=True,
    copy=True,
    retrospective=True,
    paper_original=True,
    legacy=True,
    replaces="911",
    transit=("XC", "XC", "nowhere"),
    exporter=TradeParty(address="first\n\n  third\r\nfourth"),
    references=(
        Reference(relation="911", number="1"),
        Reference(relation="annex"),
        Reference(relation="unheard-of", issuer="?"),
        Reference(relation="import-permit", issuer="XB", number="26XB000777", date=date(2026, 2, 20)),
    ),
    lines=(
        Line(),
        Line(sources=("W/X", "W", "W"), quantity="1e3", unit="PCS", quota=Quota(annual="7", unit="?")),
        Line(sources=("O", "W"), unit="KIL", quota=Quota(used="1"), marks=("a", "a", "]]>")),
        Line(quantity="5", origin=Origin(date=date(2025, 1, 1)), last_reexport=Origin(permit="E")),
    ),
)
