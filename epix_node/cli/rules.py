"""``epix-node rules``: which rules permits are checked by, and what each says and rests on.

They need no node: where there is no configuration, they are told as they come with this release, without the measures
of any country.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from epix_node.cli.invocation import Invocation, JsonOption
from epix_node.cli.terminal import Terminal

if TYPE_CHECKING:
    from epix_node.rules.ruleset import Rule, Ruleset

app = typer.Typer(help="The rules that permits are checked by.", no_args_is_help=True)


@app.command(name="list")
def list_rules(context: typer.Context, *, _json: JsonOption = False) -> None:
    """List the rules with their severities and citations, national measures included."""
    from epix_node.rules.explain import by_family, list_to_json

    invocation = Invocation.of(context)
    ruleset = ruleset_here(invocation)

    def tell(terminal: Terminal) -> None:
        terminal.line(f"{ruleset.id}: {ruleset.title}")
        headings = ("rule", "box", "issue", "receipt", "what it asks for", "citation")
        rows = [_row(rule) for rules in by_family(ruleset).values() for rule in rules]
        terminal.table(headings, rows, empty="there are no rules")
        terminal.remark(
            "* source not verified; + national measure. What one rule says: `epix-node rules explain ID`. "
            f"{len(ruleset.elsewhere)} more rules cannot be decided from a single document; explain them the same way."
        )

    invocation.answer(list_to_json(ruleset), tell)


@app.command()
def explain(
    context: typer.Context,
    rule: Annotated[str, typer.Argument(metavar="ID", help="Such as APP-02.")],
    *,
    _json: JsonOption = False,
) -> None:
    """Explain one rule: when it is broken, how severe that is, what it rests on, and what it needs to be checked."""
    from epix_node.rules.explain import explain as explained

    invocation = Invocation.of(context)
    explanation = explained(ruleset_here(invocation), rule)
    lines = explanation.to_text().splitlines()
    invocation.answer(explanation.to_json(), lambda terminal: terminal.lines((line,) for line in lines))


def ruleset_here(invocation: Invocation) -> Ruleset:
    """The rules of this release, under national measures where a configuration has some.

    Raises:
        ConfigError: a configuration was named, or is there, and it or its national measures cannot be used.
    """
    from epix_node.rules.ruleset import load_ruleset

    if not invocation.has_config():
        return load_ruleset()
    from epix_node.node import ruleset_of

    return ruleset_of(invocation.config())


def _row(rule: Rule) -> tuple[object, ...]:
    marks = f"{'*' if rule.is_unverified else ''}{'+' if rule.national_reason is not None else ''}"
    severities = (rule.severity_issue.value, rule.severity_receipt.value)
    return (f"{rule.id}{marks}", rule.box, *severities, rule.title, rule.citation)
