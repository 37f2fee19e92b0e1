"""`nevus run`: the whole pipeline of a configuration."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from nevus.cli.local_path import local_path
from nevus.errors import EXIT_FAILED, InputError, NevusError
from nevus.pipeline.engines import Event, LocalEngine, RunResult

app = typer.Typer(add_completion=False, rich_markup_mode="markdown")

Config = Annotated[Path, typer.Argument(help="The settings, a YAML file.", metavar="CONFIG")]
Out = Annotated[
    Path, typer.Option("--out", parser=local_path, help="The output folder; run again into it to go on.", metavar="DIR")
]
Assignments = Annotated[
    list[str] | None, typer.Option("--set", help="Change one setting: key.sub=value.", metavar="KEY=VALUE")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print the outcome as JSON.")]
Strict = Annotated[bool, typer.Option("--strict", help="Exit 1 if a check or the gate says no.")]
Force = Annotated[list[str] | None, typer.Option("--force", help="Run this step even if it is done.", metavar="STEP")]


@app.command("run")
def run(
    config: Config,
    *,
    out: Out = Path("runs/latest"),
    assignments: Assignments = None,
    force: Force = None,
    as_json: AsJson = False,
    strict: Strict = False,
) -> None:
    """Run the pipeline: ingest, check, split, prepare, train, evaluate, package, gate, register.

    What is done is skipped; a killed run goes on where it was. That the gate says no is a result: exit code 0.

    Example: `nevus run configs/ham10000.yaml --out runs/ham --set data.root=HAM10000`
    """
    execute(config, out, assignments or [], force=force or [], as_json=as_json, strict=strict)


def execute(
    config: Path | None,
    out: Path,
    assignments: list[str],
    *,
    only: list[str] | None = None,
    force: list[str] | None = None,
    as_json: bool = False,
    strict: bool = False,
) -> None:
    """Run the main job, or some of its steps, and show it; a failure is told to people.

    Without `config`, the settings are those of the run that the folder belongs to.
    """
    from nevus.cli.run_display import RunDisplay, summarise
    from nevus.notices import Event as Told
    from nevus.notices import open_notices
    from nevus.pipeline.loading import load_settings
    from nevus.pipeline.main_job import MAIN_JOB
    from nevus.pipeline.run_settings import kept_settings
    from nevus.pipeline.settings import RunSettings

    given = config or kept_settings(out, RunSettings(), neutral=MAIN_JOB.neutral)
    if given is None:
        raise InputError(f"no settings are named, and {out} has none of an earlier run. Name a file with --config.")
    tree = load_settings(RunSettings, given, assignments)
    notices = open_notices(tree.notices)  # an address that can't be used is refused now, not when there is news
    display = RunDisplay()
    failed: list[str] = []

    def listen(event: Event) -> None:
        if event.kind == "failed":
            failed.append(event.step)
        display(event)

    try:
        result = LocalEngine().run(MAIN_JOB, tree, str(out), only=only, force=force or [], listener=listen)
    except Exception as error:  # whatever it fails by: somebody waits for it
        if failed:
            said = str(error) if isinstance(error, NevusError) else f"{type(error).__name__}: {error}"
            notices.notify(Told.RUN_FAILED, f"nevus: run {tree.name} failed in {failed[0]}", said)
        raise
    finally:
        display.close()
    outcome = _outcome(result)
    if as_json:
        typer.echo(json.dumps(outcome))
    else:
        summarise({name: step["summary"] for name, step in outcome["steps"].items()}, str(out))
    if strict and not result.passed:
        raise typer.Exit(EXIT_FAILED)


def _outcome(result: RunResult) -> dict[str, Any]:
    steps = {
        step.step: {
            "status": step.status,
            "passed": step.passed,
            "summary": dict(step.record.summary) if step.record else {},
            "seconds": step.record.seconds if step.record else None,
        }
        for step in result.steps
    }
    return {"output": result.output, "passed": result.passed, "steps": steps}
