"""Reading settings: defaults, a YAML file, the environment, then `--set`, each on top of the one before."""

from __future__ import annotations

import copy
import difflib
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar, get_args

import yaml
from pydantic import BaseModel, ValidationError

from nevus.errors import InputError
from nevus.pipeline.masking import is_secret

ENVIRONMENT_PREFIX = "NEVUS_"
Tree = TypeVar("Tree", bound=BaseModel)


class SettingsError(InputError):
    """A settings file, an environment variable or a `--set` can't be used."""


def load_settings(
    model: type[Tree],
    given: Path | Mapping[str, Any] | None = None,
    assignments: Sequence[str] = (),
    environment: Mapping[str, str] | None = None,
) -> Tree:
    """Compose a settings tree.

    Args:
        model: the tree's class.
        given: a YAML file, what such a file says, or None.
        assignments: `key.sub=value`, the value in YAML's notation.
        environment: variables `NEVUS_KEY__SUB=value`; by default the process's. Only keys of the tree count.

    Raises:
        SettingsError: names the key, what is wrong with it, and the right key where it is misspelt.
    """
    values = read_yaml(given) if isinstance(given, Path) else copy.deepcopy(dict(given or {}))
    for path_to, value in _from_environment(model, os.environ if environment is None else environment):
        _put(values, path_to, value)
    for assignment in assignments:
        key, equals, text = assignment.partition("=")
        if not equals or not key.strip():
            raise SettingsError(f"--set {assignment!r} has no '='; write --set key.sub=value.")
        _put(values, key.strip().split("."), _parse(text, f"--set {key}", secret=is_secret(key)))
    try:
        return model.model_validate(values)
    except ValidationError as error:
        where = str(given) if isinstance(given, Path) else "the settings"
        raise SettingsError(f"{where}: " + "; ".join(_explain(model, e) for e in error.errors()[:5])) from None


def read_yaml(path: Path) -> dict[str, Any]:
    """The mapping in a YAML file.

    Raises:
        SettingsError: no such file, not YAML, or not a mapping.
    """
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise SettingsError(f"there is no settings file {path}.") from None
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path} can't be read: {error}") from error
    except yaml.YAMLError as error:
        raise SettingsError(f"{path} is not YAML: {error}") from error
    if content is None:
        return {}
    if not isinstance(content, dict):
        raise SettingsError(f"{path} must hold a mapping of settings, not a {type(content).__name__}.")
    return content


def known_keys(model: type[BaseModel], prefix: str = "") -> Iterator[str]:
    """Every dotted key of a settings tree, sections included."""
    for name, field in model.model_fields.items():
        yield f"{prefix}{name}"
        for section in _sections(field.annotation):
            yield from known_keys(section, f"{prefix}{name}.")


def _sections(annotation: Any) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [a for a in get_args(annotation) if isinstance(a, type) and issubclass(a, BaseModel)]


def _from_environment(model: type[BaseModel], environment: Mapping[str, str]) -> Iterator[tuple[list[str], Any]]:
    for name in sorted(environment):
        if not name.startswith(ENVIRONMENT_PREFIX):
            continue
        key = name.removeprefix(ENVIRONMENT_PREFIX).lower().split("__")
        if key[0] in model.model_fields:
            yield key, _parse(environment[name], name, secret=is_secret(key[0]))


def _parse(text: str, where: str, *, secret: bool) -> Any:
    try:
        return yaml.safe_load(text)
    except yaml.YAMLError as error:
        if secret:
            raise SettingsError(f"{where}: what is given is not a YAML value; quote it.") from None
        raise SettingsError(f"{where}: {text!r} is not a YAML value: {error}") from error


def _put(values: dict[str, Any], key: Sequence[str], value: Any) -> None:
    node = values
    for part in key[:-1]:
        below = node.get(part)
        if not isinstance(below, dict):
            below = node[part] = {}
        node = below
    node[key[-1]] = value


def _explain(model: type[BaseModel], error: Any) -> str:
    key = ".".join(str(part) for part in error["loc"] if part != "function-after")
    if error["type"] == "extra_forbidden":
        meant = _meant(model, key)
        return f"there is no setting {key!r}" + (f"; did you mean {meant!r}?" if meant else "")
    message = str(error["msg"]).removeprefix("Value error, ")
    given = error.get("input")
    shown = "" if isinstance(given, dict) or is_secret(key) else f" (given: {given!r})"
    return f"{key}: {message}{shown}" if key else f"{message}{shown}"


def _meant(model: type[BaseModel], key: str) -> str | None:
    """The known key nearest to a misspelt one, else one of its name in another section."""
    *above, name = (part for part in key.split(".") if not part.isdigit())  # a number is a place in a list
    section = ".".join(above)
    known = list(known_keys(model))
    near = difflib.get_close_matches(".".join((*above, name)), known, 1, 0.6)
    near += [other for other in known if other.rpartition(".")[2] == name]
    if not near:
        return None
    found, _, leaf = near[0].rpartition(".")
    return f"{key.rpartition('.')[0]}.{leaf}" if found == section and found else near[0]
