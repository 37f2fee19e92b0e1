"""Options that several commands share."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from nevus.errors import InputError

if TYPE_CHECKING:
    from nevus.pipeline.settings import RunSettings

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Manifest = Annotated[
    Path, typer.Argument(help="A manifest, as `nevus data check` or a run writes it.", metavar="MANIFEST")
]
Config = Annotated[Path | None, typer.Argument(help="A run's settings, for their section `data`.", metavar="[CONFIG]")]
SourceOption = Annotated[
    str | None, typer.Option("--source", help="The dataset's layout; see `nevus data sources`.", metavar="NAME")
]
Root = Annotated[str | None, typer.Option("--root", help="The dataset's folder, or s3://…", metavar="DIR")]
Assignments = Annotated[
    list[str] | None,
    typer.Option("--set", help="Change one setting, such as data.labels.Mole=nv.", metavar="KEY=VALUE"),
]


def load_data_settings(
    config: Path | None, source: str | None, root: str | None, assignments: list[str] | None
) -> RunSettings:
    """The settings of a run, with the dataset that the options name.

    Raises:
        InputError: neither a configuration nor a source is named, or a setting is wrong.
    """
    from nevus.pipeline.loading import load_settings
    from nevus.pipeline.settings import RunSettings

    if config is None and source is None and not assignments:
        raise InputError(
            "no dataset is named: give --source and --root (`nevus data sources` lists the layouts), or a run's CONFIG."
        )
    named = [f"data.{key}={json.dumps(value)}" for key, value in (("source", source), ("root", root)) if value]
    return load_settings(RunSettings, config, [*named, *(assignments or [])])


def print_json(value: dict[str, Any] | list[dict[str, Any]]) -> None:
    """Print JSON on one line."""
    typer.echo(json.dumps(value, ensure_ascii=False))
