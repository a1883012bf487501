"""The source of the goods: codes that fit the taxon, the Appendix and the country (SRC-01 to SRC-09)."""

from __future__ import annotations

from datetime import timedelta

from epix_node.permit.number import normalised
from epix_node.rules.identity import edition_of, taxon_of, why_unknown
from epix_node.rules.operation import country_in
from epix_node.rules.provenance import country_of_origin, is_in_range_data
from epix_node.rules.report import Report
from epix_node.rules.ruleset import Stage
from epix_node.rules.subject import Specimen, Subject

_APPENDICES_BUT_I = ("II", "III")
_REGISTERED = "D"
_UNKNOWN_SOURCE = "U"


def check_sources(subject: Subject, report: Report) -> None:
    """Box 10, line by line. A code that is in no list is FLD-11."""
    for specimen in subject.specimens:
        _check_kingdom(subject, report, specimen)
        _check_companions(subject, report, specimen)
        if _REGISTERED in specimen.line.sources:
            _check_registered(subject, report, specimen)
        if not _check_range(subject, report, specimen, "SRC-08"):
            _check_range(subject, report, specimen, "SRC-09")


def _check_kingdom(subject: Subject, report: Report, specimen: Specimen) -> None:
    """SRC-01 and SRC-02: some sources can be said of animals only, some of plants only."""
    for rule_id in ("SRC-01", "SRC-02"):
        rule = report.rule(rule_id)
        plants_only, animals_only = rule.codes("plants_only"), rule.codes("animals_only")
        for position, source in enumerate(specimen.line.sources):
            of_plants, of_animals = source in plants_only, source in animals_only
            if not (of_plants or of_animals):
                continue
            path, taxon = f"{specimen.path}/sources/{position}", taxon_of(specimen)
            if taxon is None:
                report.not_checked(rule_id, why_unknown(specimen), path=path, edition=edition_of(subject, specimen))
                continue
            report.used(edition_of(subject, specimen))
            kingdom = "Plantae" if of_plants else "Animalia"
            if taxon.kingdom != kingdom:
                report.add(
                    rule_id,
                    f"this source is said of {'plants' if of_plants else 'animals'} only",
                    path=path,
                    value=source,
                    expected=f"a source of {'animals' if of_plants else 'plants'}",
                    edition=edition_of(subject, specimen),
                )


def _check_companions(subject: Subject, report: Report, specimen: Specimen) -> None:
    """SRC-03 to SRC-06: what a code needs beside it."""
    line, path = specimen.line, f"{specimen.path}/sources"
    if _REGISTERED in line.sources and line.appendix in _APPENDICES_BUT_I:
        report.add(
            "SRC-03",
            "source D is defined for Appendix I only",
            path=path,
            value=f"{_REGISTERED}, Appendix {line.appendix}",
            expected="Appendix I, or another source",
        )
    for rule_id, source, meaning in (("SRC-04", "O", "pre-Convention"), ("SRC-05", "I", "confiscated")):
        if line.sources == (source,):
            report.add(
                rule_id,
                f"source {source} ({meaning}) stands alone",
                path=path,
                value=source,
                expected="a second code that says where the goods come from",
            )
    if _UNKNOWN_SOURCE in line.sources and subject.permit.special_conditions is None:
        report.add(
            "SRC-06",
            "the source is unknown, and nothing is written that justifies it",
            path=path,
            value=_UNKNOWN_SOURCE,
            expected="a justification in box 5",
        )


def _check_registered(subject: Subject, report: Report, specimen: Specimen) -> None:
    """SRC-07: an animal of source D names the operation in the Secretariat's register that bred it."""
    line, path, taxon = specimen.line, f"{specimen.path}/operation_number", taxon_of(specimen)
    if taxon is None:
        report.not_checked("SRC-07", why_unknown(specimen), path=path, edition=edition_of(subject, specimen))
        return
    if taxon.kingdom != "Animalia":
        return
    if line.operation_number is None:
        message = "source D without the number of the operation"
        report.add("SRC-07", message, path=path, expected="its number in the register")
        return
    number = normalised(line.operation_number)
    country = country_in(number, report.rule("SRC-07").text_of("form"))
    origin = country_of_origin(subject, specimen)
    if country is None:
        report.add(
            "SRC-07",
            "this is no number of the register",
            path=path,
            value=number,
            expected="A-, the country, and a number, such as A-ID-501",
        )
    elif origin is not None and country != origin:
        report.add(
            "SRC-07",
            "the operation is in another country than that of origin",
            path=path,
            value=number,
            expected=f"an operation in {origin}",
        )
    else:
        _check_register(subject, report, number=number, name=taxon.name, path=path)


def _check_register(subject: Subject, report: Report, *, number: str, name: str, path: str) -> None:
    operations = subject.catalogue.operations
    known = operations.registered(number, name, subject.permit.issued_on)
    if operations.edition is None or known is None:
        reason = "the register of captive-breeding operations is not loaded here"
        report.not_checked("SRC-07", reason, path=path, edition=operations.edition)
        return
    report.used(operations.edition)
    if known:
        return
    longest_age = timedelta(days=report.rule("SRC-07").number("register_max_age_days"))
    is_old = operations.edition.age(subject.circumstances.today) > longest_age
    report.add(
        "SRC-07",
        "the register does not have this operation for the taxon",
        path=path,
        value=number,
        expected="an operation that is registered for the taxon",
        # An operation may have been registered since; its own authority knows, others must ask.
        lesser=is_old and report.stage is Stage.RECEIPT,
        edition=operations.edition,
    )


def _check_range(subject: Subject, report: Report, specimen: Specimen, rule_id: str) -> bool:
    """SRC-08 (wild) and SRC-09 (captive), whether it was reported: nothing is taken where it does not live."""
    if set(specimen.line.sources).isdisjoint(report.rule(rule_id).codes("sources")):
        return False
    path, taxon = f"{specimen.path}/origin/country", taxon_of(specimen)
    if taxon is None:
        report.not_checked(rule_id, why_unknown(specimen), path=path, edition=edition_of(subject, specimen))
        return False
    if not taxon.is_species_or_lower:
        return False
    if not taxon.range_states:
        reason = "the species data here do not say where the taxon lives"
        report.not_checked(rule_id, reason, path=path, edition=edition_of(subject, specimen))
        return False
    country = country_of_origin(subject, specimen)
    if country is None:
        report.not_checked(rule_id, "the country of origin is not stated", path=path)
        return False
    if country in taxon.range_states:
        report.used(edition_of(subject, specimen))
        return False
    if not is_in_range_data(subject, country, edition_of(subject, specimen)):
        report.not_checked(rule_id, f"the species data here do not speak of {country}", path=path)
        return False
    message = "the taxon does not live in the country of origin"
    if rule_id == "SRC-09":
        report.add(
            rule_id,
            f"{message}; no evidence of founder stock is known here",
            path=path,
            value=country,
            expected="evidence of founder stock",
            edition=edition_of(subject, specimen),
        )
        return True
    is_dated = _is_dated(subject, report, specimen)
    report.add(
        rule_id,
        f"{message}, by a list that is much older than the document" if is_dated else message,
        path=path,
        value=country,
        expected="a country in which the taxon lives",
        lesser=is_dated,
        edition=edition_of(subject, specimen),
    )
    return True


def _is_dated(subject: Subject, report: Report, specimen: Specimen) -> bool:
    """A range State may have been found since."""
    longest_age = timedelta(days=report.rule("SRC-08").number("data_max_age_days"))
    day = subject.permit.issued_on or subject.circumstances.today
    return edition_of(subject, specimen).age(day) > longest_age
