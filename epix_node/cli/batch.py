"""Work through many inputs: each is accepted or refused for itself, and the gravest outcome is the exit code.

The answer has the shape of the input: one object for one input, otherwise a list in the order given. An input that was
refused has the member ``error`` in its place; in a list each object names its ``input``.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

from epix_node.cli.exits import ExitCode, gravest
from epix_node.cli.failures import exit_code, failure_json, failure_text
from epix_node.cli.invocation import Invocation
from epix_node.errors import EpixError, MalformedDocumentError

T = TypeVar("T")

Reader = Callable[[], T]
"""Reads one input; raises an ``EpixError`` where it cannot be understood."""


@dataclass(frozen=True, slots=True)
class Inputs(Generic[T]):
    """What a file holds: one input, or a list of them."""

    readers: Sequence[Reader[T]]
    is_list: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of one input: its JSON, its exit code, and what people are told."""

    json: dict[str, Any]
    code: ExitCode = ExitCode.OK
    lines: Sequence[Sequence[object]] = ()


def work_through(
    invocation: Invocation,
    files: Sequence[Path],
    *,
    open_file: Callable[[Path], Inputs[T]],
    act: Callable[[T], Outcome],
    doing: str,
) -> ExitCode:
    """Act on every input of every file, tell the outcomes, and return the gravest code."""
    outcomes: list[Outcome] = []
    is_list = len(files) != 1
    labels: list[str] = []
    with _progress(doing, len(files)) as step:
        for path in files:
            inputs = _opened(path, open_file)
            is_list = is_list or inputs.is_list
            for position, read in enumerate(inputs.readers, start=1):
                label = f"{path}[{position}]" if inputs.is_list else str(path)
                outcome = _outcome(invocation, label, read, act)
                outcomes.append(outcome)
                labels.append(label)
                if not invocation.json:
                    for words in outcome.lines:
                        invocation.terminal.line(*words)
            step()
    if invocation.json:
        listed = [{"input": label, **outcome.json} for label, outcome in zip(labels, outcomes, strict=True)]
        invocation.terminal.answer(listed if is_list else outcomes[0].json)
    elif is_list and not outcomes:
        invocation.terminal.remark("the input is an empty list: nothing to do")
    return gravest(outcome.code for outcome in outcomes)


def json_inputs(value: object, read: Callable[[object], T]) -> Inputs[T]:
    """The inputs of a parsed JSON text: an object, or a list of objects."""
    if not isinstance(value, list):
        return Inputs([lambda: read(value)], is_list=False)
    return Inputs([_reader(read, item) for item in value], is_list=True)


def require_json(data: bytes, path: Path, *, also: str) -> None:
    """Return where the bytes may be JSON. Raises ``MalformedDocumentError`` that names what is taken."""
    if data.lstrip()[:1] not in {b"{", b"["}:
        raise MalformedDocumentError(f"{path}: expected JSON{also}")


def _reader(read: Callable[[object], T], item: object) -> Reader[T]:
    return lambda: read(item)


def _opened(path: Path, open_file: Callable[[Path], Inputs[T]]) -> Inputs[T]:
    try:
        return open_file(path)
    except EpixError as error:
        raised = error

    def refuse() -> T:
        raise raised

    return Inputs([refuse], is_list=False)


def _outcome(invocation: Invocation, label: str, read: Reader[T], act: Callable[[T], Outcome]) -> Outcome:
    try:
        return act(read())
    except EpixError as error:
        if (code := exit_code(error)) is ExitCode.UNEXPECTED:
            raise
        # What stands in the way of every input, such as a lost key, would only be said again and again.
        if code is ExitCode.KEYS:
            raise
        invocation.terminal.remark(failure_text(error, label=label))
        return Outcome(json=failure_json(error), code=code)


@contextmanager
def _progress(doing: str, files: int) -> Iterator[Callable[[], None]]:
    """A bar on standard error where that is a terminal and there is something to wait for."""
    if files < 2 or not sys.stderr.isatty():
        yield lambda: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task(doing, total=files)
        yield lambda: progress.advance(task)
