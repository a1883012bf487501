"""How an innocent story is told otherwise than it happened at first."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from epix_node.simulation.trade import Story
from epix_node.simulation.truth import Truth


def trap(name: str, story: Story, said: str) -> Truth:
    """What was done, which is no fraud."""
    return Truth(is_fraud=False, kind=name, permit=story.key, said=said)


def confirmed(story: Story, change: Callable[[dict[str, object]], dict[str, object]]) -> None:
    """What the importer wrote, written otherwise."""
    story.acts = [replace(act, body=change(act.body)) if act.does == "confirm" else act for act in story.acts]


def first_line(body: dict[str, object], **members: object) -> dict[str, object]:
    """The same with the first line written otherwise: that of the story's goods."""
    lines = body["lines"]
    assert isinstance(lines, list)
    first, *others = lines
    return {**body, "lines": [{**first, **members}, *others]}


def whole(story: Story, quantity: int) -> int:
    """The most that is not above it and can be counted of these goods."""
    return quantity - quantity % story.goods.step


def forget_events(story: Story) -> None:
    """Nothing happened at any border."""
    story.acts = [act for act in story.acts if act.does == "publish"]
