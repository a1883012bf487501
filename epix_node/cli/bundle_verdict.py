"""What ``epix-node verify`` says of an evidence bundle, with a node or without any."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from epix_node.cli.exits import ExitCode
from epix_node.cli.invocation import Border, Invocation, new_request_id, policy_of, read_input
from epix_node.cli.status import tell_answer, verdict_code
from epix_node.cli.terminal import Terminal
from epix_node.clock import format_time
from epix_node.errors import ConfigError, EpixError, InputError, StoreError

if TYPE_CHECKING:
    from epix_node.config import Config
    from epix_node.evidence.bundle import Bundle
    from epix_node.evidence.judgement import Judgement, Reader
    from epix_node.evidence.testimony import Testimony
    from epix_node.permit.answer import Answer, Purpose
    from epix_node.trust.trust_list import TrustList


@dataclass(frozen=True, slots=True, kw_only=True)
class _Standpoint:
    """By what a bundle is judged, and where that is from."""

    reader: Reader
    source: str


def verify_bundle(
    invocation: Invocation,
    data: bytes,
    *,
    at: datetime | None,
    border: Border | None,
    root: Path | None,
    offline: bool,
) -> ExitCode:
    """Tell the verdict on the bundle in these bytes; returns the exit code that says it.

    Raises:
        MalformedDocumentError: there is none.
        InputError: the root cannot be read, or is none.
        ConfigError: there is a configuration, and it cannot be used.
    """
    from epix_node.evidence.bundle import Bundle
    from epix_node.evidence.judgement import judge
    from epix_node.permit.answer import Purpose

    bundle = Bundle.parse(data)
    purpose = Purpose(border.value) if border is not None else None
    config = invocation.config() if root is None and invocation.has_config() else None
    standpoint = _standpoint(invocation, root, config)
    judgement = judge(bundle, standpoint.reader, at=at, purpose=purpose)
    answer = judgement.answer
    if config is not None and not offline:
        answer = _with_node(invocation, bundle, standpoint.reader, judgement, at=at, purpose=purpose)
    body = answer.to_json(request_id=new_request_id())
    body["bundle"] = _bundle_json(bundle, standpoint, judgement)
    invocation.answer(body, lambda terminal: _tell(terminal, body))
    return verdict_code(answer.verdict)


def _standpoint(invocation: Invocation, root: Path | None, config: Config | None) -> _Standpoint:
    from epix_node.evidence.judgement import Reader

    if root is not None:
        return _Standpoint(reader=Reader(root=_root(root)), source="--root")
    if config is None:
        return _Standpoint(reader=Reader(), source="the bundle itself")
    from epix_node.node import witness_rule

    reader = Reader(
        policy=policy_of(config),
        policy_about=witness_rule(config).policy_about,
        timezone=ZoneInfo(config.party.timezone),
    )
    if config.federation.trust_list is None:
        return _Standpoint(reader=reader, source="the bundle itself")
    pinned = _root(config.root_file)
    return _Standpoint(reader=replace(reader, root=pinned, known=_known(invocation, pinned)), source="configuration")


def _root(path: Path) -> bytes:
    from epix_node.trust.excerpt import require_root
    from epix_node.trust.role_metadata import MAX_BYTES

    data = read_input(path, max_bytes=MAX_BYTES["root"])
    try:
        require_root(data)
    except EpixError as error:
        raise InputError(f"{path} is no root of a trust list: {error}") from error
    return data


def _known(invocation: Invocation, root: bytes) -> TrustList | None:
    """What the node of the configuration verified under this root; None where it has no database, or another root."""
    from epix_node.store import trust as trust_store
    from epix_node.trust.trust_list import TrustList

    try:
        with invocation.database() as (database, _):
            held = database.read_now(trust_store.held).trust_list
    except (ConfigError, StoreError):
        return None  # a root is enough
    known = TrustList.from_bytes(held) if held is not None else None
    return known if known is not None and root in known.roots and known.refreshed_at is not None else None


def _with_node(
    invocation: Invocation,
    bundle: Bundle,
    reader: Reader,
    judgement: Judgement,
    *,
    at: datetime | None,
    purpose: Purpose | None,
) -> Answer:
    """The verdict of bundle and node together, as of now: a node that holds the permit knows what came later."""
    from epix_node.acts import look
    from epix_node.evidence.judgement import judge
    from epix_node.permit.answer import VerdictWord
    from epix_node.permit.status import Status
    from epix_node.store import documents

    with invocation.node() as node:
        now = at if at is not None else node.clock()
        policy = policy_of(node.config)
        answer = look.verdict_on_document(node.office, policy, bundle.permit.xml, purpose=purpose, now=now)
        held = node.database.read_now(documents.find, judgement.permit.sha256)
    if held is None and answer.status is Status.UNKNOWN:
        return judge(bundle, reader, at=now, purpose=purpose).answer
    gravest = [VerdictWord.NOT_VALID, VerdictWord.INDETERMINATE, VerdictWord.UNKNOWN, VerdictWord.VALID]
    verdict = min(answer.verdict, judgement.answer.verdict, key=gravest.index)
    reasons = tuple(dict.fromkeys([*answer.reasons, *judgement.answer.reasons]))
    return replace(answer, verdict=verdict, reasons=reasons)


def _bundle_json(bundle: Bundle, standpoint: _Standpoint, judgement: Judgement) -> dict[str, Any]:
    answer, trust_list = judgement.answer, judgement.trust_list
    return {
        "verdict": answer.verdict.value,
        "reasons": [reason.value for reason in answer.reasons],
        "as_of": format_time(answer.as_of),
        "made_at": format_time(judgement.made_at) if judgement.made_at is not None else None,
        "permit": _testimony_json(judgement.permit),
        "events": [_testimony_json(event) for event in judgement.events],
        "trust": {
            "root": _fingerprint(bundle, standpoint.reader),
            "source": standpoint.source,
            "pinned": judgement.is_pinned,
            "parties": sorted(trust_list.parties) if trust_list is not None else [],
            "expires": format_time(trust_list.expires) if trust_list is not None and trust_list.expires else None,
            "problem": str(judgement.trust_problem) if judgement.trust_problem is not None else None,
        },
        "said": dict(bundle.verdict),
    }


def _fingerprint(bundle: Bundle, reader: Reader) -> str | None:
    from epix_node.trust.role_metadata import digest_of

    return digest_of(reader.root) if reader.root is not None else bundle.trust.fingerprint()


def _testimony_json(testimony: Testimony) -> dict[str, Any]:
    header = testimony.document.header if testimony.document is not None else None
    checkpoint = testimony.checkpoint
    return {
        "document": testimony.sha256,
        "kind": header.type.value if header is not None else None,
        "party": testimony.party,
        "signature": testimony.signature.value,
        "grade": testimony.grade.value,
        "reasons": [reason.value for reason in testimony.reasons],
        "register": {"origin": checkpoint.origin, "size": checkpoint.size, "index": testimony.index}
        if checkpoint is not None
        else None,
        "accepted_at": format_time(testimony.leaf.at) if testimony.leaf is not None else None,
        "witnesses": list(testimony.witnesses),
    }


def _tell(terminal: Terminal, body: Mapping[str, Any]) -> None:
    from epix_node.trust.manifest import grouped

    tell_answer(terminal, body)
    bundle = body["bundle"]
    trust, permit = bundle["trust"], bundle["permit"]
    terminal.facts(
        [
            ("bundle", f"{bundle['verdict']} as of {bundle['as_of']}"),
            ("entry", f"{permit['register']['index']}, taken {permit['accepted_at']}" if permit["register"] else None),
            ("cosigned by", permit["witnesses"]),
            ("trusted by", f"{trust['source']}{'' if trust['pinned'] else ', which proves nothing'}"),
            ("root", grouped(trust["root"]) if trust["root"] else None),
            ("trust problem", trust["problem"]),
        ]
    )
    rows = [
        (one["kind"], one["party"], one["accepted_at"], one["signature"], one["grade"], one["reasons"])
        for one in bundle["events"]
    ]
    if rows:
        terminal.table(("event", "by", "taken", "signature", "grade", "reasons"), rows, empty="no events")
    if not trust["pinned"]:
        terminal.remark(
            "Nobody that you trust vouches for these keys: the chain begins at the bundle's own root, and whoever "
            "forges a permit can forge a root. Compare the fingerprint above with the printed one of the federation; "
            "then get that root and say --root FILE."
        )
