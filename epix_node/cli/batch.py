"""Work through many inputs: each is accepted or refused for itself, and the gravest outcome is the exit code.

The answer has the shape of the input: one object for one input, otherwise a list in the order given. An input that was
refused has the member ``error`` in its place; in a list each object names its ``input``. Inputs are read, acted on and
told one after the other, so that a file may hold more of them than would fit into memory.
"""

from __future__ import annotations

import itertools
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
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
    """What a file holds: one input, or a list of them.

    ``readers`` may be read from the file while they are used; what it raises then ends the file. ``fraction`` says how
    much of the file has been read, from 0 to 1, where that can be said.
    """

    readers: Iterable[Reader[T]]
    is_list: bool
    fraction: Callable[[], float] | None = None


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
    code, single, is_list = ExitCode.OK, None, len(files) != 1
    with _telling(invocation) as tell, _progress(doing, len(files)) as progressed:
        for count, path in enumerate(files):
            inputs = opened(path, open_file)
            is_list = is_list or inputs.is_list
            for label, read in labelled(path, inputs):
                outcome = _outcome(invocation, label, read, act)
                code = gravest((code, outcome.code))
                if is_list:
                    tell(label, outcome)
                else:
                    single = outcome
                if inputs.fraction is not None:
                    progressed(count + inputs.fraction())
            progressed(count + 1)
        if single is not None:
            invocation.answer(single.json, lambda terminal: terminal.lines(single.lines))
        else:
            tell.end()
    return code


def json_inputs(value: object, read: Callable[[object], T]) -> Inputs[T]:
    """The inputs of a parsed JSON text: an object, or a list of objects."""
    if not isinstance(value, list):
        return Inputs([lambda: read(value)], is_list=False)
    done = 0

    def readers() -> Iterator[Reader[T]]:
        nonlocal done
        for done, item in enumerate(value, start=1):  # noqa: B007 # `fraction` looks at it
            yield lambda item=item: read(item)  # type: ignore[misc] # mypy cannot type a lambda with a default

    return Inputs(readers(), is_list=True, fraction=lambda: done / len(value))


def require_json(data: bytes, path: Path, *, also: str) -> None:
    """Return where the bytes may be JSON. Raises ``MalformedDocumentError`` that names what is taken."""
    if data.lstrip()[:1] not in {b"{", b"["}:
        raise MalformedDocumentError(f"{path}: expected JSON{also}")


def refusing(error: EpixError) -> Reader[T]:
    """Reads an input that is known to be no good."""

    def refuse() -> T:
        raise error

    return refuse


def opened(path: Path, open_file: Callable[[Path], Inputs[T]]) -> Inputs[T]:
    """The file's inputs; one that is refused where the file cannot be opened."""
    try:
        return open_file(path)
    except EpixError as error:
        return Inputs([refusing(error)], is_list=False)


def labelled(path: Path, inputs: Inputs[T]) -> Iterator[tuple[str, Reader[T]]]:
    """Each input with what to call it, and one that says why there are no more where the file cannot be read on."""
    readers = iter(inputs.readers)
    for position in itertools.count(1):
        label = f"{path}[{position}]" if inputs.is_list else str(path)
        try:
            yield label, next(readers)
        except StopIteration:
            return
        except EpixError as error:
            yield label, refusing(error)
            return


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


class _Telling:
    """Tells the outcomes of a list as they come: to people line by line, to programs as one JSON list."""

    def __init__(self, invocation: Invocation) -> None:
        self._invocation = invocation
        self.told = 0

    def __call__(self, label: str, outcome: Outcome) -> None:
        if self._invocation.json:
            self._invocation.terminal.list_item({"input": label, **outcome.json}, is_first=self.told == 0)
        else:
            self._invocation.terminal.lines(outcome.lines)
        self.told += 1

    def end(self) -> None:
        """There are no more."""
        if self._invocation.json:
            self._invocation.terminal.list_end(is_empty=self.told == 0)
            self._invocation.answered = True
        elif self.told == 0:
            self._invocation.terminal.remark("the input is an empty list: nothing to do")


@contextmanager
def _telling(invocation: Invocation) -> Iterator[_Telling]:
    """What was told is one JSON value, also where the command ends early: then its last item is the error."""
    telling = _Telling(invocation)
    try:
        yield telling
    except OSError:  # perhaps nobody reads our output any more
        raise
    except Exception as error:
        if invocation.json and telling.told:
            body = failure_json(error) if isinstance(error, EpixError) else {"error": {"code": "UNEXPECTED"}}
            invocation.terminal.list_item(body, is_first=False)
            telling.end()
        raise


@contextmanager
def _progress(doing: str, files: int) -> Iterator[Callable[[float], None]]:
    """A bar on standard error where that is a terminal and the outcomes do not themselves show how far it is.

    It counts files and their parts, and appears when the first of several inputs is done.
    """
    if not sys.stderr.isatty() or sys.stdout.isatty():
        yield lambda _: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    # Standard output is the answer, which must not come out among remarks.
    progress = Progress(*columns, console=Console(stderr=True), transient=True, redirect_stdout=False)
    task = progress.add_task(doing, total=files)

    def progressed(done: float) -> None:
        if done < files:
            progress.start()
        progress.update(task, completed=done)

    try:
        yield progressed
    finally:
        if progress.live.is_started:
            progress.stop()
