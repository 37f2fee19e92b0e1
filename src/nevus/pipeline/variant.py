"""A further bundle of a run, such as a faster variant: measured, sealed, judged and registered like the run's own."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Final

from nevus.bundle import bundle_digest, read_bundle_manifest
from nevus.bundle.directory import MANIFEST
from nevus.pipeline import settings as s
from nevus.pipeline.engines import LocalEngine, RunResult
from nevus.pipeline.engines.base import Listener, deaf
from nevus.pipeline.external import NotForResultsError
from nevus.pipeline.main_job import GATE, PACKAGE, REGISTER
from nevus.pipeline.step import Pipeline, StepSpec
from nevus.pipeline.steps import adopt, evaluate, measure
from nevus.pipeline.variant_settings import AdoptSection, MeasureSection, VariantSettings, VariantTree

FOLDER: Final = "variants"

_RESULTS = {
    **{name: f"adopt.{name}" for name in adopt.TAKEN if name != "reference"},
    "metrics": "measure.metrics",
    "predictions": "measure.predictions",
}
ADOPT: Final = StepSpec(
    name="adopt",
    run=adopt.run,
    settings=lambda tree: s.part_of(AdoptSection, tree),
    outputs={"bundle": adopt.ADOPTED, **{name: place for name, (_, place) in adopt.TAKEN.items()}},
    external=adopt.what_is_taken,
    preflight=adopt.preflight,
)
MEASURE: Final = StepSpec(
    name="measure",
    run=measure.run,
    settings=lambda tree: s.part_of(MeasureSection, tree),
    inputs={name: f"adopt.{name}" for name in ("manifest", "split", "bundle", "reference")},
    outputs={"metrics": evaluate.METRICS, "predictions": evaluate.PREDICTIONS, "parity": measure.PARITY},
)
VARIANT: Final = Pipeline(
    (
        ADOPT,
        MEASURE,
        replace(PACKAGE, inputs={**_RESULTS, "evaluated": "adopt.bundle"}),
        replace(GATE, inputs={**_RESULTS, "bundle": "package.bundle", "parity": "measure.parity"}),
        replace(
            REGISTER,
            inputs={
                "bundle": "package.bundle",
                "verdict": "gate.verdict",
                "report": "gate.report",
                "metrics": "measure.metrics",
                "predictions": "measure.predictions",
            },
        ),
    ),
    neutral=s.NEUTRAL | {"variant.run", "variant.bundle"},
)
"""The main job from its evaluation on, of a bundle that is there already."""


def add_variant(
    run: Path,
    bundle: Path,
    tree: s.RunSettings,
    output: Path | None = None,
    *,
    least_agreement: float = VariantSettings.model_fields["least_agreement"].default,
    listener: Listener = deaf,
) -> RunResult:
    """Judge a bundle by the test part of a run, and register it under the run's model.

    What is done is skipped, as in a run: the same bundle again makes no second version.

    Args:
        run: the output folder of a finished run.
        bundle: a bundle of the same classes, trained on the same split.
        tree: the run's settings; the store, policy and tracker of these count.
        output: where the results go; `RUN/variants/ENGINE-PRECISION` by default.
        least_agreement: share of images on which a bundle converted from the run's must give the same diagnosis, and
            the same verdict.
        listener: hears the events.

    Raises:
        NotForResultsError: the folder is the run's own, or a bundle's.
        NotARunError: the run isn't finished, or its files have changed.
        OtherModelError: the bundle has other classes, or may have learnt from the test part.
        SettingsDifferError: the folder belongs to another bundle.
        BundleError: the bundle isn't whole, or fails its self-test.
    """
    runtime = read_bundle_manifest(bundle).runtime
    folder = output or run / FOLDER / f"{runtime.engine}-{runtime.precision}"
    variant = VariantSettings(
        run=run.absolute(), bundle=bundle.absolute(), digest=bundle_digest(bundle), least_agreement=least_agreement
    )
    if folder.resolve() == run.resolve() or (folder / MANIFEST).exists():
        raise NotForResultsError(
            f"{folder} is the folder of the run itself or of a bundle, whose files the results would overwrite. Name "
            "another with --out."
        )
    adopt.preflight(AdoptSection(variant=variant))  # before a folder is made for what is refused
    given = {name: getattr(tree, name) for name in s.RunSettings.model_fields}
    return LocalEngine().run(VARIANT, VariantTree(**given, variant=variant), str(folder), listener=listener)
