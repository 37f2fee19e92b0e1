"""train: the network learns, and becomes a draft of the bundle, at temperature 1 and without thresholds."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from nevus.bundle import metadata, write_bundle
from nevus.bundle.schema import BundleManifest, DataSummary, Fingerprints, InputSpec
from nevus.data.licences import allow_commercial_use, each_licence
from nevus.data.manifest import content_fingerprint
from nevus.data.prepare import default_cache
from nevus.data.splits import split_fingerprint
from nevus.pipeline.progress import tell
from nevus.pipeline.settings import TrainSection
from nevus.pipeline.step import URI, Inputs, Outcome
from nevus.pipeline.tables import part_sizes, read_split_manifest
from nevus.provenance import code_revision, library_versions
from nevus.settings import fingerprint
from nevus.tracking import Tracker, open_tracker
from nevus.training.targets import choose_targets

if TYPE_CHECKING:  # torch and Lightning take seconds to load, which a run that skips this step needn't spend
    from nevus.training.callbacks import Report
    from nevus.training.novelty.settings import NoveltySettings
    from nevus.training.worker import TrainingJob

DRAFT = "draft"
HISTORY = "history.json"
SCRATCH = "training"
LIBRARIES = ("nevus", "torch", "torchvision", "timm", "lightning", "onnx", "onnxscript", "onnxruntime", "numpy")


def run(settings: TrainSection, inputs: Inputs, output: URI) -> Outcome:
    """Train (or go on), export, and write the draft."""
    from nevus.training.worker import train

    folder = Path(output)
    rows = read_split_manifest(inputs["manifest"], inputs["split"])
    job = training_job(settings, rows, inputs["prepared"], folder / SCRATCH)
    tracker = open_tracker(settings.tracking, output=folder, store=settings.store)
    tracker.start(settings.name, settings=settings.model_dump(mode="json"), tags=_origin(rows))
    try:
        trained = train(job, _report(tracker))
        graph = _graph(job, trained.weights, settings.novelty)
    except BaseException as error:
        tracker.fail(str(error) or type(error).__name__)
        raise
    write_bundle(folder / DRAFT, _manifest(settings, job, rows), graph)
    text = json.dumps(trained.history, indent=1)
    (folder / (HISTORY + ".partial")).write_text(text)
    (folder / (HISTORY + ".partial")).replace(folder / HISTORY)
    tracker.log_artefact(folder / HISTORY)
    tracker.finish()
    return Outcome(summary={"best": trained.best, "epochs": len(trained.history), "tracking_run": tracker.run_id})


def training_job(settings: TrainSection, rows: pl.DataFrame, prepared: URI, scratch: Path) -> TrainingJob:
    """The job that these settings ask for, with its rows written into `scratch`."""
    from nevus.training.examples import fit_metadata
    from nevus.training.worker import TrainingJob

    targets = choose_targets(rows, settings.task, settings.classes, settings.malignant)
    learning = rows.filter(pl.col("split") == "train")
    job = TrainingJob(
        manifest=scratch / "rows.parquet",
        prepared=prepared,
        cache=default_cache(settings.store.home),
        output=scratch,
        task=targets.task,
        classes=targets.classes,
        malignant=targets.malignant,
        metadata=fit_metadata(learning) if settings.model.metadata else None,
        model=settings.model,
        training=settings.training,
    )
    scratch.mkdir(exist_ok=True)
    rows.write_parquet(job.manifest)
    return job


def preflight(settings: TrainSection) -> None:
    """Refuse a backbone that timm doesn't have, and weights that aren't there or don't fit it, by building it."""
    from nevus.training.backbones import create_backbone

    create_backbone(settings.model)


def _origin(rows: pl.DataFrame) -> dict[str, str]:
    """What the run came from, as tags of the tracker."""
    return {
        "nevus.code_revision": code_revision(),
        "nevus.content_fingerprint": content_fingerprint(rows),
        "nevus.split_fingerprint": split_fingerprint(rows),
    }


def _report(tracker: Tracker) -> Report:
    def report(done: int, total: int, entry: dict[str, float | int | str] | None) -> None:
        tell(done, total, "batches")
        if entry is not None:
            figures = {k: float(v) for k, v in entry.items() if isinstance(v, float)}
            tracker.log_metrics(figures, step=int(entry["epoch"]))

    return report


def _graph(job: TrainingJob, weights: Path, novelty: NoveltySettings) -> bytes:
    from safetensors.torch import load_file

    from nevus.training.export import export_graph
    from nevus.training.graph import BundleGraph
    from nevus.training.refusal import fit_refusal
    from nevus.training.worker import build_network

    network = build_network(job)
    network.load_state_dict(load_file(weights))
    score = fit_refusal(job, novelty, lambda done, total: tell(done, total, "pictures for the refusal"))
    graph = BundleGraph(network, job.targets.malignant_mask, job.model.views, novelty=score)
    return export_graph(
        graph, height=job.model.height, width=job.model.width, metadata_width=metadata.width(job.metadata)
    )


def _manifest(settings: TrainSection, job: TrainingJob, rows: pl.DataFrame) -> BundleManifest:
    licences = each_licence(rows["licence"].unique())
    sizes = part_sizes(rows)
    return BundleManifest(
        name=settings.name,
        created_at=datetime.now(UTC).replace(microsecond=0),
        task=job.targets.task,
        classes=job.classes,
        malignant=job.malignant,
        input=InputSpec(height=job.model.height, width=job.model.width, rule=job.model.rule),
        metadata=job.metadata,
        views=job.model.views,
        backbone=job.model.backbone,
        data=DataSummary(
            datasets=tuple(rows["dataset"].unique().sort()),
            licences=licences,
            attributions=tuple(rows["attribution"].drop_nulls().unique().sort()),
            images={part: size.n_images for part, size in sizes.items()},
            groups={part: size.n_groups for part, size in sizes.items()},
            has_patient_ids=rows["patient_id"].null_count() < rows.height,
            has_skin_type=rows["skin_type"].null_count() < rows.height,
        ),
        licence="; ".join(licences),
        commercial_use=allow_commercial_use(licences),
        fingerprints=Fingerprints(
            content=content_fingerprint(rows),
            split=split_fingerprint(rows),
            settings=fingerprint({"model": settings.model.model_dump(mode="json"), "training": _decisive(settings)}),
        ),
        code_revision=code_revision(),
        settings=_shown(settings),
        libraries=library_versions(LIBRARIES),
    )


def _decisive(settings: TrainSection) -> dict[str, object]:
    return settings.training.model_dump(mode="json", exclude={"workers", "threads"})


def _shown(settings: TrainSection) -> dict[str, object]:
    """The settings that go with the bundle: no paths of this machine."""
    shown = settings.model_dump(mode="json", include={"task", "model", "training"})
    weights = settings.model.weights
    shown["model"]["weights"] = weights.name if isinstance(weights, Path) else weights
    return shown
