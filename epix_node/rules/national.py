"""Read ``config/rules.toml``: what this country lays down on top of the ruleset, and which issuers use stamps.

    [rules.FLD-16]                      # for the documents of every issuer
    severity_issue = "BLOCK"
    reason = "Our own permits are numbered by the resolution since 2020."

    [issuers.XB]
    stamps = true                       # FLD-07

    [issuers.XB.rules.VAL-12]           # for XB's documents only
    parameters = { working_days = 10, weekend = ["friday", "saturday"] }
    reason = "XB enters its documents once a week."

A name that nobody knows is an error, since a misspelt measure would silently do nothing. Patterns of reconciliation
are equal in all nodes, and structural rules hold everywhere: neither can be set here.
"""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from datetime import date, datetime
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StrictBool, ValidationError

from epix_node.errors import ConfigError
from epix_node.permit.codes import code_lists
from epix_node.rules.finding import Severity
from epix_node.rules.measure import IssuerMeasures, Measure, NationalMeasures, Parameter
from epix_node.rules.ruleset import Rule, Ruleset, parameter

_Level = Literal["BLOCK", "REFER", "WARN", "INFO"]
"""``NOT_CHECKED`` is no severity that one may choose: it says that something is not known."""


class _Table(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class _Measure(_Table):
    severity_issue: _Level | None = None
    severity_receipt: _Level | None = None
    severity_lesser: _Level | None = None
    parameters: dict[str, Any] = Field(default_factory=dict)
    reason: str = Field(min_length=1)


class _Issuer(_Table):
    stamps: StrictBool | None = None
    rules: dict[str, _Measure] = Field(default_factory=dict)


class _File(_Table):
    rules: dict[str, _Measure] = Field(default_factory=dict)
    issuers: dict[str, _Issuer] = Field(default_factory=dict)


_FIELDS: Mapping[str, Iterable[str]] = {
    "": _File.model_fields,
    "rule": _Measure.model_fields,
    "issuer": _Issuer.model_fields,
}


def read_measures(path: Path, ruleset: Ruleset) -> NationalMeasures:
    """The national measures in this file, each checked against the ruleset.

    Raises:
        ConfigError: the file cannot be read, or something in it cannot be so; all of it is named, one a line.
    """
    try:
        text = path.read_text(encoding="utf-8")
        given = tomllib.loads(text)
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}") from error
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(f"{path}: not TOML: {error}") from error
    try:
        file = _File.model_validate(given)
    except ValidationError as error:
        found = error.errors(include_url=False, include_input=False)
        raise ConfigError(_told(path, text, (_shape_problem(item["loc"], item) for item in found))) from error
    problems = [*_rule_problems(file.rules, ruleset, ("rules",)), *_issuer_problems(file.issuers, ruleset)]
    if problems:
        raise ConfigError(_told(path, text, problems))
    return NationalMeasures(
        rules=_measures(file.rules),
        issuers={
            issuer: IssuerMeasures(stamps=own.stamps, rules=_measures(own.rules))
            for issuer, own in file.issuers.items()
        },
    )


_NO_PATTERNS = "the patterns of reconciliation are equal in all nodes and cannot be set here"

_Problem = tuple[tuple[str, ...], str]
"""Where in the file, as a path of keys, and what is wrong there."""


def _shape_problem(loc: tuple[int | str, ...], item: Mapping[str, Any]) -> _Problem:
    keys = tuple(str(part) for part in loc)
    if item["type"] == "missing":
        return keys[:-1], f"{keys[-1]} is missing"
    if item["type"] != "extra_forbidden":
        return keys, str(item["msg"])
    if keys[0] == "patterns":
        return keys, _NO_PATTERNS
    kind = "" if len(keys) == 1 else "issuer" if keys[0] == "issuers" and len(keys) == 3 else "rule"
    return keys, f"there is no such setting{_nearest(keys[-1], _FIELDS[kind])}"


def _issuer_problems(issuers: Mapping[str, _Issuer], ruleset: Ruleset) -> Iterator[_Problem]:
    for issuer, own in issuers.items():
        if issuer not in code_lists().traders:
            yield ("issuers", issuer), "no such country code"
        yield from _rule_problems(own.rules, ruleset, ("issuers", issuer, "rules"))


