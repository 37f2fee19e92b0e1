"""The settings reference in `docs/settings.md`, written from the code: keys, types, defaults and docstrings.

`python -m nevus.pipeline.settings_reference FILE` writes it.
"""

from __future__ import annotations

import ast
import inspect
import json
import sys
import textwrap
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any, get_args

from pydantic import BaseModel, SecretStr

from nevus.pipeline.settings import RunSettings

HEAD = """# Settings

Written from the code by `make docs`; a test holds it against the code. Every key can stand in the YAML file, in an
environment variable (`training.epochs` is `NEVUS_TRAINING__EPOCHS`) or behind `--set` (`--set training.epochs=3`);
each overrides the one before. A key that isn't here is refused, with the nearest one named.
"""


def render() -> str:
    """The whole page as Markdown."""
    return HEAD + "".join(section(RunSettings, ""))


def section(model: type[BaseModel], prefix: str) -> Iterator[str]:
    """The lines of a section's keys and of those below it; `prefix` stands before each key, with its dot."""
    title = f"`{prefix.rstrip('.')}`" if prefix else "The root"
    level = "##" if prefix.count(".") <= 1 else "###"
    yield f"\n{level} {title}\n\n{_prose(inspect.getdoc(model) or '')}\n\n"
    yield "| key | type | default | what it is |\n|---|---|---|---|\n"
    notes = _attribute_docs(model)
    below: list[tuple[type[BaseModel], str]] = []
    for name, field in model.model_fields.items():
        sections = _models(field.annotation)
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            below.append((field.annotation, f"{prefix}{name}."))
            continue
        below += [(found, f"{prefix}{name}[].") for found in sections]
        default = "required" if field.is_required() else _default(field.get_default(call_default_factory=True))
        yield f"| `{prefix}{name}` | {_type(field.annotation)} | {default} | {_prose(notes.get(name, ''))} |\n"
    for found, place in below:
        yield from section(found, place)


def _models(annotation: Any) -> list[type[BaseModel]]:
    found = []
    for part in get_args(annotation):
        if isinstance(part, type) and issubclass(part, BaseModel):
            found.append(part)
        else:
            found += _models(part)
    return found


def _type(annotation: Any) -> str:
    text = annotation.__name__ if isinstance(annotation, type) and not get_args(annotation) else str(annotation)
    for noise in ("typing.", "pathlib.", "nevus.", "pydantic.types.", "annotated_types."):
        text = text.replace(noise, "")
    text = text.split(", FieldInfo(")[0].removeprefix("Annotated[") if "FieldInfo(" in text else text
    return f"`{text}`".replace("|", "\\|")


def _default(value: Any) -> str:
    if isinstance(value, SecretStr):
        return "secret"
    plain = value.model_dump(mode="json") if isinstance(value, BaseModel) else value
    if isinstance(plain, tuple):
        plain = [v.model_dump(mode="json") if isinstance(v, BaseModel) else v for v in plain]
    text = json.dumps(plain, default=str, ensure_ascii=False)
    shown = text if len(text) <= 60 else text[:57] + "..."
    return f"`{shown}`".replace("|", "\\|")


def _attribute_docs(model: type[BaseModel]) -> dict[str, str]:
    """The string below each field in the class's source, those of its bases first."""
    found: dict[str, str] = {}
    for base in reversed(model.__mro__):
        if not (issubclass(base, BaseModel) and base.__module__.startswith("nevus.")):
            continue
        tree = ast.parse(textwrap.dedent(inspect.getsource(base)))
        body = next(node.body for node in tree.body if isinstance(node, ast.ClassDef))
        for field, after in pairwise(body):
            named = isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name)
            if named and isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant):
                found[field.target.id] = str(after.value.value)  # type: ignore[attr-defined]
    return found


def _prose(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(render(), encoding="utf-8")
