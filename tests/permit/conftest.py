"""The permit that contract 5 prints, as a value to change in tests."""

from __future__ import annotations

from datetime import date

import pytest

from epix_node.permit.model import Authority, Line, Origin, Permit, Quota, Reference, TradeParty


@pytest.fixture
def example() -> Permit:
    """Contract 5's example: nothing in it breaks a rule."""
    return Permit(
        type="E",
        number="26XA000123",
        issuer="XA",
        issued_on=date(2026, 3, 1),
        valid_from=date(2026, 3, 1),
        valid_until=date(2026, 8, 31),
        purpose="T",
        exporter=TradeParty(name="Hook Reptiles Ltd", address="7 Jetty Street\nNorthport", country="XA"),
        importer=TradeParty(name="Liddell Pets SA", address="12 Mirror Lane", country="XB"),
        transit=("XC",),
        authority=Authority(name="CITES Management Authority of Neverland", place="Northport", signatory="J. Darling"),
        security_stamp="XA0012345",
        special_conditions="Valid only with transport by IATA's Live Animals Regulations.",
        references=(Reference(relation="import-permit", issuer="XB", number="26XB000777", date=date(2026, 2, 20)),),
        lines=(
            Line(
                block="A",
                taxon="Python regius",
                common_name="ball python",
                appendix="II",
                sources=("C",),
                term="LIV",
                description="live animals",
                quantity="12",
                unit="NAR",
                marks=("XA-001",),
                origin=Origin(country="XA"),
                quota=Quota(used="120", annual="5000", unit="NAR"),
            ),
        ),
    )
