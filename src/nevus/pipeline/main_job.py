"""The main job: the nine steps from a dataset to a registered model."""

from __future__ import annotations

from typing import Final

from nevus.pipeline import outside
from nevus.pipeline import settings as s
from nevus.pipeline.step import Pipeline, StepSpec
from nevus.pipeline.steps import check, evaluate, gate, ingest, package, prepare, register, split, train

_DATA = {"manifest": "check.manifest", "split": "split.split"}

INGEST: Final = StepSpec(
    name="ingest",
    run=ingest.run,
    settings=lambda tree: s.part_of(s.IngestSection, tree),
    outputs={"manifest": ingest.MANIFEST, "drawn": ingest.DRAWN},
    optional=("drawn",),
    external=outside.datasets_as_they_lie,
    preflight=ingest.preflight,
)
CHECK: Final = StepSpec(
    name="check",
    run=check.run,
    settings=lambda tree: s.part_of(s.CheckSection, tree),
    inputs={"manifest": "ingest.manifest", "drawn": "ingest.drawn"},
    outputs={
        "manifest": check.MANIFEST,
        "checks": check.CHECKS,
        "duplicates": check.DUPLICATES,
        "sheet": check.SHEET,
    },
    external=outside.images_as_they_lie,
)
SPLIT: Final = StepSpec(
    name="split",
    run=split.run,
    settings=lambda tree: s.part_of(s.SplitSection, tree),
    inputs={"manifest": "check.manifest"},
    outputs={"split": split.SPLIT},
)
PREPARE: Final = StepSpec(
    name="prepare",
    run=prepare.run,
    settings=lambda tree: tree.prepare,
    inputs={"manifest": "check.manifest"},
    outputs={"prepared": prepare.PREPARED},
)
TRAIN: Final = StepSpec(
    name="train",
    run=train.run,
    settings=lambda tree: s.part_of(s.TrainSection, tree),
    inputs={**_DATA, "prepared": "prepare.prepared"},
    outputs={"draft": train.DRAFT, "history": train.HISTORY},
    scratch=(train.SCRATCH,),
    external=outside.weights_as_they_lie,
    preflight=train.preflight,
)
EVALUATE: Final = StepSpec(
    name="evaluate",
    run=evaluate.run,
    settings=lambda tree: s.part_of(s.EvaluateSection, tree),
    inputs={**_DATA, "draft": "train.draft"},
    outputs={
        "evaluated": evaluate.EVALUATED,
        "metrics": evaluate.METRICS,
        "predictions": evaluate.PREDICTIONS,
    },
)
_RESULTS = {
    **_DATA,
    "checks": "check.checks",
    "duplicates": "check.duplicates",
    "history": "train.history",
    "metrics": "evaluate.metrics",
    "predictions": "evaluate.predictions",
}
PACKAGE: Final = StepSpec(
    name="package",
    run=package.run,
    settings=lambda tree: s.part_of(s.PackageSection, tree),
    inputs={**_RESULTS, "evaluated": "evaluate.evaluated"},
    outputs={"bundle": package.BUNDLE},
)
GATE: Final = StepSpec(
    name="gate",
    run=gate.run,
    settings=lambda tree: s.part_of(s.GateSection, tree),
    inputs={**_RESULTS, "bundle": "package.bundle"},
    outputs={"verdict": gate.VERDICT, "report": gate.REPORT},
    external=lambda section, _: gate.champion_and_policy(section),
    preflight=gate.preflight,
)
REGISTER: Final = StepSpec(
    name="register",
    run=register.run,
    settings=lambda tree: s.part_of(s.RegisterSection, tree),
    inputs={
        "bundle": "package.bundle",
        "verdict": "gate.verdict",
        "report": "gate.report",
        "metrics": "evaluate.metrics",
        "predictions": "evaluate.predictions",
    },
    outputs={"registered": register.REGISTERED},
    preflight=register.preflight,
)

MAIN_JOB: Final = Pipeline((INGEST, CHECK, SPLIT, PREPARE, TRAIN, EVALUATE, PACKAGE, GATE, REGISTER), neutral=s.NEUTRAL)
"""In this order; each step is also `nevus step NAME`."""