def _rule_problems(measures: Mapping[str, _Measure], ruleset: Ruleset, path: tuple[str, ...]) -> Iterator[_Problem]:
    for id_, measure in measures.items():
        keys = (*path, id_)
        rule = ruleset.rules.get(id_)
        if id_.startswith("FRD-"):
            yield keys, _NO_PATTERNS
        elif rule is None:
            where = ruleset.elsewhere.get(id_)
            yield keys, f"decided elsewhere: {where}" if where else f"no such rule{_nearest(id_, ruleset.rules)}"
        elif rule.structural:
            yield keys, "permits cannot be addressed or counted without this rule; it cannot be changed"
        else:
            if measure.severity_lesser is not None and rule.severity_lesser is None:
                yield (*keys, "severity_lesser"), "this rule has no milder case"
            for name, value in measure.parameters.items():
                problem = _parameter_problem(rule, name, value)
                if problem is not None:
                    yield (*keys, "parameters", name), problem


def _parameter_problem(rule: Rule, name: str, value: Any) -> str | None:
    """Why the rule cannot take the value; ``None`` where it can."""
    current = rule.parameters.get(name)
    if current is None:
        return f"this rule has no such parameter{_nearest(name, rule.parameters)}"
    try:
        wanted = _parameter(value)
    except ValueError as error:
        return str(error)
    if _kind(wanted) != _kind(current):
        return f"expected {_kind(current)}, such as {_shown(current)}"
    if isinstance(wanted, int) and not isinstance(wanted, bool) and wanted < 0:
        return "expected 0 or more"
    if name == "pattern" and isinstance(wanted, str):
        try:
            re.compile(wanted, re.ASCII)
        except re.error as error:
            return f"not a regular expression: {error}"
    return None


def _parameter(value: Any) -> Parameter:
    if isinstance(value, date) and not isinstance(value, datetime):
        return value.isoformat()
    return parameter(value)


def _kind(value: Parameter) -> str:
    if isinstance(value, bool):
        return "true or false"
    if isinstance(value, int):
        return "a whole number"
    if isinstance(value, str):
        return "a text"
    return "a list of texts" if isinstance(value, tuple) else "a table"


def _shown(value: Parameter) -> str:
    return str(list(value)) if isinstance(value, tuple) else repr(value)


def _measures(given: Mapping[str, _Measure]) -> dict[str, Measure]:
    return {
        id_: Measure(
            reason=one.reason,
            severity_issue=_severity(one.severity_issue),
            severity_receipt=_severity(one.severity_receipt),
            severity_lesser=_severity(one.severity_lesser),
            parameters={name: _parameter(value) for name, value in one.parameters.items()},
        )
        for id_, one in given.items()
    }


def _severity(name: str | None) -> Severity | None:
    return Severity(name) if name is not None else None


def _nearest(name: str, known: Iterable[str]) -> str:
    names = list(known)
    close = difflib.get_close_matches(name, names, n=1, cutoff=0.5)
    if close:
        return f"; did you mean {close[0]}?"
    return f"; known are {', '.join(names)}" if 0 < len(names) <= 10 else ""


def _told(path: Path, text: str, problems: Iterable[_Problem]) -> str:
    """One line for each problem: file, line, keys, what is wrong."""
    lines = text.splitlines()
    return "\n".join(f"{path}{_line(lines, keys)}: {'.'.join(keys) or 'file'}: {problem}" for keys, problem in problems)


def _line(lines: list[str], keys: tuple[str, ...]) -> str:
    """``:7`` where the keys stand in line 7, else nothing. A guess in files of unusual layout."""
    for length in range(len(keys), 0, -1):
        header = re.compile(rf"\s*\[{re.escape('.'.join(keys[:length]))}\]")
        for number, line in enumerate(lines, start=1):
            if header.match(line) is None:
                continue
            for inner, setting in enumerate(lines[number:], start=number + 1):
                if setting.lstrip().startswith("["):
                    break
                if len(keys) > length and re.match(rf"\s*{re.escape(keys[length])}\s*=", setting):
                    return f":{inner}"
            return f":{number}"
    return ""
