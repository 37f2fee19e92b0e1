"""What a faster variant of a run's bundle gains and costs: speed, scores, parity with the original, the gate's word.

    python benchmarks/variants.py --run runs/ham10000 [--images DIR] [--json FILE]

Converts the run's bundle (what is there from an earlier call is kept), with images of the training part, adds each
variant as `nevus models add` does, and lets all bundles race on decoded images: two threads each, alternating round by
round in this process, so that a busy machine slows all of them; a ratio is the median of the rounds' ratios. Adding
opens the test part and registers, so name a store of its own (NEVUS_HOME) where that isn't wanted.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
from pathlib import Path
from typing import Any

import polars as pl

from nevus.bundle import Predictor
from nevus.bundle.conversion import convert_bundle
from nevus.bundle.conversion.convert import MOST_IMAGES
from nevus.bundle.directory import MANIFEST
from nevus.bundle.schema import RuntimeSpec
from nevus.bundle.source import Source
from nevus.data.pixels import ManifestPixels
from nevus.errors import NevusError
from nevus.evaluation.results import TEST, read_results
from nevus.pipeline.engines import Event
from nevus.pipeline.loading import load_settings
from nevus.pipeline.main_job import MAIN_JOB
from nevus.pipeline.run_settings import kept_settings
from nevus.pipeline.settings import RunSettings
from nevus.pipeline.tables import read_split_manifest
from nevus.pipeline.variant import add_variant
from predictor import load, race

OWN = "onnxruntime fp32"
VARIANTS = (("openvino", "fp32"), ("openvino", "bf16"), ("onnxruntime", "int8"), ("openvino", "int8"))
THREADS = 2
SCORES = ("balanced_accuracy", "malignant_auroc")


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--run", type=Path, required=True, help="output folder of a run")
    parser.add_argument("--images", type=Path, help="a folder of images for the race; default: drawn ones")
    parser.add_argument("--count", type=int, default=48, help="images in a round")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--json", type=Path, help="also write the figures here")
    asked = parser.parse_args()
    rows, bundles = {OWN: own_row(asked.run)}, {OWN: asked.run / "bundle"}
    images = training_images(asked.run)
    for engine, precision in VARIANTS:
        name = f"{engine} {precision}"
        say(f"{name} ...")
        try:
            rows[name] = add(asked.run, RuntimeSpec(engine=engine, precision=precision), images)
        except NevusError as error:
            rows[name] = {"refused": str(error)}
        else:
            bundles[name] = asked.run / "variants" / f"{engine}-{precision}" / "bundle"
    for name, speed in speeds(bundles, asked.images, asked.count, asked.rounds).items():
        rows[name] |= speed
    show(rows)
    if asked.json:
        asked.json.write_text(json.dumps(rows, indent=2) + "\n")
    return 0


def training_images(run: Path) -> list[Source]:
    """Images of the training part, evenly chosen; neither validation nor test may set a variant's ranges."""
    rows = read_split_manifest(str(run / "manifest.parquet"), str(run / "split.parquet"))
    training = rows.filter(pl.col("split") == "train").sort("image_id")
    training = training.gather_every(max(1, training.height // (2 * MOST_IMAGES)))
    read = ManifestPixels(training)
    return [read.source(row) for row in range(training.height)]


def add(run: Path, spec: RuntimeSpec, images: list[Source]) -> dict[str, Any]:
    """Convert and add a variant; its figures."""
    made = run / "converted" / f"{spec.engine}-{spec.precision}"
    if not (made / MANIFEST).is_file():
        convert_bundle(run / "bundle", made, spec, images=images, progress=say)
    tree = load_settings(RunSettings, kept_settings(run, RunSettings(), neutral=MAIN_JOB.neutral))
    result = add_variant(run, made, tree, listener=_hear)
    found = {step.step: dict(step.record.summary) for step in result.steps if step.record}
    failed = [line["rule"] for line in found["gate"]["lines"] if not line["passed"]]
    scores = {name: found["measure"]["test"][name] for name in SCORES}
    return scores | {"parity": found["measure"]["parity"], "gate": failed, "state": found["register"]["state"]}


def own_row(run: Path) -> dict[str, Any]:
    """The figures of the run's own bundle."""
    scores = read_results(run / "metrics.json").subsets[TEST].metrics
    lines = json.loads((run / "gate.json").read_text())["lines"]
    failed = [line["rule"] for line in lines if not line["passed"]]
    return {name: scores[name].model_dump() for name in SCORES} | {"gate": failed}


def speeds(bundles: dict[str, Path], folder: Path | None, count: int, rounds: int) -> dict[str, dict[str, float]]:
    """Images a second of each bundle, processor time an image, and the ratio to the run's own bundle."""
    predictors = {name: Predictor(bundle, threads=THREADS) for name, bundle in bundles.items()}
    decoded = load(folder, count, predictors[OWN])
    works = {name: (lambda p=predictor: p.predict(decoded)) for name, predictor in predictors.items()}
    rates, costs = race(works, len(decoded), rounds)
    return {
        name: {
            "images_per_second": statistics.median(rates[name]),
            "processor_milliseconds_an_image": statistics.median(costs[name]),
            "ratio": statistics.median(a / b for a, b in zip(rates[name], rates[OWN], strict=True)),
        }
        for name in bundles
    }


def show(rows: dict[str, dict[str, Any]]) -> None:
    """Print the table in Markdown."""
    titles = ("images/s", "ratio", "ms of a processor an image", "balanced accuracy", "malignant AUROC")
    print(f"| runtime | {' | '.join(titles)} | same diagnosis, verdict | gate |")
    print("| --- | ---: | ---: | ---: | --- | --- | --- | --- |")
    for name, row in rows.items():
        if "refused" in row:
            print(f"| {name} | | | | | | | not offered: {row['refused']} |")
            continue
        parity = row.get("parity")
        same = f"{parity['same_diagnosis']:.1%}, {parity['same_verdict']:.1%}" if parity else ""
        gate = "passed" if not row["gate"] else f"rejected: {', '.join(row['gate'])}"
        figures = " | ".join(interval(row[score]) for score in SCORES)
        speed = f"{row['images_per_second']:.1f} | {row['ratio']:.2f} | {row['processor_milliseconds_an_image']:.1f}"
        print(f"| {name} | {speed} | {figures} | {same} | {gate} |")


def interval(figure: dict[str, float]) -> str:
    """Value and 95 % interval."""
    return f"{figure['value']:.3f} ({figure['low']:.3f} to {figure['high']:.3f})"


def say(text: str) -> None:
    """Tell on stderr what is being done."""
    print(text, file=sys.stderr, flush=True)


def _hear(event: Event) -> None:
    if event.kind in ("started", "notice", "finished"):
        say(f"  {event.step} {event.kind} {event.text}")


if __name__ == "__main__":
    sys.exit(main())
