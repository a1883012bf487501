"""Read the configuration, and say exactly what is wrong with it.

A setting that the program does not know is an error, since a misspelt one would silently do nothing; the message
names the file, the line and the nearest name that is known (contract 6). All problems are told at once.
"""

from __future__ import annotations

import difflib
import re
import tomllib
import types
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import ValidationError
from pydantic.fields import FieldInfo

from epix_node.config.settings import DEFAULT_PATH, Config, Section
from epix_node.errors import ConfigError

CONFIG_VARIABLE = "EPIX_CONFIG"
"""Names the file; ``--config`` wins over it (contract 2)."""

_PREFIX = "EPIX_"
_HEADER = re.compile(r"\s*\[\[?\s*([^\]]+?)\s*\]\]?")
_ASSIGNMENT = re.compile(r"""\s*(["']?)([A-Za-z0-9_.-]+)\1\s*=""")


def find_config(given: Path | None, environ: Mapping[str, str]) -> Path:
    """Where the configuration is: as given, else in ``EPIX_CONFIG``, else ``./config/epix-node.toml``."""
    if given is not None:
        return given
    named = environ.get(CONFIG_VARIABLE)
    return Path(named) if named else DEFAULT_PATH


def load_config(path: Path, environ: Mapping[str, str]) -> Config:
    """The settings in this file, overridden by the variables ``EPIX_<SECTION>__<NAME>`` in ``environ``.

    Other variables are none of its business. An empty one takes the default.

    Raises:
        ConfigError: the file cannot be read, or a setting in it or in a variable cannot be used; all of them are
            named, one a line.
    """
    text = _read(path)
    try:
        given = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{path}: not TOML: {error}") from error
    origin = _Origin(path=path, lines=text.splitlines())
    problems = [*_unknown(given, origin), *_override(given, environ, origin)]
    if problems:
        raise ConfigError("\n".join(problems))
    try:
        config = Config.model_validate({**given, "path": path})
    except ValidationError as error:
        found = error.errors(include_url=False, include_input=False)
        raise ConfigError("\n".join(origin.problem(item["loc"], item["msg"]) for item in found)) from error
    if config.party.environment != "sandbox":
        if config.sandbox.clock is not None:
            raise ConfigError(origin.problem(("sandbox", "clock"), "only a node of the sandbox runs on a shared clock"))
        needed = f"{config.party.environment} takes https only"
        if not config.server.base_url.startswith("https:"):  # contract 3
            raise ConfigError(origin.problem(("server", "base_url"), needed))
        if not (config.federation.trust_list or "https:").startswith("https:"):
            raise ConfigError(origin.problem(("federation", "trust_list"), needed))
    return config


def all_settings() -> Iterator[tuple[str, str, FieldInfo]]:
    """Every setting that there is, with its section, in the order of the file."""
    for section, model in _sections().items():
        for name, info in model.model_fields.items():
            yield section, name, info


def _sections() -> dict[str, type[Section]]:
    return {
        info.alias or name: info.annotation
        for name, info in Config.model_fields.items()
        if isinstance(info.annotation, type) and issubclass(info.annotation, Section)
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class _Origin:
    """Where each setting was given."""

    path: Path
    lines: list[str]
    variables: dict[tuple[str, str], str] = field(default_factory=dict)

    def problem(self, loc: tuple[int | str, ...], message: str) -> str:
        """One line that names the place, the setting and what is wrong with it."""
        message = message.removeprefix("Value error, ")
        section, name = str(loc[0]), str(loc[1]) if len(loc) > 1 else None
        if name is not None and (variable := self.variables.get((section, name))) is not None:
            return f"{variable}: {message}"
        line = self.line(section, name) or self.line(section, None)
        place = f"{self.path}:{line}" if line is not None else str(self.path)
        inner = "".join(f".{part}" for part in loc[2:])
        return f"{place}: [{section}]{f' {name}{inner}' if name is not None else ''}: {message}"

    def line(self, section: str, name: str | None) -> int | None:
        """The line, counted from 1, of a setting, or of a section's header. A guess in files of unusual layout."""
        table = ""
        for number, line in enumerate(self.lines, start=1):
            if (header := _HEADER.match(line)) is not None:
                table = header[1].replace(" ", "")
                if table in ({section} if name is None else {f"{section}.{name}"}):
                    return number
            elif (assignment := _ASSIGNMENT.match(line)) is not None:
                full = f"{table}.{assignment[2]}".lstrip(".")
                if full == (section if name is None else f"{section}.{name}") or (
                    name is not None and full.startswith(f"{section}.{name}.")
                ):
                    return number
        return None


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise ConfigError(
            f"{path}: no such file. Make a node with `epix-node init`, or name its file with --config or "
            f"{CONFIG_VARIABLE}"
        ) from error
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path}: cannot be read: it is not UTF-8") from error


def _unknown(given: Mapping[str, Any], origin: _Origin) -> Iterator[str]:
    """A line for each section and setting of the file that the program does not know."""
    sections = _sections()
    for section, settings in given.items():
        model = sections.get(section)
        if model is None:
            if isinstance(settings, Mapping):
                yield origin.problem((section,), f"there is no such section{_nearest(section, sections)}")
            else:
                line = origin.line(section, None)
                holders = [f"[{name}] {section}" for name, one in sections.items() if section in one.model_fields]
                meant = f"; did you mean {holders[0]}?" if holders else ""
                yield f"{origin.path}:{line}: {section}: a setting outside of any section{meant}"
        elif isinstance(settings, Mapping):
            for name in settings:
                if name not in model.model_fields:
                    advice = _nearest(name, model.model_fields)
                    yield origin.problem((section, name), f"there is no such setting{advice}")


def _override(given: dict[str, Any], environ: Mapping[str, str], origin: _Origin) -> Iterator[str]:
    """Put the variables into ``given``; yields a line for each that names no setting."""
    sections = _sections()
    names = {f"{_PREFIX}{section}__{name}".upper(): (section, name) for section, name, _ in all_settings()}
    for variable, text in sorted(environ.items()):
        if not variable.startswith(_PREFIX) or "__" not in variable:
            continue
        if variable not in names:
            yield f"{variable}: there is no such setting{_nearest(variable, names)}"
            continue
        section, name = names[variable]
        origin.variables[section, name] = variable
        settings = given.setdefault(section, {})
        if not isinstance(settings, dict):
            continue  # the file gives a value where a section belongs, which validation will say
        if text == "":
            settings.pop(name, None)
        else:
            settings[name] = _from_text(sections[section].model_fields[name], text)


def _nearest(name: str, known: Mapping[str, Any]) -> str:
    close = difflib.get_close_matches(name, list(known), n=1, cutoff=0.5)
    return f"; did you mean {close[0]}?" if close else f"; known are {', '.join(known)}"


def _from_text(info: FieldInfo, text: str) -> Any:
    """The value of a variable: as in the file, but texts need no quotes and lists no brackets around them."""
    kinds = set(_kinds(info.annotation))
    if tuple in kinds and not text.lstrip().startswith("["):
        return [item.strip() for item in text.split(",")]
    if kinds & {tuple, int, bool}:
        try:
            return tomllib.loads(f"value = {text}")["value"]
        except tomllib.TOMLDecodeError:
            return text  # which validation will refuse, naming the variable
    return text


def _kinds(annotation: Any) -> Iterator[Any]:
    """The plain types that an annotation allows."""
    origin = get_origin(annotation)
    if origin in {Union, types.UnionType}:
        for part in get_args(annotation):
            yield from _kinds(part)
    elif origin is Annotated:
        yield from _kinds(get_args(annotation)[0])
    else:
        yield origin or annotation
