"""The world of `tests.world`, by the name that tests of federation know it by."""

from tests.world import HOST, PARTIES, START, Country, Meddle, World, changing, found_countries, on, permit_of

__all__ = ("HOST", "PARTIES", "START", "Country", "Meddle", "World", "changing", "found_countries", "on", "permit_of")
