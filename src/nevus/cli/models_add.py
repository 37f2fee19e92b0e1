"""`nevus models add`: a further bundle of a run, such as a faster variant, through measuring, gate and registry."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from nevus.cli.local_path import local_path
from nevus.cli.store_context import AsJson, Home, StoreUrl
from nevus.errors import InputError

if TYPE_CHECKING:
    from nevus.pipeline.engines import RunResult


def add(
    bundle: Annotated[Path, typer.Argument(metavar="BUNDLE", help="The bundle's directory.")],
    *,
    run: Annotated[Path, typer.Option("--run", metavar="DIR", help="Output folder of the run whose split judges it.")],
    policy: Annotated[
        str | None, typer.Option(metavar="NAME", help="A policy, or a file of one [default: the run's].")
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", parser=local_path, metavar="DIR", help="[default: RUN/variants/ENGINE-PRECISION]"),
    ] = None,
    least_agreement: Annotated[
        float | None,
        typer.Option(
            min=0, max=1, help="Share of images with the original's diagnosis and verdict, if converted [default: 0.95]"
        ),
    ] = None,
    as_json: AsJson = False,
    home: Home = None,
    store: StoreUrl = None,
) -> None:
    """Judge a converted bundle by the test part of its run, and register it as candidate or rejected.

    It passes its own self-test, is scored as it ships, compared with the run's own bundle image by image, judged by the
    policy, and sealed with its own figures. This opens the test part once more, which is counted. That the gate says no
    is a result: exit code 0.

    Example: `nevus models add runs/demo/int8 --run runs/demo`
    """
    from nevus.cli.run_display import RunDisplay
    from nevus.cli.store_context import store_settings
    from nevus.pipeline.loading import load_settings
    from nevus.pipeline.main_job import MAIN_JOB
    from nevus.pipeline.run_settings import kept_settings
    from nevus.pipeline.settings import RunSettings
    from nevus.pipeline.variant import add_variant

    given = kept_settings(run, RunSettings(), neutral=MAIN_JOB.neutral)
    if given is None:
        raise InputError(f"{run} is not the output folder of a run. Name one with --run.")
    tree = load_settings(RunSettings, given, [] if policy is None else [f"gate.policy={json.dumps(policy)}"])
    tree = tree.model_copy(update={"store": store_settings(home, store)})
    display = RunDisplay()
    asked = {} if least_agreement is None else {"least_agreement": least_agreement}
    try:
        result = add_variant(run, bundle, tree, out, **asked, listener=display)
    finally:
        display.close()
    found = outcome(result)
    if as_json:
        typer.echo(json.dumps(found))
    else:
        _show(found)


def outcome(result: RunResult) -> dict[str, Any]:
    """What became of the variant, as JSON can hold it."""
    by_step = {step.step: dict(step.record.summary) for step in result.steps if step.record}
    return {"output": result.output, "passed": result.passed, "runtime": by_step["adopt"]["runtime"]} | {
        **by_step["measure"],
        "gate": by_step["gate"],
        "registered": by_step["register"],
    }


def _show(found: dict[str, Any]) -> None:
    from nevus.cli.run_display import summarise

    summarise({"evaluate": found, "gate": found["gate"], "register": found["registered"]}, found["output"])
    parity = found["parity"]
    typer.echo(
        f"{found['runtime']} against the run's own bundle, {parity['images']} images: same diagnosis "
        f"{parity['same_diagnosis']:.2%}, same verdict {parity['same_verdict']:.2%}, largest difference of a "
        f"probability {parity['largest_difference']:.3g}"
    )
