"""The rules that must know what the goods are: all families that rest on species and other reference data."""

from __future__ import annotations

from epix_node.rules.annotations import check_annotations
from epix_node.rules.appendix import check_appendix
from epix_node.rules.preconvention import check_preconvention
from epix_node.rules.purposes import check_purposes
from epix_node.rules.quotas import check_quotas
from epix_node.rules.report import Report
from epix_node.rules.sea import check_sea
from epix_node.rules.sources import check_sources
from epix_node.rules.standing import standings
from epix_node.rules.subject import Subject
from epix_node.rules.suspensions import check_suspensions
from epix_node.rules.taxa import check_taxa
from epix_node.rules.terms import check_terms


def check_specimens(subject: Subject, report: Report) -> None:
    """Each family in turn; the listings on the day of issue are looked up once for all of them."""
    listed = standings(subject, report)
    check_taxa(subject, report)
    check_terms(subject, report)
    check_sources(subject, report)
    check_appendix(subject, report, listed)
    check_purposes(subject, report)
    check_preconvention(subject, report)
    check_sea(subject, report, listed)
    check_suspensions(subject, report)
    check_quotas(subject, report)
    check_annotations(subject, report, listed)
