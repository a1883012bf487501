"""The XML Schema of the exchange document, for tests, for other programs, and for whoever wants a second opinion.

``document.reader`` does not need it: the tables that it reads by are stricter. The schema is package data.
"""

from __future__ import annotations

from functools import cache
from importlib import resources

from lxml import etree

from epix_node.safexml import parse

SCHEMA_FILE = "epix-document-1.xsd"


def document_schema_bytes() -> bytes:
    """The schema as it is published."""
    return (resources.files("epix_node") / "schemas" / SCHEMA_FILE).read_bytes()


@cache
def document_schema() -> etree.XMLSchema:
    """The compiled schema, the same object each time. It keeps the errors of its last run: one thread at a time."""
    return etree.XMLSchema(parse(document_schema_bytes()))
