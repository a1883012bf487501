"""What a notice says: the finding as contract 5 prints it, and a letter for people.

Neither names persons or firms: findings do not. The finding is told as it stands when the notice leaves; one that was
corrected or decided since it opened says so by its state.

Not here: how it is sent (``webhook``, ``mail``).
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from uuid import uuid4

from epix_node.clock import format_time
from epix_node.permit.finding import Finding

TRIAL_PATTERN = "TEST"
"""In place of a pattern in what ``epix-node notify test`` sends; no pattern of the rules is called so."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One notice, ready to be sent; ``id`` is the same at each try."""

    id: str
    body: bytes
    """For programs: JSON."""
    subject: str
    text: str
    """For people, with a line end after each line."""


def about(notice_id: str, finding: Finding, *, party: str, origin_of: Callable[[str], str]) -> Message:
    """What this node, of ``party``, says of the finding."""
    subject = finding.subject
    permits = ", ".join(
        " ".join(str(part) for part in (one.issuer, one.type, one.number, one.year) if part is not None)
        for one in finding.permits
    )
    opened = format_time(finding.opened) if finding.opened is not None else "not told"
    figures = "".join(f"  {name}: {value}\n" for name, value in sorted(finding.values.items()))
    text = f"""\
The EPIX node of {party} has a finding of class {finding.class_.value}: {finding.pattern}.

{finding.summary}

Permits: {permits}
Parties: {", ".join(finding.parties)}
State: {finding.state.value}; opened {opened}
Rules: {finding.ruleset}
Figures:
{figures}
What to do: read its evidence, with `epix-node findings --issuer {subject.issuer} --number "{subject.number}"` or at
/api/v1/findings/{finding.id}, do what the sentence above asks, and then decide on it at
/api/v1/findings/{finding.id}/decision: confirmed, dismissed or duplicate, with a reason.

Finding: {finding.id}
Notice: {notice_id}
"""
    body = json.dumps(finding.to_json(origin_of=origin_of), ensure_ascii=False, separators=(",", ":"))
    return Message(
        id=notice_id,
        body=body.encode(),
        subject=f"EPIX {party}: {finding.pattern}, class {finding.class_.value}, {subject.issuer} {subject.number}",
        text=text,
    )


def trial(*, party: str, ruleset: str, now: datetime) -> Message:
    """A notice about nothing, which shows that notices arrive: a finding of the pattern ``TEST``, with no permit."""
    notice_id = f"test-{uuid4()}"
    summary = f"This is a test of the notices of {party}; nothing was found, and there is nothing to do."
    finding = {
        "id": "0" * 64,
        "pattern": TRIAL_PATTERN,
        "class": "A",
        "state": "open",
        "permits": [],
        "parties": [party],
        "first_seen": format_time(now),
        "opened": format_time(now),
        "summary": summary,
        "evidence": [],
        "values": {},
        "ruleset": ruleset,
    }
    return Message(
        id=notice_id,
        body=json.dumps(finding, separators=(",", ":")).encode(),
        subject=f"EPIX {party}: {TRIAL_PATTERN}",
        text=f"{summary}\n\nNotice: {notice_id}\n",
    )
