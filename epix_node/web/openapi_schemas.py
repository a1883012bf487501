"""JSON Schemas of what the national API takes and gives, for OpenAPI.

Bodies that are taken come from the classes that read them, so they cannot say anything else. Answers are written
down here from contract 4 and 5; tests compare them with what the server answers.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

from pydantic import BaseModel

from epix_node.federation.backoff import Alarm
from epix_node.federation.standing import PeerTrust, PullState
from epix_node.permit.answer import Freshness, Grade, VerdictWord
from epix_node.permit.event_bodies import ConfirmationBody, CorrectionBody, EndorsementBody, WithdrawalBody
from epix_node.permit.finding import FindingClass, FindingState
from epix_node.permit.json import permit_json_schema
from epix_node.permit.reasons import Reason
from epix_node.permit.status import Flag, Status
from epix_node.reconcile.line_state import State
from epix_node.rules.finding import Severity
from epix_node.rules.ruleset import Stage
from epix_node.signing.verdict import SignatureState
from epix_node.web.payloads import ClaimBody, DecisionBody, QuestionBody, TickBody
from epix_node.web.proofs import ProofBody

Schema = dict[str, Any]

_PLACE = "#/components/schemas/"

_BODIES: Mapping[str, type[BaseModel]] = {
    "Endorsement": EndorsementBody,
    "Confirmation": ConfirmationBody,
    "Correction": CorrectionBody,
    "Withdrawal": WithdrawalBody,
    "Question": QuestionBody,
    "Claim": ClaimBody,
    "Decision": DecisionBody,
    "Tick": TickBody,
    "Proof": ProofBody,
}

_WITH_PROOF = ("Endorsement", "Confirmation", "Correction", "Question", "Claim")
"""Bodies that carry ``proof`` beside their own members."""

TEXT: Schema = {"type": "string"}
MAYBE_TEXT: Schema = {"type": ["string", "null"]}
TIME: Schema = {"type": "string", "format": "date-time"}
MAYBE_TIME: Schema = {"type": ["string", "null"], "format": "date-time"}
DATE: Schema = {"type": "string", "format": "date"}
MAYBE_DATE: Schema = {"type": ["string", "null"], "format": "date"}
NUMBER: Schema = {"type": "integer"}
MAYBE_NUMBER: Schema = {"type": ["integer", "null"]}
DIGEST: Schema = {"type": "string", "pattern": "^[0-9a-f]{64}$"}


def reference(name: str) -> Schema:
    """A pointer to the component of this name."""
    return {"$ref": f"{_PLACE}{name}"}


@cache
def component_schemas() -> dict[str, Schema]:
    """Every component by name; made when first asked for, since it takes longer than the rest of a node's start."""
    schemas: dict[str, Schema] = {}
    permit = permit_json_schema()
    permit.pop("$schema")
    permit.pop("$id")
    _keep(schemas, "Permit", permit)
    schemas["ListedPermit"] = {
        **schemas["Permit"],
        "properties": {**schemas["Permit"]["properties"], "year": {"type": "integer"}},
    }
    for name, body in _BODIES.items():
        _keep(schemas, name, body.model_json_schema(by_alias=True, ref_template=_PLACE + "{model}"))
    for name in _WITH_PROOF:
        schemas[name]["properties"]["proof"] = {"anyOf": [reference("Proof"), {"type": "null"}]}
    return schemas | _answers()


def _keep(schemas: dict[str, Schema], name: str, schema: Schema) -> None:
    """The schema stands under its name, and what it defines for itself beside it."""
    for inner, definition in schema.pop("$defs", {}).items():
        schemas[inner] = _moved(definition)
    schemas[name] = _moved(schema)


def _moved(schema: Any) -> Any:
    """Pointers into a schema's own definitions lead to the components instead."""
    if isinstance(schema, dict):
        return {
            name: value.replace("#/$defs/", _PLACE) if name == "$ref" else _moved(value)
            for name, value in schema.items()
        }
    return [_moved(item) for item in schema] if isinstance(schema, list) else schema


def _object(**members: Schema) -> Schema:
    """An object with exactly these members."""
    return {"type": "object", "properties": members, "required": list(members), "additionalProperties": False}


