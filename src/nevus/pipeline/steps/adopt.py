"""adopt: a bundle that is to be judged, beside what its run knows of the data that it's judged on."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from nevus.bundle import Predictor, read_bundle_manifest
from nevus.bundle.schema import BundleManifest
from nevus.errors import InputError
from nevus.pipeline.artefacts import describe, hash_file, problem_with
from nevus.pipeline.main_job import MAIN_JOB
from nevus.pipeline.records import read_record
from nevus.pipeline.step import URI, Inputs, Outcome
from nevus.pipeline.variant_settings import AdoptSection, VariantSettings

ADOPTED = "adopted"
REFERENCE = "original-predictions.parquet"
TAKEN: Final[Mapping[str, tuple[str, str]]] = {
    "manifest": ("check.manifest", "manifest.parquet"),
    "split": ("split.split", "split.parquet"),
    "checks": ("check.checks", "checks"),
    "duplicates": ("check.duplicates", "duplicates.parquet"),
    "history": ("train.history", "history.json"),
    "reference": ("evaluate.predictions", REFERENCE),
}
"""What I call it -> whose output it is in the run, and where its copy goes."""


class NotARunError(InputError):
    """The folder isn't that of a finished run, or its files have changed since."""


class OtherModelError(InputError):
    """The bundle can't be judged by this run's test part."""


def run(settings: AdoptSection, inputs: Inputs, output: URI) -> Outcome:  # noqa: ARG001 - a step's signature
    """Verify the bundle (checksums and self-test), hold it against the run, and copy both here."""
    variant, folder = settings.variant, Path(output)
    with Predictor(variant.bundle) as predictor:
        manifest, digest = predictor.manifest, predictor.digest
    _require_same_model(manifest, variant)
    for name, place in _sources(variant.run).items():
        _copy(place, folder / TAKEN[name][1])
    _copy(variant.bundle, folder / ADOPTED)
    return Outcome(summary={"digest": digest, "runtime": f"{manifest.runtime.engine} {manifest.runtime.precision}"})


def preflight(settings: AdoptSection) -> None:
    """Refuse what isn't a finished run, or isn't a bundle that may be judged by it."""
    _sources(settings.variant.run)
    _require_same_model(read_bundle_manifest(settings.variant.bundle), settings.variant)


def what_is_taken(settings: AdoptSection, _: Inputs) -> Mapping[str, str]:
    """The content of what the run left; the bundle's digest stands in the settings."""
    return {name: _fingerprint(place) for name, place in _sources(settings.variant.run).items()}


def _sources(run: Path) -> dict[str, Path]:
    """Where the run has what is taken from it.

    Raises:
        NotARunError: a step isn't done, or what it left has changed.
    """
    found = {}
    for name, (source, _) in TAKEN.items():
        step, _, output = source.partition(".")
        record = read_record(run, step)
        artefact = record.artefacts.get(output) if record else None
        problem = problem_with(run, artefact) if artefact else f"its step {step} isn't done"
        if problem:
            raise NotARunError(
                f"{run} is not the output folder of a finished run: {problem}. Name the folder that `nevus run` wrote, "
                "or finish it with `nevus run`."
            )
        found[name] = run / MAIN_JOB.output_path(source)
    return found


def _require_same_model(manifest: BundleManifest, variant: VariantSettings) -> None:
    own = read_bundle_manifest(variant.run / MAIN_JOB.output_path("package.bundle"))
    who = f"{variant.bundle} can't be judged by the run {variant.run}:"
    if (manifest.task, manifest.classes) != (own.task, own.classes):
        raise OtherModelError(
            f"{who} it knows {', '.join(manifest.classes)} ({manifest.task}), and the run {', '.join(own.classes)} "
            f"({own.task}). Name the run whose classes it has."
        )
    if set(manifest.malignant) != set(own.malignant):
        raise OtherModelError(
            f"{who} to it {', '.join(sorted(manifest.malignant))} count as malignant, and to the run "
            f"{', '.join(sorted(own.malignant))}."
        )
    split = manifest.fingerprints.split
    if split is None or split != own.fingerprints.split:
        came = "doesn't say which split it was trained on" if split is None else "was trained on another split"
        raise OtherModelError(
            f"{who} it {came}, so it may have learnt from images of this test part, which would flatter it. Judge it "
            "by its own run, or with `nevus evaluate` on data that had no part in it."
        )


def _copy(source: Path, target: Path) -> None:
    """A copy that is there whole or not at all."""
    if source.is_dir():
        partial = target.with_name(f".{target.name}.partial-{os.getpid()}")  # such a one the engine clears after a kill
        shutil.copytree(source, partial)
        shutil.rmtree(target, ignore_errors=True)
    else:
        partial = target.with_name(target.name + ".partial")
        shutil.copyfile(source, partial)
    partial.replace(target)


def _fingerprint(place: Path) -> str:
    return describe(place.parent, place.name).sha256 if place.is_dir() else hash_file(place)
