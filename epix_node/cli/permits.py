"""``epix-node permits``: publish, check, show, list, withdraw and replace."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from enum import StrEnum
from itertools import islice
from typing import TYPE_CHECKING, Annotated, Any

import typer

from epix_node.cli.batch import Outcome, work_through
from epix_node.cli.dossier import dossier, held_permit, tell_dossier
from epix_node.cli.invocation import (
    FileArgument,
    FilesArgument,
    Invocation,
    IssuerArgument,
    IssuerOption,
    JsonOption,
    NumberArgument,
    TypeOption,
    YearOption,
    end,
    new_request_id,
    policy_of,
    read_day,
    read_number,
)
from epix_node.cli.judgement import edition_lines, judgement_lines
from epix_node.cli.permit_check import check, reading_lines
from epix_node.cli.permit_convert import convert, template
from epix_node.cli.permit_evidence import evidence
from epix_node.cli.permit_files import Draft, permit_files
from epix_node.cli.permit_output import Form, OutOption, write_permits
from epix_node.cli.register_number import told
from epix_node.cli.terminal import Terminal
from epix_node.errors import InputError, MalformedDocumentError

if TYPE_CHECKING:
    from epix_node.acts.publish import Published
    from epix_node.permit.number import NumberRef
    from epix_node.permit.status import Status

app = typer.Typer(help="Publish, check, show, list, withdraw and replace permits.", no_args_is_help=True)


class Reason(StrEnum):
    """Why a permit is withdrawn; ``replaced`` is only for `permits replace` (contract 1)."""

    CANCELLED = "cancelled"
    LOST = "lost"
    STOLEN = "stolen"
    DESTROYED = "destroyed"


@app.command()
def publish(
    context: typer.Context,
    files: FilesArgument,
    *,
    legacy: Annotated[
        bool, typer.Option("--legacy", help="The permits were issued before this node's coverage began.")
    ] = False,
    _json: JsonOption = False,
) -> None:
    """Sign permits and enter them into the register.

    Takes toolkit XML (v1 or v2, bare or in a SOAP response), JSON with one permit or a list, and CSV. Publishing the
    same content again changes nothing. A permit that breaks a BLOCK rule is refused, and the others are published all
    the same. One permit gives one JSON object, otherwise a list.
    """
    from epix_node.acts import publish as acts

    invocation = Invocation.of(context)
    with invocation.node() as node:

        def act(draft: Draft) -> Outcome:
            permit = replace(draft.permit, legacy=True) if legacy else draft.permit
            return _published(acts.publish(node.office, permit, now=node.clock()), draft)

        code = work_through(invocation, files, open_file=permit_files(node.config.limits), act=act, doing="publishing")
    end(code)


app.command()(check)
app.command()(evidence)
app.command()(convert)
app.command()(template)


@app.command()
def show(
    context: typer.Context,
    issuer: IssuerArgument,
    number: NumberArgument,
    type_: TypeOption = None,
    year: YearOption = None,
    as_: Annotated[
        Form | None, typer.Option("--as", help="Only the permit, as toolkit v2, in a SOAP response, JSON or CSV.")
    ] = None,
    out: OutOption = None,
    *,
    _json: JsonOption = False,
) -> None:
    """Show a permit that this node holds, with its status, its events, what was found and what the rules said.

    With --as, the permit itself is written in a format that others read.
    """
    invocation = Invocation.of(context)
    if as_ is not None:
        with invocation.database() as (database, _):
            permit = held_permit(database, _ref(issuer, number, type_, year))
        write_permits([permit], as_, out, is_list=False)
        return
    if out is not None:
        raise InputError("--out needs --as")
    with invocation.node() as node:
        body = dossier(
            node.office,
            policy_of(node.config),
            _ref(issuer, number, type_, year),
            now=node.clock(),
        )
    invocation.answer(body, lambda terminal: tell_dossier(terminal, body))


@app.command(name="list")
def list_permits(
    context: typer.Context,
    issuer: IssuerOption = None,
    number: Annotated[str | None, typer.Option("--number", metavar="NUMBER", callback=read_number)] = None,
    type_: TypeOption = None,
    year: YearOption = None,
    taxon: Annotated[str | None, typer.Option("--taxon", metavar="NAME", help="Scientific name on a line.")] = None,
    issued_from: Annotated[
        date | None, typer.Option("--from", parser=read_day, metavar="DATE", help="Issued on this day or later.")
    ] = None,
    issued_to: Annotated[
        date | None, typer.Option("--to", parser=read_day, metavar="DATE", help="Issued on this day or earlier.")
    ] = None,
    status: Annotated[
        str | None, typer.Option("--status", metavar="STATUS", help="With this status today, such as VALID.")
    ] = None,
    limit: Annotated[int, typer.Option("--limit", metavar="N", min=1, max=500, help="How many at most.")] = 100,
    cursor: Annotated[str | None, typer.Option("--cursor", metavar="CURSOR", help="`next` of the page before.")] = None,
    *,
    _json: JsonOption = False,
) -> None:
    """List the permits of all issuers that this node holds, by date of issue and number."""
    from epix_node.acts import look
    from epix_node.permit.event import PermitRef
    from epix_node.store import permits

    invocation = Invocation.of(context)
    listed: list[dict[str, Any]] = []
    rows: list[tuple[object, ...]] = []
    with invocation.node() as node:
        now = node.clock()
        wanted = permits.PermitFilter(
            issuer=issuer,
            number=number,
            type=type_.value if type_ is not None else None,
            year=year,
            taxon=taxon,
            issued_from=issued_from,
            issued_to=issued_to,
            status=_status(status),
            on=node.office.today(now),
        )
        facts, following = node.database.read_now(permits.page, wanted, cursor=cursor, limit=limit)
        for fact in facts:
            ref = PermitRef(
                issuer=fact.key.issuer, number=fact.key.number, type=fact.key.type, issued_on=fact.permit.issued_on
            )
            answer = look.status(node.office, policy_of(node.config), ref, purpose=None, now=now)
            listed.append({"permit": fact.key.to_json(), "status": answer.to_json(request_id=new_request_id())})
            rows.append(
                (
                    *(fact.key.issuer, fact.key.type, fact.key.number, fact.permit.issued_on, fact.permit.valid_until),
                    *(fact.permit.destination, answer.status.value, answer.verdict.value),
                )
            )

    def tell(terminal: Terminal) -> None:
        headings = ("issuer", "type", "number", "issued", "valid until", "to", "status", "verdict")
        terminal.table(headings, rows, empty="this node holds no such permit")
        if following is not None:
            terminal.remark(f"there are more: add --cursor {following}")

    invocation.answer({"permits": listed, "next": following}, tell)


@app.command()
def withdraw(
    context: typer.Context,
    number: NumberArgument,
    reason: Annotated[Reason, typer.Option("--reason", help="Why. For a successor use `permits replace`.")],
    text: Annotated[str | None, typer.Option("--text", metavar="TEXT", help="A remark; other Parties see it.")] = None,
    issuer: IssuerOption = None,
    type_: TypeOption = None,
    year: YearOption = None,
    *,
    _json: JsonOption = False,
) -> None:
    """Withdraw an own permit. The same reason again changes nothing."""
    from epix_node.acts import publish as acts
    from epix_node.permit.event import WithdrawalReason

    invocation = Invocation.of(context)
    with invocation.node() as node:
        withdrawn = acts.withdraw(
            node.office,
            _ref(issuer or node.party, number, type_, year),
            WithdrawalReason(reason.value),
            text,
            now=node.clock(),
        )
    source, key = withdrawn.source, withdrawn.key

    def tell(terminal: Terminal) -> None:
        done = "withdrawn" if withdrawn.created else "was withdrawn before for the same reason"
        terminal.line(key.issuer, key.type, key.number, f"{done} ({reason})")
        terminal.facts([("document", source.document), ("register index", told(source.index))])

    invocation.answer(
        {
            "permit": key.to_json(),
            "reason": reason.value,
            "document": source.document,
            "register_index": source.index,
            "created": withdrawn.created,
        },
        tell,
    )


@app.command(name="replace")
def replace_permit(
    context: typer.Context,
    number: NumberArgument,
    file: FileArgument,
    issuer: IssuerOption = None,
    type_: TypeOption = None,
    year: YearOption = None,
    *,
    _json: JsonOption = False,
) -> None:
    """Publish the permit in FILE as the successor of an own one, which is withdrawn as replaced."""
    from epix_node.acts import publish as acts

    invocation = Invocation.of(context)
    with invocation.node() as node:
        readers = list(islice(permit_files(node.config.limits)(file).readers, 2))
        if len(readers) != 1:
            raise MalformedDocumentError(f"{file} has {'no' if not readers else 'several'} permits; expected one")
        draft = readers[0]()
        ref = _ref(issuer or node.party, number, type_, year)
        published = acts.replace_permit(node.office, ref, draft.permit, now=node.clock())
    outcome = _published(published, draft)

    def tell(terminal: Terminal) -> None:
        for words in outcome.lines:
            terminal.line(*words)

    invocation.answer(outcome.json, tell)


def _status(word: str | None) -> Status | None:
    from epix_node.permit.status import Status

    if word is None:
        return None
    try:
        return Status(word.upper())
    except ValueError as error:
        raise InputError(f"there is no status {word}; expected one of {', '.join(Status)}") from error


def _ref(issuer: str, number: str, type_: StrEnum | None, year: int | None) -> NumberRef:
    from epix_node.permit.number import NumberRef

    return NumberRef(issuer=issuer, number=number, type=type_.value if type_ is not None else None, year=year)


def _published(published: Published, draft: Draft) -> Outcome:
    key, source = published.key, published.source
    done = "published" if published.created else "was published before with the same content"
    lines: list[tuple[object, ...]] = [
        (key.issuer, key.type, key.number, done),
        ("  document      ", source.document),
        ("  register index", told(source.index)),
        ("  token         ", published.token),
        *judgement_lines(published.check.findings),
        *edition_lines(published.check.reference),
        *reading_lines(draft),
    ]
    return Outcome(json={**published.to_json(), "created": published.created, **draft.reading_json()}, lines=lines)