def _owed_reports() -> dict[str, Schema]:
    """What the destination owes the issuer (``confirm``) and the other way, over the last half-year."""
    share = _object(
        expected=NUMBER,
        met=NUMBER,
        lower_bound={**TEXT, "description": "Wilson's, at 95 %, as a decimal"},
        observable={"type": "boolean", "description": "whether silence is evidence (FRD-19, END-05)"},
    )
    return {"confirm": share, "endorse": share}


def _except(schema: Schema, *optional: str) -> Schema:
    """The same object, in which these members may be absent."""
    return {**schema, "required": [name for name in schema["required"] if name not in optional]}


def _list(items: Schema) -> Schema:
    return {"type": "array", "items": items}


def _page(member: str, items: Schema) -> Schema:
    return _object(**{member: _list(items), "next": MAYBE_TEXT})


def _words(words: Any) -> Schema:
    return {"type": "string", "enum": [word.value for word in words]}


def _answers() -> dict[str, Schema]:
    key = _object(issuer=TEXT, type=TEXT, number=TEXT, year=NUMBER)
    register_entry = _object(origin=TEXT, index=MAYBE_NUMBER)
    status = {
        "status": _words(Status),
        "flags": _list(_words(Flag)),
        "issuer": MAYBE_TEXT,
        "type": MAYBE_TEXT,
        "number": MAYBE_TEXT,
        "year": MAYBE_NUMBER,
        "valid_from": MAYBE_DATE,
        "valid_until": MAYBE_DATE,
        "replaced_by": reference("PermitKey"),
        "lines": _list(reference("LineBalance")),
        "source": {"type": "string", "enum": ["authoritative", "mirror"]},
        "as_of": TIME,
        "watermark": _object(origin=MAYBE_TEXT, size=MAYBE_NUMBER, time=MAYBE_TIME),
        "freshness": _words(Freshness),
        "grade": _words(Grade),
        "signature": _words(SignatureState),
        "verdict": _words(VerdictWord),
        "reasons": _list(_words(Reason)),
        "request_id": TEXT,
        "differences": _list(reference("Difference")),
        "recorded": _object(event_id=TEXT, document=DIGEST, register_index=MAYBE_NUMBER),
    }
    peer = {
        "party": TEXT,
        "state": _words(PullState),
        "last_success": MAYBE_TIME,
        "lag": {**MAYBE_NUMBER, "description": "entries of the newest checkpoint that were not asked for yet"},
        "cursor": {**NUMBER, "description": "the register index that is asked for next"},
        "backoff_until": MAYBE_TIME,
        "trust": _words(PeerTrust),
        "alarm": {
            "type": ["string", "null"],
            "enum": [*(level.value for level in Alarm), None],
            "description": "for a peer that fails: WARN from 15 minutes of silence on, PAGE from a day on",
        },
    }
    event = {
        "type": "object",
        "description": "the members of the event as it was told, and where it is recorded",
        "properties": {
            "kind": TEXT,
            "party": TEXT,
            "document": DIGEST,
            "register_index": MAYBE_NUMBER,
            "matched": {
                "anyOf": [_object(rung=NUMBER, permit=reference("PermitKey")), {"type": "null"}],
                "description": "which permit the event is about, and how sure that is: 1 the same document, 2 the same "
                "key, 3 the only candidate, 4 a near number, 5 goods that are alike; not of withdrawals",
            },
        },
        "required": ["kind", "party", "document", "register_index"],
    }
    line_state = _object(
        block=MAYBE_TEXT,
        state=_words(State),
        severity=_words(Severity),
        also=_list(_words(State)),
        permitted=MAYBE_TEXT,
        endorsed=MAYBE_TEXT,
        imported=MAYBE_TEXT,
        unit=MAYBE_TEXT,
        tolerance=TEXT,
        conversions=_list(TEXT),
    )
    return {
        "PermitKey": key,
        "LineBalance": _object(
            block=MAYBE_TEXT,
            taxon=MAYBE_TEXT,
            term=MAYBE_TEXT,
            unit=MAYBE_TEXT,
            permitted=MAYBE_TEXT,
            endorsed=TEXT,
            confirmed=TEXT,
            remaining=MAYBE_TEXT,
        ),
        "Difference": _object(
            field=TEXT, presented={}, registered={}, **{"class": {"type": "string", "enum": ["A", "R"]}}
        ),
        "Status": _except(_object(**status), "replaced_by", "differences", "recorded"),
        "RuleFinding": _object(
            rule=TEXT,
            severity=_words(Severity),
            message=TEXT,
            box=MAYBE_TEXT,
            path=TEXT,
            value=MAYBE_TEXT,
            expected=MAYBE_TEXT,
            citation=TEXT,
            unverified={"type": "boolean"},
            national={"type": "boolean"},
            reference={"anyOf": [reference("ReferenceUsed"), {"type": "null"}]},
        ),
        "ReferenceUsed": _object(data=TEXT, as_of=DATE, age_days=NUMBER),
        "Edition": {
            **_object(data=TEXT, as_of=DATE, age_days=NUMBER, source=TEXT),
            "description": "reference data that rules looked into, and how old they were on the day of the check",
        },
        "Checks": {
            **_object(
                ruleset=TEXT,
                stage=_words(Stage),
                checked_at=TIME,
                reference=_list(reference("Edition")),
                findings=_list(reference("RuleFinding")),
            ),
            "description": "what the rules said when the permit was issued here, or came here",
        },
        "Published": _object(
            permit=reference("PermitKey"),
            document=DIGEST,
            register_index=MAYBE_NUMBER,
            token=MAYBE_TEXT,
            findings=_list(reference("RuleFinding")),
            reference=_list(reference("Edition")),
        ),
        "Recorded": _object(
            event_id=MAYBE_TEXT,
            document=DIGEST,
            register_index=MAYBE_NUMBER,
            status=reference("Status"),
            findings=_list(reference("Finding")),
        ),
        "Event": event,
        "LineState": {
            **line_state,
            "description": "how a line stands: what was permitted, left and arrived; `also` are further states that "
            "hold, `conversions` the assumptions about the goods that the amounts rest on",
        },
        "PermitStory": _except(
            _object(
                permit=reference("Permit"),
                status=reference("Status"),
                events=_list(reference("Event")),
                findings=_list(reference("Finding")),
                checks={
                    "anyOf": [reference("Checks"), {"type": "null"}],
                    "description": "null for permits that were recorded before this node kept checks",
                },
                reconciliation={**_list(reference("LineState")), "description": "not told to customs"},
                token=TEXT,
            ),
            "reconciliation",
            "token",
        ),
        "PermitPage": _page("permits", _object(permit=reference("ListedPermit"), status=reference("Status"))),
        "Finding": _object(
            id=DIGEST,
            pattern=TEXT,
            **{"class": _words(FindingClass)},
            state=_words(FindingState),
            permits=_list(_object(issuer=TEXT, type=MAYBE_TEXT, number=TEXT, year=MAYBE_NUMBER)),
            parties=_list(TEXT),
            first_seen=TIME,
            opened=MAYBE_TIME,
            summary=TEXT,
            evidence=_list(_object(kind=TEXT, document=DIGEST, register=register_entry)),
            values={"type": "object", "additionalProperties": TEXT},
            ruleset=TEXT,
        ),
        "FindingPage": _page("findings", reference("Finding")),
        "Peer": _object(**peer),
        "PeerDetails": {
            "type": "object",
            "properties": {**peer, "observability": _list(_object(issuer=TEXT, destination=TEXT, **_owed_reports()))},
            "required": [*peer, "observability"],
        },
        "PeerPage": _page("peers", reference("Peer")),
        "Clock": _object(now=TIME),
        "Cosignatures": _object(cosignatures=NUMBER),
        "Ticked": _object(
            now=TIME,
            rounds=NUMBER,
            pulled={"type": "object", "additionalProperties": MAYBE_NUMBER},
            written={**NUMBER, "description": "alerts and extracts that the node wrote in this round"},
            findings=_object(A=NUMBER, R=NUMBER, S=NUMBER, pending=NUMBER),
        ),
        "Problem": {
            "type": "object",
            "description": "RFC 9457",
            "properties": {
                "type": TEXT,
                "title": TEXT,
                "status": NUMBER,
                "detail": TEXT,
                "code": TEXT,
                "findings": _list(reference("RuleFinding")),
                "reasons": _list(TEXT),
                "candidates": _list(reference("PermitKey")),
            },
            "required": ["type", "title", "status", "detail", "code"],
        },
    }
