"""What a document says of itself: a copy, a replacement, issued in retrospect (END-09, DOC-01, RET-02, RET-03)."""

from __future__ import annotations

from epix_node.rules.report import Report
from epix_node.rules.ruleset import Stage
from epix_node.rules.subject import Subject


def check_papers(subject: Subject, report: Report) -> None:
    """What such a document must say in box 5 is text: a program sees whether it is there, people read what it says."""
    permit = subject.permit
    conditions = permit.special_conditions
    if permit.copy:
        arrived = subject.circumstances.stage is Stage.RECEIPT
        report.add(
            "END-09",
            "the document is a copy",
            path="/copy",
            value="copy",
            expected="the original, or a copy that says what it may be used for",
            lesser=arrived and conditions is not None,
        )
    if permit.replaces is not None and conditions is None:
        report.add(
            "DOC-01",
            "a replacement without the reason for it",
            path="/special_conditions",
            expected="the number of the document that it replaces, and why",
        )
    if permit.retrospective:
        _check_retrospective(subject, report)


def _check_retrospective(subject: Subject, report: Report) -> None:
    for specimen in subject.specimens:
        if specimen.line.appendix == "I":
            report.add(
                "RET-02",
                "specimens of Appendix I on a document issued in retrospect",
                path=f"{specimen.path}/appendix",
                value="I",
                expected="Appendix II or III",
                box="10",
            )
    conditions = (subject.permit.special_conditions or "").casefold()
    if any(word.casefold() in conditions for word in report.rule("RET-03").codes("words")):
        message = "whether reason, consultation and copy to the Secretariat are on record is for people to read"
        report.not_checked("RET-03", message, path="/special_conditions")
    else:
        report.add(
            "RET-03",
            "issued in retrospect, and the special conditions do not say so",
            path="/special_conditions",
            expected="the statement, the reason, the consultation of both authorities, the copy to the Secretariat",
        )
