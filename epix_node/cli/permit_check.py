"""``epix-node permits check``: what the rules say of permits, explained, with or without a node around.

The check itself needs no node: where there is no configuration, the rules of this release and its built-in reference
data are what it goes by. A configuration adds the data that were loaded and the national measures, and the database,
where it can be read, says whether a security stamp is taken.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from datetime import date
from enum import StrEnum
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any

import typer

from epix_node.cli.batch import Outcome, work_through
from epix_node.cli.exits import ExitCode
from epix_node.cli.invocation import FilesArgument, Invocation, JsonOption, end
from epix_node.cli.judgement import deviation_lines, edition_lines, gravest_word, judgement_lines
from epix_node.cli.permit_files import Draft, permit_files
from epix_node.errors import ConfigError, StoreError

if TYPE_CHECKING:
    from epix_node.config import Config
    from epix_node.config.settings import LimitsSection
    from epix_node.permit.model import Permit
    from epix_node.reference.catalogue import Catalogue
    from epix_node.rules.check import Judgement
    from epix_node.rules.ruleset import Ruleset
    from epix_node.store.database import Database


class At(StrEnum):
    """Where the document is when it is checked (``rules.ruleset.Stage``), here so that ``--help`` is quick."""

    ISSUE = "issue"
    RECEIPT = "receipt"


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """All that a check goes by. ``codes``: whose documents are checked as for issue; ``None``: everybody's."""

    ruleset: Ruleset
    catalogue: Catalogue
    today: date
    limits: LimitsSection
    codes: frozenset[str] | None = None
    is_stamp_held: Callable[[Permit], bool] | None = None

    def judge(self, permit: Permit, *, at: At | None) -> tuple[At, Judgement]:
        """What the rules say of the permit, and at which stage."""
        from epix_node.rules.check import check
        from epix_node.rules.ruleset import Stage
        from epix_node.rules.subject import Circumstances

        is_ours = self.codes is None or permit.issuer in self.codes
        stage = at or (At.ISSUE if is_ours else At.RECEIPT)
        look = self.is_stamp_held if permit.issued_on is not None else None
        circumstances = Circumstances(
            stage=Stage(stage.value),
            today=self.today,
            stamp_taken=look(permit) if look is not None else None,
        )
        return stage, check(permit, self.ruleset, catalogue=self.catalogue, circumstances=circumstances)


def check(
    context: typer.Context,
    files: FilesArgument,
    *,
    at: Annotated[
        At | None,
        typer.Option(
            "--stage", help="As before issuing it, or as it comes in. By default, own permits are checked for issue."
        ),
    ] = None,
    legacy: Annotated[bool, typer.Option("--legacy", help="As `publish --legacy` would.")] = False,
    _json: JsonOption = False,
) -> None:
    """Say which rules permits break, without publishing them: exit 1 where one of the rules blocks.

    Takes toolkit XML (v1 or v2, bare or in a SOAP response), JSON with one permit or a list, and CSV. Works without a
    node, too. What is not checked for want of data is said, and is no sign that it is right.
    """
    invocation = Invocation.of(context)
    with _bench(invocation) as bench:

        def act(draft: Draft) -> Outcome:
            marked = replace(draft, permit=replace(draft.permit, legacy=True)) if legacy else draft
            return _outcome(marked, *bench.judge(marked.permit, at=at))

        code = work_through(invocation, files, open_file=permit_files(bench.limits), act=act, doing="checking")
    end(code)


def _outcome(draft: Draft, stage: At, judgement: Judgement) -> Outcome:
    from epix_node.rules.finding import refuses

    permit, told = draft.permit, judgement.to_json()
    blocked = any(refuses(finding, legacy=permit.legacy) for finding in judgement.findings)
    return Outcome(
        json={
            "permit": {"issuer": permit.issuer, "type": permit.type, "number": permit.number},
            "stage": stage.value,
            "blocked": blocked,
            **told,
            **draft.reading_json(),
        },
        code=ExitCode.NEGATIVE if blocked else ExitCode.OK,
        lines=[
            (permit.issuer, permit.type, permit.number, gravest_word(told["findings"], blocked=blocked), f"at {stage}")
            + (("and not refused, as a legacy document",) if permit.legacy and not blocked else ()),
            *judgement_lines(told["findings"]),
            *edition_lines(told["reference"]),
            *reading_lines(draft),
        ],
    )


def reading_lines(draft: Draft) -> list[tuple[object, ...]]:
    """How a permit was read, told to people."""
    attachments: list[tuple[Any, ...]] = [
        ("  attachment:", one["name"] or "without a name", _file_text(one)) for one in draft.attachments
    ]
    return [
        *deviation_lines("tolerated while reading", draft.deviations),
        *deviation_lines(f"not as {draft.format} has it", draft.strict_deviations),
        *attachments,
    ]


def _file_text(attachment: Mapping[str, Any]) -> str:
    if attachment["size"] is None:
        return "(not in the document itself)"
    return f"({attachment['size']} bytes, SHA-256 {attachment['sha256']})"


@contextmanager
def _bench(invocation: Invocation) -> Iterator[Bench]:
    """What there is to check by.

    Raises:
        ConfigError: a configuration was named, or is there, and cannot be used.
    """
    from epix_node.clock import utc_now
    from epix_node.config.settings import LimitsSection
    from epix_node.reference.catalogue import builtin
    from epix_node.rules.ruleset import load_ruleset

    if not invocation.has_config():
        remark = "no configuration here: checked by the rules and the built-in reference data of this release"
        invocation.terminal.remark(remark)
        today = utc_now().date()
        yield Bench(ruleset=load_ruleset(), catalogue=builtin(), today=today, limits=LimitsSection())
        return
    config = invocation.config()
    with _stamps(invocation, config) as is_stamp_held:
        yield _configured(config, is_stamp_held)


def _configured(config: Config, is_stamp_held: Callable[[Permit], bool] | None) -> Bench:
    from epix_node.node import catalogue_of, clock_of, ruleset_of

    return Bench(
        ruleset=ruleset_of(config),
        catalogue=catalogue_of(config)(),
        today=clock_of(config)().astimezone(config.party.zone).date(),
        limits=config.limits,
        codes=frozenset(config.party.issues_for),
        is_stamp_held=is_stamp_held,
    )


@contextmanager
def _stamps(invocation: Invocation, config: Config) -> Iterator[Callable[[Permit], bool] | None]:
    """Says whether a stamp is on another permit; nothing does where there is no database that can be read."""
    if config.store_path is not None and not config.store_path.is_file():
        yield None
        return
    with ExitStack() as stack:
        database: Database | None = None
        try:
            database, _ = stack.enter_context(invocation.database())
        except (ConfigError, StoreError) as error:
            invocation.terminal.remark(f"{error}; whether security stamps are taken is not checked")
        yield partial(_is_stamp_held, database) if database is not None else None


def _is_stamp_held(database: Database, permit: Permit) -> bool:
    from epix_node.store import permits

    return permits.is_stamp_held(database, permit.key, permit.security_stamp)
